"""Pretraining of a pair on a folder of text: blocks, order, updates, and what is kept."""
