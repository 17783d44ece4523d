"""Score against labelled training examples, both families in one panel, and where they cross."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.comparing.comparison import Arm
from harness.comparing.findings import Findings
from harness.comparing.label_curves import Curve, Flip, curves, flips
from harness.plots import canvas, scales, style
from harness.plots.picture import Picture
from harness.plots.shown import MECHANISM, MOST, left_out, named
from harness.plots.wording import counted, listed, plain, safe, score, sentence, task
from harness.statistics.stats import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "labels"
LEFT, RIGHT, BOTTOM, HEIGHT = 0.85, 2.35, 0.62, 2.9
APART = 1.015
"""By which factor of labels the two sides stand apart, so that neither hides the other."""

CAPTION = (
    "Score on the test split against labelled training examples (log scale). Bars: 95 % intervals "
    "over training seeds and test examples, of each model by itself; who is ahead is decided by "
    "paired differences, in the table. Lines join what was measured and claim nothing in between. "
    "Dashes across: the rule that ignores the input."
)
CROSSING = " Dots up: where the means cross; grey: its limits at 95 %, where they were drawn."


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure a curve, for the first few."""
    found = curves(findings.comparison)
    rest = left_out([place(one) for one in found[MOST:]])
    for one in found[:MOST]:
        title, turns = sentence(told(one)), flips(one)
        caption = CAPTION + (CROSSING if turns else "") + rest
        name = safe(NAME, one.key.task, one.key.data, one.arms[0].key.pair)
        yield Picture(name, title, caption, _alt(one), draw(one, turns, title, _about(one)))


def place(one: Curve) -> str:
    """Task, data and pair."""
    return f"{task(one.key.task)} on {plain(one.key.data)}, {plain(one.arms[0].key.pair)}"


def told(one: Curve) -> str:
    """Whether the winner flips between few labels and many, in a sentence without its end."""
    turns = flips(one)
    if not turns:
        return f"{place(one)}: no flip within what was measured ({_range(one)}): {_one_side(one)}"
    if len(turns) > 1:
        places = listed([_about_labels(turn.at) for turn in turns])
        return f"{place(one)}: the means cross {len(turns)} times, near {places}: no one flip"
    (turn,) = turns
    where = f"{_about_labels(turn.at)} labels{_limits(one, turn)}"
    between = f"interpolated between {turn.between[0]:,} and {turn.between[1]:,}"
    if turn.shown:
        return (
            f"{place(one)}: the winner flips from {turn.first} to {turn.then} at about {where}, "
            f"{between}"
        )
    return (
        f"{place(one)}: no flip is shown: the means cross at about {where}, {between}, but "
        f"{_unsure(one, turn)}"
    )


def _range(one: Curve) -> str:
    return f"{one.points[0].labels:,} to {one.points[-1].labels:,} labels"


def _about_labels(labels: float) -> str:
    """With two digits that count, as more would say too much."""
    digits = max(0, math.floor(math.log10(labels)) - 1)
    return f"{round(labels, -digits):,.0f}"


def _limits(one: Curve, turn: Flip) -> str:
    if turn.low is None or turn.high is None:
        return " (no limits: one seed, or no values per example)"
    least, most = one.points[0].labels, one.points[-1].labels
    low = _about_labels(turn.low) if turn.low >= least else f"below {least:,}"
    high = _about_labels(turn.high) if turn.high <= most else f"above {most:,}"
    return f" (95 %: {low} to {high})"


def _unsure(one: Curve, turn: Flip) -> str:
    sure = {one.ahead(point) for point in one.points}
    sides = [side for side in (turn.first, turn.then) if side not in sure]
    return f"{' and '.join(sides)} {'is' if len(sides) == 1 else 'are'} not surely ahead anywhere"


def _one_side(one: Curve) -> str:
    """Whose mean is the higher at every size, and where surely."""
    means = [point.advantage.mean for point in one.points]
    if not any(means):
        return "both score the same"
    side = "BERT" if sum(means) > 0 else "GPT"
    sure = [f"{point.labels:,}" for point in one.points if one.ahead(point) == side]
    if len(sure) == len(one.points):
        return f"{side} ahead at every size"
    return f"{side}'s mean is the better one, surely at {listed(sure) if sure else 'no size'}"


