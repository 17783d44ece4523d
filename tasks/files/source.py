"""Where a data set's files lie, and how their bytes become text. Knows no format."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from pathlib import Path

from harness.contracts import InputError
from harness.quoting import listed

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def locate(name: str, path: str | None, folder: str | None) -> Path:
    """The folder that holds the data set's files."""
    if path is None:
        raise InputError(
            f"data={name} reads files below a folder that you name: "
            "set GPT_OR_BERT_DATA=/path/to/data or data.path=..."
        )
    found = Path(path) / (folder or "")
    if not found.is_dir():
        raise InputError(
            f"{found}: no such folder, expected the files of data={name} there; "
            "correct GPT_OR_BERT_DATA, data.path or data.folder"
        )
    return found


def files(
    name: str, path: str | None, folder: str | None, train: str, dev: str | None, test: str | None
) -> dict[str, Path]:
    """The file of each split that has one, train first."""
    where = locate(name, path, folder)
    named = {"train": train, "dev": dev, "test": test}
    return {split: where / file for split, file in named.items() if file}


def absent(present: Iterable[str], test_note: str | None = None) -> tuple[str, ...]:
    """One warning per split that has no file; `test_note` says why test has none."""
    missing = [split for split in ("dev", "test") if split not in present]
    notes = {"test": f": {test_note}"} if test_note else {}
    return tuple(f"no {split} split{notes.get(split, '')}" for split in missing)


def text(file: Path, encoding: str, key: str) -> str:
    """The whole text of a file; `key` is the option that named it.

    A byte-order mark at the start is no part of the text.
    """
    raw = held(file, key)
    try:
        content = raw.decode(encoding)
    except LookupError:
        raise InputError(f"data.encoding={encoding}: no such encoding; try utf-8") from None
    except UnicodeError as error:
        raise _not_text(file, raw, encoding, error) from None
    if not content.strip():
        raise InputError(f"{file}: the file is empty, expected labelled rows; correct {key}")
    if "\0" in content:
        line = content.count("\n", 0, content.index("\0")) + 1
        raise InputError(
            f"{file}:{line}: a NUL character (byte {raw.find(0)} of the file), which text does not "
            "hold; correct the file, or set data.encoding=utf-16 if it was written in that"
        )
    return content.removeprefix("\ufeff")


def _not_text(file: Path, raw: bytes, encoding: str, error: UnicodeError) -> InputError:
    if not isinstance(error, UnicodeDecodeError):  # rare encodings do not say where
        return InputError(f"{file}: not {encoding} text ({error}); correct data.encoding")
    line = raw.count(b"\n", 0, error.start) + 1
    remedy = "data.encoding=... (such as latin-1 or cp1252)"
    if raw.startswith(_UTF_16):
        remedy = "data.encoding=utf-16"
    return InputError(
        f"{file}:{line}: byte {error.start} of the file ({raw[error.start]:#04x}) "
        f"is not {encoding} text; set {remedy}"
    )


def lines(content: str) -> list[str]:
    r"""Physical lines, ended by \n or \r\n (by \r where no \n is); the last one may lack its end.

    `str.splitlines` is not used: it also breaks at characters that may stand inside a row.
    """
    rows = content.split("\n" if "\n" in content else "\r")
    if not rows[-1]:
        rows.pop()
    return [row.removesuffix("\r") for row in rows]


def held(file: Path, key: str) -> bytes:
    """The bytes of a file; `key` is the option that named it."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; {around(file)}; correct {key}") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); correct {key}") from None


def around(file: Path) -> str:
    """What lies where a file was looked for."""
    if not file.parent.is_dir():
        return f"there is no folder {file.parent} either"
    there = listed(sorted(entry.name for entry in file.parent.glob("*")))
    return f"the folder holds: {there or 'nothing'}"
