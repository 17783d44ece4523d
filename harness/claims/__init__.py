"""Claims of articles about GPT and BERT, judged by rule from what was recorded.

`ledger` holds the claims, one module judges each family of them, `family` decides what is asked
together. Words and layout are the report's business. No claim is decided by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.claims import (
    alignment,
    article,
    context,
    corpora,
    cost,
    factors,
    footprint,
    freezing,
    gains,
    ladder,
    quality,
    right_context,
    size,
    speed,
    stability,
    untuned,
)
from harness.claims.family import Asked, judged
from harness.claims.finding import (
    DECIDED,
    DEPENDS,
    DIRECTION,
    EQUIVALENT,
    NOT_TESTED,
    PRELIMINARY,
    REVERSED,
    SUPPORTED,
    UNDETERMINED,
    Decided,
    Finding,
    Number,
    not_tested,
)
from harness.claims.ledger import APPLICATIONS, CLAIMS, Application, Claim
from harness.comparing.findings import Findings

__all__ = [
    "APPLICATIONS",
    "CLAIMS",
    "DECIDED",
    "DEPENDS",
    "DIRECTION",
    "EQUIVALENT",
    "NOT_TESTED",
    "PRELIMINARY",
    "REVERSED",
    "SUPPORTED",
    "UNDETERMINED",
    "Application",
    "Claim",
    "Decided",
    "Finding",
    "Number",
    "judge",
]

Rule = Callable[[Findings], Iterator[Asked | Finding]]
RULES: tuple[Rule, ...] = (
    quality.ask,
    right_context.ask,
    context.ask,
    cost.ask,
    size.ask,
    footprint.ask,
    speed.ask,
    freezing.ask,
    gains.ask,
    untuned.ask,
    stability.ask,
    ladder.ask,
    article.ask,
    factors.ask,
    corpora.ask,
    alignment.ask,
)


def judge(findings: Findings) -> tuple[Finding, ...]:
    """At least one finding for each claim, in the order of the ledger."""
    asked = [one for rule in RULES for one in rule(findings)]
    found: dict[str, list[Finding]] = {one.id: [] for one in CLAIMS}
    for finding in judged(asked, findings.plan):
        found[finding.claim.id].append(finding)
    return tuple(one for id_, some in found.items() for one in some or [not_tested(id_)])
