"""A split whose long texts are read in windows: for training, and for answering.

An example's windows follow from a model's own pieces, so two models with different tokenizers read
different ones. What they are trained on in a step must be the same all the same: training rows are
examples, and of an example with more words than `longest` parts of at most so many words, which
words alone decide. A row is read through all windows that answer some word of it.

Every word is asked for in one window only, the one that answers it in use: so it counts once an
epoch, as in a text that fits, and with the surroundings that it will be answered with. A window
that lies across the edge of two parts is read for both, each time asked for that part's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.examples.windows import blocks
from harness.models import batching
from harness.models.batching import Asked, Batch
from harness.models.encoding import Windowed

T = TypeVar("T")


@dataclass(frozen=True)
class Stretches:
    """Windows over the texts of a split. parts[r] is (text, first word, last word) of row r."""

    windowed: Windowed
    targets: Sequence[NDArray[np.int64]]
    read_at: str
    pad: int
    parts: NDArray[np.int64]

    @property
    def words(self) -> NDArray[np.int64]:
        """Words per training row: what training batches are planned on."""
        words: NDArray[np.int64] = self.parts[:, 2] - self.parts[:, 1]
        return words

    def lesson(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen training rows."""
        parts = self.parts[chosen]
        asked = [one for part in parts.tolist() for one in self._asked(*part)]
        made = batching.collate_asked(
            self.windowed.rows, self.targets, asked, self.read_at, self.pad
        )
        return replace(made, begun=int((parts[:, 1] == 0).sum()))

    def _asked(self, text: int, first: int, last: int) -> Iterator[Asked]:
        """The windows that answer words of a part of a text, and which."""
        start, end = np.searchsorted(self.windowed.owners, [text, text + 1])
        spans = self.windowed.spans[start:end]
        here = np.flatnonzero((spans[:, 2] < last) & (spans[:, 3] > first))
        for row in here if last > first else [0]:  # a text without words is one empty window
            begin, _, low, high = spans[row].tolist()
            yield Asked(int(start + row), text, begin, max(low, first), min(high, last))

    @property
    def widths(self) -> NDArray[np.int64]:
        """Words per window: what batches of windows are planned on."""
        widths: NDArray[np.int64] = self.windowed.rows.words.astype(np.int64)
        return widths

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen windows."""
        owners, spans = self.windowed.owners, self.windowed.spans
        asked = [
            Asked(row, int(owners[row]), *spans[row, [0, 2, 3]].tolist()) for row in chosen.tolist()
        ]
        return batching.collate_asked(
            self.windowed.rows, self.targets, asked, self.read_at, self.pad
        )

    def joined(self, answers: Sequence[Sequence[T]]) -> list[tuple[T, ...]]:
        """Answers of all windows, in order, as answers of texts."""
        found: list[list[Sequence[T]]] = [[] for _ in self.targets]
        for owner, some in zip(self.windowed.owners.tolist(), answers, strict=True):
            found[owner].append(some)
        return [tuple(chain.from_iterable(several)) for several in found]


def stretches(
    windowed: Windowed,
    targets: Sequence[NDArray[np.int64]],
    read_at: str,
    pad: int,
    longest: int,
) -> Stretches:
    """The windows of a split with its gold answers, one a word."""
    parts = [
        (text, first, last)
        for text, gold in enumerate(targets)
        for first, last in blocks(len(gold), longest)
    ]
    return Stretches(windowed, targets, read_at, pad, np.asarray(parts, np.int64).reshape(-1, 3))
