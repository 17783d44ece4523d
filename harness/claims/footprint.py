"""C8, measured: bytes of weights, and peaks of a fresh process above what importing took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.claims.finding import Finding, Number
from harness.claims.size import between, exact
from harness.comparing.comparison import Comparison
from harness.comparing.findings import Findings
from harness.measurement import Measurement, Stage, Subject

IMPORTS, WEIGHTS = "imports", "weights"
PEAKS = ("forward", "training step")
WRITING = ("unilm", "mask_predict")
"""Modes in which an encoder writes texts; a decoder has one."""

PART = "memory, measured"
Readings = dict[str, list[float]]
"""Bytes by what was read."""


class _Place(NamedTuple):
    pair: str
    machine: str
    task: str
    side: str  # "gpt", "bert", or "bert" with its mode where it writes


def ask(findings: Findings) -> Iterator[Finding]:
    """One finding for each pair on each machine, over its tasks."""
    read, margin = _readings(findings.comparison), findings.plan.log_cost
    found: dict[tuple[str, str], list[Number]] = defaultdict(list)
    for place, theirs in read.items():
        ours = read.get(place._replace(side="gpt"), {})
        if place.side != "gpt":
            for what in (one for one in ours if one in theirs):
                label = f"{_task(place)}, {what} ({_mib(ours[what])} and {_mib(theirs[what])} MiB)"
                number = between(label, ours[what], theirs[what], margin)
                found[place.pair, place.machine].append(number)
    for (pair, where), numbers in found.items():
        yield exact(numbers, f"pair {pair}, measured on {where}", PART)


def _readings(comparison: Comparison) -> dict[_Place, Readings]:
    """Every reading; a probe and a race may hold the same one."""
    found: dict[_Place, Readings] = {}
    for one in comparison.measurements:
        for at, subject in enumerate(one.subjects):
            place = _Place(subject.pair, machine(one), subject.task, _side(subject))
            for what, amount in _bytes(one.memory.get(str(at), ())):
                if amount > 0:
                    found.setdefault(place, {}).setdefault(what, []).append(amount)
    return found


def _side(subject: Subject) -> str:
    writes = subject.family == "bert" and subject.mode in WRITING
    return f"bert as {subject.mode}" if writes else subject.family


def _task(place: _Place) -> str:
    mode = place.side.removeprefix("bert as ")
    return place.task if mode == place.side else f"{place.task} ({mode})"


def machine(found: Measurement) -> str:
    """The machine and device in words."""
    facts = found.environment.get("machine")
    cpu = facts.get("cpu") if isinstance(facts, Mapping) else None
    return f"{cpu or 'an unknown processor'}, {found.settings.get('device', 'cpu')}"


def _bytes(stages: Sequence[Stage]) -> Iterator[tuple[str, float]]:
    """Exact weights, and peaks with the batch that they are of.

    Of the device where one is used, else of the process above what importing took.
    """
    by_name = {one.name: one for one in stages}
    weights, imports = by_name.get(WEIGHTS), by_name.get(IMPORTS)
    if weights and weights.parts.get(WEIGHTS):
        yield WEIGHTS, float(weights.parts[WEIGHTS])
    for stage in (by_name[name] for name in PEAKS if name in by_name):
        batch = stage.shape.get("examples")
        of = f", batch of {batch}" if batch else ""
        held = stage.device.get("allocated_peak")
        if held is not None:
            yield f"peak of {stage.name} on the device{of}", float(held)
        elif stage.peak_bytes is not None and imports and imports.resident_bytes is not None:
            yield f"peak of {stage.name}{of}", float(stage.peak_bytes - imports.resident_bytes)


def _mib(readings: Sequence[float]) -> str:
    low, high = (f"{pick(readings) / 2**20:.1f}" for pick in (min, max))
    return low if low == high else f"{low} to {high}"
