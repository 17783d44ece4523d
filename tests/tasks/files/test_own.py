"""A user's own files: what is recognised, what is said, what is refused."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from harness.contracts import InputError, Splits
from harness.examples import data
from tasks.files import own

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures"
ROWS = [(str(n), f"film {n} is fine", "up" if n % 3 else "down") for n in range(60)]
HEAD = ("id", "body", "stars")
NAMED: dict[str, Any] = {"text": "body", "label": "stars"}
TAGS = "".join(f"w{n} O\nAnn{n} B-PER\nLee I-PER\n\n" for n in range(20))


def table(rows: Sequence[Sequence[str]], sign: str = ",") -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=sign).writerows(rows)
    return stream.getvalue()


REVIEWS = table([HEAD, *ROWS])
LINES = "".join(json.dumps(dict(zip(HEAD, row, strict=True))) + "\n" for row in ROWS)


def put(root: Path, name: str, content: str | bytes) -> str:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return str(root / name)


def parquet(root: Path, name: str, **columns: Any) -> str:
    pd.DataFrame(columns).to_parquet(root / name)
    return str(root / name)


def content(splits: Splits) -> list[tuple[str, object]]:
    every = (*splits.train, *splits.dev, *splits.test)
    return sorted((" ".join(e.words), splits.labels[e.target]) for e in every)  # type: ignore[index]


EXPECTED = sorted((text, label) for _, text, label in ROWS)


def test_every_form_holds_the_same_examples(tmp_path: Path) -> None:
    columns = dict(zip(HEAD, zip(*ROWS, strict=True), strict=True))
    files = [
        put(tmp_path, "a.csv", REVIEWS),
        put(tmp_path, "a.tsv", table([HEAD, *ROWS], "\t")),
        put(tmp_path, "a.jsonl", LINES),
        put(tmp_path, "a.ndjson", LINES),
        put(tmp_path, "A.JSON", LINES),
        parquet(tmp_path, "a.parquet", **columns),
    ]
    read = [own.load(path=file, **NAMED) for file in files]
    assert {data.digest(splits.train) for splits in read} == {data.digest(read[0].train)}
    for splits in read:
        assert content(splits) == EXPECTED
        assert data.sizes(splits) == {"train": 48, "dev": 6, "test": 6}
        assert (splits.task, splits.source) == ("classification", "files")
    assert [splits.name for splits in read] == ["a"] * 4 + ["A", "a"]
    assert own.load(path=files[0], name="mine", **NAMED).name == "mine"


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbf" + REVIEWS.encode(),
        REVIEWS.replace("\r\n", "\n").encode(),
        REVIEWS.replace("\r\n", "\r").encode(),
        REVIEWS.removesuffix("\r\n").encode(),
    ],
    ids=["byte-order mark", "lf", "old mac", "no last line end"],
)
def test_harmless_variants_read_the_same(tmp_path: Path, raw: bytes) -> None:
    splits = own.load(path=put(tmp_path, "a.csv", raw), **NAMED)
    assert content(splits) == EXPECTED


@pytest.mark.parametrize(
    ("raw", "options"),
    [
        (table(ROWS), {"header": False, "text": 1, "label": 2}),
        (REVIEWS, {"text": 1, "label": 2}),
        (table([HEAD, *ROWS], ";"), NAMED | {"delimiter": "semicolon"}),
        (table([HEAD, *ROWS], ";"), NAMED | {"delimiter": ";"}),
        (table([HEAD, *ROWS], "|"), NAMED | {"delimiter": "pipe"}),
        (table([HEAD, *ROWS], "\t"), NAMED | {"delimiter": r"\t"}),
        (table([HEAD, *ROWS], "\t"), NAMED | {"format": "tsv"}),
        (REVIEWS.encode("utf-16"), NAMED | {"encoding": "utf-16"}),
        (REVIEWS.replace("film", "'film").replace(" fine", " fine'"), NAMED | {"quote": None}),
    ],
    ids=str,
)
def test_what_is_not_usual_is_said(
    tmp_path: Path, raw: str | bytes, options: dict[str, Any]
) -> None:
    splits = own.load(path=put(tmp_path, "a.csv", raw), **options)
    assert [(text.replace("'", ""), label) for text, label in content(splits)] == EXPECTED


def test_quotes_are_plain_text_in_tsv_and_none_in_csv(tmp_path: Path) -> None:
    rows = ['text{}label\n"so{}so"{}x\nfine{}y\n'.format(*sign * 4) for sign in (",", "\t")]
    file = put(tmp_path, "a.csv", rows[0])
    one = own.load(path=file, dev_share=None, test_share=None)
    assert one.train[0].words == ("so,so",)
    with pytest.raises(InputError, match=r"a\.csv:2: 3 fields, expected 2"):
        own.load(path=file, quote=None)
    quoted = rows[1].replace('"so\tso"', '"so so"')
    file = put(tmp_path, "a.tsv", quoted)
    assert own.load(path=file, dev_share=None, test_share=None).train[0].words[0] == '"so'
    double = own.load(path=file, quote="double", dev_share=None, test_share=None)
    assert double.train[0].words == ("so", "so")


def test_columns_that_are_called_what_they_are_need_no_naming(tmp_path: Path) -> None:
    for names, task in (
        (("text", "label", "x"), "classification"),
        (("text", "label", "second"), "matching"),
        (("input", "target", "x"), "generation"),
    ):
        rows = [names, *((f"a {n}", "x" if n % 2 else "y", f"b {n}") for n in range(40))]
        assert own.load(path=put(tmp_path, "a.csv", table(rows))).task == task
    half = [("text", "stars"), *((f"a {n}", "xy"[n % 2]) for n in range(40))]
    assert own.load(path=put(tmp_path, "a.csv", table(half)), label="stars").labels == ("x", "y")


def test_references_are_repeated_rows_or_a_list(tmp_path: Path) -> None:
    rows = [("input", "target"), *((f"f{n // 2}", f"t{n}") for n in range(40))]
    one = own.load(path=put(tmp_path, "a.csv", table(rows)))
    lists = [[f"t{2 * n}", f"t{2 * n + 1}"] for n in range(20)]
    inputs = [f"f{n}" for n in range(20)]
    pairs = zip(inputs, lists, strict=True)
    lines = "".join(json.dumps({"input": i, "target": t}) + "\n" for i, t in pairs)
    two = own.load(path=put(tmp_path, "a.jsonl", lines))
    three = own.load(path=parquet(tmp_path, "a.parquet", input=inputs, target=lists))
    digests = {data.digest(split.train) for split in (one, two, three)}
    assert len(digests) == 1
    assert data.sizes(one) == {"train": 16, "dev": 2, "test": 2}
    assert all(len(e.target) == 2 for e in one.train)  # type: ignore[arg-type]


def test_keys_that_are_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = "".join(f'{{"7": "a {n}", "0": "{n % 2}"}}\n' for n in range(40))
    with caplog.at_level(logging.INFO, "tasks"):
        splits = own.load(path=put(tmp_path, "a.jsonl", lines), text=7, label=0)
    assert splits.labels == ("0", "1")
    assert len(splits.warnings) == 1  # what was drawn: JSON has no header to take for data
    assert caplog.messages[0].endswith("40 rows; text = 7, label = 0")


def test_words_in_columns(tmp_path: Path) -> None:
    splits = own.load(path=put(tmp_path, "a.txt", TAGS))
    assert (splits.task, splits.labels) == ("ner", ("PER",))
    assert data.sizes(splits) == {"train": 16, "dev": 2, "test": 2}
    turned = TAGS.replace("B-PER\nLee I-", "B-PER\nLee E-").replace("w", "-X- O\n\nw")
    form = {"scheme": "bioes", "docstart": "-X-"}
    again = own.load(path=put(tmp_path, "b.conll", turned), **form)  # type: ignore[arg-type]
    assert data.digest(again.test) == data.digest(splits.test)
    tabs = "".join(f"{tag}\t{word}\n" if word else "\n" for word, tag in _pairs())
    columns = {"separator": "tab", "word_column": 1, "tag_column": 0}
    third = own.load(path=put(tmp_path, "c.bio", tabs), **columns)  # type: ignore[arg-type]
    assert data.digest(third.train) == data.digest(splits.train)


def _pairs() -> list[tuple[str, str]]:
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in TAGS.split("\n")[:-1]]


def test_a_folder_is_looked_through(tmp_path: Path) -> None:
    for names in (
        ("train.csv", "dev.csv", "test.csv"),
        ("training.csv", "valid.csv", "TEST.csv"),
        ("train.en.csv", "validation.csv", "test.csv"),
    ):
        folder = tmp_path / names[1]
        for name, part in zip(names, (ROWS[:30], ROWS[30:40], ROWS[40:]), strict=True):
            put(folder, name, table([HEAD, *part]))
        put(folder, "notes.md", "no data")
        put(folder, "train.log", "no data")
        splits = own.load(path=str(folder), **NAMED)
        assert data.sizes(splits) == {"train": 30, "dev": 10, "test": 20}
        assert splits.warnings == ()
        assert splits.name == names[1].split(".")[0]


def test_forms_may_differ_by_file(tmp_path: Path) -> None:
    put(tmp_path, "train.csv", table([HEAD, *ROWS[:40]]))
    put(tmp_path, "dev.jsonl", "".join(LINES.splitlines(keepends=True)[40:50]))
    parquet(tmp_path, "test.parquet", body=["film 50 is fine"], stars=["up"])
    splits = own.load(path=str(tmp_path), **NAMED)
    assert data.sizes(splits) == {"train": 40, "dev": 10, "test": 1}


def test_files_are_named_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.csv", table([HEAD, *ROWS[:40]]))
    put(tmp_path, "b.csv", table([HEAD, *ROWS[40:]]))
    below = own.load(path=str(tmp_path), train="a.csv", test="b.csv", dev_share=None, **NAMED)
    monkeypatch.chdir(tmp_path)
    here = own.load(train="a.csv", test="b.csv", dev_share=None, **NAMED)
    beside = own.load(path="a.csv", test="b.csv", dev_share=None, **NAMED)
    for splits in (below, here, beside):
        assert data.sizes(splits) == {"train": 40, "dev": 0, "test": 20}
        assert splits.warnings == ("no dev split",)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(own.load(path="~/a.csv", **NAMED).train) == 32
    put(tmp_path / "mine", "train.csv", REVIEWS)
    assert own.load(path="mine/train.csv", **NAMED).name == "mine"


def test_overlaps_of_given_files_are_reported(tmp_path: Path) -> None:
    put(tmp_path, "train.csv", table([HEAD, *ROWS[:40]]))
    put(tmp_path, "test.csv", table([HEAD, *ROWS[30:]]))
    splits = own.load(path=str(tmp_path), dev_share=None, **NAMED)
    assert splits.warnings[1].startswith("10 of 30 test examples are also in train, word for word")


def test_what_was_recognised_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = put(tmp_path, "a.csv", table([HEAD, *ROWS, ("60", "two\nlines", "up")]))
    with caplog.at_level(logging.INFO, "tasks"):
        own.load(path=file, **NAMED)
        own.load(path=put(tmp_path, "a.txt", "-DOCSTART- O\n\n" + TAGS))
    rows, tags = caplog.messages
    assert rows == (
        f"train: {file}, csv (by its ending .csv): 61 rows; text = body, label = stars; "
        "not used: id"
    )
    assert tags.endswith(
        "conll (by its ending .txt): 20 sentences, 1 lines of document starts; tags are IOB2"
    )
    caplog.clear()
    with caplog.at_level(logging.INFO, "tasks"):
        own.load(
            path=put(tmp_path, "a.dat", table([("0", "a\nb\nc", "x"), *ROWS])),
            format="csv",
            header=False,
            text=1,
            label=2,
        )
    assert caplog.messages[0].endswith(
        "csv (as data.format says): 61 rows, no header; text = 1, label = 2; "
        "1 rows go over several lines, up to 3"
    )


def test_a_header_taken_for_data_and_data_taken_for_a_header(tmp_path: Path) -> None:
    headless = own.load(path=put(tmp_path, "a.csv", table(ROWS)), text=1, label=2)
    assert headless.warnings[-1].startswith("the first line was read as the header, but 'down' in")
    assert sum(data.sizes(headless).values()) == 59
    headed = own.load(path=put(tmp_path, "a.csv", REVIEWS), header=False, text=1, label=2)
    assert any("label of the first line, 'stars', occurs nowhere" in w for w in headed.warnings)
    for raw, header in ((table(ROWS), False), (REVIEWS, True)):
        path = put(tmp_path, "a.csv", raw)
        good = own.load(path=path, header=header, text=1, label=2)
        assert not [w for w in good.warnings if "first line" in w]


BAD: list[tuple[str, str | bytes, dict[str, Any], str]] = [
    ("a.csv", REVIEWS, {}, r"no column 'text' or 'label' \(columns: id, body, stars\); set "
     r"data\.text=\.\.\. and data\.label=\.\.\.$"),
    ("a.csv", REVIEWS, {"text": "body"}, r"no column 'label' \(columns: id, body, stars\); set "
     r"data\.label=\.\.\.$"),
    ("a.csv", REVIEWS, {"label": "stars"}, r"no column 'text' \(columns"),
    ("a.csv", REVIEWS, {"input": "body"}, r"no column 'target' \(columns"),
    ("a.jsonl", LINES, {"label": "stars"}, r"a\.jsonl: no column 'text' \(columns: id, body"),
    ("a.csv", REVIEWS, {"text": "boby", "label": "stars"}, r"a\.csv:1: no column 'boby' \(columns"),
    ("a.csv", REVIEWS, NAMED | {"input": "id"}, r"data\.label, data\.text, data\.input: expected"),
    ("a.csv", table([HEAD, *ROWS], ";"), {}, r"is it data\.delimiter=semicolon\?$"),
    ("a.csv", table(ROWS), {"header": False}, r"no column: expected data\.text and data\.label"),
    ("a.csv", REVIEWS, NAMED | {"header": "no"}, r"data\.header=no: expected true or false"),
    ("a.csv", REVIEWS, NAMED | {"quote": "''"}, r"data\.quote=\"''\": expected one character"),
    ("a.csv", REVIEWS, NAMED | {"format": "excel"}, r"data\.format=excel: expected one of csv, ts"),
    ("a.csv", REVIEWS, NAMED | {"format": "conll"}, r"words and tags in columns \(as data\.format s"
     r".* but data\.text names a column of a table; set data\.format=csv"),
    ("a.csv", REVIEWS[:-9], NAMED, r"a\.csv:61: 2 fields, expected 3; correct the row"),
    ("a.csv", REVIEWS.replace("film 7", '"film 7'), NAMED, r"a\.csv:9: this row's quoting is brok"),
    ("a.csv", REVIEWS.replace("film 7", "caf\xe9").encode("latin-1"), NAMED,
     r"a\.csv:9: byte \d+ of the file \(0xe9\) is not utf-8 text; set data\.encoding="),
    ("a.csv", REVIEWS.replace("film 7", "film\0"), NAMED, r"a\.csv:9: a NUL character"),
    ("a.csv", "", NAMED, r"a\.csv: the file is empty, .* correct data\.path"),
    ("a.csv", "id,body,stars\n", NAMED, r"a\.csv: no rows below the header; correct data\.path"),
    ("a.csv", table([HEAD, *ROWS, ("1", "x", "")]), NAMED, r"a\.csv:62: the label is empty"),
    ("a.csv", table([HEAD, *ROWS, ("1", "", "up")]), NAMED, r"a\.csv:62: the text is empty"),
    ("a.csv", table([("body", "stars", "stars"), *ROWS]), NAMED, r"several columns are called 'st"),
    ("a.csv", table([HEAD, *ROWS, HEAD]), NAMED, r"a\.csv:62: the header again"),
    ("a.csv", table([HEAD, *((n, t, "x") for n, t, _ in ROWS)]), NAMED, r"one label only \(x\)"),
    ("a.csv", REVIEWS + "1,2\r\n", NAMED, r"a\.csv:62: 2 fields, expected 3"),
    ("a.csv", REVIEWS, NAMED | {"labels": ["up", "flat"]}, r":2: label 'down' is not one of up"),
    ("a.jsonl", LINES + "[1]\n", NAMED, r"a\.jsonl:61: no JSON object, .* on a line of its own"),
    ("a.jsonl", LINES[:-5], NAMED, r"a\.jsonl:60: not JSON"),
    ("a.json", "{\n", NAMED, r"a\.json:1: not JSON .*write each object on a line of its own"),
    ("a.jsonl", LINES + '{"body": "x", "stars": NaN}\n', NAMED, r":61: the label is NaN, expected"),
    ("a.parquet", b"PAR1" + REVIEWS.encode(), NAMED, r"a\.parquet: no whole Parquet file"),
    ("a.xlsx", b"PK", NAMED, r"a\.xlsx: \.xlsx files cannot be read; save the sheet as CSV"),
    ("a.csv.gz", b"\x1f", NAMED, r"\.gz files cannot be read; unpack it first"),
    ("a.dat", REVIEWS, NAMED, r"a\.dat: its name says no known form .*set data\.format to one of"),
    ("a.txt", "It was good.\n", {}, r"a\.txt:1: tag 'good\.', .*unless data\.format=\.\.\. says"),
    ("a.txt", TAGS, NAMED, r"words and tags in columns \(by its ending \.txt\), but data\.text"),
    ("a.conll", TAGS, {"scheme": "x"}, r"data\.scheme=x: expected one of iob2, iob1, bioes$"),
    ("a.conll", TAGS + "x S-PER\n", {}, r"a\.conll:81: tag 'S-PER', .* set data\.scheme=bioes$"),
    ("a.conll", TAGS + "x I-PER\n", {}, r"a\.conll:81: tag 'I-PER' continues no entity"),
    ("a.csv", REVIEWS, NAMED | {"train": "b.csv"}, r"data\.path names a file, and so does"),
    ("a.csv", REVIEWS, NAMED | {"test": "b.csv"}, r"b\.csv: no such file; .*correct data\.test"),
    ("a.csv", REVIEWS, NAMED | {"dev_share": 1}, r"data\.dev_share=1: expected a share between"),
    ("a.csv", REVIEWS, NAMED | {"dev_share": 0.5, "test_share": 0.5}, r"nothing would be left"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "raw", "options", "message"), BAD)
def test_every_surprise_is_an_error_that_says_where(
    tmp_path: Path, name: str, raw: str | bytes, options: dict[str, Any], message: str
) -> None:
    path = put(tmp_path, name, raw)
    with pytest.raises(InputError, match=message):
        own.load(**({"path": path} | options))


def test_a_folder_that_says_too_little(tmp_path: Path) -> None:
    def refused(folder: str, message: str, **options: Any) -> None:
        with pytest.raises(InputError, match=message):
            own.load(path=str(tmp_path / folder), **(NAMED | options))

    refused("gone", r"gone: no such file or folder; the folder holds: nothing; correct data\.path")
    refused("no/where/a.csv", r"there is no folder .*no/where either; correct data\.path")
    put(tmp_path / "one", "data.csv", REVIEWS)
    refused("one", r"no training file, such as train\.csv .*holds: data\.csv; .*data\.path=")
    refused(
        "one", r"data\.test alone: name the file to train on, with data\.train", test="data.csv"
    )
    refused(
        "one", r"cannot be read \(Is a directory\); correct data\.train", train="..", format="csv"
    )
    put(tmp_path / "two", "train.csv", REVIEWS)
    put(tmp_path / "two", "valid.csv", REVIEWS)
    put(tmp_path / "two", "dev.tsv", REVIEWS)
    refused("two", r"two: dev\.tsv, valid\.csv: which one is dev\? Name it: data\.dev=")
    put(tmp_path / "mixed", "train.csv", REVIEWS)
    put(tmp_path / "mixed", "test.conll", TAGS)
    refused(
        "mixed", r"test\.conll is read as words .* and .*train\.csv as csv", text=None, label=None
    )
    with pytest.raises(InputError, match=r"data=files reads your own files: set data\.path="):
        own.load()


def test_a_split_without_answers_is_told_what_to_do(tmp_path: Path) -> None:
    put(tmp_path, "train.csv", REVIEWS)
    put(tmp_path, "test.csv", table([("id", "body"), ("1", "x")]))
    with pytest.raises(InputError, match=r"test\.csv:1: no column 'stars' .*; what has no answers"):
        own.load(path=str(tmp_path), **NAMED)
    put(tmp_path, "test.csv", table([HEAD, ("1", "x", "flat")]))
    with pytest.raises(InputError, match=r"test\.csv:2: label 'flat' never occurs in the training"):
        own.load(path=str(tmp_path), **NAMED)
    parquet(tmp_path, "t.parquet", body=["x"])
    with pytest.raises(InputError, match=r"t\.parquet: no column 'stars' .*; what has no answers"):
        own.load(path=str(tmp_path), train="train.csv", test="t.parquet", **NAMED)


def test_what_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    path = put(tmp_path, "a.csv", REVIEWS)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", denied)  # root may read everything
        with pytest.raises(InputError, match=r"a\.csv: cannot be read \(Permission denied\)"):
            own.load(path=path, **NAMED)
        patched.setattr(Path, "iterdir", denied)
        with pytest.raises(InputError, match=r"cannot be read \(Permission denied\); .*data\.path"):
            own.load(path=str(tmp_path), **NAMED)
    with pytest.raises(InputError, match=r"cannot be read \(File name too long\); .*data\.path"):
        own.load(path="x" * 5000)


def test_damaged_parquet(tmp_path: Path) -> None:
    path = Path(parquet(tmp_path, "a.parquet", text=["a b", None], label=["x", "y"]))
    with pytest.raises(InputError, match=r"a\.parquet:row 2: 'text' is null, expected a value"):
        own.load(path=str(path))
    with pytest.raises(InputError, match=r"row 1: the label is a number, .* whole numbers, or"):
        own.load(path=parquet(tmp_path, "b.parquet", text=["a"], label=[0.5]))
    when = pd.Timestamp("2020-01-01")
    with pytest.raises(InputError, match=r"row 1: the text is (Timestamp|datetime), expected text"):
        own.load(path=parquet(tmp_path, "b.parquet", text=[when, when], label=["x", "y"]))
    with pytest.raises(InputError, match=r"b\.parquet: the file has no rows; correct data\.path"):
        own.load(path=parquet(tmp_path, "b.parquet", text=[], label=[]))
    raw = path.read_bytes()
    for damaged in (raw[:-9], raw[:8] + b"\xff" * 40 + raw[48:], b""):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"no whole Parquet file \(.*\); correct data\.path"):
            own.load(path=str(path))


def test_columns_of_parquet_may_be_nested(tmp_path: Path) -> None:
    inner = [{"words": f"a {n}"} for n in range(20)]
    label = [n % 2 for n in range(20)]
    path = parquet(tmp_path, "a.parquet", body=inner, label=label)
    splits = own.load(path=path, text="body.words")
    assert splits.labels == ("0", "1")
    assert ("a", "0") in {e.words for e in (*splits.train, *splits.dev, *splits.test)}


def configured(**options: object) -> Splits:
    config = OmegaConf.load(ROOT / "conf" / "data" / "files.yaml")
    OmegaConf.set_struct(config, True)
    try:
        splits = instantiate(OmegaConf.merge(config, options), _convert_="all")
    except InstantiationException as error:
        raise error.__cause__ or error from None
    assert isinstance(splits, Splits)
    return splits


def test_the_configuration_names_every_option_and_no_other_default(tmp_path: Path) -> None:
    path = put(tmp_path, "a.csv", REVIEWS)
    assert configured(path=path, **NAMED) == own.load(path=path, **NAMED)
    config = OmegaConf.load(ROOT / "conf" / "data" / "files.yaml")
    assert own.load.__kwdefaults__ == {k: v for k, v in config.items() if k != "_target_"}


SHIPPED: dict[str, dict[str, object]] = {
    "sst2": {
        "path": "sst2/original", "train": "stsa.binary.train", "dev": "stsa.binary.dev",
        "test": "stsa.binary.test", "format": "tsv", "delimiter": "space", "header": False,
        "fields": 2, "text": 1, "label": 0, "labels": {"0": "negative", "1": "positive"},
    },
    "sst2_glue": {
        "path": "sst2/glue", "train": "train.tsv", "dev": "dev.tsv", "test_share": None,
        "text": "sentence", "labels": {"0": "negative", "1": "positive"},
    },
    "conll2003": {"path": "conll2003/bio"},
    "conll2003_iob1": {
        "path": "conll2003/iob1", "train": "eng.train", "dev": "eng.testa", "test": "eng.testb",
        "format": "conll", "scheme": "iob1",
    },
    "wnut17": {
        "path": "wnut17", "train": "wnut17train.conll", "dev": "emerging.dev.conll",
        "test": "emerging.test.annotated", "format": "conll", "separator": "tab", "docstart": None,
    },
    "banking77": {"path": "banking77", "label": "category", "dev_share": None},
    "e2e_nlg": {
        "path": "e2e_nlg", "train": "trainset.csv", "dev": "devset.csv",
        "test": "testset_w_refs.csv", "input": "mr", "target": "ref",
    },
}  # fmt: skip
"""Options by which data=files reads what other configurations read by name."""


def by_options(name: str, root: Path) -> Splits:
    options = SHIPPED[name]
    return configured(**(options | {"path": str(root / str(options["path"]))}))


def by_name(name: str, root: Path) -> Splits:
    config = OmegaConf.load(ROOT / "conf" / "data" / f"{name}.yaml")
    chosen: dict[str, object] = {"path": str(root)}
    if name == "banking77":
        chosen["dev_share"] = None
    splits = instantiate(OmegaConf.merge(config, chosen))
    assert isinstance(splits, Splits)
    return splits


@pytest.mark.parametrize("name", SHIPPED)
def test_options_read_what_a_configuration_by_name_reads(name: str) -> None:
    mine, named = by_options(name, FIXTURES), by_name(name, FIXTURES)
    assert (mine.task, mine.labels) == (named.task, named.labels)
    for split, examples in data.parts(named).items():
        assert data.digest(data.parts(mine)[split]) == data.digest(examples)


REAL = os.environ.get("GPT_OR_BERT_DATA")
SIZES = {
    "sst2": (6920, 872, 1821),
    "sst2_glue": (67349, 872, 0),
    "conll2003": (14041, 3250, 3453),
    "conll2003_iob1": (14041, 3250, 3453),
    "wnut17": (3394, 1009, 1287),
    "banking77": (10003, 0, 3080),
    "e2e_nlg": (4862, 547, 630),
}
WORDS = {
    "sst2_glue": (633724, 17046, 0),
    "conll2003": (203621, 51362, 46435),
    "conll2003_iob1": (203621, 51362, 46435),
    "wnut17": (62730, 15733, 23394),
    "banking77": (119530, 0, 33734),
}


@pytest.mark.data
@pytest.mark.skipif(REAL is None, reason="GPT_OR_BERT_DATA is not set: no public data sets to read")
@pytest.mark.parametrize("name", SHIPPED)
def test_real_files_by_options(name: str) -> None:
    splits = by_options(name, Path(str(REAL)))
    assert tuple(data.sizes(splits).values()) == SIZES[name]
    if name in WORDS:
        assert tuple(data.words(splits).values()) == WORDS[name]
    if name == "e2e_nlg":
        found = [sum(len(e.target) for e in part) for part in data.parts(splits).values()]  # type: ignore[arg-type]
        assert found == [42061, 4672, 4693]
    if name == "banking77":
        assert len(splits.labels) == 77


@pytest.mark.data
@pytest.mark.skipif(REAL is None, reason="GPT_OR_BERT_DATA is not set: no public data sets to read")
def test_real_banking77_has_dev_drawn_out_of_train() -> None:
    options = {k: v for k, v in SHIPPED["banking77"].items() if k != "dev_share"}
    splits = configured(**(options | {"path": f"{REAL}/banking77"}))
    assert tuple(data.sizes(splits).values()) == (9003, 1000, 3080)
    assert not {e.words for e in splits.train} & {e.words for e in splits.dev}
