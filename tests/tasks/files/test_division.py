"""Splits that no file holds: by class, seeded, no text on two sides."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import pytest

from harness.contracts import Example, InputError, Splits
from harness.examples import data
from tasks.files import division

TENTHS = {"dev": 0.1, "test": 0.1}


def labelled(targets: Sequence[int], texts: Sequence[str] | None = None) -> Splits:
    names = texts or [f"w{n}" for n in range(len(targets))]
    train = tuple(
        Example(f"train:{n}", (text,), target)
        for n, (text, target) in enumerate(zip(names, targets, strict=True))
    )
    labels = tuple("abcdefgh"[: max(targets) + 1])
    absent = ("no dev split", "no test split")
    return Splits("toy", "classification", "files", train, (), (), labels, warnings=absent)


def tally(examples: Sequence[Example]) -> Counter[object]:
    return Counter(example.target for example in examples)


def texts(examples: Sequence[Example]) -> set[object]:
    return {(example.words, example.second) for example in examples}


def test_each_class_gives_its_share_and_nothing_is_lost() -> None:
    whole = labelled([0] * 500 + [1] * 300 + [2] * 200)
    found = division.divided(whole, {"dev": 0.2, "test": 0.1}, 0)
    assert tally(found.dev) == {0: 100, 1: 60, 2: 40}
    assert tally(found.test) == {0: 50, 1: 30, 2: 20}
    every = [*found.train, *found.dev, *found.test]
    assert sorted(e.id for e in every) == sorted(e.id for e in whole.train)
    for part in data.parts(found).values():
        rows = [int(e.id.split(":")[1]) for e in part]
        assert rows == sorted(rows)
    assert found.warnings == (
        "no dev or test split: dev 200 and test 100 of the 1,000 examples were drawn, class by "
        "class, no text on two sides (data.dev_share=0.2, data.test_share=0.1, data.split_seed=0)",
    )


def test_the_seed_decides() -> None:
    whole = labelled([n % 3 for n in range(300)])
    one, same, other = (division.divided(whole, TENTHS, seed) for seed in (0, 0, 1))
    assert one == same
    assert one.test != other.test
    assert tally(one.test) == tally(other.test)


def test_shares_of_small_classes_add_up() -> None:
    whole = labelled([n % 8 for n in range(8 * 7)])  # a tenth of each class is less than one
    found = division.divided(whole, TENTHS, 0)
    assert data.sizes(found) == {"train": 44, "dev": 6, "test": 6}
    assert max(tally(found.dev).values()) == max(tally(found.test).values()) == 1
    drawn = {
        target for seed in range(9) for target in tally(division.divided(whole, TENTHS, seed).dev)
    }
    assert drawn == set(range(8))  # ties are broken by chance, not by order


@pytest.mark.parametrize("seed", range(5))
def test_no_text_is_on_two_sides(seed: int) -> None:
    rng = random.Random(seed)
    names = [f"w{rng.randrange(150)}" for _ in range(400)]  # many repeat, some with another label
    found = division.divided(labelled([rng.randrange(3) for _ in names], names), TENTHS, seed)
    assert not texts(found.train) & texts(found.dev)
    assert not texts(found.train) & texts(found.test)
    assert not texts(found.dev) & texts(found.test)
    assert data.overlap(found) == []
    for part in (found.dev, found.test):
        assert abs(len(part) - 40) <= 3


def test_pairs_are_told_apart_by_both_texts() -> None:
    train = tuple(Example(str(n), ("a",), n % 2, second=(f"b{n}",)) for n in range(40))
    whole = Splits("toy", "matching", "files", train, (), (), ("x", "y"))
    assert data.sizes(division.divided(whole, TENTHS, 0)) == {"train": 32, "dev": 4, "test": 4}


def test_a_class_with_one_text_stays_in_train() -> None:
    names = [f"w{n}" for n in range(40)] + ["one", "same", "same", "same"]
    whole = labelled([0] * 20 + [1] * 20 + [2, 3, 3, 3], names)
    for seed in range(20):
        found = division.divided(whole, {"dev": 0.3, "test": 0.3}, seed)
        assert {2, 3} <= set(tally(found.train))
        assert not {2, 3} & {*tally(found.dev), *tally(found.test)}
    assert found.warnings[1] == "classes with one text only, which stays in train (2 of 4): c, d"


def test_no_class_leaves_train_whole() -> None:
    whole = labelled([n // 2 for n in range(16)])
    for seed in range(20):
        found = division.divided(whole, {"dev": 0.4, "test": 0.4}, seed)
        assert set(tally(found.train)) == set(range(8))


def test_only_what_is_missing_is_drawn() -> None:
    whole = labelled([n % 2 for n in range(40)])
    given = tuple(Example(f"test:{n}", (f"t{n}",), 0) for n in range(3))
    with_test = Splits(
        "toy", "classification", "files", whole.train, (), given, ("a", "b"),
        warnings=("no dev split", "other"),
    )  # fmt: skip
    found = division.divided(with_test, TENTHS, 0)
    assert (len(found.train), len(found.dev), found.test) == (36, 4, given)
    assert found.warnings[0].startswith("no dev split: dev 4 of the 40 examples were drawn")
    assert found.warnings[1:] == ("other",)
    assert division.divided(with_test, {"dev": None, "test": 0.5}, 0) == with_test
    alone = division.divided(whole, {"dev": None, "test": 0.5}, 0)
    assert data.sizes(alone) == {"train": 20, "dev": 0, "test": 20}
    assert alone.warnings[1:] == ("no dev split",)


def test_sentences_are_drawn_by_their_rarest_entity() -> None:
    rare = [("B-A", "B-B"), ("B-A", "O"), ("O", "O")]
    train = tuple(Example(str(n), (f"w{n}", "x"), rare[n % 3]) for n in range(60))
    lonely = Example("60", ("w", "x"), ("B-A", "B-C"))
    whole = Splits("toy", "ner", "files", (*train, lonely), (), (), ("A", "B", "C"))
    found = division.divided(whole, TENTHS, 0)
    assert tally(found.dev) == tally(found.test) == dict.fromkeys(rare, 2)
    assert lonely in found.train
    assert found.warnings[1].endswith("(1 of 4): C")


def test_texts_to_write_are_one_class() -> None:
    train = tuple(Example(str(n), (f"w{n}",), (f"t {n}", "u")) for n in range(20))
    whole = Splits("toy", "generation", "files", train, (), (), ())
    found = division.divided(whole, TENTHS, 0)
    assert data.sizes(found) == {"train": 16, "dev": 2, "test": 2}
    assert len(found.warnings) == 1


@pytest.mark.parametrize(
    ("targets", "shares", "message"),
    [
        ([0, 1] * 20, {"dev": 0.0, "test": 0.1}, r"data\.dev_share=0\.0: expected a share"),
        ([0, 1] * 20, {"dev": 1, "test": 0.1}, r"data\.dev_share=1: expected a share"),
        ([0, 1] * 20, {"dev": 0.1, "test": "x"}, r"data\.test_share=x: expected a share"),
        ([0, 1] * 20, {"dev": 0.6, "test": 0.4}, r"test_share=0\.4: nothing would be left"),
        ([0, 1] * 2, TENTHS, r"data\.dev_share=0\.1: of 4 examples none would go to dev"),
        (range(8), {"dev": 0.3, "test": 0.3}, r"one text only.*8 of 8; is data\.label right\?\)"),
    ],
)  # fmt: skip
def test_shares_that_cannot_be(
    targets: Sequence[int], shares: dict[str, float | None], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        division.divided(labelled(targets), shares, 0)
