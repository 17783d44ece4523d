"""The peaks of memory that were read, taken apart. Knows no figure.

The rest (activations, batch, allocator, code loaded late) is the peak less all that is known
exactly, so the parts add up to the peak.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from harness.comparing.comparison import Tuned
from harness.comparing.findings import Findings
from harness.measurement import Stage, Subject
from harness.plots.shown import leading, named
from harness.plots.wording import plain, task

IMPORTS, ALLOCATED_PEAK = "imports", "allocated_peak"
FORWARD, TRAINING = "forward", "training step"
STAGES = (FORWARD, TRAINING)
BASE, REST = "interpreter and imports", "activations and rest"
WEIGHTS, GRADIENTS, OPTIMIZER = "weights", "gradients", "optimizer"
PARTS = (BASE, WEIGHTS, GRADIENTS, OPTIMIZER, REST)


@dataclass(frozen=True)
class Peak:
    """One peak in bytes, by PARTS; they add up to it. Nothing is BASE on a device."""

    stage: str  # one of STAGES
    parts: Mapping[str, int]

    @property
    def whole(self) -> int:
        """Bytes."""
        return sum(self.parts.values())

    @property
    def added(self) -> int:
        """Bytes beyond interpreter and imports."""
        return self.whole - self.parts[BASE]


@dataclass(frozen=True)
class Held:
    """One measured model with its peaks."""

    name: str
    place: str  # task and data
    family: str
    peaks: tuple[Peak, ...]
    embedded: bool = False


def held(findings: Findings) -> list[Held]:
    """Measured models, those of the main pairs first; a probe and races may share readings."""
    main = {id(arm) for one in leading(findings) for arm in (one.contrast.gpt, one.contrast.bert)}
    found: dict[Subject, tuple[Order, Held]] = {}
    for one in findings.comparison.measurements:
        for place, subject in enumerate(one.subjects):
            peaks = peaks_of(one.memory.get(str(place), ()))
            if peaks and subject not in found:
                found[subject] = _held(findings.comparison.tuned(subject), subject, peaks, main)
    return [model for _, model in sorted(found.values(), key=lambda pair: pair[0])]


Order = tuple[bool, str, str, str, bool, str]


def _held(
    tuned: Tuned | None, subject: Subject, peaks: tuple[Peak, ...], main: Collection[int]
) -> tuple[Order, Held]:
    name = named(tuned.arm) if tuned else plain(f"{subject.model}, {subject.weights}")
    words = [task(subject.task), plain(subject.data)]
    place = " on ".join(part for part in words if part != "-") or "no task"
    beside = tuned is None or id(tuned.arm) not in main
    order = (beside, subject.task, subject.data, subject.pair, subject.family != "gpt", name)
    return order, Held(name, place, subject.family, peaks, subject.weights == "embedded")


def peaks_of(stages: Sequence[Stage]) -> tuple[Peak, ...]:
    """The peaks that were read of one process's life, in the order of STAGES.

    One below the sum of its exact parts is no peak of them (memory that was never touched) and is
    left out.
    """
    by_name = {one.name: one for one in stages}
    imports = by_name.get(IMPORTS)
    found = (_peak(by_name[name], imports) for name in STAGES if name in by_name)
    return tuple(one for one in found if one is not None and one.parts[REST] >= 0)


def _peak(stage: Stage, imports: Stage | None) -> Peak | None:
    """The parts of one peak, of the device's memory where one is used; None where not read."""
    on_device = ALLOCATED_PEAK in stage.device
    peak = stage.device[ALLOCATED_PEAK] if on_device else stage.peak_bytes
    base = 0 if on_device else imports.resident_bytes if imports else None
    if peak is None or base is None:
        return None
    exact = stage.parts
    parts = {BASE: base, WEIGHTS: exact.get(WEIGHTS, 0) + exact.get("buffers", 0)}
    parts |= {name: exact.get(name, 0) for name in (GRADIENTS, OPTIMIZER)}
    return Peak(stage.name, parts | {REST: peak - sum(parts.values())})
