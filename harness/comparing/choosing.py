"""From limits to a choice: who fits, who is best of these, how sure that is, what would change it.

The rule, on numbers alone. A candidate fits where the upper limit of every limited cost is within
its limit; it is at the edge where only the lower one is. Of those that fit the best in quality is
taken, but of those whose quality is not surely further from it than the margin, the cheapest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.comparing.costs import Cost, Kind
from harness.comparing.tradeoffs import Lineup
from harness.statistics.stats import Matrix, Vector

FITS, EDGE, MISSES, UNKNOWN = 3, 2, 1, 0


@dataclass(frozen=True)
class Limit:
    """What a cost may be at most, in the cost's unit."""

    kind: Kind
    most: float


@dataclass(frozen=True)
class Terms:
    """What is asked for, and what counts as a difference.

    `order` is that of the costs by which one of several alike in quality is taken.
    """

    limits: Sequence[Limit]
    order: Sequence[Kind]
    margin: float
    cost_ratio: float


@dataclass(frozen=True)
class Figures:
    """Everything that the rule reads, by place of candidate (k of them).

    Leads are of the row over the column, positive where the row is better; `reach` is half of
    their interval. Both are nan where two cannot be compared. Ratios are logarithms of the row's
    cost over the column's, nan where unknown.
    """

    quality: Vector  # k, higher is better
    leads: Matrix  # k x k
    reach: Matrix  # k x k
    values: Mapping[Kind, Vector]  # k each, nan where unknown
    lows: Mapping[Kind, Vector]
    highs: Mapping[Kind, Vector]
    ratios: Mapping[Kind, Matrix]  # k x k each


@dataclass(frozen=True)
class Pick:
    """What the rule takes: the place of a candidate, or None where none fits."""

    place: int | None
    edge: bool = False  # none surely fits, and this one is at the edge
    best: int | None = None  # highest quality of those that fit
    alike: Sequence[int] = ()  # of those that fit, not surely worse than the best, and itself
    by: Kind | None = None  # the cost that decided between these


@dataclass(frozen=True)
class Step:
    """From `low`, and below `high`, this is taken."""

    low: float
    high: float
    pick: Pick

    @property
    def taken(self) -> tuple[int | None, bool]:
        """What tells one step from the next."""
        return self.pick.place, self.pick.edge


def figures(found: Lineup) -> Figures:
    """A lineup in numbers."""
    one_by_one = range(len(found.candidates))
    leads = np.full((len(one_by_one), len(one_by_one)), math.nan)
    reach = leads.copy()
    for (i, j), lead in found.leads.items():
        if lead.estimate is not None:
            leads[i, j], reach[i, j] = lead.estimate.mean, lead.estimate.mean - lead.low
    np.fill_diagonal(leads, 0.0)
    np.fill_diagonal(reach, 0.0)
    kinds = {kind: None for one in found.candidates for kind in one.costs}
    known = {kind: [one.costs[kind] for one in found.candidates] for kind in kinds}
    return Figures(
        quality=_quality(found),
        leads=leads,
        reach=reach,
        values={kind: np.array([_value(c) for c in each]) for kind, each in known.items()},
        lows={kind: np.array([c.floor for c in each]) for kind, each in known.items()},
        highs={kind: np.array([c.ceiling for c in each]) for kind, each in known.items()},
        ratios={
            kind: np.array([[_log(found, i, j, kind) for j in one_by_one] for i in one_by_one])
            for kind in known
        },
    )


def _quality(found: Lineup) -> Vector:
    arms = [one.arm for one in found.candidates]
    return np.array([arm.headline.improves(arm.scores[0].estimate.mean) for arm in arms])


def _value(cost: Cost) -> float:
    return math.nan if cost.value is None else cost.value


def _log(found: Lineup, one: int, other: int, kind: Kind) -> float:
    ratio = found.ratio(one, other, kind)
    return math.nan if ratio is None else ratio.log


# --- the rule -----------------------------------------------------------------------------------


def fit(figures: Figures, limit: Limit) -> NDArray[np.int64]:
    """For each candidate whether it FITS, is at the EDGE, MISSES, or its cost is UNKNOWN."""
    values, high = figures.values[limit.kind], figures.highs[limit.kind] <= limit.most
    low = figures.lows[limit.kind] <= limit.most
    known = ~np.isnan(values)
    return np.where(known, np.where(high, FITS, np.where(low, EDGE, MISSES)), UNKNOWN)


def standing(figures: Figures, limits: Sequence[Limit]) -> NDArray[np.int64]:
    """The worst that any limit says of each candidate."""
    each = [np.full(len(figures.quality), FITS), *(fit(figures, one) for one in limits)]
    worst: NDArray[np.int64] = np.min(each, axis=0)
    return worst


def pick(figures: Figures, terms: Terms) -> Pick:
    """The choice, by the rule that this module opens with."""
    found = standing(figures, terms.limits)
    level = FITS if (found == FITS).any() else EDGE
    pool = np.flatnonzero(found == level).tolist()
    if not pool:
        return Pick(None)
    best = max(pool, key=lambda one: float(figures.quality[one]))
    least = figures.leads[best] - figures.reach[best]
    alike = [one for one in pool if one == best or least[one] <= terms.margin]
    kept, by = _cheapest(figures, terms, alike)
    place = max(kept, key=lambda one: float(figures.quality[one]))
    return Pick(place, level == EDGE, best, tuple(alike), by)


def _cheapest(
    figures: Figures, terms: Terms, alike: Sequence[int]
) -> tuple[Sequence[int], Kind | None]:
    """Those that no other of them undercuts by the cost ratio, cost by cost until one is left."""
    by, left = None, list(alike)
    for kind in terms.order:
        over = figures.ratios[kind][np.ix_(left, left)]
        undercut = np.any(over > math.log(terms.cost_ratio), axis=1).tolist()
        kept = [one for one, worse in zip(left, undercut, strict=True) if not worse] or left
        by, left = (kind if len(kept) < len(left) else by), kept
    return left, by


# --- what would change it -----------------------------------------------------------------------


def limit_steps(figures: Figures, terms: Terms, kind: Kind) -> list[Step]:
    """What is taken for every limit of one cost from 0 on, all others as they are."""
    others = without(terms, kind).limits
    points = {0.0, *figures.lows[kind].tolist(), *figures.highs[kind].tolist()}

    def at(most: float) -> Pick:
        return pick(figures, replace(terms, limits=[*others, Limit(kind, most)]))

    return _steps(sorted(point for point in points if math.isfinite(point)), at)


def without(terms: Terms, kind: Kind) -> Terms:
    """The same terms with no limit on this cost."""
    return replace(terms, limits=[one for one in terms.limits if one.kind != kind])


def margin_steps(figures: Figures, terms: Terms) -> list[Step]:
    """What is taken for every margin of quality from 0 on, under these limits."""
    least = (figures.leads - figures.reach).ravel()
    points = {0.0, *least[np.isfinite(least) & (least > 0)].tolist()}
    return _steps(sorted(points), lambda margin: pick(figures, replace(terms, margin=margin)))


def _steps(points: Sequence[float], at: Callable[[float], Pick]) -> list[Step]:
    steps: list[Step] = []
    for low, high in zip(points, [*points[1:], math.inf], strict=True):
        found = Step(low, high, at(low))
        if steps and steps[-1].taken == found.taken:
            found = Step(steps.pop().low, high, found.pick)
        steps.append(found)
    return steps
