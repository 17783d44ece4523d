"""Words to token ids, once: flat arrays on disk, memory-mapped by every run that shares them.

The key covers everything the arrays depend on, so a cache entry is never stale. Truncation is
by whole words, so that a cut text is the same words for every tokenizer that can hold them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import record

VERSION = 1  # raise when the arrays change their meaning
_CHUNK = 2000  # texts a call to the tokenizer
_ARRAYS = ("ids", "offsets", "first", "last", "word_offsets", "words")


@dataclass(frozen=True)
class Encoded:
    """Token ids of n texts. All arrays are flat; text i owns the slice between two offsets.

    ids[offsets[i]:offsets[i+1]] are its tokens, special ones included. first and
    last[word_offsets[i]:word_offsets[i+1]] are the positions, counted from the text's own first
    token, of each kept word's first and last piece. words[i] counts the words before cutting.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    word_offsets: NDArray[np.int64]
    words: NDArray[np.int32]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens per text."""
        lengths: NDArray[np.int64] = np.diff(self.offsets)
        return lengths

    @property
    def kept(self) -> NDArray[np.int64]:
        """Words per text that survived truncation."""
        kept: NDArray[np.int64] = np.diff(self.word_offsets)
        return kept

    def positions(self, index: int, piece: str) -> NDArray[np.int32]:
        """Positions of the labelled piece ("first" or "last") of each kept word of one text."""
        flat = self.first if piece == "first" else self.last
        return flat[self.word_offsets[index] : self.word_offsets[index + 1]]


def encode(
    texts: Sequence[Sequence[str]],
    tokenizer: Any,
    frame: tuple[list[int], list[int]],
    max_length: int,
) -> Encoded:
    """Encode pre-split texts with a fast tokenizer; at most `max_length` tokens each."""
    prefix, suffix = frame
    room = max_length - len(prefix) - len(suffix)
    ids: list[int] = []
    first: list[int] = []
    last: list[int] = []
    offsets, word_offsets = [0], [0]
    for pieces in _pieces(texts, tokenizer):
        ids += prefix
        used = 0
        for word in pieces:
            if used + len(word) > room:
                break
            first.append(len(prefix) + used)
            used += len(word)
            last.append(len(prefix) + used - 1)
            ids += word
        ids += suffix
        offsets.append(len(ids))
        word_offsets.append(len(first))
    return Encoded(
        np.asarray(ids, np.int32),
        np.asarray(offsets, np.int64),
        np.asarray(first, np.int32),
        np.asarray(last, np.int32),
        np.asarray(word_offsets, np.int64),
        np.asarray([len(text) for text in texts], np.int32),
    )


def _pieces(texts: Sequence[Sequence[str]], tokenizer: Any) -> Iterator[list[list[int]]]:
    """Ids per word of each text. A word that the tokenizer normalises away is unknown, not gone."""
    for start in range(0, len(texts), _CHUNK):
        chunk = [list(text) for text in texts[start : start + _CHUNK]]
        batch = tokenizer(
            chunk, is_split_into_words=True, add_special_tokens=False, return_attention_mask=False
        )
        for row, text in enumerate(chunk):
            words: list[list[int]] = [[] for _ in text]
            owners = batch.word_ids(row)
            for token, owner in zip(batch["input_ids"][row], owners, strict=True):
                words[owner].append(token)
            yield [word or [tokenizer.unk_token_id] for word in words]


def cached(
    folder: Path,
    key: object,
    texts: Sequence[Sequence[str]],
    tokenizer: Any,
    frame: tuple[list[int], list[int]],
    max_length: int,
) -> Encoded:
    """`encode`, through a cache below `folder`. `key` digests the texts and the tokenizer.

    Safe under parallel runs: an entry appears whole by a rename, and who comes second uses it.
    """
    name = record.digest([VERSION, key, list(frame), max_length])[:24]
    entry = folder / name
    if not entry.is_dir():
        encoded = encode(texts, tokenizer, frame, max_length)
        beside = folder / f".{name}.{os.getpid()}.tmp"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            for array in _ARRAYS:
                np.save(beside / f"{array}.npy", getattr(encoded, array), allow_pickle=False)
            beside.rename(entry)
        except OSError:
            shutil.rmtree(beside, ignore_errors=True)
            if not entry.is_dir():  # a full disk, not a faster neighbour
                raise
    return Encoded(
        *(np.load(entry / f"{a}.npy", mmap_mode="r", allow_pickle=False) for a in _ARRAYS)
    )
