"""How much searching stands behind scores: the expected best dev score by number of trials."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.comparing.comparison import FULL, Comparison
from harness.comparing.efforts import Searches, efforts
from harness.report.markdown import NONE, escape, score, section, table
from harness.report.summary import caveat

INTRODUCTION = (
    "What the best of n trials is expected to score on the dev split: the mean, over every choice "
    "of n of the trials that were made, of the best among them (Dodge et al. 2019, without "
    "replacement). A model whose column has grown flat would gain little by more search; where two "
    "columns cross, who is ahead is a question of effort. A run that failed counts as the worst "
    "score. Trials that TPE chose, or that extend a range, stand in the same average: there the "
    "first rows say less."
)
MOST_ROWS = 8
UNEQUAL = "**Unequal numbers of trials or runs: not to be compared.**"


def effort(comparison: Comparison) -> str:
    """The section on search effort; empty where nothing was searched."""
    found = efforts(comparison)
    if not found:
        return ""
    embedded = any(one.embedded for one in found)
    return section(2, "Search effort", INTRODUCTION, *map(_shown, found), caveat(embedded))


def _shown(one: Searches) -> str:
    name = f"search {escape(one.search)}" if one.search else "a grid of learning rates"
    how = f", {escape(one.way)}" if one.way != FULL else ""
    text = f"{escape(one.task)}, {escape(one.data)}, pair {escape(one.pair)}{how}: {name}, "
    text += f"{one.source}; "
    text += f"{escape(one.meter.caption)} on dev."
    failed = [f"{escape(arm.name)} {arm.failed}" for arm in one.arms if arm.failed]
    if failed:
        text += f" Failed runs: {', '.join(failed)}."
    parts = [text, UNEQUAL, _table(one)] if one.unequal else [text, _table(one)]
    return "\n\n".join(parts)


def _table(one: Searches) -> str:
    columns = [arm.expected(one.meter) for arm in one.arms]
    most = max(map(len, columns))
    rows = [
        [str(drawn), *(_score(one, column[drawn - 1 : drawn]) for column in columns)]
        for drawn in _drawn(most)
    ]
    header = ["trials", *(f"{escape(arm.name)}: expected best" for arm in one.arms)]
    return table(header, rows, "r" * len(header))


def _score(one: Searches, expected: Sequence[float]) -> str:
    """Empty where an arm had fewer trials, or a failed one that no worst score bounds."""
    found = next(iter(expected), math.inf)
    return score(found, digits=one.meter.digits) if math.isfinite(found) else NONE


def _drawn(most: int) -> list[int]:
    """All numbers of trials, or 1, 2, 4, ... and all of them."""
    if most <= MOST_ROWS:
        return list(range(1, most + 1))
    powers = [2**power for power in range(most.bit_length()) if 2**power < most]
    return [*powers, most]
