"""Macro F1 and Matthews correlation, against scikit-learn and against their definitions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef

from harness import metrics
from harness.metrics import macro_f1, mcc
from harness.statistics import stats

THEIRS: dict[Any, Any] = {
    macro_f1: lambda gold, pred: f1_score(gold, pred, labels=sorted(set(gold)), average="macro"),
    mcc: matthews_corrcoef,
}
BOTH = pytest.mark.parametrize("metric", [macro_f1, mcc])
Columns = dict[str, list[int]]


def columns(gold: Any, pred: Any) -> Columns:
    wanted, answered = ([int(value) for value in side] for side in (gold, pred))
    return {"gold": wanted, "pred": answered, "total": [1] * len(wanted)}


def drawn(rng: np.random.Generator, classes: int, size: int, skill: float = 0.6) -> Columns:
    """Skewed classes, some of which may be answered and never wanted, or neither."""
    shares = rng.dirichlet(np.full(classes, 0.7))
    gold = rng.choice(classes, size, p=shares)
    return columns(gold, np.where(rng.random(size) < skill, gold, rng.integers(classes, size=size)))


def score(metric: Any, made: Columns) -> float:
    return float(metric.value(metric.sums(made)))


@BOTH
@pytest.mark.parametrize("classes", [2, 3, 7, 77])
def test_agrees_with_scikit_learn(metric: Any, classes: int) -> None:
    rng = np.random.default_rng(classes)
    for _ in range(30):
        made = drawn(rng, classes, int(rng.integers(2, 300)), rng.random())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = THEIRS[metric](made["gold"], made["pred"])
        assert score(metric, made) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(
    ("gold", "pred", "f1", "correlation"),
    [
        ([0, 0, 1, 1], [0, 0, 1, 1], 1.0, 1.0),
        ([0, 0, 1, 1], [1, 1, 0, 0], 0.0, -1.0),
        ([0, 0, 0, 1], [0, 0, 0, 0], 3 / 7, 0.0),  # always the majority
        ([0, 0, 0, 1], [0, 0, 1, 1], (0.8 + 2 / 3) / 2, 2 / (3 * 1 * 2 * 2) ** 0.5),
        ([0, 0], [0, 2], 2 / 3, 0.0),  # a class that nobody wants has no F1
        ([4, 4], [4, 4], 1.0, 0.0),
        ([0, 1, 2], [1, 2, 0], 0.0, -0.5),
    ],
)
def test_by_hand(gold: list[int], pred: list[int], f1: float, correlation: float) -> None:
    made = columns(gold, pred)
    assert score(macro_f1, made) == pytest.approx(f1)
    assert score(mcc, made) == pytest.approx(correlation)


def test_sums_hold_the_classes_that_occur() -> None:
    assert macro_f1.sums(columns([0, 3, 3], [3, 3, 0])) == {
        "tp_0": 0, "tp_3": 1, "pred_0": 1, "pred_3": 2, "gold_0": 1, "gold_3": 2, "total": 3,
    }  # fmt: skip
    assert mcc.sums is macro_f1.sums


@BOTH
def test_sums_that_hold_no_classes_are_no_zero(metric: Any) -> None:
    assert metric.value({"pred": 0.0, "gold": 0.0, "total": 0.0}) == 0.0
    with pytest.raises(KeyError, match="gold_0"):
        metric.value({"pred": 3.0, "gold": 2.0, "total": 7.0, "correct": 5.0})


@BOTH
@pytest.mark.parametrize("classes", [2, 5])
def test_values_of_each_example_average_to_the_score(metric: Any, classes: int) -> None:
    made = drawn(np.random.default_rng(3), classes, 211)
    numerator, denominator = metric.ratio(made)
    assert np.sum(numerator) / np.sum(denominator) == pytest.approx(score(metric, made))
    psi = stats.linearise([numerator], [denominator])[0]
    assert psi == pytest.approx(np.asarray(numerator))


@BOTH
@pytest.mark.parametrize("classes", [2, 4])
def test_values_of_each_example_are_the_jackknife_to_first_order(metric: Any, classes: int) -> None:
    """Leaving one example out moves the score as its value says, but for terms of 1 / n."""
    rng = np.random.default_rng(4)
    gold = rng.integers(classes, size=400)
    pred = np.where(rng.random(400) < 0.7, gold, rng.integers(classes, size=400))
    made = columns(gold, pred)
    whole = score(metric, made)
    others = [
        score(metric, {name: column[:n] + column[n + 1 :] for name, column in made.items()})
        for n in range(400)
    ]
    pseudo = whole + 399 * (whole - np.array(others))
    psi = np.asarray(metric.ratio(made)[0])
    assert np.corrcoef(pseudo, psi)[0, 1] > 0.9999
    assert pseudo.std() == pytest.approx(psi.std(), rel=0.01)


@BOTH
def test_the_interval_holds_the_truth_as_often_as_it_says(metric: Any) -> None:
    rng = np.random.default_rng(5)
    share = np.array([0.5, 0.3, 0.2])

    def run(size: int) -> Columns:
        gold = rng.choice(3, size, p=share)
        return columns(gold, np.where(rng.random(size) < 0.6, gold, rng.choice(3, size)))

    truth = score(metric, run(200_000))
    held = 0
    for _ in range(300):
        found = stats.mean_interval([metric.ratio(run(250))[0]])
        held += not found.excludes(truth)
    assert 270 <= held <= 297  # 95 % of 300 is 285


@BOTH
def test_where_nothing_can_be_said_values_are_even(metric: Any) -> None:
    assert metric.ratio(columns([], [])) == ([], [])
    numerator, denominator = metric.ratio(columns([1, 1], [1, 1]))
    assert numerator == [score(metric, columns([1, 1], [1, 1]))] * 2
    assert denominator == [1.0, 1.0]


def test_the_meters_are_found_by_name() -> None:
    for name, limits in (("macro_f1", (0.0, 1.0)), ("mcc", (-1.0, 1.0))):
        meter = metrics.meter(name)
        assert (meter.limits, meter.lower_is_better) == (limits, False)
        assert meter.digits == 3
