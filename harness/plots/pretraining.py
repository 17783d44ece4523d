"""How far pretraining brought each side of a pair: the loss of its own objective, and on what text.

Two panels, as the losses of two objectives are answers to different questions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.comparing.comparison import Arm
from harness.comparing.findings import Findings
from harness.plots import canvas, style
from harness.plots.picture import Picture
from harness.plots.shown import MECHANISM, leading
from harness.plots.wording import plain, safe, score, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "pretraining"
LEFT, BETWEEN, RIGHT, BOTTOM, HEIGHT = 0.7, 0.75, 0.3, 0.62, 2.3
HEADROOM = 0.42  # above the axes, for what they show
ASKED = {"clm": "the next token", "mlm": "a hidden token"}
CAPTION = (
    "Loss in bits per token asked for, against tokens read; each point is the mean of a stretch of "
    "updates. The two objectives ask different questions: a height in one panel says nothing about "
    "the other. Dot: text that was held out; dashes: what a reader without context needs for it, "
    "where these were measured."
)


@dataclass(frozen=True)
class Curve:
    """One side. `bits` are means over stretches that end at `tokens` (millions)."""

    name: str
    family: str
    asked: str
    label: str
    tokens: tuple[float, ...]
    bits: tuple[float, ...]
    held_out: float | None
    unigram: float | None


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure for each pair of pretrained models, however many tasks it is compared on."""
    seen = set[tuple[Curve, ...]]()
    for one in leading(findings):
        found = tuple(c for arm in (one.contrast.gpt, one.contrast.bert) if (c := curve(arm)))
        if len(found) < 2 or found in seen:
            continue
        seen.add(found)
        title = sentence(f"pretraining of {found[0].name} and {found[1].name}: {_read(found)}")
        about = [found[0].label, *([MECHANISM] if one.group.embedded else [])]
        figure = draw(found, title, "; ".join(about))
        yield Picture(safe(NAME, one.contrast.gpt.key.pair), title, CAPTION, _alt(found), figure)


def curve(arm: Arm) -> Curve | None:
    """What a record keeps of a pretraining; None where there is none, or no losses of it."""
    facts: Mapping[str, Any] = (arm.first.model.pretraining if arm.first.model else None) or {}
    losses: Sequence[float] = facts.get("losses") or ()
    if len(losses) < 2 or not facts.get("tokens"):
        return None
    window, updates = int(facts["loss_window"]), int(facts["updates"])
    ends = [min((at + 1) * window, updates) / updates for at in range(len(losses))]
    return Curve(
        name=plain(arm.key.model, 24),
        family=arm.key.family,
        asked=ASKED.get(str(facts["objective"]), plain(facts["objective"])),
        label=plain(facts.get("label") or "embedded", 80),
        tokens=tuple(facts["tokens"] * end / 1e6 for end in ends),
        bits=tuple(nats / math.log(2) for nats in losses),
        held_out=facts.get("held_out_bits"),
        unigram=facts.get("held_out_unigram_bits"),
    )


def _read(found: Sequence[Curve]) -> str:
    told = {f"{one.tokens[-1]:.1f}" for one in found}
    return f"{' and '.join(sorted(told))} million tokens read{' by each' * (len(told) == 1)}"


def _alt(found: Sequence[Curve]) -> str:
    told = (f"{one.name} ({one.asked}) from {_bits(one.bits[0])} to {_end(one)}" for one in found)
    return f"Pretraining loss against tokens read. {'; '.join(told)}."


def _bits(value: float) -> str:
    return f"{score(value, 2)} bits"


def _end(one: Curve) -> str:
    last = _bits(one.bits[-1])
    return last if one.held_out is None else f"{last}, held out {_bits(one.held_out)}"


# --- the drawing --------------------------------------------------------------------------------


def draw(found: Sequence[Curve], title: str, subtitle: str) -> Figure:
    """A panel a side, each with a scale of its own."""
    wide = (canvas.WIDTH - LEFT - BETWEEN - RIGHT) / 2
    with style.applied():
        figure = canvas.sheet(title, subtitle, HEIGHT + BOTTOM + HEADROOM)
        for place, (one, look) in enumerate(
            zip(found, style.looks([one.family for one in found]), strict=True)
        ):
            left = LEFT + place * (wide + BETWEEN)
            _panel(canvas.axes(figure, left, BOTTOM, wide, HEIGHT), one, look)
    return figure


def _panel(axes: Axes, one: Curve, look: style.Side) -> None:
    canvas.stroke(axes, one.tokens, one.bits, canvas.Stroke("loss", look.colour, 1.8, look.line))
    if one.held_out is not None:
        dot = canvas.Stroke("held out", look.colour, 1.5, marker=look.marker, size=7)
        canvas.dot(axes, one.tokens[-1], one.held_out, dot, style.WHITE)
    if one.unigram is not None:
        axes.axhline(one.unigram, color=style.DARK, ls=(0, (4, 3)), lw=1.2, gid="unigram")
        axes.annotate(
            f"without context {_bits(one.unigram)}",
            (1, one.unigram),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-4, 3),
            textcoords="offset points",
            ha="right",
            color=style.DARK,
        )
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.set_xlabel("tokens read, millions")
    axes.set_ylabel("bits per token asked for")
    axes.grid()
    inches = canvas.size_of(axes)[0]
    told = (f"{look.name}: {one.name}", f"{one.asked}: {_end(one)}")
    for line, text in enumerate(told):
        colour = look.colour if not line else style.DARK
        up = HEIGHT + 0.3 - canvas.LINE * line
        canvas.at(axes, 0, up, canvas.fitted(text, inches), colour, not line)
