"""What is not the same before and after: hardware, versions, data, settings, search, instruments.

Facts are texts under dotted names. It names what may explain a change, and explains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness import record
from harness.changes.matching import ABSENT, machine
from harness.comparing.arms import differing
from harness.measurement import Measurement
from harness.record import Record

PASSING = ("load",)
"""Facts of an environment that are about the moment."""
OF_DATA = ("source", "digests", "sizes", "classes", "caps", "reader")
OF_MODEL = (
    "parameters",
    "vocabulary",
    "tokenizer_digest",
    "weights_digest",
    "label_piece",
    "pooling",
    "attention",
    "precision",
)
OF_TUNING = ("search", "space", "trials", "chosen", "grid", "edge", "seeds", "metric", "scored_on")
DIGEST = 12
"""Characters of a digest that are shown."""


class Difference(NamedTuple):
    """One fact that is not the same; several values of one side stand side by side."""

    name: str
    before: str
    after: str


def apart(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]
) -> Iterator[Difference]:
    """The facts in which two sides differ, each the facts of one or more runs."""
    sides = [_merged(one) for one in (before, after)]
    for name in differing(sides):
        was, now = (" / ".join(one.get(name, [ABSENT])) for one in sides)
        yield Difference(name, was, now)


def _merged(several: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Every fact with the values that it has."""
    found: dict[str, set[str]] = {}
    for facts in several:
        for name, value in facts.items():
            found.setdefault(name, set()).add(ABSENT if value is None else str(value))
    return {name: sorted(values) for name, values in found.items()}


def of_runs(before: Iterable[Record], after: Iterable[Record]) -> tuple[Difference, ...]:
    """In what the runs of two arms differ, but for their outcome."""
    return tuple(apart(map(_of_run, before), map(_of_run, after)))


def _of_run(found: Record) -> dict[str, Any]:
    environment = {k: v for k, v in found.environment.items() if k not in PASSING}
    model = _chosen(vars(found.model) if found.model else {}, OF_MODEL)
    parts: dict[str, Any] = {
        "hardware": environment.pop("cpu", None),
        "environment": environment,
        "experiment version": found.experiment_version,
        "plan on record": (found.plan or ABSENT)[:DIGEST],
        "config": found.config,
        "data": _chosen(vars(found.data) if found.data else {}, OF_DATA),
        "model": model | {"match": f"{found.cell.level}: {found.cell.match}"},
        "tuning": _chosen(found.tuning or {}, OF_TUNING),
        "metrics": " ".join(found.metrics),
        "signatures": found.signatures,
    }
    return {name: _short(name, value) for name, value in record.flatten(parts).items()}


def _chosen(facts: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: facts[name] for name in names if name in facts}


def _short(name: str, value: Any) -> Any:
    digests = name.startswith("data.digests.") or name.endswith("_digest")
    return value[:DIGEST] if digests and isinstance(value, str) else value


def of_measurements(before: Measurement, after: Measurement) -> tuple[Difference, ...]:
    """In what two measurements differ, but for the samples and the state of the machine."""
    sides = []
    for one in (before, after):
        parts = {"machine": machine(one), "settings": one.settings}
        version = {"measurement version": one.measurement_version}
        sides.append([record.flatten({**parts, **version, **_kept(one)})])
    return tuple(apart(*sides))


def _kept(one: Measurement) -> dict[str, Any]:
    weights = (subject.checkpoint or ABSENT for subject in one.subjects)
    flags = "; ".join(one.flags) or ABSENT
    commit = one.environment.get("commit")
    return {"commit": commit, "weights": " and ".join(w[:DIGEST] for w in weights), "flags": flags}
