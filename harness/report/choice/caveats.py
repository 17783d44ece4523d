"""How sure a choice is, what would make it surer, what was left out, and what it is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from harness import invocation
from harness.comparing import mismatch
from harness.comparing.choosing import EDGE, UNKNOWN, Limit, fit, standing
from harness.comparing.comparison import SCRATCH
from harness.comparing.costs import (
    DOUBT,
    LATENCIES,
    MORE_REQUESTS,
    P95,
    Cost,
    Kind,
    clock,
    doubts,
)
from harness.comparing.resampling import DRAWS, confidence
from harness.report.choice.case import Case, printable
from harness.report.choice.reasons import compared
from harness.report.summary import MECHANISM
from harness.statistics.stats import EXAMPLES_ONLY
from harness.statistics.timings import PROCESS

FEW = "with so few seeds a bootstrap looks surer than it is"
DOUBTFUL = f"A figure without an interval is taken to be right within a factor of {DOUBT:g}."
ONE = "One seed: this is about these trained runs, not about how they are trained."
STARRED = "An asterisk marks an interval over examples only: one seed."


def sure(case: Case) -> Iterator[str]:
    """The share of replicates with the same choice, and what makes that doubtful."""
    known = standing(case.figures, case.terms.limits) != UNKNOWN
    if not known.any():
        return
    share = confidence(case.lineup, case.terms, case.pick.place, DRAWS)
    same = "the same choice" if case.pick.place is not None else "no model fits either"
    text = f"{same} in {_percent(share)} of {DRAWS:,} bootstrap replicates (seeds, test examples "
    text += "and costs drawn again)."
    seeds, wanted = min(_seeds(case), default=0), case.plan.fewest_seeds
    if seeds == 1:
        text += f" {ONE}"
    elif 0 < seeds < wanted:
        text += f" Preliminary: {seeds} seeds where {wanted} are wanted; {FEW}."
    yield text


def _seeds(case: Case) -> Iterator[int]:
    """Seeds behind every score and difference that decided."""
    for at in compared(case):
        yield len(case.lineup.candidates[at].arm.seeds)
        lead = case.lineup.leads.get((case.pick.best or 0, at))
        if lead is not None and lead.estimate is not None:
            yield lead.estimate.seeds


def _percent(share: float) -> str:
    """Whole percents; never all of them where a replicate differs."""
    if 0.995 <= share < 1:
        return f"{int(share * 1000) / 10:.1f} %"
    return f"{share:.0%}".replace("%", " %")


def left_out(case: Case) -> Iterator[str]:
    """Candidates whose limited costs are not known, and arms that are no candidates."""
    for limit in case.terms.limits:
        yield from _reasons(case, limit, UNKNOWN)
    for name, reason in case.lineup.barred.items():
        yield f"{printable(name)}: {printable(reason)}"
    untrained = sum(arm.key.weights == SCRATCH for arm in case.lineup.group.arms)
    if untrained and not case.lineup.untrained:
        yield f"{untrained} untrained {'body' if untrained == 1 else 'bodies'} (controls)"


def surer(case: Case) -> Iterator[str]:
    """What would tell of candidates at the edge whether they fit."""
    for limit in case.terms.limits:
        yield from _reasons(case, limit, EDGE)


def _reasons(case: Case, limit: Limit, wanted: int) -> Iterator[str]:
    """One line for each reason; the command is that for the first it concerns."""
    reasons: dict[tuple[str, str], list[int]] = defaultdict(list)
    overall = standing(case.figures, case.terms.limits)
    for at, found in enumerate(fit(case.figures, limit)):
        if found == wanted == overall[at]:
            reasons[_reason(case.lineup.candidates[at].costs[limit.kind], limit.kind)].append(at)
    for (reason, remedy), places in reasons.items():
        names = ", ".join(case.names[at] for at in places)
        text = f"{names}: {printable(reason)}" if reason else names
        yield f"{text}; {_command(case, places[0], remedy)}" if remedy else text


def _reason(cost: Cost, kind: Kind) -> tuple[str, str]:
    """Why a cost is not known, or no better, and what to add to a run to get it."""
    if cost.value is not None and not cost.why:
        return (
            f"the interval of {kind.name} holds the limit",
            MORE_REQUESTS if kind in LATENCIES else "",
        )
    fewer = "; latency=p50 needs fewer" if kind == P95 and cost.remedy == MORE_REQUESTS else ""
    return f"{kind.name}, {cost.why}{fewer}", cost.remedy


def _command(case: Case, at: int, remedy: str) -> str:
    """What would measure it."""
    arm = case.lineup.candidates[at].arm
    cell, config = arm.first.cell, arm.first.config
    words = invocation.words(cell, config)
    if case.lineup.group.embedded:
        del words["data"]
    if not arm.native:
        words |= invocation.mode(cell, config)
    return printable(f"try: {invocation.command(words)} {remedy}")


def _computer(case: Case) -> str:
    """Processor, or GPU, of the machine that the figures are of."""
    for one in case.lineup.candidates:
        facts = one.found.environment.get("machine") if one.found else None
        if isinstance(facts, dict):
            return str(facts.get("gpu") or facts.get("cpu") or "unknown processor")
    return "unknown processor"


def scope(case: Case) -> Iterator[str]:
    """Where quality and costs come from, and what they cannot show."""
    group = case.lineup.group
    ours = {id(one.arm) for one in case.lineup.candidates}
    levels = dict.fromkeys(
        mismatch.scope(group, one).partition(", ")[2]
        for one in group.contrasts
        if {id(one.gpt), id(one.bert)} <= ours
    )
    world = "embedded world" if group.embedded else "real data"
    match = f" ({'; '.join(levels)})" if levels else ""
    yield printable(f"{world}{match}, {group.key.evaluated} split.")
    if case.lineup.untrained:
        yield "Only untrained bodies are on record."
    if case.lineup.machine:
        where = f"{case.lineup.machine} ({_computer(case)})"
        yield printable(f"Costs of answering as measured on {where}{_clocks(case)}.")
    if any(c.arm.scores[0].estimate.covers == EXAMPLES_ONLY for c in case.lineup.candidates):
        yield STARRED
    if any(c.value and c.low is None for c in _used(case)):
        yield DOUBTFUL
    yield from _doubts(case)
    if group.embedded:
        yield MECHANISM


def _used(case: Case) -> Iterator[Cost]:
    for kind in (*case.terms.order, *(one.kind for one in case.terms.limits)):
        yield from (one.costs[kind] for one in case.lineup.candidates)


def _clocks(case: Case) -> str:
    slow = any(one.found and clock(one.found) == PROCESS for one in case.lineup.candidates)
    return ", some in process seconds because of foreign load" if slow else ""


def _doubts(case: Case) -> Iterator[str]:
    for name, one in zip(case.names, case.lineup.candidates, strict=True):
        for doubt in dict.fromkeys(doubts(one.arm, one.found)) if one.found else ():
            yield f"Doubtful: {name}, {printable(doubt)}."
