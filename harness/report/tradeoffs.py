"""Quality against cost: a table for each task, who dominates whom, and commands that choose."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from harness.comparing.comparison import Comparison
from harness.comparing.costs import DOUBT, ENERGY, MEMORY, P50, P95, TIME, TRAINING, Cost, Kind
from harness.comparing.findings import Findings
from harness.comparing.tradeoffs import Lineup, dominates, dominators, lineup, short, unproven
from harness.report.figures import figure
from harness.report.machines import machine_of, machines
from harness.report.markdown import bullets, escape, estimated, score, section, table
from harness.report.summary import caveat, place

TITLE = "Quality against cost"
READING = (
    "Quality and costs stand side by side and are never added up to one score. A model dominates "
    "another where it is surely no worse in anything and surely better in something: the interval "
    "of the paired difference in quality no lower than minus the margin, no cost's ratio above "
    "{ratio:g} (upper limit), and quality above the margin or a cost below 1 / {ratio:g} for sure. "
    "Latency and time between two models are decided by their race where there was one, other "
    "costs by the two intervals set against each other. What nobody dominates is on the front. "
    "Latency is of one request at a time from words to answer (the whole text, if one is written); "
    "memory the peak of a process that answers a batch, in units of 1,000,000 bytes; time that of "
    "the best batch size; energy with idling included; training a mean over seeds. A figure "
    "without an interval is taken to be right within a factor of {doubt:g}."
)
CHOOSE = (
    "To choose under limits of your own (the command says why, how sure that is and what would "
    "change it; results=FOLDER where the records lie elsewhere):"
)
PREFIX = "not measured: "
NOTHING = "No model has results yet."
MOST_COMMANDS = 3


def tradeoffs(findings: Findings) -> str:
    """The section on quality and cost."""
    found = [one for one in _lineups(findings) if one.candidates]
    if not found:
        return section(2, TITLE, NOTHING)
    ratio = findings.plan.cost_ratio
    return section(
        2,
        TITLE,
        READING.format(ratio=ratio, doubt=DOUBT),
        *(section(3, f"{TITLE}: {place(one.group)}", *_task(one, ratio)) for one in found),
        _commands(found),
    )


def names_of(comparison: Comparison) -> dict[str, str]:
    """The short name of the machine of every measurement, by the measurement's identity."""
    names = machines(comparison)
    return {one.identity: names[machine_of(one)] for one in comparison.measurements}


def _lineups(findings: Findings) -> list[Lineup]:
    names = names_of(findings.comparison)
    return [lineup(findings, group, names) for group in findings.comparison.groups]


# --- one task -----------------------------------------------------------------------------------


def _task(found: Lineup, cost_ratio: float) -> Iterator[str]:
    kinds, missing = _kinds(found)
    meter = found.candidates[0].arm.headline
    header = ["model", escape(meter.caption), *map(titled, kinds), "front"]
    rows = []
    for one, said in zip(found.candidates, standings(found, cost_ratio), strict=True):
        quality = estimated(one.arm.scores[0].estimate, digits=meter.digits)
        cells = [shown(one.costs[kind]) for kind in kinds]
        rows.append([escape(one.arm.description), quality, *cells, said])
    yield table(header, rows, "lr" + "r" * len(kinds) + "l")
    yield bullets([*missing, *_notes(found)])
    yield caveat(found.group.embedded)


def titled(kind: Kind) -> str:
    """A cost with its unit, for the head of a column."""
    return f"{kind.name}, {kind.unit}" if kind.unit else kind.name


def shown(cost: Cost) -> str:
    """1.71 [1.66, 1.82], or why there is no figure or no interval; escaped."""
    if cost.value is None:
        return escape(cost.why)
    if cost.low is None or cost.high is None:
        return f"{figure(cost.value)} ({escape(cost.why)})"
    if cost.low == cost.high:
        return figure(cost.value)
    high = "no limit" if math.isinf(cost.high) else figure(cost.high)
    return f"{figure(cost.value)} [{figure(cost.low)}, {high}]"


def _kinds(found: Lineup) -> tuple[list[Kind], list[str]]:
    """Costs that anyone's figure is known of, and a line on each of the others."""
    kinds, missing = list[Kind](), list[str]()
    for kind in (found.latency, MEMORY, TIME, ENERGY, TRAINING):
        each = [one.costs[kind] for one in found.candidates]
        if any(cost.value is not None for cost in each):
            kinds.append(kind)
        else:
            missing.append(f"No {kind.name}: {_reasons(each)}.")
    if found.latency == P50:
        missing.append(f"No {P95.name}: {_reasons([one.costs[P95] for one in found.candidates])}.")
    return kinds, missing


