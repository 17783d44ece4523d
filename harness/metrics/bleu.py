"""Corpus BLEU from 0 to 100, as sacreBLEU counts it (Papineni et al. 2002; Post 2018).

Columns are sacreBLEU's statistics of one text, with its tokenisation; their sums give its corpus
score: the geometric mean of four n-gram precisions, with the brevity penalty. A precision of 0 is
smoothed as by sacreBLEU's default ("exp"): the k-th of them becomes 1 / (2^k n-grams).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.metrics import Vector

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU

TITLE = "BLEU"
_ORDERS = (1, 2, 3, 4)
_MATCHED = tuple(f"bleu_matched_{n}" for n in _ORDERS)
_WRITTEN = tuple(f"bleu_written_{n}" for n in _ORDERS)
COLUMNS = ("bleu_length", "bleu_reference", *_MATCHED, *_WRITTEN)
LOWER_IS_BETTER = False
LIMITS = (0.0, 100.0)


def count(words: Sequence[str], references: Sequence[str]) -> dict[str, int]:
    """Lengths, and n-grams matched and written, of one text."""
    seen = _counter().sentence_score(" ".join(words), list(references))
    counts = (seen.sys_len, seen.ref_len, *seen.counts, *seen.totals)
    return dict(zip(COLUMNS, map(int, counts), strict=True))


def value(totals: Mapping[str, float]) -> float:
    """The corpus score of summed columns; 0 where no word is matched."""
    return float(values({name: np.array([totals[name]], float) for name in COLUMNS})[0])


def values(totals: Mapping[str, Vector]) -> Vector:
    """`value` of many sums at once, one in each place of the columns."""
    matched = np.stack([totals[name] for name in _MATCHED])
    written = np.stack([totals[name] for name in _WRITTEN])
    length, reference = totals["bleu_length"], totals["bleu_reference"]
    none = matched == 0
    smoothed = np.where(none, 0.5 ** np.cumsum(none, axis=0), matched)
    precision = 100 * smoothed / np.maximum(written, 1)
    brevity = np.exp(np.minimum(0.0, 1 - reference / np.maximum(length, 1)))
    score = brevity * np.exp(np.log(precision).mean(axis=0))
    scored: Vector = np.where(none.all(axis=0) | (written == 0).any(axis=0), 0.0, score)
    return scored


def signature(references: Sequence[Sequence[str]]) -> str:
    """sacreBLEU's own, for texts judged against these references."""
    from sacrebleu.metrics.bleu import BLEU

    return str(BLEU(references=streams(references)).get_signature())


def streams(references: Sequence[Sequence[str]]) -> list[list[Any]]:
    """Stand-ins for references in sacreBLEU's order; None where a text has fewer than others."""
    numbers = sorted({len(texts) for texts in references})
    return [["" if i < n else None for n in numbers] for i in range(numbers[-1])]


@cache
def _counter() -> BLEU:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(effective_order=True)  # of no matter for counts, and a warning less
