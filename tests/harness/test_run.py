"""The command as a user types it: answers, exit codes, what is left on disk."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import record

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
        (["task=nerr"], "task=nerr: there is no such task (did you mean ner?)"),
        (["sweep=quik"], "sweep=quik: there is no such sweep (did you mean quick?)"),
        (["modle=gpt2"], "modle: there is no such key (did you mean model?)"),
        (["trian.lr=1"], "trian.lr: there is no such key (did you mean train.lr?)"),
        (["train=null"], "Config group override must be a string"),
        (["train.lr=fast"], "train.lr=fast: expected a number"),
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
