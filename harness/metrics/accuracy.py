"""Share of examples answered right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics import share

TITLE = "accuracy"
COLUMNS = ("correct", "total")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)


def value(totals: Mapping[str, float]) -> float:
    """correct / total; 0 where nothing was judged."""
    return share(totals["correct"], totals["total"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per example."""
    return columns["correct"], columns["total"]
