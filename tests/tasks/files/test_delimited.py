from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest

from harness.contracts import InputError, Splits
from tasks.files import delimited

GOOD = "sentence\tlabel\ngood film \t1\nbad film \t0\n"
GLUE: dict[str, Any] = {
    "name": "toy",
    "train": "train.tsv",
    "dev": None,
    "test": None,
    "text": "sentence",
    "label": "label",
    "delimiter": "\t",
    "header": True,
}
LINES = GLUE | {"text": 1, "label": 0, "delimiter": " ", "header": False, "fields": 2}
CSV = GLUE | {"delimiter": ",", "quote": '"'}


def read(root: Path, content: str | bytes, form: dict[str, Any] = GLUE, **options: Any) -> Splits:
    raw = content.encode() if isinstance(content, str) else content
    (root / "train.tsv").write_bytes(raw)
    return delimited.load(**(form | {"path": str(root)} | options))


def texts(splits: Splits) -> list[str]:
    return [" ".join(e.words) for e in splits.train]


def test_rows_become_examples_named_by_their_line(tmp_path: Path) -> None:
    splits = read(tmp_path, GOOD)
    assert [(e.id, e.words, e.target, e.units) for e in splits.train] == [
        ("train:2", ("good", "film"), 1, ()),
        ("train:3", ("bad", "film"), 0, ()),
    ]
    assert (splits.name, splits.task, splits.source) == ("toy", "classification", "files")
    assert splits.labels == ("0", "1")
    assert splits.warnings == ("no dev split", "no test split")


def test_a_folder_below_the_path_may_be_named_or_not(tmp_path: Path) -> None:
    (tmp_path / "toy").mkdir()
    here = read(tmp_path / "toy", GOOD)
    assert here == read(tmp_path / "toy", GOOD, folder=None)
    assert here == delimited.load(**(GLUE | {"path": str(tmp_path), "folder": "toy"}))


@pytest.mark.parametrize(
    "content",
    [
        GOOD.rstrip("\n"),
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        "label\tsentence\n1\tgood film\n0\tbad film\n",
    ],
    ids=["no last line end", "crlf", "byte-order mark", "columns swapped"],
)
def test_harmless_variants_read_the_same(tmp_path: Path, content: str) -> None:
    assert texts(read(tmp_path, content)) == ["good film", "bad film"]


def test_quote_characters_are_plain_text_unless_named(tmp_path: Path) -> None:
    content = 'sentence\tlabel\n" half a quote\t1\nsays " no "\t0\n'
    assert texts(read(tmp_path, content)) == ['" half a quote', 'says " no "']
    with pytest.raises(InputError, match=r"train\.tsv:2: .*quoting is broken.*data\.quote=null"):
        read(tmp_path, content, quote='"')


def test_quoted_fields_may_hold_delimiters_and_line_ends(tmp_path: Path) -> None:
    content = 'sentence,label\r\n"one, two\r\nthree ""four""",1\r\nfive,0\r\n'
    splits = read(tmp_path, content, CSV)
    assert texts(splits) == ['one, two three "four"', "five"]
    assert [e.id for e in splits.train] == ["train:2", "train:4"]


def test_lines_with_the_label_first(tmp_path: Path) -> None:
    splits = read(tmp_path, '1 good film , " really\n0 bad', LINES)
    assert texts(splits) == ['good film , " really', "bad"]
    assert [e.target for e in splits.train] == [1, 0]


def test_odd_characters_do_not_break_lines(tmp_path: Path) -> None:
    splits = read(tmp_path, "0 a\u2028b\x85c\xa0d\n1 e\n", LINES)
    assert len(splits.train) == 2
    assert splits.train[0].words == ("a", "b", "c", "d")


def test_labels_may_be_mapped_listed_or_merged(tmp_path: Path) -> None:
    named = read(tmp_path, GOOD, labels={"1": "positive", "0": "negative"})
    assert named.labels == ("positive", "negative")
    assert [e.target for e in named.train] == [0, 1]
    assert read(tmp_path, GOOD, labels=[1, 0, 2]).labels == ("1", "0", "2")
    merged = read(tmp_path, "1 a\n2 b\n5 c", LINES, labels={"1": "bad", "2": "bad", "5": "good"})
    assert [e.target for e in merged.train] == [0, 0, 1]
    assert merged.labels == ("bad", "good")


