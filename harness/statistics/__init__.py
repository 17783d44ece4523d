"""Statistics of scores and of time. Numbers in, numbers out; no file and no model."""
