"""`python -m harness.check`: what is counted, what looks wrong, and the command as it is typed."""

from __future__ import annotations

import dataclasses
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import check, quoting
from harness.contracts import Example, InputError, Splits
from harness.examples import doubts, inspection
from harness.examples.inspection import Lengths, Room

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
AMPLE = Room(126, None)


def splits(
    train: Sequence[tuple[str, str]],
    dev: Sequence[tuple[str, str]] = (),
    test: Sequence[tuple[str, str]] = (),
    labels: Sequence[str] | None = None,
) -> Splits:
    names = tuple(labels or sorted({label for _, label in train}))

    def made(split: str, rows: Sequence[tuple[str, str]]) -> tuple[Example, ...]:
        return tuple(
            Example(f"{split}:{n}", tuple(text.split()), names.index(label))
            for n, (text, label) in enumerate(rows, start=1)
        )

    parts = made("train", train), made("dev", dev), made("test", test)
    return Splits("toy", "classification", "files", *parts, labels=names)


def healthy(size: int = 200, classes: str = "xy", start: int = 0) -> list[tuple[str, str]]:
    return [(f"a fine text number {start + n}", classes[n % len(classes)]) for n in range(size)]


GOOD = splits(healthy(), healthy(100, start=500), healthy(100, start=700))


def found(data: Splits, room: Room = AMPLE) -> inspection.Inspection:
    return inspection.inspect(data, room)


def doubted(data: Splits, room: Room = AMPLE) -> list[str]:
    return doubts.of(data, found(data, room))


def test_counts_of_labels() -> None:
    data = splits([("a b", "x"), ("c", "y"), ("a b", "x"), ("a b", "y")], [("d e f", "x")])
    train, dev = found(data).sides
    assert (train.name, train.examples, train.counts) == ("train", 4, (2, 2))
    assert (train.repeats, train.torn) == (2, 3)
    assert train.words == Lengths(2, 2, 2)
    assert (train.written, train.references, train.outside) == (None, 0, None)
    assert (dev.words, dev.counts, dev.repeats, dev.torn) == (Lengths(3, 3, 3), (1, 0), 0, 0)
    assert inspection.share(train.counts[0], train) == 0.5


def test_lengths_are_those_of_texts_that_are_there() -> None:
    data = splits([("w " * n, "x") for n in range(1, 101)])
    assert found(data).sides[0].words == Lengths(50, 96, 100)


def test_what_will_be_cut_is_estimated() -> None:
    data = splits([("w " * n, "x") for n in (99, 100, 101, 76, 77, 78, 1)])
    assert found(data, Room(100, None)).sides[0].cut == (1, 5)  # 77 words are 100.1 tokens
    assert inspection.room(128, 32, "classification") == Room(126, None)
    assert inspection.room(128, 32, "ner") == Room(126, None)
    assert inspection.room(128, 32, "matching") == Room(125, None)
    assert inspection.room(128, 32, "generation") == Room(93, 31)
    for nonsense in (0, 125, "x", None):
        with pytest.raises(InputError, match=r"decoding\.max_new_tokens=.*train\.max_length=128"):
            inspection.room(128, nonsense, "generation")  # type: ignore[arg-type]


def test_both_texts_of_a_pair_are_read() -> None:
    train = (Example("1", ("a", "b"), 0, second=("c",)), Example("2", ("a", "b"), 1, second=("d",)))
    data = Splits("toy", "matching", "files", train, (), (), ("x", "y"))
    (side,) = found(data).sides
    assert side.words == Lengths(3, 3, 3)
    assert (side.repeats, side.torn) == (0, 0)


def test_counts_of_entities() -> None:
    train = (
        Example("1", ("Ann", "Lee", "ran"), ("B-PER", "I-PER", "O")),
        Example("2", ("Oslo", "Ann"), ("B-LOC", "B-PER")),
    )
    data = Splits("toy", "ner", "files", train, (), (), ("LOC", "PER"))
    (side,) = found(data).sides
    assert side.counts == (1, 2)
    assert side.outside == 0.2
    assert inspection.share(side.counts[1], side) == pytest.approx(2 / 3)


def test_counts_of_texts_to_write() -> None:
    train = (
        Example("1", ("a",), ("one two", "one two three")),
        Example("2", tuple("abcdefgh"), ("one",)),
    )
    data = Splits("toy", "generation", "files", train, (), (), ())
    (side,) = found(data, Room(8, 2)).sides
    assert (side.references, side.written, side.counts) == (3, Lengths(2, 3, 3), ())
    assert side.cut == (1, 2)  # three words do not fit into two, eight at 1.3 not into eight


def test_nothing_is_wrong_with_healthy_data() -> None:
    assert doubted(GOOD) == []


