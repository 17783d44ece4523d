"""Outcomes by class (right, boundary, type, missed, invented) and what was taken for what.

Shares of gold entities, of answered ones or of slots, as ratios of sums with intervals over seeds
and examples; labels have no such classes, their confusion says all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.diagnosis.detail import Aligned, Small
from harness.diagnosis.runs import Diagnosis, paired
from harness.metrics import slot_error
from harness.record import NOBODY
from harness.statistics import stats
from harness.statistics.stats import Estimate, Matrix, Vector

RIGHT, TYPE, BOUNDARY, BOTH = "right", "type", "boundary", "boundary and type"
MISSED, INVENTED, ADDED = "missed", "invented", "added"
GOLD, ANSWERED, SLOTS = "data", "answers", "slots"


@dataclass(frozen=True)
class ErrorShare:
    """One class of outcomes."""

    name: str
    of: str  # entities of the data, answered entities, or slots asked for
    per_run: float  # mean count
    share: Estimate


class Confused(NamedTuple):
    """One class taken for another."""

    gold: str
    pred: str
    per_run: float  # mean count
    share: float  # of that gold class


@dataclass(frozen=True)
class Confusion:
    """Mean counts per run, gold in rows, answers in columns.

    Entities have one row and one column more than names: answered without a gold entity, and gold
    without an answered one. Overlapping entities count as partners whatever their boundaries.
    """

    names: tuple[str, ...]
    counts: Matrix

    def largest(self, number: int) -> list[Confused]:
        """The most frequent confusions between two names, the first ones in a tie."""
        types, rows = len(self.names), self.counts.sum(axis=1)
        wrong = self.counts[:types, :types] * (1 - np.eye(types))
        order = np.argsort(-wrong, axis=None, kind="stable")[:number]
        places = [divmod(int(cell), types) for cell in order]
        return [
            Confused(self.names[g], self.names[p], float(wrong[g, p]), float(wrong[g, p] / rows[g]))
            for g, p in places
            if wrong[g, p] > 0
        ]


class _Part(NamedTuple):
    """One class of outcomes in one run: a ratio of sums over examples."""

    of: str
    num: Vector
    den: Vector


def errors(found: Diagnosis) -> tuple[ErrorShare, ...]:
    """Every class of outcomes of entities, or of slots of texts; empty where there is neither."""
    runs = list(_outcomes(found).values())
    return tuple(_share(name, [run[name] for run in runs]) for name in (runs[0] if runs else ()))


def error_differences(gpt: Diagnosis, bert: Diagnosis) -> dict[str, Estimate]:
    """The share of BERT minus that of GPT by class, paired by seed and example."""
    ours, theirs = paired(_outcomes(gpt), _outcomes(bert))
    sizes = [
        {name: len(part.den) for name, part in run.items()} for run in (*ours[:1], *theirs[:1])
    ]
    if not ours or sizes[0] != sizes[1]:
        return {}
    return {
        name: stats.mean_interval(_psi([b[name] for b in theirs]) - _psi([a[name] for a in ours]))
        for name in ours[0]
    }


def confusion(found: Diagnosis) -> Confusion | None:
    """What was taken for what, mean over runs; None where not on record."""
    runs: list[Aligned] = list(found.having("aligned").values())
    if not runs:
        return None
    types, labels = len(runs[0].names), runs[0].exact is None
    counts = np.zeros((types + 1, types + 1))
    for run in runs:  # no partner is -1: the last row and the last column
        np.add.at(counts, (run.gold.astype(np.int64), run.pred.astype(np.int64)), 1.0)
    kept = counts[:types, :types] if labels else counts
    return Confusion(runs[0].names, kept / len(runs))


def _outcomes(found: Diagnosis) -> dict[int, dict[str, _Part]]:
    """Classes of outcomes of the runs that hold any, by seed."""
    entities: dict[int, Aligned] = found.having("aligned")
    slots: dict[int, tuple[Small, ...]] = found.having("slots")
    mentions = {seed: _entities(run) for seed, run in entities.items() if run.exact is not None}
    return mentions or {seed: _slots(run) for seed, run in slots.items()}


def _entities(run: Aligned) -> dict[str, _Part]:
    there, answered, exact = run.gold != NOBODY, run.pred != NOBODY, run.exact == 1
    both, same = there & answered, run.gold == run.pred

    def counted(here: NDArray[np.bool_]) -> Vector:
        example = run.example.astype(np.int64)[here]
        return np.bincount(example, minlength=run.examples).astype(np.float64)

    gold = counted(there)
    masks = {
        RIGHT: exact & same,
        TYPE: exact & ~same,
        BOUNDARY: both & ~exact & same,
        BOTH: both & ~exact & ~same,
        MISSED: there & ~answered,
    }
    parts = {name: _Part(GOLD, counted(here), gold) for name, here in masks.items()}
    return parts | {INVENTED: _Part(ANSWERED, counted(answered & ~there), counted(answered))}


def _slots(columns: Sequence[Small]) -> dict[str, _Part]:
    by_name = dict(
        zip(slot_error.COLUMNS, (one.astype(np.float64) for one in columns), strict=True)
    )
    return {name: _Part(SLOTS, by_name[name], by_name["slots"]) for name in slot_error.ERRORS}


def _share(name: str, parts: Sequence[_Part]) -> ErrorShare:
    """Added slots alone may exceed the number of slots."""
    most = float("inf") if name == ADDED else 1.0
    per_run = float(np.mean([part.num.sum() for part in parts]))
    estimate = stats.mean_interval(_psi(parts), bounds=(0.0, most))
    return ErrorShare(name, parts[0].of, per_run, estimate)


def _psi(parts: Sequence[_Part]) -> Matrix:
    return stats.linearise([part.num for part in parts], [part.den for part in parts])
