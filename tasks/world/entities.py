"""Sentences about named things, labelled and not.

What decides an entity's type is known by construction and gives its slice: U the name itself,
G the same for a name that labelled training data never shows, L a cue to the left of an
ambiguous name, R a cue to its right, B both, N nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from tasks.world import lexicon as lx
from tasks.world.chance import Choice, distinct
from tasks.world.names import PAIRS, World
from tasks.world.spec import Bounds, Weights

SLICES: Final = {
    "U": "a name that has one type only",
    "G": "the same, but labelled training data never shows the name: pretraining must have",
    "L": "an ambiguous name, decided by a word to its left",
    "R": "an ambiguous name, decided by a word to its right",
    "B": "an ambiguous name, decided on both sides",
    "N": "an ambiguous name that nothing decides: a coin",
}
"""What gives the type of an entity, in words."""


class Mention(NamedTuple):
    """One entity: words `start` up to `end` are of `type`."""

    start: int
    end: int
    type: str
    slice: str
    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """Words with the entities among them."""

    words: tuple[str, ...]
    mentions: tuple[Mention, ...]


class Kind(NamedTuple):
    """Where a clause takes its name from, and the chance of a cue on each side of it."""

    names: str
    left: float
    right: float


KINDS: Final[Mapping[str, Kind]] = {
    "U": Kind("seen", 0.0, 0.0),
    "G": Kind("held out", 0.0, 0.0),
    "L": Kind("ambiguous", 1.0, 0.0),
    "R": Kind("ambiguous", 0.0, 1.0),
    "B": Kind("ambiguous", 1.0, 1.0),
    "N": Kind("ambiguous", 0.0, 0.0),
}


def ner_sentence(choice: Choice, world: World, slices: Weights) -> Text:
    """One or two labelled clauses."""
    clauses = [ner_clause(choice, world, slices)]
    if _happens(choice, world.spec.two_clauses):
        clauses.append(ner_clause(choice, world, slices))
    return _joined(clauses)


def ner_clause(choice: Choice, world: World, slices: Weights) -> Text:
    """One clause of a slice drawn from `slices`."""
    names, weights = zip(*slices, strict=True)
    part = choice.pick(names, weights)
    return _clause(choice, world, part, KINDS[part])


def corpus_sentence(choice: Choice, world: World) -> Text:
    """The same language without labels: cues stand beside unambiguous names too."""
    clauses = [_corpus_clause(choice, world)]
    if _happens(choice, world.spec.corpus_two_clauses):
        clauses.append(_corpus_clause(choice, world))
    return _joined(clauses)


def training_slices(slices: Weights) -> Weights:
    """The slices whose names labelled training data may show."""
    return tuple((part, share) for part, share in slices if KINDS[part].names != "held out")


def fillers(choice: Choice, bounds: Bounds) -> tuple[str, ...]:
    """A run of different adverbs that mean nothing for any answer."""
    least, most = bounds
    count = choice.nuisance(range(least, most + 1))
    return distinct(choice.nuisance, lx.FILLERS, count)


def _corpus_clause(choice: Choice, world: World) -> Text:
    names, weights = zip(*world.spec.corpus_names, strict=True)
    part = choice.pick(names, weights)
    cue = world.spec.corpus_cue
    return _clause(choice, world, part, KINDS.get(part, Kind("any", cue, cue)))


def _clause(choice: Choice, world: World, part: str, kind: Kind) -> Text:
    spec = world.spec
    # The type comes before the cues and knows nothing of them: without a left cue, all that
    # stands before an ambiguous name is independent of its type.
    name, type_ = _entity(choice, world, kind.names)
    left = lx.LEFT_CUES[type_] if _happens(choice, kind.left) else lx.LEFT_NEUTRAL
    right = lx.RIGHT_CUES[type_] if _happens(choice, kind.right) else lx.RIGHT_NEUTRAL
    head = (*fillers(choice, spec.before), choice.pick(left))
    entity: tuple[str, ...] = (name,)
    if choice.nuisance((False, True), (1 - spec.second_word, spec.second_word)):
        entity += (choice.nuisance(lx.SECOND_WORDS),)
    tail = (*fillers(choice, spec.between), choice.pick(right), *fillers(choice, spec.after))
    mention = Mention(len(head), len(head) + len(entity), type_, part, name)
    return Text(head + entity + tail, (mention,))


def _entity(choice: Choice, world: World, names: str) -> tuple[str, str]:
    """A name and its type, which for an ambiguous name is a fair coin."""
    if names == "ambiguous":
        pair = choice.pick(PAIRS)
        return choice.pick(world.ambiguous[pair]), choice.pick(pair)
    type_ = choice.pick(lx.TYPES)
    pools = {
        "seen": world.seen[type_],
        "held out": world.held_out[type_],
        "any": world.seen[type_] + world.held_out[type_],
    }
    return choice.pick(pools[names]), type_


def _joined(clauses: list[Text]) -> Text:
    words: tuple[str, ...] = ()
    mentions: list[Mention] = []
    for clause in clauses:
        words += (lx.AND,) if words else ()
        shift = len(words)
        mentions += [m._replace(start=m.start + shift, end=m.end + shift) for m in clause.mentions]
        words += clause.words
    return Text((*words, lx.STOP), tuple(mentions))


def _happens(choice: Choice, probability: float) -> bool:
    return choice.pick((True, False), (probability, 1 - probability))
