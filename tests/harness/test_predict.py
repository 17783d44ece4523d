"""`python -m harness.predict`: a kept run answers as it did when it was evaluated."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from cells import small_setup
from safetensors.torch import load_file, save_file

from harness import experiment, predict, record
from harness.contracts import InputError
from harness.kept import exported, predict_lines, predict_model
from harness.kept import predict_words as division
from harness.kept.predict_lines import Asked

CELLS = {
    "label": ("classification", "gpt2", ()),
    "tags": ("ner", "bert", ()),
    "tags, last piece": ("ner", "gpt2", ()),
    "tags, read twice": ("ner", "gpt2", ("mode=echo",)),
    "pair": ("matching", "bert", ("mode=both_orders",)),
    "mean": ("classification", "gpt2", ("mode=mean",)),
    "means of a pair": ("matching", "bert", ("mode=mean",)),
    "text": ("generation", "gpt2", ()),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, shared_cache):
    """Kept runs whose folders were moved away from all that they were made with."""
    torch.set_num_threads(1)
    found = {}
    for name, (task, model, more) in CELLS.items():
        place, away = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("away")
        setup = small_setup(
            place, shared_cache, f"model={model}", *more, "train.lr=0.003", task=task, keep=True
        )
        folder = Path(experiment.execute(setup))
        found[name] = Path(shutil.copytree(folder, away / "results" / "runs" / folder.name))
    return found


def rows(folder):
    return [json.loads(line) for line in (folder / record.PREDICTIONS).open(encoding="utf-8")]


def said(capfdbinary, *arguments):
    code = predict.main(arguments)
    out, err = capfdbinary.readouterr()
    return code, [json.loads(line) for line in out.decode().splitlines()], err.decode()


def asked_of(folder, tmp_path):
    """The inputs of the evaluation as a file of JSON lines."""
    lines = [
        {"text": "  ".join(row["words"])}
        | ({"second": " ".join(row["second"])} if "second" in row else {})
        for row in rows(folder)
    ]
    file = tmp_path / "asked.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", ["label", "pair", "mean", "means of a pair"])
def test_labels_are_those_of_the_evaluation(runs, tmp_path, capfdbinary, name):
    for size in ("1", "32"):
        file = asked_of(runs[name], tmp_path)
        code, answers, _ = said(
            capfdbinary, f"run={runs[name]}", f"file={file}", f"batch_size={size}"
        )
        assert code == 0
        for row, answer in zip(rows(runs[name]), answers, strict=True):
            assert [answer["label"]] == row["answer"]
            assert answer["score"] == pytest.approx(row["confidence"][0], abs=1e-4)
            assert answer["scores"][answer["label"]] == answer["score"]
            assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", ["tags", "tags, last piece"])
def test_entities_are_those_of_the_evaluation(runs, tmp_path, capfdbinary, name):
    file = asked_of(runs[name], tmp_path)
    _, answers, _ = said(capfdbinary, f"run={runs[name]}", f"file={file}", "words=blanks")
    several = 0
    for row, answer in zip(rows(runs[name]), answers, strict=True):
        wanted = sorted(predict_model.entity_f1.spans(row["answer"]))
        words = [" ".join(row["words"][start:end]) for start, end, _ in wanted]
        found = answer["entities"]
        assert [one["type"] for one in found] == [kind for _, _, kind in wanted]
        assert [" ".join(one["text"].split()) for one in found] == words
        assert all(answer["text"][one["start"] : one["end"]] == one["text"] for one in found)
        means = [sum(row["confidence"][a:b]) / (b - a) for a, b, _ in wanted]
        assert [one["score"] for one in found] == pytest.approx(means, abs=2e-4)
        several += len(found)
    assert several > 5


def test_texts_are_those_of_the_evaluation(runs, tmp_path, capfdbinary):
    file = asked_of(runs["text"], tmp_path)
    _, answers, _ = said(capfdbinary, f"run={runs['text']}", f"file={file}")
    assert [one["output"] for one in answers] == [row["text"] for row in rows(runs["text"])]


def test_places_are_characters_of_the_text_as_given():
    text = "\U0001f600\tcafe\u0301  na\u00efve \U0001d573i!"
    words = division.words(text)
    tags = [("O", 0.5), ("B-PER", 0.5), ("I-PER", 0.75), ("B-LOC", 1.0), ("I-PER", 1.0)]
    found = [*predict_model._entities(text, words, tags)]
    assert [one["text"] for one in found] == ["cafe\u0301  na\u00efve", "\U0001d573i"]
    assert [one["score"] for one in found] == [0.625, 1.0]
    assert all(text[one["start"] : one["end"]] == one["text"] for one in found)


def test_one_line_for_each_in_order_and_a_reason_where_there_is_nothing(
    runs, capfdbinary, tmp_path
):
    file = tmp_path / "texts.txt"
    file.write_bytes(b"\xef\xbb\xbfthe b c d e f g\r\n\n \t \nthe inn\na\x00b")
    code, answers, _ = said(capfdbinary, f"run={runs['label']}", f"file={file}")
    assert code == 0
    assert [one["text"] for one in answers] == ["the b c d e f g", "", " \t ", "the inn", "a\0b"]
    assert [one["label"] is None for one in answers] == [False, True, True, False, False]
    assert answers[1]["reason"] == "no words in text"
    _, tagged, _ = said(capfdbinary, f"run={runs['tags']}", f"file={file}")
    assert [one["entities"] for one in tagged[1:3]] == [[], []]
    _, (pair,), _ = said(capfdbinary, f"run={runs['pair']}", "text=the inn", "second=")
    assert (pair["label"], pair["reason"]) == (None, "no words in second")


def test_what_does_not_fit_is_cut_and_counted(runs, capfdbinary):
    _, (short,), _ = said(capfdbinary, f"run={runs['label']}", "text=the inn")
    _, (long,), _ = said(capfdbinary, f"run={runs['label']}", "text=" + "the " * 300)
    assert "cut_words" not in short
    assert long["cut_words"] == 300 - 126
    _, (long,), _ = said(capfdbinary, f"run={runs['text']}", "text=" + "the " * 300)
    assert long["cut_words"] > 150


def test_what_is_no_text_stops_after_what_came_before(runs, capfdbinary, tmp_path):
    file = tmp_path / "texts.txt"
    file.write_bytes(b"the inn\nthe\xff\nthe end\n")
    code, answers, err = said(capfdbinary, f"run={runs['label']}", f"file={file}")
    assert (code, [one["text"] for one in answers]) == (2, ["the inn"])
    assert f"{file}:2: not UTF-8" in err
    out = tmp_path / "out.jsonl"
    code, answers, _ = said(capfdbinary, f"run={runs['label']}", f"file={file}", f"out={out}")
    assert (code, answers) == (2, [])
    assert json.loads(out.read_text())["text"] == "the inn"


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('["a"]', 'no "text"'),
        ('{"text": 1}', 'no "text"'),
        ('{"text": "a", "second": 1}', '"second" is no text'),
        ('{"text": "\\ud800"}', "surrogate"),
    ],
)
def test_lines_that_are_no_question(line, wrong):
    read = predict_lines.read([[b'{"text": "a"}', line.encode()]], "here", jsonl=True)
    assert next(read) == [Asked("a", None, "here:1")]
    with pytest.raises(InputError, match=f"here:2: .*{wrong}"):
        next(read)


def test_lines_are_handed_on_as_they_arrive():
    here, there = os.pipe()
    pieces = predict_lines.arriving(here)
    os.write(there, b"one\ntwo\nthr")
    assert next(pieces) == [b"one", b"two"]
    os.write(there, b"ee\n\n")
    assert next(pieces) == [b"three", b""]
    os.write(there, b"end")
    os.close(there)
    assert [*pieces] == [[b"end"]]
    os.close(here)


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["text=a"], "run: say which run"),
        (["run=x", "tex=a"], "did you mean text=?"),
        (["run=x", "text"], "expected text=something"),
        (["run=x", "text=a", "text=b"], "given twice"),
        (["run=x", "text=a", "file=b"], "give one of them"),
        (["run=x", "file=b", "second=a"], "goes with text="),
        (["run=x", "batch_size=0"], "from 1 to"),
        (["run=x", "input=csv"], "lines or jsonl"),
        (["run=x", "words=some"], "conll or blanks"),
    ],
)
def test_mistakes_in_the_command(arguments, wrong, capsys):
    assert predict.main(arguments) == 2
    assert wrong in capsys.readouterr().err


def test_a_run_is_found_by_its_name_and_its_beginning(runs, tmp_path):
    results = tmp_path / "results"
    for name in ("ner-a-1", "ner-a-2", "sst-b-1"):
        shutil.copytree(runs["label"], results / "runs" / name, ignore=lambda *_: ["checkpoint"])
    place = results / "runs"
    assert predict.chosen("sst", results) == place / "sst-b-1"
    assert predict.chosen("ner-a-2", results) == place / "ner-a-2"
    for path in (place / "ner-a-1", place / "ner-a-1" / "checkpoint"):
        assert predict.chosen(str(path), Path("nowhere")) == place / "ner-a-1"
    with pytest.raises(InputError, match="2 runs begin so: ner-a-1, ner-a-2"):
        predict.chosen("ner", results)
    with pytest.raises(InputError, match=r"3 below .*nearest are sst-b-1"):
        predict.chosen("sts-b-1", results)
    with pytest.raises(InputError, match="there is no run"):
        predict.chosen("x", tmp_path / "none")


def test_runs_without_a_model_say_why(runs, tmp_path):
    def changed(name, change):
        folder = Path(shutil.copytree(runs["label"], tmp_path / name))
        raw = json.loads((folder / record.RECORD).read_text())
        change(raw)
        (folder / record.RECORD).write_text(json.dumps(raw))
        return folder

    failed = changed("a", lambda r: r["outcome"].update(status="failed", reason="out of memory"))
    with pytest.raises(InputError, match=r"failed \(out of memory\)"):
        predict.kept(failed)
    none = changed("b", lambda r: r.update(checkpoint_digest=None))
    with pytest.raises(InputError, match=r"model=gpt2 task=classification .*checkpoint=all"):
        predict.kept(none)
    gone = changed("c", lambda _: None)
    shutil.rmtree(gone / record.CHECKPOINT)
    with pytest.raises(InputError, match="checkpoint/ is gone"):
        predict.kept(gone)


def test_other_weights_than_the_records_are_refused(runs, tmp_path, capfdbinary):
    folder = Path(shutil.copytree(runs["label"], tmp_path / "run"))
    head = folder / record.CHECKPOINT / record.HEAD
    save_file({name: -one for name, one in load_file(head).items()}, head)
    code, answers, err = said(capfdbinary, f"run={folder}", "text=the inn")
    assert (code, answers) == (2, [])
    assert "other weights than the record says" in err
    (folder / record.CHECKPOINT / record.BODY).unlink()
    assert "no tuned model there" in said(capfdbinary, f"run={folder}", "text=a")[2]


def test_a_folder_from_before_exports_still_answers(runs, tmp_path, capfdbinary):
    folder = Path(shutil.copytree(runs["tags"], tmp_path / "run"))
    (folder / record.CHECKPOINT / exported.FILE).unlink()
    old = said(capfdbinary, f"run={folder}", "text=the inn at the end")
    new = said(capfdbinary, f"run={runs['tags']}", "text=the inn at the end")
    assert old[:2] == new[:2]
    (folder / record.CHECKPOINT / "tokenizer.json").unlink()
    assert "cannot be" in said(capfdbinary, f"run={folder}", "text=a")[2]


def test_a_folder_that_somebody_changed_does_not_answer(runs, tmp_path, capfdbinary):
    folder = Path(shutil.copytree(runs["label"], tmp_path / "run"))
    config = folder / record.CHECKPOINT / "config.json"
    config.write_text(config.read_text().replace('"gelu', '"relu', 1) + " ")
    code, answers, err = said(capfdbinary, f"run={folder}", "text=a")
    assert (code, answers) == (2, [])
    assert "one of config.json, tokenizer.json, tokenizer_config.json is not as it was" in err
    (config.parent / "tokenizer_config.json").unlink()
    assert (
        "gone: tokenizer_config.json; put it back"
        in said(capfdbinary, f"run={folder}", "text=a")[2]
    )


def test_a_second_text_goes_with_pairs_alone(runs, capfdbinary):
    _, answers, err = said(capfdbinary, f"run={runs['label']}", "text=a", "second=b")
    assert answers == []
    assert "tuned on single texts" in err
    assert "tuned on pairs" in said(capfdbinary, f"run={runs['pair']}", "text=a")[2]


def test_lines_before_a_misfit_are_answered_and_it_is_named(runs, tmp_path, capfdbinary):
    file = tmp_path / "asked.jsonl"
    file.write_text('{"text": "the inn"}\n{"text": "a", "second": "b"}\n{"text": "c"}\n')
    code, answers, err = said(capfdbinary, f"run={runs['label']}", f"file={file}")
    assert code == 2
    assert [one["text"] for one in answers] == ["the inn"]
    assert f"{file}:2: 'a': this model was tuned on single texts" in err


def test_who_reads_may_leave(runs, monkeypatch, tmp_path):
    class Gone:
        def __init__(self, file):
            self.buffer, self.file = self, file

        def write(self, _):
            raise BrokenPipeError

        def fileno(self):
            return self.file.fileno()

        def isatty(self):
            return False

    with (tmp_path / "out").open("wb") as file:
        monkeypatch.setattr(sys, "stdout", Gone(file))
        assert predict.main([f"run={runs['label']}", "text=a"]) == 0
        assert os.fstat(file.fileno()).st_rdev == Path(os.devnull).stat().st_rdev


def test_ctrl_c_and_a_full_disk(runs, monkeypatch, capsys):
    for error, code, text in (
        (KeyboardInterrupt, 130, "stopped"),
        (OSError(28, "full"), 2, "standard output: full; not all was written: make room"),
    ):

        def stop(*_, error=error):
            raise error

        monkeypatch.setattr(predict, "_loaded", stop)
        assert predict.main([f"run={runs['label']}", "text=a"]) == code
        assert text in capsys.readouterr().err


def test_help_and_mistakes_need_no_torch(capsys):
    code = (
        "import sys; from harness import predict; predict.main(['--help']); "
        "predict.main(['run=nothing', 'text=a']); "
        "sys.stderr.write(str({'torch', 'transformers', 'scipy', 'hydra'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("answers of a tuned model")
    assert done.stderr.endswith("set()")


def test_what_was_answered_is_counted_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert [*predict._shown([[Asked("a")] * 1200, [Asked("b")]], None)]
    assert "1,200 texts answered" in terminal.getvalue()
    assert "1,201 texts answered" in terminal.getvalue()
