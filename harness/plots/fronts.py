"""Measured models as points of quality and latency, and which of them make the front.

A model is off the front where another one is better in quality and in latency
and both intervals of the two lie apart. Knows no figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.metrics import Meter
from harness.plots.timed import Panel, Timed
from harness.statistics import timings
from harness.statistics.stats import Estimate
from harness.statistics.timings import Percentile

MOST_POINTS = 6


@dataclass(frozen=True)
class Point:
    """One model. Latencies are in seconds."""

    key: str  # digest of its weights
    name: str
    family: str
    quality: Estimate
    p50: Percentile
    p95: Percentile


def points(panel: Panel) -> list[Point]:
    """Measured models with a quality that may be believed and a p50."""
    found = []
    for one in panel.models:
        p50, p95 = (timings.percentile(one.seconds, q) for q in (0.5, 0.95))
        if p50.value and (quality := _quality(one)) is not None:
            found.append(Point(one.key, one.name, one.family, quality, p50, p95))
    return found[:MOST_POINTS]


def _quality(one: Timed) -> Estimate | None:
    if one.tuned is None or not one.tuned.arm.scores or one.tuned.arm.voids:
        return None
    found = one.tuned.arm.scores[0].estimate
    return found if math.isfinite(found.mean) else None


def front_of(found: Sequence[Point], meter: Meter) -> set[str]:
    """The points that no other beats on both beyond the intervals; see above."""
    return {one.key for one in found if not any(_beats(other, one, meter) for other in found)}


def _beats(one: Point, other: Point, meter: Meter) -> bool:
    if one.p50.high is None or other.p50.low is None:
        return False
    ours, theirs = (ends_of(point.quality) for point in (one, other))
    better = ours[1] < theirs[0] if meter.lower_is_better else ours[0] > theirs[1]
    return better and one.p50.high < other.p50.low


def ends_of(found: Estimate) -> tuple[float, float]:
    """The interval; the mean alone where there is none."""
    low, high = found.low, found.high
    return (found.mean if low is None else low, found.mean if high is None else high)
