"""AUC, nDCG@10, AUC within queries, MRR: against scikit-learn, all orders of a tie, and DeLong."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import ndcg_score, roc_auc_score

from harness import metrics
from harness.metrics import auc, mrr, ndcg_10, query_auc
from harness.statistics import stats

Floats = NDArray[np.float64]
WITHIN = {"ndcg_10": ndcg_10, "query_auc": query_auc, "mrr": mrr}


def drawn(rng: np.random.Generator, size: int, levels: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Scores, many of them equal where there are few levels, and labels of both kinds."""
    relevant = rng.random(size) < rng.uniform(0.2, 0.8)
    relevant[:2] = True, False
    return rng.integers(levels, size=size) + relevant * rng.integers(2, size=size), relevant


def columns(scores: Any, relevant: Any, query: Any = None) -> dict[str, list[int]]:
    won, pairs = auc.pairs(scores, relevant)
    numbers = np.arange(len(won)) if query is None else np.asarray(query)
    return {"auc_won": won.tolist(), "auc_pairs": pairs.tolist(), "query": numbers.tolist()}


def area(made: dict[str, list[int]]) -> float:
    return auc.value(metrics.totals(["auc"], made))


def error(*sides: dict[str, list[int]]) -> float:
    """Squared standard error of an AUC, or of the second's less the first's."""
    psi = [stats.linearise(*(np.array([part]) for part in auc.ratio(made))) for made in sides]
    found = stats.mean_interval(psi[-1] if len(psi) == 1 else psi[1] - psi[0])
    assert found.se is not None
    return found.se**2


@pytest.mark.parametrize("levels", [2, 5, 10**6])
def test_auc_agrees_with_scikit_learn(levels: int) -> None:
    rng = np.random.default_rng(levels)
    for _ in range(40):
        scores, relevant = drawn(rng, int(rng.integers(2, 120)), levels)
        assert area(columns(scores, relevant)) == pytest.approx(
            roc_auc_score(relevant, scores), abs=1e-12
        )


def test_every_pair_of_an_auc_is_counted_from_both_its_sides() -> None:
    made = columns([3.0, 1.0, 2.0, 2.0], [1, 0, 1, 0])
    assert made["auc_pairs"] == [2, 2, 2, 2]
    assert made["auc_won"] == [4, 4, 3, 3]  # twice the won pairs, a tie once
    assert area(made) == 7 / 8


def delong(
    first: Floats, second: Floats, relevant: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], int, int]:
    """Covariance matrix of two AUCs on the same examples, from the kernel of every pair."""
    tables = [
        np.array([[(a > b) + (a == b) / 2 for b in s[~relevant]] for a in s[relevant]])
        for s in (first, second)
    ]
    rows, cols = (np.array([t.mean(axis) for t in tables]) for axis in (1, 0))
    many, few = rows.shape[1], cols.shape[1]
    return np.cov(rows) / many + np.cov(cols) / few, many, few


def test_the_error_of_an_auc_and_of_a_difference_is_delongs() -> None:
    rng = np.random.default_rng(1)
    relevant = rng.random(600) < 0.4
    common = rng.normal(size=600) + relevant
    first, second = (common + rng.normal(size=600) * by for by in (0.5, 1.5))
    theirs, many, few = delong(first, second, relevant)
    one, two = columns(first, relevant), columns(second, relevant)
    slack = 1 / many + 1 / few  # n / (n - 1) instead of P / (P - 1) and N / (N - 1)
    assert error(one) == pytest.approx(theirs[0, 0], rel=slack)
    assert error(two) == pytest.approx(theirs[1, 1], rel=slack)
    apart = theirs[0, 0] + theirs[1, 1] - 2 * theirs[0, 1]
    assert error(one, two) == pytest.approx(apart, rel=slack)


def test_examples_of_one_query_err_together() -> None:
    """Each example four times: no new information, which only a clustered variance says."""
    rng = np.random.default_rng(2)
    scores, relevant = drawn(rng, 200, 50)
    once = columns(scores, relevant)
    again = columns(np.repeat(scores, 4), np.repeat(relevant, 4), np.repeat(np.arange(200), 4))
    alone = columns(np.repeat(scores, 4), np.repeat(relevant, 4))
    assert area(again) == area(once)
    assert error(again) == pytest.approx(error(once), rel=0.01)
    assert error(alone) == pytest.approx(error(once) / 4, rel=0.01)


