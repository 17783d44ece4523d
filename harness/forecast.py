"""What planned cells will cost in time and disk, before any of them runs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import record
from harness.expansion import Planned
from harness.setup import Foundation

ASSUMED_SPEED = 3e10  # FLOP per CPU second, until a machine has records of its own


def cost(config: Mapping[str, Any], foundation: Foundation) -> float:
    """FLOPs of one cell; evaluation is about a tenth."""
    return 1.1 * foundation.epoch_flops * float(config["train"]["epochs"])


def forecast(
    planned: Sequence[Planned],
    foundations: Mapping[str, Foundation],
    workers: int,
    results: Path,
) -> str:
    """What `--dry-run` prints: cells, minutes, disk."""
    lines = [
        f"{one.label} seed {one.config['seed']} lr {one.config['train']['lr']:g} "
        f"{one.config['role']}"
        for one in planned
    ]
    return "\n".join([*lines, total(planned, foundations, workers, results)])


def total(
    planned: Sequence[Planned],
    foundations: Mapping[str, Foundation],
    workers: int,
    results: Path,
) -> str:
    """The last line of it: how many cells, how long, how much."""
    speed, origin = _speed(results)
    assets = {  # cells of several tasks share one pretrained model
        (one.config["model"]["name"], foundations[one.foundation].asset_flops > 0): (
            foundations[one.foundation].asset_flops
        )
        for one in planned
    }
    flops = sum(assets.values()) + sum(
        cost(one.config, foundations[one.foundation]) for one in planned
    )
    megabytes = sum(len(foundations[one.foundation].splits.test) for one in planned) * 5e-4
    minutes = flops / speed / workers / 60
    return (
        f"{len(planned)} cells (finished ones are skipped), {workers} at a time; about "
        f"{max(minutes, 0.1):.1f} minutes at {speed / 1e9:.1f} GFLOP/s a core ({origin}); "
        f"about {max(megabytes, 0.1):.1f} MB of records, besides kept checkpoints"
    )


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
