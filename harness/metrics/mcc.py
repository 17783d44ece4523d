"""Matthews correlation of answers and labels: 1 all right, 0 no better than chance, -1 all wrong.

For any number of classes (Gorodkin 2004, R_K); with two it is Matthews' (1975). It stays 0 for a
rule that ignores the input, however skewed the classes are. Sums per class as in `macro_f1`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.metrics import macro_f1
from harness.metrics.macro_f1 import ByClass, sums

__all__ = ["COLUMNS", "LIMITS", "LOWER_IS_BETTER", "TITLE", "ratio", "sums", "value"]

TITLE = "Matthews correlation"
COLUMNS = macro_f1.COLUMNS
LOWER_IS_BETTER = False
LIMITS = (-1.0, 1.0)


def value(totals: Mapping[str, float]) -> float:
    """N / sqrt(A B) of `_terms`; 0 where only one class is wanted, or answered."""
    above, answered, wanted = _terms(macro_f1.of(totals))
    below = answered * wanted
    return float(above / below**0.5) if below else 0.0


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Linearised values of each example, over 1: their mean is the score.

    To first order an example adds dN / sqrt(A B) - M / 2 (dA / A + dB / B), the derivative of the
    correlation M by its weight, which sums to 0 over the examples.
    """
    found = macro_f1.by_class(columns)
    above, answered, wanted = _terms(found)
    pred, gold = (np.asarray(columns[name], np.int64) for name in ("pred", "gold"))
    size = len(gold)
    if not answered * wanted:
        return [0.0] * size, [1.0] * size
    root = (answered * wanted) ** 0.5
    score = above / root
    pull = size * (pred == gold) + found.right.sum() - found.gold[pred] - found.pred[gold]
    spread = (size - found.pred[pred]) / answered + (size - found.gold[gold]) / wanted
    psi = score + size * (pull / root - score * spread)
    return psi.tolist(), [1.0] * size


def _terms(found: ByClass) -> tuple[float, float, float]:
    """N = c s - sum p t, A = s^2 - sum p^2, B = s^2 - sum t^2.

    Of s examples c are right; of each class p are answered and t wanted.
    """
    size = float(found.gold.sum())
    above = float(found.right.sum() * size - found.pred @ found.gold)
    answered, wanted = (size**2 - float(part @ part) for part in (found.pred, found.gold))
    return above, answered, wanted
