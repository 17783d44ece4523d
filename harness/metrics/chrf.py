"""chrF2 from 0 to 100, as sacreBLEU counts it (Popovic 2015): an F-score of character n-grams.

Columns are sacreBLEU's statistics of one text against the reference that suits it best; their
sums give its corpus score: precision and recall, each the mean over n-gram lengths 1 to 6, with
recall counting twice as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from harness.metrics import Vector
from harness.metrics.bleu import streams

if TYPE_CHECKING:
    from sacrebleu.metrics.chrf import CHRF

TITLE = "chrF2"
_ORDERS = range(1, 7)
_KINDS = ("written", "reference", "matched")
COLUMNS = tuple(f"chrf_{kind}_{n}" for n in _ORDERS for kind in _KINDS)
LOWER_IS_BETTER = False
LIMITS = (0.0, 100.0)

_BETA_SQUARED = 4.0


def count(words: Sequence[str], references: Sequence[str]) -> dict[str, int]:
    """n-grams written, in the best reference, and matched, of one text."""
    one_stream_each = [[text] for text in references]
    (seen,) = _counter()._extract_corpus_statistics([" ".join(words)], one_stream_each)
    return dict(zip(COLUMNS, map(int, seen), strict=True))


def value(totals: Mapping[str, float]) -> float:
    """The corpus score of summed columns."""
    return float(values({name: np.array([totals[name]], float) for name in COLUMNS})[0])


def values(totals: Mapping[str, Vector]) -> Vector:
    """`value` of many sums at once, one in each place of the columns."""
    written, reference, matched = (
        np.stack([totals[f"chrf_{kind}_{n}"] for n in _ORDERS]) for kind in _KINDS
    )
    counted = (written > 0) & (reference > 0)
    orders = np.maximum(counted.sum(axis=0), 1)
    precision, recall = (
        np.where(counted, matched / np.maximum(n, 1), 0.0).sum(axis=0) / orders
        for n in (written, reference)
    )
    below = _BETA_SQUARED * precision + recall
    above = (1 + _BETA_SQUARED) * precision * recall
    score: Vector = 100 * np.where(below > 0, above / np.where(below > 0, below, 1.0), 0.0)
    return score


def signature(references: Sequence[Sequence[str]]) -> str:
    """sacreBLEU's own, for texts judged against these references."""
    from sacrebleu.metrics.chrf import CHRF

    return str(CHRF(references=streams(references)).get_signature())


@cache
def _counter() -> CHRF:
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()
