"""A user's own files, in any form that is known here: `data=files data.path=reviews.csv`.

What is not said is told by a file's name (its form, its split) or by its columns' names, and that
is logged, so that `harness.check` can show it. Splits that no file holds are drawn out of train.
"""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from harness.contracts import InputError, Splits
from harness.examples.data import prepared
from harness.quoting import listed, shown
from tasks.files import conll, delimited, division, examples, layout, rows, source, tables
from tasks.files.examples import Column, Labels
from tasks.files.layout import Placed
from tasks.files.rows import Row
from tasks.files.tables import AUTO, SIGNS, Cut

NO_ANSWERS = (
    "what has no answers cannot be scored: name the files that have them (data.train=..., "
    "data.dev=..., data.test=...), or correct this one's columns"
)

_log = logging.getLogger(__name__)


def load(
    *,
    name: str | None = None,
    path: str | None = None,
    train: str | None = None,
    dev: str | None = None,
    test: str | None = None,
    format: str | None = None,  # noqa: A002 - named as its key is
    text: Column | None = None,
    second: Column | None = None,
    label: Column | None = None,
    input: Column | None = None,  # noqa: A002 - named as its key is
    target: Column | None = None,
    labels: Labels | None = None,
    delimiter: str | None = None,
    quote: str | None = AUTO,
    header: bool = True,
    fields: int | None = None,
    word_column: int = 0,
    tag_column: int = -1,
    separator: str | None = None,
    scheme: str = "iob2",
    docstart: str | None = "-DOCSTART-",
    encoding: str = "utf-8",
    dev_share: float | None = 0.1,
    test_share: float | None = 0.1,
    split_seed: int = 0,
    together: str = "example",
    train_limit: int | None = None,
    limit_seed: int = 0,
    train_share: float | None = None,
) -> Splits:
    """Read the splits of one data set; conf/data/files.yaml says what each argument is.

    Raises InputError for whatever cannot be read as it was asked.
    """
    files = layout.places(path, train, dev, test, format)
    title = layout.title(path, files["train"]) if name is None else str(name)
    roles = {"text": text, "second": second, "label": label, "input": input, "target": target}
    named = {role: column for role, column in roles.items() if column is not None}
    if any(file.format == "conll" for file in files.values()):
        _refuse_columns(files, named)
        sign = SIGNS.get(separator, separator) if separator else None
        form = conll.Form(word_column, tag_column, sign, conll.known(scheme), docstart)
        splits = _tagged(title, files, form, encoding)
    else:
        cut = Cut(delimiter, quote, header, fields)
        splits = _labelled(title, files, named, labels, cut, encoding)
    shares = {"dev": dev_share, "test": test_share}
    divided = division.divided(splits, shares, split_seed, together)
    return prepared(divided, train_limit, limit_seed, train_share=train_share)


def _refuse_columns(files: Mapping[str, Placed], named: Mapping[str, Column]) -> None:
    """Words and tags in columns are no rows of a table, and stand beside none."""
    file = next(file for file in files.values() if file.format == "conll")
    told = f"{file.path} is read as words and tags in columns ({file.why})"
    if named:
        raise InputError(
            f"{told}, but data.{next(iter(named))} names a column of a table; "
            "set data.format=csv, tsv, jsonl or parquet"
        )
    other = next((file for file in files.values() if file.format != "conll"), None)
    if other is not None:
        raise InputError(f"{told}, and {other.path} as {other.format}; set data.format=...")


def _tagged(name: str, files: Mapping[str, Placed], form: conll.Form, encoding: str) -> Splits:
    found = {}
    for split, file in files.items():
        tagged = found[split] = _sentences(file, form, encoding)
        documents = f", {tagged.documents:,} lines of document starts" if tagged.documents else ""
        said = f"{len(tagged.sentences):,} sentences{documents}; tags are {form.scheme.upper()}"
        _tell(split, file, said)
    return conll.splits(name, {split: file.path for split, file in files.items()}, found)


def _sentences(file: Placed, form: conll.Form, encoding: str) -> conll.Tagged:
    try:
        return conll.read(file.path, form, encoding, file.key)
    except InputError as error:
        if file.path.suffix.lower() == ".txt" and "ending" in file.why:  # may be anything
            raise InputError(
                f"{error}; a .txt file is read as words and tags in columns, unless "
                "data.format=... says otherwise"
            ) from None
        raise


def _labelled(
    name: str,
    files: Mapping[str, Placed],
    named: Mapping[str, Column],
    labels: Labels | None,
    cut: Cut,
    encoding: str,
) -> Splits:
    opened = {
        split: tables.opened(file, cut, encoding, None if split == "train" else NO_ANSWERS)
        for split, file in files.items()
    }
    columns = tables.completed(named, opened["train"].names)
    _refuse_missing(
        files["train"], [role for role in columns if role not in named], opened["train"]
    )
    form = examples.form(**{role: columns.get(role) for role in rows.TITLES})
    found = {}
    for split, table in opened.items():
        found[split] = list(table.cut(form.columns))
        _tell(split, files[split], _read(found[split], form.columns, table.names))
    warnings = list(source.absent(files))
    label = form.columns.get("label")
    if isinstance(label, int) and files["train"].format in layout.DELIMITED:
        warnings += _doubts(found["train"], label, opened["train"].names)
    return examples.splits(name, form.task, found, labels, tuple(warnings))


def _refuse_missing(file: Placed, wanted: Sequence[str], table: tables.Opened) -> None:
    """Where columns are needed that nobody named, all that have to be named are told at once."""
    missing = [role for role in wanted if role not in table.names]
    if missing:
        columns = " or ".join(f"'{role}'" for role in missing)
        remedy = " and ".join(f"data.{role}=..." for role in missing)
        raise InputError(
            f"{file.path}: no column {columns} (columns: {listed(table.names)}); set {remedy}"
            f"{delimited.hint(table.names) if file.format in layout.DELIMITED else ''}"
        )


def _tell(split: str, file: Placed, said: str) -> None:
    _log.info("%s: %s, %s (%s): %s", split, file.path, file.format, file.why, said)


def _read(found: Sequence[Row], columns: Mapping[str, Column], names: Sequence[str]) -> str:
    used = (f"{role} = {shown(columns[role])}" for role in rows.TITLES if role in columns)
    taken = {*columns.values(), *map(str, columns.values())}
    left = (name for place, name in enumerate(names) if name not in taken and place not in taken)
    unused = listed((name or "(no name)" for name in left), 8)
    spans = [b.line - a.line for a, b in itertools.pairwise(found) if b.line - a.line > 1]
    parts = [
        f"{len(found):,} rows{'' if names else ', no header'}",
        ", ".join(used),
        *([f"not used: {unused}"] if unused else []),
        *([f"{len(spans):,} rows go over several lines, up to {max(spans)}"] if spans else []),
    ]
    return "; ".join(parts)


def _doubts(found: Sequence[Row], label: int, names: Sequence[str]) -> Iterator[str]:
    """Was a header read as data, or data as a header? Seen where a number says the column."""
    seen = Counter(rows.label(row) for row in found)
    if names and names[label] in seen:
        yield (
            f"the first line was read as the header, but '{shown(names[label])}' in it is also a "
            "label below; set data.header=false if it is a row like the others"
        )
    first = rows.label(found[0])
    if not names and seen[first] == 1 and len(found) > len(seen):
        yield (
            f"the label of the first line, '{shown(first)}', occurs nowhere else; set "
            "data.header=true if that line is a header"
        )
