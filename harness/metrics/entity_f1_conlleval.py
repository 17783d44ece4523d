"""Entity F1 as conlleval counts: an I- tag after O or after another type opens an entity.

Shown beside the strict score because most published CoNLL figures were counted this way; it is
also what seqeval does unless told otherwise. Columns carry the suffix `_conlleval`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics import entity_f1

TITLE = "entity F1 (conlleval)"
COLUMNS = ("tp_conlleval", "pred_conlleval", "gold_conlleval")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)


def value(totals: Mapping[str, float]) -> float:
    """2 tp / (pred + gold)."""
    return entity_f1.f1(*(totals[name] for name in COLUMNS))


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per example."""
    tp, pred, gold = (columns[name] for name in COLUMNS)
    return entity_f1.f1_ratio(tp, pred, gold)


def spans(tags: Sequence[str]) -> set[tuple[int, int, str]]:
    """Entities as (start, end, type), end exclusive, under the lenient reading."""
    return entity_f1.spans(tags, opening=("B", "I"))
