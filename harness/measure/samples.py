"""Timing a call again and again, under rules that do not depend on what is called.

Warm-up goes on until the last calls took about the same time; every sample is kept, and nothing
is averaged here.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from harness.measure.stopwatch import Reading, Stopwatch


@dataclass(frozen=True)
class WarmUp:
    """At least `least` calls, and until the last `window` vary by less than `spread` (SD / mean).

    Not beyond `most` calls: what is not steady then is measured all the same, and says so.
    """

    least: int = 20
    window: int = 10
    spread: float = 0.05
    most: int = 200

    def __post_init__(self) -> None:
        """Refuse a rule that no call could meet."""
        if not (self.least >= 1 and self.window >= 2 and self.spread > 0):
            raise ValueError("warming up needs least from 1, window from 2 and spread above 0")
        if self.most < max(self.least, self.window):
            raise ValueError("warming up needs most to be no less than least and window")


class Warmed(NamedTuple):
    """How many calls warming up took, and whether it ended in steady times."""

    calls: int
    steady: bool


def warm_up(call: Callable[[], object], stopwatch: Stopwatch, rule: WarmUp) -> Warmed:
    """Make one call until its times are steady.

    One and the same, because requests differ in length. Judged on process time where there is no
    device, as that is free of other programs' load; a device's work is seen by wall time alone.
    """
    taken: list[float] = []
    while len(taken) < rule.most:
        spent = once(call, stopwatch)
        taken.append(spent.wall if stopwatch.on_device else spent.cpu)
        if len(taken) >= rule.least and _steady(taken[-rule.window :], rule.spread):
            return Warmed(len(taken), True)
    return Warmed(len(taken), False)


def _steady(window: Sequence[float], spread: float) -> bool:
    mean = statistics.fmean(window)
    return len(window) > 1 and mean > 0 and statistics.stdev(window) / mean < spread


def once(call: Callable[[], object], stopwatch: Stopwatch) -> Reading:
    """Seconds of one call, device work included."""
    before = stopwatch.read()
    call()
    return stopwatch.read() - before


def take(
    calls: Sequence[Callable[[], object]], stopwatch: Stopwatch
) -> tuple[list[float], list[float]]:
    """Wall and process seconds of each call, in order."""
    spent = [once(call, stopwatch) for call in calls]
    return [one.wall for one in spent], [one.cpu for one in spent]


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Collect now, not while something is timed. Around many samples: collecting takes a while."""
    gc.collect()
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
