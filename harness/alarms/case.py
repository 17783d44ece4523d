"""What rings an alarm, and a run as the rules see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.record import CountTable, Record

VOID, WARNING = "void", "warning"

STANDARD_ERRORS = 3.7


class Alarm(NamedTuple):
    """One bell: `number` is "1" to "6", "11", "13", "cap", "collapsed" or "fresh head"."""

    number: str
    severity: str  # "void" or "warning"
    message: str


class Slice(NamedTuple):
    """The judged units of one diagnostic slice."""

    name: str
    hits: int
    units: int
    names: NDArray[np.int64]  # cluster of each unit

    @property
    def share(self) -> float:
        """Right units of all."""
        return self.hits / self.units


class Case(NamedTuple):
    """A record with its counts summed up, as the rules need them."""

    record: Record
    counts: CountTable
    slices: Mapping[str, Slice]
    reader: str
    caps: Mapping[str, float]


def case_of(record: Record, counts: CountTable) -> Case:
    """One run, made ready to be looked at."""
    data = record.data
    reader, caps = (data.reader, data.caps) if data else ("", {})
    return Case(record, counts, _slices(counts), reader, caps)


def _slices(counts: CountTable) -> dict[str, Slice]:
    units = counts.units
    if not units or not len(units.get("slice", ())):
        return {}
    index, right = np.asarray(units["slice"]), np.asarray(units["correct"])
    keys = np.asarray(units["key"], dtype=np.int64)
    found = {}
    for number, name in enumerate(counts.slices):
        here = index == number
        if here.any():
            found[name] = Slice(name, int(right[here].sum()), int(here.sum()), keys[here])
    return found
