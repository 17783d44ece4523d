"""One labelled example of each task, from the sentences of the world to targets and units."""

from __future__ import annotations

from typing import NamedTuple

from harness.contracts import Target, Unit
from tasks.world.chance import Choice
from tasks.world.entities import Text, ner_sentence
from tasks.world.entities import training_slices as seen_entities
from tasks.world.names import World
from tasks.world.pairs import pair
from tasks.world.records import facts, meaning, told
from tasks.world.reviews import labelled_review
from tasks.world.reviews import training_slices as seen_reviews

Words = tuple[str, ...]
TRAIN = "train"


class Draft(NamedTuple):
    """An example that has no id yet.

    `texts` are what no other draft may hold, and no unlabelled sentence may equal.
    """

    words: Words
    target: Target
    units: tuple[Unit, ...]
    second: Words
    texts: tuple[Words, ...]


def entities(choice: Choice, there: World, split: str) -> Draft:
    """A sentence with one IOB2 tag per word; one unit per entity."""
    slices = there.spec.ner_slices
    text = ner_sentence(choice, there, seen_entities(slices) if split == TRAIN else slices)
    units = tuple(Unit(m.slice, m.start, m.end, m.name) for m in text.mentions)
    return Draft(text.words, _tags(text), units, (), (text.words,))


def review(choice: Choice, there: World, split: str) -> Draft:
    """A review with its label; the unit is the whole."""
    slices = there.spec.review_slices
    drawn = labelled_review(choice, there, seen_reviews(slices) if split == TRAIN else slices)
    unit = Unit(drawn.slice, 0, len(drawn.words), "")
    return Draft(drawn.words, drawn.label, (unit,), (), (drawn.words,))


def matching(choice: Choice, there: World, split: str) -> Draft:
    """Two texts with their label; the unit is both."""
    drawn = pair(choice, there, there.record_names[split], there.spec.pair_slices)
    unit = Unit(drawn.slice, 0, len(drawn.first) + len(drawn.second), "")
    texts = (drawn.first, drawn.second)
    return Draft(drawn.first, drawn.label, (unit,), drawn.second, texts)


def generation(choice: Choice, there: World, split: str) -> Draft:
    """A record as input, and different texts that tell it: one in training, several elsewhere."""
    spec = there.spec
    name = choice.nuisance(there.record_names[split])
    least, most = spec.text_facts
    known = facts(choice.nuisance, choice.pick(range(least, most + 1)))
    texts: dict[Words, None] = {}
    while len(texts) < (1 if split == TRAIN else spec.references):
        texts[told(choice, name, known)] = None
    words = meaning(name, known)
    unit = Unit(f"{len(known)} facts", 0, len(words), "")
    # Sorted, because the order of its facts makes no other record.
    taken = (tuple(sorted(words)), *texts)
    return Draft(words, tuple(map(" ".join, texts)), (unit,), (), taken)


def _tags(text: Text) -> tuple[str, ...]:
    tags = ["O"] * len(text.words)
    for mention in text.mentions:
        tags[mention.start] = f"B-{mention.type}"
        for place in range(mention.start + 1, mention.end):
            tags[place] = f"I-{mention.type}"
    return tuple(tags)
