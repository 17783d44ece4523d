"""How much searching stands behind scores: the trials of each arm, put beside those of its rivals.

Two sources: the tables that records of results keep of the search behind them, and the trials
that lie in the folder themselves. The same trials from both are shown once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from harness import metrics, record, searched
from harness.comparing.adaptation import way
from harness.comparing.comparison import FULL, Comparison, Tuning, usual_mode
from harness.metrics import Meter
from harness.record import Record
from harness.searched import Row
from harness.statistics.expected import expected_best

BEHIND, HERE = "behind the results", "trials of this folder"


@dataclass(frozen=True)
class Tried:
    """One point with the score of each seed; None where the run failed."""

    values: Mapping[str, Any]
    scores: tuple[float | None, ...]
    seeds: tuple[int, ...] = ()

    def mean(self, meter: Meter) -> float:
        """Over seeds, a failed run being the worst."""
        return fmean(meter.worst if one is None else one for one in self.scores)


@dataclass(frozen=True)
class Effort:
    """The search of one arm."""

    name: str  # in a word or two
    family: str
    trials: tuple[Tried, ...]
    model: str = ""
    mode: str = ""
    chosen: Mapping[str, Any] | None = None  # values by key; None where trials alone are on record

    @property
    def failed(self) -> int:
        """Runs that failed; each counts as the worst score."""
        return sum(score is None for one in self.trials for score in one.scores)

    def expected(self, meter: Meter) -> list[float]:
        """The expected best dev score of 1, 2, ... of its trials."""
        return expected_best([one.mean(meter) for one in self.trials], meter.lower_is_better)

    def rates(self, meter: Meter) -> list[tuple[float, float]]:
        """Learning rates with the dev score: where other keys were searched as well, each trial."""
        found = [(one.values.get(searched.LEARNING_RATE), one.mean(meter)) for one in self.trials]
        return sorted(
            (rate, mean) for rate, mean in found if isinstance(rate, int | float) and rate > 0
        )


class _Place(NamedTuple):
    task: str
    data: str
    metric: str
    pair: str
    way: str
    embedded: bool
    source: str
    search: str


@dataclass(frozen=True)
class Searches:
    """Arms that were searched to be compared, decoder first."""

    task: str
    data: str
    meter: Meter
    pair: str
    embedded: bool
    source: str  # BEHIND or HERE
    search: str  # its name; empty for a grid
    arms: tuple[Effort, ...]
    way: str = FULL  # how all of them are tuned

    @property
    def unequal(self) -> bool:
        """Whether the arms had unequal numbers of trials or runs."""
        sizes = {(len(one.trials), sum(len(t.scores) for t in one.trials)) for one in self.arms}
        return len(sizes) > 1


def efforts(comparison: Comparison) -> list[Searches]:
    """Every search that is on record, those behind results first."""
    places: dict[_Place, list[Effort]] = defaultdict(list)
    seen = set[str]()
    for found, search, rows, source, embedded, metric in _sources(comparison):
        trials, how = _trials(rows), _way(found, rows)
        cell, name = found.cell, _words(found, how)
        told = record.canonical([name, cell.task, cell.data, sorted(map(_told, trials))])
        if not trials or told in seen:
            continue
        seen.add(told)
        place = _Place(cell.task, cell.data, metric, cell.pair, how, embedded, source, search)
        chosen = searched.values(found.tuning or {}) if source == BEHIND else None
        places[place].append(Effort(name, cell.family, trials, cell.model, cell.mode, chosen))
    return [_searches(place, members) for place, members in places.items()]


def _sources(
    comparison: Comparison,
) -> Iterator[tuple[Record, str, Sequence[Row], str, bool, str]]:
    for group in comparison.groups:
        for arm in group.arms:
            tuning = arm.first.tuning
            metric = str((tuning or {}).get("metric", group.key.metrics[0]))
            if tuning and metric == group.key.metrics[0]:
                name = str(tuning.get("search", ""))
                rows = searched.rows(tuning)
                yield arm.first, name, rows, BEHIND, group.embedded, metric
    for one in comparison.tunings:
        yield one.first, _name(one), one.rows, HERE, one.embedded, one.metric


def _name(one: Tuning) -> str:
    sweep = one.first.sweep or ""
    return sweep.removeprefix(searched.LABEL) if sweep.startswith(searched.LABEL) else ""


def _way(found: Record, rows: Sequence[Row]) -> str:
    """How an arm is tuned, with what is set of it; without it where that was searched."""
    tried = any(key.startswith(searched.OF_ARM) for row in rows for key in row.values)
    return found.cell.strategy if tried else way(found)


def _words(found: Record, how: str) -> str:
    texts = metrics.of_texts(found.metrics)
    words = [found.cell.model, *([found.cell.mode] if texts or not usual_mode(found) else [])]
    return " ".join([*words, *([how] if how != FULL else [])])


def _trials(rows: Sequence[Row]) -> tuple[Tried, ...]:
    """Rows put together: the seeds of one point, in the order of the table."""
    points: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        points[record.canonical([row.trial, dict(row.values)])].append(row)
    return tuple(
        Tried(some[0].values, tuple(one.score for one in some), tuple(one.seed for one in some))
        for some in points.values()
    )


def _told(one: Tried) -> str:
    """To know the same trial again: tables hold 5 decimals, and carry no number in a grid."""
    scores = sorted(-1.0 if score is None else round(score, 5) for score in one.scores)
    return record.canonical([dict(one.values), scores])


def _searches(place: _Place, members: Sequence[Effort]) -> Searches:
    arms = tuple(sorted(members, key=lambda one: (one.family != "gpt", one.name)))
    meter = metrics.meter(place.metric)
    return Searches(
        place.task,
        place.data,
        meter,
        place.pair,
        place.embedded,
        place.source,
        place.search,
        arms,
        place.way,
    )
