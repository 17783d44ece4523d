"""C11: which model's scores differ less from seed to seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy import stats as distributions

from harness.claims.cost import end, resamples
from harness.claims.family import Asked, Evidence, Question
from harness.claims.finding import Number
from harness.claims.pairing import about, barred, few, leading, named, secondary
from harness.comparing.comparison import Arm, Contrast
from harness.comparing.findings import Findings
from harness.comparing.steadiness import diverged, failed
from harness.comparing.verdicts import BERT, GPT, Verdict
from harness.statistics.stats import Vector

EQUIVALENT_FROM = 10
"""Seeds from which two spreads can be called alike."""

ONE_SCORE = 0.05
"""Share of resamples with one score only above which there is nothing to learn from them."""

UNSEARCHED = "the learning rate was not searched for both"
SAME = "all runs of a side score the same"
ALIKE = "too few different scores to resample"


def ask(findings: Findings) -> Iterator[Asked]:
    """One finding for each leading pair, over its tasks."""
    for family, verdicts in leading(findings).items():
        found = [_question(findings, one, named(one, verdicts)) for one in verdicts]
        yield Asked(
            "C11",
            about(verdicts),
            secondary(family),
            tuple(question for question, _ in found),
            tuple(Number(q.label, text) for q, text in found if text),
        )


def _question(findings: Findings, one: Verdict, label: str) -> tuple[Question, str]:
    contrast = one.contrast
    sides = (contrast.gpt, contrast.bert)
    why = barred(contrast)
    if not why and not all(arm.first.tuning for arm in sides):
        why = UNSEARCHED
    base = Question(label, None, findings.plan.log_cost, why, ratio=True)
    base = replace(base, preliminary=few(len(contrast.seeds), findings.plan))
    if why:
        return base, ""
    gpt, bert = (_scores(arm, contrast) for arm in sides)
    lost = [len(diverged(arm, findings.comparison.failures)) for arm in sides]
    text = f"{_spread(gpt, bert)}; {_failures(contrast, (gpt, bert), lost)}"
    if min(np.ptp(gpt), np.ptp(bert)) == 0:
        return replace(base, barred=SAME), text
    known = spread_ratio(gpt, bert)
    return replace(base, evidence=known, barred="" if known.low else ALIKE), text


def _scores(arm: Arm, contrast: Contrast) -> Vector:
    by_seed = dict(zip(arm.seeds, arm.scores[0].per_seed, strict=True))
    return np.array([by_seed[seed] for seed in contrast.seeds], np.float64)


def spread_ratio(gpt: Vector, bert: Vector) -> Evidence:
    """The logarithm of the ratio of standard deviations over seeds, GPT / BERT.

    The spread of its resamples times Student's t, and the test of Brown and Forsythe (1974)
    besides: the resamples alone are too narrow for scores with long tails. Both ends are open
    where too many resamples hold one score only, as of three seeds.
    """
    rows = resamples(len(gpt))
    mean = math.log(gpt.std(ddof=1) / bert.std(ddof=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        draws = np.log(gpt[rows].std(axis=1, ddof=1) / bert[rows].std(axis=1, ddof=1))
    known = end(mean, draws, len(gpt), ONE_SCORE)
    return Evidence(mean, known, known, brown_forsythe(gpt, bert), len(gpt) >= EQUIVALENT_FROM)


def brown_forsythe(gpt: Vector, bert: Vector) -> float:
    """p-value of the test for equal spread about the medians; 1 where it has none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = float(distributions.levene(gpt, bert, center="median").pvalue)
    return 1.0 if math.isnan(found) else found


def _spread(gpt: Vector, bert: Vector) -> str:
    sds = [one.std(ddof=1) for one in (gpt, bert)]
    return (
        f"SD over {len(gpt)} seeds {GPT} {sds[0]:.4f}, {BERT} {sds[1]:.4f}; Brown-Forsythe "
        f"p = {brown_forsythe(gpt, bert):.3f}"
    )


def _failures(contrast: Contrast, sides: Sequence[Vector], lost: Sequence[int]) -> str:
    """How many runs diverged, or did no better than the rule that ignores the input, and 2 points.

    `lost` are the diverged ones of each side, which have no score.
    """
    floor, meter = contrast.gpt.scores[0].majority, contrast.gpt.headline
    if floor is None:
        return "failed runs not counted: the input-blind rule was not scored"
    near = [sum(failed(meter, score, floor) for score in one.tolist()) for one in sides]
    counted = [
        (here + gone, len(one) + gone) for one, here, gone in zip(sides, near, lost, strict=True)
    ]
    table = np.array([[count, runs - count] for count, runs in counted])
    p_value = float(distributions.fisher_exact(table).pvalue)
    counts = " and ".join(f"{count} of {runs}" for count, runs in counted)
    return f"failed runs {counts} (Fisher p = {p_value:.3f})"
