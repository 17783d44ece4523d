"""What a diagnosis needs of one run's counts, checked and kept small.

Which gold class met which answered one, words, slots and confidences. Knows no file and no mean.
Parts that a record does not hold (it is older, or of another task) are None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.metrics import slot_error
from harness.record import NOBODY, CountTable, RecordError

Small = NDArray[np.signedinteger[Any]]
Keep = Callable[[object, Any], Any]
"""Returns the first value that came with a key: equal things are kept once."""


class Aligned(NamedTuple):
    """Gold and answered entities (or labels) side by side, a row a match (contracts.Counts)."""

    names: tuple[str, ...]  # entity types, or classes
    examples: int
    example: Small
    gold: Small  # index into `names`, or record.NOBODY
    pred: Small
    exact: Small | None  # None of labels, which have no boundary


class Detail(NamedTuple):
    """One run's counts as a diagnosis reads them."""

    aligned: Aligned | None = None
    words: tuple[int, int] | None = None  # right, all
    slots: tuple[Small, ...] | None = None  # columns of `slot_error.COLUMNS`, per text
    reliability: NDArray[np.int64] | None = None  # answers, right, confidence x bins


def detail(counts: CountTable, classes: Sequence[str], keep: Keep) -> Detail:
    """Everything there is in counts whose columns are arrays of integers of one length.

    `classes` are what answers of labels mean. Raises RecordError where parts contradict each other.
    """
    columns = counts.columns
    found = slot_error.COLUMNS if set(slot_error.COLUMNS) <= columns.keys() else ()
    slots = tuple(_kept(columns[name], keep) for name in found)
    return Detail(
        _mentions(counts, keep) if counts.mentions else _labels(columns, classes, keep),
        _words(columns),
        slots or None,
        _reliability(counts.reliability),
    )


def _mentions(counts: CountTable, keep: Keep) -> Aligned:
    rows, columns = counts.mentions, counts.columns
    example, gold, pred, exact = (
        np.asarray(rows[name]) for name in ("example", "gold", "pred", "exact")
    )
    examples, types = len(columns["tp"]), len(counts.types)
    right = (gold == pred) & (exact == 1)
    for name, here in (("gold", gold >= 0), ("pred", pred >= 0), ("tp", right)):
        if not np.array_equal(np.bincount(example[here], minlength=examples), columns[name]):
            raise RecordError(f"mentions: they do not add up to column {name}")
    _within("mentions", types, gold, pred)
    if np.any((gold < 0) & (pred < 0)) or np.any((exact == 1) & ((gold < 0) | (pred < 0))):
        raise RecordError("mentions: a match without its sides")
    rest = (small(one) for one in (gold, pred, exact))
    names = keep(("types", tuple(counts.types)), tuple(counts.types))
    return Aligned(names, examples, small(example), *rest)


def _labels(
    columns: Mapping[str, Sequence[int]], classes: Sequence[str], keep: Keep
) -> Aligned | None:
    if not {"correct", "pred", "gold"} <= columns.keys():
        return None
    gold, pred = np.asarray(columns["gold"]), np.asarray(columns["pred"])
    _within("columns", len(classes), gold, pred)
    if np.any((gold < 0) | (pred < 0)):
        raise RecordError("columns: pred or gold is no class")
    if not np.array_equal(gold == pred, columns["correct"]):
        raise RecordError("columns: pred and gold do not add up to column correct")
    names = keep(("types", tuple(classes)), tuple(classes))
    rows = keep(("rows", len(gold)), small(np.arange(len(gold))))
    return Aligned(names, len(gold), rows, _kept(gold, keep), small(pred), None)


def _within(part: str, top: int, *indices: NDArray[np.int64]) -> None:
    for index in indices:
        if index.size and not NOBODY <= index.min() <= index.max() < top:
            raise RecordError(f"{part}: pred or gold points outside its table")


def _words(columns: Mapping[str, Sequence[int]]) -> tuple[int, int] | None:
    if not {"words", "words_right"} <= columns.keys():
        return None
    return int(np.sum(columns["words_right"])), int(np.sum(columns["words"]))


def _reliability(rows: Mapping[str, Sequence[int]]) -> NDArray[np.int64] | None:
    if not rows:
        return None
    table = np.stack([np.asarray(rows[name]) for name in ("answers", "right", "confidence")])
    if np.any(table < 0) or np.any(table[1] > table[0]):
        raise RecordError("reliability: more right answers than answers")
    return table


def _kept(values: Sequence[int] | NDArray[np.int64], keep: Keep) -> Small:
    """A column that many runs on the same data share."""
    found = small(values)
    kept: Small = keep(("column", found.dtype.str, found.tobytes()), found)
    return kept


def small(values: Sequence[int] | NDArray[np.int64]) -> Small:
    """The same integers in as few bytes as hold them."""
    wide = np.asarray(values, np.int64)
    kinds: tuple[type[np.signedinteger[Any]], ...] = (np.int8, np.int16, np.int32)
    narrow = (wide.astype(kind) for kind in kinds)
    return next((one for one in narrow if np.array_equal(one, wide)), wide)
