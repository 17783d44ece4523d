"""Rows of a Parquet file. A dot in a name leads into a structure: `answer.text`.

Every row becomes an example or part of one: a row that does not fit is an error that names its
number, from 1.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.contracts import InputError
from harness.quoting import listed, shown
from tasks.files import rows as rows_of
from tasks.files import source
from tasks.files.rows import ANSWERS, Row


def names(file: Path, key: str) -> list[str]:
    """The names of a file's columns; `key` is the option that named the file."""
    return [str(name) for name in _opened(file, key).schema_arrow.names]


def cut(file: Path, key: str, keys: Mapping[str, str], note: str | None) -> Iterator[Row]:
    """The rows of a file; `keys` maps what a value is for to where it stands.

    `note` says why the file may hide answers.
    """
    opened = _opened(file, key)
    there = [str(name) for name in opened.schema_arrow.names]
    needed = {role: name if name in there else name.split(".")[0] for role, name in keys.items()}
    for role, column in needed.items():
        if there.count(column) != 1:
            problem = "several columns are called" if column in there else "no column"
            raise InputError(
                f"{file}: {problem} '{shown(keys[role])}' (columns: {listed(there)}); "
                f"{_note(role, note) or f'set data.{role}=...'}"
            )
    number = 0
    columns = sorted(set(needed.values()))
    for number, found in enumerate(_rows(opened, file, key, columns), start=1):
        place = f"{file}:row {number}"
        values = {
            role: rows_of.value(place, found, role, name, _note(role, note))
            for role, name in keys.items()
        }
        yield Row(place, number, values)
    if not number:
        raise InputError(f"{file}: the file has no rows; correct {key}")


def _note(role: str, note: str | None) -> str | None:
    return note if role in ANSWERS else None


def _opened(file: Path, key: str) -> Any:
    # imported here, as this takes a while and most files are of another kind
    from pyarrow import ArrowException, parquet  # type: ignore[import-untyped]

    try:
        return parquet.ParquetFile(io.BytesIO(source.held(file, key)))
    except (ArrowException, OSError) as error:
        raise _damaged(file, key, error) from None


def _rows(opened: Any, file: Path, key: str, columns: list[str]) -> Iterator[dict[str, Any]]:
    from pyarrow import ArrowException

    try:
        for batch in opened.iter_batches(columns=columns):
            yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        raise _damaged(file, key, error) from None


def _damaged(file: Path, key: str, error: Exception) -> InputError:
    reason = shown(str(error).split(". ")[0], 120)
    return InputError(f"{file}: no whole Parquet file ({reason}); correct {key}")
