"""Reviews, labelled and not.

What a labelled review asks of its reader gives its slice: lex one polarity word, new the same
with a word that labelled training data never shows, neg a negator before the word, con two
or three clauses of which the main one counts, none no opinion at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tasks.world import lexicon as lx
from tasks.world.chance import Choice, distinct
from tasks.world.entities import fillers
from tasks.world.names import World
from tasks.world.spec import Bounds, Weights

LABELS: Final = ("negative", "positive")

Words = tuple[str, ...]
Lists = tuple[Words, Words]
"""Polarity words by label: negative, positive."""


SLICES: Final = {
    "lex": "one word of praise or blame",
    "new": "the same, with a word that labelled training data never shows",
    "neg": "the word is negated",
    "con": "two or three clauses, of which the main one counts",
    "none": "no opinion at all: a coin",
}
"""What a review asks of its reader, in words."""


class Review(NamedTuple):
    """One labelled review; `label` is an index into `LABELS`."""

    words: Words
    label: int
    slice: str


def labelled_review(choice: Choice, world: World, slices: Weights) -> Review:
    """A review of a slice drawn from `slices`; its label is a fair coin in every slice."""
    names, weights = zip(*slices, strict=True)
    part = choice.pick(names, weights)
    label = choice.pick((0, 1))
    seen = world.seen_polarity
    if part == "con":
        main = _opinion(choice, world, seen, label)
        words = _contrast(choice, main, _opinion(choice, world, seen, 1 - label))
        if _chance(choice, world.spec.aside):
            words = _aside(choice, words, _opinion(choice, world, seen, choice.pick((0, 1))))
    elif part == "none":
        words = _clause(choice, world, _plain(choice, world))
    else:
        lists = world.held_out_polarity if part == "new" else seen
        words = _clause(choice, world, _term(choice, world, lists, label, part == "neg"))
    return Review((*words, lx.STOP), label, part)


def corpus_review(choice: Choice, world: World) -> Words:
    """Unlabelled opinions: adjectives agree within a clause and turn between clauses."""
    spec = world.spec
    if choice.pick((True, False), (spec.corpus_plain, 1 - spec.corpus_plain)):
        return (*_clause(choice, world, _plain(choice, world)), lx.STOP)
    side = choice.pick((0, 1))
    main = _chorus(choice, world, side, spec.corpus_terms)
    if choice.pick((True, False), (spec.corpus_turn, 1 - spec.corpus_turn)):
        main = _contrast(choice, main, _chorus(choice, world, 1 - side, spec.corpus_turn_terms))
    return (*main, lx.STOP)


def training_slices(slices: Weights) -> Weights:
    """The slices whose words labelled training data may show."""
    return tuple((part, share) for part, share in slices if part != "new")


def _opinion(choice: Choice, world: World, lists: Lists, side: int) -> Words:
    """A clause with one adjective, negated now and then."""
    negated = _chance(choice, world.spec.inner_negation)
    return _clause(choice, world, _term(choice, world, lists, side, negated))


def _chorus(choice: Choice, world: World, side: int, bounds: Bounds) -> Words:
    """A clause with several adjectives that agree: "superb and never dull"."""
    spec = world.spec
    lists: Lists = (
        world.seen_polarity[0] + world.held_out_polarity[0],
        world.seen_polarity[1] + world.held_out_polarity[1],
    )
    count = choice.pick(range(bounds[0], bounds[1] + 1))
    words: list[str] = []
    for place in range(count):
        words += (lx.AND,) if place else ()
        fresh = (_without(lists[0], words), _without(lists[1], words))
        words += _term(choice, world, fresh, side, _chance(choice, spec.corpus_negation))
    opening = fillers(choice, spec.corpus_opening)
    return (*opening, *_subject(choice), *words)


def _term(choice: Choice, world: World, lists: Lists, side: int, negated: bool) -> Words:
    """An adjective for one side, or a negator and an adjective of the other.

    Which of a list's adjectives it is tells nothing beyond the list.
    """
    spec = world.spec
    negator = (choice.nuisance(lx.NEGATORS),) if negated else ()
    degrees = _degrees(choice, spec.scope if negated else spec.degree)
    return (*negator, *degrees, choice.nuisance(lists[1 - side if negated else side]))


def _plain(choice: Choice, world: World) -> Words:
    """An adjective that takes no side."""
    return (*_degrees(choice, world.spec.degree), choice.nuisance(lx.PLAIN))


def _clause(choice: Choice, world: World, term: Words) -> Words:
    opening, closing = fillers(choice, world.spec.opening), fillers(choice, world.spec.closing)
    return (*opening, *_subject(choice), *term, *closing)


def _subject(choice: Choice) -> Words:
    return (lx.ARTICLE, choice.nuisance(lx.ASPECTS), choice.nuisance(lx.COPULAS))


def _contrast(choice: Choice, main: Words, other: Words) -> Words:
    """The main clause counts, wherever it stands."""
    form = choice.pick((lx.BUT, lx.ALTHOUGH + lx.COMMA, lx.ALTHOUGH))
    if form == lx.BUT:
        return (*other, lx.BUT, *main)
    if form == lx.ALTHOUGH:
        return (*main, lx.ALTHOUGH, *other)
    return (lx.ALTHOUGH, *other, lx.COMMA, *main)


def _aside(choice: Choice, contrast: Words, aside: Words) -> Words:
    """A third clause, for or against, that changes nothing."""
    if choice.pick((True, False)):
        return (*contrast, lx.ALTHOUGH, *aside)
    return (lx.ALTHOUGH, *aside, lx.COMMA, *contrast)


def _degrees(choice: Choice, bounds: Bounds) -> Words:
    least, most = bounds
    count = choice.nuisance(range(least, most + 1))
    drawn = distinct(choice.nuisance, range(len(lx.DEGREES)), count)
    return tuple(lx.DEGREES[place] for place in sorted(drawn))


def _chance(choice: Choice, share: float) -> bool:
    return choice.pick((True, False), (share, 1 - share))


def _without(options: Words, used: Sequence[str]) -> Words:
    return tuple(option for option in options if option not in used)
