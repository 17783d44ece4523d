from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from harness.contracts import Counts, Example, InputError, Splits, Unit
from harness.examples import data


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


KNOWN = "8212e28f9d87238a3ba0f2cc26d089db1c84469f762f9e546d5c585afbadb035"
PLAIN = "b58c5a02646f28e70271eef74ac2b1c7f125cdaa68cd9bef2661eea5cc6b647f"
NUMBERED = [Example(str(n), (f"w{n}",), n % 2) for n in range(20)]


@dataclasses.dataclass(frozen=True)
class Plain:
    """The smallest task: targets are class indices."""

    name: str = "classification"
    shape: str = "label"

    def metrics(self, splits: Splits) -> tuple[str, ...]:
        return ("accuracy",)

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


def test_digest_covers_the_second_text_where_there_is_one() -> None:
    one = Example("x", ("a", "b"), 0)
    pair = dataclasses.replace(one, second=("c",))
    swapped = dataclasses.replace(one, words=("c",), second=("a", "b"))
    joined = dataclasses.replace(one, words=("a", "b", "c"))
    assert len({data.digest([e]) for e in (one, pair, swapped, joined)}) == 4


def test_digests_are_those_of_records_already_written() -> None:
    """Computed before examples had a second text; another value orphans every record."""
    known = [Example("i", ("é", "b"), ("O", "B-X"), (Unit("s", 0, 1, "k"),))]
    assert data.digest(known) == KNOWN
    assert data.digest([Example("i", ("a",), 1)]) == PLAIN


