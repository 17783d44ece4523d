"""Columns of a data set of `datasets` become rows, by what their features say they hold.

Integers that stand for classes become the classes' names here. Knows no folder and no task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.contracts import InputError
from harness.quoting import listed, shown
from tasks.files import rows as rows_of
from tasks.files.examples import Labels
from tasks.files.rows import ANSWERS, Row

HIDDEN = -1
"""What the hub writes for a label that is not told, as in the test splits of GLUE."""

_BATCH = 1000
_PLAIN = ("string", "large_string")


def check(place: str, key: str, dataset: Any, columns: Mapping[str, str]) -> None:
    """Raise InputError for a column that is not there or cannot be used, and for no rows.

    `key` is the option that named the split.
    """
    for role, column in columns.items():
        if column not in dataset.column_names:
            raise InputError(
                f"{place}: no column '{shown(column)}' (columns: {listed(dataset.column_names)}); "
                f"set data.{role}=..."
            )
        feature = dataset.features[column]
        inner = _inner(feature)
        fits, expected = {
            "label": (_plain(feature) or _classes(feature), "classes as text or whole numbers"),
            "target": (_words(feature) or _words(inner), "texts, or a list of them in each row"),
            "tokens": (_words(inner), "a list of words in each row"),
            "tags": (_words(inner) or _classes(inner) or _number(inner), "a list of tags a row"),
        }.get(role, (_words(feature), "texts"))
        if not fits:
            raise InputError(
                f"{place}: column '{shown(column)}' holds {kind(feature)}, expected {expected}; "
                f"correct data.{role}"
            )
    if not len(dataset):
        raise InputError(f"{place}: the split has no rows; correct {key}")


def kind(feature: Any) -> str:
    """What a feature holds, in words."""
    if isinstance(feature, dict):
        return f"objects ({listed(feature, 6)})"
    inner = _inner(feature)
    if inner is not None:
        return f"lists of {kind(inner)}"
    if _classes(feature):
        return "classes"
    return str(getattr(feature, "dtype", None) if _dtype(feature) else type(feature).__name__)


def names(feature: Any, labels: Labels | None) -> tuple[str, ...] | None:
    """What integers of a column count into: its classes' names, or `labels` where it has none.

    None where values are labels themselves: texts, and numbers that `labels` holds.
    """
    inner = _inner(feature)
    one = feature if inner is None else inner
    if _classes(one):
        return tuple(one.names)
    listing = labels if isinstance(labels, Sequence) and not isinstance(labels, str) else ()
    if not _number(one) or not listing or all(str(x).lstrip("-").isdigit() for x in listing):
        return None
    return tuple(str(x) for x in listing)


def hidden(dataset: Any, column: str, classes: Sequence[str] | None) -> bool:
    """Say whether a split tells no label at all."""
    unknown = {None} if classes is None else {None, HIDDEN}
    return set(dataset.unique(column)) <= unknown


def rows(
    place: str,
    dataset: Any,
    columns: Mapping[str, str],
    classes: Sequence[str] | None,
    note: str | None,
) -> Iterator[Row]:
    """The rows of one split, from 1. `note` says why its answers may be hidden."""
    wanted = sorted(set(columns.values()))
    read = {role: _reader(role, classes) for role in columns}
    number = 0
    for batch in dataset.with_format(None).select_columns(wanted).iter(_BATCH):
        for cells in zip(*(batch[column] for column in wanted), strict=True):
            number += 1
            here, found = f"{place}:row {number}", dict(zip(wanted, cells, strict=True))
            values = {
                role: read[role](here, rows_of.value(here, found, role, column, _note(role, note)))
                for role, column in columns.items()
            }
            yield Row(here, number, values)


def _note(role: str, note: str | None) -> str:
    own = note if role in (*ANSWERS, "tags") else None
    return own or f"correct the row or data.{role}"


def _reader(role: str, classes: Sequence[str] | None) -> Callable[[str, Any], object]:
    if classes is None or role not in ("label", "tags"):
        return lambda _, found: found
    if role == "label":
        return lambda place, found: _named(place, found, classes, "label")
    return lambda place, found: [_named(place, one, classes, "tag") for one in found]


def _named(place: str, found: Any, classes: Sequence[str], what: str) -> str:
    if found == HIDDEN and what == "label":
        raise InputError(
            f"{place}: the label is {HIDDEN}, which stands for none; delete the row, or name "
            "another split"
        )
    if not isinstance(found, int) or not 0 <= found < len(classes):
        raise InputError(
            f"{place}: {what} {shown(found)}, expected a number from 0 to {len(classes) - 1} "
            f"({listed(classes, 10)}); correct the row or data.labels"
        )
    return classes[found]


def _inner(feature: Any) -> Any:
    """What a list holds; None where a feature is none."""
    if isinstance(feature, list):  # an old way to write it
        return feature[0]
    return getattr(feature, "feature", None) if not isinstance(feature, dict) else None


def _dtype(feature: Any) -> bool:
    return type(feature).__name__ == "Value"


def _classes(feature: Any) -> bool:
    return type(feature).__name__ == "ClassLabel"


def _words(feature: Any) -> bool:
    return _dtype(feature) and feature.dtype in _PLAIN


def _number(feature: Any) -> bool:
    return _dtype(feature) and str(feature.dtype).startswith(("int", "uint"))


def _plain(feature: Any) -> bool:
    return _words(feature) or _number(feature) or (_dtype(feature) and feature.dtype == "bool")
