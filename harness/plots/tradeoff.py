"""Quality against latency of the models that were measured on a task, with intervals both ways.

Up and left is better. Which models make the front is found in `fronts`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.comparing.findings import Findings
from harness.metrics import Meter
from harness.plots import canvas, scales, style
from harness.plots.fronts import Point, ends_of, front_of, points
from harness.plots.picture import Picture
from harness.plots.shown import MOST, left_out
from harness.plots.timed import Panel, panels, where_measured
from harness.plots.wording import counted, listed, quantity, safe, score, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "tradeoff"
LEFT, RIGHT, BOTTOM, HEIGHT = 0.85, 2.35, 0.62, 2.9
CAPTION = (
    "Quality of all seeds on the test split (95 % interval over seeds and examples) against the "
    "latency of one seed's model; mark: p50 with its 95 % interval between order statistics, thin "
    "tail: up to p95 where the samples carry it. Filled: on the front, as no other model is better "
    "in quality and in p50 with intervals that lie apart; hollow: not. The steps join the best "
    "quality that is to be had up to a latency. Latencies were measured model by model and differ "
    "from day to day: which model is faster is decided in a race, not here."
)


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure a task and machine with two models or more, for the first few."""
    found = [(one, points(one)) for one in panels(findings.comparison)]
    found = [(panel, some) for panel, some in found if len(some) > 1]
    rest = left_out([panel.place for panel, _ in found[MOST:]])
    for panel, some in found[:MOST]:
        meter = _meter(panel)
        title = headline(panel.place, some, meter)
        figure = draw(some, meter, panel.what, title, where_measured(panel))
        if figure is not None:
            caption = CAPTION + left_out(_unshown(panel, some)) + rest
            name = safe(NAME, panel.task, panel.data)
            yield Picture(name, title, caption, _alt(panel.place, some, meter), figure)


def _meter(panel: Panel) -> Meter:
    return next(one.tuned.arm.headline for one in panel.models if one.tuned)


def _unshown(panel: Panel, shown: Sequence[Point]) -> list[str]:
    keys = {one.key for one in shown}
    return [
        f"{one.name} (no valid quality, too few samples or no room)"
        for one in panel.models
        if one.key not in keys
    ]


def headline(place: str, found: Sequence[Point], meter: Meter) -> str:
    """Who is on the front and who is not."""
    kept = front_of(found, meter)
    names = [one.name for one in found if one.key in kept]
    rest = [one.name for one in found if one.key not in kept]
    where = "on the front of quality and latency"
    if not rest:
        every = "both" if len(names) == 2 else "all"
        text = f"{listed(names)} are {every} {where}"
    else:
        text = f"{listed(names)} {'is' if len(names) == 1 else 'are'} {where}, {listed(rest)} not"
    return sentence(f"{place}: {text}")


# --- the drawing --------------------------------------------------------------------------------


def draw(
    found: Sequence[Point], meter: Meter, what: str, title: str, subtitle: str
) -> Figure | None:
    """Points with intervals and the front as steps; None for less than two points.

    Up is better: the axis is turned round for metrics of which lower is better.
    """
    if len(found) < 2:
        return None
    kept = front_of(found, meter)
    with style.applied():
        height = max(HEIGHT, 4 * canvas.LINE * len(found))
        figure = canvas.sheet(title, subtitle, height + BOTTOM + 0.2)
        axes = canvas.axes(figure, LEFT, BOTTOM, canvas.WIDTH - LEFT - RIGHT, height)
        _scales(axes, found, meter, what)
        _steps(axes, [one for one in found if one.key in kept], meter)
        looks = style.looks([one.family for one in found])
        for one, look in zip(found, looks, strict=True):
            _point(axes, one, look, one.key in kept)
        _labels(axes, found, looks, meter, kept, height)
    return figure


