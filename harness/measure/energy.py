"""Joules of a window of work, from the device's own counter. Nothing is estimated.

The counter moves about every 100 ms, so a window of 10 s is known within about 2 %. On A100 and
H100 the sensor behind it looks at a quarter of the time only (arXiv 2312.02741), so differences
below 5 % mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

from harness.measure.nvml import Gpu
from harness.measure.stopwatch import Stopwatch
from harness.measurement import Energy


def measure(
    name: str,
    calls: Sequence[tuple[Callable[[], object], Mapping[str, int]]],
    gpu: Gpu,
    stopwatch: Stopwatch,
    window_seconds: float = 10.0,
    idle_seconds: float = 10.0,
    cool_down_seconds: float = 5.0,
) -> Energy | str:
    """Energy of the calls, in turn and again until the window is full; or why it is not known.

    A call is what to run and how much work that is. Before them the device rests, and its idle
    watts are read. Run one call before, or a first call's preparations are counted too.
    """
    if reason := _refusal(gpu):
        return reason
    stopwatch.synchronize()
    stopwatch.sleep(cool_down_seconds)
    idle = _window(gpu, stopwatch, lambda: stopwatch.sleep(idle_seconds))
    work: dict[str, int] = {}

    def fill() -> None:
        began = stopwatch.read().wall
        for call, amounts in cycle(calls):
            call()
            for unit, amount in amounts.items():
                work[unit] = work.get(unit, 0) + amount
            if stopwatch.read().wall - began >= window_seconds:
                return

    busy = _window(gpu, stopwatch, fill)
    if idle is None or busy is None:
        return "the device's energy counter stood still or was reset during the window"
    if gpu.others():
        return "another process came to use the device during the window"
    return Energy(name, busy[0], idle[0] / idle[1], busy[1], work)


def _refusal(gpu: Gpu) -> str | None:
    if gpu.joules() is None:
        return "the device's energy counter cannot be read (Volta and later have one)"
    if gpu.divided():
        return "the device is cut into instances (MIG), which share its energy counter"
    if others := gpu.others():
        return f"the device is shared with other processes ({others}), its energy counter too"
    return None


def _window(gpu: Gpu, stopwatch: Stopwatch, run: Callable[[], None]) -> tuple[float, float] | None:
    """Joules and seconds; None where the counter did not go forward."""
    began, before = stopwatch.read().wall, gpu.joules()
    run()
    ended, after = stopwatch.read().wall, gpu.joules()
    if before is None or after is None or after <= before:
        return None
    return after - before, ended - began
