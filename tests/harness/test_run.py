"""The command as a user types it: answers, exit codes, what is left on disk."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import measurement, record

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"


def run(*words, module="harness.run", **environment):
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**{k: v for k, v in os.environ.items() if k != "GPT_OR_BERT_DATA"}, **environment},
        check=False,
    )


def places(folder):
    return [f"results={folder / 'results'}", f"cache={folder / 'cache'}"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model=gtp2"], "model=gtp2: there is no such model (did you mean gpt2?)"),
        (["sweep=quick", "probe=null"], "or leave it out (~probe, ~race)"),
        (["task=nerr"], "task=nerr: there is no such task (did you mean ner?)"),
        (["sweep=quik"], "sweep=quik: there is no such sweep (did you mean quick?)"),
        (["modle=gpt2"], "modle: there is no such key (did you mean model?)"),
        (["trian.lr=1"], "trian.lr: there is no such key (did you mean train.lr?)"),
        (["train=null"], "a group cannot be null: choose one of its files"),
        (["train.lr=fast"], "train.lr=fast: expected a number"),
        (["race=qiuck"], "race=qiuck: there is no such race (did you mean quick?)"),
        (["device=gpu"], "device=gpu: expected cpu, cuda or cuda:1"),
        (["model=bert_base"], "model=bert_base has no weights to train; add race=base"),
        (["seed=-1"], "seed=-1: expected a whole number from 0"),
        (["sweep=quick", "modle=gpt2"], "modle: there is no such key"),
    ],
)
def test_a_typing_mistake_is_one_line(tmp_path, words, said):
    done = run(*words, *places(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data=sst2"], "set GPT_OR_BERT_DATA"),
        (["data=sst2", "data.path=/nowhere"], "/nowhere"),
        (["task=ner", "data=sst2", f"data.path={FIXTURES}"], "task=classification"),
        (["data=sst2_glue", f"data.path={FIXTURES}", "model.weights=scratch"], "data=sst2"),
    ],
)
def test_a_mistake_about_data_is_one_message(tmp_path, words, said):
    done = run(*words, *places(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "results").rglob("*"))


def test_help_and_configuration():
    done = run("--help")
    assert done.returncode == 0
    assert "sweep=quick" in done.stdout
    done = run("--cfg", "job", "--resolve")
    assert done.returncode == 0
    assert "hidden_size: 128" in done.stdout


def test_a_dry_run_leaves_nothing(tmp_path):
    done = run("sweep=quick", "--dry-run", *places(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "cells" in done.stdout
    assert "minutes" in done.stdout
    assert not (tmp_path / "results" / "runs").exists()


def test_smoke_from_nothing_to_report_and_again(tmp_path):
    words = ["sweep=smoke", "pretraining.corpus.size=500", "data.test_size=80", *places(tmp_path)]
    done = run(*words)
    assert done.returncode == 0, done.stderr
    assert "8 of 8 cells finished (0 were finished before)" in done.stdout
    folders = list(record.folders(tmp_path / "results"))
    assert len(folders) == 8
    text = (tmp_path / "results" / "report.md").read_text(encoding="utf-8")
    assert "no verdict: smoke run" in text
    assert "mini, 0." in text
    before = {f: (f / record.RECORD).read_bytes() for f in folders}

    again = run(*words)
    assert again.returncode == 0
    assert "8 of 8 cells finished (8 were finished before)" in again.stdout
    assert {f: (f / record.RECORD).read_bytes() for f in folders} == before

    shutil.rmtree(folders[0])  # one missing cell is run again, and gives the same
    counts = json.loads(before[folders[0]])["counts_digest"]
    assert run(*words).returncode == 0
    assert record.read(folders[0]).counts_digest == counts


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["probe=quick", "probe.requests=0"], "probe.requests=0: expected a number from 1"),
        (["race=quick", "race.blocks=2"], "race.blocks=2: expected a number from 5"),
        (["probe=thorough", "probe.server.requests=10"], "needs"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_training(tmp_path, words, said):
    done = run(*words, *places(tmp_path))
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list((tmp_path / "results").rglob("*"))


BRIEF = (
    "probe.requests=20", "probe.offline_examples=16", "probe.batch_sizes=[8]",
    "probe.warm_up={least: 2, window: 2, spread: 0.5, most: 4}",
    "race.requests=1", "race.blocks=5", "race.batch_size=8", "race.shape_tokens=16",
    "race.warm_up={least: 2, window: 2, spread: 0.5, most: 4}",
)  # fmt: skip


def test_kept_models_are_measured_once_and_reported(tmp_path):
    words = ["-m", "task=ner", "model=gpt2,bert", "probe=quick", "race=quick", *BRIEF]
    small = ["pretraining.updates=5", "pretraining.corpus.size=300", "data.train_limit=60"]
    words += [*small, "data.test_size=40", "train.epochs=1", *places(tmp_path)]
    done = run(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    files = list(measurement.files(tmp_path / "results"))
    kinds = sorted(measurement.read(f).kind for f in files)
    assert kinds == ["probe", "probe", "race"]
    probe = measurement.read(next(f for f in files if f.name.startswith("probe")))
    assert probe.memory["0"][0].name == "start"
    assert all(stage.peak_bytes for stage in probe.memory["0"])
    assert "energy" in probe.not_measured
    text = (tmp_path / "results" / "report" / "efficiency.md").read_text(encoding="utf-8")
    assert "### Race: ner on world" in text
    assert "peak memory, training step" in text
    before = {f: f.read_bytes() for f in files}
    assert run(*words).returncode == 0
    assert {f: f.read_bytes() for f in measurement.files(tmp_path / "results")} == before


def test_architectures_are_raced_without_training(tmp_path):
    small = ["model.architecture.num_hidden_layers=1", "model.architecture.hidden_size=48"]
    short = ["race.requests=1", "race.blocks=5", "race.shape_batches=[1]", "race.shape_tokens=16"]
    done = run("sweep=race_base", *small, *short, "race.new_tokens=4", *places(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    files = list(measurement.files(tmp_path / "results"))
    assert len(files) == 2
    for found in map(measurement.read, files):
        assert [one.weights for one in found.subjects] == ["architecture"] * 2
        assert all("architecture only" in one.description for one in found.subjects)
        assert sorted(found.memory) == ["0", "1"]
    assert not list(record.folders(tmp_path / "results"))
    text = (tmp_path / "results" / "report" / "efficiency.md").read_text(encoding="utf-8")
    assert "architecture only, quality not measured" in text


def test_a_failed_cell_is_told_and_kept(tmp_path):
    """Weight decay this strong overflows within a few steps; the other cell goes on."""
    words = [
        "-m", "train.weight_decay=0.01,1e9", "model.weights=scratch", "data.train_size=60",
        "data.dev_size=20", "data.test_size=20", "train.epochs=12", *places(tmp_path),
    ]  # fmt: skip
    done = run(*words)
    assert done.returncode == 1
    kept = [record.read(f) for f in record.folders(tmp_path / "results")]
    reasons = [r.outcome.reason for r in kept if r.outcome.status == "failed"]
    assert len(kept) == 2
    assert len(reasons) == 1
    assert "train.lr" in (reasons[0] or "")
    assert "FAILED" in done.stdout
    assert "1 of 2 cells finished" in done.stdout


def test_report_without_records(tmp_path):
    done = run(str(tmp_path), module="harness.report")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "make sweep" in done.stderr
