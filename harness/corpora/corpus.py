"""A folder of plain text as documents: which files are read, what is left out, what is held out.

Files are read in the order of their names, as UTF-8, with any line ends. What is done to the text
is counted: only what `strip` names is taken out, only what `skip` names is left out. White space
between words counts as one blank. Knows no tokenizer and no model.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from harness.contracts import InputError
from harness.quoting import listed, shown

FEWEST_FILES = 10
"""Files from which on whole ones are held out, where nobody says; of fewer, documents are."""

FILE, DOCUMENT = "file", "document"
_HOLDING_OUT = 5  # stream of the seed; training and batches have others
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_SPLIT: Mapping[str, Callable[[str], list[str]]] = {
    "paragraph": _BLANK_LINES.split,
    "line": lambda text: text.split("\n"),
    "file": lambda text: [text],
}
DOCUMENTS = tuple(_SPLIT)
"""What can be a document: text between blank lines, a line, a whole file."""


@dataclass(frozen=True)
class Reading:
    """How a folder is read.

    `files` and `skip` are patterns (`*`, `?`) of names; `skip` also fits paths below the folder.
    `strip` are regular expressions, `^` and `$` at every line. `hold_out` is a share of what
    `hold_out_by` names: "file", "document", or None for whichever FEWEST_FILES says.
    """

    folder: Path
    files: Sequence[str]
    skip: Sequence[str] = ()
    strip: Sequence[str] = ()
    documents: str = "paragraph"
    hold_out: float = 0.01
    hold_out_by: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class Corpus:
    """Documents for training and held-out ones, in the order of the files; `facts` are JSON."""

    train: Sequence[str]
    held_out: Sequence[str]
    facts: Mapping[str, Any]


@dataclass
class _Counted:
    """What was done to the text so far."""

    bytes: int = 0
    byte_order_marks: int = 0
    blank: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    stripped: dict[str, list[int]] = field(default_factory=dict)


def read(reading: Reading) -> Corpus:
    """Read a folder. Raises InputError for one without text, naming file and byte where it can."""
    paths, told = listing(reading)
    patterns = {pattern: _compiled(pattern) for pattern in reading.strip}
    counted = _Counted(stripped={pattern: [0, 0] for pattern in patterns})
    files = [_documents(path, reading, patterns, counted) for path in paths]
    if not any(files):
        raise InputError(f"text={reading.folder}: {told['files']} files, and no word in them")
    by = reading.hold_out_by or (FILE if len(files) >= FEWEST_FILES else DOCUMENT)
    names = list(counted.digests)
    train, held_out, held_files = _divided(files, names, reading, by)
    known = set(train)
    facts = {
        "name": reading.folder.resolve().name,
        **told,
        "bytes": counted.bytes,
        "sha256": counted.digests,
        "byte_order_marks": counted.byte_order_marks,
        "stripped": {p: {"times": n, "characters": c} for p, (n, c) in counted.stripped.items()},
        "blank_documents": counted.blank,
        "documents": {"train": len(train), "held_out": len(held_out)},
        "words": {"train": _words(train), "held_out": _words(held_out)},
        "held_out_by": by if held_out else None,
        "held_out_files": held_files,
        "held_out_also_in_train": sum(text in known for text in held_out),
    }
    return Corpus(train, held_out, facts)


def reading_of(config: Mapping[str, Any]) -> Reading:
    """What the command was told of the text."""
    names = ("files", "skip", "strip", "documents", "hold_out", "hold_out_by", "seed")
    return Reading(Path(config["text"]).expanduser(), **{name: config[name] for name in names})


def check_unchanged(reading: Reading, before: Mapping[str, str], place: str) -> None:
    """Raise InputError, naming a file, where the text is not what it was `before` (digests).

    `place` is what to delete where another text is meant.
    """
    now = digests(reading)
    for name in sorted({*before, *now}):
        if before.get(name) == now.get(name):
            continue
        what = (
            "was not there" if name not in before else "is gone" if name not in now else "changed"
        )
        raise InputError(
            f"text={reading.folder}: {name} {what} since this pretraining was begun; give the text "
            f"as it was, or choose another out=..., or delete {place} to begin again"
        )


def digests(reading: Reading) -> dict[str, str]:
    """SHA-256 of every file that would be read, by its path below the folder, without reading on.

    Raises InputError as `read` does for a folder without such files.
    """
    return {
        _name(path, reading): hashlib.sha256(_bytes(path)).hexdigest()
        for path in listing(reading)[0]
    }


def listing(reading: Reading) -> tuple[list[Path], dict[str, int]]:
    """The files to read, sorted, and how many there are of them, skipped ones and others."""
    folder = reading.folder
    if not folder.is_dir():
        raise InputError(f"text={folder}: no such folder; expected one with text files in it")
    every = sorted(
        (path for path in folder.rglob("*") if path.is_file()),
        key=lambda path: path.relative_to(folder).parts,
    )
    fitting = [path for path in every if _fits(path.name, reading.files)]
    paths = [
        path
        for path in fitting
        if not _fits(path.name, reading.skip) and not _fits(_name(path, reading), reading.skip)
    ]
    if not paths:
        raise InputError(
            f"text={folder}: no file to read ({len(every)} there, {len(fitting)} named "
            f"{listed(reading.files)}, {len(fitting) - len(paths)} of those skipped); name others "
            "with files=[...]"
        )
    counts = {
        "files": len(paths),
        "files_skipped": len(fitting) - len(paths),
        "files_of_other_names": len(every) - len(fitting),
    }
    return paths, counts


def _name(path: Path, reading: Reading) -> str:
    return path.relative_to(reading.folder).as_posix()


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _documents(
    path: Path, reading: Reading, patterns: Mapping[str, re.Pattern[str]], counted: _Counted
) -> list[str]:
    """The documents of one file, each with single blanks between its words."""
    raw = _bytes(path)
    counted.bytes += len(raw)
    counted.digests[_name(path, reading)] = hashlib.sha256(raw).hexdigest()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: byte {error.start} is not UTF-8 ({error.reason}); convert the file, or leave "
            f"it out with skip=[{path.name}]"
        ) from None
    if text.startswith("\ufeff"):
        counted.byte_order_marks += 1
        text = text[1:]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for pattern, compiled in patterns.items():
        left, times = compiled.subn("", text)
        counted.stripped[pattern][0] += times
        counted.stripped[pattern][1] += len(text) - len(left)
        text = left
    found = [" ".join(part.split()) for part in _SPLIT[reading.documents](text)]
    kept = [document for document in found if document]
    counted.blank += len(found) - len(kept)
    return kept


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.MULTILINE)
    except re.error as error:
        raise InputError(
            f"strip: {shown(pattern)!r} is no regular expression ({error}); it is matched against "
            "each file, ^ and $ at every line"
        ) from None


def _divided(
    files: Sequence[list[str]], names: Sequence[str], reading: Reading, by: str
) -> tuple[list[str], list[str], list[str]]:
    """Training documents, held-out ones, and the names of files that are held out whole."""
    if by == FILE:
        units, owners = [*files], [*names]
    else:
        units, owners = [[document] for file in files for document in file], []
    chosen = _chosen(len(units), reading, by)
    train = list(_joined(units, chosen, wanted=False))
    held_out = list(_joined(units, chosen, wanted=True))
    return train, held_out, [name for index, name in enumerate(owners) if index in chosen]


def _chosen(count: int, reading: Reading, by: str) -> set[int]:
    """Which units are held out: `hold_out` of them, one at least, drawn from the seed."""
    if reading.hold_out == 0:
        return set()
    wanted = max(1, round(reading.hold_out * count))
    if wanted >= count:
        raise InputError(
            f"hold_out={reading.hold_out}: of {count} {by}s, {wanted} would be held out and none "
            "left to train on; add text, or set hold_out=0"
        )
    order = np.random.default_rng([reading.seed, _HOLDING_OUT]).permutation(count)
    return set(order[:wanted].tolist())


def _joined(units: Sequence[list[str]], chosen: set[int], wanted: bool) -> Iterator[str]:
    for index, documents in enumerate(units):
        if (index in chosen) == wanted:
            yield from documents


def _words(documents: Sequence[str]) -> int:
    return sum(document.count(" ") + 1 for document in documents)