def _about(one: Curve) -> str:
    seeds = sorted({len(point.contrast.seeds) for point in one.points})
    many = counted(seeds[-1], "seed") if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]} seeds"
    pace = f"{one.pace} at every size"
    parts = [f"GPT is {named(one.arms[0])}, BERT is {named(one.arms[1])}; {many}; {pace}"]
    return "; ".join([*parts, *([MECHANISM] if one.embedded else [])])


def _alt(one: Curve) -> str:
    points = (
        f"{p.labels:,} labels: GPT {_mean(p.contrast.gpt)}, BERT {_mean(p.contrast.bert)}"
        for p in one.points
    )
    return f"{one.meter.caption} against labelled examples, {place(one)}. {'; '.join(points)}."


def _mean(arm: Arm) -> str:
    return score(arm.scores[0].estimate.mean, arm.headline.digits)


# --- the drawing --------------------------------------------------------------------------------


def draw(one: Curve, turns: Sequence[Flip], title: str, subtitle: str) -> Figure:
    """A line a side with its intervals; up is better."""
    with style.applied():
        figure = canvas.sheet(title, subtitle, HEIGHT + BOTTOM + 0.12)
        axes = canvas.axes(figure, LEFT, BOTTOM, canvas.WIDTH - LEFT - RIGHT, HEIGHT)
        looks = (style.GPT, style.BERT)
        for at, look in enumerate(looks):
            arms = [(p.contrast.gpt, p.contrast.bert)[at] for p in one.points]
            shift = APART ** (2 * at - 1)
            across = [point.labels * shift for point in one.points]
            _line(axes, across, [arm.scores[0].estimate for arm in arms], look)
        _scales(axes, one)
        for turn in turns:
            _crossing(axes, turn)
        for rank, (arm, look) in enumerate(zip(one.arms, looks, strict=True)):
            ends = [
                (p.contrast.gpt, p.contrast.bert)[rank] for p in (one.points[0], one.points[-1])
            ]
            few, many = (f"{p.labels:,}" for p in (one.points[0], one.points[-1]))
            texts = [f"{look.name}: {named(arm)}", f"{_mean(ends[0])} with {few} labels"]
            texts.append(f"{_mean(ends[1])} with {many}")
            canvas.labelled(axes, HEIGHT - 0.1 - 4.5 * canvas.LINE * rank, texts, look, RIGHT)
    return figure


def _line(axes: Axes, across: Sequence[float], found: Sequence[Estimate], look: style.Side) -> None:
    stroke = canvas.Stroke(look.name, look.colour, 2.0, look.line, look.marker)
    canvas.stroke(axes, across, [each.mean for each in found], stroke)
    for at, each in zip(across, found, strict=True):
        if each.low is not None and each.high is not None:
            bar = canvas.Stroke(f"interval {look.name}", look.colour, 1.2)
            canvas.stroke(axes, [at, at], [each.low, each.high], bar)


def _scales(axes: Axes, one: Curve) -> None:
    from matplotlib.ticker import FixedFormatter, FixedLocator

    sizes = [point.labels for point in one.points]
    scales.logarithmic(axes, sizes, "labelled training examples (log scale)")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{size:,}" for size in sizes]))
    scales.scores(axes)
    if one.meter.lower_is_better:
        axes.invert_yaxis()
    axes.set_ylabel(canvas.fitted(f"{one.meter.caption}, test", 2.8, style.TEXT))
    axes.grid()
    floor = one.arms[0].scores[0].majority
    if floor is not None:
        axes.axhline(floor, color=style.DARK, ls=(0, (4, 3)), lw=1.2, gid="floor")


def _crossing(axes: Axes, turn: Flip) -> None:
    axes.axvline(turn.at, color=style.DARK, ls=":", lw=1.2, gid="crossing")
    if turn.low is not None and turn.high is not None:
        left, right = axes.get_xlim()
        limits = max(turn.low, left), min(turn.high, right)
        axes.axvspan(*limits, color=style.PALE, zorder=0, gid="limits")
