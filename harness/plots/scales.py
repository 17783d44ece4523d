"""Axes with ticks that can be read: milliseconds on a log axis, scores. Knows no record."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.plots.wording import without_zero

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = (
    (1, 10),
    (1, 3, 10),
    (1, 2, 5, 10),
    (1, 1.5, 2, 3, 5, 7, 10),
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9, 10),
)
"""Ticks of one power of ten, the sparse ones first."""

ENOUGH, FEWEST = 4, 3
SMALL = 0.01


def milliseconds(axes: Axes, values: Sequence[float], label: str) -> None:
    """A log axis of x over these positive values, with plain numbers at its ticks."""
    logarithmic(axes, values, f"{label}, ms (log scale)")


def logarithmic(axes: Axes, values: Sequence[float], label: str) -> None:
    """A log axis of x over these positive values, with round numbers at its ticks."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    low, high = min(values), max(values)
    air = max((high / low) ** 0.06, 1.05)
    low, high = low / air, high * air
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    small = low < SMALL  # their names are long, so there is room for fewer
    ticks = log_ticks(low, high, FEWEST if small else ENOUGH)
    names = [_power(tick) if small else f"{tick:g}" for tick in ticks]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter(names))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(label)


def _power(value: float) -> str:
    """A small number as it is typed: 2e-4."""
    digits, _, power = f"{value:.2e}".partition("e")
    return f"{float(digits):g}e{int(power)}"


def log_ticks(low: float, high: float, enough: int = ENOUGH) -> list[float]:
    """Round numbers between two positive ones; `enough` or more where some steps have them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found = list[float]()
    for steps in STEPS:
        every = {float(f"{step * 10.0**power:.6g}") for power in powers for step in steps}
        found = sorted(tick for tick in every if low <= tick <= high)
        if len(found) >= enough:
            return found
    return _plain_ticks(low, high) if len(found) < FEWEST else found


def _plain_ticks(low: float, high: float) -> list[float]:
    """Round numbers in equal steps, for an axis of a small part of a power of ten."""
    from matplotlib.ticker import MaxNLocator

    found = list[float]()
    for bins in (4, 6, 8):
        every = MaxNLocator(bins, steps=[1, 2, 5, 10]).tick_values(low, high)
        found = [float(f"{tick:.6g}") for tick in every if low <= tick <= high]
        if len(found) >= FEWEST:
            break
    return found


def scores(axes: Axes, way: str = "y", most: int = 6) -> None:
    """Round ticks as tables show scores, with the decimals that they need: .8, .85."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.yaxis if way == "y" else axes.xaxis
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: without_zero(f"{value:.6g}")))
