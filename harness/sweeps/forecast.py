"""What planned cells will cost in time and disk, before any of them runs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import record
from harness.planning.expansion import Planned
from harness.planning.setup import Foundation

ASSUMED_SPEED = 3e10  # FLOP per CPU second, until a machine has records of its own
ASSUMED_ON_GPU = 1e12  # FLOP per second, of small models, whose kernels a GPU waits for


def cost(config: Mapping[str, Any], foundation: Foundation) -> float:
    """FLOPs of one cell; evaluation is about a tenth."""
    epochs = foundation.epoch_flops * float(config["train"]["epochs"])
    return 1.1 * (foundation.once_flops + epochs)


def forecast(
    planned: Sequence[Planned],
    foundations: Mapping[str, Foundation],
    workers: int,
    results: Path,
) -> str:
    """What `--dry-run` prints: cells, minutes, disk; and what makes no sense, with its reason."""
    others = [one for one in planned if foundations[one.foundation].unsupported is not None]
    planned = [one for one in planned if one not in others]
    lines = [
        f"{one.label} seed {one.config['seed']} lr {one.config['train']['lr']:g} "
        f"{one.config['role']}"
        for one in planned
    ]
    senseless = (f"-  {one.label}: {foundations[one.foundation].unsupported}" for one in others)
    lines += dict.fromkeys(senseless)  # once for all seeds
    return "\n".join([*lines, total(planned, foundations, workers, results)])


def total(
    planned: Sequence[Planned],
    foundations: Mapping[str, Foundation],
    workers: int,
    results: Path,
    before: str = "finished ones are skipped",
) -> str:
    """The last line of it: how many cells, how long, how much. `before` is about what was done."""
    on_device = any(one.config["train"]["device"] != "cpu" for one in planned)
    speed, origin = _speed(results, on_device)
    assets = {  # cells of several tasks share one pretrained model
        record.canonical([one.config["model"], one.config["pretraining"]]): (
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
        f"{len(planned)} cells ({before}), {workers} at a time; about "
        f"{max(minutes, 0.1):.1f} minutes at {speed / 1e9:.1f} GFLOP/s each ({origin}); "
        f"about {max(megabytes, 0.1):.1f} MB of records, besides kept checkpoints"
    )


def _speed(results: Path, on_device: bool) -> tuple[float, str]:
    """FLOPs per second of past runs in this results folder, or an assumption that says so."""
    speeds = []
    for folder in record.folders(results) if results.is_dir() else ():
        try:
            past = record.read(folder)
        except record.RecordError:
            continue
        log, seconds = past.training, past.training_seconds
        if log and past.model and seconds and past.on_device == on_device:
            speeds.append(past.model.training_flops(log.tokens) / seconds)
    if speeds:
        return statistics.median(speeds), f"median of {len(speeds)} past runs"
    assumed = ASSUMED_ON_GPU if on_device else ASSUMED_SPEED
    return assumed, "assumed: no past runs here"
