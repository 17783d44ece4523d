"""What a body that stays as it is makes of a split: every row goes through it once, and is kept.

A row's features are its last hidden states at the positions that answer: all that the answer layer
reads. They take 4 bytes x width for each answer and reading of it, in the machine's memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.models.batching import Batch, in_order
from harness.models.heads import Predictor


class Features:
    """Batches of a split's rows, with features; the body reads when the first one is asked for.

    `words` are those of each row, `batch_of` makes the tensors of chosen rows, `limit` is how many
    words the body reads at once.
    """

    def __init__(
        self,
        predictor: Predictor,
        words: NDArray[np.int64],
        batch_of: Callable[[NDArray[np.int64]], Batch],
        limit: int,
    ) -> None:
        self.predictor, self.words, self.batch_of, self.limit = predictor, words, batch_of, limit
        self._rows: dict[int, Tensor] = {}  # [readings, answers, width]

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen rows, as without features, and their features."""
        if not self._rows:
            self._read()
        found = torch.cat([self._rows[row] for row in chosen.tolist()], dim=1)
        return replace(self.batch_of(chosen), features=found.flatten(0, 1))

    def _read(self) -> None:
        device = str(next(self.predictor.parameters()).device)
        with torch.no_grad():
            for chosen in in_order(self.words, self.limit):
                batch = self.batch_of(chosen)
                states = self.predictor.features(batch.to(device)).cpu()
                each = states.view(batch.readings, -1, states.shape[-1])
                parts = torch.split(each, self._answers(chosen, batch), dim=1)
                self._rows |= dict(zip(chosen.tolist(), parts, strict=True))

    def _answers(self, chosen: NDArray[np.int64], batch: Batch) -> list[int]:
        """How many answers each of the chosen rows has."""
        if batch.begun is not None:  # read in windows, which answer each of its words once
            return [int(count) for count in self.words[chosen]]
        first = batch.rows[: len(batch.targets)]  # of the first reading
        counts: list[int] = torch.bincount(first, minlength=len(chosen)).tolist()
        return counts