def replaced(**parts: Sequence[tuple[str, str]]) -> Splits:
    rows = {"train": healthy(), "dev": healthy(100, start=500), "test": healthy(100, start=700)}
    return splits(**(rows | parts))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (splits(healthy(), healthy(100, start=500)), "there are no test examples"),
        (
            splits(
                healthy(), healthy(100, start=500), [*healthy(99, start=700), ("new", "z")], "xyz"
            ),
            "test asks for what train never has: z",
        ),
        (replaced(train=[*healthy(), ("a rare one", "z")]), "fewer than 5 training examples of: z"),
        (
            replaced(train=[(f"a text {n}", f"id{n}") for n in range(20)], dev=[], test=[]),
            "20 different labels in 20 training examples: is data.label an id",
        ),
        (
            replaced(train=[(f"a text {n}", f"{n % 25}") for n in range(250)], dev=[], test=[]),
            "the 25 labels are numbers",
        ),
        (
            replaced(train=[(f"a text {n}", f"{n % 9}.5") for n in range(90)], dev=[], test=[]),
            "the 9 labels are numbers",
        ),
        (
            replaced(train=healthy(200, ["Up", "up", "down"]), dev=[], test=[]),  # type: ignore[arg-type]
            "labels that differ in case or blanks only: 'Up', 'up'",
        ),
        (
            replaced(train=healthy(200, ["NaN", "up"]), dev=[], test=[]),  # type: ignore[arg-type]
            "a label that looks like a missing value: NaN",
        ),
        (
            replaced(train=healthy(200, "xxxxxxxxxy")),
            "one label, 'x', is .900 of train: always answering it is hard to beat",
        ),
        (
            replaced(
                train=[(f"so it is good-film, {n}", "good_film") for n in range(9)]
                + [(f"see bad_film {n}", "bad film") for n in range(8)],
                dev=[],
                test=[],
            ),
            "1.000 of the training texts hold their own label's words",
        ),
        (replaced(train=[(f"id{n}", "xy"[n % 2]) for n in range(900)]), "most texts are one word"),
        (
            replaced(train=[("\u6587" * 30 + str(n), "xy"[n % 2]) for n in range(900)]),
            "most texts have more than 20 characters a word",
        ),
        (
            replaced(train=[*healthy(), ("w" * 101, "x")]),
            "1 examples hold a run of more than 100 letters",
        ),
        (
            replaced(train=[*healthy(), ("word " * 20_000, "x")]),
            "train:201 is 80,000 characters long and will be cut",
        ),
        (
            replaced(train=healthy() + healthy(30)),
            "many examples read like an earlier one of their split (train 30 of 230, dev 0 of 100",
        ),
        (
            replaced(dev=[*healthy(100, start=500), ("a fine text number 500", "y")]),
            "examples of one split that read alike but have different answers: dev 2",
        ),
        (replaced(dev=healthy(99, start=500)), "few examples to score on (dev 99)"),
        (
            replaced(dev=[("w " * 100 + f"{n}", "x") for n in range(100)]),
            "many examples will lose words (dev about 1.000): raise train.max_length",
        ),
    ],
)
def test_each_doubt_is_told_and_no_other_word_is_a_reason_for_it(
    data: Splits, message: str
) -> None:
    told = doubted(data)
    assert [line for line in told if line.startswith(message)], told
    assert not [line for line in doubted(GOOD) if line.startswith(message)]


@pytest.mark.parametrize(
    "data",
    [
        splits(healthy(200, "123")),  # five stars are no regression
        replaced(train=[*healthy(), ("https://example.org/" + "a/" * 60, "x")]),
        splits([(f"it is a good film {n}", ["no", "good"][n % 2]) for n in range(200)]),
        replaced(train=healthy(200, "xxxy")),
        replaced(train=healthy() + healthy(20)),
    ],
)
def test_what_is_usual_is_no_doubt(data: Splits) -> None:
    assert doubted(dataclasses.replace(data, dev=GOOD.dev, test=GOOD.test)) == []


def test_where_all_texts_are_long_none_is_lost() -> None:
    data = replaced(train=[(f"{n} " + "word " * (4000 + n), "xy"[n % 2]) for n in range(40)])
    assert not [line for line in doubted(data) if "characters long" in line]


def test_sentences_with_tags_raise_no_doubt_about_labels() -> None:
    train = tuple(Example(str(n), (f"w{n}", "x"), ("B-1.5", "O")) for n in range(100))
    data = Splits("toy", "ner", "files", train, train[:100], train, ("1.5",))
    assert doubted(data) == []


