"""The section on claims: one table to read at a glance, then a short entry for each claim."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from harness.claims import (
    APPLICATIONS,
    CLAIMS,
    DECIDED,
    NOT_TESTED,
    PRELIMINARY,
    Claim,
    Decided,
    Finding,
    Number,
    judge,
)
from harness.comparing.findings import Findings
from harness.report.markdown import NONE, bullets, escape, estimated, score, section, table
from harness.statistics.decisions import Decision
from harness.statistics.stats import Estimate

TITLE = "What articles claim"
HOW = (
    "Each claim is judged by one rule, whichever way it falls: supported where the whole interval "
    "lies beyond the margin, refuted where it lies within the margin (equivalent) or beyond it on "
    "the other side (reversed), undetermined otherwise; direction only where the interval leaves "
    "out 0 and not the margin. Numbers are positive (ratios above 1) where they speak for "
    "the claim. Fewer than {seeds} seeds are preliminary. Claims that are not main questions share "
    "one error of {alpha:g} for each kind of data and machine. Margins are those of plan {plan}, "
    "{standing}."
)
HEADER = ["id", "claim", "verdict", "numbers", "about"]
APPLIED = (
    "Articles also name lines of business. These are not testable without the user's data; what "
    "they come down to is:"
)
FEW = 2
"""Numbers that the table shows in full; of more it says which questions were answered how."""
SHORT = 120


def claims(findings: Findings) -> str:
    """The section."""
    found = judge(findings)
    plan = findings.plan
    how = HOW.format(
        seeds=plan.fewest_seeds,
        alpha=plan.alpha,
        plan=escape(plan.name),
        standing=escape(findings.standing),
    )
    entries = (_entry(one, [f for f in found if f.claim is one]) for one in CLAIMS)
    return section(
        2, TITLE, how, table(HEADER, [_row(one) for one in found]), *entries, _applications()
    )


def _row(one: Finding) -> list[str]:
    sentence = one.claim.sentence + (f" ({one.part})" if one.part else "")
    return [
        escape(one.claim.id),
        escape(sentence),
        f"**{_verdict(one)}**",
        _briefly(one) or NONE,
        escape(one.scope) or NONE,
    ]


def _verdict(one: Finding) -> str:
    return escape(one.status + (f", {PRELIMINARY}" if PRELIMINARY in one.flags else ""))


def _briefly(one: Finding) -> str:
    """The numbers that decided; of many, what each said."""
    if len(one.decided) <= FEW and not one.unanswered:
        return "; ".join(f"{escape(number.label)}: {_shown(number)}" for number in one.decided)
    said: dict[str, list[str]] = defaultdict(list)
    for number in one.decided:
        if isinstance(number.value, Decided):
            said[number.value.status].append(number.label)
    if one.unanswered:
        said["not decided"] += one.unanswered
    return "; ".join(f"{escape(status)}: {_which(labels)}" for status, labels in said.items())


def _which(labels: Sequence[str]) -> str:
    """The questions by name where they are short, else how many."""
    text = "; ".join(map(escape, labels))
    return text if len(text) <= SHORT else str(len(labels))


# --- one claim ----------------------------------------------------------------------------------


def _entry(claim: Claim, found: Sequence[Finding]) -> str:
    lines = [
        f"Hypothesis: {escape(claim.hypothesis)}",
        f"Measurement: {escape(claim.measurement)}",
        f"Rule: {escape(claim.rule)}",
    ]
    parts = (_finding(one) for one in found)
    return section(3, f"{escape(claim.id)}: {escape(claim.sentence)}", bullets(lines), *parts)


def _finding(one: Finding) -> str:
    limits = [flag for flag in one.flags if flag != PRELIMINARY]
    part = f", {one.part}" if one.part else ""
    scope = f" ({escape(one.scope + part)})" if one.scope != NONE else ""
    notes = [*(escape(limit) for limit in limits), *([_detail(one)] if one.detail else [])]
    head = f"**{_verdict(one)}**{scope}" + (f": {'; '.join(notes)}" if notes else "")
    numbers = [f"{escape(number.label)}: {_in_full(number)}" for number in one.numbers]
    return f"{head}.\n\n{bullets(numbers)}" if numbers else f"{head}."


def _detail(one: Finding) -> str:
    """What to run stands as code where it is a command."""
    if one.status == NOT_TESTED and one.detail.startswith("python "):
        return f"to test it: `{one.detail}`"
    return escape(one.detail)


def _in_full(number: Number) -> str:
    value = number.value
    if not isinstance(value, Decided):
        return _shown(number)
    text = f"{_shown(number)}: {escape(value.status)}"
    if value.status in DECIDED or value.decision.detectable is None:
        return text
    seen = _size(value.decision.detectable, number)
    return f"{text} ({seen} would have been seen with 80 % power)"


def _shown(number: Number) -> str:
    value = number.value
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Decided):
        return _decided(value, number)
    return _ratio(value) if number.ratio else estimated(value, number.signed, number.digits)


def _decided(value: Decided, number: Number) -> str:
    decision, digits = value.decision, number.digits
    mean = _times(value.mean) if number.ratio else score(value.mean, True, digits)
    return f"{mean}{_limits(decision, number)} against {_size(decision.margin, number)}"


def _size(value: float, number: Number) -> str:
    return _times(value) if number.ratio else score(value, digits=number.digits)


def _limits(decision: Decision, number: Number) -> str:
    """The interval with its level; nothing where an amount is exact."""
    low, high = decision.low, decision.high
    if low is None or high is None or (decision.level >= 1 and low == high):
        return ""
    show = _times if number.ratio else lambda v: _open(v) or score(v, True, number.digits)
    level = "all readings" if decision.level >= 1 else f"{100 * decision.level:.4g} %"
    return f" [{show(low)}, {show(high)}] ({level})"


def _times(log: float) -> str:
    """A logarithm as a ratio."""
    return _open(log) or f"{math.exp(log):.3g}"


def _open(value: float) -> str:
    return "" if math.isfinite(value) else "open"


def _ratio(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return _times(found.mean)
    return f"{_times(found.mean)} [{_times(found.low)}, {_times(found.high)}]"


# --- lines of business --------------------------------------------------------------------------


def _applications() -> str:
    rows = [
        [escape(one.name), escape(one.tasks), NOT_TESTED, escape(one.how)] for one in APPLICATIONS
    ]
    header = ["line of business", "task", "verdict", "what would test it"]
    return section(3, "Lines of business", APPLIED, table(header, rows))
