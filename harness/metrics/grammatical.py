"""Share of texts that a deterministic parser of the generating grammar accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics import share

TITLE = "grammatical"
COLUMNS = ("grammatical", "total")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)


def value(totals: Mapping[str, float]) -> float:
    """grammatical / total; 0 where nothing was judged."""
    return share(totals["grammatical"], totals["total"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per text."""
    return columns["grammatical"], columns["total"]
