"""A run that answers the same whatever it is asked, and a loss below what is possible."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.alarms.case import VOID, WARNING, Alarm, Case

COLLAPSED = "collapsed"
BOUND_ERRORS = 3.0
SAME = "same_as_first"
"""The column that says which written texts equal the first."""


def one_answer(case: Case) -> Iterator[Alarm]:
    """A warning where the model gives one answer to everything."""
    if collapsed(case):
        yield Alarm(COLLAPSED, WARNING, _told(case))


def _told(case: Case) -> str:
    columns = case.counts.columns
    if SAME in columns:
        return "collapsed: the model writes the same text for every input"
    text = "found no entity at all" if "tp" in columns else "gives one answer only"
    return f"collapsed to the majority class: the model {text}"


def answered(case: Case) -> bool:
    """Whether the counts tell a collapse at all."""
    columns = case.counts.columns
    answers = "pred" in columns and "gold" in columns
    return answers or SAME in columns or ("correct" in columns and case.record.majority is not None)


def collapsed(case: Case) -> bool:
    """True where there is one answer, and more than one was wanted."""
    columns = case.counts.columns
    if SAME in columns:
        return len(columns[SAME]) > 1 and bool(np.all(columns[SAME]))
    if "tp" in columns:
        return not np.any(columns["pred"]) and bool(np.any(columns["gold"]))
    if "pred" in columns and "gold" in columns:
        return bool(np.ptp(columns["pred"]) == 0 and np.ptp(columns["gold"]) > 0)
    majority, right = case.record.majority, columns.get("correct")
    if right is None or majority is None:
        return False
    return int(np.sum(right)) == majority.get("correct")


def below_entropy(bits: float, se: float, bound: float, what: str) -> Alarm | None:
    """6: fewer bits than the source has, which no reader can reach (Shannon 1948).

    `bits` per token with their standard error, `bound` the entropy given what the reader sees.
    """
    limit = bound - BOUND_ERRORS * se
    if bits >= limit:
        return None
    text = f"{what}: {bits:.3f} bits (SE {se:.3f}), but the source has {bound:.3f} "
    text += f"(limit {limit:.3f}): the answer can be seen"
    return Alarm("6", VOID, text)
