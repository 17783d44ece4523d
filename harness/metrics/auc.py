"""Area under the ROC curve: how often a relevant example scores above an irrelevant one, ties half.

Over every such pair of the split, also where the two belong to different queries (Mann and Whitney
1947; Hanley and McNeil 1982). Each example's column holds twice the pairs that it wins, a tie once,
so both columns are integers and every pair stands in them from both of its sides. Its error is
DeLong's, and Obuchowski's where examples share a query; see `ratio`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.metrics import Vector, share

TITLE = "AUC"
COLUMNS = ("auc_won", "auc_pairs", "query")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)
OBSERVATIONS = "queries"

Ints = NDArray[np.int64]


def pairs(scores: ArrayLike, relevant: ArrayLike) -> tuple[Ints, Ints]:
    """Of each example twice the opponents it beats and once those it ties with; its opponents.

    Opponents of a relevant example are the irrelevant ones and the other way round; a relevant one
    wins by the higher score, an irrelevant one by the lower.
    """
    score, positive = np.asarray(scores, np.float64), np.asarray(relevant, bool)
    won = np.zeros(len(score), np.int64)
    opponents = np.zeros(len(score), np.int64)
    for side, sign in ((positive, 1.0), (~positive, -1.0)):
        others = np.sort(sign * score[~side])
        below, upto = (
            np.searchsorted(others, sign * score[side], end) for end in ("left", "right")
        )
        won[side], opponents[side] = below + upto, len(others)
    return won, opponents


def value(totals: Mapping[str, float]) -> float:
    """Won pairs / pairs, a tie half; 0 where there is no pair."""
    return share(totals["auc_won"], 2 * totals["auc_pairs"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Linearised values of each query, over 1: their mean is the score.

    To first order a relevant example adds 1 / P (V - A) to the area A, where V is the share of its
    pairs that it wins and P the number of relevant ones, and an irrelevant one likewise. Their
    variance is that of DeLong, DeLong and Clarke-Pearson (1988) where every example is a query of
    its own; the ratio of the two columns would give a quarter of it, as it takes each pair for half
    an observation of either example. Examples of one query depend on one another, so they are
    summed: the variance of clustered ROC data (Obuchowski 1997, Biometrics 53).
    """
    won, opponents, query = (np.asarray(columns[name], np.int64) for name in COLUMNS)
    owner = np.unique(query, return_inverse=True)[1]
    count, whole = int(owner.max(initial=-1)) + 1, float(opponents.sum())
    if not whole:
        return [0.0] * count, [1.0] * count
    area = float(won.sum()) / (2 * whole)
    pull: Vector = np.bincount(owner, won - 2 * area * opponents) / whole
    return (area + count * pull).tolist(), [1.0] * count
