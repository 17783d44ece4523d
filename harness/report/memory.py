"""Memory along the life of a process that held one model, and the table of architectures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.comparing.comparison import Comparison
from harness.measurement import Measurement, Stage, Subject
from harness.report.figures import figure, mib, unmeasured
from harness.report.machines import ARCHITECTURE, UNTRAINED, named, place
from harness.report.markdown import NONE, count, escape, section, table

LEDGER = (
    "Seconds count from the start of the process; sizes are in MiB. Weights, buffers, gradients "
    "and optimizer are exact sums over tensors. Activations and the rest are the peak less what "
    "was held before the stage and less what these sums grew by: the batch and the allocator's "
    "slack are among them."
)
DRAWN = f"Weights were drawn at random: {UNTRAINED}. The shapes that were read stand under Memory."
IMPORTS, ANSWERED, FORWARD, TRAINING = "imports", "first answer", "forward", "training step"
WEIGHTS = "weights"
PARTS = (WEIGHTS, "buffers", "gradients", "optimizer")
DEVICE_PEAK = "allocated_peak"


@dataclass(frozen=True)
class Ledger:
    """The stages of one model's memory, and why something was not measured."""

    name: str
    subject: Subject
    stages: Sequence[Stage]
    not_measured: Mapping[str, str]

    @property
    def order(self) -> tuple[str, bool]:
        """By pair, the decoder first."""
        return self.subject.pair, self.subject.family != "gpt"

    def same(self, other: Ledger) -> bool:
        """Whether these are the same readings, whatever else their measurements hold."""
        return (self.subject, self.stages) == (other.subject, other.stages)

    def stage(self, name: str) -> Stage | None:
        """The stage of this name."""
        return next((one for one in self.stages if one.name == name), None)

    def missing(self, what: str) -> str:
        """That something was not measured, and why where that is on record."""
        return unmeasured(self.not_measured.get(what))

    def peak(self, name: str) -> str:
        """The peak of a stage, in MiB: in all, above what importing took, and on a device."""
        stage, imports = self.stage(name), self.stage(IMPORTS)
        if stage is None:
            return self.missing(name)
        text = unmeasured(stage.why) if stage.peak_bytes is None else mib(stage.peak_bytes)
        if stage.peak_bytes is not None and imports and imports.resident_bytes is not None:
            text += f" ({mib(stage.peak_bytes - imports.resident_bytes)} above imports)"
        held = stage.device.get(DEVICE_PEAK)
        return text if held is None else f"{text}; device {mib(held)}"

    def cold_start(self) -> str:
        """Seconds from starting the program to the first answer."""
        stage = self.stage(ANSWERED)
        if stage is None:
            return self.missing("cold start")
        return unmeasured(stage.why) if stage.seconds is None else figure(stage.seconds)

    def weights(self) -> str:
        """Exact size of the weights, in MiB."""
        stage = self.stage(WEIGHTS)
        if stage is None:
            return self.missing(WEIGHTS)
        size = stage.parts.get(WEIGHTS)
        return unmeasured(stage.why) if size is None else mib(size)


def ledger_of(comparison: Comparison, found: Measurement, at: int) -> Ledger:
    """The memory of the subject at this place of a measurement."""
    subject = found.subjects[at]
    stages = found.memory.get(str(at), ())
    return Ledger(named(comparison, subject), subject, stages, found.not_measured)


def memory(comparison: Comparison) -> str:
    """The sections on architectures and on memory, stage by stage; empty where nothing was read."""
    ledgers = list[Ledger]()
    for found in comparison.measurements:
        for at in range(len(found.subjects)):
            one = ledger_of(comparison, found, at)
            if not any(one.same(other) for other in ledgers):  # a probe and races may share it
                ledgers.append(one)
    ledgers.sort(key=lambda one: (place(one.subject), *one.order, one.name))
    drawn = [one for one in ledgers if one.subject.weights == ARCHITECTURE]
    parts = (_architectures(drawn), _memory([one for one in ledgers if one.stages]))
    return "\n\n".join(part for part in parts if part)


def _architectures(drawn: Sequence[Ledger]) -> str:
    if not drawn:
        return ""
    header = [
        "model",
        "set up for",
        "weights, MiB",
        "peak, forward, MiB",
        "peak, training step, MiB",
    ]
    rows = [
        [one.name, escape(one.subject.task), one.weights(), one.peak(FORWARD), one.peak(TRAINING)]
        for one in drawn
    ]
    return section(3, "Architectures", DRAWN, table(header, rows, "llrrr"))


def _memory(ledgers: Sequence[Ledger]) -> str:
    """A table for each task, as models bear the same name in all of them."""
    if not ledgers:
        return ""
    header = ["model", "stage", "s", "resident", "peak", *PARTS, "activations, rest", "device"]
    header += ["shape, or why not"]
    places = dict.fromkeys(place(one.subject) for one in ledgers)
    tables = (
        f"{name}:\n\n{table(header, [*_rows(ledgers, name)], 'llrrrrrrrrll')}" for name in places
    )
    return section(3, "Memory", LEDGER, *tables)


def _rows(ledgers: Sequence[Ledger], where: str) -> Iterator[list[str]]:
    for one in ledgers:
        if place(one.subject) == where:
            for before, stage in zip([None, *one.stages], one.stages, strict=False):
                yield [one.name, *_stage(stage, before)]


def _stage(stage: Stage, before: Stage | None) -> list[str]:
    held = [f"{escape(name)} {mib(size)}" for name, size in stage.device.items()]
    shape = [f"{escape(name)} {count(size)}" for name, size in stage.shape.items()]
    if stage.why:
        shape.append(unmeasured(stage.why))
    rest = stage.rest_bytes(before) if before and stage.name in (FORWARD, TRAINING) else None
    sizes = [stage.resident_bytes, stage.peak_bytes, *(stage.parts.get(name) for name in PARTS)]
    numbers = [figure(stage.seconds), *map(mib, [*sizes, rest])]
    return [escape(stage.name), *numbers, ", ".join(held) or NONE, ", ".join(shape) or NONE]
