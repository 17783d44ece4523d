"""Made-up runs of several ways of tuning, whose retention is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthetic import TRAINING, cell, leave, model

from harness.record import Evaluation

SIZES = {"full": 660_000, "freeze": 200_000, "lora": 6_000, "head_only": 300, "prompt": 0}
STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "full": {},
    "freeze": {"share": 0.5},
    "lora": {"rank": 8},
    "head_only": {},
    "prompt": {"shots": 0, "score": "pmi"},
}
UNTRAINED = replace(
    TRAINING, steps=0, examples=0, tokens=0, loss_tokens=0, best_step=0, losses=(),
    evaluations=(Evaluation(0, 0, 0, 0.0, 0.0, 0.5),), cpu_seconds=0.0, wall_seconds=0.0,
)  # fmt: skip
Told = float | Callable[[int], float]


def known(share: float) -> dict[str, float]:
    """Accuracy by slice: two thirds of the examples can be known, the rest is a coin."""
    return {"lex": share, "con": share, "none": 0.5}


def wider_pair(root: Path) -> None:
    """Another pair, on more tasks and tuned in full alone."""
    for task in ("ner", "matching"):
        for family in ("gpt", "bert"):
            for seed in range(2):
                of = cell(task=task, family=family, seed=seed, model=f"{family}9", pair="wide")
                leave(root, of, 0.8, size=300)


def strategy(root: Path, name: str, gpt: Told | None, bert: Told | None, **words: Any) -> None:
    """Both families tuned in one way, on the seeds named; None: that side did not run.

    `settings` replace the strategy's own, `trials` is the search behind each (None: none);
    `weights` are each family's own.
    """
    weights = words.pop("weights", {})
    seeds, size = words.pop("seeds", range(5)), words.pop("size", 900)
    trials, settings = words.pop("trials", 8), words.pop("settings", STRATEGIES.get(name, {}))
    for seed in seeds:
        for family, told in (("gpt", gpt), ("bert", bert)):
            if told is None:
                continue
            own = {"weights": weights[family]} if weights else {}
            of = cell(task="classification", family=family, seed=seed, strategy=name, **own)
            share = told(seed) if callable(told) else told
            count = trials[family] if isinstance(trials, dict) else trials
            sizes = {**model(of).parameters, "trainable": SIZES.get(name, SIZES["full"])}
            train = {"max_length": 64} if name == "prompt" else {"lr": 1e-3, "epochs": 15}
            changes = {
                "config": {"train": train, "strategy": dict(settings), "seed": seed},
                "tuning": None if count is None or name == "prompt" else {"trials": count},
                "model": model(of, parameters=sizes),
                "training": UNTRAINED if name == "prompt" else TRAINING,
            }
            leave(root, of, known(share), size, **(changes | words))
