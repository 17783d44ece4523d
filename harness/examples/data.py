"""What can be said about labelled examples before any model sees them.

Fingerprints, sub-samples, and checks of a data set as it was read. Knows no file format, no
tokenizer and no model. A warning is put into words here; whether it stops a run is decided
elsewhere.
"""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from harness.contracts import Example, InputError, LabelTask, Splits, Unit
from harness.record import canonical

PARTS = ("train", "dev", "test")


class Judged(NamedTuple):
    """One unit of one example, judged."""

    row: int  # index of the example
    unit: Unit
    correct: bool
    marked: bool


def parts(splits: Splits) -> dict[str, tuple[Example, ...]]:
    """The examples of each split, by its name."""
    return {"train": splits.train, "dev": splits.dev, "test": splits.test}


def part(splits: Splits, name: str) -> tuple[Example, ...]:
    """One split that is about to be used; raises InputError where it holds nothing."""
    examples = parts(splits)[name]
    if examples:
        return examples
    known = "".join(f" ({text})" for text in splits.warnings if text.startswith(f"no {name} "))
    raise InputError(
        f"data={splits.name} has no {name} examples{known}; "
        f"name a labelled file (data.{name}=...) or another data set (data=...)"
    )


def sizes(splits: Splits) -> dict[str, int]:
    """Examples in each split."""
    return {name: len(examples) for name, examples in parts(splits).items()}


def words(splits: Splits) -> dict[str, int]:
    """Words to read in each split: both texts of a pair, no targets."""
    return {
        name: sum(len(example.words) + len(example.second) for example in examples)
        for name, examples in parts(splits).items()
    }


def digest(examples: Iterable[Example]) -> str:
    """SHA-256 over texts, targets and units, one canonical JSON line per example, in order.

    Ids are left out: an id says where an example was found, and the same examples read from
    another file layout are the same data. Units are in: slices are judged by them. Order
    counts, since counts are compared row by row.
    """
    sha = hashlib.sha256()
    for example in examples:
        second = [example.second] if example.second else []
        line = canonical([example.words, example.target, example.units, *second])
        sha.update(line.encode())
        sha.update(b"\n")
    return sha.hexdigest()


def limit(
    examples: Sequence[Example], n: int | None, seed: int, key: str = "data.train_limit"
) -> tuple[Example, ...]:
    """A seeded sub-sample without replacement, in the original order; None keeps all.

    `key` is the option that asked for it.
    """
    if n is None:
        return tuple(examples)
    if not 1 <= n <= len(examples):
        raise InputError(
            f"{key}={n}: there are {len(examples):,} examples; "
            f"set it to a number from 1 to {len(examples)}, or to null for all"
        )
    chosen = sorted(random.Random(seed).sample(range(len(examples)), n))
    return tuple(examples[index] for index in chosen)


def portion(examples: Sequence[Example], share: float | None, seed: int) -> tuple[Example, ...]:
    """A seeded share of the examples, in the original order; None keeps all.

    Of one seed every smaller share lies within every larger one. Raises InputError for a share
    that is none, or that leaves nothing.
    """
    if share is None:
        return tuple(examples)
    number = isinstance(share, int | float) and not isinstance(share, bool)
    if not number or not 0 < share <= 1:
        raise InputError(f"data.train_share={share}: expected a share above 0 and up to 1, or null")
    count = round(share * len(examples))
    if examples and not count:
        raise InputError(
            f"data.train_share={share}: of {len(examples):,} training examples none is left; "
            "raise it"
        )
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    return tuple(examples[index] for index in sorted(order[:count]))


def divided(
    examples: Sequence[Example], share: float, seed: int
) -> tuple[tuple[Example, ...], tuple[Example, ...]]:
    """Training and dev examples: a seeded draw without replacement, each in the original order.

    Of every class (where targets are class indices) dev gets `share` within one example, and
    never its last: rounded down, then one more for the largest remainders until dev is `share`
    of all. Raises InputError for a share that is none, or that leaves dev empty.
    """
    if not isinstance(share, float) or not 0 < share < 1:
        raise InputError(f"data.dev_share={share}: expected a share between 0 and 1, such as 0.1")
    strata: dict[int, list[int]] = {}
    for row, example in enumerate(examples):
        stratum = example.target if isinstance(example.target, int) else 0
        strata.setdefault(stratum, []).append(row)
    rng = random.Random(seed)
    sizes = _shares([len(rows) for rows in strata.values()], share)
    drawn = {
        row
        for rows, size in zip(strata.values(), sizes, strict=True)
        for row in rng.sample(rows, size)
    }
    if not drawn:
        raise InputError(
            f"data.dev_share={share}: of {len(examples):,} training examples none would go to "
            "dev; raise it, or name a file (data.dev=...)"
        )
    train = tuple(example for row, example in enumerate(examples) if row not in drawn)
    return train, tuple(examples[row] for row in sorted(drawn))


