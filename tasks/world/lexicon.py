"""The closed vocabulary: which words there are, what part each plays, how each splits in pieces.

Every word has exactly one role. Words are single pieces; only invented names (see `names`) are
built of two, a capitalised syllable and a `##` syllable. New roles go to the end of `ROLES`, so
that the pieces before them keep their places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

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


class Attribute(NamedTuple):
    """What can be said of an inn: a key, ways to say it, and the values it can have.

    A template is a verb and its noun, with the value between them. A value is two synonyms, the
    first of them canonical; each goes with every noun of its attribute, and with the key.
    """

    key: str
    templates: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]


def _attribute(key: str, templates: str, values: str) -> Attribute:
    return Attribute(key, _couples(templates), _couples(values))


def _couples(text: str) -> tuple[tuple[str, str], ...]:
    words = listed(text)
    return tuple(zip(words[::2], words[1::2], strict=True))


ATTRIBUTES: Final = (
    _attribute(
        "food",
        "serves dishes  cooks meals  prepares lunches",
        "spicy peppery  sweet sugary  salty briny  vegetarian meatless",
    ),
    _attribute(
        "drink",
        "pours beers  mixes cocktails  sells wines",
        "cold chilled  strong potent  weak watery  cloudy murky",
    ),
    _attribute(
        "pricing",
        "charges fees  quotes rates  sets tariffs",
        "modest low  steep high  fixed constant  negotiable flexible",
    ),
    _attribute(
        "lodging",
        "has rooms  rents suites  offers bedrooms",
        "large spacious  sunny bright  damp humid  clean spotless",
    ),
    _attribute(
        "staff",
        "employs waiters  hires clerks  trains porters",
        "polite courteous  lazy idle  chatty talkative  shy timid",
    ),
    _attribute(
        "clientele",
        "attracts tourists  welcomes visitors  hosts guests",
        "wealthy rich  famous renowned  sporty athletic  weary tired",
    ),
)
RELATIONS: Final = _couples(
    """
    supplies equips  funds finances  copies imitates
    praises commends  advises counsels  blames accuses
    """
)
"""Two synonyms each. One inn does it to another, never both to each other."""
RESTATING: Final = ("meaning", "namely")
NAME: Final = "name"
COLON: Final = ":"
SEMICOLON: Final = ";"
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
    "attribute": tuple(attribute.key for attribute in ATTRIBUTES),
    "fact verb": tuple(verb for attribute in ATTRIBUTES for verb, _ in attribute.templates),
    "fact noun": tuple(noun for attribute in ATTRIBUTES for _, noun in attribute.templates),
    "value": tuple(
        word for attribute in ATTRIBUTES for value in attribute.values for word in value
    ),
    "relation": tuple(verb for verbs in RELATIONS for verb in verbs),
    "restating": RESTATING,
    "record mark": (NAME, COLON, SEMICOLON),
}

WORDS: Final = tuple(word for words in ROLES.values() for word in words)
KNOWN: Final = frozenset(WORDS)
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
    if word in KNOWN:
        return (word,)
    if is_name(word):
        return (word[:2], "##" + word[2:])
    raise ValueError(f"{word!r} is not a word of the embedded world")


def is_name(word: str) -> bool:
    """True for whatever is built like an invented name, whether or not a world has it."""
    return word[:2] in _FIRST and "##" + word[2:] in _LAST


def piece_count(words: tuple[str, ...]) -> int:
    """The length of a sentence in pieces, without special ones."""
    return sum(len(pieces(word)) for word in words)
