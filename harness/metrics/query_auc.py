"""AUC within queries: how often a relevant candidate scores above an irrelevant one of its query.

The mean over queries of each one's own area under the ROC curve, ties half (as "GAUC" without
weights; Zhu et al. 2017). A model that only knows which queries have many relevant candidates gains
nothing here. Queries and their columns as in `ndcg_10`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numpy.typing import ArrayLike

from harness.metrics import auc, share
from harness.metrics.ndcg_10 import UNITS, by_query

TITLE = "AUC within queries"
COLUMNS = ("query_auc", "queries")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)
OBSERVATIONS = "queries"


def of_query(scores: ArrayLike, relevant: ArrayLike) -> float:
    """AUC of one query's candidates, of which some are relevant and some are not."""
    won, pairs = auc.pairs(scores, relevant)
    return float(won.sum() / (2 * pairs.sum()))


def value(totals: Mapping[str, float]) -> float:
    """The mean over queries; 0 where none can be ordered."""
    return share(totals["query_auc"], UNITS * totals["queries"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per query."""
    return by_query(columns["query_auc"], columns["queries"])
