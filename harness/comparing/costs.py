"""What a model costs: figures of one measurement and of training, with an interval or why not.

Reads a measurement and the logs of training. Compares nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import stats as distributions

from harness.comparing.comparison import Arm
from harness.comparing.lanes import device
from harness.measurement import Energy, Measurement, Series, Stage
from harness.statistics import timings
from harness.statistics.stats import FEWEST_UNITS, LEVEL

END_TO_END, OFFLINE = "single stream/end to end", "offline"
WHOLE, NATURAL = "generation/whole text", "natural"
FORWARD, DEVICE_PEAK = "forward", "allocated_peak"

MB = 1_000_000
ENERGY_ERROR = 0.05
"""Share by which energies may be off: some counters look at a part of the runtime only."""

DOUBT = 2.0
"""A figure without an interval is taken to be right within this factor."""

FIRST, MORE_REQUESTS = "probe=quick", "probe=thorough"
MORE_BATCHES, MORE_SEEDS = "probe=quick probe.offline_examples={}", "-m seed=0,1,2,3,4"
PROMPTED = "not measured: asked by a prompt"
"""Probes time kept models, and what is not tuned keeps none."""
TO_SPARE = 1.5
"""Batches are of mean length, so there may be fewer of them than examples over batch size."""


class Kind(NamedTuple):
    """One of the things that a model costs; less is better."""

    name: str
    unit: str


P50, P95 = Kind("p50 latency", "ms"), Kind("p95 latency", "ms")
MEMORY = Kind("memory", "MB")
TIME = Kind("time per 1,000 examples", "s")
ENERGY = Kind("energy per example", "J")
TRAINING = Kind("training", "s")  # of the processor, or of the GPU where one did it
MONEY = Kind("money per 1,000,000 answers", "")
LATENCIES: Mapping[Kind, float] = {P50: 0.50, P95: 0.95}


@dataclass(frozen=True)
class Cost:
    """A figure with its 95 % interval.

    `why` says why there is no figure, or no interval; `remedy` is what to add to the run that
    would get it. `floor` and `ceiling` are what it may be at least and at most.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""
    remedy: str = ""

    @property
    def floor(self) -> float:
        """The lower limit; without an interval the figure over DOUBT, without a figure nan."""
        if self.value is None:
            return math.nan
        return self.value / DOUBT if self.low is None else self.low

    @property
    def ceiling(self) -> float:
        """The upper limit; without an interval DOUBT times the figure, without a figure nan."""
        if self.value is None:
            return math.nan
        return self.value * DOUBT if self.high is None else self.high

    def times(self, factor: float) -> Cost:
        """The same in another unit."""
        scaled = [None if x is None else x * factor for x in (self.value, self.low, self.high)]
        return replace(self, value=scaled[0], low=scaled[1], high=scaled[2])


def costs(arm: Arm, found: Measurement | None, price_per_hour: float | None) -> dict[Kind, Cost]:
    """Everything that an arm costs; `found` is the measurement of its answering, if there is one.

    Latency is from words to answer, one request at a time (of writers: the whole text, as long as
    it gets). Memory is the peak of a process that answers a batch, of the device where there is
    one. Time is that of the best batch size. Energy is gross, idling included.
    """
    if found is None:
        nothing = Cost(why=PROMPTED) if arm.untrained else Cost(why="not measured", remedy=FIRST)
        known = dict.fromkeys((*LATENCIES, MEMORY, TIME, ENERGY), nothing)
    else:
        known = {kind: _latency(found, q) for kind, q in LATENCIES.items()}
        known |= {MEMORY: _memory(found), TIME: _time(found), ENERGY: _energy(found)}
    known[TRAINING] = _training(arm)
    if price_per_hour is not None:  # a million answers are 1,000 times 1,000 examples
        known[MONEY] = known[TIME].times(1000 * price_per_hour / 3600)
    return known


def clock(found: Measurement) -> str:
    """The clock of a measurement's times: see `timings.clock_of`."""
    return timings.clock_of(found.series, device(found))


def answering(found: Measurement) -> Series | None:
    """The series of single requests: of whole texts where these are written."""
    named = {one.name: one for one in found.series if one.shape.get("length", NATURAL) == NATURAL}
    return named.get(WHOLE) or named.get(END_TO_END)


