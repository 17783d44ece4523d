"""What an answer costs: latency, throughput, memory and energy of models measured by themselves.

Which of two models is faster is not decided here but in a race (`races`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from harness import record, timings
from harness.comparison import Comparison, Tuned
from harness.measurement import Measurement, Series, Stage, Subject
from harness.report.markdown import (
    NONE,
    bullets,
    count,
    escape,
    estimated,
    is_number,
    score,
    section,
    shorten,
    table,
)
from harness.report.reading import voided
from harness.report.summary import caveat
from harness.report.texts import PARALLEL
from harness.stats import Estimate
from harness.timings import SERVER, Percentile

TITLE = "Efficiency"
NOTHING = (
    "Nothing was measured yet: add probe=quick to a run (python -m harness.run ... probe=quick) "
    "and its kept model is measured alone on the machine."
)
READING = (
    "Each column is one tuned model, measured alone in a process of its own. Latencies are of one "
    "request at a time; brackets hold 95 % intervals: of percentiles between order statistics, of "
    "throughput over batches (ratio estimator: total work over total seconds). They cover the "
    "requests of this one measurement, not another day or machine. A percentile that the samples "
    "cannot carry is refused. Quality is that of all seeds on the test split. Do not read from "
    "two columns which model is faster: races below decide that."
)
UNTRAINED = "architecture only"
ENERGY = (
    "Energy is read from the device's counter, which some devices feed from a sample of the "
    "runtime only: differences below 5 % say nothing. Net is gross minus what idling would have "
    "used in the same time."
)
LEDGER = (
    "Seconds count from the start of the process; sizes are in MiB. Weights, buffers, gradients "
    "and optimizer are exact sums over tensors. Activations and the rest are the peak less what "
    "was held before the stage and less what these sums grew by: the batch and the allocator's "
    "slack are among them."
)
MODEL, END_TO_END, OFFLINE = "single stream/model", "single stream/end to end", "offline"
PREFILL, FIRST, WHOLE = "generation/prefill", "generation/first token", "generation/whole text"
NATURAL = "natural"
KNOWN = (MODEL, END_TO_END, OFFLINE, PREFILL, FIRST, WHOLE)
IMPORTS, ANSWERED, FORWARD, TRAINING = "imports", "first answer", "forward", "training step"
PARTS = ("weights", "buffers", "gradients", "optimizer")
DEVICE_PEAK = "allocated_peak"
MIB = 2**20


@dataclass(frozen=True)
class Column:
    """One measured model: a column of a table."""

    found: Measurement
    subject: Subject
    tuned: Tuned | None  # the run behind its weights
    name: str
    machine: str  # "E1"
    clock: str

    def series(self, name: str, length: str | None = None) -> Series | None:
        """The series of this name, of texts of this length where one is asked for."""
        named = (one for one in self.found.series if one.name == name)
        return next((one for one in named if length in (None, length_of(one))), None)

    def stage(self, name: str) -> Stage | None:
        """The stage of memory of this name."""
        return next((one for one in self.stages if one.name == name), None)

    @property
    def stages(self) -> Sequence[Stage]:
        """Memory along the process's life."""
        return self.found.memory.get("0", ())

    def missing(self, what: str) -> str:
        """That something was not measured, and why where that is on record."""
        why = self.found.not_measured.get(what)
        return f"not measured: {escape(shorten(why))}" if why else "not measured"


Row = tuple[str, Callable[[Column], str]]


def efficiency(comparison: Comparison) -> str:
    """The section on measured models."""
    if not comparison.measurements:
        return section(2, TITLE, NOTHING)
    columns = columns_of(comparison)
    tasks: dict[str, list[Column]] = defaultdict(list)
    for one in columns:
        tasks[place(one.subject)].append(one)
    embedded = any(one.tuned and one.tuned.group.embedded for one in columns)
    return section(
        2,
        TITLE,
        *([READING] if columns else ["No model was measured by itself; see the races below."]),
        *(section(3, f"{TITLE}: {name}", _task(tasks[name])) for name in sorted(tasks)),
        caveat(embedded),
        ENERGY if any(one.found.energy for one in columns) else "",
        _memory(columns),
        _doubts(comparison),
        _machines(comparison),
    )


