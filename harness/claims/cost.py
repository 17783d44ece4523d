"""C7: whether GPT takes longer to fine-tune, to a quality that both models reach."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.claims import target
from harness.claims.family import Asked, End, Evidence, Question
from harness.claims.finding import Number
from harness.claims.pairing import about, barred, few, leading, named, secondary
from harness.claims.target import Reached
from harness.comparing.comparison import Arm, Contrast
from harness.comparing.findings import Findings
from harness.comparing.verdicts import BERT, GPT, Verdict
from harness.statistics.stats import Vector

DRAWS = 10_000
OPEN = 0.01
"""Share of resamples without a ratio above which an end of the interval is open."""

NO_TARGET = "a side never left the floor, or has no dev scores"
EPOCHS = "dev is looked at once an epoch: ratios are known up to the distance of two looks"


class Times(NamedTuple):
    """One amount, by seed: where the target had not been reached yet, and where it had."""

    before: Vector
    at: Vector


def ask(findings: Findings) -> Iterator[Asked]:
    """One finding for each leading pair, over its tasks."""
    for family, verdicts in leading(findings).items():
        found = [_question(findings, one, named(one, verdicts)) for one in verdicts]
        yield Asked(
            "C7",
            about(verdicts),
            secondary(family),
            tuple(question for question, _ in found),
            tuple(Number(q.label, text) for q, text in found if text),
            (EPOCHS,),
        )


def _question(findings: Findings, one: Verdict, label: str) -> tuple[Question, str]:
    contrast, margin = one.contrast, findings.plan.log_cost
    early = few(len(contrast.seeds), findings.plan)
    why = barred(contrast)
    goal = None if why else target.target(contrast)
    if goal is None:
        return Question(label, None, margin, why or NO_TARGET, preliminary=early), ""
    sides = [_reaching(arm, contrast, goal.score) for arm in (contrast.gpt, contrast.bert)]
    if not all(len(side) == len(contrast.seeds) for side in sides):
        return Question(label, None, margin, "runs without a training log"), ""
    gpt, bert = (_times(side, "flops") for side in sides)
    known = ratio(gpt, bert)
    why = "" if math.isfinite(known.mean) or known.low or known.high else _never(sides)
    question = Question(label, known, margin, why, ratio=True, preliminary=early)
    return question, f"{_told(sides)}; {_looks(contrast)}"


def _reaching(arm: Arm, contrast: Contrast, goal: float) -> list[Reached]:
    """By seed of the contrast."""
    found = [(run.seed, run.record, run.record.training) for run in arm.runs]
    return [
        target.reached(record, log, arm, goal)
        for seed, record, log in found
        if seed in contrast.seeds and log is not None and log.evaluations
    ]


def _times(side: list[Reached], amount: str) -> Times:
    before = [getattr(one.before, amount) for one in side]
    return Times(np.array(before, np.float64), np.array([getattr(one.at, amount) for one in side]))


def ratio(gpt: Times, bert: Times) -> Evidence:
    """The logarithm of the ratio of medians, GPT / BERT, resampled over seeds of both together.

    The interval goes from the ratio with GPT's looks before and BERT's looks at the target, to
    that with GPT's at and BERT's before. A resample of few seeds is no wider than they are: its
    percentiles cover at most 1 - 2^(1 - S), so the error is its spread times Student's t.
    """
    rows = resamples(len(gpt.at))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = float(np.log(np.median(gpt.at) / np.median(bert.at)))
        low, high = _end(gpt.before, bert.at, rows), _end(gpt.at, bert.before, rows)
    return Evidence(mean, low, high)


def resamples(seeds: int) -> NDArray[np.int64]:
    """Draws x seeds, which seeds are in each; always the same."""
    return np.random.default_rng(0).integers(seeds, size=(DRAWS, seeds))


def _end(ours: Vector, theirs: Vector, rows: NDArray[np.int64]) -> End | None:
    """A log ratio of medians with its error; None where too often it is not finite."""
    mean = float(np.log(np.median(ours) / np.median(theirs)))
    draws = np.log(np.median(ours[rows], axis=1) / np.median(theirs[rows], axis=1))
    return end(mean, draws, len(ours))


def end(mean: float, draws: Vector, seeds: int, without: float = OPEN) -> End | None:
    """A statistic and the spread of its resamples as an end; None where too many are infinite."""
    finite = draws[np.isfinite(draws)]
    if not math.isfinite(mean) or len(finite) < (1 - without) * len(draws):
        return None
    return End(mean, float(finite.std(ddof=1)), seeds - 1)


# --- words --------------------------------------------------------------------------------------


def _never(sides: list[list[Reached]]) -> str:
    return f"no ratio of medians: {_counted(sides)}"


def _counted(sides: list[list[Reached]]) -> str:
    reached = [sum(one.at is not target.NEVER for one in side) for side in sides]
    return ", ".join(
        f"{name} reached the target in {count} of {len(side)} runs"
        for name, count, side in zip((GPT, BERT), reached, sides, strict=True)
    )


def _told(sides: list[list[Reached]]) -> str:
    """Medians of both sides, amount by amount, and how many runs reached the target."""
    shown = {"examples": ("examples", ",.0f"), "flops": ("FLOPs", ".2e")}
    shown["cpu_seconds"] = ("CPU s", ".1f")
    parts = []
    for amount, (name, form) in shown.items():
        middle = [float(np.median(_times(side, amount).at)) for side in sides]
        told = [f"{m:{form}}" if math.isfinite(m) else "not reached" for m in middle]
        parts.append(f"{name} {told[0]} and {told[1]}")
    return f"medians of {GPT} and {BERT}: {', '.join(parts)}; {_counted(sides)}"


def _looks(contrast: Contrast) -> str:
    evaluations = [log.evaluations for _, log in target.logs(contrast.gpt) if log.evaluations]
    first = evaluations[0]
    return f"{len(first)} looks at dev over {first[-1].examples:,} examples"
