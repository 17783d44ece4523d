"""From planned cells to records: what of them is left to do, and doing it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import measuring, metrics, plan, record, searched
from harness.cells import isolate, pool
from harness.cells.isolate import Done, Failed, Job
from harness.contracts import InputError
from harness.examples import wording
from harness.measure import environment
from harness.measuring import Measured
from harness.planning import configuration
from harness.planning import setup as setups
from harness.planning.expansion import Planned
from harness.planning.reserved import Reservations
from harness.planning.setup import Foundation, Setup
from harness.record import UNSUPPORTED
from harness.sweeps.forecast import cost, forecast, total
from harness.weights.assets import Asset

_PRETRAINING = 20.0  # what it may take, in units of reading data, for the progress display
_PRELOAD = ("harness.cells.foundation", "harness.experiment", "hydra.utils")


@dataclass(frozen=True)
class Tally:
    """What became of the cells of one command."""

    setups: Sequence[Setup]
    already: int
    failed: Sequence[tuple[Setup, str]]

    @property
    def unkept(self) -> list[Setup]:
        """Finished cells whose tuned model was asked for and is not there."""
        return [
            setup
            for setup in self.setups
            if setup.keep_checkpoint
            and setups.outcome(setup.folder) == "finished"
            and record.read(setup.folder).checkpoint_digest is None
        ]


def run(planned: Sequence[Planned]) -> int:
    """Run what is not finished yet, write the report, tell how it went; returns the exit code."""
    for one in planned:
        configuration.check(one.config)
        if one.config["model"]["weights"] == "architecture" and not one.config["race"]:
            raise InputError(
                f"model={one.choices['model']} has no weights to train; add race=base to measure "
                "it beside the other of its pair, or name a checkpoint with model.weights=..."
            )
    if not planned:
        raise InputError("this sweep holds no cell; see `cells` in its file under conf/sweep/")
    config = planned[0].config
    _refuse_untuned(planned)
    decided = plan.checked(configuration.build(config["plan"], "plan"), "this command")
    workers = config["workers"] or side_by_side(planned)
    if not config["dry_run"]:
        writable(Path(config["results"]), "results")
        writable(Path(config["cache"]), "cache")
    foundations = lay(planned, workers, make=not config["dry_run"])
    sensible = [one for one in planned if foundations[one.foundation].unsupported is None]
    if not sensible:
        raise InputError(str(foundations[planned[0].foundation].unsupported))
    if config["dry_run"]:
        _say(forecast(planned, foundations, workers, Path(config["results"])))
        return 0
    here = environment.observe()
    setups_ = identified(sensible, foundations, here, decided.digest)
    plan.write(Path(config["results"]), decided)
    others = [one for one in planned if one not in sensible]
    for setup, _ in identified(others, foundations, here, decided.digest).values():
        _keep_unsupported(setup)
    trained = {key: found for key, found in setups_.items() if found[0].trains}
    _announce(trained, foundations, workers)
    tally = run_cells(trained, planned, workers)
    measured = measuring.measure([setup for setup, _ in setups_.values()], config)
    _conclude(tally, measured, Path(config["results"]))
    return 1 if tally.failed or measured.failed else 0


def side_by_side(planned: Sequence[Planned]) -> int:
    """Cells at a time: as many as there are cores, but one on a GPU, whose time is its cost."""
    on_cpu = all(one.config["train"]["device"] == "cpu" for one in planned)
    return environment.usable_cores() if on_cpu else 1


def _refuse_untuned(planned: Sequence[Planned]) -> None:
    """Raise InputError where nothing is trained, but a rate is searched or models are measured."""
    config = planned[0].config
    if any(wording.untuned(p.config) and p.config["role"] == "tuning" for p in planned):
        raise InputError("role=tuning: strategy=prompt trains nothing, so it has no rate to search")
    if (config["probe"] or config["race"]) and all(wording.untuned(p.config) for p in planned):
        raise InputError(
            "strategy=prompt keeps no tuned model, and what answering by prompts takes is not "
            "measured in this version; leave measuring out (~probe ~race)"
        )


def writable(folder: Path, key: str) -> None:
    """Raise InputError now for a folder that could not be written to after hours of work."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as tried:  # no name that another command may take
            tried.write(b"writable")
    except OSError as error:
        file = isinstance(error, FileExistsError | NotADirectoryError)
        reason = "that is a file, not a folder" if file else error.strerror or str(error)
        raise InputError(
            f"{key}={folder}: cannot be written ({reason}); choose another folder with {key}=..."
        ) from None


