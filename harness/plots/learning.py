"""How the dev score grows with the examples that were seen in training, seed by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from harness.comparing.comparison import Arm
from harness.comparing.findings import Findings
from harness.metrics import Meter
from harness.plots import canvas, scales, style
from harness.plots.picture import Picture
from harness.plots.shown import MOST, Shown, leading, left_out, named
from harness.plots.wording import counted, safe, score, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "learning"
LEFT, RIGHT, BOTTOM, HEIGHT = 0.85, 2.35, 0.62, 2.7
CAPTION = (
    "Score on the dev split against training examples seen (each as often as it was seen). "
    "Strong: mean over seeds, as far as all of them were trained; thin: single "
    "seeds, whose spread is what another seed may give. Dashes: the rule that ignores the input, "
    "on the split that was scored. The best step of each seed is kept and scored on the test "
    "split; dev scores decide nothing."
)

Line = Sequence[tuple[int, float]]
"""Training examples seen and dev score of one seed, in the order of training."""


@dataclass(frozen=True)
class Course:
    """One side of a pair."""

    name: str
    family: str
    seeds: tuple[Line, ...]

    @property
    def mean(self) -> list[tuple[int, float]]:
        """Over seeds, where all of them were looked at after as many examples."""
        tables = [dict(line) for line in self.seeds]
        shared = [at for at in tables[0] if all(at in table for table in tables)] if tables else []
        return [(at, fmean(table[at] for table in tables)) for at in sorted(shared)]

    def best(self, meter: Meter) -> list[float]:
        """The best score of each seed."""
        scores = ([value for _, value in line] for line in self.seeds)
        return [max(line, key=meter.improves) for line in scores]


def pictures(findings: Findings) -> Iterator[Picture]:
    """One figure a group whose pair has looks at the dev split, for the first few."""
    found = [one for one in leading(findings) if all(one.seeds for one in courses(one))]
    rest = left_out([one.name for one in found[MOST:]])
    for one in found[:MOST]:
        meter, sides = one.contrast.gpt.headline, courses(one)
        title = headline(one.name, sides, meter)
        figure = draw(sides, meter, floor_of(one.contrast.gpt), title, one.subtitle)
        if figure is not None:
            name = safe(NAME, one.group.key.task, one.group.key.data)
            yield Picture(
                name, title, CAPTION + rest, _alt(one.name, sides, meter), figure, one.group.key
            )


def courses(one: Shown) -> list[Course]:
    """GPT's and BERT's."""
    return [_course(arm) for arm in (one.contrast.gpt, one.contrast.bert)]


def _course(arm: Arm) -> Course:
    logs = (run.record.training for run in arm.runs)
    lines = [[(one.examples, one.score) for one in log.evaluations] for log in logs if log]
    return Course(named(arm), arm.key.family, tuple(line for line in lines if line))


def floor_of(arm: Arm) -> float | None:
    """What the rule that ignores the input scores."""
    return arm.scores[0].majority if arm.scores else None


def headline(place: str, sides: Sequence[Course], meter: Meter) -> str:
    """How far each side got on dev, and how far its seeds lie apart where they are several."""
    told = ", ".join(f"{_side(one)} {_reached(one, meter)}" for one in sides)
    return sentence(f"{place}: best {meter.title} on dev, {told}")


def _side(one: Course) -> str:
    return style.looks([one.family])[0].name


def _reached(one: Course, meter: Meter) -> str:
    """Mean over seeds of each one's best, and the range."""
    best, digits = one.best(meter), meter.digits
    text = score(fmean(best), digits)
    low, high = (score(end, digits) for end in (min(best), max(best)))
    return text if low == high else f"{text} (seeds {low} to {high})"


def _alt(place: str, sides: Sequence[Course], meter: Meter) -> str:
    told = "; ".join(f"{one.name}: best {_reached(one, meter)}" for one in sides)
    return f"{meter.caption} on dev against training examples, {place}. {told}."


# --- the drawing --------------------------------------------------------------------------------


def draw(
    sides: Sequence[Course], meter: Meter, floor: float | None, title: str, subtitle: str
) -> Figure | None:
    """A strong line a side, a thin one a seed; None where there are no looks at dev.

    Up is better: the axis is turned round for metrics of which lower is better.
    """
    if not any(one.seeds for one in sides):
        return None
    with style.applied():
        figure = canvas.sheet(title, subtitle, HEIGHT + BOTTOM + 0.12)
        axes = canvas.axes(figure, LEFT, BOTTOM, canvas.WIDTH - LEFT - RIGHT, HEIGHT)
        looks = style.looks([one.family for one in sides])
        for one, look in zip(sides, looks, strict=True):
            _lines(axes, one, look)
        _scales(axes, meter)
        for rank, (one, look) in enumerate(zip(sides, looks, strict=True)):
            texts = [_side(one) + f": {one.name}", *_told(one, meter)]
            canvas.labelled(axes, HEIGHT - 0.1 - 5 * canvas.LINE * rank, texts, look, RIGHT)
        if floor is not None:
            _floor(axes, floor, meter)
    return figure


def _lines(axes: Axes, one: Course, look: style.Side) -> None:
    for line in one.seeds:
        across, up = zip(*line, strict=True)
        thin = canvas.Stroke("seed", look.colour, 0.9, look.line)
        canvas.stroke(axes, across, up, thin).set_alpha(0.4)
    if mean := one.mean:
        across, up = zip(*mean, strict=True)
        strong = canvas.Stroke("mean", look.colour, 2.4, look.line, look.marker)
        canvas.stroke(axes, across, up, strong).set_markevery(max(1, len(mean) // 8))


def _scales(axes: Axes, meter: Meter) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    scales.scores(axes)
    if meter.lower_is_better:
        axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("training examples seen")
    axes.set_ylabel(canvas.fitted(f"{meter.caption}, dev", 2.6, style.TEXT))
    axes.grid()


def _told(one: Course, meter: Meter) -> list[str]:
    best, digits = one.best(meter), meter.digits
    low, high = (score(end, digits) for end in (min(best), max(best)))
    texts = [f"best on dev {score(fmean(best), digits)}", counted(len(best), "seed")]
    return texts if low == high else [texts[0], f"{texts[1]}, {low} to {high}"]


def _floor(axes: Axes, floor: float, meter: Meter) -> None:
    """The line and its name, at the right end on the side where there is room."""
    axes.axhline(floor, color=style.DARK, ls=(0, (4, 3)), lw=1.2, gid="floor")
    bottom, top = axes.get_ylim()
    below = (floor - bottom) / (top - bottom) > 0.5
    axes.annotate(
        f"majority {score(floor, meter.digits)}",
        (1, floor),
        xycoords=axes.get_yaxis_transform(),
        xytext=(-4, -3 if below else 3),
        textcoords="offset points",
        ha="right",
        va="top" if below else "bottom",
        color=style.DARK,
    )
