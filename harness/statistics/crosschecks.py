"""Other roads to the same answer, beside the t interval of `stats` and never instead of it.

A bootstrap over seeds and examples, which assumes no formula of the error, and approximate
randomisation, which asks less: whether the runs that were made differ. Knows neither files nor
models. Matrices are runs x examples (S x n), the same seeds and examples on both sides.
Bad shapes raise InputError; what cannot be done is None, never a significant result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.contracts import InputError
from harness.statistics.stats import (
    FEWEST_UNITS,
    LEVEL,
    ROUNDING,
    Estimate,
    Matrix,
    Vector,
    why_not,
)

DRAWS = 10_000

TRAINED_RUNS = "these trained runs"
"""What a randomisation speaks of: it shuffles outputs of runs that exist, and draws no new seed."""

HELD_AT_ONCE = 2**20
"""Numbers of one block of draws: 8 MiB in 64 bits, so that all of a check fits into 50 MB."""

Limits = tuple[float, float]


@dataclass(frozen=True)
class CrossCheck:
    """A difference by bootstrap and by randomisation; None where one could not be had.

    `p` is about `TRAINED_RUNS`, not about the methods behind them. `agrees` says whether the
    bootstrap interval and the t interval exclude 0, or hold it, alike.
    """

    low: float | None
    high: float | None
    p: float | None
    agrees: bool | None


def crosscheck(
    t: Estimate,
    ours: ArrayLike,
    theirs: ArrayLike,
    rng: np.random.Generator,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> CrossCheck:
    """Both checks of `t`, the mean of theirs - ours, two S x n matrices of linearised values.

    `level` is that of the interval of `t`. Bootstrap limits are of the linearised mean; those
    of a formula itself come from `hierarchical_bootstrap`.
    """
    left, right = _paired(ours, theirs)
    limits = bootstrap_interval(right - left, rng, draws, level)
    p = approximate_randomisation(left, right, rng, draws)
    if limits is None:
        return CrossCheck(None, None, p, None)
    return CrossCheck(*limits, p, agree(t, limits))


def agree(t: Estimate, limits: Limits) -> bool | None:
    """Whether two intervals exclude 0, or hold it, alike; None where `t` has none."""
    if t.low is None or t.high is None:
        return None
    return t.excludes(0.0) == (not limits[0] <= 0.0 <= limits[1])


def approximate_randomisation(
    ours: ArrayLike, theirs: ArrayLike, rng: np.random.Generator, draws: int = DRAWS
) -> float | None:
    """Two-sided p that these trained runs differ no more than their outputs swapped at random.

    Each shuffle swaps the two models' outputs of an example, in all seeds together, or leaves
    them: the sign of that example's difference. p = (k + 1) / (N + 1), where k of N shuffles
    come out as far from 0 as what was seen (Noreen 1989; Yeh 2000). Exact for accuracy; for a
    linearised ratio the first-order approximation of swapping outputs. The seeds are taken as
    they are, so it says that `TRAINED_RUNS` differ, not that the methods do.
    """
    left, right = _paired(ours, theirs)
    apart = (right - left).sum(axis=0)
    if apart.size < FEWEST_UNITS or not np.isfinite(apart).all():
        return None
    apart = apart[np.abs(apart) > ROUNDING]  # swapping equal outputs changes nothing
    if not apart.size:
        return None
    as_far, seen = 0, abs(apart.sum()) - ROUNDING * np.abs(apart).sum()
    for size in _blocks(draws, apart.size):
        coins = rng.integers(0, 256, (size, -(-apart.size // 8)), dtype=np.uint8)
        swapped = np.unpackbits(coins, axis=1, count=apart.size).astype(np.float64) @ apart
        as_far += int((np.abs(apart.sum() - 2 * swapped) >= seen).sum())
    return (as_far + 1) / (draws + 1)


def bootstrap_interval(
    values: ArrayLike, rng: np.random.Generator, draws: int = DRAWS, level: float = LEVEL
) -> Limits | None:
    """Percentile limits of the mean of an S x n matrix, seeds and examples both resampled.

    Too narrow with few noisy seeds (a bootstrap of three sees three), so never the headline.
    One seed leaves the examples only, as in `stats.mean_interval`. None where there is no
    variation, or too few examples.
    """
    matrix = np.asarray(values, np.float64)
    if not matrix.size or why_not(matrix) is not None:
        return None
    means = _resampled(matrix.T, rng, draws) / matrix.shape[1]
    return _percentiles(_of_drawn_seeds(means, rng), level)


def hierarchical_bootstrap(
    ours: Mapping[str, ArrayLike],
    theirs: Mapping[str, ArrayLike],
    values: Callable[[Mapping[str, Vector]], Vector],
    rng: np.random.Generator,
    draws: int = DRAWS,
    level: float = LEVEL,
    clusters: ArrayLike | None = None,
) -> Limits | None:
    """Percentile limits of theirs - ours in any formula over sums of columns: BLEU, chrF, F1.

    Columns are S x n under their names; `values` maps sums, several in each place, to scores.
    Each draw takes examples and seeds again, the same for both sides: every drawn seed is scored
    over the drawn examples, and the scores are averaged. `clusters` (n) names each example's
    document; documents are then drawn whole. One seed and None: as in `bootstrap_interval`.
    """
    names = tuple(ours)
    if not names or set(names) != set(theirs):
        raise InputError(f"both sides need the same columns: {sorted(ours)} and {sorted(theirs)}")
    stacked = [np.asarray(side[name], np.float64) for side in (ours, theirs) for name in names]
    first = stacked[0]
    if first.ndim != 2 or any(column.shape != first.shape for column in stacked):
        shapes = ", ".join(str(column.shape) for column in stacked)
        raise InputError(f"expected columns of one shape, seeds x examples, got {shapes}")
    rows = np.concatenate(stacked)
    table = rows.T if clusters is None else _summed(rows, clusters)
    if not first.size or len(table) < FEWEST_UNITS or not np.isfinite(table).all():
        return None
    sums = _resampled(table, rng, draws).reshape(draws, 2, len(names), first.shape[0])
    scores = [
        values({name: sums[:, side, k].ravel() for k, name in enumerate(names)}).reshape(draws, -1)
        for side in (0, 1)
    ]
    return _percentiles(_of_drawn_seeds(scores[1] - scores[0], rng), level)


def _paired(ours: ArrayLike, theirs: ArrayLike) -> tuple[Matrix, Matrix]:
    left, right = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if left.ndim != 2 or left.shape != right.shape:
        shapes = f"{left.shape} and {right.shape}"
        raise InputError(f"expected two matrices of one shape, seeds x examples, got {shapes}")
    return left, right


def _summed(columns: Matrix, clusters: ArrayLike) -> Matrix:
    """Columns (rows here) summed within each cluster: clusters x columns."""
    index = np.unique(np.asarray(clusters), return_inverse=True)[1]
    if index.shape != (columns.shape[1],):
        raise InputError(
            f"expected one cluster for each of {columns.shape[1]} examples, got {index.size}"
        )
    return np.stack([np.bincount(index, row) for row in columns], axis=1)


def _blocks(draws: int, width: int) -> Iterator[int]:
    """Sizes of blocks of draws, so that one holds no more than `HELD_AT_ONCE` numbers."""
    most = max(1, HELD_AT_ONCE // max(width, 1))
    for start in range(0, draws, most):
        yield min(most, draws - start)


def _resampled(table: Matrix, rng: np.random.Generator, draws: int) -> Matrix:
    """Sums of a units x columns table over as many units drawn again: draws x columns."""
    units, done = len(table), 0
    found = np.empty((draws, table.shape[1]))
    for size in _blocks(draws, units):
        drawn = rng.integers(units, size=(size, units), dtype=np.int32)
        drawn += (units * np.arange(size, dtype=np.int32))[:, None]
        times: NDArray[np.int64] = np.bincount(drawn.ravel(), minlength=size * units)
        found[done : done + size] = times.reshape(size, units).astype(np.float64) @ table
        done += size
    return found


def _of_drawn_seeds(scores: Matrix, rng: np.random.Generator) -> Vector:
    """Mean over seeds drawn again, in each row of a draws x S matrix."""
    drawn = rng.integers(scores.shape[1], size=scores.shape)
    means: Vector = np.take_along_axis(scores, drawn, axis=1).mean(axis=1)
    return means


def _percentiles(drawn: Vector, level: float) -> Limits | None:
    if not np.isfinite(drawn).all() or np.ptp(drawn) <= ROUNDING:
        return None
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
