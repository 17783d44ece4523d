"""Labelled sentences in rows of fields: TSV, CSV, or `label sentence` lines.

Everything about a file's form is said by the caller, nothing is guessed, and every row
becomes an example: a row that does not fit is an error that names its line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harness.contracts import Example, InputError, Splits
from harness.data import prepared
from tasks.files import source


@dataclass(frozen=True)
class Form:
    """How a row is cut into fields, and which of them matter.

    Columns are header names, or numbers from 0. Without a quote character, quotes are plain
    text, and `fields` lets the last field take the rest of the line.
    """

    text: str | int
    label: str | int
    delimiter: str
    header: bool
    fields: int | None
    quote: str | None


class Row(NamedTuple):
    """One labelled row; `line` is where it starts in the file, from 1."""

    line: int
    words: tuple[str, ...]
    label: str


def load(
    *,
    name: str,
    path: str | None,
    train: str,
    dev: str | None,
    test: str | None,
    text: str | int,
    label: str | int,
    delimiter: str,
    header: bool,
    folder: str = "",
    labels: Mapping[str, str] | Sequence[str] | None = None,
    fields: int | None = None,
    quote: str | None = None,
    encoding: str = "utf-8",
    test_note: str | None = None,
    train_limit: int | None = None,
    limit_seed: int = 0,
) -> Splits:
    """Read the splits of one data set.

    `labels` maps what files hold to class names, in class order, or lists the classes; null
    takes the sorted labels of the training file. `test_note` says why there is no labelled
    test file, where that is so.
    """
    form = Form(text, label, _one("delimiter", delimiter), header, fields, _one("quote", quote))
    where = source.locate(name, path, folder)
    files = {"train": where / train}
    files |= {split: where / file for split, file in (("dev", dev), ("test", test)) if file}
    rows = {
        split: _read(file, form, encoding, split, test_note if split == "test" else None)
        for split, file in files.items()
    }
    names = _names(labels, rows["train"], files["train"])
    classes = tuple(dict.fromkeys(names.values()))
    for split, file in files.items():
        _check_labels(file, rows[split], names, learnt=labels is None)
    index = {raw: classes.index(known) for raw, known in names.items()}
    splits = Splits(
        name=name,
        task="classification",
        source="files",
        train=_examples("train", rows, index),
        dev=_examples("dev", rows, index),
        test=_examples("test", rows, index),
        labels=classes,
        warnings=_absent(files, test_note),
    )
    return prepared(splits, train_limit, limit_seed)


def _read(file: Path, form: Form, encoding: str, split: str, note: str | None) -> list[Row]:
    content = source.text(file, encoding, f"data.{split}")
    rows = _quoted(file, content, form) if form.quote else _plain(content, form)
    head = next(rows)[1] if form.header else None
    found: list[Row] = []
    width = len(head) if head else form.fields
    for line, fields in rows:
        width = width or len(fields)
        _check_width(file, line, fields, width)
        if not found:
            text = _column(file, "text", form.text, head, width, None)
            label = _column(file, "label", form.label, head, width, note)
        words = tuple(fields[text].split())
        if not words:
            raise InputError(f"{file}:{line}: the text is empty; fill in the row or delete it")
        found.append(Row(line, words, fields[label]))
    if not found:
        raise InputError(f"{file}: no rows below the header; correct data.{split}")
    return found


def _plain(content: str, form: Form) -> Iterator[tuple[int, list[str]]]:
    cuts = form.fields - 1 if form.fields else -1
    for number, line in enumerate(source.lines(content), start=1):
        yield number, line.split(form.delimiter, cuts)


def _quoted(file: Path, content: str, form: Form) -> Iterator[tuple[int, list[str]]]:
    stream = io.StringIO(content, newline="")  # a quoted field may hold line ends of its own
    reader = csv.reader(stream, delimiter=form.delimiter, quotechar=form.quote, strict=True)
    start = 1
    try:
        for fields in reader:
            yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{file}:{start}: this row's quoting is broken ({error}); correct it, or set "
            "data.quote=null where quotes are plain text"
        ) from None


def _check_width(file: Path, line: int, fields: Sequence[str], width: int) -> None:
    if not fields or list(fields) == [""]:
        raise InputError(f"{file}:{line}: the line is empty, expected {width} fields; delete it")
    if len(fields) != width:
        raise InputError(
            f"{file}:{line}: {len(fields)} fields, expected {width}; correct the row, or "
            "data.delimiter, data.quote or data.fields"
        )


def _column(
    file: Path,
    key: str,
    column: str | int,
    head: Sequence[str] | None,
    width: int,
    note: str | None,
) -> int:
    if isinstance(column, int):
        if 0 <= column < width:
            return column
        raise InputError(f"{file}: data.{key}={column}: columns are numbered 0 to {width - 1}")
    if head is None:
        raise InputError(
            f"{file}: data.{key}={column} names a column, but data.header=false says that the "
            f"file names none; give its number, from 0 to {width - 1}"
        )
    if head.count(column) != 1:
        problem = "several columns are called" if column in head else "no column"
        raise InputError(
            f"{file}:1: {problem} '{column}' (columns: {', '.join(head)}); "
            f"{note or f'set data.{key}=...'}"
        )
    return head.index(column)


def _names(
    labels: Mapping[str, str] | Sequence[str] | None, train: Sequence[Row], file: Path
) -> dict[str, str]:
    if labels is None:
        names = {label: label for label in sorted({row.label for row in train})}
    elif isinstance(labels, Mapping):
        names = {str(key): str(value) for key, value in labels.items()}
    else:
        names = {str(label): str(label) for label in labels}
    if len(set(names.values())) < 2:
        raise InputError(
            f"{file}: one label only ({', '.join(names)}), expected two or more; "
            "correct data.label or data.labels"
        )
    return names


def _check_labels(
    file: Path, rows: Sequence[Row], names: Mapping[str, str], *, learnt: bool
) -> None:
    for row in rows:
        if row.label not in names:
            raise InputError(f"{file}:{row.line}: {_unknown(row.label, names, learnt)}")


def _unknown(label: str, names: Mapping[str, str], learnt: bool) -> str:
    if learnt:
        return (
            f"label '{label}' never occurs in the training file; "
            "correct the row, or list every label in data.labels"
        )
    few = ", ".join(list(names)[:10]) + (", ..." if len(names) > 10 else "")
    return f"label '{label}' is not one of {few}; correct the row, or data.label or data.labels"


def _examples(
    split: str, rows: Mapping[str, Sequence[Row]], index: Mapping[str, int]
) -> tuple[Example, ...]:
    return tuple(
        Example(f"{split}:{row.line}", row.words, index[row.label]) for row in rows.get(split, ())
    )


def _absent(present: Mapping[str, Path], test_note: str | None) -> tuple[str, ...]:
    warnings = [f"no {split} split" for split in ("dev", "test") if split not in present]
    if test_note and "test" not in present:
        warnings[-1] += f": {test_note}"
    return tuple(warnings)


def _one(key: str, character: str | None) -> str:
    if character is not None and len(character) != 1:
        raise InputError(f"data.{key}={character!r}: expected one character")
    return character or ""
