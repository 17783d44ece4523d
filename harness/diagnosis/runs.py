"""The runs of an arm as a diagnosis sees them, alone and paired with those of another arm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from harness.diagnosis.detail import Detail

T = TypeVar("T")


@dataclass(frozen=True)
class Diagnosis:
    """What the records of one arm hold to be diagnosed."""

    seeds: tuple[int, ...]
    details: tuple[Detail, ...] = field(repr=False, compare=False)  # by seed
    majority: tuple[int, int] | None = None  # words right, and words, of the input-blind rule

    @property
    def labels(self) -> bool:
        """True where answers are labels, which have no boundary."""
        return any(one.exact is None for one in self.having("aligned").values())

    def having(self, part: str) -> dict[int, Any]:
        """One part of the runs that hold it, by seed."""
        found = zip(self.seeds, (getattr(one, part) for one in self.details), strict=True)
        return {seed: value for seed, value in found if value is not None}


def diagnosed(
    details: Sequence[Detail], seeds: Sequence[int], majority: Mapping[str, int] | None
) -> Diagnosis | None:
    """The runs of an arm, one detail a seed; None where no record holds anything to diagnose.

    `majority` are the summed columns of the rule that ignores the input (`Record.majority`).
    """
    if all(part is None for one in details for part in one):
        return None
    sums = majority or {}
    words = (sums["words_right"], sums["words"]) if sums.get("words") else None
    return Diagnosis(tuple(seeds), tuple(details), words)


def paired(ours: Mapping[int, T], theirs: Mapping[int, T]) -> tuple[list[T], list[T]]:
    """What two arms hold by seed, on the seeds of both, in one order."""
    seeds = sorted(ours.keys() & theirs.keys())
    return [ours[seed] for seed in seeds], [theirs[seed] for seed in seeds]