def columns_of(comparison: Comparison) -> list[Column]:
    """Every probe, decoders first within a pair."""
    probes = [one for one in comparison.measurements if one.kind == "probe"]
    columns = [_column(comparison, one) for one in probes]
    return sorted(columns, key=lambda one: (one.subject.pair, one.subject.family != "gpt"))


def _column(comparison: Comparison, found: Measurement) -> Column:
    subject = found.subjects[0]
    machine = machines(comparison)[machine_of(found)]
    name, clock = named(comparison, subject), timings.clock_of(found.series, device(found))
    return Column(found, subject, comparison.tuned(subject), name, machine, clock)


def named(comparison: Comparison, subject: Subject) -> str:
    """A subject in the words of its arm; in its own where no run on record has its weights."""
    tuned = comparison.tuned(subject)
    return escape(tuned.arm.description if tuned else f"{subject.description}, {subject.mode}")


def place(subject: Subject) -> str:
    """What was measured: a task on data, or an architecture without weights."""
    if subject.weights == UNTRAINED:
        return f"{UNTRAINED}, quality not measured"
    return escape(f"{subject.task} on {subject.data}")


def device(found: Measurement) -> str:
    """Where the network ran."""
    return str(found.settings.get("device", "cpu"))


# --- one table a task ---------------------------------------------------------------------------


def _task(columns: Sequence[Column]) -> str:
    rows = [(name, [cell(one) for one in columns]) for name, cell in _rows(columns)]
    header = ["", *(one.name for one in columns)]
    return table(header, [[name, *cells] for name, cells in rows], "l" + "r" * len(columns))


def length_of(series: Series) -> str:
    """How long texts were asked to be: "natural", or a number of tokens."""
    return str(series.shape.get("length", NATURAL))


def _rows(columns: Sequence[Column]) -> Iterator[Row]:
    """What a table says, from top to bottom; of texts and further scenarios where there are any."""
    if not all(one.subject.weights == UNTRAINED for one in columns):
        yield from (("quality", _quality), ("measured weights", _weights), ("kernel", _kernel))
    yield "measured by", _probe
    yield "clock", lambda one: one.clock
    yield "p50, end to end, ms", partial(_latency, name=END_TO_END)
    yield "p95, end to end, ms", partial(_latency, name=END_TO_END, q=0.95)
    yield "p50, model only, ms", partial(_latency, name=MODEL)
    yield from _writing(columns)
    yield from _others(columns)
    yield "best batch size", _batch
    yield "examples / s", partial(_throughput, what="examples")
    yield "words / s", partial(_throughput, what="words")
    yield "real tokens / s", partial(_throughput, what="tokens")
    yield "padding share", _padding
    yield "peak memory, forward, MiB", partial(_peak, name=FORWARD)
    yield "peak memory, training step, MiB", partial(_peak, name=TRAINING)
    yield "cold start, s", _cold_start
    if any(one.tuned for one in columns):
        yield "training, CPU s", _training
    yield "energy per 1,000 examples, J", _energy


def _writing(columns: Sequence[Column]) -> Iterator[Row]:
    """Rows of written texts: natural length, then fixed ones."""
    found = {length_of(s) for c in columns for s in c.found.series if s.name == WHOLE}
    for length in sorted(found, key=lambda one: (one != NATURAL, len(one), one)):
        of = "natural length" if length == NATURAL else f"{escape(shorten(length, 20))} tokens"
        for name, text in ((PREFILL, "prefill"), (FIRST, "first token"), (WHOLE, "whole text")):
            yield f"p50, {text}, {of}, ms", partial(_latency, name=name, length=length)
        yield f"p50, per further token, {of}, ms", partial(_per_token, length=length)


