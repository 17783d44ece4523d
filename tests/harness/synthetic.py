"""Records of made-up runs whose truth is known, written as the measuring half writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import synthetic_texts
from numpy.typing import NDArray

from harness import record
from harness.record import (
    NOBODY,
    Cell,
    CountTable,
    DataFacts,
    Evaluation,
    Likelihood,
    ModelFacts,
    Outcome,
    Record,
    TrainLog,
)
from harness.statistics import reliability

SLICES = {
    "ner": ("U", "L", "R", "N", "G"),
    "classification": ("lex", "con", "none"),
    "matching": ("same", "changed", "vague"),
}
READERS = {"gpt": "causal/last", "bert": "bidirectional/first"}
CAPS = {
    "causal/last": {"R": 0.5, "N": 0.5, "U": 1.0, "L": 1.0, "G": 1.0, "all": 0.825},
    "causal/first": {"R": 0.483, "N": 0.483, "U": 0.516, "L": 1.0, "G": 0.812, "all": 0.67},
    "bidirectional/first": {"R": 1.0, "N": 0.5, "U": 1.0, "L": 1.0, "G": 1.0, "all": 0.95},
}
CLASSIFIED = {"lex": 1.0, "con": 1.0, "none": 0.5, "all": 0.95}
MATCHED = {"same": 1.0, "changed": 1.0, "vague": 0.5, "all": 0.975}
TEXT_PROBES = {
    "texts": 4,
    "source_from_target": 0.0,
    "target_left_change": 0.0,
    "source_left_change": 0.0,
    "padding_change": 2e-7,
    "tolerance": {"causal": 1e-6, "padding": 1e-5},
}


LABELLED = ("classification", "matching")
WORDS = 8
"""Of a made-up sentence with one entity, a word of its own."""


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
        level="same data and size",
    )
    if changes.get("family") == "bert":
        usual = "unilm" if changes.get("task") == "generation" else "bidirectional"
        base = replace(base, model="bert", mode=usual)
    return replace(base, **changes)


def data(of: Cell, size: int, **changes: Any) -> DataFacts:
    writes = of.task == "generation"
    reader = of.mode if writes else READERS[of.family]
    caps = {"classification": CLASSIFIED, "matching": MATCHED, "generation": {}}
    classes = {"ner": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"), "generation": ()}
    base = DataFacts(
        name=of.data,
        source="embedded",
        digests={"train": "a" * 64, "dev": "b" * 64, "test": "c" * 64},
        sizes={"train": 1000, "dev": size, "test": size},
        words={"train": 9000, "dev": 4000, "test": 4000},
        classes=classes.get(of.task, ("no", "yes")),
        caps=caps[of.task] if of.task in caps else CAPS[reader],
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
        label_piece=READERS[of.family].split("/")[1] if of.task == "ner" else "-",
        pooling="last" if of.task in LABELLED else "-",
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
        data=data(of, size),
        model=model(of),
        training=TRAINING,
        truncation={"cut_examples": 0, "cut_words": 0, "cut_units": 0},
        finished_at=f"2026-01-01T00:00:{of.seed:02d}Z",
        **_judged(of, size),
    )
    base = replace(base, **changes)
    return replace(base, identity=record.digest([str(base.cell), dict(base.config)]))


def _judged(of: Cell, size: int) -> dict[str, Any]:
    """What depends on the task: metrics, the input-blind rule, and all that texts have."""
    if of.task in LABELLED:
        return {"metrics": ("accuracy",), "majority": {"correct": size // 2, "total": size}}
    if of.task == "ner":
        columns = {"tp": 0, "pred": 0, "gold": size}
        columns |= {f"{name}_conlleval": total for name, total in columns.items()}
        columns |= {"words": WORDS * size, "words_right": (WORDS - 1) * size}  # O everywhere
        return {"metrics": ("entity_f1", "entity_f1_conlleval"), "majority": columns}
    task, splits = synthetic_texts.TASK, synthetic_texts.splits(size)
    moved = {"unilm": ("source",), "mask_predict": ("source", "target")}.get(of.mode, ())
    return {
        "metrics": task.metrics(splits),
        "majority": synthetic_texts.majority(size),
        "signatures": task.signatures(splits),
        "probes": {"claimed": of.mode, "left_only": [p not in moved for p in ("source", "target")]}
        | TEXT_PROBES
        | {f"{p}_left_change": 0.3 for p in moved},
        "likelihood": None if of.mode == "mask_predict" else Likelihood(9000.0 + size, 9000, size),
    }


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
    if task in LABELLED:
        gold = np.arange(size) // 2 % 2
        columns = {"correct": right, "total": np.ones(size, int), "gold": gold}
        columns["pred"] = np.where(right == 1, gold, 1 - gold)
        units |= {"key": np.zeros(size, int), "marked": np.ones(size, int)}
        return table(columns, units, slices, ("",), reliability=confident(right, seed))
    one = np.ones(size, int)
    columns = {"tp": right, "pred": one, "gold": one}
    columns |= {f"{name}_conlleval": column for name, column in list(columns.items())}
    columns |= {"words": WORDS * one, "words_right": WORDS - 1 + right}
    units |= {"key": np.arange(size) // len(slices) % names, "marked": one}
    keys = tuple(f"name{i}" for i in range(names))
    mentions, sure = mentioned(right, seed), confident(right, seed)
    return table(columns, units, slices, keys, mentions, ("PER", "LOC"), sure)


def mentioned(right: NDArray[np.int_], seed: int) -> dict[str, list[int]]:
    """One entity a sentence: half PER, half LOC; of the wrong answers a quarter is of each kind."""
    rng, rows = np.random.default_rng([seed, 8]), []
    for row, hit in enumerate(right):
        kind, wrong = row % 2, rng.integers(4)
        if hit:
            rows.append((row, kind, kind, 1))
        elif wrong == 0:  # another type
            rows.append((row, kind, 1 - kind, 1))
        elif wrong in (1, 2):  # other boundaries, with the right type or another
            rows.append((row, kind, kind if wrong == 1 else 1 - kind, 0))
        else:  # missed, and another one invented
            rows += [(row, kind, NOBODY, 0), (row, NOBODY, kind, 0)]
    columns = np.array(rows, int).reshape(-1, 4).T.tolist()
    return dict(zip(("example", "gold", "pred", "exact"), columns, strict=True))


def confident(right: NDArray[np.int_], seed: int) -> dict[str, list[int]]:
    """A model that is sure of everything, between .8 and 1, whether right or not."""
    levels = np.random.default_rng([seed, 9]).uniform(0.8, 1.0, len(right)).round(4)
    answers = [(1,)] * len(right)
    return reliability.table(answers, [(int(hit),) for hit in right], [(one,) for one in levels])


def table(
    columns: Mapping[str, Any],
    units: Mapping[str, Any],
    slices: Sequence[str],
    keys: Sequence[str],
    mentions: Mapping[str, Any] | None = None,
    types: Sequence[str] = (),
    reliability: Mapping[str, Any] | None = None,
) -> CountTable:
    plain = [
        {name: np.asarray(c).tolist() for name, c in (part or {}).items()}
        for part in (columns, units, mentions, reliability)
    ]
    return CountTable(
        plain[0], plain[1], tuple(slices), tuple(keys), plain[2], tuple(types), plain[3]
    )


GOOD = {"U": 0.9, "L": 0.95, "N": 0.45, "G": 0.85, "lex": 0.9, "con": 0.8, "none": 0.5}
GOOD |= {"same": 0.85, "changed": 0.8, "vague": 0.5}
TOLD = {"causal": 0.95, "unilm": 0.9, "mask_predict": 0.6}
"""Share of the slots that a mode tells."""


def leave(
    root: Path, of: Cell, share: float | None = None, size: int | None = None, **changes: Any
) -> Path:
    """Write one run below a folder and return where."""
    size = (60 if of.task == "generation" else 300) if size is None else size
    found = made(of, size, **changes)
    causal = READERS[of.family].startswith("causal")
    chance = share if share is not None else GOOD | {"R": 0.45 if causal else 0.85}
    folder = root / f"{of.task}-{of.model}-{of.mode}-{of.weights}-{of.seed}-{found.identity[:8]}"
    if found.outcome.status != "finished":
        record.write(folder, found)
    elif of.task == "generation":
        told = share if share is not None else TOLD[of.mode]
        seed = of.seed * 3 + list(TOLD).index(of.mode)
        made_up, rows = synthetic_texts.written(told, size, seed)
        record.write(folder, found, CountTable(**vars(made_up)), rows)
    else:
        counts = answers(of.task, chance, size, of.seed * 2 + (of.family == "bert"))
        record.write(folder, found, counts)
    return folder
