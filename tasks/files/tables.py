"""Files of rows, whatever their form: the names of their columns, and their rows.

Delimited text, JSON lines and Parquet become the same rows. Which column is which is said by the
caller, or by the column's own name: one called `text` is the text.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.contracts import InputError
from harness.quoting import shown
from tasks.files import delimited, json_lines, parquet, source
from tasks.files.examples import Column
from tasks.files.layout import Placed
from tasks.files.rows import File, Row

AUTO = "auto"
SIGNS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " ", r"\t": "\t"}
QUOTES = {"double": '"', "single": "'"}

_DELIMITERS = {"csv": ",", "tsv": "\t"}
_QUOTES = {"csv": '"', "tsv": None}
_FAMILIES = (("text", "second", "label"), ("text", "label"), ("input", "target"))


@dataclasses.dataclass(frozen=True)
class Cut:
    """How delimited rows are cut, as the user says it; None (of a quote: "auto") is by the form."""

    delimiter: str | None
    quote: str | None
    header: bool
    fields: int | None


class Opened(NamedTuple):
    """A file of rows. `names` are those of its columns, none where it has no header."""

    names: Sequence[str]
    cut: Callable[[Mapping[str, Column]], Iterator[Row]]


def opened(file: Placed, cut: Cut, encoding: str, note: str | None) -> Opened:
    """A file that is about to be read. Raises InputError where its first line does not fit.

    `note` says what to do where the file holds no answers.
    """
    if file.format == "parquet":
        return Opened(
            parquet.names(file.path, file.key),
            lambda columns: parquet.cut(file.path, file.key, _keys(columns), note),
        )
    text = File(file.path, file.key, source.text(file.path, encoding, file.key), note)
    if file.format == "jsonl":
        return Opened(json_lines.names(text), lambda named: json_lines.cut(text, _keys(named)))
    form = _form(file.format, cut)
    return Opened(
        delimited.names(text, form),
        lambda columns: delimited.cut(text, dataclasses.replace(form, columns=columns)),
    )


def completed(named: Mapping[str, Column], names: Sequence[str]) -> dict[str, Column]:
    """The columns that the user named, and of the same task those that are called what they are."""
    texts = {"input", "target"} & named.keys()
    if not names or (texts and texts < named.keys()):
        return dict(named)
    family: tuple[str, ...] = ("input", "target") if texts else ("text", "label")
    if not named:
        family = next((one for one in _FAMILIES if set(one) <= set(names)), family)
    return {role: role for role in family} | dict(named)


def _keys(columns: Mapping[str, Column]) -> dict[str, str]:
    return {role: str(column) for role, column in columns.items()}


def _form(kind: str, cut: Cut) -> delimited.Form:
    asked = _DELIMITERS[kind] if cut.delimiter is None else cut.delimiter
    quote = _QUOTES[kind] if cut.quote == AUTO else cut.quote
    if not isinstance(cut.header, bool):
        raise InputError(f"data.header={shown(cut.header)}: expected true or false")
    return delimited.Form(
        {},
        delimited.one("delimiter", SIGNS.get(asked, asked)),
        cut.header,
        cut.fields,
        delimited.one("quote", None if quote is None else QUOTES.get(quote, quote)),
    )
