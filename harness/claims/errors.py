"""The standard error of a difference whose parts may err together in an unknown way."""

from __future__ import annotations

from dataclasses import replace

from scipy import stats as distributions

from harness.statistics.stats import LEVEL, Estimate


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
