"""What an answer costs: latency, throughput, memory and energy of models measured by themselves.

Which of two models is faster is not decided here but in a race (`races`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from harness.comparing.comparison import Comparison, Tuned
from harness.comparing.lanes import device
from harness.measurement import Measurement, Series
from harness.report import figures, machines
from harness.report.figures import milliseconds
from harness.report.machines import ARCHITECTURE, place
from harness.report.markdown import NONE, count, escape, estimated, score, section, shorten, table
from harness.report.memory import FORWARD, TRAINING, Ledger, ledger_of, memory
from harness.report.reading import voided
from harness.report.summary import caveat
from harness.report.texts import PARALLEL
from harness.statistics import timings
from harness.statistics.stats import Estimate
from harness.statistics.timings import SERVER

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
    "cannot carry is refused. Quality is that of all seeds on the test split. Words and "
    "tokens per second are those that were read, also where texts are written. Do not read from "
    "two columns which model is faster: races below decide that."
)
PROMPTED = (
    "Not measured: {}. Probes time kept models, and what is not tuned keeps none; what an answer "
    "takes in tokens, passes and FLOPs stands under Training in the chapter of the task."
)
ENERGY = (
    "Energy is read from the device's counter, which some devices feed from a sample of the "
    "runtime only: differences below 5 % say nothing. Net is gross minus what idling would have "
    "used in the same time."
)
MODEL, END_TO_END, OFFLINE = "single stream/model", "single stream/end to end", "offline"
PREFILL, FIRST, WHOLE = "generation/prefill", "generation/first token", "generation/whole text"
NATURAL = "natural"
KNOWN = (MODEL, END_TO_END, OFFLINE, PREFILL, FIRST, WHOLE)


@dataclass(frozen=True)
class Column:
    """One measured model: a column of a table."""

    found: Measurement
    ledger: Ledger
    tuned: Tuned | None  # the run behind its weights
    machine: str  # "E1"
    clock: str

    def series(self, name: str, length: str | None = None) -> Series | None:
        """The series of this name, of texts of this length where one is asked for."""
        named = (one for one in self.found.series if one.name == name)
        return next((one for one in named if length in (None, length_of(one))), None)


Row = tuple[str, Callable[[Column], str]]


def efficiency(comparison: Comparison) -> str:
    """The section on measured models."""
    if not comparison.measurements:
        return section(2, TITLE, NOTHING, _prompted(comparison))
    columns = columns_of(comparison)
    tasks: dict[str, list[Column]] = defaultdict(list)
    for one in columns:
        tasks[place(one.ledger.subject)].append(one)
    embedded = any(one.tuned and one.tuned.group.embedded for one in columns)
    return section(
        2,
        TITLE,
        *([READING] if columns else ["No model was measured by itself; see the races below."]),
        *(section(3, f"{TITLE}: {name}", _task(tasks[name])) for name in sorted(tasks)),
        caveat(embedded),
        ENERGY if any(one.found.energy for one in columns) else "",
        _prompted(comparison),
        memory(comparison),
        machines.doubts(comparison),
        machines.measured_on(comparison),
    )


def _prompted(comparison: Comparison) -> str:
    """Who answers without tuning, and why nothing was measured of it; empty where nobody does."""
    arms = (arm for group in comparison.groups for arm in group.arms if arm.untrained)
    names = dict.fromkeys(escape(arm.description) for arm in arms)
    return PROMPTED.format("; ".join(names)) if names else ""


def columns_of(comparison: Comparison) -> list[Column]:
    """Every probe, decoders first within a pair."""
    names = machines.machines(comparison)
    columns = [
        Column(
            found=one,
            ledger=ledger_of(comparison, one, 0),
            tuned=comparison.tuned(one.subjects[0]),
            machine=names[machines.machine_of(one)],
            clock=timings.clock_of(one.series, device(one)),
        )
        for one in comparison.measurements
        if one.kind == "probe"
    ]
    return sorted(columns, key=lambda one: one.ledger.order)


# --- one table a task ---------------------------------------------------------------------------


def _task(columns: Sequence[Column]) -> str:
    rows = [(name, [cell(one) for one in columns]) for name, cell in _rows(columns)]
    header = ["", *(one.ledger.name for one in columns)]
    return table(header, [[name, *cells] for name, cells in rows], "l" + "r" * len(columns))


def length_of(series: Series) -> str:
    """How long texts were asked to be: "natural", or a number of tokens."""
    return str(series.shape.get("length", NATURAL))


def _rows(columns: Sequence[Column]) -> Iterator[Row]:
    """What a table says, from top to bottom; of texts and further scenarios where there are any."""
    if not all(one.ledger.subject.weights == ARCHITECTURE for one in columns):
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
    yield "peak memory, forward, MiB", lambda one: one.ledger.peak(FORWARD)
    yield "peak memory, training step, MiB", lambda one: one.ledger.peak(TRAINING)
    yield "cold start, s", lambda one: one.ledger.cold_start()
    if any(one.tuned for one in columns):
        gpu = any(one.tuned and one.tuned.arm.first.on_device for one in columns)
        yield "training, GPU s" if gpu else "training, CPU s", _training
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
    digest = escape((one.ledger.subject.checkpoint or NONE)[:8])
    return f"seed {one.tuned.run.seed} ({digest})" if one.tuned else digest


def _kernel(one: Column) -> str:
    """As measured; and what the quality was found in, where that is another precision."""
    facts = one.tuned.arm.first.model if one.tuned else None
    if facts is None:
        return NONE
    measured = shorten(one.found.settings.get("precision", facts.precision))
    text = f"{facts.attention}, {measured}"
    return escape(text if measured == facts.precision else f"{text} (quality {facts.precision})")


def _latency(one: Column, name: str, q: float = 0.5, length: str | None = None) -> str:
    series = one.series(name, length)
    if series is None:
        return one.ledger.missing(name)
    return milliseconds(timings.percentile(timings.seconds(series, one.clock), q))


def _per_token(one: Column, length: str) -> str:
    first, whole = one.series(FIRST, length), one.series(WHOLE, length)
    if first is None or whole is None:
        return one.ledger.missing(WHOLE)
    if one.ledger.subject.mode == PARALLEL:
        return "all tokens at once"
    return milliseconds(timings.percentile(timings.per_token(first, whole, one.clock), 0.50))


def _borne(one: Column, name: str) -> str:
    tried = [series for series in one.found.series if series.name == name]
    return figures.borne(tried) if tried else one.ledger.missing(name)


def best_batches(one: Column) -> tuple[Series, Estimate] | None:
    """Batches of the size with the most examples a second, and how many that are."""
    offline = [series for series in one.found.series if series.name == OFFLINE]
    rates = [(s, rate) for s in offline if (rate := timings.rate(s, "examples", one.clock))]
    return max(rates, key=lambda found: found[1].mean, default=None)


def _batch(one: Column) -> str:
    best = best_batches(one)
    return count(best[0].shape.get("batch_size")) if best else one.ledger.missing(OFFLINE)


def _throughput(one: Column, what: str) -> str:
    best = best_batches(one)
    found = timings.rate(best[0], what, one.clock) if best else None
    return figures.throughput(found) if found else one.ledger.missing(OFFLINE)


def _padding(one: Column) -> str:
    best = best_batches(one)
    work: Mapping[str, Sequence[int]] = best[0].work if best else {}
    if not sum(work.get("positions", ())):
        return one.ledger.missing(OFFLINE)
    return score(1 - sum(work.get("tokens", ())) / sum(work["positions"]))


def _training(one: Column) -> str:
    runs = one.tuned.arm.runs if one.tuned else ()
    spent = [s for run in runs if (s := run.record.training_seconds) is not None]
    return f"{sum(spent) / len(spent):.1f}" if spent else NONE


def _energy(one: Column) -> str:
    windows = [figures.per_thousand(window) for window in one.found.energy]
    return "; ".join(filter(None, windows)) or one.ledger.missing("energy")
