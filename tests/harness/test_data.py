from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from harness import data
from harness.contracts import Counts, Example, InputError, Splits, Unit


def example(text: str, target: int = 0, name: str = "x") -> Example:
    return Example(name, tuple(text.split()), target)


def splits(
    train: Sequence[Example] = (), dev: Sequence[Example] = (), test: Sequence[Example] = ()
) -> Splits:
    return Splits(
        name="toy",
        task="classification",
        source="files",
        train=tuple(train),
        dev=tuple(dev),
        test=tuple(test),
        labels=("a", "b", "c"),
    )


NUMBERED = [Example(str(n), (f"w{n}",), n % 2) for n in range(20)]


@dataclasses.dataclass(frozen=True)
class Plain:
    """The smallest task: targets are class indices."""

    name: str = "classification"
    per_word: bool = False
    metrics: tuple[str, ...] = ("accuracy",)

    def classes(self, splits: Splits) -> tuple[str, ...]:
        return splits.labels

    def targets(self, example: Example, classes: Sequence[str]) -> tuple[int, ...]:
        assert isinstance(example.target, int)
        assert example.target < len(classes)
        return (example.target,)

    def judge(
        self, examples: Sequence[Example], answers: Sequence[Sequence[int]], classes: Sequence[str]
    ) -> Counts:
        raise NotImplementedError

    def majority(self, splits: Splits) -> list[tuple[int, ...]]:
        raise NotImplementedError


def test_digest_covers_words_targets_units_and_order_and_nothing_else() -> None:
    one = [example("good film", 1), example("bad film", 0)]
    digest = data.digest(one)
    assert digest == data.digest([dataclasses.replace(e, id="other") for e in one])
    units = (Unit("s", 0, 1, ""),)
    assert digest != data.digest([dataclasses.replace(e, units=units) for e in one])
    assert digest != data.digest(one[::-1])
    assert digest != data.digest([one[0], example("bad film", 1)])
    assert digest != data.digest([one[0], example("bad films", 0)])
    assert data.digest([Example("x", ("a b",), 0)]) != data.digest([Example("x", ("a", "b"), 0)])


def test_digest_is_the_same_under_every_hash_seed() -> None:
    code = (
        "from harness import data; from harness.contracts import Example;"
        "print(data.digest([Example('i', ('é', 'b'), ('O', 'B-X'))]))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert printed == {data.digest([Example("i", ("é", "b"), ("O", "B-X"))])}


def test_limit_is_seeded_without_replacement_and_in_order() -> None:
    chosen = data.limit(NUMBERED, 7, seed=3)
    assert chosen == data.limit(NUMBERED, 7, seed=3)
    assert chosen != data.limit(NUMBERED, 7, seed=4)
    numbers = [int(e.id) for e in chosen]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 7
    assert data.limit(NUMBERED, None, seed=0) == tuple(NUMBERED)
    assert data.limit(NUMBERED, 20, seed=9) == tuple(NUMBERED)


@pytest.mark.parametrize("n", [21, 0, -1])
def test_limit_refuses_what_the_data_cannot_give(n: int) -> None:
    with pytest.raises(
        InputError, match=rf"data\.train_limit={n}: there are 20 examples; .* 1 to 20"
    ):
        data.limit(NUMBERED, n, seed=0)


def test_overlap_names_each_pair_of_splits() -> None:
    found = data.overlap(
        splits(
            [example("a b", name="train:1"), example("c", name="train:2")],
            [example("c", 1, name="dev:1")],
            [example("a b", name="test:1"), example("c", name="test:2"), example("a  b c")],
        )
    )
    assert found == [
        "1 of 1 dev examples are also in train, word for word (the first: dev:1 equals train:2)",
        "2 of 3 test examples are also in train, word for word (the first: test:1 equals train:1)",
        "1 of 3 test examples are also in dev, word for word (the first: test:2 equals dev:1)",
    ]
    assert data.overlap(splits([example("a")], [example("A")], [example("a .")])) == []


def test_prepared_warns_of_what_is_left_after_the_limit() -> None:
    whole = splits(NUMBERED, [], NUMBERED[:1])
    assert len(data.prepared(whole, None, 0).warnings) == 1
    limited = data.prepared(whole, 5, 0)
    assert len(limited.train) == 5
    kept = NUMBERED[0] in limited.train
    assert len(limited.warnings) == int(kept)


def test_sizes_and_words() -> None:
    read = splits([example("a b"), example("c")], [], [example("d e f")])
    assert data.sizes(read) == {"train": 2, "dev": 0, "test": 1}
    assert data.words(read) == {"train": 3, "dev": 0, "test": 3}


def test_data_of_another_task_is_refused() -> None:
    data.check(splits(), "classification")
    with pytest.raises(InputError) as caught:
        data.check(splits(), "ner")
    assert str(caught.value) == (
        "data 'toy' holds classification examples, the task is ner; "
        "use data=... with ner examples, or task=classification"
    )


def test_an_empty_split_is_refused_when_it_is_needed() -> None:
    read = splits(NUMBERED)
    assert data.part(read, "train") == tuple(NUMBERED)
    noted = dataclasses.replace(read, warnings=("no test split: hidden", "no dev split"))
    with pytest.raises(InputError, match=r"data=toy has no test examples \(no test split: hidden"):
        data.part(noted, "test")
    with pytest.raises(InputError, match=r"data=toy has no dev examples; name .*data\.dev="):
        data.part(read, "dev")


def test_unseen_classes_are_those_that_training_never_had() -> None:
    read = splits([example("w", 0)], [example("w", 2)], [example("w", 0), example("w", 1)])
    assert data.unseen(read, Plain()) == ("b", "c")
    assert data.unseen(splits([example("w", 0)], [], [example("w", 0)]), Plain()) == ()


def test_unit_columns_index_sorted_names() -> None:
    judged = [
        data.Judged(0, Unit("right", 0, 2, "zed"), correct=True, marked=True),
        data.Judged(2, Unit("left", 1, 2, "ann"), correct=False, marked=True),
    ]
    units, slices, keys = data.unit_columns(judged)
    assert (slices, keys) == (("left", "right"), ("ann", "zed"))
    assert units == {
        "example": [0, 2],
        "slice": [1, 0],
        "key": [1, 0],
        "correct": [1, 0],
        "marked": [1, 1],
    }
    assert data.unit_columns([]) == ({}, (), ())
