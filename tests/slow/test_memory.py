"""The memory ledger of a small tuned model, in the program that reads it."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest
from safetensors import safe_open

from harness import ledger, record
from harness.contracts import InputError
from harness.experiment import execute
from harness.measure import peaks
from harness.measure.stopwatch import Stopwatch
from harness.planning.setup import CPU

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))
from cells import small_setup

MIB = 2**20
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not peaks.PROCESS.exists(), reason="no Linux /proc"),
]
CELLS = {
    "labels": ("ner", "model=bert"),
    "texts": ("generation", "model=gpt2"),
}


@pytest.fixture(scope="module", params=CELLS)
def tuned(request, tmp_path_factory, shared_cache):
    task, *overrides = CELLS[request.param]
    results = tmp_path_factory.mktemp("results")
    setup = small_setup(results, shared_cache, *overrides, task=task, keep=True)
    execute(setup)
    return setup


@pytest.fixture(scope="module")
def measured(tuned):
    """Stages by name, and the seconds that all of it took as seen from outside."""
    stopwatch = Stopwatch()
    began = stopwatch.read().wall
    stages = ledger.measure(tuned, CPU, ledger.Shape(16))
    return {one.name: one for one in stages}, stopwatch.read().wall - began


def tensors(setup):
    """Numbers and tensors of the kept checkpoint, each once."""
    sizes = []
    for file in (setup.folder / record.CHECKPOINT).glob("*.safetensors"):
        with safe_open(file, "np") as kept:
            sizes += [kept.get_tensor(name).size for name in kept.keys()]  # noqa: SIM118
    return sum(sizes), len(sizes)


def test_stages_come_in_order_and_nothing_is_missing(measured):
    stages, outside = measured
    assert tuple(stages) == ledger.STAGES
    assert {one.why for one in stages.values()} == {None}
    seconds = [one.seconds for one in stages.values()]
    assert seconds == sorted(seconds)
    assert 0 < seconds[0] < seconds[-1] < outside


def test_memory_is_where_it_belongs(measured):
    stages, _ = measured
    start, imports = stages["start"], stages["imports"]
    assert start.peak_bytes < 30 * MIB  # no torch yet
    assert imports.resident_bytes - start.resident_bytes > 100 * MIB
    for before, after in zip(ledger.STAGES, ledger.STAGES[1:], strict=False):
        assert stages[after].peak_bytes > stages[before].resident_bytes - 2 * MIB
    for one in stages.values():
        assert one.peak_bytes > one.resident_bytes - 2 * MIB
    tuned, answered = stages["weights"], stages["first answer"]
    assert tuned.resident_bytes - imports.resident_bytes > tuned.parts["weights"]
    assert answered.shape["examples"] == 1
    assert stages["forward"].shape["examples"] == 16


def test_parts_are_the_checkpoint_and_eight_bytes_a_parameter(tuned, measured):
    numbers, count = tensors(tuned)
    stages, _ = measured
    for name in ("weights", "first answer", "forward", "training set-up", "training step"):
        assert stages[name].parts["weights"] == 4 * numbers
    step = stages["training step"].parts
    assert step["gradients"] == 4 * numbers
    assert step["optimizer"] == 8 * numbers + 4 * count


def test_a_training_step_holds_gradients_state_and_activations(measured):
    stages, _ = measured
    before, step = stages["training set-up"], stages["training step"]
    left = step.parts["gradients"] + step.parts["optimizer"]
    assert step.resident_bytes - before.resident_bytes > left - 2 * MIB
    assert step.rest_bytes(before) > 0
    assert stages["forward"].rest_bytes(stages["first answer"]) > 0


def test_a_wider_training_batch_has_more_activations_in_proportion(tuned):
    left, positions = [], []
    for batch_size in (8, 24, 72):
        train = {**tuned.config["train"], "batch_size": batch_size}
        wider = dataclasses.replace(tuned, config={**tuned.config, "train": train})
        *_, before, step = ledger.measure(wider, CPU)
        left.append(step.rest_bytes(before))
        positions.append(step.shape["positions"])
    slopes = [
        (left[i + 1] - left[i]) / (positions[i + 1] - positions[i]) for i in range(len(left) - 1)
    ]
    assert slopes[0] > 0
    assert slopes[1] == pytest.approx(slopes[0], rel=0.35), (left, positions)


def test_a_model_that_was_not_kept_is_a_users_mistake(tuned, tmp_path):
    elsewhere = dataclasses.replace(tuned, results=str(tmp_path))
    with pytest.raises(InputError, match="no tuned model was kept there; run `python -m"):
        ledger.measure(elsewhere, CPU)
