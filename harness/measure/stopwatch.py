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
    """Reads both clocks once the device has finished. All three callables can be replaced."""

    wall: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = time.process_time
    synchronize: Callable[[], None] = lambda: None

    def read(self) -> Reading:
        """Now."""
        self.synchronize()
        return Reading(self.wall(), self.cpu())

    def zero(self) -> Reading:
        """No time at all."""
        return Reading(0.0, 0.0)
