"""Readers of labelled files: one small module per file format, chosen by configuration."""
