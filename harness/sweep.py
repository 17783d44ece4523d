"""From planned cells to records: what a sweep holds, what of it is left to do, and doing it.

A named sweep is a union of products: each block of `cells` lists values per key, and every
combination is one cell. The first key varies slowest and the model comes last, so that the two
models of a pair alternate and a drift of the machine favours neither.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from hydra import compose
from omegaconf import OmegaConf, open_dict

from harness import configuration, environment, isolate, pool, record
from harness import setup as setups
from harness.contracts import InputError
from harness.isolate import Done, Failed, Job
from harness.setup import Foundation, Setup

_PRETRAINING = 20.0  # what it may take, in units of reading data, for the progress display
ASSUMED_SPEED = 8e9  # FLOP per CPU second, until a machine has records of its own
_PRELOAD = ("harness.foundation", "harness.experiment", "hydra.utils")
_FOUNDATION = ("model", "task", "data", "pretraining", "role")


@dataclass(frozen=True)
class Planned:
    """One cell as composed: the whole configuration, and the choices of its groups."""

    config: Mapping[str, Any]
    choices: Mapping[str, str]

    @property
    def foundation(self) -> str:
        """Cells with the same text share data, tokenizer and starting weights."""
        return record.canonical({key: self.config[key] for key in _FOUNDATION})

    @property
    def label(self) -> str:
        """Short name for progress displays."""
        names = (self.choices["task"], self.choices["data"], self.choices["model"])
        return " ".join([*names, self.config["model"]["weights"]])


@dataclass(frozen=True)
class Tally:
    """What became of the cells of one command."""

    setups: Sequence[Setup]
    already: int
    failed: Sequence[tuple[Setup, str]]


def expand(config: Mapping[str, Any], overrides: Sequence[str]) -> Iterator[Planned]:
    """The cells of a named sweep. What the user set on the command line narrows an axis."""
    given = dict(o.lstrip("+~").split("=", 1) for o in overrides if "=" in o)
    kept = [o for o in overrides if not o.startswith(("sweep=", "sweep.", "+sweep"))]
    seen: set[str] = set()
    for block in config["sweep"]["cells"]:
        axes = {
            key: [given[key]] if key in given else _several(values) for key, values in block.items()
        }
        for values in itertools.product(*axes.values()):
            pairs = zip(axes, values, strict=True)
            chosen = [f"{k}={_typed(v)}" for k, v in pairs if k not in given]
            planned = _compose([*kept, *chosen], config)
            text = record.canonical(planned.config)
            if text not in seen:
                seen.add(text)
                yield planned


def _typed(value: object) -> str:
    """A YAML value as Hydra's command line writes it."""
    if value is None:
        return "null"
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _several(values: object) -> list[object]:
    return list(values) if isinstance(values, list) else [values]


def _compose(overrides: list[str], config: Mapping[str, Any]) -> Planned:
    composed = compose("config", overrides=overrides, return_hydra_config=True)
    choices = {str(k): str(v) for k, v in composed.hydra.runtime.choices.items()}
    with open_dict(composed):
        del composed["hydra"]
    plain: Any = OmegaConf.to_container(composed, resolve=True)
    return Planned({**plain, "sweep": config["sweep"]}, choices)


def run(planned: Sequence[Planned]) -> int:
    """Run what is not finished yet, write the report, tell how it went; returns the exit code."""
    for one in planned:
        configuration.check(one.config)
    if not planned:
        raise InputError("this sweep holds no cell; see `cells` in its file under conf/sweep/")
    config = planned[0].config
    workers = config["workers"] or environment.usable_cores()
    if not config["dry_run"]:
        _writable(Path(config["results"]), "results")
        _writable(Path(config["cache"]), "cache")
    foundations = _lay(planned, workers, make=not config["dry_run"])
    if config["dry_run"]:
        _say(_forecast(planned, foundations, workers, Path(config["results"])))
        return 0
    setups_ = _setups(planned, foundations, environment.observe())
    tally = _run_cells(setups_, planned, workers)
    _conclude(tally, Path(config["results"]))
    return 1 if tally.failed else 0


