"""The only clock and the only synchronise in the harness.

Both clocks are read together: wall time is what a user waits, process time is what the work
cost, and their ratio tells whether the machine was busy with something else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Reading(NamedTuple):
    """Seconds on both clocks; a point in time, or a difference of two."""

    wall: float
    cpu: float

    def __sub__(self, other: Reading) -> Reading:
        return Reading(self.wall - other.wall, self.cpu - other.cpu)

    def __add__(self, other: object) -> Reading:
        if not isinstance(other, Reading):
            return NotImplemented
        return Reading(self.wall + other.wall, self.cpu + other.cpu)


@dataclass(frozen=True)
class Stopwatch:
    """Reads both clocks once the device has finished. All callables can be replaced."""

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time
    synchronize: Callable[[], None] = lambda: None
    sleep: Callable[[float], None] = time.sleep
    on_device: bool = False  # the work is done elsewhere: process time does not see it

    @classmethod
    def of(cls, device: str) -> Stopwatch:
        """The stopwatch for work on a device ("cpu", "cuda", "cuda:1")."""
        if device == "cpu":
            return cls()
        import torch  # the planning process reads the clock without it

        return cls(synchronize=lambda: torch.cuda.synchronize(device), on_device=True)

    def read(self) -> Reading:
        """Now."""
        self.synchronize()
        return Reading(self.wall(), self.cpu())

    def zero(self) -> Reading:
        """No time at all."""
        return Reading(0.0, 0.0)
