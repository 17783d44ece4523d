"""Share of texts that repeat the name they are about, as it was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics import share

TITLE = "name copied"
COLUMNS = ("name_copied", "total")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)


def value(totals: Mapping[str, float]) -> float:
    """name_copied / total; 0 where nothing was judged."""
    return share(totals["name_copied"], totals["total"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per text."""
    return columns["name_copied"], columns["total"]
