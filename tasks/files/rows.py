"""Rows of named values, whatever cut them, and how one value is taken from a row.

Every row becomes an example or part of one: a value that does not fit is an error that names
its line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from harness.contracts import InputError
from harness.quoting import listed
from tasks.files import source

ANSWERS = ("label", "target")
LINE_END = re.compile(r"\r\n|\r|\n")

TITLES = {
    "text": "the text",
    "second": "the second text",
    "label": "the label",
    "input": "the input",
    "target": "the target",
}
_KINDS = {dict: "an object", list: "a list", int: "a number", float: "a number"}


class File(NamedTuple):
    """One file's text. `key` is the option that named it; `note` says why it may hide answers."""

    path: Path
    key: str
    content: str
    note: str | None


class Row(NamedTuple):
    """What one row holds. `line` is where it starts in the file, from 1; `place` names both.

    `values` maps what a value is for ("text", "second", "label", "input", "target") to what
    the file holds: text, or whatever JSON or Parquet can hold but null.
    """

    place: str
    line: int
    values: Mapping[str, object]


def read(
    files: Mapping[str, Path],
    encoding: str,
    test_note: str | None,
    cut: Callable[[File], Iterator[Row]],
) -> dict[str, list[Row]]:
    """The rows of each split's file."""
    found = {}
    for split, path in files.items():
        key = f"data.{split}"
        content = source.text(path, encoding, key)
        note = test_note if split == "test" else None
        found[split] = list(cut(File(path, key, content, note)))
    return found


def value(
    place: str, found: Mapping[str, object], role: str, key: str, note: str | None = None
) -> object:
    """What an object holds under a key; a dot leads into an object, where no key has one.

    Raises InputError where there is nothing, or null. `note` says why answers may be hidden.
    """
    remedy = note or f"correct the line or data.{role}"
    inner: object = found
    for part in [key] if key in found else key.split("."):
        if not isinstance(inner, Mapping) or part not in inner:
            raise InputError(f"{place}: no key '{key}' (keys: {listed(found)}); {remedy}")
        inner = inner[part]
    if inner is None:
        raise InputError(f"{place}: '{key}' is null, expected a value; {remedy}")
    return inner


def words(row: Row, role: str) -> tuple[str, ...]:
    """The words of a text; never none."""
    return tuple(_text(row, row.values[role], role, TITLES[role]).split())


def label(row: Row) -> str:
    """A label as the file holds it; of JSON also a whole number, true or false."""
    found = row.values["label"]
    if isinstance(found, bool):
        return str(found).lower()
    return str(found) if isinstance(found, int) else _text(row, found, "label", TITLES["label"])


def references(row: Row) -> tuple[str, ...]:
    """The target, or each target of a list, as the file holds it; line ends become blanks."""
    found = row.values["target"]
    if not isinstance(found, list):
        return (LINE_END.sub(" ", _text(row, found, "target", TITLES["target"])),)
    if not found:
        raise InputError(f"{row.place}: the list of targets is empty; fill it or delete the row")
    return tuple(
        LINE_END.sub(" ", _text(row, item, "target", f"target {number} of the list"))
        for number, item in enumerate(found, start=1)
    )


def _text(row: Row, found: object, role: str, title: str) -> str:
    if not isinstance(found, str):
        raise InputError(f"{row.place}: {title} is {_kind(found)}, expected text; {_remedy(role)}")
    if not found.strip():
        raise InputError(f"{row.place}: {title} is empty; fill in the row or delete it")
    return found


def _remedy(role: str) -> str:
    if role == "label":
        return "write classes as text or whole numbers, or correct data.label"
    return f"correct the row or data.{role}"


def _kind(found: object) -> str:
    if found is None or isinstance(found, bool):
        return {None: "null", True: "true", False: "false"}[found]
    if isinstance(found, float) and math.isnan(found):
        return "NaN"
    return _KINDS.get(type(found), type(found).__name__)
