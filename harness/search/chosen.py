"""From the trials of an arm to what is chosen: the best point and the file that a run reads.

Scores are those of records on the dev split. A trial's score is the mean over its seeds; a run
that failed counts as the worst score that there is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import yaml
from omegaconf import OmegaConf

from harness import record, searched
from harness.contracts import InputError
from harness.metrics import Meter, meter, totals
from harness.planning import configuration
from harness.search import space
from harness.search.settings import Search
from harness.search.space import Point, Side, Space

HEADER = "# @package _global_\n# Written by `python -m harness.tune`; do not edit.\n"


@dataclass(frozen=True)
class Trial:
    """One point with what became of it: a record a seed, in the order of the search's seeds."""

    place: str
    values: Point
    runs: Sequence[tuple[int, Path]]

    def records(self) -> Iterator[record.Record]:
        """Of its finished runs."""
        kept = (record.read(folder) for _, folder in self.runs)
        return (one for one in kept if one.outcome.status == "finished")

    def scores(self) -> list[float | None]:
        """The dev score of each seed; None where the run failed."""
        return [score(folder) for _, folder in self.runs]

    def mean(self, by: Meter) -> float:
        """Its score, failed runs being the worst."""
        return fmean(by.worst if one is None else one for one in self.scores())


@dataclass(frozen=True)
class Extension:
    """A range that was searched further, for all arms that are compared."""

    side: Side
    trials: int


def score(folder: Path) -> float | None:
    """The headline of a run on the split it was scored on; None where it failed."""
    kept = record.read(folder)
    if kept.outcome.status != "finished":
        return None
    columns = record.read_counts(folder, kept.counts_digest).columns
    headline = kept.metrics[0]
    return meter(headline).value(totals([headline], columns))


def metric(trials: Sequence[Trial]) -> Meter | None:
    """What trials are judged by; None where none finished."""
    kept = next((one for trial in trials for one in trial.records()), None)
    return None if kept is None else meter(kept.metrics[0])


def best(trials: Sequence[Trial], by: Meter) -> Trial:
    """The best one; of equals the first."""
    return max(trials, key=lambda one: by.improves(one.mean(by)))


def node(
    search: Search,
    searched_space: Space,
    trials: Sequence[Trial],
    extended: Sequence[Extension],
    by: Meter,
) -> dict[str, Any]:
    """What a run keeps of the search behind it, table included."""
    winner = best(trials, by)
    kept = next(winner.records(), None) or next(one for t in trials for one in t.records())
    ends = space.edges(searched_space, winner.values, [t.values for t in trials], search.edge.share)
    holds = configuration.searched(kept.config, search.keys)
    told: dict[str, Any] = {
        "search": search.name,
        "version": search.version,
        "sampler": search.sampler,
        "metric": by.name,
        "scored_on": "dev",
        "holds_for": holds,
        "space": {one.key: one.told for one in searched_space},
        "extended": [
            {"key": one.side.key, "end": one.side.end, "trials": one.trials} for one in extended
        ],
        "chosen": dict(winner.values),
        "edge": bool(ends),
        "edges": list(map(str, ends)),
        "seeds": list(search.seeds),
        "trials": len(trials),
        "runs": sum(len(one.runs) for one in trials),
        "table": list(_table(trials)),
    }
    if weights := _weights(trials):
        told["weights_digest"] = weights
    return told


def _table(trials: Sequence[Trial]) -> Iterator[dict[str, Any]]:
    for number, trial in enumerate(trials):
        for (seed, _), found in zip(trial.runs, trial.scores(), strict=True):
            shown = None if found is None or not math.isfinite(found) else round(found, 5)
            yield {"trial": number, "values": dict(trial.values), "seed": seed, "score": shown}


def _weights(trials: Sequence[Trial]) -> str:
    """The weights that all trials of a folder started from; empty where there was no folder."""
    kept = [one for trial in trials for one in trial.records()]
    found = {
        one.model.weights_digest
        for one in kept
        if one.model and one.config["model"].get("weights") == "folder"
    }
    if len(found) > 1:
        raise InputError(
            f"{kept[0].cell.model}: the trials started from {len(found)} different weights; move "
            "the records of the older ones away"
        )
    return next(iter(found), "")


def write(
    out: Path, name: str, told: Mapping[str, Any], trials: Sequence[Trial], base: str | None = None
) -> Path:
    """The file of an arm, in the place where configurations look for it.

    That of a strategy other than full stands on the file of full, called `base`, so it also puts
    back what the latter sets and the trials had otherwise.
    """
    own, values = base not in (None, name), dict(told["chosen"])
    if own:
        kept = next(one for trial in trials for one in trial.records())
        config = record.flatten(kept.config)
        values = {k: config[k] for k in _set_by(out / f"{base}.yaml") if k in config} | values
    body: dict[str, Any] = {}
    for key, value in values.items():
        *groups, leaf = key.split(".")
        place = body
        for group in groups:
            place = place.setdefault(group, {})
        place[leaf] = value
    body["tuning"] = {searched.OF_STRATEGY: dict(told)} if own else dict(told)
    file = out / f"{name}.yaml"
    record.write_text(file, HEADER + OmegaConf.to_yaml(OmegaConf.create(body)))
    return file


def _set_by(file: Path) -> list[str]:
    """Keys that a file of conf/tuned/ sets, besides `tuning`."""
    if not file.is_file():
        return []
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [key for key in record.flatten(found) if not key.startswith("tuning.")]
