"""Which stretches of a long text are read, and which words each of them answers. Knows no model.

A text that is longer than the room is read in windows of whole words. Each starts a quarter of the
room after the one before, so neighbours share three quarters; the last one ends with the text and
is as long as the room allows. A word is answered by the window that shows most of its
surroundings: the one in which the smaller of the numbers of words to its left and to its right is
largest, the earlier one of equals.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WINDOWS, CUT = "windows", "cut"
"""How texts that do not fit are read (`train.long`)."""

RULE = "windows, stride 1/4"
"""What is recorded of a model for which some text did not fit and was read in windows."""

_STRIDE = 4  # windows a room


class Window(NamedTuple):
    """Words `start` to `end` of a text are read, words `first` to `last` of it are answered.

    Ends are exclusive. The answered words of a text's windows follow one another without a gap.
    """

    start: int
    end: int
    first: int
    last: int


def windows(pieces: Sequence[int], room: int) -> list[Window]:
    """The windows of a text whose words have so many tokens, each from 1 to `room`.

    One window where everything fits. A window that no word is answered by is left out.
    """
    spans = _spans(np.cumsum([0, *pieces]), room)
    best = np.full(len(pieces), -1)
    owner = np.zeros(len(pieces), np.int64)
    for number, (start, end) in enumerate(spans):
        place = np.arange(end - start)
        context = np.minimum(place, place[::-1])
        better = context > best[start:end]  # of equals the earlier one stands
        best[start:end][better] = context[better]
        owner[start:end][better] = number
    edges = np.searchsorted(owner, np.arange(len(spans) + 1)).tolist()
    asked = zip(spans, itertools.pairwise(edges), strict=True)
    found = [Window(*span, *words) for span, words in asked if words[0] < words[1]]
    return found or [Window(0, 0, 0, 0)]  # a text without words


def _spans(before: NDArray[np.int64], room: int) -> list[tuple[int, int]]:
    """First and last word of each window; before[w] counts the tokens in front of word w."""
    count, stride = len(before) - 1, max(1, room // _STRIDE)
    found, start = list[tuple[int, int]](), 0
    while True:
        end = _last(before, before[start] + room)
        if end == count:
            break
        found.append((start, end))
        start = max(start + 1, _last(before, before[start] + stride))
    if found:  # the last one is filled up from the left
        start = int(np.searchsorted(before, before[count] - room, "left"))
    return [*found, (start, count)]


def _last(before: NDArray[np.int64], limit: int) -> int:
    """The last word with at most `limit` tokens in front of it."""
    return int(np.searchsorted(before, limit, "right")) - 1


def blocks(words: int, most: int) -> list[tuple[int, int]]:
    """A text as parts of at most `most` words, nearly equal; one part where it has no more."""
    count = max(1, -(-words // most))
    edges = [words * part // count for part in range(count + 1)]
    return list(itertools.pairwise(edges))