def _reasons(each: Sequence[Cost]) -> str:
    """Why nobody's figure is known."""
    return "; ".join(dict.fromkeys(escape(cost.why.removeprefix(PREFIX)) for cost in each))


def standings(found: Lineup, cost_ratio: float) -> list[str]:
    """Whether each candidate is on the front, or who dominates it, or would but for what."""
    names = [escape(name) for name in short([one.arm for one in found.candidates])]
    said = []
    for at, by in enumerate(dominators(found, cost_ratio)):
        if by:
            seeds = min(_seeds(found, one, at) for one in by)
            text = f"dominated by {', '.join(names[one] for one in by)}"
            said.append(text + (" (one seed)" if seeds == 1 else ""))
        else:
            said.append(_open(found, at, names, cost_ratio) or "on the front")
    return said


def _open(found: Lineup, at: int, names: Sequence[str], cost_ratio: float) -> str:
    """Who would dominate a candidate if costs that prove nothing were left out."""
    kinds, by = dict[Kind, None](), list[str]()
    for one in range(len(found.candidates)):
        here = unproven(found, one, at) if one != at else []
        if here and dominates(found, one, at, cost_ratio, here):
            kinds |= dict.fromkeys(here)
            by.append(names[one])
    text = ", ".join(kind.name for kind in kinds)
    return f"open: {', '.join(by)} would dominate it, but {text} has no interval" if by else ""


def _seeds(found: Lineup, one: int, other: int) -> int:
    estimate = found.leads[one, other].estimate
    return estimate.seeds if estimate else 0


def _notes(found: Lineup) -> Iterator[str]:
    if found.margin is None:
        metric = escape(found.group.key.metrics[0])
        yield f"The plan has no margin for {metric}, so nothing is said to dominate anything."
    else:
        digits = found.candidates[0].arm.headline.digits
        yield f"Margin of quality: {score(found.margin, digits=digits)}."
    names = [escape(name) for name in short([one.arm for one in found.candidates])]
    for (i, j), lead in found.leads.items():
        if i < j and lead.estimate is None:
            yield f"{names[i]} and {names[j]} cannot be compared: {escape(lead.why)}."
    yield from (f"{escape(name)} left out: {escape(why)}." for name, why in found.barred.items())
    if found.untrained:
        yield "Only untrained bodies are on record."
    if len(found.machines) > 1:
        others = ", ".join(name for name in found.machines if name != found.machine)
        yield f"Costs of answering are those measured on {found.machine}; others on {others}."


# --- commands -----------------------------------------------------------------------------------


def _commands(lineups: Sequence[Lineup]) -> str:
    """The richest task without limits, and this and the next one with some."""
    lines = list[str]()
    for one in sorted(lineups, key=lambda one: -len(one.candidates)):
        key = one.group.key
        if all(re.fullmatch(r"[\w.-]+", word) for word in (key.task, key.data)):
            data = f" data={key.data}" if _ambiguous(one, lineups) else ""
            start, limits = f"python -m harness.choose task={key.task}{data}", _limits(one)
            lines += [] if lines else [start]
            lines += [start + limits] if limits else []
    shown = "\n".join(lines[:MOST_COMMANDS])
    return f"{CHOOSE}\n\n```\n{shown}\n```" if lines else ""


def _ambiguous(one: Lineup, lineups: Sequence[Lineup]) -> bool:
    return sum(other.group.key.task == one.group.key.task for other in lineups) > 1


def _limits(found: Lineup) -> str:
    """Limits that the fastest keeps and a slower one may not, and that all keep in memory."""
    latencies, sizes = (_ceilings(found, kind) for kind in (found.latency, MEMORY))
    text = ""
    if latencies:
        text += f" max_latency_ms={rounded_up(min(latencies), 2)}"
        text += " latency=p50" if found.latency == P50 else ""
    if sizes:
        text += f" max_memory_mb={rounded_up(max(sizes), 1)}"
    return text


def _ceilings(found: Lineup, kind: Kind) -> list[float]:
    each = [one.costs[kind] for one in found.candidates]
    return [cost.ceiling for cost in each if cost.value and math.isfinite(cost.ceiling)]


def rounded_up(value: float, digits: int) -> str:
    """The next number of so many digits that is not below a positive value."""
    unit = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    return f"{math.ceil(value / unit - 1e-9) * unit:.10g}"
