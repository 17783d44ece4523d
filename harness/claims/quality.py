"""C1 to C4: which model is better at a task. The main verdicts, read as claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from harness import metrics
from harness.claims.finding import (
    DECIDED,
    PRELIMINARY,
    UNDETERMINED,
    Decided,
    Finding,
    Number,
    status_of,
)
from harness.claims.ledger import BY_ID
from harness.claims.pairing import about
from harness.comparing.findings import Findings
from harness.comparing.verdicts import BERT, GPT, TIE, Verdict, advantage_of, main
from harness.record import BOTH_ORDERS
from harness.statistics.decisions import ABOVE, BELOW, Decision
from harness.statistics.stats import Estimate

CLAIMED = {
    "C1": ("classification", BERT),
    "C2": ("matching", BERT),
    "C3a": ("ner", BERT),
    "C4": ("generation", GPT),
}
"""Task, and which side is said to be better."""


def ask(findings: Findings) -> Iterator[Finding]:
    """One finding for each main verdict on a task that a claim is about."""
    for claim, (task, side) in CLAIMED.items():
        for one in main(findings.verdicts):
            if one.group.key.task == task:
                yield _finding(findings, claim, one, side)


def _finding(findings: Findings, claim: str, one: Verdict, side: str) -> Finding:
    status = _status(one, side)
    reasons, answered = list(one.why), one.answer in (BERT, GPT, TIE)
    if answered and one.contrast.incomplete:
        reasons.insert(0, f"the verdict ({one.answer}) does not count")
    return Finding(
        BY_ID[claim],
        status,
        about([one]),
        tuple(_numbers(findings, one, side, status)),
        (PRELIMINARY,) if one.preliminary else (),
        "; ".join(reasons),
    )


def _status(one: Verdict, side: str) -> str:
    """By the verdict, which allows for a second metric that says the opposite."""
    if one.decision is None or one.contrast.incomplete:
        return UNDETERMINED
    found = status_of(_claimed(one.decision, side))
    contradicted = found in DECIDED and one.answer not in (BERT, GPT, TIE)
    return UNDETERMINED if contradicted else found


def _claimed(decision: Decision, side: str) -> Decision:
    """A decision on BERT's advantage as one on the advantage that is claimed."""
    if side == BERT:
        return decision
    swapped = {ABOVE: BELOW, BELOW: ABOVE}.get(decision.outcome, decision.outcome)
    low = None if decision.high is None else -decision.high
    high = None if decision.low is None else -decision.low
    return replace(decision, outcome=swapped, low=low, high=high)


def _numbers(findings: Findings, one: Verdict, side: str, status: str) -> Iterator[Number]:
    digits, label = one.meter.digits, f"{side}'s advantage"
    if one.advantage is not None:
        mean = one.advantage.mean if side == BERT else -one.advantage.mean
        if one.decision is not None:
            shown = Decided(mean, _claimed(one.decision, side), status)
            yield Number(label, shown, digits)
        else:
            turned = one.advantage if side == BERT else _turned(one.advantage)
            yield Number(f"{label}, not decided", turned, digits)
    for name, arm in ((GPT, one.contrast.gpt), (BERT, one.contrast.bert)):
        for score in arm.scores[:1]:
            label = f"{name}, {score.meter.caption}"
            yield Number(label, score.estimate, digits, signed=False)
    if one.contrast.gpt.writes:
        yield from _other_metrics(one)
    yield from _both_orders(findings, one, side)


def _turned(found: Estimate) -> Estimate:
    low = None if found.high is None else -found.high
    high = None if found.low is None else -found.low
    return replace(found, mean=-found.mean, low=low, high=high)


def _other_metrics(one: Verdict) -> Iterator[Number]:
    """Metrics beside the headline that rank models."""
    for name, difference in one.contrast.others.items():
        meter = metrics.meter(name)
        if not meter.descriptive:
            yield Number(f"{meter.caption}, BERT - GPT", difference, meter.digits)


def _both_orders(findings: Findings, one: Verdict, side: str) -> Iterator[Number]:
    """The same pair of models reading every pair of texts in both orders."""
    for other in findings.verdicts:
        contrast = other.contrast
        both = all(arm.key.mode.endswith(BOTH_ORDERS) for arm in (contrast.gpt, contrast.bert))
        same = other.group is one.group and other.family.pair == one.family.pair
        if both and same and contrast.difference is not None:
            found = advantage_of(other.meter, contrast.difference)
            turned = found if side == BERT else _turned(found)
            yield Number(
                f"{side}'s advantage in both orders, not deciding", turned, one.meter.digits
            )
