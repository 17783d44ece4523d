"""Words and tags in columns, one word a line, sentences between blank lines.

Tags leave here as IOB2, whatever the file holds. Nothing is repaired in silence: a line that
does not fit is an error that names it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from harness.contracts import Example, InputError, Splits
from harness.examples.data import prepared
from harness.metrics import entity_f1_conlleval
from harness.quoting import listed, shown
from tasks.files import bioes, source

BLANKS = re.compile(r"[ \t]+")
SCHEMES = {
    "iob2": re.compile(r"O|[BI]-.+"),
    "iob1": re.compile(r"O|[BI]-.+"),
    "bioes": bioes.TAG,
}
"""The tags of each scheme. Many call IOB2 "bio"."""


@dataclass(frozen=True)
class Form:
    """Where words and tags stand; columns are numbered from 0, or from -1 backwards.

    No separator means any run of blanks and tabs. Under iob1 an entity starts with I-, and
    with B- only where it touches another one of its type. Under bioes its last word carries E-
    and a single one S- (L- and U- in BILOU).
    """

    word_column: int
    tag_column: int
    separator: str | None
    scheme: str
    docstart: str | None


class Sentence(NamedTuple):
    """Words with IOB2 tags; `line` is that of the first word, and one line is one word."""

    line: int
    words: tuple[str, ...]
    tags: tuple[str, ...]


class Tagged(NamedTuple):
    """What a file holds; `documents` counts the lines that only mark a document's start."""

    sentences: tuple[Sentence, ...]
    documents: int


def load(
    *,
    name: str,
    path: str | None,
    train: str,
    dev: str | None,
    test: str | None,
    folder: str | None = None,
    word_column: int = 0,
    tag_column: int = -1,
    separator: str | None = None,
    scheme: str = "iob2",
    docstart: str | None = "-DOCSTART-",
    encoding: str = "utf-8",
    train_limit: int | None = None,
    limit_seed: int = 0,
    train_share: float | None = None,
) -> Splits:
    """Read the splits of one data set; entity types are those of the training file, sorted."""
    form = Form(word_column, tag_column, separator, known(scheme), docstart)
    files = source.files(name, path, folder, train, dev, test)
    found = {split: read(file, form, encoding, f"data.{split}") for split, file in files.items()}
    return prepared(splits(name, files, found), train_limit, limit_seed, train_share=train_share)


def known(scheme: str) -> str:
    """The scheme by the name it has here. Raises InputError for one that is none."""
    found = {"bio": "iob2", "bilou": "bioes"}.get(str(scheme).lower(), str(scheme).lower())
    if found not in SCHEMES:
        raise InputError(f"data.scheme={shown(scheme)}: expected one of {', '.join(SCHEMES)}")
    return found


def splits(name: str, files: Mapping[str, Path], found: Mapping[str, Tagged]) -> Splits:
    """The splits that the files hold, whole and in file order."""
    sentences = {split: tagged.sentences for split, tagged in found.items()}
    labels = tuple(sorted({tag[2:] for s in sentences["train"] for tag in s.tags} - {""}))
    if not labels:
        raise InputError(f"{files['train']}: no entity at all; correct data.tag_column")
    for split, file in files.items():
        _check_types(file, sentences[split], labels)
    return Splits(
        name=name,
        task="ner",
        source="files",
        train=_examples("train", sentences),
        dev=_examples("dev", sentences),
        test=_examples("test", sentences),
        labels=labels,
        warnings=source.absent(files),
    )


def read(file: Path, form: Form, encoding: str = "utf-8", key: str = "data.path") -> Tagged:
    """Read one file; `key` is the option that named it."""
    content = source.text(file, encoding, key)
    raw, documents = _sentences(file, source.lines(content), form)
    if not raw:
        raise InputError(f"{file}: no sentence, expected words and tags; correct {key}")
    if form.scheme == "iob2":
        _check_scheme(file, raw)
    if form.scheme == "bioes":
        return Tagged(tuple(_plain(file, sentence) for sentence in raw), documents)
    return Tagged(tuple(_opened(sentence) for sentence in raw), documents)


def _sentences(file: Path, lines: Sequence[str], form: Form) -> tuple[list[Sentence], int]:
    found: list[Sentence] = []
    rows: list[tuple[str, str]] = []
    documents, width = 0, 0
    for number, line in enumerate([*lines, ""], start=1):  # the last sentence ends at the end
        cells = _cells(line, form.separator)
        starts_document = form.docstart is not None and cells[:1] == [form.docstart]
        documents += starts_document
        if cells and not starts_document:
            width = width or _width(file, number, cells, form)
            rows.append(_row(file, number, cells, form, width))
        elif rows:
            words, tags = zip(*rows, strict=True)
            found.append(Sentence(number - len(rows), words, tags))
            rows = []
    return found, documents


