"""Is a result too good, or too broken, to be true? Pure functions of one record and its counts.

A "void" alarm voids every verdict that rests on the run; the run itself stays in the report.
A "warning" is shown and changes nothing. Levels are such that a healthy run is silent: exact
binomial limits at 1 in 10,000, or 3.7 standard errors, which is the same for a normal variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.alarms import answers, probes, slices, training
from harness.alarms.answers import COLLAPSED, below_entropy
from harness.alarms.case import VOID, WARNING, Alarm, Case, case_of
from harness.record import CountTable, Record

__all__ = [
    "CHECKS",
    "COLLAPSED",
    "VOID",
    "WARNING",
    "Alarm",
    "below_entropy",
    "checks",
    "examine",
]

POSSIBLE: dict[str, Callable[[Case], bool]] = {
    "answers that the reader cannot know": lambda case: any(slices.guessed(case)),
    "use of the words to the right": lambda case: slices.context(case) is not None,
    "scores above the cap": lambda case: any(slices.capped(case)),
    "names that leak into labelled data": lambda case: slices.namesakes(case) is not None,
    "collapse to one answer": answers.answered,
    "a causality probe against the model's claim": probes.looked_left,
    "a padding probe": probes.looked_at_padding,
    "a target that leaks into its source": probes.looked_across,
    "training that never beat the fresh head": training.trained,
}
"""What a run can be checked for, and whether its record holds enough for it."""

CHECKS = tuple(POSSIBLE)

RULES: tuple[Callable[[Case], Iterator[Alarm]], ...] = (
    slices.coin_tosses,
    slices.right_context,
    slices.above_caps,
    slices.unknown_names,
    answers.one_answer,
    probes.contradicted,
    probes.leaked,
    training.never_better,
)


def examine(record: Record, counts: CountTable) -> list[Alarm]:
    """Every alarm that one finished run sets off by itself."""
    case = case_of(record, counts)
    return [alarm for rule in RULES for alarm in rule(case)]


def checks(record: Record, counts: CountTable) -> list[str]:
    """Which of `CHECKS` this record holds enough for; silence of the others means nothing."""
    case = case_of(record, counts)
    return [name for name, possible in POSSIBLE.items() if possible(case)]
