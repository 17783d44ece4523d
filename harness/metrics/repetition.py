"""Share of 4-grams that occur earlier in the same text (after Welleck et al. 2020, seq-rep-4).

Texts of fewer than four words have none and weigh nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics import share

TITLE = "repetition (4-grams)"
COLUMNS = ("repeated_4_grams", "all_4_grams")
LOWER_IS_BETTER = True
LIMITS = (0.0, 1.0)
DESCRIPTIVE = True

_LENGTH = 4


def count(words: Sequence[str], references: Sequence[str]) -> dict[str, int]:  # noqa: ARG001
    """4-grams of one text, and how many of them it had before."""
    grams = [tuple(words[i : i + _LENGTH]) for i in range(len(words) - _LENGTH + 1)]
    return {"repeated_4_grams": len(grams) - len(set(grams)), "all_4_grams": len(grams)}


def value(totals: Mapping[str, float]) -> float:
    """Repeated 4-grams / all 4-grams; 0 where there are none."""
    return share(totals["repeated_4_grams"], totals["all_4_grams"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per text."""
    return columns["repeated_4_grams"], columns["all_4_grams"]
