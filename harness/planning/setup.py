"""What one cell is told: plain data that travels between processes, and its identity.

No torch here, so the process that plans a sweep stays small.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness import record
from harness.contracts import Splits
from harness.measurement import Stage
from harness.planning import configuration
from harness.record import Cell
from harness.weights import released
from harness.weights.assets import ARCHITECTURE, Asset

EXPERIMENT_VERSION = 2
"""Raise when the same configuration comes to mean another measurement.

History: 1 (first); 2 (the head of a language model is asked only where a token is wanted).
"""

RUNS = "runs"
KINDS = ("embedded", "scratch", ARCHITECTURE)  # weights that are no checkpoint's


@dataclass(frozen=True)
class Foundation:
    """What cells of one model on one data set share. `asset` is None where it is yet to be made."""

    splits: Splits
    digests: Mapping[str, str]
    asset: Asset | None
    family: str
    mode: str
    writes: bool  # answers are texts
    epoch_flops: float  # one pass over the training split, forward and backward
    asset_flops: float  # what making the asset costs; 0 where it is there
    overlong: bool = False  # words are to be tagged in a text that does not fit
    once_flops: float = 0.0  # before the first epoch
    unsupported: str | None = None  # why this makes no sense (a strategy, a mode); nothing is made


@dataclass(frozen=True)
class Setup:
    """One cell, ready to run."""

    config: Mapping[str, Any]  # resolved: what the parts are built from
    science: Mapping[str, Any]  # the part of it that can change a result: what is recorded
    foundation: Foundation
    cell: Cell
    identity: str
    results: str
    cache: str
    keep_checkpoint: bool
    environment: Mapping[str, Any]  # as it was when the code was loaded
    sweep: str | None
    tuning: Mapping[str, Any] | None
    plan: str | None = None  # its digest: no part of the identity

    @property
    def folder(self) -> Path:
        """Where its record goes: named for people, found by the identity at its end."""
        return Path(self.results) / RUNS / self.name

    @property
    def trains(self) -> bool:
        """Whether there is anything to train and score; an architecture is only measured."""
        return self.cell.weights != ARCHITECTURE

    @property
    def name(self) -> str:
        """Readable and unique."""
        cell = self.cell
        words = (cell.task, cell.data, cell.model, cell.weights, cell.mode, cell.strategy)
        parts = [safe(word) for word in words]
        role = ["tuning"] if cell.role == "tuning" else []
        return "-".join([*parts, *role, f"s{cell.seed}", self.identity[:10]])


@dataclass(frozen=True)
class Place:
    """Where a model is measured, and in which numbers it computes."""

    device: str = "cpu"  # "cpu", "cuda", "cuda:1"
    precision: str = "float32"  # "float32", "bfloat16"


CPU = Place()


@dataclass(frozen=True)
class Order:
    """What one measuring process is told: one tuned model, or two that race, decoder first."""

    setups: Sequence[Setup]
    settings: Mapping[str, Any]  # of the probe or the race
    place: Place
    identity: str
    file: str  # to write
    memory: Sequence[Sequence[Stage]] = ()  # of each, as read in a process of its own


def used(role: str) -> tuple[str, ...]:
    """The splits that a run looks at; the last one is what it is scored on."""
    return ("train", "dev") if role == "tuning" else ("train", "dev", "test")


def cell_of(config: Mapping[str, Any], foundation: Foundation, names: Mapping[str, str]) -> Cell:
    """The cell's words. `names` are the choices of the configuration groups."""
    weights = config["model"]["weights"]
    known = weights in KINDS
    return Cell(
        model=configuration.model_name(config["model"]),
        family=foundation.family,
        pair=config["model"]["pair"],
        match=config["model"]["match"],
        weights=weights if known else _folder_name(weights),
        task=names["task"],
        data=foundation.splits.name,
        mode=foundation.mode,
        strategy=re.sub(r"_\d+$", "", names["strategy"]),  # freeze_25: a setting, in the config
        seed=config["seed"],
        role=config["role"],
        level=_level(config["model"]),
    )


def _folder_name(weights: str) -> str:
    """How records call a checkpoint; never by one of the words that mean something else."""
    name = released.named(weights)
    return f"folder {name}" if name in KINDS else name


def _level(model: Mapping[str, Any]) -> str:
    """How well the pair is matched; of a folder nobody knows that it is as released."""
    level = str(model["level"])
    path = model.get("path")
    copied = path is not None and released.is_local(path) and not released.origin(Path(path))
    return "" if copied and level == released.AS_RELEASED else level


def identify(science: Mapping[str, Any], foundation: Foundation) -> str:
    """SHA-256 over everything that can change the result."""
    known = [EXPERIMENT_VERSION, science, dict(foundation.digests)]
    if foundation.unsupported is not None:
        return record.digest(known)  # no tokenizer and weights were made for it
    if foundation.asset is None:
        raise ValueError("a cell has no identity before its tokenizer and weights exist")
    return record.digest(
        [*known, foundation.asset.tokenizer_digest, foundation.asset.weights_digest]
    )


def locked(cache: str, identity: str) -> FileLock:
    """One writer at a time for a cell's record, whoever runs it; freed if its holder dies."""
    locks = Path(cache) / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / f"{identity}.lock")


def outcome(folder: Path) -> str | None:
    """The status of a record's outcome, or None where nothing (whole) is there."""
    try:
        kept = record.read(folder)
        if kept.outcome.status == "finished":
            record.read_counts(folder, kept.counts_digest)
        return kept.outcome.status
    except record.RecordError:
        return None


def safe(word: str) -> str:
    """A word as part of a file's name."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", word).strip("._") or "x"
