"""Labelled splits and unlabelled text of the embedded world, as the harness reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from harness.contracts import Example, Grade, InputError, Splits
from harness.examples.data import limit, portion
from tasks.world import drafts, entities, grammar, pairs, reviews
from tasks.world.caps import caps
from tasks.world.chance import Choice, Sampler, stream
from tasks.world.drafts import Draft
from tasks.world.entities import corpus_sentence
from tasks.world.lexicon import TYPES, vocabulary
from tasks.world.names import World, world
from tasks.world.records import corpus_record
from tasks.world.reviews import corpus_review
from tasks.world.spec import VERSION, WorldSpec

__all__ = ["SIZES", "VERSION", "corpus", "load", "vocabulary"]

SIZES: Final = {
    "classification": {"train": 2000, "dev": 500, "test": 2000},
    "matching": {"train": 3000, "dev": 500, "test": 2000},
    "ner": {"train": 1000, "dev": 500, "test": 1500},
    "generation": {"train": 1000, "dev": 200, "test": 400},
}
"""Examples per split where a configuration names no other number."""

_TRIES: Final = 1000  # redraws of one sentence before the language counts as used up


class _Kind(NamedTuple):
    """How one task's examples are drawn, what their labels mean, and how texts are graded."""

    draw: Callable[[Choice, World, str], Draft]
    labels: tuple[str, ...]
    slices: Mapping[str, str]
    grade: Grade | None = None
    metrics: tuple[str, ...] = ()


_KINDS: Final[Mapping[str, _Kind]] = {
    "classification": _Kind(drafts.review, reviews.LABELS, reviews.SLICES),
    "matching": _Kind(drafts.matching, pairs.LABELS, pairs.SLICES),
    "ner": _Kind(drafts.entities, TYPES, entities.SLICES),
    "generation": _Kind(drafts.generation, (), {}, grammar.grade, grammar.METRICS),
}


def load(
    task: str,
    seed: int = 0,
    train_size: int | None = None,
    dev_size: int | None = None,
    test_size: int | None = None,
    train_limit: int | None = None,
    limit_seed: int = 0,
    train_share: float | None = None,
    spec: WorldSpec | None = None,
) -> Splits:
    """The labelled splits of one task.

    `train_limit` keeps a random part of the training split, `train_share` a share of that. Dev and
    test depend on neither, nor on `train_size`. Raises InputError for a task or a size that the
    world does not have.
    """
    spec = spec or WorldSpec()
    sizes = _sizes(task, {"train": train_size, "dev": dev_size, "test": test_size})
    drawn = _draw(task, seed, spec, sizes)
    examples = {
        split: tuple(
            Example(f"world-{task}-{split}-{number}", d.words, d.target, d.units, d.second)
            for number, d in enumerate(part)
        )
        for split, part in drawn.items()
    }
    kind = _KINDS[task]
    return Splits(
        name="world",
        task=task,
        source="embedded",
        train=portion(limit(examples["train"], train_limit, limit_seed), train_share, limit_seed),
        dev=examples["dev"],
        test=examples["test"],
        labels=kind.labels,
        caps=caps(task, seed, spec),
        vocabulary=vocabulary(spec),
        grade=kind.grade,
        metrics=kind.metrics,
        slices=kind.slices,
    )


def corpus(seed: int, size: int, spec: WorldSpec | None = None) -> list[tuple[str, ...]]:
    """Unlabelled sentences in which all words of the world and all names of entities occur.

    None equals a dev or test text of any task, references included, at the sizes in `SIZES` or
    below; and no record in dev or test has a name that occurs here.
    """
    spec = spec or WorldSpec()
    there = world(seed, spec)
    taken: set[tuple[str, ...]] = set()
    for task, sizes in SIZES.items():
        parts = _draw(task, seed, spec, {**sizes, "train": 0})
        taken.update(text for part in parts.values() for draft in part for text in draft.texts)
    sampler = stream("world", VERSION, seed, "corpus")
    drawn: list[tuple[str, ...]] = []
    while len(drawn) < size:
        words = _unlabelled(sampler, there)
        if words not in taken:
            drawn.append(words)
    return drawn


def _unlabelled(sampler: Sampler, there: World) -> tuple[str, ...]:
    spec = there.spec
    records, entities = spec.corpus_records, spec.corpus_entities
    kind = sampler.pick(
        ("records", "entities", "reviews"), (records, entities, 1 - records - entities)
    )
    if kind == "records":
        return corpus_record(sampler, there)
    if kind == "entities":
        return corpus_sentence(sampler, there).words
    return corpus_review(sampler, there)


def _draw(task: str, seed: int, spec: WorldSpec, sizes: dict[str, int]) -> dict[str, list[Draft]]:
    """Splits without a text in common; test is drawn first, so that nothing moves it."""
    there = world(seed, spec)
    taken: set[tuple[str, ...]] = set()
    drawn = {}
    for split in ("test", "dev", "train"):
        sampler = stream("world", VERSION, seed, task, split)
        drawn[split] = [
            _fresh(_KINDS[task].draw, sampler, there, split, taken) for _ in range(sizes[split])
        ]
    return drawn


def _fresh(
    draw: Callable[[Choice, World, str], Draft],
    sampler: Sampler,
    there: World,
    split: str,
    taken: set[tuple[str, ...]],
) -> Draft:
    """A draft none of whose texts is `taken` yet; takes them."""
    for _ in range(_TRIES):
        draft = draw(sampler, there, split)
        if taken.isdisjoint(draft.texts):
            taken.update(draft.texts)
            return draft
    raise InputError(
        f"data.{split}_size: the embedded world has run out of new sentences after {len(taken)}; "
        "ask for fewer"
    )


def _sizes(task: str, wanted: dict[str, int | None]) -> dict[str, int]:
    if task not in SIZES:
        known = ", ".join(SIZES)
        raise InputError(f"data.task: the embedded world has no {task!r}; choose from {known}")
    sizes = {split: SIZES[task][split] if n is None else n for split, n in wanted.items()}
    for split, size in sizes.items():
        if size < 1:
            raise InputError(f"data.{split}_size: expected a positive number, got {size}")
    return sizes
