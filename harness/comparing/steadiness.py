"""How far the runs of one arm differ: spread over seeds, and runs that failed.

A run whose training diverged is a result: it counts. One that was stopped from outside (memory,
time) says nothing of the model and is listed among failures alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from harness.comparing import shelf
from harness.comparing.arms import arm_key, plain
from harness.comparing.comparison import Arm, Failure, Group
from harness.metrics import Meter
from harness.record import Record

DIVERGED = "Diverged"
"""How the reason of a run begins whose loss or gradient was no number."""

NEAR = 0.02
"""Share of a metric's range within which of the input-blind rule a run counts as failed."""


@dataclass(frozen=True)
class Steadiness:
    """Of one arm's headline score. `low`, `high` and `sd` are of the runs that finished."""

    finished: int
    diverged: int
    near_floor: int | None  # of those that finished; None where the rule was not scored
    low: float
    high: float
    sd: float | None  # None of one run
    mean: float
    with_diverged: float  # mean of all, a diverged run having no answer but that of the rule

    @property
    def runs(self) -> int:
        """All that say something of the model."""
        return self.finished + self.diverged

    @property
    def failed(self) -> int:
        """Diverged, or no better than the rule that ignores the input."""
        return self.diverged + (self.near_floor or 0)


def steadiness(arm: Arm, failures: Sequence[Failure]) -> Steadiness:
    """Spread and failed runs of an arm that has scores."""
    one = arm.scores[0]
    lost = len(diverged(arm, failures))
    least = one.meter.worst if one.majority is None else one.majority
    near = None
    if one.majority is not None:
        near = sum(failed(one.meter, score, one.majority) for score in one.per_seed)
    return Steadiness(
        finished=len(one.per_seed),
        diverged=lost,
        near_floor=near,
        low=min(one.per_seed),
        high=max(one.per_seed),
        sd=stdev(one.per_seed) if len(one.per_seed) > 1 else None,
        mean=fmean(one.per_seed),
        with_diverged=fmean([*one.per_seed, *[least] * lost]),
    )


def failed(meter: Meter, score: float, rule: float) -> bool:
    """Whether a run did no better than a rule's score and two points."""
    near = NEAR * (100 if meter.limits[1] == 100 else 1)
    return meter.improves(score - rule) <= near


def diverged(arm: Arm, failures: Sequence[Failure]) -> tuple[int, ...]:
    """Seeds of an arm whose training diverged, and that have no finished run."""
    same = plain(arm.first)
    seeds = {
        one.record.cell.seed
        for one in failures
        if is_diverged(one.record)
        and _alike(one.record, arm.first)
        and arm_key(one.record) == arm.key
        and plain(one.record) == same
    }
    return tuple(sorted(seeds - {*arm.seeds}))


def is_diverged(found: Record) -> bool:
    """Whether a run has no result because its training diverged."""
    return found.cell.role == "result" and (found.outcome.reason or "").startswith(DIVERGED)


def _alike(found: Record, other: Record) -> bool:
    """The same task and data, on the same machine."""
    ours, theirs = (
        (one.cell.task, one.cell.data, shelf.hardware(one.environment)) for one in (found, other)
    )
    return ours == theirs


def lost(group: Group, failures: Sequence[Failure]) -> list[Record]:
    """Diverged runs of arms of which no run finished."""
    known = [(arm.key, plain(arm.first)) for arm in group.arms]
    return [
        one.record
        for one in failures
        if is_diverged(one.record)
        and _alike(one.record, group.arms[0].first)
        and (arm_key(one.record), plain(one.record)) not in known
    ]
