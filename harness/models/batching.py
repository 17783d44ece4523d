"""Which examples go into a batch together, and the tensors of that batch.

Batches are planned on words, never on tokens: two models that are compared get the same
examples in the same batches in the same order, whatever their tokenizers make of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.backbones.family import MEAN
from harness.models.encoding import Encoded

_BATCHES_SORTED_TOGETHER = 20


@dataclass(frozen=True)
class Batch:
    """Tensors of one batch.

    ids [batch, length]; real [batch, length], False at padding; rows, columns [answers]: where
    each answer is read; targets [answers]: indices of classes or of tokens; segments [batch,
    length], True from the second text of a pair on. `readings` is how many batches of the same
    examples stand below one another, each a way of reading them. `begun` counts the examples that
    begin in the batch where rows are windows over them, and is None where rows are examples.
    `averaged` [batch, length] is True at the tokens whose mean is read in place of one position.
    `features` [readings * answers, width] are what a body makes of the batch where it has read it
    before and does not change.
    """

    ids: Tensor
    real: Tensor
    rows: Tensor
    columns: Tensor
    targets: Tensor
    segments: Tensor | None = None
    readings: int = 1
    begun: int | None = None
    features: Tensor | None = None
    averaged: Tensor | None = None

    @property
    def examples(self) -> int:
        """Examples that begin here: over an epoch, each of them once."""
        return len(self.ids) // self.readings if self.begun is None else self.begun

    def to(self, device: str) -> Batch:
        """The same batch on a device."""
        there: dict[str, Any] = {
            name: value.to(device)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        return replace(self, **there)


def budget(words: NDArray[np.int64], batch_size: int) -> int:
    """Words a batch may hold: `batch_size` examples of mean length, padding included."""
    return max(1, round(float(words.mean()) * batch_size))


def plan(words: NDArray[np.int64], limit: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """One epoch of batches: shuffled, then neighbours sorted by length and cut by the budget.

    Sorting a window of the shuffled order, not all of it, keeps batches random while nearly all
    padding goes. The order of the batches is shuffled again.
    """
    order = rng.permutation(len(words))
    per_batch = max(1, limit // max(1, int(words.mean())))
    window = per_batch * _BATCHES_SORTED_TOGETHER
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), window):
        part = order[start : start + window]
        batches += _cut(part[np.argsort(words[part], kind="stable")], words, limit)
    return [batches[i] for i in rng.permutation(len(batches))]


def in_order(words: NDArray[np.int64], limit: int) -> list[NDArray[np.int64]]:
    """Every example once, by length, for evaluation."""
    return _cut(np.argsort(words, kind="stable"), words, limit)


def _cut(order: NDArray[np.int64], words: NDArray[np.int64], limit: int) -> list[NDArray[np.int64]]:
    batches, start = [], 0
    for end in range(1, len(order) + 1):
        # lengths grow along the order, so the last one is the longest of its batch
        if end == len(order) or (end + 1 - start) * int(words[order[end]]) > limit:
            batches.append(order[start:end])
            start = end
    return batches


def collate(
    encoded: Encoded,
    targets: Sequence[NDArray[np.int64]],
    chosen: NDArray[np.int64],
    read_at: str,
    pad: int,
) -> Batch:
    """Tensors of the chosen examples, padded on the right.

    `read_at` is "cls", "last" or "mean" for one answer per example, "first_piece" or "last_piece"
    for one per word.
    """
    ids, real = texts(encoded, chosen, pad)
    lengths = encoded.lengths
    rows, columns, wanted = [], [], []
    for row, index in enumerate(chosen):
        where = _answers(encoded, int(index), int(lengths[index]), read_at)
        columns.append(where)
        rows.append(np.full(len(where), row, np.int64))
        wanted.append(targets[index][: len(where)])
    return Batch(
        ids,
        real,
        torch.from_numpy(np.concatenate(rows)),
        torch.from_numpy(np.concatenate(columns).astype(np.int64)),
        torch.from_numpy(np.concatenate(wanted)),
        segments(encoded, chosen, ids.shape[1]),
        averaged=_of_words(encoded, chosen, ids.shape[1]) if read_at == MEAN else None,
    )


class Asked(NamedTuple):
    """A row that is read, and the words `first` to `last` of its text that it is asked for.

    The row begins with word `start` of text `owner`; the end is exclusive.
    """

    row: int
    owner: int
    start: int
    first: int
    last: int


def collate_asked(
    encoded: Encoded,
    targets: Sequence[NDArray[np.int64]],
    asked: Sequence[Asked],
    read_at: str,
    pad: int,
) -> Batch:
    """Tensors of windows over texts, with some of their words asked for; else as `collate`."""
    chosen = np.array([one.row for one in asked], np.int64)
    ids, real = texts(encoded, chosen, pad)
    piece = read_at.removesuffix("_piece")
    columns = [
        encoded.positions(one.row, piece)[one.first - one.start : one.last - one.start]
        for one in asked
    ]
    rows = np.repeat(np.arange(len(asked)), [len(where) for where in columns])
    return Batch(
        ids,
        real,
        torch.from_numpy(rows),
        torch.from_numpy(np.concatenate(columns).astype(np.int64)),
        torch.from_numpy(np.concatenate([targets[a.owner][a.first : a.last] for a in asked])),
        segments(encoded, chosen, ids.shape[1]),
    )


def sliced(batch: Batch, most: int) -> Iterator[Batch]:
    """A batch, read once, as batches of at most `most` rows that ask for the same in order."""
    for start in range(0, len(batch.ids), most):
        asked = (batch.rows >= start) & (batch.rows < start + most)
        part = slice(start, start + most)
        yield replace(
            batch,
            ids=batch.ids[part],
            real=batch.real[part],
            rows=batch.rows[asked] - start,
            columns=batch.columns[asked],
            targets=batch.targets[asked],
            segments=None if batch.segments is None else batch.segments[part],
            averaged=None if batch.averaged is None else batch.averaged[part],
        )


def stacked(batches: Sequence[Batch]) -> Batch:
    """Readings of the same examples as one batch, below one another; targets stand once."""
    if len(batches) == 1:
        return batches[0]
    width = max(batch.ids.shape[1] for batch in batches)

    def wide(values: Tensor) -> Tensor:
        return nn.functional.pad(values, (0, width - values.shape[1]))

    parts = [batch.segments for batch in batches if batch.segments is not None]
    means = [batch.averaged for batch in batches if batch.averaged is not None]
    tops = np.cumsum([0, *(len(batch.ids) for batch in batches)])
    return Batch(
        torch.cat([wide(batch.ids) for batch in batches]),
        torch.cat([wide(batch.real) for batch in batches]),
        torch.cat([batch.rows + int(top) for batch, top in zip(batches, tops, strict=False)]),
        torch.cat([batch.columns for batch in batches]),
        batches[0].targets,
        torch.cat([wide(part) for part in parts]) if parts else None,
        readings=len(batches),
        averaged=torch.cat([wide(mean) for mean in means]) if means else None,
    )


def segments(encoded: Encoded, chosen: NDArray[np.int64], length: int) -> Tensor:
    """[batch, length], True from the first token of each second text on, padded on the right."""
    starts = encoded.second[chosen].astype(np.int64)
    return torch.from_numpy(np.arange(length) >= starts[:, None])


def texts(
    encoded: Encoded, chosen: NDArray[np.int64], pad: int, left: bool = False
) -> tuple[Tensor, Tensor]:
    """Token ids and real positions [batch, length] of the chosen texts, padded on one side."""
    lengths = encoded.lengths[chosen]
    ids = np.full((len(chosen), int(lengths.max())), pad, np.int64)
    for row, index in enumerate(chosen):
        start, end = encoded.offsets[index], encoded.offsets[index + 1]
        first = ids.shape[1] - (end - start) if left else 0
        ids[row, first : first + end - start] = encoded.ids[start:end]
    real = np.arange(ids.shape[1]) < lengths[:, None]
    return torch.from_numpy(ids), torch.from_numpy(real[:, ::-1].copy() if left else real)


def _answers(encoded: Encoded, index: int, length: int, read_at: str) -> NDArray[np.int64]:
    if read_at in ("cls", MEAN):
        return np.zeros(1, np.int64)
    if read_at == "last":
        return np.array([length - 1], np.int64)
    return encoded.positions(index, read_at.removesuffix("_piece")).astype(np.int64)


def _of_words(encoded: Encoded, chosen: NDArray[np.int64], length: int) -> Tensor:
    """[batch, length], True at the tokens of words: at no special token, and at no padding.

    A text without words has special tokens alone, and these are then taken.
    """
    edges = np.zeros((len(chosen), length + 1), np.int64)
    for row, index in enumerate(chosen.tolist()):
        first, last = (encoded.positions(index, piece) for piece in ("first", "last"))
        edges[row, first if len(first) else 0] += 1
        edges[row, last + 1 if len(last) else encoded.lengths[index]] -= 1
    return torch.from_numpy(edges.cumsum(1)[:, :length] > 0)
