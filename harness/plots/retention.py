"""What is kept of the gain of full fine-tuning, against how many parameters were tuned.

Where that cannot be had for all models (unequal trials, no gain), scores stand in its place. Both
families of a pair share one panel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness.comparing import pairs
from harness.comparing.adaptation import (
    Kept,
    adapted,
    frozen,
    trainable,
    way,
    without_ablations,
)
from harness.comparing.comparison import Group
from harness.comparing.findings import Findings
from harness.metrics import Meter
from harness.plots import canvas, scales, style
from harness.plots.picture import Picture
from harness.plots.shown import MECHANISM, MOST, called, left_out
from harness.plots.wording import plain, safe, score, sentence
from harness.statistics.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "retention"
LEFT, RIGHT, BOTTOM, HEIGHT, ABOVE = 0.85, 2.55, 0.62, 3.0, 0.42
APART = 0.009
"""Share of the axis by which marks of two models with as many parameters stand apart."""

CAPTION = (
    "One mark a way of tuning, named on top (a percentage: the share of the lowest layers that "
    "were frozen, joined by a line), with its 95 % interval over seeds and examples. {} What tunes "
    "no parameter has no place on the axis and stands on the right. Marks of one way are set "
    "slightly apart."
)
RETAINED = (
    "Up: (score - floor) / (score of full fine-tuning - floor), the floor being the rule that "
    "ignores the input, by Fieller (1954); a way that had other trials than full fine-tuning is "
    "left out."
)
UNEQUAL = "unequal numbers of trials: not to be compared"
SCORED = "Up: the score, as shares of a gain could not be had for every model."


class Mark(NamedTuple):
    """One way of tuning one model. `tuned` is a number of parameters."""

    way: str
    tuned: int
    found: Estimate
    frozen: bool  # full fine-tuning, or with some layers frozen


@dataclass(frozen=True)
class Line:
    """The ways of tuning one model, that which tunes most first."""

    model: str
    family: str
    marks: tuple[Mark, ...]


class Panel(NamedTuple):
    """The models of one pair on one task."""

    group: Group
    pair: str
    meter: Meter
    retained: bool  # shares of the gain, else scores
    lines: tuple[Line, ...]
    unequal: bool  # whether some had more trials than others

    @property
    def place(self) -> str:
        """Task and data."""
        return called(self.group)

    @property
    def digits(self) -> int:
        """Decimals of what is drawn."""
        return 2 if self.retained else self.meter.digits


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure for each pair that was tuned in several ways, for the first few."""
    found = [one for group in findings.comparison.groups for one in panels(group)]
    rest = left_out([one.place for one in found[MOST:]])
    for one in found[:MOST]:
        title = headline(one)
        caption = CAPTION.format(RETAINED if one.retained else SCORED) + rest
        name = safe(NAME, one.group.key.task, one.group.key.data, one.pair)
        yield Picture(name, title, caption, _alt(one), draw(one, title, _about(one)))


def panels(group: Group) -> Iterator[Panel]:
    """Of each pair and kind of weights, of two ways or more with two marks on the axis.

    Models stand as their families are used; ablations of a way that was searched are left out.
    """
    places: dict[pairs.Models, list[Kept]] = {}
    for one in adapted(group):
        if one.arm.native or one.arm.untrained:
            places.setdefault(pairs.models(one.arm.first), []).append(one)
    for (pair, _), every in places.items():
        found = without_ablations(every)
        used = dict.fromkeys((one.arm.key.model, one.arm.key.mode) for one in found)
        sides = [[k for k in found if (k.arm.key.model, k.arm.key.mode) == m] for m in used]
        retained = all(sum(k.retention is not None for k in side) > 1 for side in sides)
        lines = tuple(_line(side, retained) for side in sides)
        ways = {mark.way for line in lines for mark in line.marks}
        if len(ways) > 1 and sum(mark.tuned > 0 for line in lines for mark in line.marks) > 1:
            unequal = any(pairs.unequal(found[0].arm, one.arm) for one in found)
            yield Panel(group, pair, found[0].arm.headline, retained, lines, unequal)


def _line(found: Sequence[Kept], retained: bool) -> Line:
    marks = []
    for one in found:
        estimate = one.retention if retained else one.arm.scores[0].estimate
        sizes = trainable(one.arm)
        if estimate is not None and sizes is not None and math.isfinite(estimate.mean):
            marks.append(Mark(way(one.arm.first), sizes[0], estimate, frozen(one.arm) is not None))
    key = found[0].arm.key
    return Line(key.model, key.family, tuple(marks))


def headline(one: Panel) -> str:
    """What the way that tunes least keeps, model by model."""
    told = ", ".join(
        f"{plain(line.model)} {score(least.found.mean, one.digits)} by {plain(least.way)}"
        for line in one.lines
        if (least := min((m for m in line.marks if m.tuned), key=lambda m: m.tuned, default=None))
    )
    what = "kept of the gain" if one.retained else one.meter.title
    return sentence(f"{one.place}: {what} with the fewest parameters tuned, {told}")


def _about(one: Panel) -> str:
    parts = [f"pair {plain(one.pair)}", f"{one.meter.title}, {one.group.key.evaluated} split"]
    parts += [UNEQUAL] if one.unequal and not one.retained else []
    return "; ".join([*parts, *([MECHANISM] if one.group.embedded else [])])


