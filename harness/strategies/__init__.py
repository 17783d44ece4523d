"""Which parameters are tuned, one strategy a file. A strategy knows no family and no task."""