def _writable(folder: Path, key: str) -> None:
    """Raise InputError now for a folder that could not be written to after hours of work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        record.write_text(folder / ".writable", "")
        (folder / ".writable").unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{key}={folder}: cannot be written ({reason}); choose another folder with {key}=..."
        ) from None


def _lay(planned: Sequence[Planned], workers: int, make: bool) -> dict[str, Foundation]:
    """Load data and make tokenizers and weights, once for all cells that share them.

    Raises InputError for the first user's mistake, before any cell has started.
    """
    jobs = {
        one.foundation: Job(
            name=one.label,
            function="harness.foundation:lay",
            argument=(one.config, one.config["cache"], make),
            cost=_PRETRAINING if one.config["model"]["weights"] == "embedded" else 1.0,
        )
        for one in reversed(planned)
    }
    keys = {id(job): key for key, job in jobs.items()}
    foundations = {}
    limit = 60.0 * max(one.config["time_limit_minutes"] for one in planned)
    order = list(reversed(jobs.values()))
    for job, outcome in pool.run(order, workers, limit, "data and weights"):
        if isinstance(outcome, Failed):
            raise _cannot_start(job, outcome)
        foundations[keys[id(job)]] = outcome.value
    return foundations


def warm(config: Mapping[str, Any]) -> None:
    """Let the processes' imports begin while the cells of a sweep are still being composed."""
    families = ("gpt2", "bert", config["model"]["architecture"]["model_type"])
    isolate.warm(_preload(list(configuration.targets(config)), families))


def _preload(targets: Sequence[str], families: Sequence[str]) -> list[str]:
    """Modules that every cell would import for itself: ours, and the models' of transformers."""
    ours = [target for target in targets if target.startswith(configuration.ALLOWED)]
    named = {*_PRELOAD, *(target.rpartition(".")[0] for target in ours)}
    for family in (one.replace("-", "_") for one in families):
        named.add(f"transformers.models.{family}.modeling_{family}")
    return sorted(named)


def _cannot_start(job: Job, outcome: Failed) -> InputError:
    if outcome.users_mistake:
        return InputError(outcome.reason)
    return InputError(f"{job.name}: {outcome.reason}\n{outcome.error or ''}".rstrip())


def _setups(
    planned: Sequence[Planned],
    foundations: Mapping[str, Foundation],
    here: Mapping[str, Any],
) -> dict[str, tuple[Setup, Planned]]:
    """Cells by identity; the same cell planned twice is one cell."""
    found: dict[str, tuple[Setup, Planned]] = {}
    for one in planned:
        config, foundation = one.config, foundations[one.foundation]
        science = configuration.scientific(config)
        identity = setups.identify(science, foundation)
        keep = config["checkpoint"] == "all" or (
            config["checkpoint"] == "first" and config["seed"] == 0 and config["role"] == "result"
        )
        setup = Setup(
            config=config,
            science=science,
            foundation=foundation,
            cell=setups.cell_of(config, foundation, one.choices),
            identity=identity,
            results=config["results"],
            cache=config["cache"],
            keep_checkpoint=keep,
            environment=here,
            sweep=config["sweep"]["name"] if config["sweep"] else None,
            tuning=_tuning(config),
        )
        found.setdefault(identity, (setup, one))
    return found