def _alt(one: Panel) -> str:
    told = (
        f"{plain(line.model)}: "
        + ", ".join(f"{plain(m.way)} {score(m.found.mean, one.digits)}" for m in line.marks)
        for line in one.lines
    )
    what = "Share of the gain of full fine-tuning" if one.retained else sentence(one.meter.title)
    return f"{what} against parameters tuned, {one.place}. {'; '.join(told)}."


# --- the drawing --------------------------------------------------------------------------------


def draw(one: Panel, title: str, subtitle: str) -> Figure:
    """One panel; up is better."""
    rows = sum(len(line.marks) + 2 for line in one.lines)
    height = max(HEIGHT, rows * canvas.LINE)
    looks = style.looks([line.family for line in one.lines])
    with style.applied():
        figure = canvas.sheet(title, subtitle, height + BOTTOM + ABOVE)
        axes = canvas.axes(figure, LEFT, BOTTOM, canvas.WIDTH - LEFT - RIGHT, height)
        _scales(axes, one)
        for rank, (line, look) in enumerate(zip(one.lines, looks, strict=True)):
            shift = APART * (2 * rank - len(one.lines) + 1)
            _marks(axes, [mark for mark in line.marks if mark.tuned], look, shift)
        _names(axes, one)
        up = height - 0.1
        for line, look in zip(one.lines, looks, strict=True):
            texts = [f"{look.name}: {plain(line.model)}", *(_told(m, one) for m in line.marks)]
            canvas.labelled(axes, up, texts, look, RIGHT)
            up -= canvas.LINE * (len(texts) + 1)
    return figure


def _scales(axes: Axes, one: Panel) -> None:
    marks = [mark for line in one.lines for mark in line.marks if mark.tuned]
    scales.logarithmic(axes, [mark.tuned for mark in marks], "parameters tuned (log scale)")
    ticks = [_amount(float(tick)) for tick in axes.get_xticks()]
    axes.set_xticklabels(ticks)
    ends = [end for mark in marks for end in _ends(mark.found)] + ([1.0] if one.retained else [])
    air = 0.06 * (max(ends) - min(ends)) or 0.05
    low, high = min(ends) - air, max(ends) + air
    turned = one.meter.lower_is_better and not one.retained
    axes.set_ylim((high, low) if turned else (low, high))
    scales.scores(axes)
    what = "share of the gain kept" if one.retained else one.meter.caption
    axes.set_ylabel(canvas.fitted(what, HEIGHT, style.TEXT))
    axes.grid()
    if one.retained:
        full = canvas.Stroke("all of the gain", style.GREY, 1.0, ":")
        canvas.stroke(axes, axes.get_xlim(), (1.0, 1.0), full)


def _amount(parameters: float) -> str:
    """500, 20 k, 1.5 M."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if parameters >= unit:
            return f"{parameters / unit:g}{name}"
    return f"{parameters:g}"


def _ends(found: Estimate) -> tuple[float, float]:
    if found.low is None or found.high is None:
        return found.mean, found.mean
    return found.low, found.high


def _marks(axes: Axes, marks: Sequence[Mark], look: style.Side, shift: float) -> None:
    low, high = axes.get_xlim()
    aside = (high / low) ** shift
    curve = [(mark.tuned * aside, mark.found.mean) for mark in marks if mark.frozen]
    if len(curve) > 1:
        across, up = zip(*sorted(curve), strict=True)
        canvas.stroke(axes, across, up, canvas.Stroke("frozen", look.colour, 1.4, look.line))
    for mark in marks:
        at = mark.tuned * aside
        error = canvas.Stroke("interval", look.colour, 2.0)
        canvas.stroke(axes, (at, at), _ends(mark.found), error)
        point = canvas.Stroke("way", look.colour, 1.4, marker=look.marker, size=7.0)
        canvas.dot(axes, at, mark.found.mean, point, look.colour)


def _names(axes: Axes, one: Panel) -> None:
    """Each way above the marks of its own, moved apart, with a thin line to where it belongs."""
    sizes: dict[str, list[int]] = {}
    for mark in (mark for line in one.lines for mark in line.marks if mark.tuned):
        sizes.setdefault(_short(mark.way), []).append(mark.tuned)
    (low, high), (across, up) = axes.get_xlim(), canvas.size_of(axes)
    names = list(sizes)
    places = [
        across * math.log(math.prod(some) ** (1 / len(some)) / low) / math.log(high / low)
        for some in sizes.values()
    ]
    gap = max(canvas.width(canvas.drawable(name), style.SMALL) for name in names) + 0.08
    for name, place, moved in zip(
        names, places, canvas.spread(places, gap, 0.0, across), strict=True
    ):
        words = axes.text(moved / across, 1 + 0.22 / up, canvas.drawable(name), color=style.DARK)
        words.set(transform=axes.transAxes, ha="center", va="bottom")
        (lead,) = axes.plot([moved / across, place / across], [1 + 0.2 / up, 1 + 0.02 / up])
        lead.set(transform=axes.transAxes, color=style.LIGHT, linewidth=0.9, clip_on=False)


def _short(name: str) -> str:
    """A way of tuning where room is short: 50 % of freeze 50 %, lora without its rank."""
    return plain(name.removeprefix("freeze ").partition(",")[0], 16)


def _told(mark: Mark, one: Panel) -> str:
    found, digits = mark.found, one.digits
    limits = (
        "" if found.low is None else f" [{score(found.low, digits)}, {score(found.high, digits)}]"
    )
    return f"{plain(mark.way, 20)} {score(found.mean, digits)}{limits}"
