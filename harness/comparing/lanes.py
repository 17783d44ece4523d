"""What races say, in numbers: each scenario's ratio beside that of a model against its own copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness import record
from harness.measurement import Measurement, Series
from harness.statistics import timings
from harness.statistics.timings import SERVER, Ratio

GATE = "A/A/"


class Lane(NamedTuple):
    """One scenario of a race: the series of both sides, and of the model against its copy."""

    name: str
    sides: Sequence[Series | None]
    copies: Sequence[Series | None]


class Raced(NamedTuple):
    """One scenario: `ratio` is seconds of GPT over seconds of BERT, `gate` that of the copies."""

    name: str
    ratio: Ratio | None
    gate: Ratio | None
    clock: str

    @property
    def trusted(self) -> bool:
        """Whether there is a ratio and the model tied with its own copy."""
        return self.ratio is not None and timings.passes(self.gate)


def device(found: Measurement) -> str:
    """Where the network ran."""
    return str(found.settings.get("device", "cpu"))


def lanes(found: Measurement) -> Iterator[Lane]:
    """What was raced, in the order of the file."""
    table: dict[tuple[str, str], list[Series | None]] = {}
    for one in found.series:
        if not one.name.startswith(SERVER):
            side = one.shape.get("copy") if one.name.startswith(GATE) else one.subject
            both = table.setdefault((one.name, _shape(one)), [None, None])
            if side in (0, 1):
                both[side] = one
    for (name, shape), sides in table.items():
        if not name.startswith(GATE):
            yield Lane(name, sides, table.get((GATE + name, shape), [None, None]))


def raced(lane: Lane, where: str) -> Raced:
    """Ratio and gate on the same clock; `where` is the device."""
    series = [one for one in (*lane.sides, *lane.copies) if one is not None]
    clock = timings.clock_of(series, where)
    ratio, gate = (_ratio(pair, clock) for pair in (lane.sides, lane.copies))
    return Raced(lane.name, ratio, gate, clock)


def _shape(one: Series) -> str:
    return record.canonical({name: value for name, value in one.shape.items() if name != "copy"})


def _ratio(pair: Sequence[Series | None], clock: str) -> Ratio | None:
    a, b = pair
    return None if a is None or b is None else timings.block_ratio(a, b, clock)
