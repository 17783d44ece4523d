"""Reliability diagram: how often answers of a given confidence are right, and how many there are.

Bins and errors are found elsewhere: they come as parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness.plots import canvas, scales, style
from harness.plots.picture import Picture
from harness.plots.shown import Shown
from harness.plots.wording import safe, score, sentence
from harness.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "calibration"
FEW = 20
"""Answers below which a bin is drawn hollow."""

LEFT, WIDE, HIGH, LOW, BETWEEN, BOTTOM, RIGHT = 0.85, 4.6, 3.0, 0.75, 0.14, 0.6, 2.7
CAPTION = (
    "Answers in bins of equal width by the probability that the model gave them: share of right "
    "answers against mean confidence, all seeds together; below, the share of all answers in each "
    "bin. On the dashes confidence is what it says; below them a model is over-confident. Hollow: "
    f"fewer than {FEW} answers. ECE is the expected calibration error (mean distance from the "
    "dashes, weighted by answers); the gap is mean confidence minus share of right answers."
)


class Bin(NamedTuple):
    """Answers of one bin; shares from 0 to 1. Empty bins are left out."""

    confidence: float  # mean
    right: float  # share
    answers: int
    low: float | None = None  # interval of the share, where there is one
    high: float | None = None


@dataclass(frozen=True)
class Sure:
    """One side of a pair."""

    name: str
    family: str
    bins: tuple[Bin, ...]
    ece: Estimate | None = None
    gap: Estimate | None = None  # above 0: over-confident


def picture(shown: Shown, sides: Sequence[Sure]) -> Picture | None:
    """The figure of one pair; None where no side has answers with a confidence."""
    title = headline(shown.name, sides)
    figure = draw(sides, title, shown.subtitle)
    if figure is None:
        return None
    name = safe(NAME, shown.group.key.task, shown.group.key.data)
    return Picture(name, title, CAPTION, _alt(shown.name, sides), figure)


def headline(place: str, sides: Sequence[Sure]) -> str:
    """Which side believes itself too much, as far as the interval of the gap tells."""
    told = ", ".join(f"{_side(one)} {_judged(one.gap)}" for one in sides if one.gap is not None)
    return sentence(f"{place}: {told or 'confidence against right answers'}")


def _side(one: Sure) -> str:
    return style.looks([one.family])[0].name


def _judged(gap: Estimate) -> str:
    way = "over-confident" if gap.mean > 0 else "under-confident"
    size = score(abs(gap.mean))
    if gap.low is None:
        return f"{way} by {size} ({gap.note or 'no interval'})"
    return (
        f"is {way} by {size}"
        if gap.excludes(0.0)
        else "is neither over- nor under-confident for sure"
    )


def _alt(place: str, sides: Sequence[Sure]) -> str:
    told = "; ".join(f"{one.name}: {', '.join(_numbers(one)) or 'bins only'}" for one in sides)
    return f"Reliability diagram, {place}. {told}."


# --- the drawing --------------------------------------------------------------------------------


def draw(sides: Sequence[Sure], title: str, subtitle: str) -> Figure | None:
    """The diagram with the numbers of answers below it; None where there are none."""
    if not any(one.bins for one in sides):
        return None
    with style.applied():
        figure = canvas.sheet(title, subtitle, HIGH + BETWEEN + LOW + BOTTOM + 0.1)
        upper = canvas.axes(figure, LEFT, BOTTOM + LOW + BETWEEN, WIDE, HIGH)
        lower = canvas.axes(figure, LEFT, BOTTOM, WIDE, LOW)
        upper.plot((0, 1), (0, 1), color=style.GREY, ls=(0, (4, 3)), lw=1.2, gid="perfect")
        looks = style.looks([one.family for one in sides])
        for rank, (one, look) in enumerate(zip(sides, looks, strict=True)):
            _curve(upper, one, look)
            _counts(lower, one, look, rank - (len(sides) - 1) / 2)
            texts = [f"{_side(one)}: {one.name}", *_numbers(one)]
            canvas.labelled(upper, HIGH - 0.1 - 5 * canvas.LINE * rank, texts, look, RIGHT)
        _scales(upper, lower)
    return figure


def _scales(upper: Axes, lower: Axes) -> None:
    for axes in (upper, lower):
        axes.set_xlim(-0.02, 1.02)
        axes.grid()
        scales.scores(axes, "x")
    scales.scores(upper)
    scales.scores(lower, most=3)
    upper.set_ylim(-0.02, 1.02)
    upper.tick_params(labelbottom=False)
    upper.set_ylabel("share of right answers")
    lower.set_ylabel("answers")
    lower.set_xlabel("confidence of the answer")


def _curve(axes: Axes, one: Sure, look: style.Side) -> None:
    line = canvas.Stroke("curve", look.colour, 1.6, look.line)
    canvas.stroke(axes, [b.confidence for b in one.bins], [b.right for b in one.bins], line)
    for found in one.bins:
        if found.low is not None and found.high is not None:
            ends = (found.low, found.high)
            bar = canvas.Stroke("interval", look.colour, 1.6)
            canvas.stroke(axes, [found.confidence] * 2, ends, bar)
        inside = look.colour if found.answers >= FEW else style.WHITE
        point = canvas.Stroke("bin", look.colour, 1.4, marker=look.marker, size=7)
        canvas.dot(axes, found.confidence, found.right, point, inside)


def _counts(axes: Axes, one: Sure, look: style.Side, shift: float) -> None:
    """Bars side by side at the bins' mean confidences."""
    whole = sum(found.answers for found in one.bins)
    for found in one.bins:
        (bar,) = axes.bar(found.confidence + 0.014 * shift, found.answers / whole, 0.013)
        bar.set(facecolor=look.colour, hatch=look.hatch, edgecolor=style.WHITE, lw=0, gid="answers")


def _numbers(one: Sure) -> list[str]:
    parts = (("ECE", one.ece, False), ("gap", one.gap, True))
    return [f"{name} {_shown(found, sign)}" for name, found, sign in parts if found is not None]


def _shown(found: Estimate, sign: bool) -> str:
    mean = score(found.mean, sign=sign)
    if found.low is None or found.high is None:
        return mean
    return f"{mean} [{score(found.low, sign=sign)}, {score(found.high, sign=sign)}]"
