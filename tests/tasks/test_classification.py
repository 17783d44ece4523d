from __future__ import annotations

import pytest

from harness.contracts import Example, InputError, Splits, Unit
from harness.metrics import accuracy
from tasks.classification import Classification

LABELS = ("negative", "positive", "neutral")
TASK = Classification()


def splits(train: list[int], test: list[int]) -> Splits:
    def made(name: str, targets: list[int]) -> tuple[Example, ...]:
        return tuple(Example(f"{name}:{i}", ("w",), t) for i, t in enumerate(targets))

    return Splits(
        "toy", "classification", "files", made("train", train), (), made("test", test), LABELS
    )


def test_shape() -> None:
    read = splits([0], [2])
    assert (TASK.name, TASK.shape) == ("classification", "label")
    assert TASK.metrics(read) == ("accuracy", "macro_f1", "mcc")
    assert TASK.classes(read) == LABELS
    assert TASK.targets(read.test[0], LABELS) == (2,)


def test_gold_answers_score_exactly_one_and_planted_errors_what_they_must() -> None:
    read = splits([0], [i % 3 for i in range(30)])
    answers = [TASK.targets(e, LABELS) for e in read.test]
    for errors in (0, 1, 7, 30):
        given = [((g[0] + 1) % 3,) if i < errors else g for i, g in enumerate(answers)]
        columns = TASK.judge(read.test, given, LABELS).columns
        totals = {name: float(sum(column)) for name, column in columns.items()}
        assert accuracy.value(totals) == (30 - errors) / 30


def test_columns_and_units() -> None:
    unit = Unit("neg", 0, 1, "")
    examples = [Example("a", ("w",), 1, (unit,)), Example("b", ("w",), 0, (unit,))]
    counts = TASK.judge(examples, [(1,), (2,)], LABELS)
    assert counts.columns == {"correct": [1, 0], "total": [1, 1], "pred": [1, 2], "gold": [1, 0]}
    assert counts.units["correct"] == [1, 0]
    assert counts.units["marked"] == [1, 1]
    assert (counts.slices, counts.keys) == (("neg",), ("",))


def test_majority_is_the_most_frequent_training_label_and_the_first_in_a_tie() -> None:
    assert TASK.majority(splits([2, 1, 2], [0, 0])) == [(2,), (2,)]
    assert TASK.majority(splits([2, 1], [0])) == [(1,)]


@pytest.mark.parametrize("target", [3, -1, ("O",)])
def test_a_target_that_is_no_class_is_refused(target: object) -> None:
    with pytest.raises(InputError, match=r"example x: target .* expected 0 to 2"):
        TASK.targets(Example("x", ("w",), target), LABELS)  # type: ignore[arg-type]


def test_pairs_are_matched_by_the_same_rules_under_another_name() -> None:
    task = Classification("matching")
    assert (task.name, task.shape) == ("matching", "label")
    one = Example("x", ("a",), 1, second=("b",))
    assert task.judge([one], [(1,)], LABELS).columns["correct"] == [1]
    with pytest.raises(InputError, match="with matching examples"):
        task.targets(Example("x", ("a",), 9, second=("b",)), LABELS)
