"""Every paired difference with its intervals, its margin and its verdict, on one sheet.

Metrics of different units never share an axis: shares are drawn in points (x 100), BLEU and its
kin each on an axis of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.comparing.findings import Findings
from harness.comparing.verdicts import BERT, GPT, NONE, TIE, UNDETERMINED
from harness.plots import canvas, style
from harness.plots.entries import BESIDE, MAIN, UNTRAINED, Entry, told_apart
from harness.plots.headline import POINTS, headline
from harness.plots.picture import Picture
from harness.plots.shown import MECHANISM, left_out
from harness.plots.wording import sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "forest"
SECTIONS = {MAIN: 10, BESIDE: 9, UNTRAINED: 4}
"""What rows stand under, in this order, and how many of each are drawn."""

ROW, HEAD, AXIS, LINE = 0.6, 0.28, 1.0, 0.165
LEFT, RIGHT = 2.85, 1.65
"""Inches: a row, a section's name, the words below an axis, a line of a row; and beside it."""

KEY, BAND = "thick: 95 %    thin: level that decides (Holm)", "    band: margin"
WHOLE = 100.0
"""Points: no two shares differ by more."""

CAPTION = (
    "Paired differences (same seed, same examples), turned so that right is always better for "
    "BERT. Thick: 95 % interval over seeds and examples. Thin: at the level at which this "
    "question was decided (Holm, all questions of its family together). Shaded: the margin within "
    "which a difference does not matter. A model is chosen where the whole thin interval lies "
    "beyond the margin, a tie is called where it lies within. Dotted and hollow: not decided, as "
    "one seed has an interval over examples only. An arrow: the line goes on beyond the axis."
)


class Look(NamedTuple):
    """How an answer is drawn."""

    colour: str
    marker: str
    inside: str


LOOKS = {
    BERT: Look(style.BERT.colour, style.BERT.marker, style.BERT.colour),
    GPT: Look(style.GPT.colour, style.GPT.marker, style.GPT.colour),
    TIE: Look(style.DARK, "D", style.DARK),
    UNDETERMINED: Look(style.GREY, "D", style.WHITE),
    NONE: Look(style.GREY, "x", style.WHITE),
}


def pictures(findings: Findings) -> Iterator[Picture]:
    """The forest plot, where there is a pair."""
    every = told_apart(findings.verdicts)
    kept, rest = list[Entry](), list[Entry]()
    for section, most in SECTIONS.items():
        here = [one for one in every if one.section == section]
        if len(here) > most:  # what was decided first, what could not be last
            here.sort(key=lambda one: (one.family is None, one.answer == UNDETERMINED))
        kept, rest = kept + here[:most], rest + here[most:]
    title = headline(findings.verdicts)
    figure = draw(kept, title, _subtitle(findings))
    if figure is not None:
        caption = CAPTION + left_out([f"{one.label} ({one.models}; {one.scope})" for one in rest])
        yield Picture(NAME, title, caption, _alt(kept), figure)


def _subtitle(findings: Findings) -> str:
    text = "BERT's advantage in each task's own metric"
    if any(one.preliminary for one in findings.verdicts):
        text += f"; preliminary: fewer than {findings.plan.fewest_seeds} seeds"
    embedded = any(one.group.embedded for one in findings.verdicts)
    return f"{text}; embedded: {MECHANISM}" if embedded else text


def _alt(entries: Sequence[Entry]) -> str:
    rows = "; ".join(
        f"{one.label} ({one.models}; {one.scope}): {_in_words(one)}" for one in entries
    )
    return f"Forest plot of BERT's advantage with intervals. {rows}."


def _in_words(one: Entry) -> str:
    if one.mean is None:
        return f"{one.answer} ({one.why})" if one.why else one.answer
    return f"{one.answer}, {_limits(one)} {one.unit}" + (f" ({one.why})" if one.why else "")


def _limits(one: Entry) -> str:
    """The difference with the interval that decides; without one, with the usual interval."""
    shown = one.family or one.interval
    limits = f" [{shown[0]:+.1f}, {shown[1]:+.1f}]" if shown else ""
    return "" if one.mean is None else f"{one.mean:+.1f}{limits}"


# --- the drawing --------------------------------------------------------------------------------


def draw(entries: Sequence[Entry], title: str, subtitle: str) -> Figure | None:
    """Rows from top to bottom in the order of SECTIONS, one axes a unit; None without rows."""
    if not entries:
        return None
    order = list(SECTIONS)
    rows = sorted(entries, key=lambda one: order.index(one.section))
    units = sorted(dict.fromkeys(one.unit for one in rows), key=lambda unit: unit != POINTS)
    panels = [[one for one in rows if one.unit == unit] for unit in units]
    with style.applied():
        figure = canvas.sheet(title, subtitle, sum(_height(rows) + AXIS for rows in panels))
        bottom = 0.0
        for panel in reversed(panels):
            width = canvas.WIDTH - LEFT - RIGHT
            axes = canvas.axes(figure, LEFT, bottom + AXIS, width, _height(panel))
            _panel(axes, panel)
            bottom += AXIS + _height(panel)
        band = BAND if any(one.margin is not None for one in entries) else ""
        canvas.note(figure, KEY + band, LEFT)
    return figure


def _height(rows: Sequence[Entry]) -> float:
    return ROW * len(rows) + HEAD * len({one.section for one in rows})


