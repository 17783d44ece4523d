"""What training took until dev first showed a quality that both sides of a pair can reach."""

from __future__ import annotations

import math
from statistics import fmean
from typing import NamedTuple

from harness.comparing.comparison import Arm, Contrast
from harness.record import Evaluation, Record, TrainLog

SHARE = 0.95
"""Of the way from the floor to the worse model's best score: the target."""


class Spent(NamedTuple):
    """What training took up to some point; infinite where that point was never reached."""

    examples: float
    tokens: float
    flops: float
    cpu_seconds: float
    wall_seconds: float


NEVER = Spent(*[math.inf] * 5)
NOTHING = Spent(*[0.0] * 5)


class Target(NamedTuple):
    """A dev score, and what it was measured from."""

    score: float
    floor: float
    source: str


class Reached(NamedTuple):
    """Where a run reached a target: between the last look that did not show it and the first."""

    before: Spent
    at: Spent


def target(contrast: Contrast) -> Target | None:
    """What both sides can reach; None where the worse one never left the floor.

    The floor is the rule that ignores the input, on the split that was scored, or the better of the
    two fresh heads on dev, whichever is better. Works for metrics of either direction.
    """
    improves, arms = contrast.gpt.headline.improves, (contrast.gpt, contrast.bert)
    best, fresh = list[float](), list[float]()
    for arm in arms:
        seen = [log.evaluations for _, log in logs(arm) if log.evaluations]
        if not seen:
            return None
        best.append(fmean(max((e.score for e in one), key=improves) for one in seen))
        fresh.append(fmean(one[0].score for one in seen))
    floor, source = max(fresh, key=improves), "the better fresh head on dev, before tuning"
    majority = contrast.gpt.scores[0].majority if contrast.gpt.scores else None
    if majority is not None and improves(majority - floor) >= 0:
        floor = majority
        source = f"the rule that ignores the input, on the {contrast.gpt.first.evaluated} split"
    worse = min(best, key=improves)
    if improves(worse - floor) <= 0:
        return None
    return Target(floor + SHARE * (worse - floor), floor, source)


def logs(arm: Arm) -> list[tuple[Record, TrainLog]]:
    """Runs that kept a log, with it."""
    found = (run.record for run in arm.runs)
    return [(one, one.training) for one in found if one.training is not None]


def spent(found: Record, upto: TrainLog | Evaluation) -> Spent:
    """What a run took in all, or up to a look; FLOPs are not a number where unknown."""
    flops = found.model.training_flops(upto.tokens) if found.model else math.nan
    return Spent(upto.examples, upto.tokens, flops, upto.cpu_seconds, upto.wall_seconds)


def charged(found: Record, one: Spent) -> float:
    """Seconds that are paid for: of the device where it did the work, else of the processor."""
    return one.wall_seconds if found.on_device else one.cpu_seconds


def reached(found: Record, log: TrainLog, arm: Arm, goal: float) -> Reached:
    """Between which looks a run reached a dev score; NEVER where it did not."""
    before = NOTHING
    for look in log.evaluations:
        if arm.headline.improves(look.score - goal) >= 0:
            return Reached(before, spent(found, look))
        before = spent(found, look)
    return Reached(before, NEVER)