def _others(columns: Sequence[Column]) -> Iterator[Row]:
    """Scenarios of which nothing more is known than their name."""
    names = {s.name: None for c in columns for s in c.found.series if s.name not in KNOWN}
    for name in names:
        text = escape(shorten(name, 60))
        if name.startswith(SERVER):
            yield f"{text}, requests / s", partial(_borne, name=name)
        else:
            yield f"p50, {text}, ms", partial(_latency, name=name)


def _probe(one: Column) -> str:
    return f"{escape(shorten(one.found.settings.get('name', NONE)))}, on {one.machine}"


def _quality(one: Column) -> str:
    if one.tuned is None:
        return "no run on record has these weights"
    if not one.tuned.arm.scores:
        return "refused"
    best, seeds = one.tuned.arm.scores[0], len(one.tuned.arm.seeds)
    shown = estimated(best.estimate, digits=best.meter.digits)
    text = f"{escape(best.meter.caption)} {shown}, {seeds} {'seed' if seeds == 1 else 'seeds'}"
    rung = voided(one.tuned.arm)
    return f"{text}; void: {rung}" if rung else text


def _weights(one: Column) -> str:
    digest = escape((one.subject.checkpoint or NONE)[:8])
    return f"seed {one.tuned.run.seed} ({digest})" if one.tuned else digest


def _kernel(one: Column) -> str:
    facts = one.tuned.arm.first.model if one.tuned else None
    return escape(f"{facts.attention}, {facts.precision}") if facts else NONE


def _latency(one: Column, name: str, q: float = 0.5, length: str | None = None) -> str:
    series = one.series(name, length)
    if series is None:
        return one.missing(name)
    return milliseconds(timings.percentile(timings.seconds(series, one.clock), q))


def _per_token(one: Column, length: str) -> str:
    first, whole = one.series(FIRST, length), one.series(WHOLE, length)
    if first is None or whole is None:
        return one.missing(WHOLE)
    if one.subject.mode == PARALLEL:
        return "all tokens at once"
    return milliseconds(timings.percentile(timings.per_token(first, whole, one.clock), 0.50))


def _borne(one: Column, name: str) -> str:
    tried = [series for series in one.found.series if series.name == name]
    return borne(tried) if tried else one.missing(name)


def _best(one: Column) -> tuple[Series, Estimate] | None:
    """The batch size with the most examples a second."""
    offline = [series for series in one.found.series if series.name == OFFLINE]
    rates = [(s, rate) for s in offline if (rate := timings.rate(s, "examples", one.clock))]
    return max(rates, key=lambda found: found[1].mean, default=None)


def fastest(one: Column) -> float | None:
    """Examples per second at the best batch size."""
    best = _best(one)
    return best[1].mean if best else None


def _batch(one: Column) -> str:
    best = _best(one)
    return count(best[0].shape.get("batch_size")) if best else one.missing(OFFLINE)


def _throughput(one: Column, what: str) -> str:
    best = _best(one)
    found = timings.rate(best[0], what, one.clock) if best else None
    if found is None:
        return one.missing(OFFLINE)
    if found.low is None or found.high is None:
        return f"{figure(found.mean)} (no interval: {escape(found.note)})"
    return f"{figure(found.mean)} [{figure(found.low)}, {figure(found.high)}]"


def _padding(one: Column) -> str:
    best = _best(one)
    work: Mapping[str, Sequence[int]] = best[0].work if best else {}
    if not sum(work.get("positions", ())):
        return one.missing(OFFLINE)
    return score(1 - sum(work.get("tokens", ())) / sum(work["positions"]))


def _peak(one: Column, name: str) -> str:
    stage, imports = one.stage(name), one.stage(IMPORTS)
    if stage is None:
        return one.missing(name)
    text = mib(stage.peak_bytes) if stage.peak_bytes is not None else _unread(stage)
    if stage.peak_bytes is not None and imports and imports.resident_bytes is not None:
        text += f" ({mib(stage.peak_bytes - imports.resident_bytes)} above imports)"
    held = stage.device.get(DEVICE_PEAK)
    return text if held is None else f"{text}; device {mib(held)}"


