"""Records of invented inns, and how plain English tells them.

A record is a name and some facts. A fact is told by a template of its attribute and one of its
value's two synonyms; facts stand in any order. Every such choice is a nuisance: given the text,
it says nothing about what the text means.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tasks.world import lexicon as lx
from tasks.world.chance import Choice, distinct
from tasks.world.lexicon import Attribute
from tasks.world.names import World
from tasks.world.spec import Bounds, WorldSpec

Words = tuple[str, ...]

LIST: Final = "list"  # a , b and c
SERIAL: Final = "serial"  # a , b , and c
CHAIN: Final = "chain"  # a and b and c
"""Ways to join clauses, which are one where there are but two: a and b."""


class Fact(NamedTuple):
    """An attribute with the index of its value."""

    attribute: Attribute
    value: int

    def word(self, synonym: int) -> str:
        """The value in words, 0 the canonical one, 1 the other."""
        return self.attribute.values[self.value][synonym]


def facts(
    draw: Callable[[Sequence[int]], int],
    count: int,
    beside: Attribute | None = None,
) -> tuple[Fact, ...]:
    """Facts about `count` different attributes other than `beside`, in random order.

    `draw` is a choice's `pick` or `nuisance`.
    """
    free = [attribute for attribute in lx.ATTRIBUTES if attribute != beside]
    return tuple(Fact(a, draw(range(len(a.values)))) for a in distinct(draw, free, count))


def clause(choice: Choice, fact: Fact, synonym: int) -> Words:
    """A fact in any of its attribute's templates."""
    return worded(fact, synonym, choice.nuisance(fact.attribute.templates))


def worded(fact: Fact, synonym: int, template: tuple[str, str]) -> Words:
    """A verb, the value and a noun: "serves spicy dishes"."""
    verb, noun = template
    return (verb, fact.word(synonym), noun)


def sentence(choice: Choice, name: str, clauses: Sequence[Words]) -> Words:
    """The clauses about one name in free order, joined and closed."""
    order = distinct(choice.nuisance, clauses, len(clauses))
    gaps = joints(len(order), choice.nuisance((LIST, SERIAL, CHAIN)))
    words = [name, *order[0]]
    for gap, told in zip(gaps, order[1:], strict=True):
        words += (*gap, *told)
    return (*words, lx.STOP)


def told(choice: Choice, name: str, facts: Sequence[Fact]) -> Words:
    """One of all ways to tell a record."""
    return sentence(choice, name, [clause(choice, f, choice.nuisance((0, 1))) for f in facts])


def joints(count: int, style: str) -> tuple[Words, ...]:
    """What stands between `count` clauses."""
    if count < 2:
        return ()
    between = lx.AND if style == CHAIN else lx.COMMA
    last = (lx.COMMA, lx.AND) if style == SERIAL and count > 2 else (lx.AND,)
    return (*((between,),) * (count - 2), last)


def meaning(name: str, facts: Sequence[Fact]) -> Words:
    """The record itself, as input: "name Vaki : food spicy ; lodging large"."""
    words = [lx.NAME, name, lx.COLON]
    for place, fact in enumerate(facts):
        words += (lx.SEMICOLON,) if place else ()
        words += (fact.attribute.key, fact.word(0))
    return tuple(words)


def relation(subject: str, verb: str, object_: str) -> Words:
    """What one inn does to another: "Vaki supplies Doru"."""
    return (subject, verb, object_)


def corpus_record(choice: Choice, world: World) -> Words:
    """Unlabelled text about inns.

    It may say twice, in other words, what it says; then it stands for the synonyms.
    """
    spec, names = world.spec, world.record_names["train"]
    kinds, weights = zip(*spec.corpus_record_kinds, strict=True)
    kind = choice.pick(kinds, weights)
    if kind == "relation":
        return _relation(choice, spec, names)
    name = choice.nuisance(names)
    if kind == "restated":
        return _restated(choice, name, facts(choice.nuisance, 1)[0])
    bounds = spec.corpus_retold_facts if kind == "retold" else spec.corpus_facts
    known = facts(choice.nuisance, _between(choice, bounds))
    first = told(choice, name, known)
    return (*first, *told(choice, name, known)) if kind == "retold" else first


def _restated(choice: Choice, name: str, fact: Fact) -> Words:
    """A fact and its synonym: "Vaki serves spicy dishes , meaning peppery food ."."""
    synonym = choice.nuisance((0, 1))
    _, noun = choice.nuisance(fact.attribute.templates)
    noun = choice.nuisance((noun, fact.attribute.key))
    again = (choice.nuisance(lx.RESTATING), fact.word(1 - synonym), noun)
    return (name, *clause(choice, fact, synonym), lx.COMMA, *again, lx.STOP)


def _relation(choice: Choice, spec: WorldSpec, names: Words) -> Words:
    """One inn and another, once or in other words as well."""
    subject, other = distinct(choice.nuisance, names, 2)
    verb, synonym = distinct(choice.nuisance, choice.nuisance(lx.RELATIONS), 2)
    words = relation(subject, verb, other)
    share = spec.corpus_relation_reworded
    if choice.pick((True, False), (share, 1 - share)):
        link = choice.nuisance(((lx.STOP,), (lx.COMMA, lx.RESTATING[0])))
        words += (*link, *relation(subject, synonym, other))
    return (*words, lx.STOP)


def _between(choice: Choice, bounds: Bounds) -> int:
    return choice.pick(range(bounds[0], bounds[1] + 1))
