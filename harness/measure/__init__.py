"""Instruments. What they read is raw; what it means is the report's business."""
