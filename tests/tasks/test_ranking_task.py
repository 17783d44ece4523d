"""Pairs as candidates of queries: which label is relevant, what is judged, what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness import metrics
from harness.contracts import Example, InputError, Splits, Unit
from harness.metrics import auc, mrr, ndcg_10, query_auc
from tasks.ranking import METRICS, Ranking, numbered

TASK = Ranking()
LABELS = ("no", "yes")


def pairs(queries: Sequence[Sequence[int]], start: int = 0) -> tuple[Example, ...]:
    """Examples of each query in turn, by the labels of its candidates."""
    return tuple(
        Example(f"e{q}.{i}", ("query", str(start + q)), label, (), ("item", str(i)))
        for q, labels in enumerate(queries)
        for i, label in enumerate(labels)
    )


def splits(**changes: Any) -> Splits:
    some = pairs([[1, 0, 0]] * 12)
    base = Splits("made up", "matching", "files", some, some, some, LABELS)
    return replace(base, **changes)


def judged(examples: Sequence[Example], scores: Sequence[float]) -> dict[str, Sequence[int]]:
    answers = [(int(score > 0),) for score in scores]
    return dict(TASK.judge(examples, answers, LABELS, scores).columns)


def score(name: str, columns: dict[str, Sequence[int]]) -> float:
    return metrics.meter(name).value(metrics.totals([name], columns))


def test_candidates_of_a_query_have_the_same_first_text() -> None:
    some = pairs([[1, 0], [0, 1, 0]])
    assert numbered(some).tolist() == [0, 0, 1, 1, 1]
    assert numbered([some[0], some[2], some[1]]).tolist() == [0, 1, 0]


def test_each_metric_is_that_of_its_definition() -> None:
    some = pairs([[1, 0, 0], [0, 1, 1, 0]])
    scores = [0.2, 0.9, -0.5, 1.5, 1.4, -2.0, -1.0]
    found = judged(some, scores)
    right = [bool(e.target) for e in some]
    parts = [(scores[:3], right[:3]), (scores[3:], right[3:])]
    for name, module in (("ndcg_10", ndcg_10), ("query_auc", query_auc), ("mrr", mrr)):
        wanted = np.mean([module.of_query(*part) for part in parts])
        assert score(name, found) == pytest.approx(wanted, abs=1e-6), name
    won, opponents = auc.pairs(scores, right)
    assert score("auc", found) == pytest.approx(won.sum() / (2 * opponents.sum()))
    assert score("auc", found) != score("query_auc", found)


def test_the_order_of_a_file_changes_no_score() -> None:
    rng = np.random.default_rng(0)
    some = pairs([rng.integers(2, size=6).tolist() for _ in range(9)])
    scores = rng.integers(4, size=len(some)).astype(float)
    turned = rng.permutation(len(some))
    one = judged(some, scores.tolist())
    two = judged([some[i] for i in turned], scores[turned].tolist())
    for name in METRICS:
        assert score(name, one) == score(name, two), name


def test_queries_that_cannot_be_ordered_wrong_are_left_out_and_counted() -> None:
    some = pairs([[1, 0], [0, 0], [1, 1, 1]])
    found = judged(some, [1.0, 0.0, 5.0, 5.0, -3.0, -3.0, -3.0])
    assert found["queries"] == [1, 0, 0, 0, 0, 0, 0]
    assert found["left_out"] == [0, 0, 1, 0, 1, 0, 0]
    assert score("ndcg_10", found) == score("query_auc", found) == score("mrr", found) == 1.0
    assert score("auc", found) < 0.5  # of all pairs, whatever their query


def test_a_rule_that_ties_all_scores_half() -> None:
    found = judged(pairs([[1, 0, 0], [0, 1]]), [0.0] * 5)
    assert score("auc", found) == score("query_auc", found) == 0.5
    assert score("mrr", found) == pytest.approx((11 / 18 + 3 / 4) / 2, abs=1e-6)


def test_scores_closer_than_probabilities_can_tell_are_no_tie() -> None:
    assert score("auc", judged(pairs([[1, 0]]), [40.0 + 1e-9, 40.0])) == 1.0


def test_units_are_right_where_the_likelier_class_was() -> None:
    (one, two) = pairs([[1, 0]])
    unit = Unit("far", 0, 2, "")
    found = TASK.judge([replace(one, units=(unit,)), two], [(0,), (0,)], LABELS, [0.1, 0.0])
    assert found.units["correct"] == [0]
    assert found.slices == ("far",)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match="not a finite number"):
        judged(pairs([[1, 0]]), [bad, 0.0])


@pytest.mark.parametrize(
    ("labels", "positive", "wanted"),
    [
        (("0", "1"), None, 1),
        (("Yes", "no"), None, 0),
        (("different", "same"), None, 1),
        (("irrelevant", "relevant"), None, 1),
        (("bad", "good"), "good", 1),
        (("0", "1"), 0, 0),
        (("false", "true"), False, 0),
        (("a", "yes"), "a", 0),
    ],
)
def test_the_relevant_label_is_found_or_named(labels: Any, positive: Any, wanted: int) -> None:
    assert Ranking(positive=positive).scored_class(labels) == wanted


@pytest.mark.parametrize(
    ("labels", "positive", "told"),
    [
        (("bad", "good"), None, "labels bad, good means relevant"),
        (("same", "yes"), None, "labels same, yes means relevant"),
        (("no", "yes"), "maybe", "task.positive=maybe"),
        (("a", "b", "c"), None, "expected two labels, relevant or not, got 3"),
    ],
)
def test_unclear_labels_are_named(labels: Any, positive: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Ranking(positive=positive).metrics(splits(labels=labels))


def test_the_headline_comes_first() -> None:
    assert TASK.metrics(splits()) == METRICS
    assert Ranking(headline="auc").metrics(splits()) == ("auc", "ndcg_10", "query_auc", "mrr")


def test_auc_alone_where_queries_have_one_candidate() -> None:
    single = pairs([[1], [0]] * 6)
    assert Ranking(headline="auc").metrics(splits(dev=single, test=single)) == ("auc",)


def test_no_more_is_asked_of_dev_than_one_query_that_can_be_ordered() -> None:
    assert TASK.metrics(splits(dev=pairs([[1, 0]]))) == METRICS
    assert TASK.metrics(splits(test=())) == METRICS  # as a search has it


@pytest.mark.parametrize(
    ("headline", "changes", "told"),
    [
        ("ndcg_10", {"test": pairs([[1, 0]] * 9 + [[1, 1]])}, "test has 10 queries .* 9 of them"),
        ("ndcg_10", {"dev": pairs([[1], [0]])}, "dev has 2 queries .* task.headline=auc"),
        ("auc", {"test": pairs([[1, 0, 0, 1]] * 9)}, "test has 9 queries"),
        ("auc", {"test": pairs([[1, 1]] * 20)}, "all 40 test examples have the same label"),
        ("mrr", {"dev": pairs([[0, 0]])}, "all 2 dev examples have the same label"),
    ],
)
def test_what_cannot_be_judged_is_said(headline: str, changes: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        Ranking(headline=headline).metrics(splits(**changes))


def test_an_unknown_headline_is_refused() -> None:
    with pytest.raises(InputError, match=r"task\.headline=accuracy: expected one of ndcg_10, auc"):
        Ranking(headline="accuracy")


def test_the_rule_that_ignores_the_input_and_targets_are_those_of_matching() -> None:
    found = splits()
    assert TASK.majority(found) == [(0,)] * 36
    assert TASK.targets(found.test[0], LABELS) == (1,)
    assert TASK.shape == "label"
