"""Measured models with the samples of their answers, those of one machine and clock together.

What is timed is one request at a time from words to answer; of written texts one whole text of its
natural length. Knows no figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from harness import record
from harness.comparing.comparison import SCRATCH, Comparison, Tuned
from harness.comparing.lanes import device
from harness.measurement import Measurement, Series
from harness.plots.shown import MECHANISM, named
from harness.plots.wording import listed, plain, task
from harness.statistics import timings
from harness.statistics.stats import Vector

END_TO_END, WHOLE_TEXT = "single stream/end to end", "generation/whole text"
TIMED = {WHOLE_TEXT: "whole text, natural length", END_TO_END: "end to end"}
"""What is taken, the first that there is, and its name on an axis."""

NATURAL = "natural"
STATE = ("before", "after")
ARCHITECTURE = "architecture"
KINDS = {
    "embedded": f"embedded: {MECHANISM}",
    SCRATCH: "untrained bodies",
    ARCHITECTURE: "weights drawn at random, quality not measured",
}
"""What must be said of weights."""


class Timed(NamedTuple):
    """One model. Seconds are all on the panel's clock."""

    key: str  # digest of the weights that were measured
    name: str
    family: str
    seconds: Vector
    tuned: Tuned | None  # the run behind its weights


class Panel(NamedTuple):
    """Models whose times may be shown together."""

    key: tuple[str, str]  # task and data, as they are configured
    task: str  # in words
    data: str
    what: str  # of TIMED
    clock: str
    where: str  # device, and what the weights are
    models: tuple[Timed, ...]  # by pair, the decoder first

    @property
    def place(self) -> str:
        """Task and data."""
        return f"{self.task} on {self.data}"


def panels(comparison: Comparison) -> list[Panel]:
    """Every task with the models that were measured by themselves, machines kept apart."""
    held: dict[tuple[str, ...], list[tuple[Measurement, Series]]] = defaultdict(list)
    for one in comparison.measurements:
        series = _timed(one) if one.kind == "probe" else None
        if series is not None:
            subject = one.subjects[0]
            key = (subject.task, subject.data, series.name, _group(comparison, one), _machine(one))
            held[key].append((one, series))
    return [_panel(comparison, members) for _, members in sorted(held.items())]


def _group(comparison: Comparison, found: Measurement) -> str:
    """The group that the quality of a model belongs to: scores of two are not comparable."""
    tuned = comparison.tuned(found.subjects[0])
    return "" if tuned is None else record.canonical(tuned.group.key)


def _timed(found: Measurement) -> Series | None:
    for name in TIMED:
        for one in found.series:
            if (
                one.name == name
                and one.shape.get("length", NATURAL) == NATURAL
                and one.wall_seconds
            ):
                return one
    return None


def _machine(found: Measurement) -> str:
    """What must be the same for times to be shown together; the state of the moment left out."""
    settings = [device(found), str(found.settings.get("precision"))]
    return record.canonical([*settings, record.flatten(_facts(found))])


def _facts(found: Measurement) -> Mapping[str, Any]:
    """What is on record of the machine and its software."""
    machine = found.environment.get("machine")
    if isinstance(machine, Mapping):
        return machine
    return {name: value for name, value in found.environment.items() if name not in STATE}


def _where(found: Measurement) -> str:
    """The device by its name, as far as that is on record."""
    kind = device(found)
    name = _facts(found).get("cpu" if kind.startswith("cpu") else "gpu")
    return plain(f"{kind} ({name})" if isinstance(name, str) else kind, 60)


def _panel(comparison: Comparison, members: list[tuple[Measurement, Series]]) -> Panel:
    """All on one clock: process seconds as soon as one of them met foreign load."""
    found, taken = members[0]
    subject = found.subjects[0]
    clock = timings.clock_of([series for _, series in members], device(found))
    kinds = dict.fromkeys(KINDS.get(one.subjects[0].weights, "") for one, _ in members)
    models = [_model(comparison, one, series, clock) for one, series in members]
    return Panel(
        key=(subject.task, subject.data),
        task=task(subject.task),
        data=plain(subject.data),
        what=TIMED[taken.name],
        clock=clock,
        where="; ".join([_where(found), *filter(None, kinds)]),
        models=tuple(one for _, one in sorted(models, key=lambda one: one[0])),
    )


Order = tuple[str, bool, bool, str]


def _model(
    comparison: Comparison, found: Measurement, series: Series, clock: str
) -> tuple[Order, Timed]:
    """A model and its place: by pair, the decoder first, the usual mode before others."""
    subject = found.subjects[0]
    tuned = comparison.tuned(subject)
    name = named(tuned.arm) if tuned else plain(f"{subject.model} {subject.mode}")
    key = subject.checkpoint or found.identity
    unusual = tuned is not None and not tuned.arm.native
    order = (subject.pair, subject.family != "gpt", unusual, subject.mode)
    return order, Timed(key, name, subject.family, timings.seconds(series, clock), tuned)


def where_measured(panel: Panel) -> str:
    """What stands under a title."""
    names = listed([one.name for one in panel.models])
    return f"{names}, each measured alone; {panel.clock} seconds on {panel.where}"
