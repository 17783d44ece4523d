"""Splits that no file holds, drawn out of the training examples.

By class, seeded, and never with one text on two sides: a model must not be asked what it was shown.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from harness.contracts import Example, InputError, Splits
from harness.examples.data import parts
from harness.quoting import listed, shown

Group = list[int]
"""Rows of examples that read the same, or whose first texts do: they stay together."""

TOGETHER = ("example", "text")
"""What is never on two sides: an example, or (of pairs) a first text with all its others."""


def divided(
    splits: Splits, shares: Mapping[str, float | None], seed: int, together: str = "example"
) -> Splits:
    """Dev and test out of train, where there is none and a share is given.

    Of every class each of them gets its share, by largest remainder, as far as texts go round; a
    class whose examples all read the same stays in train. Of pairs, `together="text"` keeps those
    of one first text on one side, as the candidates of a query. Examples keep their order. What was
    drawn goes into `warnings`. Raises InputError for shares that are none or leave a split empty.
    """
    held = parts(splits)
    asked = {name: share for name, share in shares.items() if share is not None and not held[name]}
    _check(asked)
    if not asked:
        return splits
    strata = _strata(splits.train, splits.labels, _known(together) == "text")
    drawn = _drawn(strata, asked, random.Random(seed))
    found = {
        name: tuple(splits.train[row] for row in sorted(drawn[name])) for name in ("dev", "test")
    }
    for name, share in asked.items():
        if not found[name]:
            alone = sum(len(groups) == 1 for groups in strata.values())
            raise InputError(
                f"data.{name}_share={share}: of {len(splits.train):,} examples none would go to "
                f"{name} (classes with one text only, which stays in train: {alone:,} of "
                f"{len(strata):,}; is data.label right?); raise it, or name a file: data.{name}=..."
            )
    gone = set(drawn["dev"]) | set(drawn["test"])
    train = tuple(example for row, example in enumerate(splits.train) if row not in gone)
    others = [w for w in splits.warnings if w not in {f"no {name} split" for name in asked}]
    notes = [_told(asked, found, len(splits.train), seed), *_kept(strata)]
    return dataclasses.replace(
        splits,
        train=train,
        dev=found["dev"] or splits.dev,
        test=found["test"] or splits.test,
        warnings=(*notes, *others),
    )


def _check(asked: Mapping[str, float]) -> None:
    for name, share in asked.items():
        if not isinstance(share, float) or not 0 < share < 1:
            raise InputError(
                f"data.{name}_share={share}: expected a share between 0 and 1, such as 0.1, or null"
            )
    if sum(asked.values()) >= 1:
        together = " + ".join(f"data.{name}_share={share}" for name, share in asked.items())
        raise InputError(f"{together}: nothing would be left to train on; lower them")


def _known(together: str) -> str:
    if together not in TOGETHER:
        raise InputError(f"data.together={shown(together)}: expected {' or '.join(TOGETHER)}")
    return together


def _strata(
    examples: Sequence[Example], labels: Sequence[str], by_text: bool
) -> dict[str, list[Group]]:
    """Groups by class, or by the rarest entity type of a sentence; of texts all in one."""
    common: Counter[str] = Counter(kind for example in examples for kind in _kinds(example, labels))
    groups: dict[object, Group] = defaultdict(list)
    for row, example in enumerate(examples):
        groups[example.words, () if by_text else example.second].append(row)
    strata: dict[str, list[Group]] = defaultdict(list)
    for group in groups.values():
        kinds = sorted({kind for row in group for kind in _kinds(examples[row], labels)})
        strata[min(kinds, key=common.__getitem__, default="")].append(group)
    return strata


def _kinds(example: Example, labels: Sequence[str]) -> set[str]:
    if isinstance(example.target, int):
        return {labels[example.target]}
    return {tag[2:] for tag in example.target if tag != "O"} if labels else set()


def _drawn(
    strata: Mapping[str, list[Group]], asked: Mapping[str, float], rng: random.Random
) -> dict[str, list[int]]:
    """Rows of each split. No class gives away more than it has without its first group."""
    shuffled = [rng.sample(groups, len(groups)) for groups in strata.values()]
    sizes = [sum(map(len, groups)) for groups in shuffled]
    free = [sum(map(len, groups[1:])) for groups in shuffled]
    drawn: dict[str, list[int]] = {"dev": [], "test": []}
    for name, share in asked.items():
        quotas = _quotas(sizes, free, share, rng)
        for index, groups in enumerate(shuffled):
            taken = _taken(groups, quotas[index])
            drawn[name] += [row for group in taken for row in group]
            free[index] -= sum(map(len, taken))
    return drawn


def _taken(groups: list[Group], quota: int) -> list[Group]:
    """Groups that fill a quota; they are taken away."""
    taken = []
    for group in list(groups):
        if len(group) <= quota:
            quota -= len(group)
            groups.remove(group)
            taken.append(group)
    return taken


def _quotas(
    sizes: Sequence[int], free: Sequence[int], share: float, rng: random.Random
) -> list[int]:
    """`share` of each size by largest remainder, as far as it is free; chance breaks ties."""
    quotas = [min(int(share * size), most) for size, most in zip(sizes, free, strict=True)]
    order = rng.sample(range(len(sizes)), len(sizes))
    order = [index for index in order if quotas[index] < free[index]]
    order.sort(key=lambda index: quotas[index] - share * sizes[index])
    for index in order[: max(0, round(share * sum(sizes)) - sum(quotas))]:
        quotas[index] += 1
    return quotas


def _told(
    asked: Mapping[str, float], found: Mapping[str, Sequence[Example]], size: int, seed: int
) -> str:
    drawn = " and ".join(f"{name} {len(found[name]):,}" for name in asked)
    shares = ", ".join(f"data.{name}_share={share}" for name, share in asked.items())
    return (
        f"no {' or '.join(asked)} split: {drawn} of the {size:,} examples were drawn, class by "
        f"class, no text on two sides ({shares}, data.split_seed={seed})"
    )


def _kept(strata: Mapping[str, list[Group]]) -> Iterable[str]:
    lonely = [kind for kind, groups in strata.items() if kind and len(groups) == 1]
    if lonely:
        yield (
            f"classes with one text only, which stays in train ({len(lonely):,} of "
            f"{len(strata):,}): {listed(lonely, 10)}"
        )