def _cells(line: str, separator: str | None) -> list[str]:
    if not line.strip():
        return []
    return line.split(separator) if separator else BLANKS.split(line.strip(" \t"))


def _width(file: Path, number: int, cells: Sequence[str], form: Form) -> int:
    """The number of columns, taken from the first word's line, which must hold all we need."""
    width = len(cells)
    for key, column in (("word_column", form.word_column), ("tag_column", form.tag_column)):
        if not -width <= column < width:
            raise InputError(
                f"{file}:{number}: data.{key}={column}, but the line has {width} columns, "
                f"numbered 0 to {width - 1}; correct data.{key} or data.separator"
            )
    if form.word_column % width == form.tag_column % width:
        raise InputError(
            f"{file}:{number}: {width} columns, expected a word and a tag in two of them; "
            "correct data.separator or data.tag_column (a file without tags cannot be used)"
        )
    return width


def _row(file: Path, number: int, cells: Sequence[str], form: Form, width: int) -> tuple[str, str]:
    if len(cells) != width:
        raise InputError(
            f"{file}:{number}: {len(cells)} columns, expected {width} as in the first sentence; "
            "correct the line or data.separator"
        )
    word, tag = cells[form.word_column], cells[form.tag_column]
    if not word:
        raise InputError(f"{file}:{number}: the word is empty; correct the line")
    if not SCHEMES[form.scheme].fullmatch(tag):
        raise InputError(f"{file}:{number}: tag '{shown(tag)}', {_expected(tag, form.scheme)}")
    return word, tag


def _expected(tag: str, scheme: str) -> str:
    if scheme == "bioes":
        return "expected O or B-, I-, E- or S-<type>; correct the line or data.scheme"
    remedy = "correct the line or data.tag_column"
    if bioes.TAG.fullmatch(tag):
        remedy = "such tags are BIOES: set data.scheme=bioes"
    return f"expected O, B-<type> or I-<type>; {remedy}"


def _check_scheme(file: Path, sentences: Sequence[Sentence]) -> None:
    """Under IOB2 no entity starts with I-; reading on would lose those entities."""
    starts = [
        (sentence.line + start, sentence.tags[start])
        for sentence in sentences
        for start, _, _ in sorted(entity_f1_conlleval.spans(sentence.tags))
    ]
    illegal = [(line, tag) for line, tag in starts if tag.startswith("I-")]
    if not illegal:
        return
    line, tag = illegal[0]
    remedy = (
        "the file is tagged IOB1: set data.scheme=iob1"
        if 2 * len(illegal) > len(starts)
        else "correct the tags, or set data.scheme=iob1, where such a tag starts an entity"
    )
    raise InputError(
        f"{file}:{line}: tag '{shown(tag)}' continues no entity, as IOB2 asks "
        f"({len(illegal):,} of {len(starts):,} entities start so); {remedy}"
    )


def _opened(sentence: Sentence) -> Sentence:
    """The same entities, each starting with B-."""
    tags = list(sentence.tags)
    for start, _, kind in entity_f1_conlleval.spans(tags):
        tags[start] = f"B-{kind}"
    return sentence._replace(tags=tuple(tags))


def _plain(file: Path, sentence: Sentence) -> Sentence:
    """The same entities under IOB2. Raises InputError where BIOES tags do not fit together."""
    try:
        return sentence._replace(tags=bioes.iob2(sentence.tags))
    except bioes.Broken as error:
        line = sentence.line + error.index
        raise InputError(
            f"{file}:{line}: {shown(error, 120)}, as BIOES asks; correct the tags or data.scheme"
        ) from None


def _check_types(file: Path, sentences: Sequence[Sentence], labels: Sequence[str]) -> None:
    known = {"", *labels}
    for sentence in sentences:
        for offset, tag in enumerate(sentence.tags):
            if tag[2:] not in known:
                raise InputError(
                    f"{file}:{sentence.line + offset}: entity type '{shown(tag[2:])}' never occurs "
                    f"in the training file ({listed(labels)}); correct the tag, or train on a "
                    "file that has it"
                )


def _examples(split: str, sentences: Mapping[str, Sequence[Sentence]]) -> tuple[Example, ...]:
    return tuple(Example(f"{split}:{s.line}", s.words, s.tags) for s in sentences.get(split, ()))
