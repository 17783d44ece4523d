"""What measuring speed, memory and energy leaves behind. Standard library only.

The second kind of record, joined to runs by the digest of the checkpoint that was measured. A
measurement is one file, measurements/NAME.json, written whole or not at all. Raw samples are
kept, in the order in which they were taken; no mean and no percentile is stored. What could not
be measured is named with its reason, and has no number.

Format history: 1 (first).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import kinds, record
from harness.record import RecordError

FORMAT = 1
FOLDER = "measurements"
MEASUREMENT_VERSION = 1
"""Raise when the same settings come to mean another measurement. History: 1 (first)."""


@dataclass(frozen=True)
class Subject:
    """A model as it answers. `checkpoint` is None where an architecture was drawn at random."""

    description: str  # "gpt2, mini, 0.66 M parameters, embedded"
    model: str
    family: str
    pair: str
    level: str
    weights: str  # "embedded", "scratch", "architecture", or the checkpoint's name
    task: str
    data: str
    mode: str
    strategy: str
    cell: str | None  # identity of the run
    checkpoint: str | None  # digest of its tuned weights


@dataclass(frozen=True)
class Series:
    """Samples of one timed call.

    Names are paths of what is timed: "single stream/model", "single stream/end to end",
    "generation/first token". `work` holds, per sample, how much was done: examples, words,
    tokens (real ones), positions (padding included), steps.
    """

    name: str
    subject: int  # its place among the measurement's subjects
    wall_seconds: Sequence[float]
    cpu_seconds: Sequence[float]  # of this process; foreign load and waiting do not count
    work: Mapping[str, Sequence[int]] = field(default_factory=dict)
    blocks: Sequence[int] = ()  # of a race: which block each sample belongs to
    shape: Mapping[str, Any] = field(default_factory=dict)  # batch size, tokens, rate
    warm_up: int = 0  # calls before the first sample
    steady: bool | None = None  # whether warming up ended in steady times


@dataclass(frozen=True)
class Stage:
    """Memory at one stage of a process's life, in bytes. None: could not be read, see `why`."""

    name: str  # see ledger.STAGES
    seconds: float | None  # since the process was executed
    resident_bytes: int | None  # at the end of the stage
    peak_bytes: int | None  # highest while it ran
    device: Mapping[str, int | None] = field(default_factory=dict)
    """torch's allocated, allocated_peak, reserved_peak; the driver's nvml_process, nvml_device."""
    parts: Mapping[str, int] = field(default_factory=dict)
    """Exact sums: weights, buffers, gradients, optimizer."""
    shape: Mapping[str, int] = field(default_factory=dict)  # batch size, tokens
    why: str | None = None

    def rest_bytes(self, before: Stage) -> int | None:
        """Bytes at the peak that neither the stage before held nor the exact parts explain.

        Of "forward" (before it "first answer") and of "training step" (before it "training
        set-up") these are the activations, the batch and the allocator's rounding; of the
        device's memory where one is used. None where a reading is missing.
        """
        if "allocated_peak" in self.device:
            peak, held = self.device["allocated_peak"], before.device.get("allocated")
        else:
            peak, held = self.peak_bytes, before.resident_bytes
        if peak is None or held is None:
            return None
        return peak - held - (sum(self.parts.values()) - sum(before.parts.values()))


@dataclass(frozen=True)
class Energy:
    """What the device's counter says of one window of work, in joules; gross, and idle before."""

    name: str
    gross_joules: float
    idle_watts: float
    seconds: float
    work: Mapping[str, int]

    @property
    def net_joules(self) -> float:
        """What the work cost above the device's idling for as long."""
        return self.gross_joules - self.idle_watts * self.seconds


@dataclass(frozen=True)
class Measurement:
    """One file. A probe has one subject, a race two (decoder first)."""

    kind: str  # "probe", "race"
    identity: str
    subjects: Sequence[Subject]
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]  # hardware, versions; state before and after
    series: Sequence[Series] = ()
    memory: Mapping[str, Sequence[Stage]] = field(default_factory=dict)
    """By subject's place ("0", "1")."""
    energy: Sequence[Energy] = ()
    not_measured: Mapping[str, str] = field(default_factory=dict)  # what -> why
    flags: Sequence[str] = ()  # what makes the samples doubtful: "foreign load", ...
    measurement_version: int = MEASUREMENT_VERSION
    finished_at: str | None = None  # UTC, ISO 8601
    format: int = FORMAT


def identify(
    kind: str, checkpoints: Sequence[str], settings: Mapping[str, Any], machine: Mapping[str, Any]
) -> str:
    """SHA-256 over what makes a measurement this one; another machine is another measurement."""
    return record.digest([MEASUREMENT_VERSION, kind, list(checkpoints), settings, machine])


def path(results: Path, name: str, identity: str) -> Path:
    """Where a measurement goes: named for people, found by the identity at its end."""
    return results / FOLDER / f"{name}-{identity[:10]}.json"


def write(place: Path, measurement: Measurement) -> None:
    """Write one file, whole or not at all."""
    text = json.dumps(
        dataclasses.asdict(measurement), ensure_ascii=False, allow_nan=False, sort_keys=True
    )
    record.write_text(place, text + "\n")


def read(place: Path) -> Measurement:
    """Read one file. Raises RecordError for a damaged or newer one."""
    raw = record.load(place)
    if raw.get("format") != FORMAT:
        raise RecordError(
            f"{place}: format {raw.get('format')!r}, but this version reads {FORMAT}; "
            "read it with the version that wrote it"
        )
    try:
        parts: dict[str, Any] = dict(raw)
        parts["subjects"] = [Subject(**one) for one in raw["subjects"]]
        parts["series"] = [Series(**one) for one in raw["series"]]
        parts["memory"] = {
            subject: [Stage(**one) for one in stages] for subject, stages in raw["memory"].items()
        }
        parts["energy"] = [Energy(**one) for one in raw["energy"]]
        found = Measurement(**parts)
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"{place}: not a measurement of format {FORMAT} ({error})") from None
    if wrong := kinds.misfit(found):
        raise RecordError(f"{place}: not a measurement of format {FORMAT} ({wrong})")
    return found


def files(root: Path) -> Iterator[Path]:
    """Every measurement below a results folder, in a stable order."""
    yield from sorted(root.rglob(f"{FOLDER}/*.json"))
