"""What was measured in both, side by side: seconds, races, memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.changes import Changes, Cost
from harness.changes.costs import NOT_INTERLEAVED, Quotient
from harness.comparing.comparison import Comparison
from harness.comparing.lanes import Raced
from harness.report import machines
from harness.report.figures import mib, milliseconds
from harness.report.markdown import NONE, escape, section, shorten, table
from harness.report.memory import FORWARD, IMPORTS, TRAINING
from harness.statistics import timings

SECONDS = (
    f"Seconds are **{NOT_INTERLEAVED}**: the two were measured on other days, and a ratio holds "
    "whatever changed between them. Medians with 95 % limits between order statistics, as are "
    "those of their ratio; written texts of natural length are of each model's own length."
)
RACES = (
    "GPT / BERT as raced, each in turns in one process: below 1, GPT was faster. What a race says "
    "stands beside it; that the two say the same or not is no verdict on what changed."
)
SHOWN = (IMPORTS, FORWARD, TRAINING)
"""Stages whose peaks are shown."""
NOTHING = "What was measured in both holds no scenario of the other."


def costs(found: Changes) -> str:
    """Seconds, races and memory side by side; empty where nothing was measured in both."""
    after = found.after.comparison
    timed = [[*_subjects(after, one), *row] for one in found.costs for row in _seconds(one)]
    races = [[*_subjects(after, one), *row] for one in found.costs for row in _races(found, one)]
    peaks = list({tuple(row): row for one in found.costs for row in _peaks(after, one)}.values())
    seconds = ["scenario", "clock", "before, ms", "after, ms", "after / before"]
    raced = ["scenario", "before", "after", "says before", "says after"]
    memory = ["task", "model", "stage", "before, MiB", "after, MiB", "after / before"]
    parts = (
        _section("Seconds", SECONDS, ["task", "model", *seconds], timed, "llllrrr"),
        _section("Races", RACES, ["task", "models", *raced], races, "lllrrll"),
        _section("Memory peaks", "", memory, peaks, "lllrrr"),
    )
    shown = any(parts)
    return section(2, "Costs", *parts if shown else [NOTHING]) if found.costs else ""


def _section(
    title: str, text: str, header: list[str], rows: Sequence[Sequence[str]], numeric: str
) -> str:
    return section(3, title, text, table(header, rows, numeric)) if rows else ""


def _subjects(comparison: Comparison, one: Cost) -> list[str]:
    models = " and ".join(machines.named(comparison, side) for side in one.after.subjects)
    return [machines.place(one.after.subjects[0]), models]


def _seconds(one: Cost) -> Iterator[list[str]]:
    for row in one.timed:
        name = f"{row.name} ({row.shape})" if row.shape else row.name
        medians = [milliseconds(side) for side in (row.before, row.after)]
        yield [escape(shorten(name)), row.clock, *medians, _quotient(row.quotient)]


def _quotient(found: Quotient | None) -> str:
    if found is None:
        return NONE
    return f"{found.ratio:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _races(found: Changes, one: Cost) -> Iterator[list[str]]:
    for row in one.turns:
        name = f"{row.name} ({row.shape})" if row.shape else row.name
        sides = row.before, row.after
        margin = found.after.plan.cost_ratio - 1
        said = [
            timings.verdict(side.ratio, side.gate, margin) if side else "not raced"
            for side in sides
        ]
        yield [escape(shorten(name)), *map(_raced, sides), *said]


def _raced(found: Raced | None) -> str:
    if found is None or found.ratio is None:
        return NONE
    ends = (found.ratio.log, found.ratio.low, found.ratio.high)
    return _quotient(Quotient(*map(math.exp, ends)))


def _peaks(comparison: Comparison, one: Cost) -> Iterator[list[str]]:
    for row in (row for row in one.peaks if row.stage.partition(", ")[0] in SHOWN):
        subject = one.after.subjects[row.subject]
        start = [machines.place(subject), machines.named(comparison, subject), escape(row.stage)]
        ratio = row.after / row.before if row.before and row.after is not None else None
        yield [*start, mib(row.before), mib(row.after), NONE if ratio is None else f"{ratio:.3f}"]