def test_duplicates_are_kept_and_overlaps_reported(tmp_path: Path) -> None:
    splits = read(tmp_path, "0 a b\n0 a b\n1 c\n", LINES, dev="train.tsv")
    assert len(splits.train) == len(splits.dev) == 3
    assert any("3 of 3 dev examples are also in train" in text for text in splits.warnings)


def test_train_limit(tmp_path: Path) -> None:
    content = "".join(f"{n % 2} w{n}\n" for n in range(30))
    limited = functools.partial(read, tmp_path, content, LINES, train_limit=5)
    assert len(limited().train) == 5
    assert limited().train == limited().train
    assert limited().train != limited(limit_seed=1).train
    with pytest.raises(InputError, match=r"data\.train_limit=31: there are 30"):
        limited(train_limit=31)


def test_lines_may_end_as_on_an_old_mac(tmp_path: Path) -> None:
    old = GOOD.replace("\n", "\r")
    assert (
        texts(read(tmp_path, old))
        == texts(read(tmp_path, old.rstrip("\r")))
        == texts(read(tmp_path, GOOD))
    )
    assert texts(read(tmp_path, old.replace("\t", ","), CSV)) == ["good film", "bad film"]


def test_one_long_text_is_no_mistake(tmp_path: Path) -> None:
    long = "word " * 40_000
    for form, sign in ((GLUE, "\t"), (CSV, ",")):
        content = f"sentence{sign}label\n{long}{sign}1\nshort{sign}0\n"
        assert len(read(tmp_path, content, form).train[0].words) == 40_000


def test_foreign_text_is_short_and_harmless_in_messages(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, GOOD + "x\t\x1b[31m" + "9" * 5000 + "\n", labels=["0", "1"])
    assert r"label '\x1b[31m99999" in str(caught.value)
    assert len(str(caught.value)) < 300


