"""Training and measuring on a GPU. Skipped where torch sees none.

Run with `-s` to see the figures.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))
from cells import small_setup

from harness import alarms, experiment, ledger, measurement, probing, record, train
from harness.ledger import Shape
from harness.measure import environment, nvml
from harness.planning.setup import Order, Place

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here"),
]
ROOT = Path(__file__).parents[2]
CUDA = "device=cuda"


def ran(tmp_path, cache, *overrides, task="ner", keep=False):
    setup = small_setup(tmp_path, cache, *overrides, task=task, keep=keep)
    return setup, Path(experiment.execute(setup))


@pytest.mark.parametrize("task", ["ner", "classification", "generation"])
@pytest.mark.parametrize("model", ["gpt2", "bert"])
def test_a_cell_is_tuned_there_as_on_a_processor(tmp_path, shared_cache, model, task):
    found = {}
    for device in ("cuda", "cpu"):
        _, folder = ran(
            tmp_path / device, shared_cache, f"model={model}", f"device={device}", task=task
        )
        found[device] = record.read(folder), record.read_counts(folder)
    (there, counts), (here, _) = found["cuda"], found["cpu"]
    assert there.on_device
    assert not here.on_device
    assert there.environment["gpu"] == torch.cuda.get_device_name()
    assert there.identity != here.identity
    assert not [one for one in alarms.examine(there, counts) if one.number == "11"]
    assert there.training.losses[0] == pytest.approx(here.training.losses[0], rel=0.05)
    assert there.training.steps == here.training.steps
    print(model, task, "first losses", there.training.losses[:3], here.training.losses[:3])


@pytest.mark.parametrize("task", ["ner", "classification", "generation"])
@pytest.mark.parametrize("model", ["gpt2", "bert"])
def test_the_same_seed_gives_the_same_run(tmp_path, shared_cache, model, task):
    kept = [
        record.read(ran(tmp_path / f"{i}", shared_cache, f"model={model}", CUDA, task=task)[1])
        for i in range(2)
    ]
    assert kept[0].training.losses == kept[1].training.losses
    assert kept[0].counts_digest == kept[1].counts_digest


def test_bfloat16_is_another_training_near_the_first(tmp_path, shared_cache):
    full, low = (
        record.read(
            ran(tmp_path / p, shared_cache, "model=bert", CUDA, f"train.precision={p}")[1]
        ).training
        for p in ("float32", "bfloat16")
    )
    assert low.losses != full.losses
    assert low.losses[0] == pytest.approx(full.losses[0], rel=0.05)


def test_too_little_memory_is_one_message(tmp_path, shared_cache):
    setup = small_setup(tmp_path, shared_cache, "model=bert", CUDA)
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(1e-6)
    try:
        with pytest.raises(train.OutOfMemory, match=r"cuda: .*train\.accumulation"):
            experiment.execute(setup)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_accumulation_needs_less_memory(tmp_path, shared_cache):
    peaks = []
    for parts in (1, 4):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        ran(
            tmp_path / f"{parts}", shared_cache, "model=bert", CUDA, "train.batch_size=96",
            f"train.accumulation={parts}",
        )  # fmt: skip
        peaks.append(torch.cuda.max_memory_allocated())
    print("peak bytes, whole and in four parts", peaks)
    assert peaks[1] < peaks[0]


def test_memory_is_read_stage_by_stage(tmp_path, shared_cache):
    setup, _ = ran(tmp_path, shared_cache, "model=bert", CUDA, keep=True)
    stages = {s.name: s for s in ledger.measure(setup, Place("cuda"), Shape(8, 16))}
    print({name: (stage.device, stage.parts) for name, stage in stages.items()})
    assert all(one.seconds is not None for one in stages.values())
    assert not stages["imports"].device
    for name in ("weights", "first answer", "forward", "training set-up", "training step"):
        device, parts = stages[name].device, stages[name].parts
        assert parts["weights"] <= device["allocated"] <= device["allocated_peak"]
        assert device["allocated_peak"] <= device["reserved_peak"] <= device["nvml_device"]
    step = stages["training step"]
    assert step.parts["optimizer"] >= 2 * step.parts["gradients"] > 0
    assert step.device["allocated_peak"] >= sum(step.parts.values())


def test_a_probe_times_the_device_and_reads_its_energy(tmp_path, shared_cache):
    setup, _ = ran(tmp_path, shared_cache, "model=bert", CUDA, keep=True)
    asked = small_setup(tmp_path, shared_cache, "model=bert", CUDA, "probe=quick").config["probe"]
    file = str(tmp_path / "measured.json")
    place = Place("cuda")
    path = probing.execute(Order([setup], asked, place, "0" * 64, file))
    found = measurement.read(Path(path))
    assert found.environment["machine"]["gpu"] == torch.cuda.get_device_name()
    assert found.environment["after"]["gpu"]["sm_mhz"] > 0
    told = found.not_measured.get("energy")
    print("energy", told or [dataclasses.asdict(one) for one in found.energy])
    if told is None:
        (window,) = found.energy
        assert window.gross_joules > 0
        assert window.seconds >= asked["energy_seconds"]
        watts = window.gross_joules / window.seconds
        assert 10 < watts < 1500


def test_the_driver_knows_the_device_that_torch_uses():
    gpu = nvml.open_device("cuda")
    assert not isinstance(gpu, str), gpu
    assert gpu.name() == torch.cuda.get_device_name()
    torch.ones(2**26, device="cuda")
    assert gpu.used_bytes() >= 2**28
    facts = environment.machine(gpu)
    print(facts, gpu.state(), "own bytes", gpu.own_bytes(), "divided", gpu.divided())


def test_commands_work_there(tmp_path):
    places = [f"results={tmp_path}/results", f"cache={tmp_path}/cache"]
    small = ["pretraining.updates=20", "data.train_limit=100", "train.epochs=1"]
    command = [sys.executable, "-m", "harness.run", "-m", "model=gpt2,bert", "task=ner", CUDA]
    done = subprocess.run(
        [*command, *small, *places, "probe=quick", "race=quick"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stdout[-2000:], done.stderr[-2000:])
    assert done.returncode == 0
    files = list((tmp_path / "results/measurements").glob("*.json"))
    kinds = sorted(json.loads(file.read_text(encoding="utf-8"))["kind"] for file in files)
    assert kinds == ["probe", "probe", "race"]
    page = (tmp_path / "results/report.md").read_text(encoding="utf-8")
    print(page[:3000])
