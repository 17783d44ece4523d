"""The space of a search: ranges and choices, its quasi-random points, its edges. No model.

Points are the same for whoever searches the same space: they depend on nothing else, and the
first n of them are the first n of any longer list.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scipy.stats import qmc

from harness.contracts import InputError

DIGITS = 3  # of a value that is tried: enough, and it can be read
LOW, HIGH = "low", "high"
Point = Mapping[str, Any]
"""One value a key."""


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, evenly by their logarithm where `log` says so."""

    key: str
    low: float
    high: float
    log: bool = False
    whole: bool = False  # whole numbers only

    def at(self, share: float) -> float:
        """The value so far along the range, 0 to 1, rounded to what can be read."""
        if self.log:
            value = self.low * (self.high / self.low) ** share
        else:
            value = self.low + (self.high - self.low) * share
        short = float(f"{value:.{DIGITS}g}")
        return min(max(round(value) if self.whole else short, self.low), self.high)

    def share(self, value: float) -> float:
        """How far along the range a value lies, 0 to 1."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    @property
    def told(self) -> dict[str, Any]:
        """As a configuration says it."""
        return {"low": self.low, "high": self.high, "log": self.log}


@dataclass(frozen=True)
class Choice:
    """One of several values, none of which is nearer to another."""

    key: str
    values: tuple[Any, ...]

    def at(self, share: float) -> Any:
        """The value so far along the list."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]

    @property
    def told(self) -> list[Any]:
        """As a configuration says it."""
        return list(self.values)


Dimension = Range | Choice
Space = tuple[Dimension, ...]


@dataclass(frozen=True)
class Side:
    """One end of a range."""

    key: str
    end: str  # LOW or HIGH

    def __str__(self) -> str:
        return f"{self.key} {self.end}"


def parsed(node: Mapping[str, Any], where: str) -> Space:
    """A space from a configuration. Raises InputError, naming the key."""
    if not isinstance(node, Mapping) or not node:
        raise InputError(f"{where}: expected keys with a range or a list of choices")
    return tuple(_dimension(str(key), value, f"{where}.{key}") for key, value in node.items())


def _dimension(key: str, value: Any, where: str) -> Dimension:
    if isinstance(value, list):
        plain = all(one is None or isinstance(one, bool | int | float | str) for one in value)
        if len(value) < 2 or not plain or len(set(map(repr, value))) < len(value):
            raise InputError(f"{where}={value}: expected two or more different values")
        return Choice(key, tuple(value))
    if not isinstance(value, Mapping) or not {LOW, HIGH} <= set(value) <= {LOW, HIGH, "log"}:
        raise InputError(
            f"{where}={value}: expected {{low: 1e-4, high: 1e-2, log: true}} or a list of choices"
        )
    low, high, log = value[LOW], value[HIGH], value.get("log", False)
    numbers = all(isinstance(one, int | float) and math.isfinite(one) for one in (low, high))
    if not numbers or isinstance(low, bool) or isinstance(high, bool) or not low < high:
        raise InputError(f"{where}={dict(value)}: expected numbers, low below high")
    if not isinstance(log, bool) or (log and low <= 0):
        raise InputError(f"{where}={dict(value)}: on a log scale, low has to be above 0")
    return Range(key, low, high, log, isinstance(low, int) and isinstance(high, int))


def points(space: Space) -> Iterator[dict[str, Any]]:
    """Quasi-random points of a space, none twice: Halton's sequence, not scrambled.

    Source: J. H. Halton (1960), "On the efficiency of certain quasi-random sequences of points in
    evaluating multi-dimensional integrals", Numerische Mathematik 2. The first point (a corner)
    is left out. Ends where the space holds no more (2,000 draws that bring nothing new).
    """
    sequence = qmc.Halton(len(space), scramble=False)
    sequence.fast_forward(1)
    seen, idle = set[str](), 0
    while idle < 2_000:
        shares = sequence.random(1)[0]
        point = {one.key: one.at(float(at)) for one, at in zip(space, shares, strict=True)}
        if repr(point) in seen:
            idle += 1
            continue
        seen.add(repr(point))
        idle = 0
        yield point


def edges(space: Space, best: Point, tried: Sequence[Point], share: float) -> list[Side]:
    """At which ends of log ranges the best point lies.

    It does where no trial lies further out, or within `share` of the range from its end.
    """
    found = []
    for one in space:
        if not isinstance(one, Range) or not one.log:
            continue
        value = best[one.key]
        if value == outermost(one.key, LOW, tried) or one.share(value) <= share:
            found.append(Side(one.key, LOW))
        if value == outermost(one.key, HIGH, tried) or one.share(value) >= 1 - share:
            found.append(Side(one.key, HIGH))
    return found


def outermost(key: str, end: str, tried: Sequence[Point]) -> float:
    """How far out this key was tried."""
    values = [float(point[key]) for point in tried]
    return max(values) if end == HIGH else min(values)


def strip(space: Space, side: Side, factor: float, start: float) -> Space:
    """Where a search goes on at an end of a range, with all of the other dimensions.

    From `start`, as far out as was tried, to `factor` times as far as the range went.
    """
    return tuple(
        _beyond(one, side.end, factor, start)
        if isinstance(one, Range) and one.key == side.key
        else one
        for one in space
    )


def _beyond(one: Range, end: str, factor: float, start: float) -> Range:
    far = _limit(one, end, factor)
    low, high = (start, far) if end == HIGH else (far, start)
    return replace(one, low=low, high=high)


def _limit(one: Range, end: str, factor: float) -> float:
    value = one.high * factor if end == HIGH else one.low / factor
    return round(value) if one.whole else float(f"{value:.6g}")


def widened(space: Space, side: Side, factor: float) -> Space:
    """The space with one end of a range further out."""
    return tuple(
        _wider(one, side.end, factor) if isinstance(one, Range) and one.key == side.key else one
        for one in space
    )


def _wider(one: Range, end: str, factor: float) -> Range:
    far = _limit(one, end, factor)
    return replace(one, high=far) if end == HIGH else replace(one, low=far)
