"""What searching brings: the expected best dev score by trials, and the dev score by learning rate.

All arms that were searched to be compared stand in one panel, decoder and encoder alike.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.comparing.comparison import FULL
from harness.comparing.efforts import Effort, Searches, efforts
from harness.comparing.findings import Findings
from harness.metrics import Meter
from harness.plots import canvas, scales, style
from harness.plots.picture import Picture
from harness.plots.shown import MECHANISM, MOST, left_out
from harness.plots.wording import counted, plain, safe, score, sentence, task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "effort"
MOST_ARMS = 5
LEFT, BETWEEN, RIGHT, BOTTOM, HEIGHT = 0.8, 0.72, 1.95, 0.62, 2.5
CAPTION = (
    "Left: what the best of n trials is expected to score on dev, over every choice of n of the "
    "trials that were made (Dodge et al. 2019, without replacement); at the right end the best of "
    "all. Right: dev score of each trial, mean over its seeds, against its learning rate; where "
    "other settings were searched as well they differ along the line. A run that failed counts as "
    "the worst score. Dev scores decide nothing."
)

Points = Sequence[tuple[float, float]]


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure for arms that were searched together, for the first few."""
    found = [one for one in efforts(findings.comparison) if max(map(_size, one.arms)) > 1]
    rest = left_out([_place(one) for one in found[MOST:]])
    for one in found[:MOST]:
        title = headline(one)
        caption = CAPTION + left_out([arm.name for arm in one.arms[MOST_ARMS:]]) + rest
        name = safe(NAME, one.task, one.data, one.pair, *_way(one))
        yield Picture(name, title, caption, _alt(one), draw(one, title, _about(one)))


def _size(one: Effort) -> int:
    return len(one.trials)


def _place(one: Searches) -> str:
    return ", ".join([f"{task(one.task)} on {plain(one.data)}", *map(plain, _way(one))])


def _way(one: Searches) -> list[str]:
    """How its arms are tuned, where that is not in full."""
    return [one.way] if one.way != FULL else []


def headline(one: Searches) -> str:
    """What one trial and all of them are expected to bring to each arm."""
    told = ", ".join(f"{plain(arm.name)} {_reach(arm, one.meter)}" for arm in one.arms[:MOST_ARMS])
    return sentence(f"{_place(one)}: best {one.meter.title} on dev from one trial to all, {told}")


def _reach(one: Effort, meter: Meter) -> str:
    expected = one.expected(meter)
    first, last = (score(end, meter.digits) for end in (expected[0], expected[-1]))
    return f"{first} to {last}"


def _about(one: Searches) -> str:
    name = f"search {plain(one.search)}" if one.search else "grid of learning rates"
    parts = [f"{name}, {one.source}, pair {plain(one.pair)}"]
    parts += ["unequal numbers of trials: not to be compared"] if one.unequal else []
    return "; ".join([*parts, *([MECHANISM] if one.embedded else [])])


def _alt(one: Searches) -> str:
    told = (
        f"{plain(arm.name)}: {counted(_size(arm), 'trial')}, {_reach(arm, one.meter)}"
        for arm in one.arms[:MOST_ARMS]
    )
    return f"Expected best {one.meter.title} on dev by trials, {_place(one)}. {'; '.join(told)}."


# --- the drawing --------------------------------------------------------------------------------


def draw(one: Searches, title: str, subtitle: str) -> Figure:
    """Two panels with one axis of scores; up is better."""
    arms = one.arms[:MOST_ARMS]
    looks = style.looks([arm.family for arm in arms])
    wide = (canvas.WIDTH - LEFT - BETWEEN - RIGHT) / 2
    with style.applied():
        figure = canvas.sheet(title, subtitle, HEIGHT + BOTTOM + 0.12)
        left = canvas.axes(figure, LEFT, BOTTOM, wide, HEIGHT)
        right = canvas.axes(figure, LEFT + wide + BETWEEN, BOTTOM, wide, HEIGHT)
        for arm, look in zip(arms, looks, strict=True):
            curve = enumerate(arm.expected(one.meter), start=1)
            _line(left, [(float(drawn), best) for drawn, best in curve], look, "expected")
            _line(right, arm.rates(one.meter), look, "rates")
        _scales(left, right, one.meter, [rate for arm in arms for rate, _ in arm.rates(one.meter)])
        for rank, (arm, look) in enumerate(zip(arms, looks, strict=True)):
            texts = [f"{look.name}: {plain(arm.name)}", *_told(arm, one.meter)]
            canvas.labelled(right, HEIGHT - 0.1 - 3.2 * canvas.LINE * rank, texts, look, RIGHT)
    return figure


def _line(axes: Axes, points: Points, look: style.Side, name: str) -> None:
    """What is not finite (failed trials of a metric without a worst value) is left out."""
    shown = [(across, up) for across, up in points if math.isfinite(up)]
    if shown:
        across, up = zip(*shown, strict=True)
        stroke = canvas.Stroke(name, look.colour, 1.8, look.line, look.marker, 5)
        canvas.stroke(axes, across, up, stroke)


def _scales(left: Axes, right: Axes, meter: Meter, rates: Sequence[float]) -> None:
    from matplotlib.ticker import MaxNLocator

    for axes in (left, right):
        scales.scores(axes)
        if meter.lower_is_better:
            axes.invert_yaxis()
        axes.grid()
    left.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    left.set_xlabel("trials")
    left.set_ylabel("expected best, dev")
    if rates:
        scales.logarithmic(right, rates, "learning rate (log scale)")
    right.set_ylabel(canvas.fitted(f"{meter.caption}, dev", HEIGHT, style.TEXT))


def _told(one: Effort, meter: Meter) -> list[str]:
    found = [f"{counted(_size(one), 'trial')}, {_reach(one, meter)}"]
    return [*found, *([f"{counted(one.failed, 'run')} failed"] if one.failed else [])]
