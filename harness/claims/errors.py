"""Standard errors of sums and differences whose parts may err together in an unknown way."""

from __future__ import annotations

from dataclasses import replace

from scipy import stats as distributions

from harness.statistics.stats import EXAMPLES_ONLY, LEVEL, Estimate


def added(first: Estimate, second: Estimate) -> Estimate:
    """First minus second; neither's error is known to go with the other's.

    The standard error of a difference is at most the sum of theirs; degrees of freedom are the
    fewer of the two.
    """
    covers = first.covers if first.covers == second.covers else EXAMPLES_ONLY
    seeds, units = min(first.seeds, second.seeds), min(first.units, second.units)
    plain = Estimate(first.mean - second.mean, seeds, units, covers=covers)
    if first.se is None or second.se is None or first.df is None or second.df is None:
        return replace(plain, note=first.note or second.note or "no interval")
    return _limited(plain, first.se + second.se, min(first.df, second.df))


def less(found: Estimate, amount: float, se: float = 0.0) -> Estimate:
    """An estimate minus an amount with a standard error of its own, which is added."""
    plain = Estimate(
        found.mean - amount, found.seeds, found.units, covers=found.covers, note=found.note
    )
    if found.se is None or found.df is None:
        return plain
    return _limited(plain, found.se + se, found.df)


def _limited(plain: Estimate, se: float, df: float) -> Estimate:
    reach = float(distributions.t.ppf((1 + LEVEL) / 2, df)) * se
    return replace(plain, se=se, low=plain.mean - reach, high=plain.mean + reach, df=df)
