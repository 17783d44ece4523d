"""F1 by entity type of both sides of a pair, the most telling type first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.comparing.findings import Findings
from harness.diagnosis import MACRO, MICRO, by_type, f1_differences
from harness.plots import dots
from harness.plots.dots import Row
from harness.plots.picture import Picture
from harness.plots.shown import MOST, Shown, leading, left_out
from harness.plots.wording import counted, plain, safe, score, sentence
from harness.statistics.stats import Estimate

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


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure a group whose records tell entities apart, for the first few."""
    found = [(one, typed) for one in leading(findings) if (typed := typed_of(one))]
    rest = left_out([one.name for one, _ in found[MOST:]])
    for one, typed in found[:MOST]:
        rows = rows_of(typed)
        title = headline(one.name, rows)
        figure = draw(rows[:MOST_ROWS], title, one.subtitle)
        if figure is not None:
            caption = CAPTION + left_out([row.label for row in rows[MOST_ROWS:]]) + rest
            name = safe(NAME, one.group.key.task, one.group.key.data)
            alt = _alt(one.name, rows[:MOST_ROWS])
            yield Picture(name, title, caption, alt, figure, one.group.key)


def typed_of(shown: Shown) -> list[Typed]:
    """Types of entities that the data have; labels have classes, which are told elsewhere."""
    gpt, bert = shown.contrast.gpt.diagnosis, shown.contrast.bert.diagnosis
    if gpt is None or bert is None or gpt.labels or bert.labels:
        return []
    sides = [{one.name: one for one in by_type(side)} for side in (gpt, bert)]
    apart = f1_differences(gpt, bert)
    return [
        Typed(name, one.f1, sides[1][name].f1, one.support, apart.get(name))
        for name, one in sides[0].items()
        if name not in (MICRO, MACRO) and name in sides[1] and one.support
    ]


def draw(rows: Sequence[Row], title: str, subtitle: str) -> Figure | None:
    """A row a type; None without any."""
    return dots.draw(rows, title, subtitle, "F1")


def rows_of(typed: Sequence[Typed]) -> list[Row]:
    """The types as rows, the largest difference first."""
    rows = [
        Row(plain(t.name), counted(t.support, "entity", "entities"), t.gpt, t.bert, t.apart)
        for t in typed
    ]
    return dots.ordered(rows)


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
