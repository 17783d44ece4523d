"""Macro F1: the mean over classes of each class's own F1, so that a rare class counts like any.

Over the classes that the judged examples have, so the same ones for every model: to answer another
one is a miss of the right one and no more. The formula needs sums per class (`sums`), which are
made from the columns `pred` and `gold`; nothing else is recorded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from harness.metrics import Vector

TITLE = "macro F1"
COLUMNS = ("pred", "gold", "total")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)

_WANTED = re.compile(r"gold_(\d+)")


class ByClass(NamedTuple):
    """Examples of each class: answered right, answered so, wanted."""

    right: Vector
    pred: Vector
    gold: Vector


def sums(columns: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """tp_k, pred_k and gold_k of each class k that is wanted or answered, and the total."""
    found = by_class(columns)
    classes = np.flatnonzero(found.pred + found.gold)
    names = zip(("tp", "pred", "gold"), found, strict=True)
    counts = {f"{name}_{k}": int(part[k]) for name, part in names for k in classes}
    return {**counts, "total": len(columns["gold"])}


def by_class(columns: Mapping[str, Sequence[int]]) -> ByClass:
    """Counts of every class up to the last one that occurs."""
    pred, gold = (np.asarray(columns[name], np.int64) for name in ("pred", "gold"))
    classes = 1 + int(max(pred.max(initial=-1), gold.max(initial=-1)))
    parts = (gold[pred == gold], pred, gold)
    return ByClass(*(np.bincount(part, minlength=classes).astype(np.float64) for part in parts))


def of(totals: Mapping[str, float]) -> ByClass:
    """The counts that `sums` made. Raises KeyError where examples were summed without them."""
    classes = sorted(int(match[1]) for match in map(_WANTED.fullmatch, totals) if match)
    if not classes and totals.get("total"):
        raise KeyError("gold_0")
    parts = ([totals[f"{name}_{k}"] for k in classes] for name in ("tp", "pred", "gold"))
    return ByClass(*(np.array(part, np.float64) for part in parts))


def value(totals: Mapping[str, float]) -> float:
    """The mean of 2 tp / (pred + gold) over wanted classes; 0 where nothing was judged."""
    found = of(totals)
    return float(_each(found).sum() / max(1, np.count_nonzero(found.gold)))


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Linearised values of each example, over 1: their mean is the score.

    A mean of K ratios of sums is linear to first order (the delta method): of class k, an example
    adds (2 right - F_k (answered + wanted)) / (pred + gold), which sums to 0 over the examples.
    """
    found = by_class(columns)
    pred, gold = (np.asarray(columns[name], np.int64) for name in ("pred", "gold"))
    each, size = _each(found), np.maximum(found.pred + found.gold, 1.0)
    classes = max(1, int(np.count_nonzero(found.gold)))
    right = 2.0 * (pred == gold) / size[gold]
    pull = right - each[pred] / size[pred] - each[gold] / size[gold]
    psi = each.sum() / classes + len(gold) * pull / classes
    return psi.tolist(), [1.0] * len(gold)


def _each(found: ByClass) -> Vector:
    """F1 of each class; 0 of one that is not wanted."""
    scores: Vector = 2 * found.right / np.maximum(found.pred + found.gold, 1.0)
    return scores
