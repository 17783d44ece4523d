"""The sheet a figure is drawn on: title and subtitle on top, axes placed in inches below.

Text is measured before it is placed, so that nothing is clipped and nothing overlaps. Knows no
record.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.plots.style import DARK, FONT, GREY, LEGIBLE, SMALL, TEXT, TITLE, Side
from harness.plots.wording import UNSHOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

WIDTH = 8.3
"""Inches: 830 px at 100 dots an inch, the width of a page of documentation."""

ELLIPSIS = "..."
EDGE, GAP, LINE = 0.12, 0.05, 0.165
LEADING = 1.3
POINTS = 72.0


def sheet(title: str, subtitle: str, body: float) -> Figure:
    """An empty figure with its words on top of `body` inches of room."""
    from matplotlib.figure import Figure

    words = map(drawable, (title, subtitle))
    looks = ((TITLE, "bold", DARK), (TEXT, "normal", GREY))
    parts = [(text, *look) for text, look in zip(words, looks, strict=True)]
    wrapped = [wrap(text, WIDTH - 2 * EDGE, size, weight) for text, size, weight, _ in parts]
    heights = [lines(part, size) for part, (_, size, *_) in zip(wrapped, parts, strict=True)]
    height = EDGE + sum(heights) + GAP + 0.1 + body
    figure = Figure(figsize=(WIDTH, height))
    top = height - EDGE
    for part, taken, (_, size, weight, colour) in zip(wrapped, heights, parts, strict=True):
        text = "\n".join(part)
        written = figure.text(EDGE / WIDTH, top / height, text, va="top", linespacing=LEADING)
        written.set(fontsize=size, fontweight=weight, color=colour)
        top -= taken + GAP
    return figure


def lines(text: Sequence[str], size: float) -> float:
    """Inches that wrapped lines take."""
    return len(text) * size * LEADING / POINTS


def axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place in inches from the lower left corner."""
    across, high = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / high, width / across, height / high))


def note(figure: Figure, text: str, left: float = EDGE, bottom: float = 0.08) -> None:
    """Small print at a place in inches."""
    across, high = figure.get_size_inches()
    figure.text(
        left / across, bottom / high, drawable(text), fontsize=SMALL, color=GREY, va="bottom"
    )


def at(axes: Axes, right: float, up: float, text: str, colour: str, bold: bool = False) -> None:
    """A line of text so many inches right of and above the lower left corner of axes."""
    across, high = size_of(axes)
    weight = "bold" if bold else "normal"
    place = (right / across, up / high)
    axes.text(*place, text, transform=axes.transAxes, va="center", color=colour, weight=weight)


def mark(axes: Axes, right: float, up: float, look: Side) -> None:
    """The mark of a side, at a place as in `at`."""
    across, high = size_of(axes)
    place = [right / across], [up / high]
    (dot,) = axes.plot(*place, look.marker, color=look.colour, ms=6.5, transform=axes.transAxes)
    dot.set_clip_on(False)


class Stroke(NamedTuple):
    """How a line is drawn. `name` says what it stands for (its id in a file)."""

    name: str
    colour: str
    width: float
    line: Any = "-"
    marker: str = ""
    size: float = 6.0  # of markers, in points


def stroke(axes: Axes, across: Sequence[float], up: Sequence[float], look: Stroke) -> Line2D:
    """A line through these points of the data."""
    (line,) = axes.plot(across, up, color=look.colour, linewidth=look.width, linestyle=look.line)
    line.set(marker=look.marker, markersize=look.size, gid=look.name, solid_capstyle="butt")
    return line


def dot(axes: Axes, across: float, up: float, look: Stroke, inside: str) -> Line2D:
    """One marked point; `width` is that of its edge."""
    line = stroke(axes, [across], [up], look._replace(line="none"))
    line.set(markerfacecolor=inside, markeredgewidth=look.width, zorder=3)
    return line


def size_of(axes: Axes) -> tuple[float, float]:
    """Width and height in inches."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # axes are made by `axes`
    across, high = (float(side) for side in figure.get_size_inches())
    box = axes.get_position()
    return float(box.width) * across, float(box.height) * high


def labelled(axes: Axes, up: float, texts: Sequence[str], look: Side, room: float) -> None:
    """A mark with its name and lines about it, right of axes, from `up` inches downwards."""
    start = size_of(axes)[0] + 0.15
    mark(axes, start, up, look)
    for line, text in enumerate(texts):
        shown = fitted(text, room - 0.3, weight="normal" if line else "bold")
        colour = look.colour if not line and look.colour in LEGIBLE else DARK
        at(axes, start + 0.12, up - LINE * line, shown, colour, not line)


def wrap(text: str, inches: float, size: float, weight: str = "normal") -> list[str]:
    """Lines that fit into this width; a word that does not is broken."""
    found = list[str]()
    for word in _pieces(text, inches, size, weight):
        joined = f"{found[-1]} {word}" if found else word
        if found and width(joined, size, weight) <= inches:
            found[-1] = joined
        else:
            found.append(word)
    return found


def _pieces(text: str, inches: float, size: float, weight: str) -> Iterator[str]:
    for word in filter(None, text.split(" ")):
        rest = word
        while rest and not _fits(rest, inches, size, weight):
            cut = max(1, _room(rest, inches, size, weight))
            yield rest[:cut]
            rest = rest[cut:]
        yield rest


def fitted(text: str, inches: float, size: float = SMALL, weight: str = "normal") -> str:
    """The text, or as much of it as fits into this width and an ellipsis."""
    whole = drawable(text)
    if _fits(whole, inches, size, weight):
        return whole
    room = inches - width(ELLIPSIS, size, weight)
    return whole[: _room(whole, room, size, weight)].rstrip() + ELLIPSIS


def _room(text: str, inches: float, size: float, weight: str) -> int:
    """How many characters of the text fit into this width."""
    ends = range(1, len(text) + 1)
    return bisect_right(ends, inches, key=lambda end: width(text[:end], size, weight))


def _fits(text: str, inches: float, size: float, weight: str) -> bool:
    return width(text, size, weight) <= inches


def drawable(text: str) -> str:
    """The text with a mark in place of what the font has no glyph for."""
    known = _glyphs()
    return "".join(one if ord(one) in known else UNSHOWN for one in text)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    from matplotlib import font_manager

    found = font_manager.get_font(
        font_manager.findfont(font_manager.FontProperties(family=list(FONT)))
    )
    return frozenset(found.get_charmap())


@lru_cache(maxsize=4096)
def width(text: str, size: float, weight: str = "normal") -> float:
    """Inches that a line of text takes."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=list(FONT), size=size, weight=weight)
    taken, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(taken) / POINTS


def spread(places: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The same places moved apart to at least `gap`, in their order, within low and high.

    Where there is no room for all they are spaced evenly.
    """
    count = len(places)
    order = sorted(range(count), key=lambda at: (places[at], at))
    gap = min(gap, (high - low) / max(1, count - 1))
    moved = [0.0] * count
    floor = low
    for rank, at in enumerate(order):
        ceiling = high - gap * (count - 1 - rank)
        moved[at] = min(max(places[at], floor), ceiling)
        floor = moved[at] + gap
    return moved
