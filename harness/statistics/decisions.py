"""From estimated differences to decisions: a margin, several questions at once, what was in reach.

A difference decides where its whole interval lies beyond the margin on one side, or within the
margin on both. The interval's level is Holm's for the family of questions, so the chance of any
wrong decision in a family is at most `alpha`. A question that cannot be answered (no interval)
stays undetermined, and still counts as asked. What would answer it is reckoned from the spread
that was seen: see `settle`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats as distributions
from scipy.optimize import brentq
from scipy.special import gammaincinv, ndtr

from harness.statistics.stats import ROUNDING, Components, Estimate, Vector, degrees_of_freedom

ALPHA = 0.05
POWER = 0.80
MOST_SEEDS, MOST_UNITS = 1_000, 10_000_000
"""What nobody would run or collect: `settle` looks no further."""

LIKELY = (np.arange(400) + 0.5) / 400
"""Shares at whose quantiles a distribution is averaged; off by 1 / 800 at most."""

ABOVE, BELOW, EQUIVALENT, UNDETERMINED = "above", "below", "equivalent", "undetermined"


@dataclass(frozen=True)
class Decision:
    """What a difference says at the level of its family.

    `low` and `high` are at that level; `detectable` is the smallest true difference, either way,
    that would have been decided with the power asked for. None where there is no interval.
    """

    outcome: str  # "above" the margin, "below" minus the margin, "equivalent", "undetermined"
    margin: float
    level: float  # of the interval: 1 - Holm's share of alpha
    low: float | None = None
    high: float | None = None
    detectable: float | None = None

    @property
    def direction(self) -> str | None:
        """Where 0 is excluded though the margin is not: the side of 0, and no more than that."""
        if self.outcome != UNDETERMINED or self.low is None or self.high is None:
            return None
        return ABOVE if self.low > 0 else BELOW if self.high < 0 else None


def decide(
    differences: Sequence[Estimate],
    margins: Sequence[float],
    alpha: float = ALPHA,
    power: float = POWER,
) -> list[Decision]:
    """One decision for each difference of a family, all of them together wrong at most `alpha`."""
    asked = [p_value(one, margin) for one, margin in zip(differences, margins, strict=True)]
    shares = holm(asked, alpha)
    return [
        _decided(one, margin, share, power)
        for one, margin, share in zip(differences, margins, shares, strict=True)
    ]


def p_value(difference: Estimate, margin: float) -> float:
    """The smallest alpha at which the two-sided interval decides; 1 where there is none.

    Beyond the margin: twice the tail of t at (|mean| - margin) / SE. Within: twice that at
    (margin - |mean|) / SE, as both ends of one interval must lie inside (stricter than two
    one-sided tests at alpha, Schuirmann 1987).
    """
    error = _error(difference)
    if error is None:
        return 1.0
    se, df = error
    return float(min(1.0, 2 * distributions.t.sf(abs(abs(difference.mean) - margin) / se, df)))


def holm(p_values: Sequence[float], alpha: float = ALPHA) -> list[float]:
    """The share of alpha that each question is judged at (Holm 1979).

    The smallest of m p-values meets alpha / m, the next alpha / (m - 1), and so on; from the
    first that does not, all the rest are judged at its share.
    """
    shares, count, stopped = [0.0] * len(p_values), len(p_values), False
    share = alpha
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        if not stopped:
            share = alpha / (count - rank)
            stopped = p_values[place] > share
        shares[place] = share
    return shares


def _error(difference: Estimate) -> tuple[float, float] | None:
    """Standard error and degrees of freedom; None where nothing can be told from them."""
    se, df = difference.se, difference.df
    if se is None or df is None or not math.isfinite(difference.mean) or not 0 < se < math.inf:
        return None
    return se, df


def _decided(difference: Estimate, margin: float, share: float, power: float = POWER) -> Decision:
    error = _error(difference)
    if error is None:
        return Decision(UNDETERMINED, margin, 1 - share)
    se, df = error
    reach = float(distributions.t.isf(share / 2, df)) * se
    low, high = difference.mean - reach, difference.mean + reach
    found = detectable(se, df, margin, share, power)
    return Decision(outcome(low, high, margin), margin, 1 - share, low, high, found)


def outcome(low: float, high: float, margin: float) -> str:
    """What an interval says where it lies wholly beyond the margin, or wholly within it."""
    if low > margin:
        return ABOVE
    if high < -margin:
        return BELOW
    return EQUIVALENT if -margin < low and high < margin else UNDETERMINED


def chance(true: float, se: float, df: float, margin: float, share: float = ALPHA) -> float:
    """Power: how often a true difference is decided for what it is, at Holm's `share` of alpha.

    That is beyond the margin, on its own side, where it lies there, and equivalent where it lies
    within. The estimate is normal around `true` with `se`, and its own idea of its error is
    se sqrt(chi2 / df), as for Student's t: noncentral t beyond the margin, Phillips (1990)
    within.
    """
    reach, far = _reach(df, share), abs(true)
    if far < margin:
        inside = ndtr((margin - far) / se - reach) - ndtr((-margin - far) / se + reach)
        return float(np.maximum(inside, 0.0).mean())
    return float(ndtr((far - margin) / se - reach).mean())


def _reach(df: float, share: float) -> Vector:
    """Half widths, in true standard errors, that an interval takes equally likely."""
    errors: Vector = np.sqrt(2 * gammaincinv(df / 2, LIKELY) / df)
    return errors * float(distributions.t.isf(share / 2, df))


def detectable(
    se: float, df: float, margin: float, share: float = ALPHA, power: float = POWER
) -> float:
    """The true difference that is decided to lie beyond the margin with this power.

    The smallest one with `chance` of at least `power`: the margin and so many standard errors
    that Holm's `share` of alpha is met where the estimate falls short by luck.
    """
    reach = _reach(df, share)

    def missing(errors: float) -> float:
        return float(ndtr(errors - reach).mean()) - power

    return margin + float(brentq(missing, 0.0, float(reach.max()) + 10.0)) * se


@dataclass(frozen=True)
class Settled:
    """How much would settle a question; None where that alone would not, and `note` says why."""

    seeds: int | None  # in all, with the same examples
    units: int | None  # in all, with the same seeds
    note: str | None = None


def settle(
    difference: Estimate, margin: float, share: float = ALPHA, power: float = POWER
) -> Settled:
    """How many seeds, or else how many examples, would decide with this power.

    It assumes that the true difference is the one that was seen, and that more seeds and
    examples spread as these did: a, e and r of `stats.Components`. Both are guesses from the
    data at hand: read the numbers as an order of magnitude. Looks at up to `MOST_SEEDS` and
    `MOST_UNITS`.
    """
    parts, seeds, units = difference.parts, difference.seeds, difference.units
    if seeds == 1:
        return Settled(None, None, "one seed: the spread between seeds is unknown")
    if parts is None or _error(difference) is None:
        return Settled(None, None, difference.note or "the spread is unknown")
    if _decided(difference, margin, share).outcome != UNDETERMINED:
        return Settled(seeds, units, "decided already")
    if abs(abs(difference.mean) - margin) <= ROUNDING:
        return Settled(None, None, "the seen difference lies at the margin")

    def enough(more_seeds: int, more_units: int) -> bool:
        then = (more_seeds, more_units)
        se, df = _expected(parts, (seeds, units), then)
        return chance(difference.mean, se, df, margin, share) >= power

    more_seeds = _least(lambda count: enough(count, units), seeds, MOST_SEEDS)
    more_units = _least(lambda count: enough(seeds, count), units, MOST_UNITS)
    return Settled(more_seeds, more_units, _why_neither(more_seeds, more_units))


def _expected(
    parts: Components, now: tuple[int, int], then: tuple[int, int]
) -> tuple[float, float]:
    """Standard error and degrees of freedom that another number of seeds and units would have."""
    resized = parts.resized(now, then)
    return resized.variance**0.5, degrees_of_freedom(resized, *then)


def _least(enough: Callable[[int], bool], now: int, most: int) -> int | None:
    """The smallest count above `now` that is enough, by doubling and then halving the gap."""
    if not enough(most):
        return None
    below, above = now, min(2 * now, most)
    while not enough(above):
        below, above = above, min(2 * above, most)
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if enough(middle) else (middle, above)
    return above


def _why_neither(seeds: int | None, units: int | None) -> str | None:
    if seeds is None and units is None:
        return "the seen difference lies too near the margin for its spread"
    if seeds is None:
        return "the spread between examples alone is too large: more seeds cannot settle it"
    if units is None:
        return "seed noise alone is too large: more examples cannot settle it"
    return None
