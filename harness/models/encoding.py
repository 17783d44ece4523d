"""Words to token ids, once: flat arrays on disk, memory-mapped by every run that shares them.

The key covers everything the arrays depend on, so a cache entry is never stale. Truncation is
by whole words, of a pair from whichever text has more of them left, so that a cut example is the
same words for every model that shares a tokenizer; so are the windows over a long text.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness import record
from harness.backbones.family import Frame
from harness.contracts import InputError
from harness.examples.windows import RULE, Window, windows

VERSION = 2  # raise when the arrays change their meaning
_CHUNK = 2000  # texts a call to the tokenizer
_ARRAYS = ("ids", "offsets", "first", "last", "word_offsets", "words", "second")
_LAYOUT = ("owners", "spans", "shortened")
UNBOUNDED = 10**6


class Room(NamedTuple):
    """Tokens that fit: in all, special ones included, and of each text."""

    total: int
    first: int = UNBOUNDED
    second: int = UNBOUNDED


@dataclass(frozen=True)
class Encoded:
    """Token ids of n texts, or pairs of them. All arrays are flat.

    ids[offsets[i]:offsets[i+1]] are the tokens of i, special ones included. first and
    last[word_offsets[i]:word_offsets[i+1]] are the positions, counted from its own first token,
    of each kept word's first and last piece. words[i] counts the words before cutting. second[i]
    is the position at which the second text starts; its length where there is none.
    """

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    word_offsets: NDArray[np.int64]
    words: NDArray[np.int32]
    second: NDArray[np.int32]

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

    @property
    def fit(self) -> bool:
        """Whether no text lost a word."""
        return bool((self.kept == self.words).all())

    @property
    def pieces(self) -> int:
        """Tokens of words in all: special ones do not count."""
        return int((self.last - self.first + 1).sum())

    def positions(self, index: int, piece: str) -> NDArray[np.int32]:
        """Positions of the labelled piece ("first" or "last") of each kept word of one text."""
        flat = self.first if piece == "first" else self.last
        return flat[self.word_offsets[index] : self.word_offsets[index + 1]]


@dataclass(frozen=True)
class Windowed:
    """Windows over n texts, in order; those of one text stand together.

    `rows` are the windows as texts of their own. owners[i] is the text of window i, spans[i]
    ([windows, 4]) its fields as in `windows.Window`, in words of that text. shortened[t] counts
    words of text t that are longer than a window and were cut to their first pieces.
    """

    rows: Encoded
    owners: NDArray[np.int64]
    spans: NDArray[np.int64]
    shortened: NDArray[np.int64]


def encode(
    texts: Sequence[Sequence[str]],
    tokenizer: Any,
    frame: Frame,
    room: Room,
    seconds: Sequence[Sequence[str]] | None = None,
) -> Encoded:
    """Encode pre-split texts, or pairs of them, with a fast tokenizer."""
    pairs: Iterable[tuple[list[list[int]], list[list[int]]]] = zip(
        pieces(texts, tokenizer),
        repeat([]) if seconds is None else pieces(seconds, tokenizer),
        strict=False,
    )
    growing = Growing()
    for one, other in pairs:
        between = [] if seconds is None else frame.between
        special = len(frame.before) + len(frame.after) + len(between)
        kept = fit(one, other, Room(room.total - special, room.first, room.second))
        growing.add(frame.before, one[: kept[0]])
        start = growing.add(between, other[: kept[1]])
        growing.close(frame.after, start if seconds is not None else None)
    counts = [len(text) for text in texts]
    if seconds is not None:
        counts = [n + len(more) for n, more in zip(counts, seconds, strict=True)]
    return growing.encoded(counts)


def echoed(encoded: Encoded, start: int) -> Encoded:
    """Every text twice, the second time without its first `start` tokens; words are of that copy.

    `<eos> a text <eos>` becomes `<eos> a text <eos> a text <eos>`.
    """
    lengths = encoded.lengths
    shift = (lengths - start).astype(np.int32)
    ids, second = [], encoded.second + shift
    for begin, end in itertools.pairwise(encoded.offsets.tolist()):
        ids += [encoded.ids[begin:end], encoded.ids[begin + start : end]]
    of_words = np.repeat(shift, encoded.kept)
    return replace(
        encoded,
        ids=np.concatenate([*ids, np.zeros(0, np.int32)]),
        offsets=np.concatenate([[0], np.cumsum(2 * lengths - start)]),
        first=encoded.first + of_words,
        last=encoded.last + of_words,
        second=second.astype(np.int32),
    )


def encode_windows(
    texts: Sequence[Sequence[str]], tokenizer: Any, frame: Frame, room: Room
) -> Windowed:
    """Encode pre-split texts, every word of them: what does not fit is read in windows."""
    space = space_of(room, frame)
    growing, owners, spans, shortened = Growing(), list[int](), list[Window](), list[int]()
    for owner, words in enumerate(pieces(texts, tokenizer)):
        shortened.append(sum(len(word) > space for word in words))
        words = [word[:space] for word in words]
        for window in windows(list(map(len, words)), space):
            growing.add(frame.before, words[window.start : window.end])
            growing.close(frame.after, None)
            owners.append(owner)
            spans.append(window)
    return Windowed(
        growing.encoded([window.end - window.start for window in spans]),
        np.asarray(owners, np.int64),
        np.asarray(spans, np.int64).reshape(-1, len(Window._fields)),
        np.asarray(shortened, np.int64),
    )


def space_of(room: Room, frame: Frame, pairs: bool = False) -> int:
    """Tokens that are left for words. Raises InputError where there is none."""
    special = len(frame.before) + len(frame.after) + (len(frame.between) if pairs else 0)
    if room.total <= special:
        raise InputError(
            f"train.max_length={room.total} leaves no room for a word beside {special} special "
            f"tokens; set train.max_length={special + 1} or more"
        )
    return room.total - special


def fit(one: list[list[int]], other: list[list[int]], room: Room) -> tuple[int, int]:
    """How many words of each text to keep: the text with more words left loses its last one."""
    sizes = [list(map(len, one)), list(map(len, other))]
    for words, limit in zip(sizes, (room.first, room.second), strict=True):
        used = sum(words)
        while words and used > limit:
            used -= words.pop()
    used = sum(map(sum, sizes))
    while used > room.total and any(sizes):
        used -= max(reversed(sizes), key=len).pop()
    return len(sizes[0]), len(sizes[1])


class Growing:
    """The arrays of `Encoded` while texts are added."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self.first: list[int] = []
        self.last: list[int] = []
        self.second: list[int] = []
        self.offsets, self.word_offsets = [0], [0]

    def add(self, special: Sequence[int], words: Sequence[list[int]]) -> int:
        """Special tokens, then words; returns the position of the first word."""
        self.ids += special
        start = len(self.ids) - self.offsets[-1]
        for word in words:
            self.first.append(len(self.ids) - self.offsets[-1])
            self.ids += word
            self.last.append(len(self.ids) - self.offsets[-1] - 1)
        return start

    def close(self, special: Sequence[int], second: int | None) -> None:
        """Special tokens end a text, whose other text begins at `second` where there is one."""
        self.ids += special
        length = len(self.ids) - self.offsets[-1]
        self.second.append(length if second is None else second)
        self.offsets.append(len(self.ids))
        self.word_offsets.append(len(self.first))

    def encoded(self, counts: Sequence[int]) -> Encoded:
        """All of them; `counts` are words per text before cutting."""
        return Encoded(
            np.asarray(self.ids, np.int32),
            np.asarray(self.offsets, np.int64),
            np.asarray(self.first, np.int32),
            np.asarray(self.last, np.int32),
            np.asarray(self.word_offsets, np.int64),
            np.asarray(counts, np.int32),
            np.asarray(self.second, np.int32),
        )


