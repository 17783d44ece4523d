"""From estimated differences to decisions: a margin, several questions at once, what was in reach.

A difference decides where its whole interval lies beyond the margin on one side, or within the
margin on both. The interval's level is Holm's for the family of questions, so the chance of any
wrong decision in a family is at most `alpha`. A question that cannot be answered (no interval)
stays undetermined, and still counts as asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats as distributions

from harness.stats import Estimate

ALPHA = 0.05
POWER = 0.80
ABOVE, BELOW, EQUIVALENT, UNDETERMINED = "above", "below", "equivalent", "undetermined"


@dataclass(frozen=True)
class Decision:
    """What a difference says at the level of its family.

    `low` and `high` are at that level; `detectable` is the smallest true difference, either way,
    that would have been decided with 80 % power. None where there is no interval.
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
    differences: Sequence[Estimate], margins: Sequence[float], alpha: float = ALPHA
) -> list[Decision]:
    """One decision for each difference of a family, all of them together wrong at most `alpha`."""
    asked = [p_value(one, margin) for one, margin in zip(differences, margins, strict=True)]
    shares = holm(asked, alpha)
    return [
        _decided(one, margin, share)
        for one, margin, share in zip(differences, margins, shares, strict=True)
    ]


def p_value(difference: Estimate, margin: float) -> float:
    """The smallest alpha at which the two-sided interval decides; 1 where there is none.

    Beyond the margin: twice the tail of t at (|mean| - margin) / SE. Within: twice that at
    (margin - |mean|) / SE, as both ends of one interval must lie inside (stricter than two
    one-sided tests at alpha, Schuirmann 1987).
    """
    if difference.se is None or difference.df is None:
        return 1.0
    distance = abs(abs(difference.mean) - margin) / difference.se
    return float(min(1.0, 2 * distributions.t.sf(distance, difference.df)))


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


def _decided(difference: Estimate, margin: float, share: float) -> Decision:
    if difference.se is None or difference.df is None:
        return Decision(UNDETERMINED, margin, 1 - share)
    reach = float(distributions.t.isf(share / 2, difference.df)) * difference.se
    low, high = difference.mean - reach, difference.mean + reach
    outcome = UNDETERMINED
    if low > margin:
        outcome = ABOVE
    elif high < -margin:
        outcome = BELOW
    elif -margin < low and high < margin:
        outcome = EQUIVALENT
    found = detectable(difference.se, difference.df, margin, share)
    return Decision(outcome, margin, 1 - share, low, high, found)


def detectable(
    se: float, df: float, margin: float, share: float = ALPHA, power: float = POWER
) -> float:
    """The true difference that lies beyond the margin with this power: margin + (t + t') SE.

    t cuts share / 2, t' the missing power, both of Student's t with `df`; exact for the normal,
    close for t (its noncentral kin differs by less than the error of SE itself).
    """
    cut, missing = (float(distributions.t.isf(p, df)) for p in (share / 2, 1 - power))
    return margin + (cut + missing) * se
