"""Slot errors per slot: facts that a text lacks, adds or gets wrong, counted exactly.

The rate of errors over what should be said, as word errors are counted over the words of a
reference; a text that adds facts can therefore exceed 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics import share

TITLE = "slot error rate"
COLUMNS = ("missing", "added", "wrong", "slots")
LOWER_IS_BETTER = True
LIMITS = (0.0, float("inf"))

ERRORS = ("missing", "added", "wrong")


def value(totals: Mapping[str, float]) -> float:
    """(missing + added + wrong) / slots; 0 where nothing should be said."""
    return share(sum(totals[name] for name in ERRORS), totals["slots"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per text."""
    return errors(columns), columns["slots"]


def errors(columns: Mapping[str, Sequence[int]]) -> list[int]:
    """Errors of any kind in each text."""
    return [sum(row) for row in zip(*(columns[name] for name in ERRORS), strict=True)]
