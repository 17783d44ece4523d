"""Record folders as compact arrays: counts are read once and reduced at once.

Equal things are kept once, so that ten thousand records fit into memory. What is damaged raises
RecordError with the file and the reason.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from harness import alarms, record
from harness.comparison import Run
from harness.contracts import Metric
from harness.record import CountTable, Record, RecordError

Ints = NDArray[np.int64]
Small = NDArray[np.float32]  # counts are small integers: exact in 32 bits


class Layout(NamedTuple):
    """Which units the counts judge: the same object for all runs on the same data."""

    slice: Ints
    cluster: Ints  # by name where there is one, else by example
    slices: tuple[str, ...]


class Table(NamedTuple):
    """One run's counts, reduced."""

    ratios: tuple[tuple[Small, Small], ...]  # per metric
    values: tuple[float, ...]
    layout: Layout | None
    correct: NDArray[np.int8]
    marked: NDArray[np.int8] | None


class Loaded(NamedTuple):
    """A run beside its counts."""

    run: Run
    table: Table


class Shelf:
    """Keeps one copy of equal things, as ten thousand records repeat the same few."""

    def __init__(self) -> None:
        self._kept: dict[object, Any] = {}

    def keep(self, key: object, value: Any) -> Any:
        """The first value that came with this key."""
        return self._kept.setdefault(key, value)

    def slim(self, found: Record) -> Record:
        """The record with its repeated parts shared."""
        changes = {}
        for name in ("config", "environment", "data", "model", "tuning", "majority"):
            value = getattr(found, name)
            if value is not None:
                plain = vars(value) if name in ("data", "model") else value
                changes[name] = self.keep((name, record.canonical(plain)), value)
        return dataclasses.replace(found, **changes)


@lru_cache(maxsize=64)
def metric_of(name: str) -> tuple[Metric, str]:
    """A metric module and its title; RecordError where this version has no such metric."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise RecordError(f"{name!r} is no name of a metric")
    try:
        module = import_module(f"harness.metrics.{name}")
    except ImportError:
        raise RecordError(f"metric {name!r} is unknown to this version") from None
    return cast(Metric, module), str(module.TITLE)


def load(folder: Path, name: str, found: Record, shelf: Shelf, examine: bool) -> Loaded:
    """One finished run; `examine` says whether alarms may ring."""
    if found.data is None or found.evaluated is None or not found.metrics:
        raise RecordError(f"{folder}: finished, but without data, evaluated or metrics; left out")
    raw = record.read_counts(folder, found.counts_digest)
    try:
        counts = _checked(raw, found.data.sizes[found.evaluated])
        ratios = tuple(_ratio(metric_of(name)[0], raw) for name in found.metrics)
        totals = {key: float(np.sum(column)) for key, column in counts.columns.items()}
        values = tuple(metric_of(name)[0].value(totals) for name in found.metrics)
        table = Table(ratios, values, *_units(counts, shelf))
    except (RecordError, TypeError, ValueError, LookupError) as error:
        raise RecordError(f"{folder / record.COUNTS}: {_words(error)}; left out") from None
    if not examine:
        return Loaded(Run(name, found), table)
    rung, checks = tuple(alarms.examine(found, counts)), tuple(alarms.checks(found, counts))
    return Loaded(Run(name, found, rung, checks), table)


def _words(error: Exception) -> str:
    return f"column {error} is missing" if isinstance(error, KeyError) else str(error)


def _checked(raw: CountTable, size: int) -> CountTable:
    """The same counts as arrays of integers, all of a length, pointing where something is."""
    if size < 1:
        raise RecordError("no example was judged")
    columns = {key: _integers(column, size) for key, column in raw.columns.items()}
    length = len(raw.units["slice"]) if raw.units else 0
    units = {key: _integers(column, length) for key, column in raw.units.items()}
    tops = {"example": size, "slice": len(raw.slices), "key": len(raw.keys)}
    for name, top in tops.items() if length else ():
        if not 0 <= units[name].min() <= units[name].max() < top:
            raise RecordError(f"units: {name} points outside its table")
    as_columns = cast(Mapping[str, Sequence[int]], columns)
    as_units = cast(Mapping[str, Sequence[int]], units)
    return CountTable(as_columns, as_units, tuple(raw.slices), tuple(raw.keys))


def _integers(column: Sequence[int], size: int) -> Ints:
    values = np.asarray(column)
    if values.shape != (size,) or (size and values.dtype.kind not in "iub"):
        raise RecordError(f"expected {size} integers in a column, got {values.shape}")
    return values.astype(np.int64)


def _ratio(metric: Metric, counts: CountTable) -> tuple[Small, Small]:
    num, den = metric.ratio(counts.columns)
    return np.asarray(num, np.float32), np.asarray(den, np.float32)


def _units(
    counts: CountTable, shelf: Shelf
) -> tuple[Layout | None, NDArray[np.int8], NDArray[np.int8] | None]:
    units = cast(Mapping[str, Ints], counts.units)
    if not units or not units["slice"].size:
        return None, np.empty(0, np.int8), None
    example, index, key = units["example"], units["slice"], units["key"]
    place = (example.tobytes(), index.tobytes(), key.tobytes(), counts.slices, counts.keys)
    named = np.array([bool(text) for text in counts.keys])
    cluster = np.where(named[key], key, len(counts.keys) + example)
    layout = shelf.keep(place, Layout(index, cluster, tuple(counts.slices)))
    entities = "tp" in counts.columns and "marked" in units  # a whole sentence is always answered
    marked = units["marked"].astype(np.int8) if entities else None
    return layout, units["correct"].astype(np.int8), marked


def newest(results: Iterable[Loaded], warnings: list[str]) -> list[Loaded]:
    """One run per identity: the copy that finished last (folders may be merged)."""
    kept: dict[str, Loaded] = {}
    for loaded in sorted(results, key=lambda one: one.run.record.finished_at or ""):
        found = loaded.run.record
        if found.identity in kept:
            warnings.append(
                f"{kept[found.identity].run.folder} and {loaded.run.folder} are the same run "
                f"({found.identity[:12]}); the one that finished last is used"
            )
        kept[found.identity] = loaded
    return list(kept.values())