def _tuning(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The search behind the learning rate, if it is the rate and the setting that were searched."""
    tuning: Mapping[str, Any] | None = config["tuning"]
    if tuning is None or tuning["chosen"] != config["train"]["lr"]:
        return None
    holds = configuration.searched(configuration.scientific(config))
    return tuning if tuning["holds_for"] == holds else None


def _run_cells(
    cells: Mapping[str, tuple[Setup, Planned]], planned: Sequence[Planned], workers: int
) -> Tally:
    retry = all(not p.config["sweep"] or p.config["sweep"]["retry"] == "failed" for p in planned)
    left, failed, already = [], [], 0
    for setup, _ in cells.values():
        state = setups.outcome(setup.folder)
        if state == "finished":
            already += 1
        elif state == "failed" and not retry:
            reason = record.read(setup.folder).outcome.reason or "no reason kept"
            failed.append(
                (setup, f"{reason} (an earlier attempt; sweep.retry=failed runs it again)")
            )
        else:
            left.append(setup)
    limit = 60.0 * max(p.config["time_limit_minutes"] for p in planned)
    jobs = [
        Job(s.name, "harness.experiment:execute", s, _cost(s.config, s.foundation)) for s in left
    ]
    by_name = {setup.name: setup for setup in left}
    for job, outcome in pool.run(jobs, workers, limit, "cells"):
        setup = by_name[job.name]
        if isinstance(outcome, Done):
            _say(f"{_score(setup)}  {setup.name}")
        else:
            failed.append((setup, outcome.reason))
            _say(f"FAILED  {setup.name}: {outcome.reason}")
            _keep_failure(setup, outcome)
    return Tally([setup for setup, _ in cells.values()], already, failed)


def _keep_failure(setup: Setup, outcome: Failed) -> None:
    """A failed cell leaves a record with its reason. A full disk must not hide the failure."""
    with setups.locked(setup.cache, setup.identity):
        if setups.outcome(setup.folder) != "finished":  # by another command meanwhile
            _write_failure(setup, outcome)


def _write_failure(setup: Setup, outcome: Failed) -> None:
    failure = record.Record(
        identity=setup.identity,
        experiment_version=setups.EXPERIMENT_VERSION,
        cell=setup.cell,
        outcome=record.Outcome("failed", outcome.reason, outcome.error),
        config=setup.science,
        environment=setup.environment,
        sweep=setup.sweep,
        tuning=setup.tuning,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    try:
        record.write(setup.folder, failure)
    except OSError as error:
        _say(f"could not write {setup.folder}: {error}")


def _score(setup: Setup) -> str:
    """The headline of a finished cell."""
    kept = record.read(setup.folder)
    counts = record.read_counts(setup.folder)
    metric: Any = import_module(f"harness.metrics.{kept.metrics[0]}")
    value = metric.value({name: sum(column) for name, column in counts.columns.items()})
    return f"{metric.TITLE} {value:.3f} ({kept.evaluated})"


def _conclude(tally: Tally, results: Path) -> None:
    """The last lines: how many, what failed, where to read on."""
    from harness import report  # pandas and scipy only when there is something to report

    for setup, reason in tally.failed:
        _say(f"failed: {setup.name}: {reason}")
    done = len(tally.setups) - len(tally.failed)
    _say(f"{done} of {len(tally.setups)} cells finished ({tally.already} were finished before)")
    if done:
        _say(f"report: {report.write(results)}")


def _cost(config: Mapping[str, Any], foundation: Foundation) -> float:
    """FLOPs of one cell; evaluation is about a tenth."""
    return 1.1 * foundation.epoch_flops * float(config["train"]["epochs"])


def _forecast(
    planned: Sequence[Planned],
    foundations: Mapping[str, Foundation],
    workers: int,
    results: Path,
) -> str:
    """What `--dry-run` prints: cells, minutes, disk."""
    speed, origin = _speed(results)
    assets = {  # cells of several tasks share one pretrained model
        (one.config["model"]["name"], foundations[one.foundation].asset_flops > 0): (
            foundations[one.foundation].asset_flops
        )
        for one in planned
    }
    flops = sum(assets.values()) + sum(
        _cost(one.config, foundations[one.foundation]) for one in planned
    )
    megabytes = sum(len(foundations[one.foundation].splits.test) for one in planned) * 5e-4
    lines = [
        f"{one.label} seed {one.config['seed']} lr {one.config['train']['lr']:g} "
        f"{one.config['role']}"
        for one in planned
    ]
    minutes = flops / speed / workers / 60
    total = (
        f"{len(planned)} cells (finished ones are skipped), {workers} at a time; about "
        f"{max(minutes, 0.1):.1f} minutes at {speed / 1e9:.1f} GFLOP/s a core ({origin}); "
        f"about {max(megabytes, 0.1):.1f} MB of records, besides kept checkpoints"
    )
    return "\n".join([*lines, total])


def _speed(results: Path) -> tuple[float, str]:
    """FLOPs per CPU second of past runs in this results folder, or an assumption that says so."""
    speeds = []
    for folder in record.folders(results) if results.is_dir() else ():
        try:
            past = record.read(folder)
        except record.RecordError:
            continue
        if past.training and past.model and past.training.cpu_seconds > 0:
            work = 3 * past.model.flops_per_token * past.training.tokens
            speeds.append(work / past.training.cpu_seconds)
    if speeds:
        return statistics.median(speeds), f"median of {len(speeds)} past runs"
    return ASSUMED_SPEED, "assumed: no past runs here"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
