"""Which file holds which split, and what form it has: by names, or as the user says.

A file's content is never looked at here. What a name does not say is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from harness.contracts import InputError
from harness.quoting import listed
from tasks.files import source

ENDINGS = {
    "csv": "csv",
    "tsv": "tsv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
    "parquet": "parquet",
    "conll": "conll",
    "txt": "conll",
    "bio": "conll",
    "iob": "conll",
}
DELIMITED = ("csv", "tsv")
FORMATS = tuple(dict.fromkeys(ENDINGS.values()))

_SPLITS = {
    "train": ("train", "training"),
    "dev": ("dev", "valid", "validation", "val"),
    "test": ("test",),
}
_ELSEWHERE = {
    "xlsx": "save the sheet as CSV",
    "xls": "save the sheet as CSV",
    "gz": "unpack it first",
    "zip": "unpack it first",
    "bz2": "unpack it first",
}


class Placed(NamedTuple):
    """A file of one split. `key` is the option that led to it; `why` says how its form is known."""

    path: Path
    key: str
    format: str
    why: str


def places(
    path: str | None, train: str | None, dev: str | None, test: str | None, form: str | None
) -> dict[str, Placed]:
    """The file of each split that has one, train first.

    `path` is a file that holds the training examples (or all of them), or a folder: of files
    whose names say their split, or that `train`, `dev` and `test` name.
    """
    if form is not None and form not in FORMATS:
        raise InputError(f"data.format={form}: expected one of {', '.join(FORMATS)}")
    named = {"train": train, "dev": dev, "test": test}
    files = {split: file for split, file in named.items() if file is not None}
    try:
        found = _named(path, files) or _scanned(Path(str(path)).expanduser(), form)
    except (OSError, RuntimeError) as error:  # not to be entered, too long a name, no such ~user
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read ({reason}); correct data.path") from None
    if "train" not in found:
        raise InputError(
            f"data.{next(iter(files))} alone: name the file to train on, with data.train=..."
        )
    return {split: _placed(file, key, form) for split, (file, key) in found.items()}


def title(path: str | None, train: Placed) -> str:
    """What a data set is called where nobody says: its folder, or its file."""
    whole = Path(path).expanduser() if path is not None else train.path
    stem = whole.name.split(".")[0] or whole.name
    generic = whole.is_file() and any(stem.lower() in words for words in _SPLITS.values())
    return (whole.resolve().parent.name if generic else whole.resolve().name.split(".")[0]) or stem


def _named(path: str | None, files: Mapping[str, str]) -> dict[str, tuple[Path, str]]:
    """What the options name; nothing where a folder is to be looked through."""
    if path is None and not files:
        raise InputError(
            "data=files reads your own files: set data.path=... to a file (such as reviews.csv) "
            "or to a folder with files called train, dev and test"
        )
    where = Path(path).expanduser() if path is not None else Path()
    if not where.exists():
        raise InputError(
            f"{where}: no such file or folder; {source.around(where)}; correct data.path"
        )
    below = where if where.is_dir() else Path()
    found = {
        split: (below / Path(file).expanduser(), f"data.{split}") for split, file in files.items()
    }
    if not where.is_dir():
        if "train" in files:
            raise InputError("data.path names a file, and so does data.train; set only one of them")
        found = {"train": (where, "data.path"), **found}
    return {split: found[split] for split in _SPLITS if split in found}


def _scanned(folder: Path, form: str | None) -> dict[str, tuple[Path, str]]:
    """The files of a folder whose names say their split, and their form where that is not given."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    found = {}
    for split, words in _SPLITS.items():
        called = [file for file in files if file.name.split(".")[0].lower() in words]
        usable = [file for file in called if form is not None or _ending(file) in ENDINGS]
        if len(usable) > 1:
            names = listed(file.name for file in usable)
            raise InputError(f"{folder}: {names}: which one is {split}? Name it: data.{split}=...")
        if usable:
            found[split] = (usable[0], "data.path")
    if "train" not in found:
        raise InputError(
            f"{folder}: no training file, such as train.csv ({', '.join(ENDINGS)}); the folder "
            f"holds: {listed(file.name for file in files) or 'no file'}; "
            "name one with data.train=..., or a single file with data.path=..."
        )
    return found


def _ending(file: Path) -> str:
    return file.suffix.lstrip(".").lower()


def _placed(file: Path, key: str, form: str | None) -> Placed:
    ending = _ending(file)
    if form is not None:
        return Placed(file, key, form, "as data.format says")
    if ending in ENDINGS:
        return Placed(file, key, ENDINGS[ending], f"by its ending .{ending}")
    if file.is_file() and ending in _ELSEWHERE:
        raise InputError(f"{file}: .{ending} files cannot be read; {_ELSEWHERE[ending]}")
    source.held(file, key)  # that it is there matters more than what it is called
    raise InputError(
        f"{file}: its name says no known form ({', '.join(f'.{one}' for one in ENDINGS)}); "
        f"set data.format to one of {', '.join(FORMATS)}"
    )
