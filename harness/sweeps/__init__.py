"""Many cells: what of them is left to do, what they will cost, and doing it."""
