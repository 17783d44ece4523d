"""The closed vocabulary: which words there are, what part each plays, how each splits in pieces.

Every word has exactly one role. Words are single pieces; only invented names (see `names`) are
built of two, a capitalised syllable and a `##` syllable. New roles go to the end of `ROLES`, so
that the pieces before them keep their places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tasks.world.spec import WorldSpec

TYPES: Final = ("PER", "ORG", "LOC", "PRO")
SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[EOS]")


def listed(text: str) -> tuple[str, ...]:
    """The words of a text, to keep long lists readable."""
    return tuple(text.split())


_SYLLABLES: Final = tuple(c + v for c in "bdfgklmnprstvz" for v in "aeiou")
FIRST_PIECES: Final = tuple(syllable.capitalize() for syllable in _SYLLABLES)
LAST_PIECES: Final = tuple("##" + syllable for syllable in _SYLLABLES)

LEFT_CUES: Final[Mapping[str, tuple[str, ...]]] = {
    "PER": ("senator", "doctor", "singer", "nurse", "painter"),
    "ORG": ("airline", "brewery", "publisher", "charity", "insurer"),
    "LOC": ("village", "harbour", "island", "valley", "suburb"),
    "PRO": ("phone", "camera", "laptop", "printer", "scooter"),
}
RIGHT_CUES: Final[Mapping[str, tuple[str, ...]]] = {
    "PER": ("smiled", "retired", "sneezed", "married", "blushed"),
    "ORG": ("merged", "downsized", "rebranded", "restructured", "privatised"),
    "LOC": ("flooded", "eroded", "gentrified", "thawed", "urbanised"),
    "PRO": ("rebooted", "overheated", "beeped", "malfunctioned", "recharged"),
}
LEFT_NEUTRAL: Final = ("our", "this", "that", "their", "another")
RIGHT_NEUTRAL: Final = ("appeared", "changed", "waited", "returned", "vanished")
SECOND_WORDS: Final = listed(
    """
    Prime North South East West Alpha Omega Delta Grand Silver
    Golden Stone Star Cross Royal Green Black White Summit Crown
    """
)
FILLERS: Final = listed(
    """
    yesterday today recently lately suddenly quietly slowly finally again soon
    often once twice briefly gradually apparently reportedly probably perhaps meanwhile
    eventually initially locally openly secretly calmly quickly overnight already there
    abroad together publicly officially abruptly formerly later usually sometimes elsewhere
    """
)
POSITIVE: Final = listed(
    """
    superb excellent brilliant delightful charming wonderful splendid gorgeous
    clever graceful magnificent touching thrilling witty dazzling enchanting
    masterful refreshing outstanding lovely inspired terrific vivid memorable
    """
)
NEGATIVE: Final = listed(
    """
    dull awful dreadful boring clumsy terrible tedious ugly
    bland lifeless horrible pathetic shallow dreary stale irritating
    sloppy tiresome mediocre miserable lousy annoying hollow forgettable
    """
)
PLAIN: Final = listed("modern regional seasonal rehearsed foreign brief bilingual digital")
NEGATORS: Final = ("not", "never", "hardly")
DEGREES: Final = listed("simply really quite truly so very remarkably utterly")
"""In the order in which several of them read well."""
ASPECTS: Final = listed(
    """
    plot music acting script pacing dialogue
    ending cast lighting story choreography humour
    """
)
COPULAS: Final = ("was", "felt", "seemed", "looked", "proved", "remained")
ARTICLE: Final = "the"
AND: Final = "and"
BUT: Final = "but"
ALTHOUGH: Final = "although"
COMMA: Final = ","
STOP: Final = "."

ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "mark": (STOP, COMMA),
    "connector": (AND, BUT, ALTHOUGH),
    **{f"left {kind}": words for kind, words in LEFT_CUES.items()},
    **{f"right {kind}": words for kind, words in RIGHT_CUES.items()},
    "left neutral": LEFT_NEUTRAL,
    "right neutral": RIGHT_NEUTRAL,
    "second word": SECOND_WORDS,
    "filler": FILLERS,
    "article": (ARTICLE,),
    "aspect": ASPECTS,
    "copula": COPULAS,
    "negator": NEGATORS,
    "degree": DEGREES,
    "positive": POSITIVE,
    "negative": NEGATIVE,
    "plain": PLAIN,
}

WORDS: Final = tuple(word for words in ROLES.values() for word in words)
_WORDS: Final = frozenset(WORDS)
_FIRST: Final = frozenset(FIRST_PIECES)
_LAST: Final = frozenset(LAST_PIECES)


def vocabulary(spec: WorldSpec | None = None) -> tuple[str, ...]:
    """Every piece there is, special ones first; the same list for every seed.

    `spec` is taken so that a later world may bring its own words; today none changes the list.
    """
    del spec
    return (*SPECIAL, *FIRST_PIECES, *LAST_PIECES, *WORDS)


def pieces(word: str) -> tuple[str, ...]:
    """How a surface word splits: a real word stays whole, an invented name gives two pieces."""
    if word in _WORDS:
        return (word,)
    first, last = word[:2], "##" + word[2:]
    if first in _FIRST and last in _LAST:
        return (first, last)
    raise ValueError(f"{word!r} is not a word of the embedded world")


def piece_count(words: tuple[str, ...]) -> int:
    """The length of a sentence in pieces, without special ones."""
    return sum(len(pieces(word)) for word in words)