def test_digest_is_the_same_under_every_hash_seed() -> None:
    code = (
        "from harness.examples import data; from harness.contracts import Example;"
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


def test_a_smaller_share_lies_within_every_larger_one() -> None:
    many = [Example(str(n), (f"w{n}",), 0) for n in range(1000)]
    parts = [data.portion(many, share, seed=3) for share in (0.01, 0.125, 0.25, 0.5, 1)]
    assert [len(part) for part in parts] == [10, 125, 250, 500, 1000]
    for less, more in itertools.pairwise(parts):
        assert set(less) < set(more)
        numbers = [int(e.id) for e in less]
        assert numbers == sorted(numbers)
    assert parts[1] == data.portion(many, 0.125, seed=3) != data.portion(many, 0.125, seed=4)
    assert int(parts[2][-1].id) > 900  # drawn from everywhere, and not the first so many
    assert data.portion(many, None, seed=0) == tuple(many)


@pytest.mark.parametrize("share", [0, -0.5, 1.1, True, "half", 0.02])
def test_a_share_that_leaves_nothing_is_refused(share: object) -> None:
    with pytest.raises(InputError, match=rf"data\.train_share={share}: "):
        data.portion(NUMBERED, share, seed=0)  # type: ignore[arg-type]


def test_a_share_is_one_of_what_the_limit_leaves_and_dev_stays() -> None:
    splits = Splits("d", "classification", "files", tuple(MIXED), (), (), ("a", "b", "c"))
    whole = data.prepared(splits, None, 0, dev_share=0.2)
    few = data.prepared(splits, 10, 0, dev_share=0.2, train_share=0.5)
    assert few.dev == whole.dev
    assert len(few.train) == 5
    assert set(few.train) < set(data.prepared(splits, 10, 0, dev_share=0.2).train)


MIXED = [Example(str(n), (f"w{n}",), target) for n, target in enumerate("aaaabaaacbaaabbaaaaaa")]
MIXED = [dataclasses.replace(e, target="abc".index(str(e.target))) for e in MIXED]
SHARES = (0.05, 0.1, 0.25, 1 / 3, 0.5, 0.77, 0.9, 0.999)


def test_dev_is_a_seeded_part_and_train_is_the_rest() -> None:
    train, dev = data.divided(MIXED, 0.3, seed=3)
    assert (train, dev) == data.divided(MIXED, 0.3, seed=3)
    assert dev != data.divided(MIXED, 0.3, seed=4)[1]
    assert not set(train) & set(dev)
    assert set(train) | set(dev) == set(MIXED)
    for part in (train, dev):
        numbers = [int(e.id) for e in part]
        assert numbers == sorted(numbers)
    repeated = [dataclasses.replace(e, id="same", words=("same",)) for e in MIXED]
    assert sum(map(len, data.divided(repeated, 0.3, seed=3))) == len(MIXED)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("seed", [0, 1])
def test_dev_keeps_the_share_of_every_class_within_one_example(share: float, seed: int) -> None:
    train, dev = data.divided(MIXED, share, seed)
    sizes, drawn = (Counter(e.target for e in part) for part in (MIXED, dev))
    assert all(abs(drawn[target] - share * size) <= 1 for target, size in sizes.items())
    assert {e.target for e in train} == set(sizes)  # training lacks no class
    if share <= 0.5:
        assert len(dev) == round(share * len(MIXED))


def test_the_largest_remainders_are_rounded_up() -> None:
    sizes = (13, 17, 12, 18)  # a tenth of them: 1.3, 1.7, 1.2, 1.8; of all: 6
    examples = [Example("x", ("w",), target) for target, n in enumerate(sizes) for _ in range(n)]
    drawn = Counter(e.target for e in data.divided(examples, 0.1, seed=0)[1])
    assert [drawn[target] for target in range(4)] == [1, 2, 1, 2]


def test_dev_of_texts_is_drawn_from_all_of_them() -> None:
    texts = [Example(str(n), (f"w{n}",), (f"one {n}", f"two {n}")) for n in range(20)]
    train, dev = data.divided(texts, 0.25, seed=0)
    assert (len(train), len(dev)) == (15, 5)


@pytest.mark.parametrize("share", [0, 1, 0.0, 1.0, -0.1, 1.5, True, "0.1", float("nan")])
def test_a_share_is_between_0_and_1(share: Any) -> None:
    with pytest.raises(InputError, match=r"data\.dev_share=.*: expected a share between 0 and 1"):
        data.divided(MIXED, share, seed=0)


def test_a_share_that_leaves_dev_empty_is_refused() -> None:
    with pytest.raises(InputError, match=r"data\.dev_share=0\.02: of 21 training examples none"):
        data.divided(MIXED, 0.02, seed=0)
    with pytest.raises(InputError, match=r"data\.dev_share=0\.9: of 1 training examples none"):
        data.divided(MIXED[:1], 0.9, seed=0)


def test_dev_is_taken_before_train_is_limited() -> None:
    noted = dataclasses.replace(
        splits(MIXED, [], MIXED[:1]), warnings=("no dev split", "no test split: hidden")
    )
    whole = data.prepared(noted, None, 0, dev_share=0.2)
    small = data.prepared(noted, 5, 0, dev_share=0.2)
    assert small.dev == whole.dev
    assert set(small.train) < set(whole.train)
    assert data.sizes(small) == {"train": 5, "dev": 4, "test": 1}
    assert data.prepared(noted, None, 0, dev_share=0.2, split_seed=1).dev != whole.dev
    note, kept, *_ = whole.warnings
    assert note == (
        "no dev file: dev is 4 of the 21 training examples (data.dev_share=0.2, data.split_seed=0)"
    )
    assert kept == "no test split: hidden"
    assert data.prepared(noted, None, 0).dev == ()


def test_a_dev_file_and_a_dev_share_exclude_each_other() -> None:
    with pytest.raises(InputError, match=r"data\.dev_share=0\.2 .* data\.dev names a file; set"):
        data.prepared(splits(MIXED, MIXED), None, 0, dev_share=0.2)


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


def test_overlap_of_pairs_takes_both_texts() -> None:
    pair = Example("train:1", ("a",), 0, second=("b",))
    others = [
        dataclasses.replace(pair, id="test:1", target=1),
        dataclasses.replace(pair, id="test:2", second=("c",)),
        Example("test:3", ("b",), 0, second=("a",)),
        Example("test:4", ("a", "b"), 0),
    ]
    (found,) = data.overlap(splits([pair], [], others))
    assert found.startswith("1 of 4 test examples are also in train")
    assert found.endswith("(the first: test:1 equals train:1)")


def test_overlap_of_texts_takes_inputs() -> None:
    train = [Example("train:1", ("a",), ("one",))]
    test = [Example("test:1", ("a",), ("other",)), Example("test:2", ("b",), ("one",))]
    (found,) = data.overlap(splits(train, [], test))
    assert found.startswith("1 of 2 test examples are also in train")


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
    pair = Example("x", ("a", "b"), 0, second=("c",))
    assert data.words(splits([pair, Example("y", ("a",), ("not read",))]))["train"] == 4


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
