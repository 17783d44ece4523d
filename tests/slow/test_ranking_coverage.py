"""How often intervals of ranking metrics hold the truth, where queries are clusters of examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.metrics import auc, ndcg_10
from harness.statistics import stats

SEEDS, CANDIDATES, ROUNDS = 5, 6, 1500
DISCOUNTS = 1 / np.log2(np.arange(2, 2 + CANDIDATES))
BEST = np.concatenate([[1.0], np.cumsum(DISCOUNTS)])

Labels = NDArray[np.int64]
Scores = NDArray[np.float64]
Linearised = Callable[[Labels, Scores], NDArray[np.float64]]


def drawn(rng: np.random.Generator, queries: int, seeds: int) -> tuple[Labels, Scores]:
    """Labels, and scores of each run: queries differ in level and in how hard they are."""
    labels = (rng.random((queries, CANDIDATES)) < rng.uniform(0.1, 0.7, (queries, 1))).astype(int)
    hard, level = rng.normal(1.0, 0.7, (queries, 1)), rng.normal(size=(queries, 1))
    skill = rng.normal(1.0, 0.15, (seeds, 1, 1))
    noise = rng.normal(size=(queries, CANDIDATES))
    noise = noise + 0.5 * rng.normal(size=(seeds, queries, CANDIDATES))
    return labels, skill * hard * labels + level + noise


def gained(labels: Labels, scores: Scores) -> NDArray[np.float64]:
    """nDCG of untied candidates, all at once: what `ndcg_10.of_query` gives one by one."""
    order = np.argsort(-scores, axis=2)
    found = np.take_along_axis(np.broadcast_to(labels, scores.shape), order, 2)
    value: NDArray[np.float64] = found @ DISCOUNTS / BEST[labels.sum(1)]
    return value


def of_ndcg(labels: Labels, scores: Scores) -> NDArray[np.float64]:
    able = (labels.sum(1) > 0) & (labels.sum(1) < CANDIDATES)
    values = np.zeros((len(scores), labels.size), np.int64)
    values[:, ::CANDIDATES] = np.rint(ndcg_10.UNITS * gained(labels, scores) * able)
    marks = np.zeros(labels.size, np.int64)
    marks[::CANDIDATES] = able
    rows = ({"ndcg_10": row.tolist(), "queries": marks.tolist()} for row in values)
    return linearised([ndcg_10.ratio(row) for row in rows])


def of_auc(labels: Labels, scores: Scores) -> NDArray[np.float64]:
    return areas(labels, scores, np.repeat(np.arange(len(labels)), CANDIDATES))


def one_by_one(labels: Labels, scores: Scores) -> NDArray[np.float64]:
    """The same with every example for a query of its own."""
    return areas(labels, scores, np.arange(labels.size))


def areas(labels: Labels, scores: Scores, query: NDArray[np.int64]) -> NDArray[np.float64]:
    found = (auc.pairs(run.ravel(), labels.ravel()) for run in scores)
    rows = (
        {"auc_won": w.tolist(), "auc_pairs": p.tolist(), "query": query.tolist()} for w, p in found
    )
    return linearised([auc.ratio(row) for row in rows])


def linearised(found: Sequence[tuple[Sequence[float], Sequence[float]]]) -> NDArray[np.float64]:
    num, den = (np.array([side[part] for side in found], float) for part in (0, 1))
    return stats.linearise(num, den)


def coverage(metric: Linearised, queries: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    truth = float(np.mean([metric(*drawn(rng, 2000, 10)).mean() for _ in range(60)]))
    every = (stats.mean_interval(metric(*drawn(rng, queries, SEEDS))) for _ in range(ROUNDS))
    return float(np.mean([not found.excludes(truth) for found in every]))


def test_the_quick_sum_is_that_of_one_query() -> None:
    labels, scores = drawn(np.random.default_rng(0), 20, 2)
    for run, values in zip(scores, gained(labels, scores), strict=True):
        for some, right, value in zip(run, labels, values, strict=True):
            if right.any():
                assert ndcg_10.of_query(some, right) == pytest.approx(value)


@pytest.mark.slow
@pytest.mark.parametrize("queries", [12, 50])
@pytest.mark.parametrize("metric", [of_auc, of_ndcg])
def test_intervals_hold_the_truth(metric: Linearised, queries: int) -> None:
    held = coverage(metric, queries, 11)
    print(f"{metric.__name__}, {queries} queries: {held:.3f}")
    assert 0.93 <= held <= 0.98


@pytest.mark.slow
def test_examples_taken_one_by_one_would_hold_it_less_often() -> None:
    assert coverage(one_by_one, 50, 11) < 0.93
