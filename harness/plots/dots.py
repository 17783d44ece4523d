"""Both sides of a pair on several rows, each with its interval: shared by slices and types.

Knows no record; what a row is, is the caller's business.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.plots import canvas, scales, style
from harness.plots.wording import score
from harness.statistics.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW, APART, TOP, BOTTOM = 0.5, 0.1, 0.34, 0.56
NARROW, WIDE, RIGHT = 0.9, 2.3, 1.75
"""Inches: of a row and its halves, above and below the axes, and beside it for words."""


@dataclass(frozen=True)
class Row:
    """One row; scores run from 0 to 1. `cap` is the best that a reader of its side's kind can."""

    label: str
    detail: str
    gpt: Estimate | None
    bert: Estimate | None
    apart: Estimate | None = None  # BERT - GPT, paired
    cap_gpt: float | None = None
    cap_bert: float | None = None

    @property
    def size(self) -> float:
        """How far apart the two are; 0 where that is not known."""
        if self.apart is not None:
            size = abs(self.apart.mean)
        elif self.gpt is None or self.bert is None:
            return 0.0
        else:
            size = abs(self.bert.mean - self.gpt.mean)
        return size if math.isfinite(size) else 0.0


def ordered(rows: Sequence[Row]) -> list[Row]:
    """The largest difference first."""
    return sorted(rows, key=lambda one: -one.size)


def draw(rows: Sequence[Row], title: str, subtitle: str, what: str) -> Figure | None:
    """Rows from top to bottom as they come; None without any."""
    if not rows:
        return None
    with style.applied():
        height, left = ROW * len(rows), _left(rows)
        figure = canvas.sheet(title, subtitle, TOP + height + BOTTOM)
        axes = canvas.axes(figure, left, BOTTOM, canvas.WIDTH - left - RIGHT, height)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(height, 0)
        axes.set_yticks([])
        scales.scores(axes, "x")
        axes.set_xlabel(what)
        axes.grid(axis="x")
        for place, one in enumerate(rows):
            middle = ROW * (place + 0.5)
            if place % 2 == 0:
                axes.axhspan(middle - ROW / 2, middle + ROW / 2, color=style.FAINT, zorder=0)
            _side(axes, one.gpt, one.cap_gpt, middle - APART, style.GPT)
            _side(axes, one.bert, one.cap_bert, middle + APART, style.BERT)
            _words(axes, one, height - middle, left)
        _key(axes, any(cap is not None for one in rows for cap in (one.cap_gpt, one.cap_bert)))
    return figure


def _left(rows: Sequence[Row]) -> float:
    """Room for the longest name, within limits."""
    words = [text for one in rows for text in (one.label, one.detail)]
    longest = max(canvas.width(canvas.drawable(text), style.SMALL) for text in words)
    return min(max(longest + canvas.EDGE + 0.2, NARROW), WIDE)


def _side(
    axes: Axes, found: Estimate | None, cap: float | None, y: float, look: style.Side
) -> None:
    if cap is not None:
        ends = (y - APART * 0.9, y + APART * 0.9)
        bar = canvas.Stroke(f"cap {look.name}", look.colour, 2.6)
        canvas.stroke(axes, (cap, cap), ends, bar).set_alpha(0.55)
    if found is None or not math.isfinite(found.mean):
        return
    if found.low is not None and found.high is not None:
        line = canvas.Stroke(f"interval {look.name}", look.colour, 2.0)
        canvas.stroke(axes, (found.low, found.high), (y, y), line)
    point = canvas.Stroke(f"score {look.name}", look.colour, 1.0, marker=look.marker, size=7.5)
    canvas.dot(axes, found.mean, y, point, look.colour)


def _words(axes: Axes, one: Row, up: float, left: float) -> None:
    """The row's name on the left, the paired difference on the right; `up` in inches."""
    room, start = left - canvas.EDGE - 0.15, canvas.EDGE - left
    for line, (text, colour) in enumerate(((one.label, style.DARK), (one.detail, style.GREY))):
        canvas.at(axes, start, up + canvas.LINE * (0.5 - line), canvas.fitted(text, room), colour)
    right = canvas.size_of(axes)[0] + 0.1
    canvas.at(axes, right, up, canvas.fitted(_apart(one), RIGHT - 0.15), style.DARK)


def _apart(one: Row) -> str:
    found = one.apart
    if found is None:
        return ""
    mean = score(found.mean, sign=True)
    if found.low is None or found.high is None:
        return mean
    return f"{mean} [{score(found.low, sign=True)}, {score(found.high, sign=True)}]"


def _key(axes: Axes, capped: bool) -> None:
    """What the marks are, above the axes, and what the numbers beside it are."""
    from matplotlib.lines import Line2D

    sides = (style.GPT, style.BERT)
    handles = [
        Line2D([], [], color=s.colour, marker=s.marker, lw=2, ms=7, label=s.name) for s in sides
    ]
    if capped:
        bar = Line2D([], [], color=style.GREY, marker="|", lw=0, ms=12, mew=2.6, alpha=0.7)
        bar.set_label("cap of its kind of reader")
        handles.append(bar)
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=3,
        frameon=False,
        borderpad=0.2,
    )
    across, high = canvas.size_of(axes)
    canvas.at(axes, across + 0.1, high + 0.16, "BERT - GPT, paired", style.GREY)
