"""Share of examples answered right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TITLE = "accuracy"
COLUMNS = ("correct", "total")


def value(totals: Mapping[str, float]) -> float:
    """correct / total; 0 where nothing was judged."""
    return totals["correct"] / totals["total"] if totals["total"] else 0.0


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per example."""
    return columns["correct"], columns["total"]
