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

from harness.contracts import Example, InputError, Splits, Task, Unit
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
    """Words in each split."""
    return {
        name: sum(len(example.words) for example in examples)
        for name, examples in parts(splits).items()
    }


def digest(examples: Iterable[Example]) -> str:
    """SHA-256 over words, targets and units, one canonical JSON line per example, in order.

    Ids are left out: an id says where an example was found, and the same examples read from
    another file layout are the same data. Units are in: slices are judged by them. Order
    counts, since counts are compared row by row.
    """
    sha = hashlib.sha256()
    for example in examples:
        sha.update(canonical([example.words, example.target, example.units]).encode())
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


def prepared(splits: Splits, train_limit: int | None, limit_seed: int) -> Splits:
    """The splits as they will be used: training data limited, overlaps put into `warnings`."""
    limited = dataclasses.replace(splits, train=limit(splits.train, train_limit, limit_seed))
    return dataclasses.replace(limited, warnings=(*splits.warnings, *overlap(limited)))


def overlap(splits: Splits) -> list[str]:
    """One warning per pair of splits that share examples, word for word.

    Names ids and not the words themselves: warnings are printed in reports, and not every
    data set may be quoted there.
    """
    found = []
    for earlier, later in (("train", "dev"), ("train", "test"), ("dev", "test")):
        known: dict[tuple[str, ...], str] = {}
        for example in parts(splits)[earlier]:
            known.setdefault(example.words, example.id)
        examples = parts(splits)[later]
        twins = [(known[e.words], e.id) for e in examples if e.words in known]
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


def unseen(splits: Splits, task: Task) -> tuple[str, ...]:
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
