"""What to type to choose a run's model, task and data again, from what its record keeps.

Records name no places, so where a path is needed `ELSEWHERE` stands for it. Knows no report and
reads no configuration from disk.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from harness.record import Cell

ELSEWHERE = "..."
"""In place of a path, which is the user's own."""

COLUMNS = ("text", "second", "label", "input", "target")
"""Options of own data that name what is read, as a record keeps them."""


def words(cell: Cell, config: Mapping[str, Any]) -> dict[str, str]:
    """Keys and values that choose a cell's model, task, data and strategy, in the order to type.

    A model or data set with a configuration of its own is chosen by name alone; one that has none
    (any checkpoint, any files) by the general choice, its place and its name or its columns.
    """
    chosen = {**_model(cell, config.get("model") or {}), "task": cell.task, **_data(cell, config)}
    return chosen if cell.strategy == "full" else chosen | {"strategy": cell.strategy}


def mode(cell: Cell, config: Mapping[str, Any]) -> dict[str, str]:
    """The mode as it is chosen, which a cell may call by the mask of its model."""
    node = config.get("mode") or {}
    labels = {"mode.labels": str(node["labels"])} if "labels" in node else {}
    return {"mode": str(node.get("name", cell.mode)), **labels}


def command(chosen: Mapping[str, str]) -> str:
    """One line for a shell."""
    quoted = (shlex.quote(f"{key}={value}") for key, value in chosen.items())
    return " ".join(["python -m harness.run", *quoted])


def _model(cell: Cell, model: Mapping[str, Any]) -> dict[str, str]:
    if (model.get("architecture") or {}).get("model_type") != "auto":
        return {"model": cell.model}
    return {"model": "checkpoint", "model.path": ELSEWHERE, "model.name": cell.model}


def _data(cell: Cell, config: Mapping[str, Any]) -> dict[str, str]:
    data = config.get("data") or {}
    package = str(data.get("_target_")).removesuffix(".load").rpartition(".")[0]
    general = {"tasks.files": "files", "tasks.hub": "hub"}.get(package)
    if general is None or data.get("name"):
        return {"data": cell.data}
    named = {f"data.{key}": str(data[key]) for key in COLUMNS if data.get(key) is not None}
    return {"data": general, "data.path": ELSEWHERE, **named}
