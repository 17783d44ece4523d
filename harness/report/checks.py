"""Other roads to the verdicts: a bootstrap, and shuffled outputs. Beside them, never instead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from harness.comparing.comparison import Arm, Contrast
from harness.comparing.findings import Findings
from harness.report.answer import MOST_ROWS, name_of, primary
from harness.report.markdown import NONE, estimated, score, section, table
from harness.report.summary import caveat
from harness.statistics import crosschecks
from harness.statistics.crosschecks import TRAINED_RUNS, CrossCheck, Limits
from harness.statistics.stats import Estimate, Matrix

SEED = 2_023
"""Of the draws: the same records give the same report."""

INTRODUCTION = (
    "The interval that decides rests on a formula of its error (two-way variance components). A "
    "bootstrap of seeds and examples, both drawn again 10,000 times, rests on none, but is too "
    "narrow where few seeds differ much; of BLEU and chrF it is of the score itself. "
    f"Randomisation swaps the two models' outputs of an example at random: its p is about "
    f"{TRAINED_RUNS}, not about how they were trained. Where the two intervals do not exclude 0, "
    "or hold it, alike, the difference is a close call."
)
HEADER = ["task", "BERT - GPT", "bootstrap, 95 %", "alike", "p, these trained runs"]


def checks(findings: Findings) -> str:
    """The section on cross-checks of the main questions."""
    shown = primary(findings)[:MOST_ROWS]
    rows = [[name_of(one, shown), *_row(one.contrast)] for one in shown if one.contrast.difference]
    embedded = any(one.group.embedded for one in shown)
    text = table(HEADER, rows, "lrrlr") if rows else "Nothing to check."
    return section(2, "Cross-checks", INTRODUCTION, text, caveat(embedded))


def _row(contrast: Contrast) -> Iterator[str]:
    difference, digits = contrast.difference, contrast.gpt.headline.digits
    assert difference is not None
    found = checked(contrast, difference)
    yield estimated(difference, True, digits)
    if found is None or found.low is None or found.high is None:
        yield from (NONE, NONE)
    else:
        low, high = (score(value, True, digits) for value in (found.low, found.high))
        yield f"[{low}, {high}]"
        yield {True: "yes", False: "no: a close call", None: NONE}[found.agrees]
    yield NONE if found is None or found.p is None else f"{found.p:.4f}"


def checked(contrast: Contrast, difference: Estimate) -> CrossCheck | None:
    """Both checks on the seeds that both sides have; None where examples have no values."""
    rng = np.random.default_rng(SEED)
    gpt, bert = (_shared(arm, arm.values, contrast.seeds) for arm in (contrast.gpt, contrast.bert))
    if gpt is None or bert is None or not contrast.seeds:
        return None
    found = crosschecks.crosscheck(difference, gpt, bert, rng)
    limits = _of_the_formula(contrast, rng)
    if limits is None:
        return found
    return CrossCheck(*limits, found.p, crosschecks.agree(difference, limits))


def _of_the_formula(contrast: Contrast, rng: np.random.Generator) -> Limits | None:
    """Of a score that is no mean over examples; None of any other."""
    values = contrast.gpt.headline.values
    sides = []
    for arm in (contrast.gpt, contrast.bert):
        columns = {n: _shared(arm, c, contrast.seeds) for n, c in (arm.columns or {}).items()}
        sides.append({name: column for name, column in columns.items() if column is not None})
    if values is None or not sides[0]:
        return None
    return crosschecks.hierarchical_bootstrap(sides[0], sides[1], values, rng)


def _shared(arm: Arm, values: Matrix | None, seeds: tuple[int, ...]) -> Matrix | None:
    """The rows of these seeds."""
    return None if values is None else values[[arm.seeds.index(seed) for seed in seeds]]
