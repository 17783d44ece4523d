"""Rows of words and tags become sentences with IOB2 tags; every schema that files may have.

Nothing is repaired: a row that does not fit is an error that names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness.contracts import Example, InputError, Splits
from harness.metrics import entity_f1_conlleval
from harness.quoting import listed, shown
from tasks.files import bioes, conll
from tasks.files.rows import Row

_KNOWN = {
    "iob2": "O, B-<type> or I-<type>",
    "iob1": "O, B-<type> or I-<type>",
    "bioes": "O or B-, I-, E- or S-<type>",
}


class Sentence(NamedTuple):
    """A row that was looked at. Its tags are as they were found until `iob2`."""

    place: str
    line: int
    words: tuple[str, ...]
    tags: tuple[str, ...]


def sentences(rows: Sequence[Row], scheme: str, docstart: str | None) -> list[Sentence]:
    """The sentences of a split under IOB2, without rows that only mark a document's start."""
    found = [_sentence(row, scheme) for row in rows if row.values["tokens"] != [docstart]]
    if scheme == "iob2":
        _check_starts(found)
    return [_iob2(sentence, scheme) for sentence in found]


def splits(name: str, found: Mapping[str, Sequence[Sentence]], warnings: tuple[str, ...]) -> Splits:
    """The splits; entity types are those of train, sorted, as where files are read."""
    labels = tuple(sorted({tag[2:] for s in found["train"] for tag in s.tags} - {""}))
    if not labels:
        place = found["train"][0].place.rpartition(":")[0] if found["train"] else name
        raise InputError(f"{place}: no entity at all; correct data.tags")
    _check_types(found, labels)
    made = {
        split: tuple(Example(f"{split}:{s.line}", s.words, s.tags) for s in each)
        for split, each in found.items()
    }
    return Splits(
        name=name,
        task="ner",
        source="files",
        train=made["train"],
        dev=made.get("dev", ()),
        test=made.get("test", ()),
        labels=labels,
        warnings=warnings,
    )


def _sentence(row: Row, scheme: str) -> Sentence:
    words, tags = _texts(row, "tokens"), _texts(row, "tags")
    if len(words) != len(tags):
        raise InputError(
            f"{row.place}: {len(words)} words and {len(tags)} tags, expected one tag a word; "
            "correct the row, data.tokens or data.tags"
        )
    for number, (word, tag) in enumerate(zip(words, tags, strict=True), start=1):
        if not word.strip():
            raise InputError(f"{row.place}, word {number}: the word is empty; correct the row")
        if not conll.SCHEMES[scheme].fullmatch(tag):
            raise InputError(
                f"{row.place}, word {number}: tag '{shown(tag)}', expected {_expected(tag, scheme)}"
            )
    return Sentence(row.place, row.line, words, tags)


def _texts(row: Row, role: str) -> tuple[str, ...]:
    found: Any = row.values[role]
    if not found:
        raise InputError(f"{row.place}: no {role}, expected some; delete the row")
    for number, one in enumerate(found, start=1):
        if not isinstance(one, str):
            raise InputError(
                f"{row.place}, word {number}: data.{role} holds {shown(one)}, expected text; "
                "where tags are plain numbers, list their names in data.labels"
            )
    return tuple(found)


def _expected(tag: str, scheme: str) -> str:
    remedy = "correct the row, data.tags or data.scheme"
    if scheme != "bioes" and bioes.TAG.fullmatch(tag):
        remedy = "such tags are BIOES: set data.scheme=bioes"
    return f"{_KNOWN[scheme]}; {remedy}"


def _check_starts(found: Sequence[Sentence]) -> None:
    """Under IOB2 no entity starts with I-; reading on would lose those entities."""
    starts = [
        (sentence, start)
        for sentence in found
        for start, _, _ in sorted(entity_f1_conlleval.spans(sentence.tags))
    ]
    illegal = [(s, start) for s, start in starts if s.tags[start].startswith("I-")]
    if not illegal:
        return
    sentence, start = illegal[0]
    often = 2 * len(illegal) > len(starts)
    remedy = (
        "the rows are tagged IOB1: set data.scheme=iob1"
        if often
        else ("correct the tags, or set data.scheme=iob1, where such a tag starts an entity")
    )
    raise InputError(
        f"{sentence.place}, word {start + 1}: tag '{shown(sentence.tags[start])}' continues no "
        f"entity, as IOB2 asks ({len(illegal):,} of {len(starts):,} entities start so); {remedy}"
    )


def _iob2(sentence: Sentence, scheme: str) -> Sentence:
    """The same entities, each starting with B-."""
    if scheme == "bioes":
        try:
            return sentence._replace(tags=bioes.iob2(sentence.tags))
        except bioes.Broken as error:
            raise InputError(
                f"{sentence.place}, word {error.index + 1}: {shown(error, 120)}, as BIOES asks; "
                "correct the tags or data.scheme"
            ) from None
    tags = list(sentence.tags)
    for start, _, kind in entity_f1_conlleval.spans(tags):
        tags[start] = f"B-{kind}"
    return sentence._replace(tags=tuple(tags))


def _check_types(found: Mapping[str, Sequence[Sentence]], labels: Sequence[str]) -> None:
    known = {"", *labels}
    for sentence in (s for each in found.values() for s in each):
        for number, tag in enumerate(sentence.tags, start=1):
            if tag[2:] not in known:
                raise InputError(
                    f"{sentence.place}, word {number}: entity type '{shown(tag[2:])}' never occurs "
                    f"in train ({listed(labels)}); correct the tag, or train on rows that have it"
                )