def pieces(texts: Sequence[Sequence[str]], tokenizer: Any) -> Iterator[list[list[int]]]:
    """Ids per word of each text. A word that the tokenizer normalises away is unknown, not gone."""
    for start in range(0, len(texts), _CHUNK):
        chunk = [list(text) for text in texts[start : start + _CHUNK]]
        batch = tokenizer(
            chunk,
            is_split_into_words=True,
            add_special_tokens=False,
            return_attention_mask=False,
            verbose=False,  # a long text is cut or read in windows, which is told elsewhere
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
    frame: Frame,
    room: Room,
    seconds: Sequence[Sequence[str]] | None = None,
) -> Encoded:
    """`encode`, through a cache below `folder`. `key` digests the texts and the tokenizer."""
    name = record.digest([VERSION, key, list(frame), list(room), seconds is not None])[:24]

    def made() -> dict[str, Any]:
        return vars(encode(texts, tokenizer, frame, room, seconds))

    return Encoded(**_kept(folder, name, _ARRAYS, made))


def cached_windows(
    folder: Path,
    key: object,
    texts: Sequence[Sequence[str]],
    tokenizer: Any,
    frame: Frame,
    room: Room,
) -> Windowed:
    """`encode_windows`, through the same cache."""
    name = record.digest([VERSION, RULE, key, list(frame), list(room)])[:24]

    def made() -> dict[str, Any]:
        found = encode_windows(texts, tokenizer, frame, room)
        return vars(found.rows) | {array: getattr(found, array) for array in _LAYOUT}

    arrays = _kept(folder, name, (*_ARRAYS, *_LAYOUT), made)
    rows = Encoded(**{array: arrays.pop(array) for array in _ARRAYS})
    return Windowed(rows, **arrays)


def _kept(
    folder: Path, name: str, arrays: Sequence[str], make: Callable[[], Mapping[str, Any]]
) -> dict[str, Any]:
    """Arrays of an entry of the cache, mapped from disk; they are made where they are not there.

    Safe under parallel runs: an entry appears whole by a rename, and who comes second uses it.
    """
    entry = folder / name
    if not entry.is_dir():
        made = make()
        beside = folder / f".{name}.{os.getpid()}.tmp"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        try:
            for array in arrays:
                np.save(beside / f"{array}.npy", made[array], allow_pickle=False)
            beside.rename(entry)
        except OSError:
            shutil.rmtree(beside, ignore_errors=True)
            if not entry.is_dir():  # a full disk, not a faster neighbour
                raise
    return {a: np.load(entry / f"{a}.npy", mmap_mode="r", allow_pickle=False) for a in arrays}
