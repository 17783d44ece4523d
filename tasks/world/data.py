"""Labelled splits and unlabelled text of the embedded world, as the harness reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from harness.contracts import Example, InputError, Splits, Target, Unit
from tasks.world.caps import caps
from tasks.world.chance import Choice, Sampler, distinct, stream
from tasks.world.entities import Text, corpus_sentence, ner_sentence
from tasks.world.entities import training_slices as seen_entities
from tasks.world.lexicon import TYPES, vocabulary
from tasks.world.names import World, world
from tasks.world.reviews import LABELS, Review, corpus_review, labelled_review
from tasks.world.reviews import training_slices as seen_reviews
from tasks.world.spec import VERSION, WorldSpec

__all__ = ["SIZES", "VERSION", "corpus", "load", "vocabulary"]

SIZES: Final = {
    "classification": {"train": 2000, "dev": 500, "test": 2000},
    "ner": {"train": 1000, "dev": 500, "test": 1500},
}
"""Examples per split where a configuration names no other number."""

_TRIES: Final = 1000  # redraws of one sentence before the language counts as used up


class Draft(NamedTuple):
    """An example that has no id yet."""

    words: tuple[str, ...]
    target: Target
    units: tuple[Unit, ...]


def load(
    task: str,
    seed: int = 0,
    train_size: int | None = None,
    dev_size: int | None = None,
    test_size: int | None = None,
    train_limit: int | None = None,
    limit_seed: int = 0,
    spec: WorldSpec | None = None,
) -> Splits:
    """The labelled splits of one task.

    `train_limit` keeps a random part of the training split; of two limits with one `limit_seed`
    the smaller part lies within the larger. Dev and test depend on neither it nor `train_size`.
    """
    spec = spec or WorldSpec()
    sizes = _sizes(task, {"train": train_size, "dev": dev_size, "test": test_size})
    drafts = _draw(task, seed, spec, sizes)
    examples = {
        split: tuple(
            Example(f"world-{task}-{split}-{number}", *draft) for number, draft in enumerate(drawn)
        )
        for split, drawn in drafts.items()
    }
    return Splits(
        name="world",
        task=task,
        source="embedded",
        train=_limited(examples["train"], train_limit, limit_seed),
        dev=examples["dev"],
        test=examples["test"],
        labels=TYPES if task == "ner" else LABELS,
        caps=caps(task, seed, spec),
        vocabulary=vocabulary(spec),
    )


def corpus(seed: int, size: int, spec: WorldSpec | None = None) -> list[tuple[str, ...]]:
    """Unlabelled sentences in which all names and polarity words of the world occur.

    None equals a dev or test sentence of any task, at the sizes in `SIZES` or below.
    """
    spec = spec or WorldSpec()
    there = world(seed, spec)
    shares = (spec.corpus_entities, 1 - spec.corpus_entities)
    taken: set[tuple[str, ...]] = set()
    for task, sizes in SIZES.items():
        drafts = _draw(task, seed, spec, {**sizes, "train": 0})
        taken.update(draft.words for drawn in drafts.values() for draft in drawn)

    def sentence(sampler: Sampler) -> tuple[str, ...]:
        if sampler.pick((True, False), shares):
            return corpus_sentence(sampler, there).words
        return corpus_review(sampler, there)

    sampler = stream("world", VERSION, seed, "corpus")
    drawn: list[tuple[str, ...]] = []
    while len(drawn) < size:
        words = sentence(sampler)
        if words not in taken:
            drawn.append(words)
    return drawn


def _draw(task: str, seed: int, spec: WorldSpec, sizes: dict[str, int]) -> dict[str, list[Draft]]:
    """Splits without a sentence in common; test is drawn first, so that nothing moves it."""
    there = world(seed, spec)
    taken: set[tuple[str, ...]] = set()
    drafts = {}
    for split in ("test", "dev", "train"):
        sampler = stream("world", VERSION, seed, task, split)
        drafts[split] = [
            _fresh(_PROGRAMS[task], sampler, there, split, taken) for _ in range(sizes[split])
        ]
    return drafts


def _fresh(
    program: Callable[[Choice, World, bool], Draft],
    sampler: Sampler,
    there: World,
    split: str,
    taken: set[tuple[str, ...]],
) -> Draft:
    """A draft whose words are not `taken` yet; takes them."""
    for _ in range(_TRIES):
        draft = program(sampler, there, split == "train")
        if draft.words not in taken:
            taken.add(draft.words)
            return draft
    raise InputError(
        f"data.{split}_size: the embedded world has run out of new sentences after {len(taken)}; "
        "ask for fewer"
    )


def _entities(choice: Choice, there: World, training: bool) -> Draft:
    slices = there.spec.ner_slices
    text = ner_sentence(choice, there, seen_entities(slices) if training else slices)
    units = tuple(Unit(m.slice, m.start, m.end, m.name) for m in text.mentions)
    return Draft(text.words, _tags(text), units)


def _review(choice: Choice, there: World, training: bool) -> Draft:
    slices = there.spec.review_slices
    review: Review = labelled_review(choice, there, seen_reviews(slices) if training else slices)
    unit = Unit(review.slice, 0, len(review.words), "")
    return Draft(review.words, review.label, (unit,))


_PROGRAMS: Final = {"classification": _review, "ner": _entities}


def _tags(text: Text) -> tuple[str, ...]:
    tags = ["O"] * len(text.words)
    for mention in text.mentions:
        tags[mention.start] = f"B-{mention.type}"
        for place in range(mention.start + 1, mention.end):
            tags[place] = f"I-{mention.type}"
    return tuple(tags)


def _sizes(task: str, wanted: dict[str, int | None]) -> dict[str, int]:
    if task not in SIZES:
        known = ", ".join(SIZES)
        raise InputError(f"data.task: the embedded world has no {task!r}; choose from {known}")
    sizes = {split: SIZES[task][split] if n is None else n for split, n in wanted.items()}
    for split, size in sizes.items():
        if size < 1:
            raise InputError(f"data.{split}_size: expected a positive number, got {size}")
    return sizes


def _limited(train: Sequence[Example], limit: int | None, seed: int) -> tuple[Example, ...]:
    """A random part of the training split, in its order."""
    if limit is None:
        return tuple(train)
    if not 1 <= limit <= len(train):
        raise InputError(
            f"data.train_limit: expected a number from 1 to {len(train)}, the size of the "
            f"training split, got {limit}"
        )
    kept = distinct(stream("world", "limit", seed).pick, range(len(train)), limit)
    return tuple(train[place] for place in sorted(kept))
