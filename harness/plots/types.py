"""F1 by entity type (or by class) of both sides of a pair, the most telling type first.

What a type scores is found elsewhere: rows come as parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.plots import dots
from harness.plots.dots import Row
from harness.plots.picture import Picture
from harness.plots.shown import Shown, left_out
from harness.plots.wording import counted, plain, safe, score, sentence
from harness.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "types"
MOST_ROWS = 12
CAPTION = (
    "F1 by type on the test split, 95 % intervals over seeds and examples; the largest difference "
    "comes first. Differences are paired by seed and example and exploratory: not corrected for "
    "their number."
)


class Typed(NamedTuple):
    """One type: F1 from 0 to 1. `apart` is BERT - GPT, paired; None where it is not known."""

    name: str
    gpt: Estimate | None
    bert: Estimate | None
    support: int  # in the data
    apart: Estimate | None = None


def picture(shown: Shown, typed: Sequence[Typed], noun: str = "entity") -> Picture | None:
    """The figure of one pair; None without types. `noun` is what support counts."""
    rows = rows_of(typed, noun)
    title = headline(shown.name, rows)
    figure = draw(rows[:MOST_ROWS], title, shown.subtitle)
    if figure is None:
        return None
    caption = CAPTION + left_out([one.label for one in rows[MOST_ROWS:]])
    name = safe(NAME, shown.group.key.task, shown.group.key.data)
    return Picture(name, title, caption, _alt(shown.name, rows[:MOST_ROWS]), figure)


def draw(rows: Sequence[Row], title: str, subtitle: str) -> Figure | None:
    """A row a type; None without any."""
    return dots.draw(rows, title, subtitle, "F1")


def rows_of(typed: Sequence[Typed], noun: str = "entity") -> list[Row]:
    """The types as rows, the largest difference first."""
    several = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return dots.ordered(
        [
            Row(plain(one.name), counted(one.support, noun, several), one.gpt, one.bert, one.apart)
            for one in typed
        ]
    )


def headline(place: str, rows: Sequence[Row]) -> str:
    """The type that tells the two apart most, where the paired difference is known and does."""
    telling = [one for one in rows if one.apart is not None and one.apart.excludes(0.0)]
    if telling:
        one = max(telling, key=lambda row: row.size)
        return sentence(f"{place}: type {one.label} tells them apart most, {_told(one)}")
    if any(one.apart is not None for one in rows):
        return sentence(f"{place}: no type tells GPT and BERT apart")
    return sentence(f"{place}: F1 by type")


def _told(one: Row) -> str:
    sides = (("GPT", one.gpt), ("BERT", one.bert))
    return ", ".join(f"{name} {score(found.mean if found else None)}" for name, found in sides)


def _alt(place: str, rows: Sequence[Row]) -> str:
    told = "; ".join(f"{one.label} ({one.detail}): {_told(one)}" for one in rows)
    return f"F1 by type, {place}. {told}."
