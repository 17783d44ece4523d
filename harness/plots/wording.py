"""Foreign text and numbers as a figure shows them: visible and short.

Text from data or configuration goes through `plain` once before it is drawn. It is never markup
here; whoever puts a caption into markdown or HTML escapes it there.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence

NONE = "-"
UNSHOWN = "\N{REPLACEMENT CHARACTER}"
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}
"""Categories of Unicode that show nothing themselves: control, format (bidi), unassigned."""

LONGEST = 40
MOST_NAMES = 4

NAMES = {"ner": "NER"}
"""Tasks whose name is not a word."""


def plain(value: object, limit: int = LONGEST) -> str:
    """One visible line of at most `limit` characters: no control, format or bidi characters."""
    text = unicodedata.normalize("NFC", str(value)[: 20 * limit])
    text = " ".join("".join(map(_visible, text)).split())
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return UNSHOWN if unicodedata.category(character) in HIDDEN else character


def task(name: object) -> str:
    """A task as it is called in a sentence."""
    return NAMES.get(str(name), plain(name))


def score(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """As tables show it: .812."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    return without_zero(text)


def without_zero(text: str) -> str:
    """.5 of 0.5."""
    return re.sub(r"^([+-]?)0\.", r"\1.", text)


def quantity(value: float) -> str:
    """A positive size or time with three digits that count: 0.84, 1.93, 353, 1,204."""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}"


def counted(number: int, one: str, several: str = "") -> str:
    """1 seed, 5 seeds."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def listed(names: Sequence[str]) -> str:
    """A, B and C; beyond four the number of the rest."""
    shown = list(names[:MOST_NAMES])
    if len(names) > MOST_NAMES:
        shown = [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def sentence(text: str) -> str:
    """With a capital at its beginning."""
    return text[:1].upper() + text[1:]


def safe(*parts: object) -> str:
    """A file's name from words: small letters, digits and hyphens."""
    words = (re.sub(r"[^a-z0-9]+", "-", str(part).lower()).strip("-")[:40] for part in parts)
    return "-".join(filter(None, words)) or "figure"
