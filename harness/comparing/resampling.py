"""How sure a choice is: the same rule on resampled seeds, examples and costs.

Knows the rule by `choosing.pick` alone. Reads a lineup; puts nothing into words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats as distributions

from harness.comparing.choosing import Figures, Terms, figures, pick
from harness.comparing.comparison import Arm
from harness.comparing.costs import MONEY, TIME, Cost, Kind
from harness.comparing.tradeoffs import RACED, Lineup
from harness.statistics.stats import LEVEL, Matrix, Vector

DRAWS = 2000
SEED = 0
"""Of the bootstrap: the same question gets the same answer."""

CHUNK = 100
"""Draws at once: a weight for each draw and example is held meanwhile."""

Z = float(distributions.norm.ppf((1 + LEVEL) / 2))


def confidence(found: Lineup, terms: Terms, chosen: int | None, draws: int = DRAWS) -> float:
    """Share of bootstrap replicates in which the rule makes the same choice.

    In each, seeds are drawn with replacement, the same for all candidates, and test examples too;
    every cost is drawn from a normal on the log scale whose central 95 % are its interval, and so
    is the ratio of every race. Intervals keep the width that they have (relative, of costs). A
    candidate of whose seeds none was drawn keeps all of them.
    With few seeds such a share is too high, as a bootstrap of three runs sees three runs.
    """
    rng = np.random.default_rng(SEED)
    base = figures(found)
    again = (pick(one, terms).place == chosen for one in _replicates(found, base, draws, rng))
    return sum(again) / draws


def _replicates(
    found: Lineup, base: Figures, draws: int, rng: np.random.Generator
) -> Iterator[Figures]:
    drawn = {kind: _drawn(found, base, kind, draws, rng) for kind in base.values if kind != MONEY}
    if MONEY in base.values:
        drawn[MONEY] = drawn[TIME]  # the same seconds, paid for
    raced = _raced(found, draws, rng)
    for draw, (quality, leads) in enumerate(_resampled(found, base, draws, rng)):
        moved = {kind: by[draw] for kind, by in drawn.items()}
        yield Figures(
            quality=quality,
            leads=leads,
            reach=base.reach,
            values={k: base.values[k] * np.exp(by) for k, by in moved.items()},
            lows={k: base.lows[k] * np.exp(by) for k, by in moved.items()},
            highs={k: base.highs[k] * np.exp(by) for k, by in moved.items()},
            ratios={k: _moved(base.ratios[k], by, k, raced, draw) for k, by in moved.items()},
        )


def _drawn(
    found: Lineup, base: Figures, kind: Kind, draws: int, rng: np.random.Generator
) -> Matrix:
    """Draws x k: by how much each cost is off, as a logarithm."""
    spread = np.array([_spread(one.costs[kind]) for one in found.candidates])
    off: Matrix = rng.normal(size=(draws, len(base.quality))) * spread
    return off


def _spread(cost: Cost) -> float:
    """Standard deviation of a cost's logarithm, from its limits, or the one that is finite."""
    if cost.value is None or cost.value <= 0:
        return 0.0
    low = cost.floor if cost.floor > 0 else None
    high = None if math.isinf(cost.ceiling) else cost.ceiling
    if low is not None and high is not None:
        return math.log(high / low) / (2 * Z)
    if high is not None:
        return math.log(high / cost.value) / Z
    return 0.0 if low is None else math.log(cost.value / low) / Z


def _raced(
    found: Lineup, draws: int, rng: np.random.Generator
) -> dict[tuple[int, int, str], Vector]:
    """The drawn ratios of every race, each once."""
    return {
        (i, j, name): rng.normal(race.log, (race.high - race.low) / (2 * Z), draws)
        for (i, j, name), race in found.races.items()
        if i < j
    }


def _moved(
    ratios: Matrix, by: Vector, kind: Kind, raced: Mapping[tuple[int, int, str], Vector], draw: int
) -> Matrix:
    moved: Matrix = ratios + by[:, None] - by[None, :]
    for (i, j, name), drawn in raced.items():
        if name == RACED.get(kind):
            moved[i, j], moved[j, i] = drawn[draw], -drawn[draw]
    return moved


def _resampled(
    found: Lineup, base: Figures, draws: int, rng: np.random.Generator
) -> Iterator[tuple[Vector, Matrix]]:
    """Quality and leads of each draw, from the values of every run and example."""
    arms = [one.arm for one in found.candidates]
    seeds = sorted({seed for arm in arms for seed in arm.seeds})
    chosen = rng.multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), size=draws)
    size = next((arm.values.shape[1] for arm in arms if arm.values is not None), 0)
    for start in range(0, draws, CHUNK):
        count = min(CHUNK, draws - start)
        weights = _weights(size, count, rng)
        runs = np.stack([_by_seed(arm, weights, seeds) for arm in arms], axis=1)
        for draw in range(count):
            yield _scores(runs[draw], base, chosen[start + draw].astype(np.float64))


def _weights(size: int, count: int, rng: np.random.Generator) -> Matrix:
    """Draws x examples: the share that each drawn example has."""
    if not size:
        return np.empty((count, 0))
    shares: Matrix = rng.multinomial(size, np.full(size, 1 / size), size=count) / size
    return shares


def _by_seed(arm: Arm, weights: Matrix, seeds: Sequence[int]) -> Matrix:
    """Draws x seeds: quality of each run on the drawn examples, nan where there is no such run."""
    found = np.full((len(weights), len(seeds)), math.nan)
    if arm.values is not None:
        places = [seeds.index(seed) for seed in arm.seeds]
        found[:, places] = arm.headline.improves(1.0) * (weights @ arm.values.T)
    return found


def _scores(runs: Matrix, base: Figures, counts: Vector) -> tuple[Vector, Matrix]:
    """Quality and leads over the drawn seeds; `runs` is candidates x seeds."""
    quality = _mean(runs, counts)
    leads = _mean(runs[:, None, :] - runs[None, :, :], counts)
    return (
        np.where(np.isnan(quality), base.quality, quality),
        np.where(np.isnan(base.leads), math.nan, leads),
    )


def _mean(runs: NDArray[np.float64], counts: Vector) -> NDArray[np.float64]:
    """Over the last axis, by how often each seed was drawn; over all that there are if none was."""
    there = ~np.isnan(runs)
    weights = there * counts
    weights = np.where(weights.sum(axis=-1, keepdims=True) > 0, weights, there)
    total = weights.sum(axis=-1)
    summed = (weights * np.nan_to_num(runs)).sum(axis=-1)
    found: NDArray[np.float64] = np.where(total > 0, summed / np.maximum(total, 1), math.nan)
    return found
