"""What the `tuning` node of a configuration or a record says about the search behind a run.

A node is written by `harness.tune`, from a grid of learning rates (`chosen` is the rate) or from a
search with a space of its own (`chosen` maps each searched key to its value). Reads plain values;
knows no search and no file.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

LEARNING_RATE = "train.lr"
LABEL = "search="
"""Before the name of a search, where a record says which sweep it belongs to."""

OF_STRATEGY = "of_strategy"
"""Where the node of a strategy's own search stands, beside that of full fine-tuning."""

OF_ARM = ("strategy.", "train.optimizer", "train.momentum")
"""Configuration in which arms of one search may differ that are called by one strategy's name."""

Node = Mapping[str, Any]


class Row(NamedTuple):
    """One run of a trial. `score` is None where it failed."""

    values: Mapping[str, Any]  # what was tried, by key
    seed: int
    score: float | None
    trial: int | None = None  # its number; None in a grid


def nodes(tuning: Node | None) -> Iterator[Node]:
    """The searches that a configuration brings, that of its strategy first."""
    if tuning is None:
        return
    if own := tuning.get(OF_STRATEGY):
        yield own
    if base := {key: value for key, value in tuning.items() if key != OF_STRATEGY}:
        yield base


def values(tuning: Node) -> dict[str, Any]:
    """What was chosen, by key; empty where the node does not say."""
    chosen = tuning.get("chosen")
    if isinstance(chosen, Mapping):
        return dict(chosen)
    return {} if chosen is None else {LEARNING_RATE: chosen}


def keys(tuning: Node | None) -> frozenset[str]:
    """The keys that were searched; the learning rate where a node does not say."""
    return frozenset(values(tuning) or (LEARNING_RATE,)) if tuning else frozenset()


def trials(tuning: Node | None) -> int | None:
    """How many points were tried, each with every seed; None where a node does not say."""
    node = tuning or {}
    grid, told = node.get("grid"), node.get("trials")
    if isinstance(grid, list):
        return len(grid)  # the trials of a grid were counted in runs
    return told if isinstance(told, int) and not isinstance(told, bool) else None


def effort(tuning: Node | None) -> dict[str, str]:
    """What has to be the same for two models that are compared: trials, space, seeds, sampler."""
    tried = trials(tuning)
    found = {"trials": "none" if tried is None else str(tried)}
    space = (tuning or {}).get("space")
    if not tuning or not isinstance(space, Mapping):
        return found
    found |= {f"space.{key}": in_words(value) for key, value in space.items()}
    return found | {name: _text(tuning.get(name)) for name in ("seeds", "sampler")}


def in_words(dimension: object) -> str:
    """A range or a list of choices of a space."""
    if not isinstance(dimension, Mapping):
        return _text(dimension)
    scale = ", log" if dimension.get("log") else ""
    return f"{_text(dimension.get('low'))} to {_text(dimension.get('high'))}{scale}"


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def telling(trials: Sequence[Node]) -> list[str]:
    """Keys that tell arms apart, of flat configurations of trials of one strategy's name.

    A share of frozen layers belongs to an arm, a rank may be what is searched, and a record does
    not say which. Every arm is tried at the same points of a space (`space.points`): keys whose
    values all meet the same points of what else was varied are of arms, others were searched.
    """
    names = sorted({name for one in trials for name in one})
    varied = [name for name in names if len({str(one.get(name)) for one in trials}) > 1]
    own = [name for name in varied if name.startswith(OF_ARM)]
    rest = [name for name in varied if name not in own]
    points: dict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for one in trials:
        points[_at(one, own)].add(_at(one, rest))
    met = all(
        len(ours & theirs) >= min(2, len(ours), len(theirs))
        for ours, theirs in itertools.combinations(points.values(), 2)
    )
    return own if rest and met else []


def _at(one: Node, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(one.get(name)) for name in names)


def rows(tuning: Node) -> list[Row]:
    """The table of a node; what is no row of one is left out."""
    table = tuning.get("table")
    found = (_row(one) for one in (table if isinstance(table, list) else []))
    return [row for row in found if row is not None]


def _row(one: object) -> Row | None:
    if not isinstance(one, Mapping) or not _number(one.get("seed")):
        return None
    told, score = one.get("values"), one.get("score")
    if isinstance(told, Mapping):
        tried, failed = dict(told), score is None
        if not all(_number(v) or v is None or isinstance(v, bool | str) for v in tried.values()):
            return None
    else:
        tried, failed = {LEARNING_RATE: one.get("lr")}, False
        if not _number(tried[LEARNING_RATE]):
            return None
    if not (failed or _number(score)):
        return None
    number = one.get("trial")
    return Row(tried, one["seed"], None if failed else score, number if _number(number) else None)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
