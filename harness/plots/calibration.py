"""Reliability diagram: how often answers of a confidence are right, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness.comparing.comparison import Arm
from harness.comparing.findings import Findings
from harness.diagnosis import Diagnosis, calibration
from harness.plots import canvas, scales, style
from harness.plots.picture import Picture
from harness.plots.shown import MOST, Shown, leading, left_out, named
from harness.plots.wording import safe, score, sentence
from harness.statistics.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "calibration"
FEW = 20
"""Answers below which a bin is drawn hollow."""

LEFT, WIDE, HIGH, LOW, BETWEEN, BOTTOM, RIGHT = 0.85, 4.6, 3.0, 0.75, 0.14, 0.6, 2.7
CAPTION = (
    "Answers in bins of equal width by the probability that the model gave them: share of right "
    "answers against mean confidence, all seeds together, bars from the lowest to the highest "
    "seed; below, the share of all answers in each bin. On the dashes a model is as often right "
    f"as it is sure, below them it is over-confident. Hollow: fewer than {FEW} answers. ECE is the "
    "expected calibration error (mean distance from the dashes, weighted by answers); the gap is "
    "mean confidence minus share of right answers; their intervals are over seeds only."
)


class Bin(NamedTuple):
    """Answers of one bin; shares from 0 to 1. Empty bins are left out."""

    confidence: float  # mean
    right: float  # share
    answers: int
    low: float | None = None  # the share of the lowest seed and of the highest
    high: float | None = None


@dataclass(frozen=True)
class Sure:
    """One side of a pair."""

    name: str
    family: str
    bins: tuple[Bin, ...]
    ece: Estimate | None = None
    gap: Estimate | None = None  # above 0: over-confident


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure a group whose records hold confidences, for the first few."""
    every = [(one, sures(one)) for one in leading(findings)]
    found = [(one, sides) for one, sides in every if any(side.bins for side in sides)]
    rest = left_out([one.name for one, _ in found[MOST:]])
    for one, sides in found[:MOST]:
        title = headline(one.name, sides)
        figure = draw(sides, title, one.subtitle)
        if figure is not None:
            name = safe(NAME, one.group.key.task, one.group.key.data)
            yield Picture(name, title, CAPTION + rest, _alt(one.name, sides), figure, one.group.key)


def sures(shown: Shown) -> list[Sure]:
    """GPT's and BERT's bins and errors."""
    return [_sure(arm) for arm in (shown.contrast.gpt, shown.contrast.bert)]


def _sure(arm: Arm) -> Sure:
    told = calibration(arm.diagnosis) if arm.diagnosis else None
    if told is None or arm.diagnosis is None:
        return Sure(named(arm), arm.key.family, ())
    return Sure(named(arm), arm.key.family, tuple(_bins(arm.diagnosis)), told.ece, told.gap)


def _bins(found: Diagnosis) -> Iterator[Bin]:
    """All seeds together, with the lowest and the highest seed of those with answers there."""
    told = calibration(found)
    tables = list(found.having("reliability").values())
    for place, one in enumerate(told.bins if told else ()):
        if one.confidence is not None and one.right is not None:
            here = [(int(right[place]), int(answers[place])) for answers, right, _ in tables]
            seeds = [right / answers for right, answers in here if answers]
            spread = (min(seeds), max(seeds)) if len(seeds) > 1 else (None, None)
            yield Bin(one.confidence, one.right, one.answers, *spread)


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
            bar = canvas.Stroke("seeds", look.colour, 1.6)
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