def _panel(axes: Axes, rows: Sequence[Entry]) -> None:
    """Rows on an axis whose vertical unit is an inch, counted downwards."""
    axes.set_xlim(*limits_of(rows))
    axes.set_ylim(_height(rows), 0)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.grid(axis="x")
    axes.axvline(0, color=style.DARK, linewidth=1, zorder=1)
    top, section = 0.0, ""
    for one in rows:
        if one.section != section:
            section, top = one.section, top + HEAD
            _word(axes, canvas.EDGE - LEFT, top - HEAD / 2, sentence(section), style.GREY, True)
        _row(axes, one, top + ROW / 2)
        _words(axes, one, top + ROW / 2)
        top += ROW
    _sides(axes, rows[0].unit)


def limits_of(rows: Sequence[Entry]) -> tuple[float, float]:
    """All that is drawn, and 0, with some air; what would dwarf the rest is cut (see `_span`).

    Means, margins and 95 % intervals are within, shares at most 100 points away; an interval at a
    family's level may add half as much again on each side.
    """
    far = WHOLE if rows[0].unit == POINTS else math.inf
    ends = [0.0]
    for one in rows:
        ends += one.interval or ()
        ends += () if one.mean is None else (one.mean,)
        ends += () if one.margin is None else (1.5 * one.margin, -1.5 * one.margin)
    low, high = max(min(ends), -far), min(max(ends), far)
    room = (high - low) / 2
    family = [end for one in rows for end in one.family or ()]
    low = max(min([low, *family]), low - room)
    high = min(max([high, *family]), high + room)
    air = 0.05 * (high - low) or 1.0
    return low - air, high + air


def _span(axes: Axes, ends: tuple[float, float], y: float, look: canvas.Stroke) -> None:
    """A line between these ends; an arrow where the axis is too short for it."""
    left, right = axes.get_xlim()
    edge = 0.012 * (right - left)
    canvas.stroke(axes, ends, (y, y), look)
    for beyond, place, mark in (
        (ends[0] < left, left + edge, "<"),
        (ends[1] > right, right - edge, ">"),
    ):
        if beyond:
            arrow = canvas.Stroke("cut", look.colour, 0.5, marker=mark, size=7)
            canvas.dot(axes, place, y, arrow, look.colour)


def _sides(axes: Axes, unit: str) -> None:
    """Which way is better for whom, beside the name of the axis."""
    shown = f"{unit} (metric x 100)" if unit == POINTS else unit
    axes.set_xlabel(f"BERT's advantage, {shown}", labelpad=20)
    for x, text, look in (
        (0, "\N{BLACK LEFT-POINTING TRIANGLE} GPT better", style.GPT),
        (1, "BERT better \N{BLACK RIGHT-POINTING TRIANGLE}", style.BERT),
    ):
        axes.annotate(
            *(text, (x, 0)),
            xycoords="axes fraction",
            xytext=(0, -26),
            textcoords="offset points",
            ha="right" if x else "left",
            va="center",
            color=look.colour,
            weight="bold",
        )


def _row(axes: Axes, one: Entry, y: float) -> None:
    from matplotlib.patches import Rectangle

    look, decided = LOOKS[one.answer], one.family is not None
    if one.margin is not None:
        band = Rectangle(
            (-one.margin, y - ROW / 2), 2 * one.margin, ROW, color=style.PALE, zorder=0.5
        )
        axes.add_patch(band).set_gid("margin")
    if one.family is not None:
        thin = canvas.Stroke("family", look.colour, 1.2, marker="|", size=8)
        _span(axes, one.family, y, thin)
    if one.interval is not None:
        width, line = (4.5, "-") if decided else (1.8, ":")
        thick = canvas.Stroke("interval", look.colour, width, line)
        _span(axes, one.interval, y, thick)
    if one.mean is not None:
        point = canvas.Stroke("mean", look.colour, 1.6, marker=look.marker, size=7.5)
        canvas.dot(axes, one.mean, y, point, look.inside)


def _words(axes: Axes, one: Entry, y: float) -> None:
    """What the row is on the left, what was decided on the right."""
    written = (one.label, style.DARK), (one.models, style.GREY), (one.scope, style.GREY)
    for line, (text, colour) in enumerate(written):
        shown = canvas.fitted(text, LEFT - canvas.EDGE - 0.1)
        _word(axes, canvas.EDGE - LEFT, y + LINE * (line - 1), shown, colour)
    said = [(one.answer, LOOKS[one.answer].colour), (_limits(one), style.DARK)]
    said = [part for part in (*said, (one.remark, style.GREY)) if part[0]]
    for line, (text, colour) in enumerate(said):
        at = y + LINE * (line - (len(said) - 1) / 2)
        shown = canvas.fitted(text, RIGHT - 0.15, weight="normal" if line else "bold")
        _word(axes, canvas.WIDTH - LEFT - RIGHT + 0.1, at, shown, colour, not line)


def _word(axes: Axes, inches: float, y: float, text: str, colour: str, bold: bool = False) -> None:
    """Text so many inches right of the axes' left edge."""
    across = inches / (canvas.WIDTH - LEFT - RIGHT)
    weight = "bold" if bold else "normal"
    place = axes.get_yaxis_transform()
    axes.text(across, y, text, transform=place, va="center", color=colour, weight=weight)