def _latency(found: Measurement, q: float) -> Cost:
    series = answering(found)
    if series is None:
        return _missing(found, END_TO_END)
    at = timings.percentile(timings.seconds(series, clock(found)), q)
    if at.value is None:
        why = f"{at.samples:,} of the {at.needed:,} requests that a p{100 * q:.0f} needs"
        return Cost(why=why, remedy=MORE_REQUESTS)
    return Cost(at.value, at.low, at.high).times(1000)


def _missing(found: Measurement, what: str) -> Cost:
    why = found.not_measured.get(what, "")
    return Cost(why=f"not measured: {why}" if why else "not measured")


def _memory(found: Measurement) -> Cost:
    """One reading, which varies by less than a cost ratio tells apart: its own interval."""
    stage = next((one for one in found.memory.get("0", ()) if one.name == FORWARD), None)
    if stage is None:
        return _missing(found, FORWARD)
    peak = _peak(stage)
    if peak is None:
        return Cost(why=f"not measured: {stage.why}" if stage.why else "not measured")
    return Cost(peak / MB, peak / MB, peak / MB)


def _peak(stage: Stage) -> int | None:
    held = stage.device.get(DEVICE_PEAK)
    return stage.peak_bytes if held is None else held


def best_batches(found: Measurement) -> Series | None:
    """Batches of the size with the most examples a second."""
    rates = [
        (rate.mean, place, one)
        for place, one in enumerate(found.series)
        if one.name == OFFLINE and (rate := timings.rate(one, "examples", clock(found)))
    ]
    return max(rates)[2] if rates else None


def _time(found: Measurement) -> Cost:
    best = best_batches(found)
    rate = timings.rate(best, "examples", clock(found)) if best else None
    if best is None or rate is None or rate.mean <= 0:
        return _missing(found, OFFLINE)
    if rate.low is None or rate.high is None:
        size, batches = best.shape.get("batch_size"), rate.units
        why = f"no interval: {batches} batches of {size}"
        wanted = round(TO_SPARE * FEWEST_UNITS * size) if isinstance(size, int) else 0
        return Cost(1000 / rate.mean, why=why, remedy=MORE_BATCHES.format(wanted) if wanted else "")
    high = 1000 / rate.low if rate.low > 0 else math.inf
    return Cost(1000 / rate.mean, 1000 / rate.high, high)


def _energy(found: Measurement) -> Cost:
    for one in found.energy:
        examples = one.work.get("examples", 0)
        if examples:
            return _joules(one, examples)
    return _missing(found, "energy")


def _joules(window: Energy, examples: int) -> Cost:
    each = window.gross_joules / examples
    return Cost(each, each * (1 - ENERGY_ERROR), each * (1 + ENERGY_ERROR))


def _training(arm: Arm) -> Cost:
    """Mean over seeds; a t interval on the log scale, so that no limit falls below 0."""
    spent = list(_seconds(arm))
    if not spent:
        return Cost(why="no log of training")
    if not any(spent):  # nothing was trained
        return Cost(0.0, 0.0, 0.0)
    mean = float(np.mean(spent))
    if len(spent) == 1 or mean <= 0:
        return Cost(mean, why="no interval: one seed", remedy=MORE_SEEDS)
    error = float(np.std(spent, ddof=1)) / math.sqrt(len(spent)) / mean
    reach = float(distributions.t.ppf((1 + LEVEL) / 2, len(spent) - 1)) * error
    return Cost(mean, mean * math.exp(-reach), mean * math.exp(reach))


def _seconds(arm: Arm) -> Iterator[float]:
    spent = (run.record.training_seconds for run in arm.runs)
    return (seconds for seconds in spent if seconds is not None)


def doubts(arm: Arm, found: Measurement) -> Iterator[str]:
    """What makes the figures above doubtful: flags, and another precision than that of quality."""
    series = answering(found)
    used = ("foreign load", OFFLINE, *([series.name] if series else []))
    yield from (flag for flag in found.flags if flag.startswith(used))
    precision = found.settings.get("precision")
    quality = arm.first.model.precision if arm.first.model else precision
    if precision not in (None, quality):
        yield f"costs were measured in {precision}, quality in {quality}"