def _cold_start(one: Column) -> str:
    stage = one.stage(ANSWERED)
    if stage is None:
        return one.missing("cold start")
    return _unread(stage) if stage.seconds is None else figure(stage.seconds)


def _unread(stage: Stage) -> str:
    return "not measured" + (f": {escape(shorten(stage.why))}" if stage.why else "")


def _training(one: Column) -> str:
    runs = one.tuned.arm.runs if one.tuned else ()
    logs = [run.record.training for run in runs if run.record.training]
    return f"{sum(log.cpu_seconds for log in logs) / len(logs):.1f}" if logs else NONE


def _energy(one: Column) -> str:
    """Gross and net joules of each window that says how many examples it answered."""
    texts = []
    for window in one.found.energy:
        if thousands := window.work.get("examples", 0) / 1000:
            net = window.gross_joules - window.idle_watts * window.seconds
            joules = [figure(value / thousands) for value in (window.gross_joules, net)]
            texts.append(f"{escape(window.name)}: {joules[0]} gross, {joules[1]} net")
    return "; ".join(texts) or one.missing("energy")


# --- memory, doubts, machines -------------------------------------------------------------------


def _memory(columns: Sequence[Column]) -> str:
    rows = [[one.name, *_stage(one, stage)] for one in columns for stage in one.stages]
    if not rows:
        return ""
    header = ["model", "stage", "s", "resident", "peak", *PARTS, "activations, rest", "device"]
    header += ["shape, or why not"]
    return section(3, "Memory", LEDGER, table(header, rows, "llrrrrrrrrll"))


def _stage(one: Column, stage: Stage) -> list[str]:
    held = [f"{escape(name)} {mib(size)}" for name, size in stage.device.items()]
    shape = [f"{escape(name)} {count(size)}" for name, size in stage.shape.items()]
    if stage.why:
        shape.append(_unread(stage))
    sizes = [stage.resident_bytes, stage.peak_bytes, *(stage.parts.get(name) for name in PARTS)]
    numbers = [figure(stage.seconds), *map(mib, [*sizes, _rest(one, stage)])]
    return [escape(stage.name), *numbers, ", ".join(held) or NONE, ", ".join(shape) or NONE]


def _rest(one: Column, stage: Stage) -> int | None:
    """Activations and whatever else has no sum of its own; on the device where one is used."""
    at = one.stages.index(stage)
    if not at or stage.name not in (FORWARD, TRAINING):
        return None
    before = one.stages[at - 1]
    peak, held = stage.peak_bytes, before.resident_bytes
    if DEVICE_PEAK in stage.device:
        peak, held = stage.device[DEVICE_PEAK], before.device.get("allocated")
    if peak is None or held is None:
        return None
    return peak - held - (sum(stage.parts.values()) - sum(before.parts.values()))


def _doubts(comparison: Comparison) -> str:
    """What makes numbers doubtful, and what was not measured, by measurement."""
    lines = [line for one in comparison.measurements for line in _doubt(comparison, one)]
    text = "Nothing on record speaks against these samples."
    return section(3, "Doubts", bullets(list(dict.fromkeys(lines))) if lines else text)


def _doubt(comparison: Comparison, found: Measurement) -> Iterator[str]:
    names = " against ".join(named(comparison, subject) for subject in found.subjects)
    start = f"{escape(found.kind)}, {place(found.subjects[0])}, {names}"
    yield from (f"{start}: {escape(shorten(flag))}" for flag in found.flags)
    shares = {
        (one.name, one.subject): share
        for one in found.series
        if not one.name.startswith(SERVER) and (share := timings.load_share(one)) is not None
    }
    high = [(name, share) for (name, _), share in shares.items() if share > timings.FOREIGN_LOAD]
    if high and device(found).startswith("cpu"):
        words = ", ".join(f"{escape(name)} {share:.2f}" for name, share in high)
        yield f"{start}: foreign load, wall seconds per process second: {words}"
    for what, why in found.not_measured.items():
        yield f"{start}: {escape(what)} not measured: {escape(shorten(why))}"


