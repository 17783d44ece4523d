"""Records of made-up runs whose truth is known, written as the measuring half writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness import record
from harness.record import (
    Cell,
    CountTable,
    DataFacts,
    Evaluation,
    ModelFacts,
    Outcome,
    Record,
    TrainLog,
)

SLICES = {"ner": ("U", "L", "R", "N", "G"), "classification": ("lex", "con", "none")}
READERS = {"gpt": "causal/last", "bert": "bidirectional/first"}
CAPS = {
    "causal/last": {"R": 0.5, "N": 0.5, "U": 1.0, "L": 1.0, "G": 1.0, "all": 0.825},
    "causal/first": {"R": 0.483, "N": 0.483, "U": 0.516, "L": 1.0, "G": 0.812, "all": 0.67},
    "bidirectional/first": {"R": 1.0, "N": 0.5, "U": 1.0, "L": 1.0, "G": 1.0, "all": 0.95},
}
CLASSIFIED = {"lex": 1.0, "con": 1.0, "none": 0.5, "all": 0.95}


def cell(**changes: Any) -> Cell:
    base = Cell(
        model="gpt2",
        family="gpt",
        pair="mini",
        match="families as published",
        weights="embedded",
        task="ner",
        data="world",
        mode="causal",
        strategy="full",
        seed=0,
        role="result",
    )
    if changes.get("family") == "bert":
        base = replace(base, model="bert", mode="bidirectional")
    return replace(base, **changes)


def data(of: Cell, size: int, **changes: Any) -> DataFacts:
    reader = READERS[of.family]
    base = DataFacts(
        name=of.data,
        source="embedded",
        digests={"train": "a" * 64, "dev": "b" * 64, "test": "c" * 64},
        sizes={"train": 1000, "dev": size, "test": size},
        words={"train": 9000, "dev": 4000, "test": 4000},
        classes=("negative", "positive") if of.task == "classification" else ("O", "B-PER"),
        caps=CLASSIFIED if of.task == "classification" else CAPS[reader],
        reader=reader,
    )
    return replace(base, **changes)


def model(of: Cell, **changes: Any) -> ModelFacts:
    base = ModelFacts(
        description=f"{of.model}, {of.pair}, 0.66 M parameters, {of.weights}",
        parameters={"total": 660_000, "non_embedding": 600_000, "trainable": 660_000, "head": 900},
        tokenizer_digest="d" * 64,
        weights_digest=f"{of.seed:064d}" if of.weights == "scratch" else "e" * 64,
        vocabulary=312,
        fertility=1.21,
        unknown_share=0.0,
        flops_per_token=1.4e6,
        label_piece="-" if of.task == "classification" else READERS[of.family].split("/")[1],
        pooling="last" if of.task == "classification" else "-",
        attention="sdpa",
        precision="float32",
        pretraining={"objective": "clm", "updates": 2400, "final_loss": 1.6, "tokens": 240_000},
    )
    return replace(base, **changes)


TRAINING = TrainLog(
    steps=400,
    examples=12_800,
    tokens=150_000,
    loss_tokens=90_000,
    padding_share=0.11,
    loss_window=10,
    losses=(1.2, 0.6, 0.4),
    evaluations=(
        Evaluation(0, 0, 0, 0.0, 0.0, 0.02),
        Evaluation(200, 6_400, 75_000, 9.0, 8.1, 0.71),
        Evaluation(400, 12_800, 150_000, 18.0, 16.2, 0.76),
    ),
    best_step=400,
    stopped_early=False,
    cpu_seconds=18.4,
    wall_seconds=16.2,
)


def made(of: Cell, size: int = 300, **changes: Any) -> Record:
    """A finished record of a cell."""
    columns = {"tp": 0, "pred": 0, "gold": size} | {
        f"{name}_conlleval": total for name, total in (("tp", 0), ("pred", 0), ("gold", size))
    }
    classified = of.task == "classification"
    config = {"model": {"name": of.model}, "train": {"lr": 1e-3, "epochs": 15}, "seed": of.seed}
    base = Record(
        identity="",
        experiment_version=1,
        cell=of,
        outcome=Outcome("finished"),
        config=config,
        environment={"python": "3.12.3", "torch": {"version": "2.6", "threads": 1}},
        sweep="default",
        evaluated="test",
        metrics=("accuracy",) if classified else ("entity_f1", "entity_f1_conlleval"),
        data=data(of, size),
        model=model(of),
        training=TRAINING,
        majority={"correct": size // 2, "total": size} if classified else columns,
        truncation={"cut_examples": 0, "cut_words": 0, "cut_units": 0},
        finished_at=f"2026-01-01T00:00:{of.seed:02d}Z",
    )
    base = replace(base, **changes)
    return replace(base, identity=record.digest([str(base.cell), dict(base.config)]))


def answers(
    task: str, share: float | Mapping[str, float], size: int, seed: int, names: int = 30
) -> CountTable:
    """Counts of one run: one sliced unit an example, right with a given probability."""
    rng = np.random.default_rng([seed, 7])
    slices = SLICES[task]
    index = np.arange(size) % len(slices)
    chance = np.array([share if isinstance(share, float) else share[name] for name in slices])
    ability = np.random.default_rng(size).normal(0, 0.05, size)  # what both models find hard
    right = (rng.random(size) < chance[index] + ability).astype(int)
    units = {"example": np.arange(size), "slice": index, "correct": right}
    if task == "classification":
        gold = np.arange(size) // 2 % 2
        columns = {"correct": right, "total": np.ones(size, int), "gold": gold}
        columns["pred"] = np.where(right == 1, gold, 1 - gold)
        units |= {"key": np.zeros(size, int), "marked": np.ones(size, int)}
        return table(columns, units, slices, ("",))
    one = np.ones(size, int)
    columns = {"tp": right, "pred": one, "gold": one}
    columns |= {f"{name}_conlleval": column for name, column in list(columns.items())}
    units |= {"key": np.arange(size) // len(slices) % names, "marked": one}
    return table(columns, units, slices, tuple(f"name{i}" for i in range(names)))


def table(
    columns: Mapping[str, Any],
    units: Mapping[str, Any],
    slices: Sequence[str],
    keys: Sequence[str],
) -> CountTable:
    plain = [
        {name: np.asarray(c).tolist() for name, c in part.items()} for part in (columns, units)
    ]
    return CountTable(plain[0], plain[1], tuple(slices), tuple(keys))


GOOD = {"U": 0.9, "L": 0.95, "N": 0.45, "G": 0.85, "lex": 0.9, "con": 0.8, "none": 0.5}


def leave(
    root: Path, of: Cell, share: float | None = None, size: int = 300, **changes: Any
) -> Path:
    """Write one run below a folder and return where."""
    found = made(of, size, **changes)
    causal = READERS[of.family].startswith("causal")
    chance = share if share is not None else GOOD | {"R": 0.45 if causal else 0.85}
    folder = root / f"{of.task}-{of.model}-{of.mode}-{of.weights}-{of.seed}-{found.identity[:8]}"
    if found.outcome.status != "finished":
        record.write(folder, found)
    else:
        counts = answers(of.task, chance, size, of.seed * 2 + (of.family == "bert"))
        record.write(folder, found, counts)
    return folder