SINGLE = "one label only"
BAD: list[tuple[dict[str, Any], str | bytes, dict[str, Any], str]] = [
    (GLUE, "", {}, r"train\.tsv: the file is empty.*data\.train"),
    (GLUE, "\n \n", {}, r"train\.tsv: the file is empty"),
    (GLUE, "sentence\tlabel\n", {}, r"train\.tsv: no rows below the header; correct data\.train"),
    (
        GLUE,
        GOOD,
        {"text": "body"},
        r":1: no column 'body' \(columns: sentence, label\).*data\.text",
    ),
    (GLUE, "label\tlabel\na\t0\n", {}, r":1: several columns are called 'label'|no column 'sen"),
    (GLUE, GOOD, {"label": "stars"}, r":1: no column 'stars' .*data\.label"),
    (GLUE, GOOD, {"label": 2}, r"train\.tsv: data\.label=2: columns are numbered 0 to 1"),
    (GLUE, GOOD, {"label": -1}, r"data\.label=-1: columns are numbered 0 to 1"),
    (LINES, "0 a\n1 b", {"text": "body"}, r"data\.text=body names a column.*data\.header=false"),
    (GLUE, GOOD + "no label\n", {}, r"train\.tsv:4: 1 fields, expected 2; .*data\.delimiter"),
    (GLUE, GOOD + "a\tb\t1\n", {}, r"train\.tsv:4: 3 fields, expected 2"),
    (LINES, "0 a\n1\n", {}, r"train\.tsv:2: 1 fields, expected 2"),
    (GLUE, GOOD + "\n", {}, r"train\.tsv:4: the line is empty.*delete it"),
    (CSV, "sentence,label\na,1\n\nb,0\n", {}, r"train\.tsv:3: the line is empty"),
    (GLUE, GOOD + " \t1\n", {}, r"train\.tsv:4: the text is empty"),
    (LINES, "0 a\n1 ", {}, r"train\.tsv:2: the text is empty"),
    (GLUE, GOOD + "a\t\n", {}, r"train\.tsv:4: the label is empty"),
    (GLUE, GOOD, {"second": 2}, r"train\.tsv: data\.second=2: columns are numbered 0 to 1"),
    (LINES, "0 a\n1 b", {"label": None}, r"data\.text: expected data\.text and data\.label"),
    (GLUE, "sentence\tlabel\na\t1\nb\t1\n", {}, SINGLE),
    (GLUE, GOOD + "x\t7\n", {"labels": ["0", "1"]}, r":4: label '7' is not one of 0, 1"),
    (
        GLUE,
        GOOD,
        {"labels": list(range(5, 20))},
        r":2: label '1' .* 5, 6, .*14, \.\.\. \(5 more\); correct",
    ),
    (
        GLUE,
        GOOD.encode() + b"caf\xe9\t1\n",
        {},
        r":4: byte 43 of the file \(0xe9\) is not utf-8.*data\.encoding",
    ),
    (GLUE, GOOD, {"encoding": "utf-9"}, r"data\.encoding=utf-9: no such encoding"),
    (GLUE, GOOD, {"delimiter": "||"}, r"data\.delimiter='\|\|': expected one character"),
    (GLUE, GOOD + "a\0b\t1\n", {}, r"\.tsv:4: a NUL character \(byte 41 of the file\)"),
    (GLUE, GOOD.encode("utf-16"), {}, r"tsv:1: byte 0 .*not utf-8 text; set data\.encoding=utf-16"),
    (GLUE, GOOD.encode("utf-16-le"), {}, r":1: a NUL .*data\.encoding=utf-16"),
    (GLUE, GOOD + "odd", {"encoding": "utf-16"}, r"\(0x64\) is not utf-16 text; set data\.enc"),
    (GLUE, GOOD, {"encoding": "undefined"}, r"tsv: not undefined text .*correct data\.encoding"),
    (GLUE, GOOD + "sentence\tlabel\n", {}, r"train\.tsv:4: the header again, .*delete it"),
    (CSV, "sentence;label\na;1\n", {}, r"columns: sentence;label\).*is it data\.delimiter=semic"),
    (CSV, "Sentence, label\na,1\n", {}, r"no column 'label' .*\(did you mean ' label'\?\)"),
    (CSV, "a film,1\nb,0\n", {}, r"no column 'label' \(columns: a film, 1\).*data\.header=false"),
    (CSV, GOOD, {"quote": "''"}, r"data\.quote=\"''\": expected one character"),
    (CSV, 'sentence,label\na,1\n"b"c,0\n', {}, r"train\.tsv:3: this row's quoting is broken"),
    (CSV, 'sentence,label\na,1\n"b\nc,0\n', {}, r"train\.tsv:3: .*unexpected end of data"),
    (
        GLUE,
        GOOD,
        {"train": "gone.tsv"},
        r"gone\.tsv: no such file; .*holds: train\.tsv; .*data\.tr",
    ),
    (GLUE, GOOD, {"train": "."}, r"cannot be read \(Is a directory\); correct data\.train"),
    (GLUE, GOOD, {"folder": "sst3"}, r"sst3: no such folder, .*data=toy.*GPT_OR_BERT_DATA"),
    (GLUE, GOOD, {"path": None}, r"data=toy reads files below a folder that you name: set GPT_OR"),
]


@pytest.mark.parametrize(("form", "content", "options", "message"), BAD)
def test_every_surprise_is_an_error_that_says_where(
    tmp_path: Path,
    form: dict[str, Any],
    content: str | bytes,
    options: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, content, form, **options)


def test_a_label_that_training_never_had(tmp_path: Path) -> None:
    (tmp_path / "dev.tsv").write_text(GOOD + "so-so\t2\n")
    with pytest.raises(InputError, match=r"dev\.tsv:4: label '2' never occurs in the training"):
        read(tmp_path, GOOD, dev="dev.tsv")
    assert len(read(tmp_path, GOOD, dev="dev.tsv", labels=["0", "1", "2"]).dev) == 3


def test_a_file_that_hides_its_labels(tmp_path: Path) -> None:
    (tmp_path / "test.tsv").write_text("index\tsentence\n0\tgood\n")
    with pytest.raises(InputError, match=r"no column 'label' \(columns: index, sentence\); see X"):
        read(tmp_path, GOOD, test="test.tsv", test_note="see X")
    assert read(tmp_path, GOOD, test_note="see X").warnings[-1] == "no test split: see X"
    with pytest.raises(InputError, match=r"test\.tsv:2: label 'good' never occurs"):
        read(tmp_path, GOOD, test="test.tsv", text=0, label=1)
