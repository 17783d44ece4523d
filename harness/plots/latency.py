"""How long single answers take: the whole distribution of a measured model, p50 and p95 marked.

Which of two models is faster is not decided here but in a race.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.comparing.findings import Findings
from harness.plots import canvas, scales, style
from harness.plots.picture import Picture
from harness.plots.shown import MOST, left_out
from harness.plots.timed import Panel, Timed, panels, where_measured
from harness.plots.wording import listed, quantity, safe, sentence
from harness.statistics import timings
from harness.statistics.stats import Vector
from harness.statistics.timings import Percentile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "latency"
MARKED = (0.5, 0.95)
MOST_MODELS, MOST_TOLD, MOST_STEPS = 6, 2, 400
LEFT, RIGHT, BOTTOM, HEIGHT = 0.75, 2.35, 0.62, 2.5
CAPTION = (
    "Share of answers that took at most so long, one request at a time. Marked: p50 and p95 with "
    "95 % intervals between order statistics, which cover the requests of this measurement, not "
    "another day; a percentile that the samples cannot carry is not marked (p50 takes 20 samples, "
    "p95 200). Each model was measured alone: which is faster is decided in a race, not here."
)


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure a task and machine, for the first few."""
    found = panels(findings.comparison)
    rest = left_out([one.place for one in found[MOST:]])
    for one in found[:MOST]:
        title = headline(one)
        figure = draw(one, title, where_measured(one))
        if figure is not None:
            caption = CAPTION + left_out([m.name for m in one.models[MOST_MODELS:]]) + rest
            yield Picture(safe(NAME, one.task, one.data), title, caption, _alt(one), figure)


def headline(panel: Panel) -> str:
    """How long half of the answers take, the fastest first; and nearly all, where two are shown."""
    models = panel.models[:MOST_MODELS]
    parts = []
    for q, words in zip(
        MARKED, ("half of the answers within {}", "95\N{NO-BREAK SPACE}% within {}"), strict=True
    ):
        at = [(found.value, one.name) for one in models if (found := _at(one, q)).value is not None]
        if at and (q == MARKED[0] or len(models) <= MOST_TOLD):
            told = [f"{quantity(1000 * value)} ms ({name})" for value, name in sorted(at)]
            parts.append(words.format(listed(told)))
    return sentence(f"{panel.place}: {', '.join(parts) or 'too few samples for a percentile'}")


def _at(one: Timed, q: float) -> Percentile:
    return timings.percentile(one.seconds, q)


def draw(panel: Panel, title: str, subtitle: str) -> Figure | None:
    """One curve a model; None where nothing was timed."""
    models = [one for one in panel.models if len(one.seconds)][:MOST_MODELS]
    if not models:
        return None
    with style.applied():
        height = max(HEIGHT, 4 * canvas.LINE * len(models))
        figure = canvas.sheet(title, subtitle, height + BOTTOM + 0.1)
        axes = canvas.axes(figure, LEFT, BOTTOM, canvas.WIDTH - LEFT - RIGHT, height)
        scales.milliseconds(axes, _positive(models), f"latency {panel.what}")
        axes.set_ylim(0, 1.02)
        axes.set_ylabel("share of answers")
        scales.scores(axes)
        axes.grid()
        looks = style.looks([one.family for one in models])
        for one, look in zip(models, looks, strict=True):
            _curve(axes, one, look)
        _labels(axes, models, looks, height)
    return figure


def _positive(models: Sequence[Timed]) -> list[float]:
    """Samples that a log axis can show, in ms."""
    every = np.concatenate([one.seconds for one in models])
    found: list[float] = (1000 * every[every > 0]).tolist()
    return found or [1.0]


def _curve(axes: Axes, one: Timed, look: style.Side) -> None:
    line = canvas.Stroke("ecdf", look.colour, 1.8, look.line)
    canvas.stroke(axes, *ecdf(1000 * one.seconds), line).set_drawstyle("steps-post")
    for q in MARKED:
        found = _at(one, q)
        if found.value is None or found.low is None or found.high is None:
            continue
        ends = 1000 * found.low, 1000 * found.high
        bar = canvas.Stroke("interval", look.colour, 1.4, marker="|", size=7)
        canvas.stroke(axes, ends, (q, q), bar)
        point = canvas.Stroke("percentile", look.colour, 0.8, marker=look.marker, size=7)
        canvas.dot(axes, 1000 * found.value, q, point, look.colour)


def ecdf(values: Vector) -> tuple[list[float], list[float]]:
    """Sorted samples and the share at or below each, thinned where there are very many."""
    ordered = np.sort(values)
    shares = np.arange(1, len(ordered) + 1) / len(ordered)
    if len(ordered) > MOST_STEPS:
        kept = np.unique(np.linspace(0, len(ordered) - 1, MOST_STEPS).round().astype(int))
        ordered, shares = ordered[kept], shares[kept]
    return ordered.tolist(), shares.tolist()


def _labels(
    axes: Axes, models: Sequence[Timed], looks: Sequence[style.Side], height: float
) -> None:
    """Names and percentiles on the right, in the order of the curves."""
    medians = [float(np.median(one.seconds)) for one in models]
    places = np.argsort(np.argsort(medians, kind="stable"))
    for one, look, rank in zip(models, looks, places, strict=True):
        top = height - 0.1 - 4 * canvas.LINE * float(rank)
        texts = [one.name, *(_percentile(one, q) for q in MARKED)]
        canvas.labelled(axes, top, texts, look, RIGHT)


def _percentile(one: Timed, q: float) -> str:
    found = _at(one, q)
    name = f"p{100 * q:.0f}"
    if found.value is None or found.low is None or found.high is None:
        return f"{name}: {found.samples:,} of {found.needed:,} samples"
    at, low, high = (quantity(1000 * value) for value in (found.value, found.low, found.high))
    return f"{name} {at} [{low}, {high}] ms"


def _alt(panel: Panel) -> str:
    told = "; ".join(
        f"{one.name}: {', '.join(_percentile(one, q) for q in MARKED)}"
        for one in panel.models[:MOST_MODELS]
    )
    return f"Cumulative distribution of latency, {panel.place}. {told}."
