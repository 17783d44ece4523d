"""Which blocks of text make which batch, and what a model is asked of them.

Both follow from a seed: the models of a pair read the same batches in the same order, and a loop
that was stopped finds the batches that it has not had yet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.backbones.family import Backbone, Lesson, Specials
from harness.corpora.blocks import SEPARATOR, Blocks
from harness.pretrain import UNASKED

_BATCHES = 2  # stream of the seed
_TOGETHER = 16  # held-out blocks in a batch


def batches(count: int, size: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Indices of the blocks of each batch, without end.

    Every one of `count` blocks once, in a random order, then again in another one.
    """
    left, epoch = np.zeros(0, np.int64), 0
    while True:
        while len(left) < size:
            order = np.random.default_rng([seed, _BATCHES, epoch]).permutation(count)
            left, epoch = np.concatenate([left, order]), epoch + 1
        yield left[:size]
        left = left[size:]


def framed(rows: NDArray[np.int32], backbone: Backbone, special: Specials) -> tuple[Tensor, Tensor]:
    """Blocks as a model reads them: ids and real positions [batch, length].

    What ends a text of this family also stands between two documents.
    """
    before, after, _ = backbone.frame(special)
    text = np.where(rows == SEPARATOR, after[-1], rows).astype(np.int64)
    ids = torch.from_numpy(np.pad(text, ((0, 0), (len(before), len(after)))))
    ids[:, : len(before)] = torch.tensor(before)
    ids[:, -len(after) :] = torch.tensor(after)
    return ids, torch.ones_like(ids, dtype=torch.bool)


def length_of(text: Blocks, backbone: Backbone, special: Specials) -> int:
    """Tokens of a block as a model reads it."""
    before, after, _ = backbone.frame(special)
    return int(text.train.shape[1]) + len(before) + len(after)


def lesson_of(
    rows: NDArray[np.int32], backbone: Backbone, special: Specials, rng: torch.Generator
) -> Lesson:
    """What is asked of some blocks. That a block ends there is no text, and is not asked for."""
    ids, real = framed(rows, backbone, special)
    lesson = backbone.lesson(ids, real, special, rng)
    lesson.targets[:, -len(backbone.frame(special).after) :] = UNASKED
    return lesson


def asked_of(lesson: Lesson) -> int:
    """Tokens that a lesson asks for."""
    return int((lesson.targets != UNASKED).sum())


def held_out(
    text: Blocks, count: int, backbone: Backbone, special: Specials, seed: int
) -> Iterator[Lesson]:
    """Lessons of the first `count` held-out blocks; what they hide is the same every time."""
    rng = torch.Generator().manual_seed(seed)
    for start in range(0, min(count, len(text.held_out)), _TOGETHER):
        rows = text.held_out[start : min(start + _TOGETHER, count)]
        yield lesson_of(rows, backbone, special, rng)


def updates_of(backbone: Backbone, updates: int, match: str, facts: Mapping[str, Any]) -> int:
    """Updates of this model: `updates`, or with match="loss_tokens" as many as bear as many.

    A next-token lesson asks for every token of a block. A hidden-token lesson asks for
    `mask_share` of those that are no separators, on average: so many updates are planned.
    """
    if match == "updates" or backbone.objective == "clm":
        return updates
    part = facts["train_blocks"]
    words = part["tokens"] / (part["tokens"] + part["separators"])
    share: float = backbone.mask_share * words  # type: ignore[attr-defined]
    return math.ceil(updates / share)


def unigram_nats(text: Blocks, backbone: Backbone, special: Specials) -> Tensor:
    """-ln of every token's share of the training blocks, one added to each count: [vocabulary].

    What a reader without any context needs for it.
    """
    end = backbone.frame(special).after[-1]
    counts = np.ones(special.vocabulary)
    for row in np.array_split(text.train, max(1, len(text.train) // 10_000)):
        counts += np.bincount(
            np.where(row == SEPARATOR, end, row).ravel(), minlength=special.vocabulary
        )
    return -torch.from_numpy(counts / counts.sum()).log()
