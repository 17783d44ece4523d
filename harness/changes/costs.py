"""What answers cost before and after: seconds, race by race, and memory. Decides nothing.

Before and after were measured on other days, not in turns: their ratio holds whatever changed
between the days, and no verdict rests on it. A race's own ratio was measured in turns; that of
either day stands beside the other's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from harness.changes import facts
from harness.changes.facts import Difference
from harness.comparing.lanes import Raced, device, lanes, raced
from harness.measurement import Measurement, Series
from harness.statistics import timings
from harness.statistics.timings import SERVER, Percentile

NOT_INTERLEAVED = "not interleaved: no verdict"
DEVICE_PEAK = "allocated_peak"


class Quotient(NamedTuple):
    """Median seconds after over before, with 95 % limits."""

    ratio: float
    low: float
    high: float


class Timed(NamedTuple):
    """One scenario of a probe; no quotient where a median was refused."""

    name: str
    shape: str  # in words
    clock: str
    before: Percentile
    after: Percentile
    quotient: Quotient | None


class Turns(NamedTuple):
    """One scenario of a race, GPT over BERT; None where it was not raced."""

    name: str
    shape: str
    before: Raced | None
    after: Raced | None


class Peak(NamedTuple):
    """The most memory of one stage, in bytes; None where it was not read."""

    subject: int  # its place in the measurement
    stage: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Cost:
    """One probe or race before and after."""

    before: Measurement
    after: Measurement
    timed: tuple[Timed, ...]
    turns: tuple[Turns, ...]
    peaks: tuple[Peak, ...]
    differences: tuple[Difference, ...]


def cost(before: Measurement, after: Measurement) -> Cost:
    """All that both hold of the same scenarios, and in what they differ."""
    timed = tuple(_timed(before, after)) if after.kind == "probe" else ()
    turns = tuple(_turns(before, after)) if after.kind == "race" else ()
    peaks = tuple(_peaks(before, after))
    return Cost(before, after, timed, turns, peaks, facts.of_measurements(before, after))


def _timed(before: Measurement, after: Measurement) -> Iterator[Timed]:
    """Scenarios that both hold; of requests that come by themselves, seconds hold waiting."""
    was = {_key(one): one for one in before.series}
    for one in after.series:
        other = was.get(_key(one))
        if other is not None and not one.name.startswith(SERVER):
            yield _ratio(other, one, device(before), device(after))


def _key(one: Series) -> tuple[str, int, str]:
    return one.name, one.subject, _shape(one)


def _shape(one: Series) -> str:
    shape = {name: value for name, value in one.shape.items() if name != "copy"}
    return ", ".join(f"{name} {value}" for name, value in sorted(shape.items()))


def _ratio(before: Series, after: Series, was_on: str, is_on: str) -> Timed:
    """On process seconds where either shows foreign load and both ran on the processor."""
    both = was_on if was_on == is_on else "another device"
    clock = timings.clock_of([before, after], both)
    old, new = (timings.percentile(timings.seconds(one, clock), 0.5) for one in (before, after))
    return Timed(after.name, _shape(after), clock, old, new, quotient(old, new))


def quotient(before: Percentile, after: Percentile) -> Quotient | None:
    """After over before of two medians of independent samples; None where one was refused.

    The limits come from those of either median, between order statistics: on logarithms, the
    reaches towards a limit add up in squares (Zou and Donner 2008, Statistics in Medicine 27,
    pp. 1693-1702).
    """
    ends = (before.value, before.low, before.high, after.value, after.low, after.high)
    logs = [math.log(end) for end in ends if end]  # a clock too coarse for a call says 0
    if len(logs) < len(ends):
        return None
    was, was_low, was_high, now, now_low, now_high = logs
    log = now - was
    low = log - math.hypot(now - now_low, was_high - was)
    high = log + math.hypot(now_high - now, was - was_low)
    return Quotient(math.exp(log), math.exp(low), math.exp(high))


def _turns(before: Measurement, after: Measurement) -> Iterator[Turns]:
    """Every scenario that either raced."""
    was, now = (_raced(one) for one in (before, after))
    for name, shape in dict.fromkeys([*now, *was]):
        yield Turns(name, shape, was.get((name, shape)), now.get((name, shape)))


def _raced(found: Measurement) -> dict[tuple[str, str], Raced]:
    """By name and shape."""
    table = {}
    for lane in lanes(found):
        shape = next((_shape(one) for one in lane.sides if one is not None), "")
        table[lane.name, shape] = raced(lane, device(found))
    return table


def _peaks(before: Measurement, after: Measurement) -> Iterator[Peak]:
    for subject in range(len(after.subjects)):
        was, now = (_read(one, subject) for one in (before, after))
        for stage in (name for name in now if name in was):
            yield Peak(subject, stage, was[stage], now[stage])


def _read(found: Measurement, subject: int) -> dict[str, int | None]:
    """Peaks by stage, the process's and where there is one the device's."""
    stages = found.memory.get(str(subject), ())
    peaks = {one.name: one.peak_bytes for one in stages}
    on_device = {
        f"{s.name}, device": s.device[DEVICE_PEAK] for s in stages if DEVICE_PEAK in s.device
    }
    return peaks | on_device
