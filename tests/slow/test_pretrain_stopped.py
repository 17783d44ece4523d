"""A pretraining is stopped in every way there is; it goes on, and ends with the same bits."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("small_gpt2", "small_bert")
SIZES = [
    f"sides.{name}.architecture.{key}"
    for name in NAMES
    for key in ("hidden_size=64", "num_hidden_layers=2")
]
SETTINGS = ("vocabulary=400", "length=32", "batch_tokens=512", "updates=400", "hold_out=0.05")


def text_below(folder: Path) -> Path:
    rng = random.Random(0)
    lexicon = ["".join(rng.choices("abcdefgh", k=rng.randint(2, 6))) for _ in range(300)]
    folder.mkdir()
    for number in range(3):
        paragraphs = [" ".join(rng.choices(lexicon, k=80)) for _ in range(60)]
        (folder / f"{number}.txt").write_text("\n\n".join(paragraphs))
    return folder


def command(text: Path, out: Path, *more: str) -> list[str]:
    start = [sys.executable, "-m", "harness.pretrain", f"text={text}", f"out={out}"]
    return [*start, *SETTINGS, *SIZES, "checkpoint_minutes=0.02", *more]


def weights(out: Path) -> list[bytes]:
    return [(out / name / "model.safetensors").read_bytes() for name in NAMES]


def begun(process: subprocess.Popen[str], out: Path, before: set[Path]) -> None:
    """Wait until a checkpoint is there that was not there before."""
    end = time.monotonic() + 120
    while set(out.rglob("step-*")) <= before:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "no checkpoint"
        time.sleep(0.05)


def started(typed: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        typed, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


@pytest.mark.slow
def test_stopped_in_every_way_it_ends_with_the_same_bits(tmp_path):
    text = text_below(tmp_path / "text")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    done = subprocess.run(command(text, whole), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    stops = [
        (signal.SIGINT, "parent", 130),
        (signal.SIGTERM, "parent", 143),
        (signal.SIGKILL, "parent", -9),
        (signal.SIGTERM, "group", 143),
        (signal.SIGINT, "group", 130),
        (signal.SIGKILL, "group", -9),
    ]
    reached = stopped = 0
    for number, victim, code in stops:
        before = set(cut.rglob("step-*"))
        process = started(command(text, cut))
        begun(process, cut, before)
        family = psutil.Process(process.pid).children(recursive=True)
        if victim == "parent":
            process.send_signal(number)
        else:
            os.killpg(process.pid, number)
        out, err = process.communicate(timeout=60)
        assert process.returncode in (code, 0), (number, victim, out, err)
        gone(family)
        if process.returncode == 0:
            break
        stopped += 1
        steps = [int(path.name[5:]) for path in cut.rglob("step-*")]
        assert max(steps) >= reached
        reached = max(steps)
        if number != signal.SIGKILL:
            assert "go on with: python -m harness.pretrain" in out, (out, err)
            assert not list(cut.rglob("*.tmp"))
    assert stopped > 2, "too fast a machine for this test to stop anything"
    done = subprocess.run(command(text, cut), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert weights(cut) == weights(whole)
    assert not list(cut.rglob("*.tmp"))


@pytest.mark.slow
def test_minutes_run_out_as_often_as_it_takes(tmp_path):
    text = text_below(tmp_path / "text")
    out = tmp_path / "out"
    codes = []
    for _ in range(60):
        done = subprocess.run(command(text, out, "minutes=0.15"), cwd=ROOT, capture_output=True)
        codes.append(done.returncode)
        if codes[-1] != 3:
            break
    assert codes[-1] == 0
    assert len(codes) > 1, "too fast a machine for this test to stop anything"
    subprocess.run(command(text, tmp_path / "whole"), cwd=ROOT, capture_output=True, check=True)
    assert weights(out) == weights(tmp_path / "whole")


def gone(family: list[psutil.Process]) -> None:
    end = time.monotonic() + 30
    while [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < end, "orphans"
        time.sleep(0.1)
