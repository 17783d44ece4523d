"""nDCG@10: how near to the top of its first ten ranks a query has its relevant candidates.

Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002): a relevant candidate at rank r
gains 1 / log2(r + 1) up to rank 10, divided by what the best order of the same candidates gains.
Mean over queries; those whose candidates are all relevant, or none is, cannot be ordered wrong and
are left out. Equal scores are a tie: the mean over all orders of the tied (McSherry and Najork
2008), so that the order of a file helps nobody. Stands as a whole number at a query's first
example; the others hold 0, so a ratio of sums over examples is one over queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from harness.metrics import Vector, share

TITLE = "nDCG@10"
COLUMNS = ("ndcg_10", "queries")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)
OBSERVATIONS = "queries"

DEPTH = 10
UNITS = 1_000_000
"""A query's value is multiplied by this and rounded, here and in the other means over queries."""


def of_query(scores: ArrayLike, relevant: ArrayLike) -> float:
    """nDCG@10 of one query's candidates, of which at least one is relevant."""
    gains = expected(scores, relevant)
    discounts = 1 / np.log2(np.arange(2, 2 + min(DEPTH, len(gains))))
    best = discounts[: int(np.sum(np.asarray(relevant, bool)))].sum()
    return float(gains[:DEPTH] @ discounts / best)


def expected(scores: ArrayLike, relevant: ArrayLike) -> Vector:
    """By rank, the chance of a relevant candidate: the tied share the relevant ones among them."""
    score, positive = np.asarray(scores, np.float64), np.asarray(relevant, np.float64)
    places, sizes = np.unique(-score, return_inverse=True, return_counts=True)[1:]
    mean: Vector = np.bincount(places, positive) / sizes
    return np.repeat(mean, sizes)


def value(totals: Mapping[str, float]) -> float:
    """The mean over queries; 0 where none can be ordered."""
    return share(totals["ndcg_10"], UNITS * totals["queries"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per query: candidates of one are no observations of their own."""
    return by_query(columns["ndcg_10"], columns["queries"])


def by_query(
    values: Sequence[int], queries: Sequence[int]
) -> tuple[Sequence[float], Sequence[float]]:
    """The whole numbers at the first examples of queries that are judged, each over UNITS."""
    found = [float(value) for value, one in zip(values, queries, strict=True) if one]
    return found, [float(UNITS)] * len(found)
