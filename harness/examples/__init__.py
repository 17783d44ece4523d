"""Labelled examples before any model sees them: what is known, counted and suspected of them."""
