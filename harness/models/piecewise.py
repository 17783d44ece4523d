"""Labels of words that training lays on pieces one by one: a mistake of much-read code, measured.

That code hands a model one label a word and as many positions as a tokenizer makes, and lines them
up from the left: the i-th label stands at the i-th token, whatever word that is of. After a word
of several pieces every label stands too early, and an encoder's [CLS] has the first word's. What
follows the last label is O: the other pieces, [SEP], padding. All of it counts in the loss. Answers
are read and judged where they always are.

Two things are kinder here than there: padding reaches to the longest text of a batch and not to a
fixed length, and the step that is kept is the best one on dev, where answers are judged by words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from harness.contracts import InputError
from harness.models import batching
from harness.models.batching import Batch
from harness.models.encoding import Encoded


@dataclass(frozen=True)
class Pieces:
    """A training split, texts cut where they do not fit; targets[i] has a label for each word.

    The first label stands at position `start`; positions before it are not asked for. `outside` is
    the label of all that is left over.
    """

    encoded: Encoded
    targets: Sequence[NDArray[np.int64]]
    start: int
    outside: int
    pad: int

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen texts, asked for every position from `start`, padding too."""
        ids, real = batching.texts(self.encoded, chosen, self.pad)
        rows, length = ids.shape
        wanted = np.full((rows, length - self.start), self.outside, np.int64)
        for row, index in enumerate(chosen):
            labels = self.targets[index][: wanted.shape[1]]
            wanted[row, : len(labels)] = labels
        return Batch(
            ids,
            real,
            torch.arange(rows).repeat_interleave(wanted.shape[1]),
            torch.arange(self.start, length).repeat(rows),
            torch.from_numpy(wanted.ravel()),
            batching.segments(self.encoded, chosen, length),
        )


def check(shape: str, trained: bool) -> None:
    """Raise InputError where there are no labels of words, or no body that learns from them."""
    if shape != "tags":
        raise InputError(
            "mode.labels=pieces lays the labels of words on pieces, but here one label stands for "
            "a whole text; use task=ner, or leave it out"
        )
    if not trained:
        raise InputError(
            "mode.labels=pieces asks for padding too, which differs from batch to batch, so the "
            "body must read each batch anew; use a strategy that tunes it (full, freeze, lora)"
        )
