"""Ratios of two means over the same runs and examples: Fieller's interval, and differences of two.

Matrices are runs x examples (S x n), the same seeds and examples in each. Every error is that of
`stats.mean_interval`: over seeds and examples, paired. Where a ratio has no interval a note says
why.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from scipy.optimize import brentq
from scipy.special import stdtrit

from harness.statistics import stats
from harness.statistics.stats import BOTH, LEVEL, Components, Estimate, Matrix

NO_GAIN = "the whole may be nothing: its interval holds 0"
ONE_SEED = "one seed: no interval over seeds"
SAME = "the same answers in every run"
_DOUBLINGS = 60


def ratio(part: Matrix, whole: Matrix, level: float = LEVEL) -> Estimate:
    """mean(part) / mean(whole), with the values that the data do not contradict (Fieller 1954).

    A value r is within the interval where mean(part - r whole) is not further from 0 than t times
    its standard error; squared errors of that difference are a + b r + c r^2, each from the two-way
    components of part, whole and their sum. J. R. Stat. Soc. B 16, 175-185.
    """
    seeds, units = part.shape
    top, bottom = float(part.mean()), float(whole.mean())
    plain = Estimate(top / bottom if bottom else math.nan, seeds, units)
    if seeds < 2:
        return replace(plain, note=ONE_SEED)
    why = stats.why_not(whole) or stats.why_not(part)
    if why:
        return replace(plain, note=why)
    if abs(part - whole).max() <= stats.ROUNDING:
        return replace(plain, mean=1.0, note=SAME)
    if not stats.mean_interval(whole, level).excludes(0.0):
        return replace(plain, note=NO_GAIN)
    error = _errors(part, whole)

    def inside(value: float) -> float:
        """Below 0 for ratios that the data do not contradict."""
        se, df = error(value)
        return abs(top - value * bottom) - float(stdtrit(df, (1 + level) / 2)) * se

    se, df = error(plain.mean)
    low, high = (_end(inside, plain.mean, way * max(se / abs(bottom), 1e-9)) for way in (-1, 1))
    return replace(plain, se=se / abs(bottom), low=low, high=high, df=df, covers=BOTH)


def beyond(part: Matrix, whole: Matrix, value: float) -> Estimate:
    """By how much the ratio is above a value, with the error that Fieller's interval has there.

    The mean is the ratio minus the value; its t test against 0 is whether that interval ends
    before the value.
    """
    bottom = float(whole.mean())
    return stats.mean_interval((part - value * whole) / bottom)


def apart(first: tuple[Matrix, Matrix], second: tuple[Matrix, Matrix]) -> Estimate:
    """The first ratio (part, whole) minus the second, paired by seed and example.

    By the first-order expansion of each about its own value, as for any ratio of sums
    (`stats.linearise`); there is no exact interval for a difference of ratios.
    """
    return stats.mean_interval(_expanded(*first) - _expanded(*second))


def _expanded(part: Matrix, whole: Matrix) -> Matrix:
    bottom = float(whole.mean())
    found = float(part.mean()) / bottom
    values: Matrix = found + (part - found * whole) / bottom
    return values


def _errors(part: Matrix, whole: Matrix) -> Callable[[float], tuple[float, float]]:
    """Standard error and degrees of freedom of mean(part - r whole), for any r."""
    seeds, units = part.shape
    one, other = stats.components(part), stats.components(whole)
    more, less = stats.components(part + whole), stats.components(part - whole)

    def error(value: float) -> tuple[float, float]:
        names = ("seeds", "units", "residual")
        mixed = Components(*(
            max(0.0, getattr(one, n) + value**2 * getattr(other, n)
                - value * (getattr(more, n) - getattr(less, n)) / 2)
            for n in names
        ))  # fmt: skip
        if mixed.variance <= 0:
            return 0.0, seeds - 1.0
        return mixed.variance**0.5, stats.degrees_of_freedom(mixed, seeds, units)

    return error


def _end(inside: Callable[[float], float], start: float, step: float) -> float:
    """Where `inside` comes to 0 on one side of a value at which it is below 0."""
    for _ in range(_DOUBLINGS):
        if inside(start + step) > 0:
            return float(brentq(inside, start, start + step))
        step *= 2
    return math.copysign(math.inf, step)
