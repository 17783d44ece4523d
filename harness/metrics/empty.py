"""Share of texts without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics import share

TITLE = "empty"
COLUMNS = ("empty", "total")
LOWER_IS_BETTER = True
LIMITS = (0.0, 1.0)
DESCRIPTIVE = True


def count(words: Sequence[str], references: Sequence[str]) -> dict[str, int]:  # noqa: ARG001
    """1 for a text without a word."""
    return {"empty": int(not words)}


def value(totals: Mapping[str, float]) -> float:
    """empty / total; 0 where nothing was judged."""
    return share(totals["empty"], totals["total"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per text."""
    return columns["empty"], columns["total"]
