"""The folder of a tuned model that outlives its run: its card, and its answers to new texts."""
