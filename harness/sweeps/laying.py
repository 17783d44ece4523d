"""What cells stand on, before any of them starts: places to write, shared data and weights."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.cells import isolate, pool
from harness.cells.isolate import Failed, Job
from harness.contracts import InputError
from harness.measure import environment
from harness.planning import configuration
from harness.planning.expansion import Planned
from harness.planning.setup import Foundation

_PRETRAINING = 20.0  # what it may take, in units of reading data, for the progress display
_PRELOAD = ("harness.cells.foundation", "harness.experiment", "hydra.utils")


def side_by_side(planned: Sequence[Planned]) -> int:
    """Cells at a time: as many as there are cores, but one on a GPU, whose time is its cost."""
    on_cpu = all(one.config["train"]["device"] == "cpu" for one in planned)
    return environment.usable_cores() if on_cpu else 1


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
