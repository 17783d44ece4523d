"""From words to tensors, and from a body to answers: what training and inference share."""
