"""One JSON object a line. A dot in a key leads into an object: `answer.text`.

Every line becomes an example or part of one: a line that does not fit is an error that names
it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence

from harness.contracts import InputError, Splits
from harness.examples.data import prepared
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
    folder: str | None = None,
    labels: Mapping[str, str] | Sequence[str] | None = None,
    encoding: str = "utf-8",
    test_note: str | None = None,
    train_limit: int | None = None,
    limit_seed: int = 0,
    train_share: float | None = None,
    dev_share: float | None = None,
    split_seed: int = 0,
) -> Splits:
    """Read the splits of one data set; keys take the place of columns in `delimited.load`.

    A label may also be a whole number, true or false, and a target a list of texts.
    """
    asked = examples.form(text=text, second=second, label=label, input=input, target=target)
    keys = {role: str(key) for role, key in asked.columns.items()}
    files = source.files(name, path, folder, train, dev, test)
    rows = rows_of.read(files, encoding, test_note, functools.partial(cut, keys=keys))
    absent = source.absent(files, test_note)
    splits = examples.splits(name, asked.task, rows, labels, absent)
    return prepared(splits, train_limit, limit_seed, dev_share, split_seed, train_share)


def names(file: File) -> list[str]:
    """The keys of the first line's object."""
    return list(_parsed(f"{file.path}:1", source.lines(file.content)[0]))


def cut(file: File, keys: Mapping[str, str]) -> Iterator[Row]:
    """The rows of a file; `keys` maps what a value is for to where it stands."""
    for number, line in enumerate(source.lines(file.content), start=1):
        place = f"{file.path}:{number}"
        found = _parsed(place, line)
        values = {
            role: rows_of.value(place, found, role, key, file.note if role in ANSWERS else None)
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
            f"{place}: not JSON ({_reason(error)}), expected one object a line; {_remedy(line)}"
        ) from None
    if not isinstance(found, dict):
        raise InputError(
            f"{place}: no JSON object, expected {{...}} on every line; {_remedy(line)}"
        )
    return found


def _remedy(line: str) -> str:
    """What to do; a file that is one long list, or one object in many lines, is none of ours."""
    if line.startswith("[") or line.strip() == "{":
        return "write each object on a line of its own, without a list around them"
    return "correct the line"


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, at character {error.pos + 1}"
    return str(error)
