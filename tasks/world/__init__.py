"""The embedded world: a seeded little language whose best possible scores are known."""