def test_foreign_text_is_short_and_harmless() -> None:
    assert quoting.shown("a\x1b[1m\u202e\n b") == r"a\x1b[1m\u202e\n b"
    assert quoting.shown("x" * 41) == "x" * 37 + "..."
    assert quoting.shown("caf\xe9 \u6587") == "caf\xe9 \u6587"
    assert quoting.listed(range(22)) == ", ".join(map(str, range(20))) + ", ... (2 more)"
    assert quoting.listed([]) == ""
    assert [quoting.fraction(v) for v in (0.8124, 1.0, 0.0)] == [".812", "1.000", ".000"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ["data=files", "data.path=my file.csv"],
            "-m model=gpt2,bert task=ner data=files 'data.path=my file.csv' model.weights=scratch",
        ),
        (["data=sst2", "model=bert"], "model=bert task=ner data=sst2 model.weights=scratch"),
        (["task=x", "data=sst2", "model.weights=/w"], "-m model=gpt2,bert task=x data=sst2 "
         "model.weights=/w"),
        (["data.seed=1"], "-m model=gpt2,bert task=ner data.seed=1"),
        (["data=world"], "-m model=gpt2,bert task=ner data=world"),
    ],
)  # fmt: skip
def test_the_command_to_go_on_with(words: list[str], expected: str) -> None:
    assert check.command(words, "ner") == f"python -m harness.run {expected}"


def test_a_checkpoint_brings_its_weights() -> None:
    words = ["model=gpt2_124m", "data=sst2"]
    told = check.command(words, "classification", checkpoint=True)
    assert told == "python -m harness.run model=gpt2_124m task=classification data=sst2"


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = check.main(words)
    out, err = capsys.readouterr()
    return code, out, err


def test_what_a_user_reads(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = [f"{n},secret text {n},{'up' if n % 3 else 'down'}" for n in range(100)]
    (tmp_path / "my.csv").write_text("\n".join(["id,body,stars", *rows]))
    path = f"data.path={tmp_path / 'my.csv'}"
    code, out, err = told(capsys, "data=files", path, "data.text=body", "data.label=stars")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "data 'my': classification, one label for a text, 2 classes"
    assert f"- train: {tmp_path / 'my.csv'}, csv (by its ending .csv): 100 rows; " in out
    assert "text = body, label = stars; not used: id" in out
    table = [line.split() for line in lines]
    assert ["train", "80", "3", "3", "3", "0", "0"] in table
    assert ["up", "52", ".650", "7", ".700", "7", ".700"] in table
    assert "always answering 'up' is right in: train .650, dev .700, test .700" in out
    assert "- no dev or test split: dev 10 and test 10 of the 100 examples were drawn" in out
    assert "- few examples to score on (dev 10, test 10)" in out
    assert "secret" not in out
    command = shlex.split(lines[-1])
    assert command[:3] == ["python", "-m", "harness.run"]
    assert {"task=classification", path, "data.text=body", "model.weights=scratch"} <= {*command}


@pytest.mark.parametrize(
    ("options", "task", "line"),
    [
        ("data=conll2003", "ner", "words outside any entity: train "),
        ("data=e2e_nlg", "generation", "train, to write"),
        ("data=banking77", "classification", "always answering '"),
    ],
)
def test_every_kind_of_data_is_told(
    capsys: pytest.CaptureFixture[str], options: str, task: str, line: str
) -> None:
    code, out, _ = told(capsys, options, f"data.path={FIXTURES}")
    assert code == 0
    assert f": {task}, " in out.splitlines()[0]
    assert [text for text in out.splitlines() if text.startswith(line)]
    assert f"task={task} {options}" in out


def test_many_labels_are_not_all_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = [f"text {n},l{n % 30}" for n in range(900)]
    (tmp_path / "my.csv").write_text("\n".join(["text,label", *rows]))
    _, out, _ = told(capsys, "data=files", f"data.path={tmp_path / 'my.csv'}")
    assert out.count("\nl") == 21  # with the header, `label`
    assert "... and 10 more labels" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data=files"], "set data.path=... to a file"),
        (["data=files", "data.path=/nowhere.csv"], "/nowhere.csv: no such file or folder"),
        (["data=fiels"], "data=fiels: there is no such data (did you mean files?)"),
        (["data=sst2", f"data.path={FIXTURES}", "task=ner"], "task=classification"),
        (["train.max_length=2"], "train.max_length=2: expected a whole number from 4"),
        (["sweep=quick"], "sweep=quick: this command reads one data set"),
        (["-m", "data=sst2"], "-m: this command reads one data set"),
        (["task=generation", "decoding.max_new_tokens=x"], "decoding.max_new_tokens=x: expected"),
        (["data.path"], "data.path"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, out, err = told(capsys, *words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1


def test_as_it_is_typed_and_without_torch(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = ['check', 'data=sst2', sys.argv[1]]\n"
        "try: runpy.run_module('harness.check', run_name='__main__')\n"
        "except SystemExit as end: print(end.code, {'torch', 'transformers'} & set(sys.modules))"
    )
    words = [sys.executable, "-c", code, f"data.path={FIXTURES}"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 set()"
    assert not done.stderr


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, "--help")
    assert code == 0
    assert "python -m harness.check data=files data.path=reviews.csv" in out
