"""Which metric of labels decides, and that it changes nothing else."""

from dataclasses import replace

import pytest

from harness.contracts import Example, InputError, Splits
from tasks.classification import Classification

SPLITS = Splits("made up", "classification", "files", (), (), (), ("down", "up"))


@pytest.mark.parametrize("headline", ["accuracy", "macro_f1", "mcc"])
def test_the_headline_comes_first_and_all_others_stay(headline: str) -> None:
    found = Classification(headline=headline).metrics(SPLITS)
    assert found[0] == headline
    assert sorted(found) == ["accuracy", "macro_f1", "mcc"]


def test_accuracy_is_the_headline_where_none_is_named() -> None:
    assert Classification().metrics(SPLITS) == ("accuracy", "macro_f1", "mcc")


def test_another_metric_is_refused_by_name() -> None:
    with pytest.raises(
        InputError, match=r"task\.headline=bleu: expected one of accuracy, macro_f1"
    ):
        Classification(headline="bleu")


def test_the_headline_changes_no_count() -> None:
    examples = [Example(f"e{i}", ("w",), i % 2) for i in range(4)]
    answers = [(0,), (1,), (1,), (0,)]
    plain = Classification()
    skewed = replace(plain, headline="macro_f1")
    one, two = (task.judge(examples, answers, SPLITS.labels) for task in (plain, skewed))
    assert one == two
