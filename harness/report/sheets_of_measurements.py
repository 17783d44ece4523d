"""CSV tables of what was measured: series of samples, races, readings of memory."""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness import record
from harness.comparing.comparison import Comparison
from harness.comparing.lanes import Lane, device, lanes, raced
from harness.measurement import Measurement, Series, Stage, Subject
from harness.report.memory import FORWARD, TRAINING
from harness.statistics import timings
from harness.statistics.timings import SERVER, WALL, Ratio

Row = dict[str, object]

ONE_SIDE = "only one side was raced"

MEASURED = ("measurement", "kind", "measured_by", "device", "finished_at")
SUBJECT = (
    *("model", "family", "pair", "level", "weights", "task", "data", "mode", "strategy"),
    "checkpoint",
)
OWN, SHARED = ("model", "weights", "mode"), ("task", "data", "pair", "level", "strategy")
ENDS = ("", "_low", "_high")
RATES = tuple(f"{w}_per_second{end}" for w in ("examples", "words", "tokens") for end in ENDS)
TIMES = tuple(f"{q}_seconds{end}" for q in ("p50", "p95") for end in ENDS)

EFFICIENCY = (
    *(*MEASURED, *SUBJECT, "series", "shape", "clock", "samples", "warm_up", "steady"),
    *("mean_seconds", *TIMES, *RATES, "wall_per_cpu_second"),
)
RACES = (
    *(*MEASURED, *SHARED, *(f"{side}_{name}" for side in ("gpt", "bert") for name in OWN)),
    *("scenario", "shape", "clock", "gpt_seconds_per_call", "bert_seconds_per_call"),
    *(f"gpt_per_bert_seconds{end}" for end in ENDS),
    *("blocks", "blocks_left_out", *(f"gate{end}" for end in ENDS), "gate_passed", "verdict"),
)
MEMORY = (
    *(*MEASURED, *SUBJECT, "stage", "seconds_since_start", "quantity", "bytes", "shape", "why"),
)
"""`quantity` is resident, peak, an exact part (weights, ...), a device's, or the rest."""


def efficiency(comparison: Comparison) -> Iterator[Row]:
    """Every series of samples; a percentile that they cannot carry is empty."""
    for found in comparison.measurements:
        usual = timings.clock_of(found.series, device(found))
        for one in found.series:
            clock = WALL if one.name.startswith(SERVER) else usual  # waiting is part of a latency
            base = _measured(found) | _subject(found.subjects[one.subject])
            yield base | _timed(one, clock) | _rates(one, clock)


def _timed(one: Series, clock: str) -> Row:
    spent = timings.seconds(one, clock)
    row: Row = {"series": one.name, "shape": record.canonical(one.shape), "clock": clock}
    row |= {"samples": len(spent), "warm_up": one.warm_up, "steady": one.steady}
    row["mean_seconds"] = float(spent.mean()) if len(spent) else None
    row["wall_per_cpu_second"] = timings.load_share(one)
    for name, q in (("p50_seconds", 0.50), ("p95_seconds", 0.95)):
        at = timings.percentile(spent, q)
        row |= {name: at.value, f"{name}_low": at.low, f"{name}_high": at.high}
    return row


def _rates(one: Series, clock: str) -> Row:
    row: Row = {}
    for what in ("examples", "words", "tokens"):
        if (rate := timings.rate(one, what, clock)) is not None:
            name = f"{what}_per_second"
            row |= {name: rate.mean, f"{name}_low": rate.low, f"{name}_high": rate.high}
    return row


def races(comparison: Comparison, margin: float) -> Iterator[Row]:
    """Every raced scenario beside the race of the decoder against its own copy (the gate)."""
    for found in comparison.measurements:
        if found.kind == "race":
            gpt, bert = found.subjects
            sides = {"gpt": gpt, "bert": bert}
            base = _measured(found) | {name: getattr(gpt, name) for name in SHARED}
            for side, one in sides.items():
                base |= {f"{side}_{name}": getattr(one, name) for name in OWN}
            for lane in lanes(found):
                yield base | _raced(lane, device(found), margin)


def _raced(lane: Lane, where: str, margin: float) -> Row:
    _, ratio, gate, clock = raced(lane, where)
    both = [one for one in lane.sides if one is not None]
    row: Row = {"scenario": lane.name, "shape": record.canonical(both[0].shape) if both else None}
    for side, one in zip(("gpt", "bert"), lane.sides, strict=True):
        if one is not None and one.wall_seconds:
            row[f"{side}_seconds_per_call"] = float(timings.seconds(one, clock).mean())
    row |= _factor("gpt_per_bert_seconds", ratio) | _factor("gate", gate)
    said = timings.verdict(ratio, gate, margin) if len(both) == 2 else ONE_SIDE
    row |= {"clock": clock, "gate_passed": timings.passes(gate), "verdict": said}
    return row | ({"blocks": ratio.blocks, "blocks_left_out": ratio.left_out} if ratio else {})


def _factor(name: str, ratio: Ratio | None) -> Row:
    if ratio is None:
        return {}
    values = (math.exp(value) for value in (ratio.log, ratio.low, ratio.high))
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def memory(comparison: Comparison) -> Iterator[Row]:
    """Every reading of memory, stage by stage; one that failed says why."""
    for found in comparison.measurements:
        for at, subject in enumerate(found.subjects):
            base = _measured(found) | _subject(subject)
            stages = found.memory.get(str(at), ())
            for before, stage in zip([None, *stages], stages, strict=False):
                facts: Row = {"stage": stage.name, "seconds_since_start": stage.seconds}
                facts |= {"shape": record.canonical(stage.shape), "why": stage.why}
                for quantity, size in _sizes(stage, before):
                    yield base | facts | {"quantity": quantity, "bytes": size}


def _sizes(stage: Stage, before: Stage | None) -> Iterator[tuple[str, int | None]]:
    yield "resident", stage.resident_bytes
    yield "peak", stage.peak_bytes
    yield from stage.parts.items()
    yield from ((f"device {name}", size) for name, size in stage.device.items())
    if before and stage.name in (FORWARD, TRAINING):
        yield "activations and rest", stage.rest_bytes(before)


def _measured(found: Measurement) -> Row:
    return {
        "measurement": found.identity,
        "kind": found.kind,
        "measured_by": found.settings.get("name"),
        "device": device(found),
        "finished_at": found.finished_at,
    }


def _subject(one: Subject) -> Row:
    return {name: getattr(one, name) for name in SUBJECT}
