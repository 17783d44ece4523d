"""Written texts about a record, read back and judged exactly.

The reader is deterministic and independent of the generator's way of writing: what a text says
is its value words, each of which belongs to one attribute, whatever stands around them. Whether
it is also well formed is another question, answered apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

from harness.contracts import Example
from tasks.world import lexicon as lx

METRICS: Final = ("slot_error", "name_copied", "grammatical")
"""What the columns of `grade` add up to, headline first."""


class Mention(NamedTuple):
    """One value word of a text: whose value it is, and which."""

    attribute: str
    value: int


_MENTIONS: Final[Mapping[str, Mention]] = {
    word: Mention(attribute.key, place)
    for attribute in lx.ATTRIBUTES
    for place, value in enumerate(attribute.values)
    for word in value
}
_TEMPLATES: Final[Mapping[tuple[str, str], str]] = {
    template: attribute.key for attribute in lx.ATTRIBUTES for template in attribute.templates
}
_CLAUSE: Final = 3  # words: a verb, a value, a noun


def grade(example: Example, words: Sequence[str]) -> Mapping[str, int]:
    """What `words` make of the record in `example.words`.

    missing, added and wrong count slots: an asked attribute that gets another value is wrong, one
    that gets none is missing; every mention beyond the one that answers, and every mention of
    an attribute that was not asked, is added. slots is how many were asked. name_copied and
    grammatical are 0 or 1: the subject is exactly the record's name; the whole is a sentence
    of the language, whatever it says.
    """
    asked = {mention.attribute: mention.value for mention in mentions(example.words)}
    said: dict[str, list[int]] = defaultdict(list)
    for mention in mentions(words):
        said[mention.attribute].append(mention.value)
    given = [(said[attribute], value) for attribute, value in asked.items() if attribute in said]
    return {
        "missing": len(asked) - len(given),
        "added": sum(map(len, said.values())) - len(given),
        "wrong": sum(value not in values for values, value in given),
        "slots": len(asked),
        "name_copied": int(subject(words) == example.words[1:2]),
        "grammatical": int(grammatical(words)),
    }


def mentions(words: Sequence[str]) -> Iterator[Mention]:
    """The values that words name, in their order."""
    return (_MENTIONS[word] for word in words if word in _MENTIONS)


def subject(words: Sequence[str]) -> tuple[str, ...]:
    """What stands before the first word that the language knows."""
    return tuple(takewhile(lambda word: word not in lx.KNOWN, words))


def grammatical(words: Sequence[str]) -> bool:
    """True for a name, clauses whose verb, value and noun agree, legal joints, and a stop."""
    if len(words) < _CLAUSE + 2 or not lx.is_name(words[0]) or words[-1] != lx.STOP:
        return False
    body = words[1:-1]
    if not _is_clause(body[:_CLAUSE]):
        return False
    gaps, place = [], _CLAUSE
    while place < len(body):
        gap = tuple(takewhile(lambda word: word in (lx.COMMA, lx.AND), body[place:]))
        place += len(gap) + _CLAUSE
        if not _is_clause(body[place - _CLAUSE : place]):
            return False
        gaps.append(gap)
    return _is_series(gaps)


def _is_clause(words: Sequence[str]) -> bool:
    if len(words) != _CLAUSE:
        return False
    verb, value, noun = words
    mention = _MENTIONS.get(value)
    return mention is not None and _TEMPLATES.get((verb, noun)) == mention.attribute


def _is_series(gaps: Sequence[tuple[str, ...]]) -> bool:
    """True for "a", "a and b", "a , b and c", "a , b , and c" and "a and b and c"."""
    comma, conjunction = (lx.COMMA,), (lx.AND,)
    if all(gap == conjunction for gap in gaps):
        return True
    *earlier, last = gaps
    listed = bool(earlier) and all(gap == comma for gap in earlier)
    return listed and last in (conjunction, comma + conjunction)
