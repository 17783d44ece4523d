"""Record folders as compact arrays: counts are read once and reduced at once.

Equal things are kept once, so that ten thousand records fit into memory. What is damaged raises
RecordError with the file and the reason; samples of texts, which nobody counts, are left out.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from harness import alarms, metrics, record
from harness.comparing.comparison import Run, Sample
from harness.diagnosis.detail import Detail, detail
from harness.metrics import Meter
from harness.record import CountTable, Record, RecordError
from harness.statistics import stats

Ints = NDArray[np.int64]
Floats = NDArray[np.float32] | NDArray[np.float64]

SHARED = ("config", "environment", "data", "model", "tuning", "majority", "probes", "signatures")
"""Parts of a record that many records repeat."""

SAMPLES = 3
"""Inputs whose texts are shown."""


class Layout(NamedTuple):
    """Which units the counts judge: the same object for all runs on the same data."""

    slice: Ints
    cluster: Ints  # by name where there is one, else by example
    slices: tuple[str, ...]


class Table(NamedTuple):
    """One run's counts, reduced."""

    ratios: tuple[tuple[Floats, Floats] | None, ...]  # per metric; None where it has no interval
    values: tuple[float, ...]
    size: int  # examples
    layout: Layout | None
    correct: NDArray[np.int8]
    marked: NDArray[np.int8] | None
    detail: Detail = Detail()  # what a diagnosis reads
    sums: Mapping[str, Floats] | None = None  # columns of a headline that is no ratio


class Loaded(NamedTuple):
    """A run beside its counts."""

    run: Run
    table: Table
    folder: Path


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
        for name in SHARED:
            value = getattr(found, name)
            if value is not None:
                plain = vars(value) if name in ("data", "model") else value
                changes[name] = self.keep((name, record.canonical(plain)), value)
        return dataclasses.replace(found, **changes)


def load(folder: Path, name: str, found: Record, shelf: Shelf, examine: bool) -> Loaded:
    """One finished run; `examine` says whether alarms may ring."""
    if found.data is None or found.evaluated is None or not found.metrics:
        raise RecordError(f"{folder}: finished, but without data, evaluated or metrics; left out")
    raw = record.read_counts(folder, found.counts_digest)
    try:
        size = found.data.sizes[found.evaluated]
        counts, meters = _checked(raw, size), [metrics.meter(name) for name in found.metrics]
        ratios = tuple(_ratio(meter, raw, shelf) for meter in meters)
        totals = metrics.totals(found.metrics, counts.columns)
        values = tuple(meter.value(totals) for meter in meters)
        told = detail(counts, found.data.classes, shelf.keep)
        table = Table(ratios, values, size, *_units(counts, shelf), told, _sums(meters[0], raw))
    except (RecordError, TypeError, ValueError, LookupError) as error:
        raise RecordError(f"{folder / record.COUNTS}: {_words(error)}; left out") from None
    if not examine:
        return Loaded(Run(name, found), table, folder)
    rung, checks = tuple(alarms.examine(found, counts)), tuple(alarms.checks(found, counts))
    return Loaded(Run(name, found, rung, checks), table, folder)


def _words(error: Exception) -> str:
    return f"column {error} is missing" if isinstance(error, KeyError) else str(error)


def _checked(raw: CountTable, size: int) -> CountTable:
    """The same counts as arrays of integers, all of a length, pointing where something is."""
    if size < 1:
        raise RecordError("no example was judged")
    columns = {key: _integers(column, size) for key, column in raw.columns.items()}
    units, mentions = _rows(raw.units, "slice"), _rows(raw.mentions, "example")
    reliability = _rows(raw.reliability, "answers")
    tops = {"example": size, "slice": len(raw.slices), "key": len(raw.keys)}
    _pointing("units", units, tops)
    _pointing("mentions", mentions, {"example": size})
    parts = (columns, units, mentions, reliability)
    plain = [cast(Mapping[str, Sequence[int]], part) for part in parts]
    texts = tuple(raw.slices), tuple(raw.keys)
    return CountTable(plain[0], plain[1], *texts, plain[2], tuple(raw.types), plain[3])


