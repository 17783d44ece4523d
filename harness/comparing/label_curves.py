"""How two models compare with few labels and with many, and whether the winner flips between.

A curve is one comparison at several sizes of the training split: everything but labels is the
same. Sizes are groups of their own (their training data differ), so no run is ever compared with
one of another size; what is compared is BERT - GPT at one size with BERT - GPT at another.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy import stats as distributions

from harness import record
from harness.comparing import arms
from harness.comparing.comparison import Arm, ArmKey, Comparison, Contrast, Group, GroupKey
from harness.comparing.verdicts import BERT, GPT, advantage_of, alarmed
from harness.metrics import Meter
from harness.statistics.stats import BOTH, LEVEL, Estimate, Matrix, Vector

LABELS = ("data.train_limit", "data.train_share")
EPOCHS = "train.epochs"
"""Configuration in which points of one curve may differ."""

UPDATES, PASSES = "as many updates", "as many epochs"
ALIKE = 0.02
"""Of the examples that training sees, within which it sees as many at two sizes."""

DRAWS, SEED, CHUNK = 2000, 0, 100
"""Of the bootstrap; draws at once, as each holds a weight for every example."""


@dataclass(frozen=True)
class Point:
    """One size: labelled training examples, and the contrast of both models tuned on them."""

    labels: int
    epochs: int | None
    contrast: Contrast

    @property
    def advantage(self) -> Estimate:
        """BERT's, positive where it is better."""
        assert self.contrast.difference is not None  # `_points` leaves the others out
        return advantage_of(self.contrast.gpt.headline, self.contrast.difference)


@dataclass(frozen=True)
class Curve:
    """Points of one comparison by labels, two or more."""

    key: GroupKey  # of the largest size
    points: tuple[Point, ...]
    pace: str  # what sizes have in common: UPDATES or PASSES
    embedded: bool

    @property
    def meter(self) -> Meter:
        """The metric that decides."""
        return self.points[0].contrast.gpt.headline

    @property
    def arms(self) -> tuple[Arm, Arm]:
        """Decoder and encoder, at the largest size."""
        return self.points[-1].contrast.gpt, self.points[-1].contrast.bert

    @property
    def nested(self) -> bool:
        """Whether all sizes are shares of one order, so that each lies within the next."""
        found = (one.contrast.gpt.first for one in self.points[:-1])
        return all(record.flatten(one.config).get("data.train_share") for one in found)

    def ahead(self, point: Point) -> str | None:
        """Who is better at a size, at 95 % for all sizes together (Bonferroni); None where open."""
        found = point.advantage
        if found.se is None or found.df is None or found.covers != BOTH:
            return None
        reach = found.se * float(distributions.t.isf((1 - LEVEL) / 2 / len(self.points), found.df))
        if abs(found.mean) <= reach:
            return None
        return BERT if found.mean > 0 else GPT


class Flip(NamedTuple):
    """Where one model's mean overtakes the other's, with more labels than before.

    `at` is interpolated, linear in the logarithm of labels, between two neighbouring sizes.
    `low` and `high` are limits at 95 % of where it happens when seeds and examples are drawn
    again: 0 and infinity where that is outside of what was measured. `shown` is whether each model
    is surely ahead on its side of it.
    """

    first: str  # ahead with fewer labels
    then: str
    at: float
    between: tuple[int, int]
    low: float | None
    high: float | None
    shown: bool


# --- which runs are one curve -------------------------------------------------------------------


def curves(comparison: Comparison) -> list[Curve]:
    """Every comparison that was made at several sizes of the training split."""
    places: dict[tuple[GroupKey, ArmKey, ArmKey, str], list[tuple[Group, Point]]]
    places = defaultdict(list)
    for group in comparison.groups:
        for point in _points(group):
            contrast = point.contrast
            sides = contrast.gpt.key, contrast.bert.key, _settings(contrast)
            places[group.key.but_labels, *sides].append((group, point))
    return [curve for _, found in sorted(places.items()) for curve in _curves(found)]


def _points(group: Group) -> Iterator[Point]:
    """Contrasts of a group that may be part of a curve."""
    for one in group.contrasts:
        usable = one.difference is not None and one.seeds and not one.smoke
        if usable and group.labels and not alarmed(one.gpt, one.bert):
            epochs = record.flatten(one.gpt.first.config).get(EPOCHS)
            yield Point(group.labels, epochs if isinstance(epochs, int) else None, one)


def left_out(comparison: Comparison, curve: Curve) -> list[tuple[int, Contrast]]:
    """Sizes at which the same two models were tuned and may not be compared, with why."""
    key, sides = curve.key.but_labels, tuple(arm.key for arm in curve.arms)
    return [
        (group.labels, one)
        for group in comparison.groups
        for one in group.contrasts
        if group.key.but_labels == key and (one.gpt.key, one.bert.key) == sides and one.refused
    ]


def _settings(one: Contrast) -> str:
    """The configuration of both sides, less what points of a curve may differ in."""
    sides = (arms.plain(arm.first) for arm in (one.gpt, one.bert))
    free = (*LABELS, EPOCHS)
    return record.canonical([{k: v for k, v in s.items() if k not in free} for s in sides])


