"""How text, numbers and tables look in markdown. Knows no record.

Everything that comes from data, configuration or a traceback goes through `escape`, once.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence

from harness.statistics.stats import EXAMPLES_ONLY, Estimate

NONE = "-"

INVISIBLE = "\N{ARABIC LETTER MARK}\N{LEFT-TO-RIGHT MARK}\N{RIGHT-TO-LEFT MARK}"
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
SPECIAL = re.compile(r"([\\|`*~#\[\]$])|((?<!\w)_|_(?!\w))")
"""What markdown would read; an underscore inside a word is just one."""


def escape(value: object) -> str:
    """Foreign text as one harmless line: no markup, no HTML, no control or bidi characters."""
    text = "".join(visible(character) for character in str(value))
    text = SPECIAL.sub(lambda match: "\\" + match.group(0), text)
    text = re.sub("[&<>]", lambda match: ENTITIES[match.group(0)], text)
    text = re.sub(r"(?i)\b(https?|ftp)://|\bwww\.", _unlinked, text)
    return " ".join(text.split())


def visible(character: str) -> str:
    """The character, or what stands for it where it would steer the text or not be seen."""
    if character in "\n\r\t\v\f\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}":
        return " "
    bidi = unicodedata.bidirectional(character)
    steers = bidi in {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    unseen = unicodedata.category(character) in {"Cc", "Cs", "Co", "Cn"}
    if steers or unseen or character in INVISIBLE:
        return "\N{REPLACEMENT CHARACTER}"
    return character


def _unlinked(match: re.Match[str]) -> str:
    """Break what a viewer would turn into a link by itself."""
    return match.group(0).replace(":", "&#58;").replace(".", "&#46;")


def shorten(value: object, limit: int = 200) -> str:
    """At most `limit` characters, cut with an ellipsis; escape afterwards."""
    text = str(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numeric: str = "") -> str:
    """A markdown table with aligned columns.

    `numeric` has one letter a column, "r" for right-aligned; the rest is left-aligned. Cells
    must be escaped already.
    """
    right = [letter == "r" for letter in numeric.ljust(len(header), "l")]
    widths = [max(3, *(len(row[i]) for row in (header, *rows))) for i in range(len(header))]
    rule = [("-" * (w - 1) + ":") if r else "-" * w for w, r in zip(widths, right, strict=True)]
    body = [
        [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
        for row in (header, *rows)
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in (body[0], rule, *body[1:]))


def bullets(lines: Sequence[str]) -> str:
    """A list, or the word none."""
    return "\n".join(f"- {line}" for line in lines) if lines else "None."


def section(level: int, title: str, *parts: str) -> str:
    """A heading and its paragraphs; empty parts are left out."""
    return "\n\n".join(["#" * level + " " + title, *(part for part in parts if part)])


def score(value: float | None, sign: bool = False, digits: int = 3) -> str:
    """Three decimals, or as many as asked, without the zero before the point: .812."""
    if value is None or math.isnan(value):
        return NONE
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    return re.sub(r"^([+-]?)0\.", r"\1.", text)


def interval(estimate: Estimate, sign: bool = False, digits: int = 3) -> str:
    """[low, high], marked where it covers the examples only; a dash where there is none."""
    if estimate.low is None or estimate.high is None:
        return NONE
    star = r"\*" if estimate.covers == EXAMPLES_ONLY else ""
    low, high = (score(limit, sign, digits) for limit in (estimate.low, estimate.high))
    return f"[{low}, {high}]{star}"


def estimated(estimate: Estimate, sign: bool = False, digits: int = 3) -> str:
    """.812 [.790, .834], or the mean and why it has no interval."""
    mean = score(estimate.mean, sign, digits)
    if estimate.low is None:
        return f"{mean} (no interval: {escape(estimate.note)})" if estimate.note else mean
    return f"{mean} {interval(estimate, sign, digits)}"


def count(value: object) -> str:
    """An integer with thousands apart, or a short float; a dash where there is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return NONE
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def is_number(value: object) -> bool:
    """A number, and not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def got(facts: Mapping[str, object] | None, *names: str) -> str:
    """The first of these facts that is there, as a number or as text."""
    for name in names:
        value = (facts or {}).get(name)
        if value is not None:
            return count(value) if isinstance(value, int | float) else escape(shorten(value))
    return NONE
