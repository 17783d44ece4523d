"""Cells that have no outcome yet are run; whatever becomes of one, a record says so."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from harness import metrics, record
from harness.cells import pool
from harness.cells.isolate import Done, Failed, Job
from harness.planning import setup as setups
from harness.planning.expansion import Planned
from harness.planning.setup import Setup
from harness.record import UNSUPPORTED
from harness.sweeps.forecast import cost
from harness.sweeps.reserved import Reservations


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
            say(f"{_score(setup)}  {setup.name}")
        else:
            failed.append((setup, outcome.reason))
            say(f"FAILED  {setup.name}: {outcome.reason}")
            _keep_failure(setup, outcome)
        if reserved is not None:
            reserved.release(setup)
    return Tally([setup for setup, _ in cells.values()], already, failed)


def keep_unsupported(setup: Setup) -> None:
    """A combination that makes no sense leaves a record that says why, and is no failure."""
    reason = setup.foundation.unsupported
    say(f"-  {setup.name}: {reason}")
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
        say(f"could not write {setup.folder}: {error}")


def _score(setup: Setup) -> str:
    """The headline of a finished cell."""
    kept = record.read(setup.folder)
    counts = record.read_counts(setup.folder)
    meter = metrics.meter(kept.metrics[0])
    value = meter.value(metrics.totals([meter.name], counts.columns))
    return f"{meter.title} {value:.3f} ({kept.evaluated})"


def say(text: str) -> None:
    """A line to the terminal, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
