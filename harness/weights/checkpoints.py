"""Training states on disk: there whole or not at all, and the newest whole one is gone on from.

A state is a folder `step-00001200` with `state.safetensors` (weights, both moments of AdamW, the
state of the random generator) and `state.json` (counts, curves, what it belongs to, the digest of
the tensors). It is written beside its place, flushed to disk and renamed; only then is the one
before it deleted, so that a full disk or a power cut costs no more than the work since then.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from harness import record
from harness.contracts import InputError

TENSORS, TOLD = "state.safetensors", "state.json"
_NAME = "step-"
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of a parameter
_AGAIN = "delete {} to begin this model again"


class State(NamedTuple):
    """A state as read: `told` is state.json without the digest."""

    tensors: Mapping[str, Tensor]
    told: Mapping[str, Any]


def save(folder: Path, step: int, tensors: Mapping[str, Tensor], told: Mapping[str, Any]) -> None:
    """Write the state after `step` updates below `folder`, and delete older ones."""
    place = folder / f"{_NAME}{step:08d}"
    if place.is_dir():
        return  # nothing was learnt since
    beside = folder / f".{place.name}.tmp"
    for litter in folder.glob(f".{_NAME}*.tmp"):  # what a killed process left
        shutil.rmtree(litter, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        save_file(dict(tensors), beside / TENSORS)
        _flush(beside / TENSORS)
        text = json.dumps({**told, "tensors_sha256": _sha256(beside / TENSORS)}, allow_nan=False)
        record.write_text(beside / TOLD, text + "\n")
        beside.rename(place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _flush(folder)
    for other in _whole(folder):
        if other != place:
            shutil.rmtree(other)


def latest(folder: Path) -> State | None:
    """The newest state below `folder`, on the CPU; None where there is none.

    Raises InputError for one that is not as it was written.
    """
    found = _whole(folder)
    if not found:
        return None
    place = found[-1]
    try:
        told = json.loads((place / TOLD).read_text(encoding="utf-8"))
        if told.pop("tensors_sha256", None) != _sha256(place / TENSORS):
            raise InputError(f"{place}: not as it was written; {_AGAIN.format(place)}")
        return State(load_file(place / TENSORS), told)
    except (OSError, ValueError, AttributeError, SafetensorError) as error:
        raise InputError(f"{place}: {error}; {_AGAIN.format(place)}") from None


def updates_of(folder: Path) -> int:
    """Updates that the newest state below `folder` has behind it; 0 where there is none."""
    found = _whole(folder)
    return int(found[-1].name.removeprefix(_NAME)) if found else 0


def taken(
    model: nn.Module, optimizer: torch.optim.Optimizer, rng: torch.Generator
) -> dict[str, Tensor]:
    """What a state holds, on the CPU: shared tensors once, by the first name they have."""
    tensors = {"rng": rng.get_state()}
    for name, parameter in model.named_parameters():
        tensors[f"weights.{name}"] = parameter.detach()
        kept = optimizer.state.get(parameter, {})
        tensors.update({f"{moment}.{name}": kept[moment] for moment in _MOMENTS if moment in kept})
    return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}


def put_back(
    tensors: Mapping[str, Tensor],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    rng: torch.Generator,
) -> None:
    """Make model, optimizer and generator what they were. Raises KeyError where a weight lacks."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"weights.{name}"])
            kept = {moment: tensors.get(f"{moment}.{name}") for moment in _MOMENTS}
            optimizer.state[parameter] = {
                moment: tensor.to(parameter.device)
                for moment, tensor in kept.items()
                if tensor is not None  # never had a gradient
            }
    rng.set_state(tensors["rng"])


def _whole(folder: Path) -> list[Path]:
    """Finished states, oldest first."""
    return sorted(folder.glob(f"{_NAME}*"))


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
