"""Which model is faster, question by question: races, each beside the race of a model with itself.

Never one verdict over all: the questions have different answers.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness import record, timings
from harness.comparison import Comparison
from harness.measurement import Measurement, Series
from harness.report import efficiency
from harness.report.efficiency import borne, figure, place
from harness.report.markdown import NONE, bullets, escape, section, shorten, table
from harness.timings import SERVER, Ratio

TITLE = "Which is faster"
NOTHING = (
    "No two models took turns yet, so nothing says which is faster: python -m harness.race "
    "runs the races (or add race=quick to a run)."
)
QUESTIONS = (
    "There are three questions, and none of them answers another. At the same shape: what do the "
    "two networks cost when both read equally many tokens (same shape), and what do their "
    "tokenizers and batches make of the same words (single stream, offline)? Per written text: how "
    "long does a whole text take, token by token or filled in all at once T times (generation)? "
    "Streaming: what does a label after every word cost a model that keeps what it has read, and "
    "one that reads all anew (streaming)? So each line has its own verdict and there is no "
    "overall one."
)
METHOD = (
    "Both models were in one process and took turns (A B B A in each block). The ratio is GPT's "
    "seconds over BERT's, the geometric mean over blocks with a 95 % t interval: above 1, GPT took "
    "longer. A/A is the same race of GPT with its own copy: where it is off by more than 2 % or "
    "its interval leaves 1 out, or where there was none, the line says noisy and nothing else. "
    "Within 10 % both ways counts as equivalent. Seconds are wall seconds; where any block shows "
    "foreign load on a processor (wall above 1.1 times process seconds), process seconds, in which "
    "waiting does not count."
)
SERVED = (
    "Server-like: requests arrive by themselves, one after another is served, and latency counts "
    "from the scheduled arrival. The highest rate (requests / s) that kept the bound; one search a "
    "side, so there is no interval and no verdict."
)
GATE = "A/A/"
HEADER = ["scenario", "GPT, ms", "BERT, ms", "GPT / BERT", "A/A", "clock", "blocks", "verdict"]


class Lane(NamedTuple):
    """One scenario of a race: the series of both sides, and of the model against its copy."""

    name: str
    sides: Sequence[Series | None]
    copies: Sequence[Series | None]


def races(comparison: Comparison) -> str:
    """The section on races."""
    tasks: dict[str, list[Measurement]] = defaultdict(list)
    for one in comparison.measurements:
        if one.kind == "race":
            tasks[place(one.subjects[0])].append(one)
    if not tasks:
        return section(2, TITLE, NOTHING)
    chapters = (
        section(3, f"Race: {name}", *(_race(comparison, one) for one in tasks[name]))
        for name in sorted(tasks)
    )
    return section(2, TITLE, QUESTIONS, METHOD, *chapters)


def _race(comparison: Comparison, found: Measurement) -> str:
    gpt, bert = (efficiency.named(comparison, subject) for subject in found.subjects)
    machine = efficiency.machines(comparison)[efficiency.machine_of(found)]
    settings = escape(shorten(found.settings.get("name", NONE)))
    rows = [_row(lane, efficiency.device(found)) for lane in lanes(found)]
    return "\n\n".join(
        part
        for part in (
            f"GPT is **{gpt}**; BERT is **{bert}**; race {settings}, on {machine}:",
            table(HEADER, rows, "lrrrrlrl") if rows else "Nothing was raced.",
            _served(found),
        )
        if part
    )


def lanes(found: Measurement) -> Iterator[Lane]:
    """What was raced, in the order of the file."""
    table: dict[tuple[str, str], list[Series | None]] = {}
    for one in found.series:
        if not one.name.startswith(SERVER):
            side = one.shape.get("copy") if one.name.startswith(GATE) else one.subject
            both = table.setdefault((one.name, _shape(one)), [None, None])
            if side in (0, 1):
                both[side] = one
    for (name, shape), sides in table.items():
        if not name.startswith(GATE):
            yield Lane(name, sides, table.get((GATE + name, shape), [None, None]))


def _shape(one: Series) -> str:
    return record.canonical({name: value for name, value in one.shape.items() if name != "copy"})


def _row(lane: Lane, device: str) -> list[str]:
    """One scenario; gate and ratio on the same clock."""
    clock = timings.clock_of([s for s in (*lane.sides, *lane.copies) if s is not None], device)
    ratio, gate = (_ratio(pair, clock) for pair in (lane.sides, lane.copies))
    gated = NONE if gate is None else _shown(gate) + ("" if timings.passes(gate) else ", failed")
    blocks = NONE
    if ratio:
        blocks = str(ratio.blocks) + (f" ({ratio.left_out} left out)" if ratio.left_out else "")
    times = [_mean(series, clock) for series in lane.sides]
    said = timings.verdict(ratio, gate) if None not in lane.sides else "only one side was raced"
    shown = _shown(ratio) if ratio else NONE
    return [escape(shorten(lane.name)), *times, shown, gated or NONE, clock, blocks, said]


def _ratio(pair: Sequence[Series | None], clock: str) -> Ratio | None:
    a, b = pair
    return None if a is None or b is None else timings.block_ratio(a, b, clock)


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
