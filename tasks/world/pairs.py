"""Pairs of texts that may or may not mean the same.

What the answer hangs on gives the slice: same a record told in other words, again one told in
another template but with the very word of the fact that counts, value the same but for one
value, role an inn and another with their parts exchanged, other another record, vague a second
text that tells nothing. Save for other, a pair that means the same is made like one that does
not, fact by fact and word by word: lengths, order and joints tell nothing, and pairs about two
inns are as often the same as not. One fact, the one that counts, always changes its template. A
share of these facts (`spec.pair_again`) keeps its synonym, which in a pair that means the same
gives the slice again; all others need a reader that knows synonyms.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tasks.world import lexicon as lx
from tasks.world.chance import Choice, distinct
from tasks.world.entities import fillers
from tasks.world.names import World
from tasks.world.records import Fact, clause, facts, relation, sentence, told, worded
from tasks.world.spec import Weights, WorldSpec

LABELS: Final = ("different", "same")

Words = tuple[str, ...]


SLICES: Final = {
    "same": "the same record, told with other words",
    "again": "the same record, the fact that counts told with the same word",
    "value": "the same but for one value",
    "role": "two inns with their parts exchanged",
    "other": "another record",
    "vague": "a second text that tells nothing: a coin",
}
"""What the answer to a pair hangs on, in words."""


class Pair(NamedTuple):
    """Two texts; `label` is an index into `LABELS`."""

    first: Words
    second: Words
    label: int
    slice: str


def pair(choice: Choice, world: World, names: Sequence[str], slices: Weights) -> Pair:
    """A pair of a slice drawn from `slices`, about inns among `names`."""
    parts, weights = zip(*slices, strict=True)
    part = choice.pick(parts, weights)
    name, other = distinct(choice.nuisance, names, 2)
    again = False
    if _related(choice, part, slices):
        first, second = _relations(choice, name, other, part)
    else:
        first, second, again = _records(choice, world.spec, name, other, part)
    label = int(part == "same")
    if part == "vague":
        second, label = _vague(choice, world.spec, name), choice.pick((0, 1))
    return Pair(first, second, label, "again" if again and part == "same" else part)


def _related(choice: Choice, part: str, slices: Weights) -> bool:
    """Whether it is about two inns: as often where the texts mean the same as where not."""
    if part not in ("same", "vague"):
        return part == "role"
    shares = dict(slices)
    role, rest = shares.get("role", 0.0), shares.get("value", 0.0) + shares.get("other", 0.0)
    return role > 0 and choice.pick((True, False), (role, rest))


def _relations(choice: Choice, name: str, other: str, part: str) -> tuple[Words, Words]:
    """The verb is always replaced by its synonym."""
    verb, synonym = distinct(choice.pick, choice.pick(lx.RELATIONS), 2)
    parts = (other, name) if part == "role" else (name, other)
    return (
        (*relation(name, verb, other), lx.STOP),
        (*relation(parts[0], synonym, parts[1]), lx.STOP),
    )


def _records(
    choice: Choice, spec: WorldSpec, name: str, other: str, part: str
) -> tuple[Words, Words, bool]:
    """Two texts, and whether the fact that counts keeps its synonym."""
    least, most = spec.pair_facts
    count = choice.pick(range(least, most + 1))
    (turning,) = facts(choice.pick, 1)
    beside = facts(choice.nuisance, count - 1, turning.attribute)
    said = choice.pick((0, 1))
    synonyms = [choice.nuisance((0, 1)) for _ in beside]
    first = [clause(choice, f, s) for f, s in zip(beside, synonyms, strict=True)]
    here, there = distinct(choice.nuisance, turning.attribute.templates, 2)
    first.append(worded(turning, said, here))
    if part == "other":
        anew = told(choice, other, facts(choice.nuisance, count))
        return sentence(choice, name, first), anew, False
    shares = (spec.pair_reworded, 1 - spec.pair_reworded)
    second = [
        clause(choice, f, choice.nuisance((1 - s, s), shares))
        for f, s in zip(beside, synonyms, strict=True)
    ]
    told_now, synonym = _turned(choice, spec, turning, said, part)
    second.append(worded(told_now, synonym, there))
    one, two = sentence(choice, name, first), sentence(choice, name, second)
    return one, two, synonym == said


def _turned(choice: Choice, spec: WorldSpec, fact: Fact, said: int, part: str) -> tuple[Fact, int]:
    """The fact that counts with a synonym: of the same value, or of another one."""
    again = choice.pick((True, False), (spec.pair_again, 1 - spec.pair_again))
    synonym = said if again else 1 - said
    if part != "value":
        return fact, synonym
    others = [n for n in range(len(fact.attribute.values)) if n != fact.value]
    return fact._replace(value=choice.pick(others)), synonym


def _vague(choice: Choice, spec: WorldSpec, name: str) -> Words:
    """Something that fits every record: "Vaki suddenly changed again ."."""
    before, after = fillers(choice, spec.vague), fillers(choice, spec.vague)
    return (name, *before, choice.nuisance(lx.RIGHT_NEUTRAL), *after, lx.STOP)
