"""One JSON object a line. A dot in a key leads into an object: `answer.text`.

Every line becomes an example or part of one: a line that does not fit is an error that names
it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence

from harness.contracts import InputError, Splits
from harness.data import prepared
from tasks.files import examples, source
from tasks.files import rows as rows_of
from tasks.files.rows import ANSWERS, File, Row


def load(
    *,
    name: str,
    path: str | None,
    train: str,
    dev: str | None,
    test: str | None,
    text: str | None = None,
    label: str | None = None,
    second: str | None = None,
    input: str | None = None,  # noqa: A002 - named as its key is
    target: str | None = None,
    folder: str = "",
    labels: Mapping[str, str] | Sequence[str] | None = None,
    encoding: str = "utf-8",
    test_note: str | None = None,
    train_limit: int | None = None,
    limit_seed: int = 0,
    dev_share: float | None = None,
    split_seed: int = 0,
) -> Splits:
    """Read the splits of one data set; keys take the place of columns in `delimited.load`.

    A label may also be a whole number, true or false, and a target a list of texts.
    """
    asked = examples.form(text=text, second=second, label=label, input=input, target=target)
    keys = {role: str(key) for role, key in asked.columns.items()}
    files = source.files(name, path, folder, train, dev, test)
    rows = rows_of.read(files, encoding, test_note, functools.partial(_cut, keys=keys))
    absent = source.absent(files, test_note)
    splits = examples.splits(name, asked.task, rows, labels, absent)
    return prepared(splits, train_limit, limit_seed, dev_share, split_seed)


def _cut(file: File, keys: Mapping[str, str]) -> Iterator[Row]:
    for number, line in enumerate(source.lines(file.content), start=1):
        place = f"{file.path}:{number}"
        found = _parsed(place, line)
        values = {
            role: _value(place, found, role, key, file.note if role in ANSWERS else None)
            for role, key in keys.items()
        }
        yield Row(place, number, values)


def _parsed(place: str, line: str) -> dict[str, object]:
    if not line.strip():
        raise InputError(f"{place}: the line is empty, expected a JSON object; delete it")
    try:
        found = json.loads(line, object_pairs_hook=_object)
        json.dumps(found, ensure_ascii=False).encode()  # refuses half of a surrogate pair
    except UnicodeEncodeError:
        raise InputError(
            rf"{place}: an escape from \ud800 to \udfff is half of a character; correct the line"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{place}: not JSON ({_reason(error)}), expected one object a line; correct the line"
        ) from None
    if not isinstance(found, dict):
        raise InputError(f"{place}: no JSON object, expected {{...}} on every line; correct it")
    return found


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, at character {error.pos + 1}"
    return str(error)


def _value(
    place: str, found: Mapping[str, object], role: str, key: str, note: str | None
) -> object:
    remedy = note or f"correct the line or data.{role}"
    inner: object = found
    for part in [key] if key in found else key.split("."):
        if not isinstance(inner, Mapping) or part not in inner:
            raise InputError(f"{place}: no key '{key}' (keys: {', '.join(found)}); {remedy}")
        inner = inner[part]
    if inner is None:
        raise InputError(f"{place}: '{key}' is null, expected a value; {remedy}")
    return inner