def _shares(sizes: Sequence[int], share: float) -> list[int]:
    """`share` of each size by largest remainder; the first in a tie."""
    found = [int(share * size) for size in sizes]
    rest = [share * size - whole for size, whole in zip(sizes, found, strict=True)]
    more = [row for row, size in enumerate(sizes) if found[row] < size - 1]
    more.sort(key=lambda row: -rest[row])
    for row in more[: round(share * sum(sizes)) - sum(found)]:
        found[row] += 1
    return found


def prepared(
    splits: Splits,
    train_limit: int | None,
    limit_seed: int,
    dev_share: float | None = None,
    split_seed: int = 0,
    train_share: float | None = None,
) -> Splits:
    """The splits as they will be used: dev taken out of train where asked, train limited.

    A share is one of what `train_limit` leaves. Dev depends on neither. Overlaps, and where dev
    comes from, go into `warnings`.
    """
    if dev_share is not None:
        splits = _with_dev(splits, dev_share, split_seed)
    few = portion(limit(splits.train, train_limit, limit_seed), train_share, limit_seed)
    limited = dataclasses.replace(splits, train=few)
    return dataclasses.replace(limited, warnings=(*splits.warnings, *overlap(limited)))


def _with_dev(splits: Splits, share: float, seed: int) -> Splits:
    if splits.dev:
        raise InputError(
            f"data.dev_share={share} takes dev out of train, but data.dev names a file; "
            "set one of the two to null"
        )
    train, dev = divided(splits.train, share, seed)
    others = (text for text in splits.warnings if not text.startswith("no dev "))
    note = (
        f"no dev file: dev is {len(dev):,} of the {len(splits.train):,} training examples "
        f"(data.dev_share={share}, data.split_seed={seed})"
    )
    return dataclasses.replace(splits, train=train, dev=dev, warnings=(note, *others))


def overlap(splits: Splits) -> list[str]:
    """One warning per pair of splits that share what is read, word for word: both texts of a pair.

    Names ids and not the words themselves: warnings are printed in reports, and not every
    data set may be quoted there.
    """
    found = []
    for earlier, later in (("train", "dev"), ("train", "test"), ("dev", "test")):
        known: dict[tuple[tuple[str, ...], ...], str] = {}
        for example in parts(splits)[earlier]:
            known.setdefault((example.words, example.second), example.id)
        examples = parts(splits)[later]
        texts = ((e, (e.words, e.second)) for e in examples)
        twins = [(known[text], e.id) for e, text in texts if text in known]
        if twins:
            found.append(
                f"{len(twins):,} of {len(examples):,} {later} examples are also in {earlier}, "
                f"word for word (the first: {twins[0][1]} equals {twins[0][0]})"
            )
    return found


def check(splits: Splits, task: str) -> None:
    """Raise InputError where the data holds another task's examples."""
    if splits.task != task:
        raise InputError(
            f"data '{splits.name}' holds {splits.task} examples, the task is {task}; "
            f"use data=... with {task} examples, or task={splits.task}"
        )


def unseen(splits: Splits, task: LabelTask) -> tuple[str, ...]:
    """Gold classes of dev or test that training never had: nothing could have learnt them."""
    classes = task.classes(splits)

    def used(examples: Iterable[Example]) -> set[int]:
        return {index for example in examples for index in task.targets(example, classes)}

    missing = (used(splits.dev) | used(splits.test)) - used(splits.train)
    return tuple(classes[index] for index in sorted(missing))


def unit_columns(
    judged: Iterable[Judged],
) -> tuple[Mapping[str, Sequence[int]], tuple[str, ...], tuple[str, ...]]:
    """Judged units as the `units`, `slices` and `keys` of `contracts.Counts`."""
    rows = list(judged)
    if not rows:
        return {}, (), ()
    slices = tuple(sorted({row.unit.slice for row in rows}))
    keys = tuple(sorted({row.unit.key for row in rows}))
    slice_index = {name: index for index, name in enumerate(slices)}
    key_index = {name: index for index, name in enumerate(keys)}
    units = {
        "example": [row.row for row in rows],
        "slice": [slice_index[row.unit.slice] for row in rows],
        "key": [key_index[row.unit.key] for row in rows],
        "correct": [int(row.correct) for row in rows],
        "marked": [int(row.marked) for row in rows],
    }
    return units, slices, keys
