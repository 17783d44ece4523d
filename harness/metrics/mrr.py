"""Mean reciprocal rank: one over the rank of a query's first relevant candidate (Voorhees 1999).

Mean over queries. Where scores tie, the mean over all orders of the tied (McSherry and Najork
2008). Queries and their columns as in `ndcg_10`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from harness.metrics import share
from harness.metrics.ndcg_10 import UNITS, by_query

TITLE = "MRR"
COLUMNS = ("mrr", "queries")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)
OBSERVATIONS = "queries"


def of_query(scores: ArrayLike, relevant: ArrayLike) -> float:
    """Expected reciprocal rank of one query's candidates, of which at least one is relevant.

    Of t tied, m of them relevant, with a others before them, the first relevant one stands at rank
    a + k in C(t - k, m - 1) of C(t, m) orders.
    """
    score, positive = np.asarray(scores, np.float64), np.asarray(relevant, bool)
    best = score[positive].max()
    before, tied = int((score > best).sum()), score == best
    size, among = int(tied.sum()), int((tied & positive).sum())
    orders = ((k, comb(size - k, among - 1)) for k in range(1, size - among + 2))
    return sum(count / (before + k) for k, count in orders) / comb(size, among)


def value(totals: Mapping[str, float]) -> float:
    """The mean over queries; 0 where none can be ordered."""
    return share(totals["mrr"], UNITS * totals["queries"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per query."""
    return by_query(columns["mrr"], columns["queries"])
