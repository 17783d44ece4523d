"""Data sets of the hub, or copies of them on disk, through the `datasets` library."""
