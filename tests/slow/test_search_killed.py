"""A search is killed half-way and started again: no trial is lost, run twice or changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from harness import record

ROOT = Path(__file__).parents[2]
SEARCH = (
    "search=lr",
    "task=ner",
    "trials=5",
    "seeds=[1000,1001]",
    "workers=2",
    "edge.extensions=0",
    "data.train_size=200",
    "data.dev_size=60",
    "data.test_size=60",
    "pretraining.updates=20",
    "pretraining.corpus.size=400",
    "train.epochs=4",
)
RUNS = 2 * 5 * 2


def command(folder: Path, *words: str) -> list[str]:
    places = [f"{name}={folder / name}" for name in ("results", "cache", "out")]
    return [sys.executable, "-m", "harness.tune", *SEARCH, *places, *words]


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(folder, *words), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip


def kept(folder: Path) -> dict[str, bytes]:
    """Every whole record, by name; reading one raises where it is torn."""
    found = {}
    for place in record.folders(folder / "results"):
        assert record.read(place).outcome.status == "finished"
        found[place.name] = (place / record.RECORD).read_bytes()
    return found


def until(folder: Path, count: int, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while len(list(record.folders(folder / "results"))) < count:
        assert time.monotonic() < end
        time.sleep(0.05)


def tables(folder: Path) -> dict[str, object]:
    return {
        file.name: OmegaConf.to_container(OmegaConf.load(file))
        for file in (folder / "out").iterdir()
    }


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["quasi_random", "tpe"])
def test_killed_half_way_and_started_again(tmp_path: Path, sampler: str) -> None:
    word = f"sampler={sampler}"
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run(command(whole, word), cwd=ROOT, check=True, capture_output=True)
    before: dict[str, bytes] = {}
    for count, ending in ((3, signal.SIGKILL), (9, signal.SIGINT), (14, signal.SIGKILL)):
        process = start(cut, word)
        until(cut, count)
        if ending is signal.SIGKILL:
            os.killpg(process.pid, ending)
        else:
            process.send_signal(ending)
        said, _ = process.communicate()
        if ending is signal.SIGINT:
            assert process.returncode == 130
            assert "the same command goes on from here" in said
            assert "Traceback" not in said
        now = kept(cut)
        assert all(now[name] == text for name, text in before.items()), "a trial ran twice"
        assert count <= len(now) < RUNS
        before = now
    subprocess.run(command(cut, word), cwd=ROOT, check=True, capture_output=True)
    after = kept(cut)
    assert all(after[name] == text for name, text in before.items()), "a trial ran twice"
    models = Counter(record.read(place).cell.model for place in record.folders(cut / "results"))
    assert models == {"gpt2": RUNS // 2, "bert": RUNS // 2}
    assert sorted(after) == sorted(kept(whole))
    assert tables(cut) == tables(whole)


@pytest.mark.slow
def test_two_commands_side_by_side_and_one_of_them_killed(tmp_path: Path) -> None:
    both = [start(tmp_path), start(tmp_path)]
    until(tmp_path, 4)
    os.killpg(both[1].pid, signal.SIGKILL)
    both[1].communicate()
    said, _ = both[0].communicate(timeout=300)
    assert both[0].returncode == 0, said
    assert len(kept(tmp_path)) == RUNS
    lines = [line for line in said.splitlines() if "(dev)" in line]
    assert 0 < len(lines) < RUNS  # the rest was the other's
    assert len(set(lines)) == len(lines)
