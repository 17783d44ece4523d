"""All statistics: intervals over seeds and examples, exact binomial limits, values per example.

Knows neither files nor models. Matrices are runs x units (S x n): one row per training seed,
one column per test example, the same examples in every row. Seeds are a sample of their own:
rows are never pooled into one long column, because that hides the spread between trainings.
Where an interval cannot be had, the result says why instead of giving one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats as distributions
from scipy.optimize import brentq
from scipy.special import stdtrit

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

LEVEL = 0.95
ALPHA = 1e-4
"""Level of one alarm: rare enough that a hundred healthy runs stay silent."""

FEWEST_UNITS = 10
"""Below this many examples (or clusters) a t interval over them is not worth its name."""

ROUNDING = 1e-12

BOTH, EXAMPLES_ONLY, NOTHING = "seeds and examples", "examples only", "nothing"


@dataclass(frozen=True)
class Estimate:
    """A mean with what is known about its error.

    `covers` says what would vary in a repetition: "seeds and examples", "examples only"
    (a single training run, or exact limits for a share) or "nothing" (no interval).
    `note` says why there is no interval, or what is unusual about the one there is.
    """

    mean: float
    seeds: int
    units: int  # examples, or clusters of them
    se: float | None = None
    low: float | None = None
    high: float | None = None
    df: float | None = None
    covers: str = NOTHING
    note: str | None = None
    parts: Components | None = None  # of se^2, where seeds and units both vary

    def excludes(self, value: float) -> bool:
        """True where there is an interval and `value` lies outside it."""
        return self.low is not None and self.high is not None and not self.low <= value <= self.high


@dataclass(frozen=True)
class Components:
    """Squared standard errors of a two-way layout of S seeds and n units; see `components`.

    They shrink with a layout's size as A = a / S + r / (S n), E = e / n + r / (S n) and
    R = r / (S n), where a, e and r are the variances of seeds, of units and of both together.
    """

    seeds: float  # A
    units: float  # E
    residual: float  # R

    @property
    def variance(self) -> float:
        """Of the grand mean: A, and what units add to it, E - R, where that is above 0.

        A is not raised to R where it lies below by luck: of few seeds it often does, and raising
        it alone would make the variance too large on average.
        """
        return self.seeds + max(self.units - self.residual, 0.0)

    def resized(self, now: tuple[int, int], then: tuple[int, int]) -> Components:
        """What to expect of another number of seeds and units; a and e are not below 0."""
        (seeds, units), (more_seeds, more_units) = now, then
        residual = self.residual * (seeds * units) / (more_seeds * more_units)
        return Components(
            max(self.seeds - self.residual, 0.0) * seeds / more_seeds + residual,
            max(self.units - self.residual, 0.0) * units / more_units + residual,
            residual,
        )


def components(matrix: Matrix) -> Components:
    """Variance of the grand mean of a two-way random-effects layout without replication.

    A = var over seeds of the row means / S, E = var over units of the column means / n,
    R = residual mean square / (S n). A and E both hold R once, hence A + E - R
    (crossed random effects; Searle, Casella and McCulloch 1992, ch. 4).
    """
    seeds, units = matrix.shape
    rows, columns = matrix.mean(axis=1), matrix.mean(axis=0)
    residual = matrix - rows[:, None] - columns[None, :] + matrix.mean()
    mean_square = float((residual**2).sum()) / ((seeds - 1) * (units - 1))
    return Components(
        float(rows.var(ddof=1)) / seeds,
        float(columns.var(ddof=1)) / units,
        mean_square / (seeds * units),
    )


def degrees_of_freedom(parts: Components, seeds: int, units: int) -> float:
    """Of the t whose 95 % quantile is that of a variance of two parts (Cochran and Cox 1957).

    A has S - 1 degrees of freedom, what units add has n - 1. Their quantile of t is the mean of
    both t's, each weighted by its part of the variance (Cochran 1964, Biometrics 20).
    For normal noise such 95 % intervals cover 95 to 97 %, whatever the share of seeds, from three
    seeds on (two: 94 to 98). Satterthwaite's rule, usual here, falls to 92 % with three seeds and
    87 % with two, and is worse at Holm's levels: seeds that agree by luck give it a small
    variance and many degrees of freedom at once.
    """
    few, many = sorted((seeds - 1.0, units - 1.0))
    share = parts.seeds / parts.variance
    wanted = share * _quantile(seeds - 1.0) + (1 - share) * _quantile(units - 1.0)
    if not _quantile(many) < wanted < _quantile(few):
        return few if wanted >= _quantile(few) else many
    return 1 / float(brentq(lambda one: _quantile(1 / one) - wanted, 1 / many, 1 / few))


def _quantile(df: float) -> float:
    """Of t, where the upper end of an interval at `LEVEL` lies."""
    return float(stdtrit(df, (1 + LEVEL) / 2))


def mean_interval(
    values: ArrayLike, level: float = LEVEL, bounds: tuple[float, float] | None = None
) -> Estimate:
    """Mean of a runs x units matrix with a t interval over seeds and units.

    Works for one model's per-example scores and for paired differences of two. With one run
    the interval covers the examples only, and says so. `bounds` cuts it where the quantity
    has limits (a share lies within 0 and 1).
    """
    matrix = np.asarray(values, dtype=np.float64)
    seeds, units = matrix.shape
    if not seeds or not units:
        return Estimate(float("nan"), seeds, units, note="nothing was judged")
    plain = Estimate(float(matrix.mean()), seeds, units)
    if refused := why_not(matrix):
        return replace(plain, note=refused)
    if seeds == 1:
        se = float(matrix[0].std(ddof=1)) / units**0.5
        return _with_t(plain, se, units - 1.0, EXAMPLES_ONLY, level, bounds)
    parts = components(matrix)
    if parts.variance**0.5 <= ROUNDING:
        return replace(plain, note="no variation between seeds or between examples")
    df = degrees_of_freedom(parts, seeds, units)
    found = _with_t(plain, parts.variance**0.5, df, BOTH, level, bounds)
    return replace(found, parts=parts)


def why_not(matrix: Matrix) -> str | None:
    """Why nothing can be said about the error of a runs x units matrix; None where it can."""
    units = matrix.shape[1]
    if units < FEWEST_UNITS:
        return f"{units} units are too few for an interval"
    if not np.isfinite(matrix).all():
        return "a value is not a finite number"
    return "no variation: every value is the same" if np.ptp(matrix) <= ROUNDING else None


def linearise(numerator: ArrayLike, denominator: ArrayLike) -> Matrix:
    """Per-example values of a ratio of sums, whose mean over examples is that ratio.

    psi_si = F_s + (num_si - F_s den_si) / mean_i den_si, the first-order (delta method)
    expansion of F_s = sum num / sum den. A run whose denominator is 0 scores 0.
    """
    num, den = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    mean_den = den.mean(axis=1, keepdims=True)
    safe = np.where(mean_den > 0, mean_den, 1.0)
    ratio = np.where(mean_den > 0, num.mean(axis=1, keepdims=True) / safe, 0.0)
    psi: Matrix = ratio + (num - ratio * den) / safe
    return psi


def pseudo_values(
    values: Callable[[Mapping[str, Vector]], Vector], columns: Mapping[str, ArrayLike]
) -> Vector:
    """Per-example values of any smooth formula over sums, whose mean is its value.

    psi_i = F + (n - 1) (F - F without example i), the jackknife's pseudo-values (Tukey 1958;
    Miller 1974), shifted so that their mean is F itself and not its bias-corrected version. For
    a ratio of sums they are `linearise` but for terms of order 1 / n. `values` maps sums, several
    in each place, to scores.
    """
    table = {name: np.asarray(column, np.float64) for name, column in columns.items()}
    totals = {name: column.sum(keepdims=True) for name, column in table.items()}
    whole = values(totals)
    others = values({name: totals[name] - column for name, column in table.items()})
    psi = whole + (len(others) - 1) * (whole - others)
    shifted: Vector = psi - psi.mean() + whole
    return shifted


def cluster_values(correct: ArrayLike, clusters: ArrayLike) -> Matrix:
    """Linearised values per cluster of a share whose units come in clusters of unequal size.

    `correct` is runs x units, `clusters` names each unit's cluster. The mean over clusters is
    the share over units; its spread respects that units of one cluster succeed together.
    """
    hits = np.asarray(correct, np.float64)
    labels, sizes = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)[1:]
    sums = np.stack([np.bincount(labels, row, minlength=len(sizes)) for row in hits])
    return linearise(sums, np.broadcast_to(sizes, sums.shape))


def share_interval(correct: ArrayLike, clusters: ArrayLike, level: float = LEVEL) -> Estimate:
    """Share of right units (a slice) with an interval over seeds and clusters of units.

    Where all answers agree there is no spread to learn from; the limits are then exact
    binomial ones over the units of one run, which cover the examples only.
    """
    hits = np.asarray(correct, np.float64)
    if not hits.size:
        return mean_interval(hits, level)
    estimate = mean_interval(cluster_values(hits, clusters), level, (0.0, 1.0))
    if np.ptp(hits) > 0:
        return estimate
    units = hits.shape[1]
    low, high = exact_interval(round(float(hits[0].sum())), units, level)
    note = "all alike: exact binomial limits"
    return replace(estimate, low=low, high=high, covers=EXAMPLES_ONLY, note=note)


def exact_interval(hits: int, trials: int, level: float = LEVEL) -> tuple[float, float]:
    """Limits for a binomial share (Clopper and Pearson 1934)."""
    result = distributions.binomtest(hits, trials).proportion_ci(level, method="exact")
    return float(result.low), float(result.high)


@lru_cache(maxsize=4096)
def exact_threshold(trials: int, share: float, alpha: float = ALPHA) -> int | None:
    """Smallest k with P(X >= k) < alpha for X ~ Binomial(trials, share); None if there is none."""
    if trials <= 0 or share >= 1:
        return None
    tail = distributions.binom(trials, share)
    start = max(int(tail.isf(alpha)) - 2, 0)
    found = (k for k in range(start, trials + 1) if float(tail.sf(k - 1)) < alpha)
    return next(found, None)


def effective_clusters(clusters: ArrayLike) -> float:
    """Number of equal clusters that carry as much information: (sum n)^2 / sum n^2 (Kish 1965)."""
    sizes = np.unique(np.asarray(clusters), return_counts=True)[1].astype(np.float64)
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if sizes.size else 0.0


def _with_t(
    plain: Estimate,
    se: float,
    df: float,
    covers: str,
    level: float,
    bounds: tuple[float, float] | None,
) -> Estimate:
    reach = float(stdtrit(df, (1 + level) / 2)) * se
    low, high = plain.mean - reach, plain.mean + reach
    if bounds is not None:
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return replace(plain, se=se, low=low, high=high, df=df, covers=covers)
