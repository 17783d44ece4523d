"""Requests that come when they come: load that does not wait for the server.

In a closed loop the next request waits for the last answer, so a stall delays one request and
hides all that would have come meanwhile (coordinated omission). Here arrivals are scheduled
beforehand, and latency counts from the schedule. Knows no model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.measure import samples
from harness.measure.stopwatch import Reading, Stopwatch


def scheduled(gaps: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Arrival times in seconds, from gaps [requests] of mean one and a rate per second.

    Gaps that are drawn once and scaled give every rate and every model the same pattern.
    """
    times: NDArray[np.float64] = np.cumsum(gaps) / rate
    return times


def poisson(rate: float, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Arrival times in seconds [count] of a Poisson process: exponential gaps of mean 1 / rate."""
    return scheduled(rng.standard_exponential(count), rate)


class Reply(NamedTuple):
    """What became of one request, in seconds."""

    latency: float  # from the scheduled arrival to completion
    service: Reading  # from the actual start to completion, on both clocks
    late: float | None  # from the arrival to the start, on an idle server; None: it was busy


def serve(
    calls: Sequence[Callable[[], object]], schedule: Sequence[float], stopwatch: Stopwatch
) -> list[Reply]:
    """Open loop: one server, one request at a time, first come first served.

    `schedule` holds ascending arrival times in seconds from the start, one a call.
    """
    replies = []
    with samples.no_garbage_collection():
        zero = stopwatch.read().wall
        for call, offset in zip(calls, schedule, strict=True):
            due = zero + offset
            start, idle = _start(due, stopwatch)
            call()
            end = stopwatch.read()
            late = start.wall - due if idle else None
            replies.append(Reply(end.wall - due, end - start, late))
    return replies


def _start(due: float, stopwatch: Stopwatch) -> tuple[Reading, bool]:
    """Now, or as soon as the time is due; and whether that was waited for."""
    now = stopwatch.read()
    idle = now.wall < due
    while now.wall < due:  # a sleep may end early by rounding
        stopwatch.sleep(due - now.wall)
        now = stopwatch.read()
    return now, idle


def closed(calls: Sequence[Callable[[], object]], stopwatch: Stopwatch) -> list[float]:
    """Closed loop: seconds of each call, which starts when the last one ends.

    What a server can do at best; no latency under load.
    """
    return samples.take(calls, stopwatch)[0]


class Try(NamedTuple):
    """One rate that was tried."""

    rate: float  # requests per second
    latencies: Sequence[float]
    within: bool  # the quantile of the latencies is within the bound, and the server kept up


class Bracket(NamedTuple):
    """Between which rates per second the limit lies."""

    passed: float | None  # the highest rate within the bound; None where the lowest was not
    failed: float | None  # the lowest rate beyond it; None where the highest was within
    tries: list[Try]  # in the order in which they were tried


def highest_rate(
    trial: Callable[[float], Sequence[float]],
    bound_seconds: float,
    quantile: float,
    low: float,
    high: float,
    steps: int,
    kept_up: Callable[[], bool] = lambda: True,
) -> Bracket:
    """The highest rate whose `quantile` latency is within the bound, by bisection in log rate.

    `trial` takes a rate per second and returns latencies in seconds. `low` and `high` are tried
    first; each of the `steps` then halves log(failed / passed). `kept_up` is asked after each trial
    whether the server could bear that rate for longer than the trial lasts.
    """
    tries: list[Try] = []

    def passes(rate: float) -> bool:
        latencies = trial(rate)
        passed = within(latencies, bound_seconds, quantile) and kept_up()
        tries.append(Try(rate, latencies, passed))
        return tries[-1].within

    if not passes(low):
        return Bracket(None, low, tries)
    if passes(high):
        return Bracket(high, None, tries)
    for _ in range(steps):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if passes(middle) else (low, middle)
    return Bracket(low, high, tries)


def within(latencies: Sequence[float], bound_seconds: float, quantile: float) -> bool:
    """Whether at least this share of the latencies is within the bound."""
    return sum(latency <= bound_seconds for latency in latencies) / len(latencies) >= quantile
