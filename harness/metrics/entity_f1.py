"""Entity F1 under strict IOB2: an I- tag that continues nothing opens nothing.

An entity counts only with the right first word, last word and type. F1 = 2 tp / (pred + gold),
the harmonic mean of precision and recall; 0 where neither side has an entity, as seqeval does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TITLE = "entity F1 (strict IOB2)"
COLUMNS = ("tp", "pred", "gold")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)


def value(totals: Mapping[str, float]) -> float:
    """2 tp / (pred + gold)."""
    return f1(totals["tp"], totals["pred"], totals["gold"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per example."""
    return f1_ratio(columns["tp"], columns["pred"], columns["gold"])


def spans(tags: Sequence[str], opening: tuple[str, ...] = ("B",)) -> set[tuple[int, int, str]]:
    """Entities as (start, end, type), end exclusive; `opening` prefixes may start one."""
    found: set[tuple[int, int, str]] = set()
    start, kind = -1, ""
    for index, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        if start >= 0 and not (prefix == "I" and name == kind):
            found.add((start, index, kind))
            start = -1
        if start < 0 and prefix in opening:
            start, kind = index, name
    return found


def f1(tp: float, pred: float, gold: float) -> float:
    """2 tp / (pred + gold), or 0 where there is no entity at all."""
    return 2 * tp / (pred + gold) if pred + gold else 0.0


def f1_ratio(
    tp: Sequence[int], pred: Sequence[int], gold: Sequence[int]
) -> tuple[Sequence[float], Sequence[float]]:
    """Per-example numerators and denominators of `f1`."""
    return [2.0 * n for n in tp], [float(p + g) for p, g in zip(pred, gold, strict=True)]
