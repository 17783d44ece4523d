from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.contracts import InputError, Splits
from harness.metrics import entity_f1
from tasks.files import conll

FIXTURES = Path(__file__).parents[2] / "fixtures" / "conll2003"
GOOD = "-DOCSTART- -X- O\n\nAnn NNP B-PER\nLee NNP I-PER\nran VBD O\n\nOslo NNP B-LOC\n"
FORM = conll.Form(0, -1, None, "iob2", "-DOCSTART-")
TOY: dict[str, Any] = {"name": "toy", "train": "train.txt", "dev": None, "test": None}


def load(root: Path, content: str | bytes, **options: Any) -> Splits:
    raw = content.encode() if isinstance(content, str) else content
    (root / "train.txt").write_bytes(raw)
    return conll.load(**(TOY | {"path": str(root)} | options))


def shape(splits: Splits) -> list[tuple[str, str]]:
    return [(" ".join(e.words), " ".join(e.target)) for e in splits.train]  # type: ignore[arg-type]


EXPECTED = [("Ann Lee ran", "B-PER I-PER O"), ("Oslo", "B-LOC")]


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.rstrip("\n"),
        GOOD + "\n\n",
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n\n", "\n \t\n"),
        GOOD.replace(" ", "\t"),
        GOOD.replace(" ", "  "),
        GOOD.replace("O\n\nAnn", "O\nAnn"),
        "\ufeff" + GOOD,
    ],
    ids=[
        "plain",
        "no last line end",
        "more blank lines",
        "crlf",
        "blank lines of blanks",
        "tabs",
        "two blanks",
        "document line touches",
        "byte-order mark",
    ],
)
def test_harmless_variants_read_the_same(tmp_path: Path, content: str) -> None:
    splits = load(tmp_path, content)
    assert shape(splits) == EXPECTED
    assert splits.labels == ("LOC", "PER")
    assert (splits.task, splits.source) == ("ner", "files")


def test_ids_name_lines_and_units_stay_empty(tmp_path: Path) -> None:
    examples = load(tmp_path, GOOD).train
    assert [e.id for e in examples] == ["train:3", "train:7"]
    assert all(e.units == () for e in examples)


def test_a_document_line_ends_a_sentence_and_is_counted() -> None:
    found = conll.read(FIXTURES / "bio" / "train.txt", FORM)
    assert found.documents == 2
    assert [len(s.words) for s in found.sentences] == [6, 4, 3, 9, 3]
    last = conll.read(FIXTURES / "bio" / "test.txt", FORM).sentences[-1]
    assert last.words == ("Moe",)


def test_document_lines_are_words_where_none_are_declared(tmp_path: Path) -> None:
    assert len(load(tmp_path, GOOD, docstart=None).train) == 3


def test_columns_and_separators(tmp_path: Path) -> None:
    content = "O\t1\tNew York\nB-a-b\t2\tx\u00a0y\n"
    splits = load(tmp_path, content, word_column=2, tag_column=0, separator="\t")
    assert splits.train[0].words == ("New York", "x\u00a0y")
    assert splits.labels == ("a-b",)


@pytest.mark.parametrize(
    ("iob1", "iob2"),
    [
        ("I-A I-A O I-A", "B-A I-A O B-A"),
        ("I-A B-A I-A", "B-A B-A I-A"),
        ("I-A I-B I-B", "B-A B-B I-B"),
        ("B-A I-A O", "B-A I-A O"),
        ("O O", "O O"),
        ("I-A B-B I-A", "B-A B-B B-A"),
    ],
)
def test_iob1_becomes_iob2(tmp_path: Path, iob1: str, iob2: str) -> None:
    content = "".join(f"w {tag}\n" for tag in iob1.split()) + "\nx B-Z\n"
    assert shape(load(tmp_path, content, scheme="iob1"))[0][1] == iob2


@pytest.mark.parametrize(
    ("bioes", "iob2"),
    [
        ("S-A O S-A S-A", "B-A O B-A B-A"),
        ("B-A E-A S-B", "B-A I-A B-B"),
        ("B-A I-A I-A E-A O", "B-A I-A I-A I-A O"),
        ("B-A L-A U-A", "B-A I-A B-A"),
        ("B-a-b E-a-b B-c E-c", "B-a-b I-a-b B-c I-c"),
    ],
)
def test_bioes_becomes_iob2(tmp_path: Path, bioes: str, iob2: str) -> None:
    content = "".join(f"w {tag}\n" for tag in bioes.split()) + "\nx S-Z\n"
    for scheme in ("bioes", "BILOU"):
        assert shape(load(tmp_path, content, scheme=scheme))[0][1] == iob2


@pytest.mark.parametrize(
    ("bioes", "line", "message"),
    [
        ("O I-A E-A", 2, "'I-A' continues no entity"),
        ("E-A", 1, "'E-A' continues no entity"),
        ("S-A E-A", 2, "'E-A' continues no entity"),
        ("B-A E-B", 2, "'E-B' continues no entity"),
        ("B-A S-A", 1, "'B-A' is followed by no I- or E-A"),
        ("O B-A I-A", 3, "'I-A' is followed by no I- or E-A"),
        ("B-A B-A E-A", 1, "'B-A' is followed by no I- or E-A"),
        ("B-A O", 1, "'B-A' is followed by no I- or E-A"),
    ],
)
def test_bioes_that_does_not_fit_together(
    tmp_path: Path, bioes: str, line: int, message: str
) -> None:
    content = "".join(f"w {tag}\n" for tag in bioes.split())
    with pytest.raises(InputError, match=rf"train\.txt:{line}: tag {message}, as BIOES asks"):
        load(tmp_path, content, scheme="bioes")


