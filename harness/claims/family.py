"""Several questions decided at once: Holm's levels over all that can be answered.

What may not be compared is not asked: it is barred, with a reason, and leaves its claim open.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scipy import stats as distributions

from harness.claims.finding import (
    DIRECTION,
    PRELIMINARY,
    UNDETERMINED,
    Decided,
    Finding,
    Number,
    not_tested,
    status_of,
    together,
)
from harness.claims.ledger import BY_ID
from harness.plan import Plan
from harness.statistics import decisions
from harness.statistics.decisions import Decision
from harness.statistics.stats import Estimate


class End(NamedTuple):
    """One end of what is known of a difference, with its standard error."""

    mean: float
    se: float
    df: float

    def tail(self, beyond: float) -> float:
        """Two-sided p-value of lying this far inside an interval's end; 1 where it does not."""
        if self.se == 0:
            return 0.0 if beyond > 0 else 1.0
        return float(min(1.0, 2 * distributions.t.sf(beyond / self.se, self.df)))

    def reach(self, share: float) -> float:
        """Half the width of the interval at 1 - share."""
        return float(distributions.t.isf(share / 2, self.df)) * self.se if self.se else 0.0


@dataclass(frozen=True)
class Evidence:
    """A difference between two ends; usually both are the same. An open end is None.

    Two ends differ where the data give a difference up to their resolution only. `agrees` is the
    p-value of another test without which nothing beyond the margin is decided.
    """

    mean: float
    low: End | None
    high: End | None
    agrees: float = 0.0
    equivalence: bool = True  # whether the data can show that two are alike

    def p_value(self, margin: float) -> float:
        """The smallest alpha at which the interval decides (`decisions.p_value`, for two ends)."""
        above = self.low.tail(self.low.mean - margin) if self.low else 1.0
        below = self.high.tail(-margin - self.high.mean) if self.high else 1.0
        beyond, within = max(min(above, below), self.agrees), 1.0
        if self.equivalence and self.low and self.high:
            within = max(
                self.low.tail(self.low.mean + margin), self.high.tail(margin - self.high.mean)
            )
        return min(beyond, within)

    def limits(self, share: float) -> tuple[float, float]:
        """The interval at 1 - share; infinite where an end is open."""
        low = self.low.mean - self.low.reach(share) if self.low else -math.inf
        high = self.high.mean + self.high.reach(share) if self.high else math.inf
        return low, high


def evidence(found: Estimate) -> Evidence | None:
    """A mean with a t interval as evidence; None where it has no interval."""
    if found.se is None or found.df is None:
        return None
    end = End(found.mean, found.se, found.df)
    return Evidence(found.mean, end, end)


@dataclass(frozen=True)
class Question:
    """One thing that is asked; `barred` says why it cannot be answered, if so."""

    label: str
    evidence: Evidence | None
    margin: float
    barred: str = ""
    digits: int = 3
    ratio: bool = False  # a natural logarithm of one
    preliminary: bool = False
    seen: Estimate | None = None  # what may be shown of it though it is barred


@dataclass(frozen=True)
class Asked:
    """What a claim asks of the records: a finding before it is decided.

    Questions of one `family` share its error.
    """

    claim: str
    scope: str
    family: tuple[str, ...]
    questions: tuple[Question, ...]
    numbers: tuple[Number, ...] = ()
    flags: tuple[str, ...] = ()
    detail: str = ""
    part: str = ""
    rule: Callable[[Sequence[str]], tuple[str, str]] | None = None
    """The status of the claim from those of its questions, with words; None: `together`."""


def judged(found: Sequence[Asked | Finding], plan: Plan) -> Iterator[Finding]:
    """Every finding in its place, the asked ones decided family by family."""
    families: dict[tuple[str, ...], list[Question]] = defaultdict(list)
    for one in found:
        if isinstance(one, Asked):
            families[one.family] += [q for q in one.questions if answerable(q)]
    answers = {
        id(question): decided
        for questions in families.values()
        for question, decided in zip(questions, decide(questions, plan.alpha), strict=True)
    }
    for one in found:
        yield _finding(one, answers) if isinstance(one, Asked) else one


def answerable(question: Question) -> bool:
    """Whether there is anything to decide."""
    return not question.barred and question.evidence is not None


def decide(questions: Sequence[Question], alpha: float) -> list[Decided]:
    """One decision for each of these, all of them together wrong at most `alpha`."""
    found = [(one, one.evidence) for one in questions if one.evidence is not None]
    p_values = [known.p_value(one.margin) for one, known in found]
    shares = decisions.holm(p_values, alpha)
    return [
        _decided(one, known, p_value <= share, share)
        for (one, known), p_value, share in zip(found, p_values, shares, strict=True)
    ]


def _decided(one: Question, known: Evidence, answered: bool, share: float) -> Decided:
    low, high = known.limits(share)
    outcome = decisions.outcome(low, high, one.margin) if answered else decisions.UNDETERMINED
    decision = Decision(outcome, one.margin, 1 - share, low, high, _detectable(one, known, share))
    status = status_of(decision)
    if status == DIRECTION and known.agrees > share:
        status = UNDETERMINED
    return Decided(known.mean, decision, status)


def _detectable(one: Question, known: Evidence, share: float) -> float | None:
    """What would have been seen; None where the two ends differ, or another test has a say."""
    end = known.low
    if end is None or end != known.high or known.agrees or not end.se:
        return None
    return decisions.detectable(end.se, end.df, one.margin, share)


def _finding(one: Asked, answers: dict[int, Decided]) -> Finding:
    if not one.questions:
        return not_tested(one.claim, one.detail, one.numbers)
    statuses = [answers[id(q)].status if id(q) in answers else UNDETERMINED for q in one.questions]
    status, said = one.rule(statuses) if one.rule else (together(statuses), "")
    numbers = (*(_number(q, answers) for q in one.questions), *one.numbers)
    early = [PRELIMINARY] if any(q.preliminary and answerable(q) for q in one.questions) else []
    return Finding(
        BY_ID[one.claim],
        status,
        one.scope,
        numbers,
        tuple(dict.fromkeys([*early, *one.flags])),
        one.detail or "; ".join([*([said] if said else []), *_reasons(one.questions)]),
        one.part,
        tuple(q.label for q in one.questions if id(q) not in answers),
    )


def _number(one: Question, answers: dict[int, Decided]) -> Number:
    if id(one) in answers:
        return Number(one.label, answers[id(one)], one.digits, one.ratio)
    if one.seen is not None:
        return Number(f"{one.label}, not decided", one.seen, one.digits, one.ratio)
    return Number(one.label, f"{UNDETERMINED}: {one.barred or 'no interval'}")


def _reasons(questions: Iterable[Question]) -> Iterator[str]:
    """Why what was barred was barred; reasons that several share stand once."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for one in questions:
        if not answerable(one):
            reasons[one.barred or "no interval"].append(one.label)
    for reason, labels in reasons.items():
        yield reason if len(labels) == len(tuple(questions)) else f"{', '.join(labels)}: {reason}"