STATE = ("before", "after")
FACTS = ("cpu", "cores", "cores_usable", "threads", "torch", "attention")
"""What a line about a machine begins with."""


def machines(comparison: Comparison) -> dict[str, str]:
    """A short name for every distinct environment, in the order of the measurements."""
    found = dict.fromkeys(machine_of(one) for one in comparison.measurements)
    return {facts: f"E{number}" for number, facts in enumerate(found, 1)}


def machine_of(found: Measurement) -> str:
    """Machine, software and device in words; what changes from minute to minute is left out."""
    facts: dict[str, Any] = {"device": device(found)}
    lasting = {name: value for name, value in found.environment.items() if name not in STATE}
    for name, value in record.flatten(lasting).items():
        facts.setdefault(name.removeprefix("machine.").removeprefix("versions."), value)
    first = [name for name in FACTS if name in facts]
    order = [*first, *sorted(set(facts) - set(first))]
    return "; ".join(f"{escape(shorten(name, 60))} {_fact(facts[name])}" for name in order)


def _fact(value: object) -> str:
    return "unknown" if value is None else escape(shorten(value, 80))


def _machines(comparison: Comparison) -> str:
    """One line for each environment, with the state of the machine around its measurements."""
    lines = []
    for facts, name in machines(comparison).items():
        here = [one for one in comparison.measurements if machine_of(one) == facts]
        states = [f"{when}: {text}" for when in STATE if (text := _state(here, when))]
        lines.append("; ".join([f"**{name}** ({len(here)} measured): {facts}", *states]))
    return section(3, "Measured on", bullets(lines))


def _state(measured: Sequence[Measurement], when: str) -> str:
    """Facts that change: their range, or their values."""
    found: dict[str, list[Any]] = defaultdict(list)
    for one in measured:
        state = one.environment.get(when)
        for name, value in record.flatten(state).items() if isinstance(state, Mapping) else ():
            found[name].append(value)
    return ", ".join(f"{escape(shorten(name, 60))} {_span(vs)}" for name, vs in found.items())


def _span(values: Sequence[Any]) -> str:
    numbers = [value for value in values if is_number(value)]
    if len(numbers) < len(values):
        return " / ".join(list(dict.fromkeys(map(_fact, values)))[:3])
    low, high = min(numbers), max(numbers)
    return count(low) if low == high else f"{count(low)} to {count(high)}"


# --- numbers ------------------------------------------------------------------------------------


def figure(value: float | None) -> str:
    """A positive quantity with three or more digits that count."""
    if value is None or not math.isfinite(value):
        return NONE
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3
    return f"{value:,.{digits}f}"


def mib(size: float | None) -> str:
    """Bytes as MiB."""
    return NONE if size is None else f"{size / MIB:,.1f}"


def milliseconds(found: Percentile) -> str:
    """1.23 [1.20, 1.31], or how many samples it would take."""
    if found.value is None or found.low is None or found.high is None:
        return f"refused: {found.samples:,} of {found.needed:,} samples"
    at, low, high = (figure(1000 * value) for value in (found.value, found.low, found.high))
    return f"{at} [{low}, {high}]"


def borne(tried: Sequence[Series]) -> str:
    """The highest rate within the bound, and the lowest beyond it."""
    within, missed = timings.capacity(tried)
    bounds = dict.fromkeys(
        f"p{100 * one.shape['quantile']:.4g} within {figure(1000 * one.shape['bound_seconds'])} ms"
        for one in tried
        if all(is_number(one.shape.get(name)) for name in ("quantile", "bound_seconds"))
    )
    text = "none of those tried" if within is None else figure(within)
    text += f" ({', '.join(bounds)}" if bounds else " ("
    return text + ("; none missed it)" if missed is None else f"; missed at {figure(missed)})")