def test_bio_is_another_name_of_iob2(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD, scheme="BIO") == load(tmp_path, GOOD, scheme="iob2")


def test_both_schemes_hold_the_same_entities() -> None:
    names = (("train.txt", "eng.train"), ("valid.txt", "eng.testa"), ("test.txt", "eng.testb"))
    entities = 0
    for bio, iob1 in names:
        one = conll.read(FIXTURES / "bio" / bio, FORM)
        form = conll.Form(0, -1, None, "iob1", "-DOCSTART-")
        other = conll.read(FIXTURES / "iob1" / iob1, form)
        assert one == other
        assert conll.read(FIXTURES / "bio" / bio, form) == one  # IOB2 is also legal IOB1
        entities += sum(len(entity_f1.spans(s.tags)) for s in one.sentences)
    assert entities == 8 + 3 + 4


BAD: list[tuple[str | bytes, dict[str, Any], str]] = [
    ("", {}, r"train\.txt: the file is empty.*data\.train"),
    (
        "-DOCSTART- O\n",
        {},
        r"train\.txt: no sentence, expected words and tags; correct data\.train",
    ),
    (GOOD + "Rome B-LOC\n", {}, r"train\.txt:8: 2 columns, expected 3 as in the first sentence"),
    (GOOD + "a b c O\n", {}, r"train\.txt:8: 4 columns, expected 3"),
    (GOOD + "Rome NNP S-LOC\n", {}, r"train\.txt:8: tag 'S-LOC', expected O, B-<type> or I-<type>"),
    (GOOD + "Rome NNP B-\n", {}, r"train\.txt:8: tag 'B-'"),
    (GOOD + "Rome NNP o\n", {}, r"train\.txt:8: tag 'o'"),
    ("a\tO\n\tO\n", {"separator": "\t"}, r"train\.txt:2: the word is empty"),
    ("a\tO\nb\t\n", {"separator": "\t"}, r"train\.txt:2: tag ''"),
    ("a\nb\n", {}, r"train\.txt:1: 1 columns, expected a word and a tag.*without tags"),
    (GOOD, {"separator": ","}, r"train\.txt:1: 1 columns, expected.*data\.separator"),
    (GOOD, {"tag_column": 3}, r"train\.txt:3: data\.tag_column=3, but .* numbered 0 to 2"),
    (GOOD, {"word_column": -4}, r"train\.txt:3: data\.word_column=-4"),
    (GOOD, {"scheme": "bilo"}, r"data\.scheme=bilo: expected one of iob2, iob1, bioes"),
    (GOOD + "x NNP E-LOC\n", {}, r"train\.txt:8: tag 'E-LOC', .* BIOES: set data\.scheme=bioes"),
    (GOOD, {"scheme": "bioes"}, r"train\.txt:4: tag 'I-PER' is followed by no I- or E-PER"),
    (GOOD + "x NNP X-A\n", {"scheme": "bioes"}, r":8: tag 'X-A', expected O or B-, I-, E- or S-"),
    ("a O\nb O\n", {}, r"train\.txt: no entity at all; correct data\.tag_column"),
    (
        GOOD.replace("I-PER", "I-LOC"),
        {},
        r"train\.txt:4: tag 'I-LOC' .*\(1 of 3 .*correct the tags",
    ),
    (GOOD.encode() + b"\nZ\xfcrich NNP B-LOC", {}, r"train\.txt:9: byte \d+ .*\(0xfc\).*not utf-8"),
    (
        GOOD,
        {"train": "gone"},
        r"gone: no such file; the folder holds: train\.txt; correct data\.tr",
    ),
    (GOOD, {"folder": "gone"}, r"gone: no such folder, expected the files of data=toy there"),
    (GOOD, {"path": None}, r"data=toy reads files .* set GPT_OR_BERT_DATA=.* or data\.path="),
]


@pytest.mark.parametrize(("content", "options", "message"), BAD)
def test_every_surprise_is_an_error_that_says_where(
    tmp_path: Path, content: str | bytes, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load(tmp_path, content, **options)


def test_iob1_read_as_iob2_is_noticed() -> None:
    with pytest.raises(InputError) as caught:
        conll.read(FIXTURES / "iob1" / "eng.train", FORM)
    assert str(caught.value).endswith(
        "eng.train:3: tag 'I-PER' continues no entity, as IOB2 asks (6 of 8 entities start so); "
        "the file is tagged IOB1: set data.scheme=iob1"
    )


def test_an_entity_type_that_training_never_had(tmp_path: Path) -> None:
    (tmp_path / "dev.txt").write_text("a b O\n\nc d O\ne f B-ORG\n")
    with pytest.raises(InputError, match=r"dev\.txt:4: entity type 'ORG' never occurs .*LOC, PER"):
        load(tmp_path, GOOD, dev="dev.txt")


def test_train_limit(tmp_path: Path) -> None:
    content = "\n\n".join(f"w{n} B-A" for n in range(30))
    limited = load(tmp_path, content, train_limit=4)
    assert len(limited.train) == 4
    assert limited.train != load(tmp_path, content, train_limit=4, limit_seed=1).train
