"""Rows of named values, whatever cut them, and how one value is taken from a row.

Every row becomes an example or part of one: a value that does not fit is an error that names
its line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from harness.contracts import InputError
from tasks.files import source

ANSWERS = ("label", "target")
LINE_END = re.compile(r"\r\n|\r|\n")

_TITLES = {
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
    the file holds: text, or whatever JSON can hold but null.
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


def words(row: Row, role: str) -> tuple[str, ...]:
    """The words of a text; never none."""
    return tuple(_text(row, row.values[role], role, _TITLES[role]).split())


def label(row: Row) -> str:
    """A label as the file holds it; of JSON also a whole number, true or false."""
    value = row.values["label"]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else _text(row, value, "label", _TITLES["label"])


def references(row: Row) -> tuple[str, ...]:
    """The target, or each target of a list, as the file holds it; line ends become blanks."""
    value = row.values["target"]
    if not isinstance(value, list):
        return (LINE_END.sub(" ", _text(row, value, "target", _TITLES["target"])),)
    if not value:
        raise InputError(f"{row.place}: the list of targets is empty; fill it or delete the row")
    return tuple(
        LINE_END.sub(" ", _text(row, item, "target", f"target {number} of the list"))
        for number, item in enumerate(value, start=1)
    )


def _text(row: Row, value: object, role: str, title: str) -> str:
    if not isinstance(value, str):
        raise InputError(
            f"{row.place}: {title} is {_kind(value)}, expected text; correct the row or data.{role}"
        )
    if not value.strip():
        raise InputError(f"{row.place}: {title} is empty; fill in the row or delete it")
    return value


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _KINDS[type(value)]
