"""Which model is faster, question by question: races, each beside the race of a model with itself.

Never one verdict over all: the questions have different answers.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable

from harness.comparing.comparison import Comparison
from harness.comparing.findings import Findings
from harness.comparing.lanes import Lane, device, lanes, raced
from harness.measurement import Measurement, Series
from harness.report.figures import borne, figure
from harness.report.machines import machine_of, machines, named, place
from harness.report.markdown import NONE, bullets, escape, section, shorten, table
from harness.statistics import timings
from harness.statistics.timings import SERVER, Ratio

TITLE = "Which is faster"
NOTHING = (
    "No two models took turns yet, so nothing says which is faster: python -m harness.race "
    "runs the races (or add race=quick to a run)."
)
METHOD = (
    "Both models took turns in one process, A B B A in each block. Each question has its own "
    "answer; there is no overall one. GPT / BERT is the ratio of seconds, a geometric mean over "
    "blocks with a 95 % t interval: below 1, GPT was faster. A/A is GPT against its own copy: more "
    "than 2 % off, an interval that leaves 1 out and reaches beyond 2 %, or no such race makes the "
    "line noisy, whatever the ratio. Seconds are wall seconds, or process seconds where any block "
    "shows foreign load (wall above 1.1 times process)."
)
OWN_LENGTH = "One by one and offline, each model wrote texts of its own length."
SERVED = (
    "Server-like, the highest rate (requests / s) that kept the bound with no more work "
    "than time for it; latency counts from the "
    "scheduled arrival, and there is one search a side, so no interval and no verdict:"
)
ASKED = {
    "same shape": "At the same shape",
    "single stream/end to end": "From words to answer, one by one",
    "offline": "Offline",
    "generation": "Per written text",
    "streaming": "A label after every word",
}
"""What kind of question a scenario answers, by its name or the beginning of it."""

UNDETERMINED = "undetermined"
HEADER = ["scenario", "GPT, ms a call", "BERT, ms a call", "GPT / BERT", "A/A", "clock", "blocks"]
HEADER += ["verdict"]


def races(findings: Findings) -> str:
    """The section on races, told apart by the plan's ratio of costs."""
    comparison, margin = findings.comparison, findings.plan.cost_ratio - 1
    tasks: dict[str, list[Measurement]] = defaultdict(list)
    for one in comparison.measurements:
        if one.kind == "race":
            tasks[place(one.subjects[0])].append(one)
    if not tasks:
        return section(2, TITLE, NOTHING)
    chapters = (
        section(3, f"Race: {name}", *(_race(comparison, one, margin) for one in tasks[name]))
        for name in sorted(tasks)
    )
    return section(2, TITLE, METHOD, *chapters)


def _race(comparison: Comparison, found: Measurement, margin: float) -> str:
    gpt, bert = (named(comparison, subject) for subject in found.subjects)
    machine = machines(comparison)[machine_of(found)]
    settings = escape(shorten(found.settings.get("name", NONE)))
    raced = list(lanes(found))
    rows = [_row(lane, device(found), margin) for lane in raced]
    parts = (
        f"GPT is **{gpt}**; BERT is **{bert}**; race {settings}, on {machine}:",
        table(HEADER, rows, "lrrrrlrl") if rows else "Nothing was raced.",
        _answers((lane.name, row[-1]) for lane, row in zip(raced, rows, strict=True)),
        _served(found),
    )
    return "\n\n".join(part for part in parts if part)


def _answers(verdicts: Iterable[tuple[str, str]]) -> str:
    """One sentence for each kind of question, with its verdicts; `verdicts` by scenario."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for name, verdict in verdicts:
        kind, detail = _question(name)
        before = "; " if kinds[kind] else ", " if detail else ""
        kinds[kind].append(f"{before}{detail}: {_in_words(verdict)}")
    sentences = [f"{kind}{''.join(answers)}." for kind, answers in kinds.items()]
    free = {ASKED["single stream/end to end"], ASKED["offline"]} & set(kinds)
    if ASKED["generation"] in kinds and free:
        sentences.append(OWN_LENGTH)
    return " ".join(sentences)


def _question(name: str) -> tuple[str, str]:
    """Which kind of question a scenario asks, and what tells it from others of that kind."""
    for start, kind in ASKED.items():
        rest = name.removeprefix(start)
        if name.startswith(start) and rest[:1] in ("", "/", ","):
            detail = re.sub(r"^T=(?=\d+$)", "filled in T times, T = ", rest.lstrip("/, "))
            return kind, escape(shorten(detail))
    return escape(shorten(name)), ""


def _in_words(verdict: str) -> str:
    """As in the table, but with what is undetermined before the reason."""
    reasons = [part for part in verdict.split(": ") if part != UNDETERMINED]
    return verdict if verdict == reasons[0] else f"{UNDETERMINED} ({reasons[0]})"


def _row(lane: Lane, device: str, margin: float) -> list[str]:
    """One scenario, the verdict last; gate and ratio on the same clock."""
    _, ratio, gate, clock = raced(lane, device)
    gated = NONE if gate is None else _shown(gate) + ("" if timings.passes(gate) else ", failed")
    blocks = NONE
    if ratio:
        blocks = str(ratio.blocks) + (f" ({ratio.left_out} left out)" if ratio.left_out else "")
    times = [_mean(series, clock) for series in lane.sides]
    said = "only one side was raced"
    if None not in lane.sides:
        said = timings.verdict(ratio, gate, margin)
    shown = _shown(ratio) if ratio else NONE
    return [escape(shorten(lane.name)), *times, shown, gated or NONE, clock, blocks, said]


def _mean(series: Series | None, clock: str) -> str:
    """Milliseconds of one call."""
    if series is None or not series.wall_seconds:
        return NONE
    return figure(1000 * float(timings.seconds(series, clock).mean()))


def _shown(ratio: Ratio) -> str:
    mean, low, high = (f"{math.exp(value):.3f}" for value in (ratio.log, ratio.low, ratio.high))
    return f"{mean} [{low}, {high}]"


def _served(found: Measurement) -> str:
    """What each side bore when requests came by themselves."""
    lines = []
    for subject, side in enumerate(("GPT", "BERT")):
        tried = [s for s in found.series if s.name.startswith(SERVER) and s.subject == subject]
        if tried:
            lines.append(f"{side}: {borne(tried)}")
    return f"{SERVED}\n\n{bullets(lines)}" if lines else ""