def test_linearised_areas_have_the_area_as_their_mean() -> None:
    rng = np.random.default_rng(3)
    scores, relevant = drawn(rng, 90, 20)
    made = columns(scores, relevant, rng.integers(12, size=90))
    values, ones = auc.ratio(made)
    assert set(ones) == {1.0}
    assert np.mean(values) == pytest.approx(area(made), abs=1e-12)


def test_an_auc_without_a_pair_has_neither_value_nor_spread() -> None:
    made = columns([1.0, 2.0], [1, 1])
    assert area(made) == 0.0
    assert auc.ratio(made) == ([0.0, 0.0], [1.0, 1.0])


@pytest.mark.parametrize("levels", [2, 4, 10**6])
def test_ndcg_agrees_with_scikit_learn_ties_included(levels: int) -> None:
    rng = np.random.default_rng(levels)
    for _ in range(40):
        scores, relevant = drawn(rng, int(rng.integers(2, 40)), levels)
        theirs = ndcg_score([relevant.astype(float)], [scores], k=10)
        assert ndcg_10.of_query(scores, relevant) == pytest.approx(theirs, abs=1e-12)


def plainly(name: str, relevant: list[bool]) -> float:
    """The metric of candidates in the order in which they stand, by its definition."""
    ranks = [rank for rank, right in enumerate(relevant, start=1) if right]
    if name == "mrr":
        return 1 / ranks[0]
    if name == "query_auc":
        behind = [sum(not right for right in relevant[rank:]) for rank in ranks]
        return sum(behind) / (len(ranks) * (len(relevant) - len(ranks)))
    best = sum(1 / np.log2(rank + 1) for rank in range(1, min(len(ranks), 10) + 1))
    return float(sum(1 / np.log2(rank + 1) for rank in ranks if rank <= 10) / best)


@pytest.mark.parametrize("name", WITHIN)
def test_a_tie_is_the_mean_over_all_orders(name: str) -> None:
    rng = np.random.default_rng(4)
    for _ in range(25):
        scores, relevant = drawn(rng, int(rng.integers(2, 7)), 3)
        orders = [
            [bool(relevant[i]) for i in order]
            for order in itertools.permutations(range(len(scores)))
            if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
        ]
        wanted = np.mean([plainly(name, order) for order in orders])
        assert WITHIN[name].of_query(scores, relevant) == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize(
    ("place", "ndcg", "rank"),
    [(1, 1.0, 1.0), (2, 1 / np.log2(3), 1 / 2), (10, 1 / np.log2(11), 1 / 10), (11, 0.0, 1 / 11)],
)
def test_one_relevant_candidate_of_twelve(place: int, ndcg: float, rank: float) -> None:
    scores = np.arange(12, 0, -1)
    relevant = scores == 13 - place
    assert ndcg_10.of_query(scores, relevant) == pytest.approx(ndcg)
    assert mrr.of_query(scores, relevant) == pytest.approx(rank)
    assert query_auc.of_query(scores, relevant) == pytest.approx((12 - place) / 11)


@pytest.mark.parametrize("name", WITHIN)
def test_a_mean_over_queries_has_the_error_of_queries(name: str) -> None:
    """Zeros beside a query's first example change no mean, and an error by 1 / G at most."""
    rng = np.random.default_rng(5)
    values = rng.random((4, 80)).round(6) + rng.normal(size=(4, 1)) * 0.05
    wide = np.zeros((4, 80 * 6), np.int64)
    wide[:, ::6] = np.rint(values * ndcg_10.UNITS)
    marks = (np.arange(80 * 6) % 6 == 0).astype(int)
    sides = [WITHIN[name].ratio({name: row.tolist(), "queries": marks.tolist()}) for row in wide]
    psi = stats.linearise(*(np.array([side[part] for side in sides]) for part in (0, 1)))
    found, plain = stats.mean_interval(psi), stats.mean_interval(values)
    assert found.mean == pytest.approx(plain.mean, abs=1e-6)
    assert found.parts is not None
    assert plain.parts is not None
    for part in ("seeds", "units", "residual"):
        ours, theirs = getattr(found.parts, part), getattr(plain.parts, part)
        assert ours == pytest.approx(theirs, rel=1.5 / 80), part


@pytest.mark.parametrize("name", ["auc", *WITHIN])
def test_as_metrics_of_a_report(name: str) -> None:
    meter = metrics.meter(name)
    assert meter.limits == (0.0, 1.0)
    assert not meter.lower_is_better
    assert meter.ratio is not None
    assert not metrics.of_texts([name])
    assert meter.value(dict.fromkeys(meter.columns, 0)) == 0.0
