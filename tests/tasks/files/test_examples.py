"""Labels, pairs and texts to write: the same examples from either kind of row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.contracts import Example, InputError, Splits
from harness.examples import data
from tasks.files import delimited, json_lines

Table = Sequence[Sequence[str]]
LABELS: Table = [("text", "label"), ("a b", "x"), ("c", "y"), ("a b", "x"), ("d", "y")]
PAIRS: Table = [
    ("one", "two", "same", "id"),
    ("a  cat", "a dog", "no", "7"),
    (" b", "b", "yes", "8"),
    ("a cat", "a dog", "yes", "9"),
]
TEXTS: Table = [
    ("facts", "text"),
    ("name[B], x[1]", "B is  one."),
    ("name[A]", "A."),
    ("name[B],  x[1]", "One,\r\nit is B.\nYes\rno"),
    ("name[A]", "A."),
    ("name[C]", "\u2028C"),
]
LABEL = {"text": "text", "label": "label"}
PAIR = {"text": "one", "second": "two", "label": "same"}
TEXT = {"input": "facts", "target": "text"}
READERS = pytest.mark.parametrize("reader", ["delimited", "json_lines"])


def write(file: Path, reader: str, table: Table) -> None:
    if reader == "json_lines":
        objects = [dict(zip(table[0], row, strict=True)) for row in table[1:]]
        file.write_text("".join(json.dumps(found) + "\n" for found in objects), encoding="utf-8")
        return
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(table)
    file.write_bytes(stream.getvalue().encode())


def read(root: Path, reader: str, table: Table, **options: Any) -> Splits:
    write(root / "train", reader, table)
    files = {"name": "toy", "path": str(root), "train": "train", "dev": None, "test": None}
    if reader == "json_lines":
        return json_lines.load(**(files | options))
    return delimited.load(**(files | {"delimiter": ",", "header": True, "quote": '"'} | options))


def lines(examples: Sequence[Example]) -> list[str]:
    return [example.id for example in examples]


@READERS
def test_a_label_for_each_text(tmp_path: Path, reader: str) -> None:
    splits = read(tmp_path, reader, LABELS, **LABEL)
    assert (splits.task, splits.labels) == ("classification", ("x", "y"))
    assert [(e.words, e.target, e.second) for e in splits.train] == [
        (("a", "b"), 0, ()),
        (("c",), 1, ()),
        (("a", "b"), 0, ()),
        (("d",), 1, ()),
    ]


@READERS
def test_a_label_for_each_pair(tmp_path: Path, reader: str) -> None:
    write(tmp_path / "dev", reader, [*PAIRS[:2], ("a dog", "a cat", "no", "1")])
    splits = read(tmp_path, reader, PAIRS, dev="dev", **PAIR)
    assert (splits.task, splits.labels) == ("matching", ("no", "yes"))
    assert [(e.words, e.second, e.target) for e in splits.train] == [
        (("a", "cat"), ("a", "dog"), 0),
        (("b",), ("b",), 1),
        (("a", "cat"), ("a", "dog"), 1),
    ]
    assert splits.warnings[0] == "no test split"
    assert splits.warnings[1].startswith("1 of 2 dev examples are also in train")


@READERS
def test_rows_of_one_input_are_one_example_with_every_target(tmp_path: Path, reader: str) -> None:
    splits = read(tmp_path, reader, TEXTS, **TEXT)
    assert (splits.task, splits.labels, splits.source) == ("generation", (), "files")
    assert [(e.words, e.target) for e in splits.train] == [
        (("name[B],", "x[1]"), ("B is  one.", "One, it is B. Yes no")),
        (("name[A]",), ("A.", "A.")),
        (("name[C]",), ("\u2028C",)),
    ]
    first = 2 if reader == "delimited" else 1
    later = 6 + 3 if reader == "delimited" else 5  # three line ends stand inside a field
    assert lines(splits.train) == [f"train:{n}" for n in (first, first + 1, later)]


def test_both_kinds_of_rows_are_the_same_data(tmp_path: Path) -> None:
    for table, form in ((LABELS, LABEL), (PAIRS, PAIR), (TEXTS, TEXT)):
        one = read(tmp_path, "delimited", table, **form)
        other = read(tmp_path, "json_lines", table, **form)
        assert data.digest(one.train) == data.digest(other.train)


@READERS
def test_limits_and_dev_shares_count_inputs(tmp_path: Path, reader: str) -> None:
    table = [("facts", "text"), *((f"f{n // 3}", f"t{n}") for n in range(60))]
    whole = read(tmp_path, reader, table, dev_share=0.2, **TEXT)
    assert data.sizes(whole) == {"train": 16, "dev": 4, "test": 0}
    assert all(len(e.target) == 3 for e in (*whole.train, *whole.dev))
    assert not {e.words for e in whole.train} & {e.words for e in whole.dev}
    assert whole.warnings[0].startswith("no dev file: dev is 4 of the 20 training examples")
    small = read(tmp_path, reader, table, dev_share=0.2, train_limit=5, **TEXT)
    assert len(small.train) == 5
    assert small.dev == whole.dev
    assert read(tmp_path, reader, table, dev_share=0.2, split_seed=1, **TEXT).dev != whole.dev
    with pytest.raises(InputError, match=r"data\.train_limit=17: there are 16"):
        read(tmp_path, reader, table, dev_share=0.2, train_limit=17, **TEXT)


@READERS
def test_an_input_of_two_splits_is_a_warning(tmp_path: Path, reader: str) -> None:
    write(tmp_path / "test", reader, [TEXTS[0], ("name[A]", "Another."), ("name[Z]", "Z.")])
    splits = read(tmp_path, reader, TEXTS, test="test", **TEXT)
    assert splits.warnings[-1].startswith("1 of 2 test examples are also in train, word for word")


@READERS
def test_the_classes_are_those_before_dev_is_taken(tmp_path: Path, reader: str) -> None:
    rows = [(f"w{n}", label) for n, label in enumerate("bbbbbbbbbbaaaaaaaaaac")]
    splits = read(tmp_path, reader, [("text", "label"), *rows], dev_share=0.1, **LABEL)
    assert splits.labels == ("a", "b", "c")
    assert [e.target for e in splits.dev] == [1, 0]
    with pytest.raises(InputError, match=r"data\.dev_share=0\.1 takes dev .* data\.dev names"):
        read(tmp_path, reader, LABELS, dev="train", dev_share=0.1, **LABEL)


@READERS
@pytest.mark.parametrize(
    ("columns", "given"),
    [
        ({}, "no column"),
        ({"text": "text"}, r"data\.text"),
        ({"text": "text", "second": "label"}, r"data\.text, data\.second"),
        (LABEL | TEXT, r"data\.label, data\.target, data\.text, data\.input"),
        ({"input": "text", "label": "label"}, r"data\.label, data\.input"),
    ],
)
def test_the_columns_make_one_task(
    tmp_path: Path, reader: str, columns: dict[str, str], given: str
) -> None:
    with pytest.raises(InputError, match=rf"^{given}: expected data\.text and data\.label \(and"):
        read(tmp_path, reader, LABELS, **columns)


@READERS
@pytest.mark.parametrize(
    ("table", "form", "message"),
    [
        ([*LABELS, (" ", "x")], LABEL, ": the text is empty; fill in the row or delete it"),
        ([*LABELS, ("w", "")], LABEL, ": the label is empty"),
        (
            [*PAIRS[:1], ("w", " ", "no", ""), ("w", "w", "yes", "")],
            PAIR,
            ": the second text is empty",
        ),
        ([*TEXTS[:2], ("", "w")], TEXT, ": the input is empty"),
        ([*TEXTS[:2], ("w", " \n")], TEXT, ": the target is empty"),
        ([*LABELS[:2], LABELS[1]], LABEL, "train: one label only"),
        (PAIRS, PAIR | {"second": "three"}, r"no (column|key) 'three' .*data\.second"),
    ],
)
def test_a_value_that_is_missing(
    tmp_path: Path, reader: str, table: Table, form: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, reader, table, **form)


@READERS
def test_texts_have_no_labels(tmp_path: Path, reader: str) -> None:
    with pytest.raises(InputError, match=r"data\.labels: targets are texts"):
        read(tmp_path, reader, TEXTS, labels=["a", "b"], **TEXT)


@READERS
def test_a_label_that_training_never_had(tmp_path: Path, reader: str) -> None:
    write(tmp_path / "dev", reader, [*PAIRS, ("w", "w", "maybe", "")])
    place = "dev:5" if reader == "delimited" else "dev:4"
    with pytest.raises(InputError, match=rf"{place}: label 'maybe' never occurs in the training"):
        read(tmp_path, reader, PAIRS, dev="dev", **PAIR)


@READERS
@pytest.mark.parametrize(
    ("table", "form", "answer"),
    [(LABELS, LABEL, "label"), (PAIRS, PAIR, "same"), (TEXTS, TEXT, "text")],
)
def test_a_file_that_hides_its_answers(
    tmp_path: Path, reader: str, table: Table, form: dict[str, str], answer: str
) -> None:
    keep = [n for n, name in enumerate(table[0]) if name != answer]
    write(tmp_path / "test", reader, [[row[n] for n in keep] for row in table])
    with pytest.raises(InputError, match=rf"test:1: no (column|key) '{answer}' .*; see X$"):
        read(tmp_path, reader, table, test="test", test_note="see X", **form)
    with pytest.raises(InputError, match=rf"'{answer}' .*data\.(label|target)"):
        read(tmp_path, reader, table, test="test", **form)
    with pytest.raises(InputError, match=rf"test:1: .*'{answer}' .*data\.(label|target)"):
        read(tmp_path, reader, table, dev="test", test_note="see X", **form)
    write(tmp_path / "test", reader, [[answer], ["w"]])
    with pytest.raises(InputError, match=r"test:1: no .*data\.(text|input)"):
        read(tmp_path, reader, table, test="test", test_note="see X", **form)
    absent = read(tmp_path, reader, table, test_note="see X", **form)
    assert absent.warnings[-1] == "no test split: see X"
