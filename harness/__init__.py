"""Which model for which task, a decoder (GPT) or an encoder (BERT)? Measured, not said."""
