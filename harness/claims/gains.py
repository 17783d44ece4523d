"""C10: what fine-tuning brings over not reading, and over an untrained body."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean

from harness.claims.errors import less
from harness.claims.family import Asked, Question, evidence
from harness.claims.finding import Number
from harness.claims.pairing import (
    about,
    barred_arms,
    few,
    incomplete,
    lacking,
    leading,
    named,
    secondary,
    uncertain,
)
from harness.comparing.comparison import Arm, Control
from harness.comparing.findings import Findings
from harness.comparing.verdicts import BERT, GPT, Verdict, advantage_of
from harness.metrics import Meter
from harness.statistics.stats import Estimate

NO_MARGIN = "the plan has no margin for {}"


def ask(findings: Findings) -> Iterator[Asked]:
    """For each leading pair: against the input-blind rule, and against untrained twins."""
    for family, verdicts in leading(findings).items():
        scope, place = about(verdicts), secondary(family)
        rule = [q for one in verdicts for q in _over_rule(findings, one, verdicts)]
        looks = [n for one in verdicts for n in _on_dev(one, verdicts)]
        yield Asked("C10a", scope, place, tuple(rule), tuple(looks))
        twins = [q for one in verdicts for q in _over_scratch(findings, one, verdicts)]
        yield Asked("C10b", scope, place, tuple(twins))


def sides(one: Verdict) -> Sequence[tuple[str, Arm]]:
    """Both models of a verdict with the names of their families."""
    return (GPT, one.contrast.gpt), (BERT, one.contrast.bert)


# --- over the rule that ignores the input -------------------------------------------------------


def _over_rule(findings: Findings, one: Verdict, among: Sequence[Verdict]) -> Iterator[Question]:
    for side, arm in sides(one):
        rule = arm.scores[0].majority if arm.scores else None
        if rule is not None:
            label = f"{named(one, among)}, {side}"
            found = above_rule(arm, rule)
            void = barred_arms(arm) or incomplete(one.contrast)
            yield question(findings, one, label, found, void)


def above_rule(arm: Arm, rule: float) -> Estimate:
    """By how much an arm is better than a rule's score on the same examples.

    For accuracy the rule's own standard error, sqrt(p (1 - p) / n), is added, as if the two
    erred in opposite ways; a rule that answers nothing (F1 of 0) has none.
    """
    score, error = arm.scores[0], 0.0
    if score.meter.name == "accuracy":
        error = math.sqrt(rule * (1 - rule) / score.estimate.units)
    return _improvement(score.meter, less(score.estimate, rule, error))


def _improvement(meter: Meter, difference: Estimate) -> Estimate:
    """With the sign of an improvement."""
    return advantage_of(meter, difference)


def question(
    findings: Findings, one: Verdict, label: str, found: Estimate | None, void: str
) -> Question:
    """Whether a gain in the headline metric is above its margin; `void` is why it cannot be."""
    margin = findings.plan.margin(one.meter.name, one.group.embedded)
    why = void or uncertain(found)
    if margin is None:
        why = why or NO_MARGIN.format(one.meter.name)
    return Question(
        label,
        None if found is None else evidence(found),
        margin or 1.0,
        why,
        one.meter.digits,
        preliminary=found is not None and few(found.seeds, findings.plan),
        seen=None if void else found,
    )


def _on_dev(one: Verdict, among: Sequence[Verdict]) -> Iterator[Number]:
    """Tuned and fresh head on dev: the better look of several, so it decides nothing."""
    for side, arm in sides(one):
        logs = [run.record.training for run in arm.runs if run.record.training]
        fresh = [e.score for log in logs for e in log.evaluations if e.step == 0]
        kept = [e.score for log in logs for e in log.evaluations if e.step == log.best_step]
        if fresh and len(fresh) == len(kept):
            label = f"{named(one, among)}, {side}, dev score gained over the fresh head"
            gained = one.meter.improves(fmean(kept) - fmean(fresh))
            yield Number(label, Estimate(gained, len(fresh), 0), one.meter.digits)


# --- over an untrained body ---------------------------------------------------------------------


def _over_scratch(findings: Findings, one: Verdict, among: Sequence[Verdict]) -> Iterator[Question]:
    for side, control in _controls(one):
        found = control.difference
        gain = None if found is None else _improvement(one.meter, found)
        yield question(
            findings, one, f"{named(one, among)}, {side}", gain, _barred(findings, control)
        )


def _controls(one: Verdict) -> Iterator[tuple[str, Control]]:
    for side, arm in sides(one):
        yield from ((side, control) for control in one.group.controls if control.arm is arm)


def _barred(findings: Findings, control: Control) -> str:
    if control.refused:
        return "refused: runs differ in " + ", ".join(control.refused)
    arms = (control.arm, control.scratch)
    return barred_arms(*arms) or lacking(arms, findings.comparison.failures)