def _scales(axes: Axes, found: Sequence[Point], meter: Meter, what: str) -> None:
    times = [t for one in found for p in (one.p50, one.p95) for t in (p.low, p.value, p.high) if t]
    scales.milliseconds(axes, [1000 * one for one in times], f"latency {what}")
    ends = [end for one in found for end in (*ends_of(one.quality), one.quality.mean)]
    air = 0.08 * (max(ends) - min(ends)) or 0.05
    low, high = min(ends) - air, max(ends) + air
    axes.set_ylim((high, low) if meter.lower_is_better else (low, high))
    scales.scores(axes)
    axes.set_ylabel(canvas.fitted(meter.caption, 2.6, style.TEXT))
    axes.grid()
    axes.text(
        0.01,
        0.99,
        "\N{NORTH WEST ARROW} better",
        transform=axes.transAxes,
        va="top",
        color=style.GREY,
    )


def _steps(axes: Axes, front: Sequence[Point], meter: Meter) -> None:
    """The best quality up to each latency, from edge to edge of the axes."""
    best = list[tuple[float, float]]()
    for one in sorted(front, key=lambda one: one.p50.value or 0.0):
        if not best or meter.improves(one.quality.mean - best[-1][1]) > 0:
            best.append((1000 * (one.p50.value or 0.0), one.quality.mean))
    if not best:
        return
    times, qualities = [at for at, _ in best], [quality for _, quality in best]
    right, worst = axes.get_xlim()[1], axes.get_ylim()[0]
    across, up = [times[0], *times, right], [worst, *qualities, qualities[-1]]
    steps = canvas.stroke(axes, across, up, canvas.Stroke("front", style.LIGHT, 5.0))
    steps.set(drawstyle="steps-post", zorder=1)


def _point(axes: Axes, one: Point, look: style.Side, kept: bool) -> None:
    at, quality = 1000 * (one.p50.value or 0.0), one.quality
    level = [quality.mean] * 2
    if one.p95.value is not None:
        tail = canvas.Stroke("p95", look.colour, 1.0, ":", "|", 5)
        canvas.stroke(axes, (at, 1000 * one.p95.value), level, tail)
    if one.p50.low is not None and one.p50.high is not None:
        ends = 1000 * one.p50.low, 1000 * one.p50.high
        canvas.stroke(axes, ends, level, canvas.Stroke("latency", look.colour, 2.2))
    canvas.stroke(axes, (at, at), ends_of(quality), canvas.Stroke("quality", look.colour, 2.2))
    point = canvas.Stroke("point", look.colour, 1.6, marker=look.marker, size=8.5)
    canvas.dot(axes, at, quality.mean, point, look.colour if kept else style.WHITE)


def _labels(
    axes: Axes,
    found: Sequence[Point],
    looks: Sequence[style.Side],
    meter: Meter,
    kept: Collection[str],
    height: float,
) -> None:
    """Names and numbers on the right, the best quality on top."""
    order = sorted(range(len(found)), key=lambda at: -meter.improves(found[at].quality.mean))
    for rank, at in enumerate(order):
        one, top = found[at], height - 0.1 - 4 * canvas.LINE * rank
        name = one.name if one.key in kept else f"{one.name} (not on it)"
        canvas.labelled(axes, top, [name, *_numbers(one, meter)], looks[at], RIGHT)


def _numbers(one: Point, meter: Meter) -> list[str]:
    found, digits = one.quality, meter.digits
    limits = (
        "" if found.low is None else f" [{score(found.low, digits)}, {score(found.high, digits)}]"
    )
    seeds = counted(found.seeds, "seed")
    p95 = "" if one.p95.value is None else f", p95 {quantity(1000 * one.p95.value)}"
    times = f"p50 {quantity(1000 * (one.p50.value or 0.0))}{p95} ms"
    return [f"{score(found.mean, digits)}{limits}", f"{times}, {seeds}"]


def _alt(place: str, found: Sequence[Point], meter: Meter) -> str:
    told = "; ".join(f"{one.name}: {', '.join(_numbers(one, meter))}" for one in found)
    return f"{meter.caption} against latency, {place}. {told}."
