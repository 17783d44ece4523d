"""Labelled examples about records: what they hold, and that their splits share no inn."""

from collections import Counter

import pytest

from harness.contracts import Example, Splits, Unit
from tasks.world import lexicon as lx
from tasks.world.data import load

RECORDS = ("matching", "generation")


def every(splits: Splits) -> list[Example]:
    return [*splits.train, *splits.dev, *splits.test]


def texts_of(example: Example, task: str) -> list[tuple[str, ...]]:
    """Everything in plain English that an example holds."""
    if task == "generation":
        assert isinstance(example.target, tuple)
        return [tuple(text.split()) for text in example.target]
    return [example.words, example.second] if task == "matching" else [example.words]


@pytest.mark.parametrize("task", RECORDS)
def test_names_in_dev_and_test_are_new(task: str) -> None:
    splits = load(task)
    names = [
        {word for e in part for text in texts_of(e, task) for word in text if lx.is_name(word)}
        for part in (splits.train, splits.dev, splits.test)
    ]
    assert all(names)
    assert not names[0] & names[1] | names[0] & names[2] | names[1] & names[2]
    pieces = {piece for name in names[0] for piece in lx.pieces(name)}
    assert {piece for part in names for name in part for piece in lx.pieces(name)} <= pieces


def test_pairs() -> None:
    splits = load("matching")
    assert splits.labels == ("different", "same")
    for example in every(splits):
        assert example.target in (0, 1)
        assert example.second
        whole = len(example.words) + len(example.second)
        assert [unit[1:] for unit in example.units] == [(0, whole, "")]
        (unit,) = example.units
        if unit.slice != "vague":
            assert example.target == (unit.slice in ("same", "again"))
    assert sum(e.target == 1 for e in splits.test) / 2000 == pytest.approx(0.5, abs=0.04)


def test_records_with_their_texts() -> None:
    splits = load("generation")
    assert splits.labels == ()
    for example in every(splits):
        assert isinstance(example.target, tuple)
        assert len(set(example.target)) == (1 if "train" in example.id else 5)
        count = (len(example.words) - 2) // 3
        assert example.second == ()
        assert example.units == (Unit(f"{count} facts", 0, len(example.words), ""),)
    meanings = Counter(frozenset(example.words) for example in every(splits))
    assert set(meanings.values()) == {1}


def test_references_are_faultless() -> None:
    splits = load("generation")
    assert splits.grade is not None
    assert splits.metrics == ("slot_error", "name_copied", "grammatical")
    for example in every(splits):
        for words in texts_of(example, "generation"):
            grades = splits.grade(example, words)
            assert (grades["missing"], grades["added"], grades["wrong"]) == (0, 0, 0)
            assert f"{grades['slots']} facts" == example.units[0].slice
            assert (grades["name_copied"], grades["grammatical"]) == (1, 1)
