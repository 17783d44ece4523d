"""Texts longer than a model can read, in windows that ask for every token once.

The convention is that of lm-evaluation-harness (`loglikelihood_rolling`), so that bits per byte
measured here and there are the same number.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn
from tqdm import tqdm

from harness.backbones import masks
from harness.backbones.family import Lesson
from harness.contracts import InputError
from harness.corpora import surprisal

_LOGITS = 2**25  # of one batch; a single window may have more
_QUIET_SECONDS = 60.0  # between two signs of progress where nobody looks on


class Window(NamedTuple):
    """What the model reads at once, and the tokens that it is asked for.

    The last len(targets) inputs are each followed by one of the targets.
    """

    inputs: Sequence[int]
    targets: Sequence[int]


@dataclass(frozen=True)
class Reader:
    """A causal language model with its tokenizer. `start` stands before every text."""

    model: nn.Module
    tokenizer: Any
    start: int
    longest: int  # tokens that the model is given at once


@dataclass(frozen=True)
class Total:
    """Bits that the documents cost, and what they are made of. `unknown` counts tokens."""

    bits: float
    bytes: int
    words: int
    tokens: int
    unknown: int
    documents: int

    def told(self) -> dict[str, float | int | None]:
        """What the command prints; a perplexity is None where no float can hold it."""
        per_byte = self.bits / self.bytes
        return {
            "bits_per_byte": per_byte,
            "byte_perplexity": _power(per_byte),
            "word_perplexity": _power(self.bits / self.words),
            "bytes": self.bytes,
            "words": self.words,
            "tokens": self.tokens,
            "unknown_tokens": self.unknown,
            "documents": self.documents,
        }


def _power(exponent: float) -> float | None:
    try:
        return float(2.0**exponent)
    except OverflowError:
        return None


def windows(ids: Sequence[int], start: int, longest: int) -> Iterator[Window]:
    """Windows of at most `longest` inputs in which every token is asked for once, in order."""
    yield Window([start, *ids[: longest - 1]][: len(ids)], ids[:longest])
    for begin in range(longest, len(ids), longest):
        end = min(begin + longest, len(ids))
        yield Window(ids[end - longest - 1 : end - 1], ids[begin:end])


def count_words(text: str) -> int:
    r"""Pieces between blanks, `\s+`; a blank at either end counts one empty piece more."""
    return len(re.split(r"\s+", text))


def measure(reader: Reader, documents: Sequence[str]) -> Total:
    """Bits of all documents by the chain rule, under the explicit causal mask.

    Raises InputError where the tokenizer makes no tokens, or such as the model lacks.
    """
    texts = [reader.tokenizer(d, add_special_tokens=False, verbose=False) for d in documents]
    ids: list[list[int]] = [text["input_ids"] for text in texts]
    parts = [w for one in ids if one for w in windows(one, reader.start, reader.longest)]
    if not parts:
        raise InputError(
            "the tokenizer makes no token of this text, so there is nothing to predict"
        )
    model: Any = reader.model
    vocabulary = int(model.get_input_embeddings().num_embeddings)
    if max(max(one, default=0) for one in ids) >= vocabulary:
        raise InputError(f"the tokenizer has tokens beyond the {vocabulary} that the model knows")
    unknown = reader.tokenizer.unk_token_id
    bits = 0.0
    with torch.inference_mode(), _bar(sum(map(len, ids))) as bar:
        for batch in _batches(parts, vocabulary):
            bits += _bits(model, batch)
            bar.update(sum(len(window.targets) for window in batch))
    return Total(
        bits=bits,
        bytes=sum(len(text.encode("utf-8")) for text in documents),
        words=sum(map(count_words, documents)),
        tokens=sum(map(len, ids)),
        unknown=0 if unknown is None else sum(one.count(unknown) for one in ids),
        documents=len(documents),
    )


def _bar(tokens: int) -> Any:
    """A bar on a terminal; elsewhere a line a minute."""
    calm = 0.1 if sys.stderr.isatty() else _QUIET_SECONDS
    return tqdm(total=tokens, unit=" tokens", mininterval=calm, delay=calm, leave=False)


def _batches(parts: Sequence[Window], vocabulary: int) -> Iterator[list[Window]]:
    """Windows of like length together, the longest first, as many as memory should hold."""
    batch: list[Window] = []
    for window in sorted(parts, key=lambda w: -len(w.inputs)):
        if batch and (len(batch) + 1) * len(batch[0].inputs) * vocabulary > _LOGITS:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _bits(model: nn.Module, batch: Sequence[Window]) -> float:
    width = len(batch[0].inputs)
    ids = torch.zeros(len(batch), width, dtype=torch.long)
    targets = torch.full_like(ids, surprisal.UNASKED)
    real = torch.zeros_like(ids, dtype=torch.bool)
    for row, window in enumerate(batch):
        end = len(window.inputs)
        ids[row, :end], real[row, :end] = torch.tensor(window.inputs), True
        targets[row, end - len(window.targets) : end] = torch.tensor(window.targets)
    found = surprisal.bits(model, Lesson(ids, real, targets), masks.causal(real))
    return float(found.sum())
