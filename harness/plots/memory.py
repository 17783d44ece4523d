"""What holds memory at the peak of a forward pass and of a training step, model by model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.comparing.findings import Findings
from harness.plots import canvas, style
from harness.plots.peaks import (
    BASE,
    FORWARD,
    GRADIENTS,
    OPTIMIZER,
    PARTS,
    REST,
    TRAINING,
    WEIGHTS,
    Held,
    Peak,
    held,
)
from harness.plots.picture import Picture
from harness.plots.shown import MECHANISM, left_out
from harness.plots.wording import quantity, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "memory"
MIB = 2**20
MOST_MODELS = 8
LOOKS = {
    BASE: (style.LIGHT, ""),
    WEIGHTS: (style.SKY, "////"),
    GRADIENTS: (style.GREEN, ""),
    OPTIMIZER: (style.YELLOW, "\\\\\\\\"),
    REST: (style.PURPLE, "xx"),
}
"""Colour and hatch of each part."""

BAR, MODEL, TOP, BOTTOM = 0.24, 0.62, 0.36, 0.56
LEFT, WHOLE, BETWEEN, RIGHT, STAGE = 2.75, 1.7, 0.3, 0.55, 0.95
CAPTION = (
    "Peak of a forward pass and of a training step, read in a process of its own for each model. "
    "Weights (with buffers), gradients and optimizer are exact sums over tensors; interpreter and "
    "imports are what was resident before the model (nothing of it is on a device); the rest is "
    "the peak less all these: activations, batch, allocator, code loaded late. The right panel "
    "has the same bars without interpreter and imports, on a scale of its own. One reading each, "
    "so no interval."
)


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure for the models that were measured, where any was."""
    every = held(findings)
    shown = every[:MOST_MODELS]
    if shown:
        title = headline(shown)
        rest = left_out([f"{one.name} ({one.place})" for one in every[MOST_MODELS:]])
        figure = draw(shown, title, _subtitle(shown))
        assert figure is not None
        yield Picture(NAME, title, CAPTION + rest, _alt(shown), figure)


def headline(models: Sequence[Held]) -> str:
    """What training and answering take beside what the program holds anyway."""
    peaks = [one for model in models for one in model.peaks]
    parts = []
    for stage, words in ((TRAINING, "a training step"), (FORWARD, "a forward pass")):
        if sizes := [one.added for one in peaks if one.stage == stage]:
            parts.append(f"{words} takes {_span(sizes)}")
    base = [one.parts[BASE] for one in peaks]
    beside = f"; interpreter and imports hold {_span(base)}" if any(base) else ""
    return sentence(f"{', '.join(parts)}{beside}")


def _span(sizes: Sequence[int]) -> str:
    low, high = (quantity(end / MIB) for end in (min(sizes), max(sizes)))
    return f"{low} MiB" if low == high else f"{low} to {high} MiB"


def _subtitle(models: Sequence[Held]) -> str:
    text = "peaks of each model, alone in a process; one reading each"
    return f"{text}; embedded: {MECHANISM}" if any(one.embedded for one in models) else text


def _alt(models: Sequence[Held]) -> str:
    told = "; ".join(
        f"{model.name} ({model.place}), {peak.stage}: {quantity(peak.whole / MIB)} MiB, of which "
        + ", ".join(f"{part} {quantity(size / MIB)}" for part, size in peak.parts.items() if size)
        for model in models
        for peak in model.peaks
    )
    return f"Stacked bars of memory. {told}."


# --- the drawing --------------------------------------------------------------------------------


def draw(models: Sequence[Held], title: str, subtitle: str) -> Figure | None:
    """A bar a peak: with interpreter and imports on the left, without on the right."""
    if not models:
        return None
    height = MODEL * len(models)
    base = any(peak.parts[BASE] for one in models for peak in one.peaks)
    with style.applied():
        figure = canvas.sheet(title, subtitle, TOP + height + BOTTOM)
        start = LEFT + (WHOLE + BETWEEN if base else 0.0)
        added = canvas.axes(figure, start, BOTTOM, canvas.WIDTH - start - RIGHT, height)
        added.set_xlabel("without interpreter and imports, MiB" if base else "on the device, MiB")
        _bars(added, models, PARTS[1:])
        first = added
        if base:
            first = canvas.axes(figure, LEFT, BOTTOM, WHOLE, height)
            first.set_xlabel("all, MiB")
            _bars(first, models, PARTS)
        for place, one in enumerate(models):
            _names(first, one, height - MODEL * (place + 0.5))
        _key(first, PARTS if base else PARTS[1:])
    return figure


def _bars(axes: Axes, models: Sequence[Held], parts: Sequence[str]) -> None:
    """The vertical unit is an inch, counted downwards."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_ylim(MODEL * len(models), 0)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(axis="x")
    for place, one in enumerate(models):
        for row, peak in enumerate(one.peaks):
            _bar(axes, peak, parts, MODEL * (place + 0.5) + BAR * (row - 0.5))


def _bar(axes: Axes, peak: Peak, parts: Sequence[str], y: float) -> None:
    left = 0.0
    for name in parts:
        size = peak.parts[name] / MIB
        colour, hatch = LOOKS[name]
        (bar,) = axes.barh(y, size, BAR * 0.88, left=left, facecolor=colour, hatch=hatch)
        bar.set(edgecolor=style.GREY, linewidth=0.6, gid=name)
        left += size
    if parts[0] != BASE:
        axes.text(left, y, f" {quantity(left)}", va="center", color=style.DARK)


def _names(axes: Axes, one: Held, up: float) -> None:
    """The model and its place on the left, the stages at their bars."""
    look = style.looks([one.family])[0]
    canvas.mark(axes, canvas.EDGE + 0.06 - LEFT, up + canvas.LINE / 2, look)
    lines = ((one.name, look.colour), (one.place, style.GREY))
    room = LEFT - STAGE - canvas.EDGE - 0.26
    for line, (text, colour) in enumerate(lines):
        shown = canvas.fitted(text, room, weight="normal" if line else "bold")
        canvas.at(
            axes, canvas.EDGE + 0.2 - LEFT, up + canvas.LINE * (0.5 - line), shown, colour, not line
        )
    for row, peak in enumerate(one.peaks):
        canvas.at(axes, -STAGE, up - BAR * (row - 0.5), peak.stage, style.DARK)


def _key(axes: Axes, parts: Sequence[str]) -> None:
    """Names of the parts, above the axes."""
    from matplotlib.patches import Patch

    looks = [(name, *LOOKS[name]) for name in parts]
    handles = [
        Patch(facecolor=colour, hatch=hatch, edgecolor=style.GREY, linewidth=0.6, label=name)
        for name, colour, hatch in looks
    ]
    across, high = canvas.size_of(axes)
    place = (canvas.EDGE - LEFT) / across, 1 + 0.04 / high
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=place,
        ncols=len(handles),
        frameon=False,
        borderpad=0,
        columnspacing=1.2,
        handletextpad=0.5,
    )
