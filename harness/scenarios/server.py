"""Server-like: how many requests a second a model answers in time.

Requests arrive as a Poisson process whether or not the last one is answered; each is one example,
read and answered. The rate is searched at which the slowest few still meet the bound.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Example, InputError
from harness.measure import arrivals, samples
from harness.measure.arrivals import Reply, Try
from harness.measure.samples import Warmed, WarmUp
from harness.measure.stopwatch import Stopwatch
from harness.measurement import Series
from harness.serving import Served

NAME = "server-like/rate"
_LOW, _HIGH = 0.1, 1.2  # rates to begin with, as shares of what the server can do at best
_BEYOND = 10  # requests that must lie beyond a quantile before it is worth its name


@dataclass(frozen=True)
class Server:
    """The load: `requests` a rate, and `steps` of bisection between the first two rates.

    A rate passes where the `quantile` latency is within `bound_seconds`. After MLPerf's server
    scenario, which asks for 270,336 queries and 600 s at p99 under bounds of its own; ours are
    scaled down, and requests are never batched, hence "-like".
    """

    requests: int
    bound_seconds: float
    quantile: float
    steps: int

    def __post_init__(self) -> None:
        """Refuse what cannot be done; InputError names the key."""
        fits = {
            "bound_seconds": (self.bound_seconds > 0, "a number of seconds above 0"),
            "quantile": (0 < self.quantile < 1, "a share between 0 and 1, such as 0.99"),
            "steps": (self.steps >= 0, "a whole number from 0"),
        }
        for key, (fit, expected) in fits.items():
            if not fit:
                raise InputError(f"server.{key}={getattr(self, key)}: expected {expected}")
        needed = math.ceil(round(_BEYOND / (1 - self.quantile), 6))
        if self.requests < needed:
            raise InputError(
                f"server.requests={self.requests}: server.quantile={self.quantile} needs at least "
                f"{needed} requests, so that {_BEYOND} lie beyond it; raise the one or lower the "
                "other"
            )


def load_test(
    served: Served,
    examples: Sequence[Example],
    settings: Server,
    stopwatch: Stopwatch,
    rng: np.random.Generator,
) -> list[Series]:
    """One series a tried rate, in the order of the tries; `wall_seconds` are latencies.

    Two models get the same arrivals from generators in the same state. The shape says whether
    the rate was within the bound, and how late the load itself was on an idle server.
    """
    gaps = rng.standard_exponential(settings.requests)
    calls = _calls(served, examples, settings.requests)
    warmed = samples.warm_up(calls[0], stopwatch, WarmUp())
    best = 1 / statistics.fmean(arrivals.closed(calls, stopwatch))
    replies: list[list[Reply]] = []
    offered: list[float] = []  # seconds over which so many requests come, on average

    def latencies(rate: float) -> list[float]:
        replies.append(trial(served, examples, gaps, rate, stopwatch))
        offered.append(len(gaps) / rate)
        return [reply.latency for reply in replies[-1]]

    found = arrivals.highest_rate(
        latencies,
        settings.bound_seconds,
        settings.quantile,
        _LOW * best,
        _HIGH * best,
        settings.steps,
        lambda: kept_up(replies[-1], offered[-1]),
    )
    return [
        _series(settings, one, answered, warmed)
        for one, answered in zip(found.tries, replies, strict=True)
    ]


def kept_up(replies: Sequence[Reply], offered_seconds: float) -> bool:
    """Whether the work took no longer than it took to arrive.

    Where it did, the queue grows for as long as the load lasts, and latencies within the bound
    say only that the trial ended too early to show it.
    """
    return sum(reply.service.wall for reply in replies) <= offered_seconds


def trial(
    served: Served,
    examples: Sequence[Example],
    gaps: NDArray[np.float64],
    rate: float,
    stopwatch: Stopwatch,
) -> list[Reply]:
    """One request a gap, at `rate` per second; `gaps` have mean one. Examples come in turn."""
    schedule = arrivals.scheduled(gaps, rate).tolist()
    return arrivals.serve(_calls(served, examples, len(gaps)), schedule, stopwatch)


def _calls(served: Served, examples: Sequence[Example], count: int) -> list[Callable[[], object]]:
    def call(example: Example) -> Callable[[], object]:
        return lambda: served.answer(served.read([example]))

    return [call(example) for example in islice(cycle(examples), count)]


def _series(settings: Server, one: Try, replies: Sequence[Reply], warmed: Warmed) -> Series:
    return Series(
        name=NAME,
        subject=0,
        wall_seconds=one.latencies,
        cpu_seconds=[reply.service.cpu for reply in replies],
        shape={
            "rate_per_second": one.rate,
            "bound_seconds": settings.bound_seconds,
            "quantile": settings.quantile,
            "within": one.within,
            "late_seconds": [reply.late for reply in replies if reply.late is not None],
        },
        warm_up=warmed.calls,
        steady=warmed.steady,
    )
