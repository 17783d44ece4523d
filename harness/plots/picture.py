"""A finished figure with the words that belong to it, and its files. Knows no record."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.comparing.comparison import GroupKey
from harness.plots import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS = 160
"""Per inch of the PNG: sharp where it is shown at half its width and a bit more."""


@dataclass(frozen=True)
class Picture:
    """One figure. Words are plain text, not escaped for markdown or HTML."""

    name: str  # of its files, without the ending: "tradeoff-ner-world"
    title: str  # the sentence that the data say
    caption: str  # how to read it, and what was left out
    alt: str  # what it shows, for who does not see it
    figure: Figure = field(repr=False, compare=False)
    group: GroupKey | None = None  # of one task on one kind of data; None: of several


def rendered(picture: Picture) -> dict[str, bytes]:
    """The files by their endings, "svg" and "png"; the same bytes whenever it is asked."""
    found = {}
    words: dict[str, dict[str, str | None]] = {
        "svg": {"Date": None, "Creator": None, "Title": picture.title},
        "png": {"Software": None, "Title": picture.title},
    }
    with style.applied():
        for ending, metadata in words.items():
            stream = io.BytesIO()
            picture.figure.savefig(stream, format=ending, dpi=DOTS, metadata=metadata)
            found[ending] = stream.getvalue()
    return found
