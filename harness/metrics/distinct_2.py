"""Distinct pairs of neighbouring words per pair, over all texts together; see `distinct_1`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics import distinct_1, share

TITLE = "distinct-2"
COLUMNS = ("new_2_grams", "all_2_grams")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)
DESCRIPTIVE = True
NO_INTERVAL = distinct_1.NO_INTERVAL


def count_all(texts: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """n-grams of each text, and how many of them are new, in the texts' order."""
    return distinct_1.counted(texts, 2)


def value(totals: Mapping[str, float]) -> float:
    """Different n-grams / all n-grams; 0 where there are none."""
    return share(*(totals[name] for name in COLUMNS))
