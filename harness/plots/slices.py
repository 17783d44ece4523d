"""What both sides of the main pair score slice by slice, beside the best that can be had there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.comparing.comparison import Contrast, SliceScore
from harness.comparing.findings import Findings
from harness.plots import dots
from harness.plots.dots import Row
from harness.plots.picture import Picture
from harness.plots.shown import MOST, Shown, leading, left_out
from harness.plots.wording import plain, safe, score, sentence
from harness.statistics.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "slices"
MOST_ROWS = 10
CAPTION = (
    "Share of right answers by slice of the test split, 95 % intervals over seeds and clusters of "
    "examples; the largest difference comes first. A cap is what the best reader of that kind (one "
    "way, both ways) scores there, computed from the generator. Differences are paired and "
    "exploratory: not corrected for their number."
)
FLAWLESS = " A text is right if it has no slot error at all."


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure a group whose pair has slices, for the first few."""
    found = [(one, rows_of(one.contrast)) for one in leading(findings)]
    found = [(one, rows) for one, rows in found if rows]
    rest = left_out([one.name for one, _ in found[MOST:]])
    for one, rows in found[:MOST]:
        shown, title = rows[:MOST_ROWS], headline(one.name, rows)
        figure = draw(shown, title, one.subtitle)
        if figure is not None:
            caption = CAPTION + (FLAWLESS if one.contrast.gpt.writes else "")
            caption += left_out([row.label for row in rows[MOST_ROWS:]]) + rest
            yield Picture(_file(one), title, caption, _alt(one.name, shown), figure, one.group.key)


def draw(rows: Sequence[Row], title: str, subtitle: str) -> Figure | None:
    """A row a slice; None without any."""
    return dots.draw(rows, title, subtitle, "share of right answers")


def _file(one: Shown) -> str:
    return safe(NAME, one.group.key.task, one.group.key.data)


def rows_of(contrast: Contrast) -> list[Row]:
    """The slices that both sides have, the largest difference first."""
    gpt, bert = ({one.name: one for one in arm.slices} for arm in (contrast.gpt, contrast.bert))
    return dots.ordered([_row(contrast, gpt[name], bert[name]) for name in gpt if name in bert])


def _row(contrast: Contrast, gpt: SliceScore, bert: SliceScore) -> Row:
    return Row(
        label=plain(gpt.name),
        detail=f"{gpt.units:,} units",
        gpt=gpt.estimate,
        bert=bert.estimate,
        apart=contrast.slices.get(gpt.name),
        cap_gpt=gpt.cap,
        cap_bert=bert.cap,
    )


def headline(place: str, rows: Sequence[Row]) -> str:
    """The slice that tells the two apart most, where any does."""
    telling = [one for one in rows if one.apart is not None and one.apart.excludes(0.0)]
    if not telling:
        return sentence(f"{place}: no slice tells GPT and BERT apart")
    one = max(telling, key=lambda row: row.size)
    sides = [_told("GPT", one.gpt, one.cap_gpt), _told("BERT", one.bert, one.cap_bert)]
    return sentence(f"{place}: slice {one.label} tells them apart most, {', '.join(sides)}")


def _told(name: str, found: Estimate | None, cap: float | None) -> str:
    limit = f" (cap {score(cap)})" if cap is not None else ""
    return f"{name} {score(found.mean if found else None)}{limit}"


def _alt(place: str, rows: Sequence[Row]) -> str:
    told = (
        f"{one.label}: {_told('GPT', one.gpt, one.cap_gpt)}, "
        f"{_told('BERT', one.bert, one.cap_bert)}"
        for one in rows
    )
    return f"Scores by slice, {place}. {'; '.join(told)}."
