"""How a claim was judged: a status, the numbers behind it, and what limits them. Plain text only.

Nothing here is escaped or rounded; that is the report's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from harness.claims.ledger import BY_ID, Claim
from harness.statistics.decisions import ABOVE, BELOW, Decision
from harness.statistics.decisions import EQUIVALENT as WITHIN
from harness.statistics.stats import Estimate

SUPPORTED = "supported"
EQUIVALENT = "refuted: equivalent"
REVERSED = "refuted: reversed"
UNDETERMINED = "undetermined"
DIRECTION = "undetermined (direction only)"
NOT_TESTED = "not tested"
DEPENDS = "depends on the question"
"""Only of several questions together: two of them were decided differently."""

DECIDED = (SUPPORTED, EQUIVALENT, REVERSED)
PRELIMINARY = "preliminary"


class Decided(NamedTuple):
    """One difference that was decided: positive where it speaks for the claim."""

    mean: float
    decision: Decision
    status: str


class Number(NamedTuple):
    """A number behind a finding. Of a ratio `value` is a natural logarithm."""

    label: str
    value: str | Estimate | Decided
    digits: int = 3
    ratio: bool = False
    signed: bool = True  # a difference, and not a score


@dataclass(frozen=True)
class Finding:
    """How one claim was judged, or one part of it on one pair of models.

    `flags` are words that limit it ("preliminary"); `detail` says why it was not decided, or what
    to run.
    """

    claim: Claim
    status: str
    scope: str
    numbers: tuple[Number, ...] = ()
    flags: tuple[str, ...] = ()
    detail: str = ""
    part: str = ""  # what tells it from other findings of the claim
    unanswered: tuple[str, ...] = ()  # questions that were barred, by their labels

    @property
    def decided(self) -> tuple[Number, ...]:
        """The numbers that decided it, or were to."""
        return tuple(one for one in self.numbers if isinstance(one.value, Decided))


def not_tested(claim: str, detail: str = "", numbers: tuple[Number, ...] = ()) -> Finding:
    """That the records do not hold what a claim needs; what to run, where nothing else is said."""
    return Finding(BY_ID[claim], NOT_TESTED, "-", numbers, detail=detail or BY_ID[claim].missing)


def status_of(decision: Decision) -> str:
    """What a decided difference says of a claim that it speaks for where it is positive."""
    known = {ABOVE: SUPPORTED, BELOW: REVERSED, WITHIN: EQUIVALENT}
    if decision.outcome in known:
        return known[decision.outcome]
    return DIRECTION if decision.direction else UNDETERMINED


def together(statuses: Iterable[str]) -> str:
    """What several questions of one claim say together.

    All the same: that. Decided differently: it depends. Anything else leaves something open.
    """
    found = set(statuses)
    if len(found) == 1:
        return found.pop()
    if len(found & set(DECIDED)) > 1:
        return DEPENDS
    return UNDETERMINED
