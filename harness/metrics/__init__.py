"""One metric a file: `ratio` per example and `value` of totals. No model, no torch."""
