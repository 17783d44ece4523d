"""Rows of fields: TSV, CSV, or `label sentence` lines.

Everything about a file's form is said by the caller, nothing is guessed, and every row
becomes an example or part of one: a row that does not fit is an error that names its line.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.contracts import InputError, Splits
from harness.examples.data import prepared
from harness.quoting import listed, shown
from tasks.files import examples, source
from tasks.files import rows as rows_of
from tasks.files.examples import Column
from tasks.files.rows import ANSWERS, File, Row

csv.field_size_limit(2**31 - 1)  # one long text is no mistake; the default refuses 128 KiB

_NO_NAME = 60  # characters of a cell that is no column's name
_SIGNS = {"\t": "tab", ";": "semicolon", "|": "pipe", ",": "comma"}


@dataclass(frozen=True)
class Form:
    """How a row is cut into fields, and which of them matter.

    Columns are header names, or numbers from 0. Without a quote character, quotes are plain
    text, and `fields` lets the last field take the rest of the line.
    """

    columns: Mapping[str, Column]
    delimiter: str
    header: bool
    fields: int | None
    quote: str | None


def load(
    *,
    name: str,
    path: str | None,
    train: str,
    dev: str | None,
    test: str | None,
    delimiter: str,
    header: bool,
    text: Column | None = None,
    label: Column | None = None,
    second: Column | None = None,
    input: Column | None = None,  # noqa: A002 - named as its key is
    target: Column | None = None,
    folder: str | None = None,
    labels: Mapping[str, str] | Sequence[str] | None = None,
    fields: int | None = None,
    quote: str | None = None,
    encoding: str = "utf-8",
    test_note: str | None = None,
    train_limit: int | None = None,
    limit_seed: int = 0,
    train_share: float | None = None,
    dev_share: float | None = None,
    split_seed: int = 0,
) -> Splits:
    """Read the splits of one data set.

    The columns decide the task: `text` and `label` are classification, with `second` matching;
    `input` and `target` are generation, where rows of one input are one example with all their
    targets. `labels` maps what files hold to class names, in class order, or lists the classes;
    null takes the sorted labels of the training file. `test_note` says why there is no labelled
    test file, where that is so. The last five are those of `harness.examples.data.prepared`.
    """
    asked = examples.form(text=text, second=second, label=label, input=input, target=target)
    quote = one("quote", quote)
    form = Form(asked.columns, one("delimiter", delimiter), header, fields, quote)
    files = source.files(name, path, folder, train, dev, test)
    rows = rows_of.read(files, encoding, test_note, functools.partial(cut, form=form))
    absent = source.absent(files, test_note)
    splits = examples.splits(name, asked.task, rows, labels, absent)
    return prepared(splits, train_limit, limit_seed, dev_share, split_seed, train_share)


def names(file: File, form: Form) -> list[str]:
    """The columns' names in the header; none where there is no header."""
    rows = _quoted(file, form) if form.quote else _plain(file, form)
    return next(rows)[1] if form.header else []


def cut(file: File, form: Form) -> Iterator[Row]:
    """The rows of a file."""
    rows = _quoted(file, form) if form.quote else _plain(file, form)
    head = next(rows)[1] if form.header else None
    width = len(head) if head else form.fields
    places = _places(file, form.columns, head, width) if head else {}
    line = 0
    for line, fields in rows:
        place = f"{file.path}:{line}"
        width = width or len(fields)
        _check_width(place, fields, width)
        if fields == head:
            raise InputError(f"{place}: the header again, as where files were joined; delete it")
        places = places or _places(file, form.columns, head, width)
        yield Row(place, line, {key: fields[column] for key, column in places.items()})
    if not line:
        raise InputError(f"{file.path}: no rows below the header; correct {file.key}")


def _places(
    file: File, columns: Mapping[str, Column], head: Sequence[str] | None, width: int | None
) -> dict[str, int]:
    return {key: _column(file, key, column, head, width or 0) for key, column in columns.items()}


def _plain(file: File, form: Form) -> Iterator[tuple[int, list[str]]]:
    cuts = form.fields - 1 if form.fields else -1
    for number, line in enumerate(source.lines(file.content), start=1):
        yield number, line.split(form.delimiter, cuts)


def _quoted(file: File, form: Form) -> Iterator[tuple[int, list[str]]]:
    stream = io.StringIO(file.content, newline="")  # a quoted field may hold line ends of its own
    reader = csv.reader(stream, delimiter=form.delimiter, quotechar=form.quote, strict=True)
    start = 1
    try:
        for fields in reader:
            yield start, fields
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{file.path}:{start}: this row's quoting is broken ({error}); correct it, or set "
            "data.quote=null where quotes are plain text"
        ) from None


def _check_width(place: str, fields: Sequence[str], width: int) -> None:
    if not fields or list(fields) == [""]:
        raise InputError(f"{place}: the line is empty, expected {width} fields; delete it")
    if len(fields) != width:
        raise InputError(
            f"{place}: {len(fields)} fields, expected {width}; correct the row, or "
            "data.delimiter, data.quote or data.fields"
        )


def _column(file: File, key: str, column: Column, head: Sequence[str] | None, width: int) -> int:
    if isinstance(column, int):
        if 0 <= column < width:
            return column
        raise InputError(f"{file.path}: data.{key}={column}: columns are numbered 0 to {width - 1}")
    if head is None:
        raise InputError(
            f"{file.path}: data.{key}={column} names a column, but data.header=false says that "
            f"the file names none; give its number, from 0 to {width - 1}"
        )
    if head.count(column) != 1:
        note = file.note if key in ANSWERS else None
        raise InputError(
            f"{file.path}:1: {_problem(column, head)} (columns: {listed(head)}); "
            f"{note or _remedy(key, column, head)}"
        )
    return head.index(column)


def _problem(column: str, head: Sequence[str]) -> str:
    kind = "several columns are called" if column in head else "no column"
    return f"{kind} '{shown(column)}'"


def _remedy(key: str, column: str, head: Sequence[str]) -> str:
    """What to do, and what was probably meant where that can be seen."""
    near = [name for name in head if name != column and name.strip().lower() == column.lower()]
    if near:
        return f"set data.{key}=... (did you mean '{shown(near[0])}'?)"
    return f"set data.{key}=...{hint(head)}"


def hint(head: Sequence[str]) -> str:
    """What else may be wrong with a header that lacks a column; often nothing."""
    for sign, name in _SIGNS.items():
        if len(head) == 1 and sign in head[0]:
            return f"; there is a {name} in the header: is it data.delimiter={name}?"
    if any(len(cell) > _NO_NAME or cell.strip().isdigit() for cell in head):
        return "; if line 1 is a row like the others, set data.header=false and number the columns"
    return ""


def one(key: str, character: str | None) -> str:
    """The character, none for None. Raises InputError for several."""
    if character is not None and len(character) != 1:
        raise InputError(f"data.{key}={character!r}: expected one character")
    return character or ""
