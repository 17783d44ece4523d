"""C9: whether GPT answers faster: three questions with three answers, each from races."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from scipy import stats as distributions

from harness.claims.family import Asked, End, Evidence, Question
from harness.claims.finding import Number
from harness.claims.footprint import machine
from harness.comparing.findings import Findings
from harness.comparing.lanes import Raced, device, lanes, raced
from harness.measurement import Measurement
from harness.statistics import timings
from harness.statistics.stats import LEVEL, Estimate
from harness.statistics.timings import Ratio

SPEED = "claims about speed"
SHAPE, TEXT, STREAM = "C9a", "C9b", "C9c"
LANES = {
    SHAPE: ("same shape",),
    TEXT: ("generation/fixed length", "generation/T="),
    STREAM: ("streaming",),
}
"""Scenarios that decide each claim, by the beginning of their names."""

BESIDE = {SHAPE: ("single stream/end to end", "offline"), TEXT: ("single stream/end to end",)}
NOISY = "noisy: GPT did not tie with its own copy"
ONE_SIDE = f"only one side was raced, or fewer than {timings.FEWEST_BLOCKS} blocks"
BATCH_ONE = "batches of one only; others: python -m harness.race task=ner race.shape_batches=[1,32]"


class _Lane(NamedTuple):
    """One scenario of one race, with what to call it."""

    label: str
    found: Raced


def ask(findings: Findings) -> Iterator[Asked]:
    """One finding for each of the three, each pair and each machine."""
    places: dict[tuple[str, str], list[Measurement]] = defaultdict(list)
    for one in findings.comparison.measurements:
        if one.kind == "race":
            places[one.subjects[0].pair, machine(one)].append(one)
    for claim in LANES:
        for (pair, where), races in places.items():
            asked = _asked(findings, claim, races, f"pair {pair} on {where}", where)
            if asked.questions:
                yield asked


def _asked(
    findings: Findings, claim: str, races: list[Measurement], scope: str, where: str
) -> Asked:
    asked = [lane for one in races for lane in _lanes(one, claim, LANES[claim])]
    beside = [lane for one in races for lane in _lanes(one, claim, BESIDE.get(claim, ()))]
    questions = tuple(_question(one, findings.plan.log_cost) for one in asked)
    narrow = claim == SHAPE and all("batch" not in one.found.name for one in asked)
    return Asked(
        claim,
        scope,
        (SPEED, where),
        questions,
        tuple(_number(one) for one in beside),
        (BATCH_ONE,) if narrow and asked else (),
    )


def _lanes(found: Measurement, claim: str, names: tuple[str, ...]) -> Iterator[_Lane]:
    """Scenarios of a race that a claim is about; where texts are written, C9b is."""
    every = list(lanes(found))
    writes = any(lane.name.startswith("generation/") for lane in every)
    if writes is not (claim == TEXT):
        return
    gpt, bert = found.subjects
    for lane in every:
        if lane.name.startswith(names):
            mode = f" (BERT as {bert.mode})" if writes else ""
            name = lane.name.removeprefix("generation/").removeprefix(LANES[claim][0]).strip(", ")
            label = f"{gpt.task}{mode}" + (f", {name}" if name else "")
            yield _Lane(label, raced(lane, device(found)))


def _question(one: _Lane, margin: float) -> Question:
    ratio = one.found.ratio
    why = "" if one.found.trusted else ONE_SIDE if ratio is None else NOISY
    known = None if ratio is None else gained(ratio)
    return Question(one.label, known, margin, why, ratio=True)


def gained(found: Ratio) -> Evidence:
    """BERT's seconds over GPT's, as a logarithm with its t interval over blocks."""
    cut = float(distributions.t.ppf((1 + LEVEL) / 2, found.blocks - 1))
    end = End(-found.log, (found.high - found.low) / 2 / cut, found.blocks - 1)
    return Evidence(-found.log, end, end)


def _number(one: _Lane) -> Number:
    """A scenario that is shown and decides nothing."""
    label, ratio = f"{one.label}, not deciding", one.found.ratio
    if ratio is None or not one.found.trusted:
        return Number(label, ONE_SIDE if ratio is None else NOISY)
    known = gained(ratio)
    assert known.low is not None  # of a ratio neither end is open
    shown = Estimate(
        -ratio.log, 1, ratio.blocks, known.low.se, -ratio.high, -ratio.low, ratio.blocks - 1
    )
    return Number(label, shown, ratio=True) if math.isfinite(ratio.log) else Number(label, NOISY)
