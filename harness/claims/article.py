"""C14: what the printed 97.3 % on CoNLL-2003 counts. Arithmetic on the public test split."""

from __future__ import annotations

from collections.abc import Iterator

from harness.claims.finding import SUPPORTED, Decided, Finding, Number, status_of
from harness.claims.finding import UNDETERMINED as OPEN
from harness.claims.ledger import BY_ID
from harness.comparing.comparison import Arm
from harness.comparing.findings import Findings
from harness.diagnosis import token_level
from harness.statistics.decisions import ABOVE, BELOW, EQUIVALENT, Decision
from harness.statistics.stats import Estimate

PRINTED = 0.973
SENTENCES = 3_453
"""Of the test split, document marks left out (Tjong Kim Sang and De Meulder 2003, table 1)."""
TOKENS = 46_435
IN_ENTITIES = 8_112
"""Tokens of the test split whose tag is not O."""
MAX_LENGTH = 128
"""Positions to which the article pads every sentence; the longest has 124 tokens."""

METRIC = "accuracy"
NO_MARGIN = f"the plan has no margin for {METRIC}; add margins.{METRIC} to it"
NOT_MEASURED = "not measured: no record of a run on NER holds counts of words"
FINDS_NOTHING = "a tagger that finds no entity at all scores as much, so the figure is no entity F1"


def outside_on_tokens() -> float:
    """Token accuracy of a tagger that answers O everywhere."""
    return (TOKENS - IN_ENTITIES) / TOKENS


def outside_on_positions() -> float:
    """The same where padding counts as tokens whose answer is O."""
    positions = SENTENCES * MAX_LENGTH
    return (positions - IN_ENTITIES) / positions


def ask(findings: Findings) -> Iterator[Finding]:
    """The printed figure against a tagger that finds nothing, and both counts of runs on record."""
    ahead, margin = PRINTED - outside_on_positions(), findings.plan.margins.get(METRIC)
    label = "printed - O everywhere (padding counted)"
    first, status, detail = Number(label, _plain(ahead)), OPEN, NO_MARGIN
    if margin is not None:
        found = _decided(ahead, margin)
        first, status = Number(label, found), found.status
        detail = "" if status == SUPPORTED else FINDS_NOTHING
    numbers = (
        first,
        Number("printed", _plain(PRINTED), signed=False),
        Number("O everywhere, padding counted", _plain(outside_on_positions()), signed=False),
        Number("O everywhere, real tokens", _plain(outside_on_tokens()), signed=False),
        *(list(_on_record(findings)) or [Number("on record", NOT_MEASURED)]),
    )
    scope = "CoNLL-2003 English, test split, as the article counts"
    yield Finding(BY_ID["C14"], status, scope, numbers, detail=detail)


def _plain(value: float) -> Estimate:
    return Estimate(value, 0, 0)


def _decided(ahead: float, margin: float) -> Decided:
    outcome = ABOVE if ahead > margin else BELOW if ahead < -margin else EQUIVALENT
    decision = Decision(outcome, margin, 1.0, ahead, ahead)
    return Decided(ahead, decision, status_of(decision))


def _on_record(findings: Findings) -> Iterator[Number]:
    """Share of words with the right tag, and what that is above entity F1, run by run."""
    for group in findings.comparison.groups:
        for arm in group.arms:
            if arm.scores and arm.headline.name == "entity_f1":
                yield from _both_counts(arm, f"{group.key.data}, {arm.description}")


def _both_counts(arm: Arm, name: str) -> Iterator[Number]:
    found = token_level(arm.diagnosis) if arm.diagnosis is not None else None
    if found is not None:
        entities, seeds = arm.scores[0].estimate.mean, len(found.per_seed)
        right = Estimate(found.mean, seeds, 0)
        yield Number(f"{name}: words with the right tag", right, signed=False)
        yield Number(f"{name}: that - entity F1", Estimate(found.mean - entities, seeds, 0))
        if found.outside is not None:
            yield Number(
                f"{name}: words right by O everywhere", _plain(found.outside), signed=False
            )