def _curves(found: Sequence[tuple[Group, Point]]) -> Iterator[Curve]:
    """Of points with the same settings: those with as many epochs, and with as many updates."""
    most = max(point.labels for _, point in found)
    for group, last in found:
        if last.labels < most:
            continue
        for pace in (PASSES, UPDATES):
            few = [p for _, p in found if p.labels < most and _keeps(pace, p, last)]
            by_size = {point.labels: point for point in [*few, last]}
            if len(by_size) > 1:
                points = tuple(by_size[labels] for labels in sorted(by_size))
                yield Curve(group.key, points, pace, group.embedded)


def _keeps(pace: str, one: Point, last: Point) -> bool:
    """Whether training at this size went as long as at the last one, by this measure."""
    if one.epochs is None or last.epochs is None:
        return pace == PASSES and one.epochs == last.epochs
    if pace == PASSES:
        return one.epochs == last.epochs
    seen, wanted = one.epochs * one.labels, last.epochs * last.labels
    return abs(seen - wanted) <= ALIKE * wanted


# --- where the winner flips ---------------------------------------------------------------------


def flips(curve: Curve) -> list[Flip]:
    """Every place, between measured sizes, where the means change sides; none where they do not."""
    means = np.array([point.advantage.mean for point in curve.points])
    at = np.log2([point.labels for point in curve.points])
    sides = np.sign(means)
    for k in range(len(sides) - 1, 0, -1):  # a mean of 0 belongs to the side that comes after it
        sides[k - 1] = sides[k - 1] or sides[k]
    found = [k for k in range(len(means) - 1) if sides[k] * sides[k + 1] < 0]
    draws = _draws(curve) if len(found) == 1 else None
    return [_flip(curve, at, means, k, draws) for k in found]


def _flip(curve: Curve, at: Vector, means: Vector, k: int, draws: Matrix | None) -> Flip:
    first, then = (GPT, BERT) if means[k + 1] > means[k] else (BERT, GPT)
    low, high = (None, None) if draws is None else _limits(at, draws, rises=then == BERT)
    sure = [curve.ahead(point) for point in curve.points]
    return Flip(
        first,
        then,
        float(2 ** _crossing(at, means, k)),
        (curve.points[k].labels, curve.points[k + 1].labels),
        low,
        high,
        first in sure[: k + 1] and then in sure[k + 1 :],
    )


def _crossing(at: Vector, values: Vector, k: int) -> float:
    """Where a line between points k and k + 1 is 0."""
    return float(at[k] + (at[k + 1] - at[k]) * values[k] / (values[k] - values[k + 1]))


def _limits(at: Vector, draws: Matrix, rises: bool) -> tuple[float, float]:
    """The central 95 % of where drawn curves change sides in this direction.

    A drawn curve that never does so lies wholly on one side of it, by its sign at most sizes.
    """
    places = np.sort([_place(at, one if rises else -one) for one in draws])
    tail = (1 - LEVEL) / 2
    low = places[math.floor(tail * (len(places) - 1))]
    high = places[math.ceil((1 - tail) * (len(places) - 1))]
    return float(2**low), float(2**high)


def _place(at: Vector, values: Vector) -> float:
    """The first place at which values rise through 0; infinite where they never do."""
    for k, (left, right) in enumerate(pairwise(values)):
        if left < 0 <= right:
            return _crossing(at, values, k)
    return -math.inf if float(np.median(values)) >= 0 else math.inf


def _draws(curve: Curve) -> Matrix | None:
    """Draws x points: BERT's advantage over seeds and test examples drawn again.

    The same seeds and the same examples are drawn at every size. None where scores have no values
    per example, or where one seed is all that every size has.
    """
    layers = _differences(curve)
    if layers is None or layers.shape[1] < 2:
        return None
    rng = np.random.default_rng(SEED)
    _, seeds, examples = layers.shape
    found = []
    for _ in range(0, DRAWS, CHUNK):
        runs = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=CHUNK) / seeds
        shares = rng.multinomial(examples, np.full(examples, 1 / examples), size=CHUNK) / examples
        by_run = np.einsum("pse,de->dps", layers, shares)
        found.append(np.einsum("dps,ds->dp", by_run, runs))
    return np.concatenate(found)


def _differences(curve: Curve) -> Matrix | None:
    """Points x seeds x examples, of the seeds that every point has."""
    shared = sorted(set.intersection(*(set(point.contrast.seeds) for point in curve.points)))
    found = []
    for point in curve.points:
        gpt, bert = (_values(arm, shared) for arm in (point.contrast.gpt, point.contrast.bert))
        if gpt is None or bert is None:
            return None
        found.append(curve.meter.improves(1.0) * (bert - gpt))
    return np.stack(found) if shared else None


def _values(arm: Arm, seeds: Sequence[int]) -> Matrix | None:
    if arm.values is None:
        return None
    return arm.values[[arm.seeds.index(seed) for seed in seeds]]