def _rows(part: Mapping[str, Sequence[int]], first: str) -> dict[str, Ints]:
    """Columns as long as the first; nothing where the part is empty."""
    length = len(part[first]) if part else 0
    return {name: _integers(column, length) for name, column in part.items()}


def _pointing(part: str, columns: Mapping[str, Ints], tops: Mapping[str, int]) -> None:
    """Raise RecordError where a column holds an index that is none."""
    for name, top in tops.items() if columns else ():
        index = columns[name]
        if index.size and not 0 <= index.min() <= index.max() < top:
            raise RecordError(f"{part}: {name} points outside its table")


def _integers(column: Sequence[int], size: int) -> Ints:
    values = np.asarray(column)
    if values.shape != (size,) or (size and values.dtype.kind not in "iub"):
        raise RecordError(f"expected {size} integers in a column, got {values.shape}")
    return values.astype(np.int64)


def _ratio(meter: Meter, counts: CountTable, shelf: Shelf) -> tuple[Floats, Floats] | None:
    """Numerator and denominator per example; pseudo-values over 1 where there is no ratio."""
    if meter.ratio is not None:
        num, den = meter.ratio(counts.columns)
        return _exact(num), _shared(den, shelf)
    if meter.values is None:
        return None
    psi = stats.pseudo_values(meter.values, {n: counts.columns[n] for n in meter.columns})
    return psi, _shared([1.0] * len(psi), shelf)


def _sums(headline: Meter, counts: CountTable) -> dict[str, Floats] | None:
    if headline.ratio is not None or headline.values is None:
        return None
    return {name: _exact(counts.columns[name]) for name in headline.columns}


def _exact(values: Sequence[float]) -> Floats:
    """In 32 bits where nothing is lost, as with counts."""
    wide = np.asarray(values, np.float64)
    narrow = wide.astype(np.float32)
    return narrow if np.array_equal(narrow, wide) else wide


def _shared(values: Sequence[float], shelf: Shelf) -> Floats:
    """Most denominators are the same for all runs on the same data."""
    found = _exact(values)
    kept: Floats = shelf.keep(("denominator", found.tobytes()), found)
    return kept


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


def hardware(facts: Mapping[str, Any]) -> str:
    """The processor that a run was made on, in words; what is not on record is unknown."""
    return " ".join(str(facts.get("gpu") or facts.get("cpu") or "unknown processor").split())


def newest(results: Iterable[Loaded], warnings: list[str]) -> list[Loaded]:
    """One run per identity and processor: the copy that finished last (folders may be merged)."""
    kept: dict[tuple[str, str], Loaded] = {}
    for loaded in sorted(results, key=lambda one: one.run.record.finished_at or ""):
        found = loaded.run.record
        key = found.identity, hardware(found.environment)
        if key in kept:
            warnings.append(
                f"{kept[key].run.folder} and {loaded.run.folder} are the same run "
                f"({found.identity[:12]}); the one that finished last is used"
            )
        kept[key] = loaded
    return list(kept.values())


def samples(folder: Path) -> tuple[Sample, ...]:
    """The first texts of a run; nothing where its file is missing or damaged."""
    try:
        with (folder / record.PREDICTIONS).open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in itertools.islice(lines, SAMPLES)]
        return tuple(_sample(row) for row in rows)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return ()


def _sample(row: Mapping[str, Any]) -> Sample:
    """One line of predictions.jsonl; raises where it is not about a text."""
    words, references, units = row["words"], row["references"], row.get("slices") or []
    if not isinstance(row["text"], str) or isinstance(references, str) or not references:
        raise ValueError("no text with references")
    return Sample(
        id=str(row["id"]),
        source=" ".join(words),
        reference=str(references[0]),
        references=len(references),
        text=row["text"],
        cut_off=row.get("cut_off") is True,
        slices=tuple(dict.fromkeys(str(unit[0]) for unit in units)),
    )