def lay(planned: Sequence[Planned], workers: int, make: bool) -> dict[str, Foundation]:
    """Load data and make tokenizers and weights, once for all cells that share them.

    Raises InputError for the first user's mistake, before any cell has started.
    """
    jobs = {
        one.foundation: Job(
            name=one.label,
            function="harness.cells.foundation:lay",
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


def identified(
    planned: Sequence[Planned],
    foundations: Mapping[str, Foundation],
    here: Mapping[str, Any],
    decided: str,
) -> dict[str, tuple[Setup, Planned]]:
    """Cells by identity; the same cell planned twice is one cell."""
    found: dict[str, tuple[Setup, Planned]] = {}
    for one in planned:
        foundation = foundations[one.foundation]
        config = wording.settled(one.config, foundation.splits)
        science = configuration.scientific(config, foundation.writes, foundation.overlong)
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
            keep_checkpoint=keep and not wording.untuned(config),
            environment=here,
            sweep=config["sweep"]["name"] if config["sweep"] else None,
            tuning=_tuning(config, foundation.asset),
            plan=decided,
        )
        found.setdefault(identity, (setup, one))
    return found


def _tuning(config: Mapping[str, Any], asset: Asset | None) -> Mapping[str, Any] | None:
    """The search behind the values, if these are the values, setting and weights of a search."""
    science = configuration.scientific(config, writes=False)
    weights = asset.weights_digest if asset and configuration.from_folder(config["model"]) else None
    flat = record.flatten(config)
    for tuning in searched.nodes(config["tuning"]):
        chosen = searched.values(tuning)
        used = all(key in flat and flat[key] == value for key, value in chosen.items())
        holds = tuning.get("holds_for") == configuration.searched(science, chosen)
        if chosen and used and holds and tuning.get("weights_digest") == weights:
            return tuning
    return None


def _announce(
    cells: Mapping[str, tuple[Setup, Planned]],
    foundations: Mapping[str, Foundation],
    workers: int,
) -> None:
    """Say how many cells are left and how long they will take, where there are any."""
    left = [pair for pair in cells.values() if setups.outcome(pair[0].folder) != "finished"]
    if left:
        before, results = f"{len(cells) - len(left)} more are finished", Path(left[0][0].results)
        _say(total([one for _, one in left], foundations, workers, results, before))


def run_cells(
    cells: Mapping[str, tuple[Setup, Planned]],
    planned: Sequence[Planned],
    workers: int,
    reserved: Reservations | None = None,
) -> Tally:
    """Run the cells that have no outcome yet; a failed one leaves a record with its reason.

    With `reserved`, cells that another command has are passed over.
    """
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
        Job(s.name, "harness.experiment:execute", s, cost(s.config, s.foundation)) for s in left
    ]
    by_name = {setup.name: setup for setup in left}

    def take(job: Job) -> bool:
        return reserved is None or reserved.take(by_name[job.name])

    for job, outcome in pool.run(jobs, workers, limit, "cells", take):
        setup = by_name[job.name]
        if isinstance(outcome, Done):
            _say(f"{_score(setup)}  {setup.name}")
        else:
            failed.append((setup, outcome.reason))
            _say(f"FAILED  {setup.name}: {outcome.reason}")
            _keep_failure(setup, outcome)
        if reserved is not None:
            reserved.release(setup)
    return Tally([setup for setup, _ in cells.values()], already, failed)


def _keep_unsupported(setup: Setup) -> None:
    """A combination that makes no sense leaves a record that says why, and is no failure."""
    reason = setup.foundation.unsupported
    _say(f"-  {setup.name}: {reason}")
    with setups.locked(setup.cache, setup.identity):
        if setups.outcome(setup.folder) != UNSUPPORTED:
            _write_without_result(setup, record.Outcome(UNSUPPORTED, reason))


def _keep_failure(setup: Setup, outcome: Failed) -> None:
    """A failed cell leaves a record with its reason. A full disk must not hide the failure."""
    with setups.locked(setup.cache, setup.identity):
        if setups.outcome(setup.folder) != "finished":  # by another command meanwhile
            _write_without_result(setup, record.Outcome("failed", outcome.reason, outcome.error))


def _write_without_result(setup: Setup, outcome: record.Outcome) -> None:
    empty = record.Record(
        identity=setup.identity,
        experiment_version=setups.EXPERIMENT_VERSION,
        cell=setup.cell,
        outcome=outcome,
        config=setup.science,
        environment=setup.environment,
        sweep=setup.sweep,
        tuning=setup.tuning,
        plan=setup.plan,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    try:
        record.write(setup.folder, empty)
    except OSError as error:
        _say(f"could not write {setup.folder}: {error}")


def _score(setup: Setup) -> str:
    """The headline of a finished cell."""
    kept = record.read(setup.folder)
    counts = record.read_counts(setup.folder)
    meter = metrics.meter(kept.metrics[0])
    value = meter.value(metrics.totals([meter.name], counts.columns))
    return f"{meter.title} {value:.3f} ({kept.evaluated})"


def _conclude(tally: Tally, measured: Measured, results: Path) -> None:
    """The last lines: how many, what failed, where to read on."""
    from harness import report  # pandas and scipy only when there is something to report

    failed = [(setup.name, reason) for setup, reason in tally.failed] + [*measured.failed]
    for name, reason in failed:
        _say(f"failed: {name}: {reason}")
    counts = (
        ("cells finished", len(tally.setups), len(tally.failed), tally.already),
        ("measurements made", measured.count, len(measured.failed), measured.already),
    )
    asked = [setup for setup in tally.setups if wording.untuned(setup.config)]
    if asked:
        _say(f"{len(asked)} cells of strategy=prompt: no model was tuned, so none kept or measured")
    for setup in tally.unkept:
        _say(f"no tuned model: {setup.folder} is finished and kept none; delete it to run it again")
    for what, planned, lost, already in counts:
        if planned:
            _say(f"{planned - lost} of {planned} {what} ({already} were {what.split()[1]} before)")
    if len(failed) < len(tally.setups) + measured.count:
        _say(f"report: {report.write([results])}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
