"""A sweep is killed again and again, at random; nothing is lost, torn, orphaned or run twice."""

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

from harness import record

ROOT = Path(__file__).parents[2]
KILLS = 20
SWEEP = (
    "-m",
    "seed=0,1,2,3,4,5,6,7,8,9,10,11",
    "task=ner,classification",
    "model=gpt2,bert",
    "data.train_size=400",
    "data.dev_size=60",
    "data.test_size=100",
    "pretraining.updates=60",
    "pretraining.corpus.size=1000",
    "train.epochs=6",
    "checkpoint=none",
)


def command(folder: Path) -> list[str]:
    places = [f"results={folder / 'results'}", f"cache={folder / 'cache'}"]
    return [sys.executable, "-m", "harness.run", *SWEEP, *places]


def finished(folder: Path) -> dict[str, bytes]:
    """Every whole record, by name; reading one raises where it is torn."""
    found = {}
    for place in record.folders(folder / "results"):
        assert record.read(place).outcome.status == "finished"
        record.read_counts(place)
        found[place.name] = (place / record.RECORD).read_bytes()
    return found


def scores(folder: Path) -> dict[str, bytes]:
    return {
        place.name: (place / record.COUNTS).read_bytes() + (place / record.PREDICTIONS).read_bytes()
        for place in record.folders(folder / "results")
    }


@pytest.mark.slow
def test_twenty_random_kills(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run(command(whole), cwd=ROOT, check=True, capture_output=True)
    assert len(finished(whole)) == 48
    rng = random.Random(0)
    before: dict[str, bytes] = {}
    for number in range(KILLS):
        victim = "parent" if number % 2 else "group"
        kill_once(cut, victim, rng.uniform(9, 26))
        now = finished(cut)
        assert all(now[name] == text for name, text in before.items()), "a cell ran twice"
        sys.stderr.write(f"kill {number + 1} ({victim}): {len(now)} cells kept\n")
        before = now
    assert before, "the machine was too slow for a cell to finish between two kills"
    subprocess.run(command(cut), cwd=ROOT, check=True, capture_output=True)
    after = finished(cut)
    assert all(after[name] == text for name, text in before.items()), "a cell ran twice"
    assert scores(cut) == scores(whole)
    litter = [p for p in cut.rglob("*.tmp") if "models" not in p.parts]
    sys.stderr.write(
        f"{len(after)} cells, equal to the unkilled sweep; {len(litter)} stray files\n"
    )


def kill_once(folder: Path, victim: str, seconds: float) -> None:
    """Start the sweep, kill -9 after a while, and see that its whole family is gone."""
    started = subprocess.Popen(
        command(folder), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    time.sleep(seconds)
    try:
        family = psutil.Process(started.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    if victim == "parent":
        started.kill()
    else:
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    end = time.monotonic() + 30
    while alive := [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < end, f"orphans: {alive}"
        time.sleep(0.1)
