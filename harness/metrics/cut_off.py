"""Share of texts that reached the longest length before their end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics import share

TITLE = "cut off"
COLUMNS = ("cut_off", "total")
LOWER_IS_BETTER = True
LIMITS = (0.0, 1.0)
DESCRIPTIVE = True


def value(totals: Mapping[str, float]) -> float:
    """cut_off / total; 0 where nothing was judged."""
    return share(totals["cut_off"], totals["total"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per text."""
    return columns["cut_off"], columns["total"]
