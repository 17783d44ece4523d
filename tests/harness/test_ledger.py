"""The memory ledger: exact parts, and what is said of a program that does not reach its end."""

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from test_energy import GIB, gpu
from torch import nn

from harness import ledger, train
from harness.contracts import InputError
from harness.measure import peaks
from harness.measure.stopwatch import Stopwatch
from harness.measurement import Stage
from harness.planning.setup import CPU

MIB = 2**20


class Tied(nn.Module):
    """One table, used twice: 100 x 8; a layer that is not trained: 8 x 8 and 8; a buffer of 5."""

    def __init__(self):
        super().__init__()
        self.embed, self.middle = nn.Embedding(100, 8), nn.Linear(8, 8)
        self.out = nn.Linear(8, 100, bias=False)
        self.out.weight = self.embed.weight
        self.register_buffer("places", torch.arange(5))
        self.register_buffer("same", self.places)
        self.middle.requires_grad_(False)
        self.view = nn.Parameter(self.middle.bias.detach(), requires_grad=False)  # the same memory

    def forward(self, ids):
        return self.out(self.middle(self.embed(ids)))


def test_parts_equal_arithmetic_and_shared_tensors_count_once():
    model = Tied()
    parts = {"weights": 4 * (100 * 8 + 8 * 8 + 8), "buffers": 8 * 5}
    assert ledger.held(model) == parts
    optimizer = train.optimizer(model, 1e-3, 0.0)
    assert ledger.held(model, optimizer) == parts | {"gradients": 0, "optimizer": 0}
    train.update(model, optimizer, [model(torch.arange(3)).sum()], 1.0)
    trained = 100 * 8
    adam = 8 * trained + 4 * 1  # two fp32 numbers a parameter, and a count for the one tensor
    assert ledger.held(model, optimizer) == parts | {"gradients": 4 * trained, "optimizer": adam}
    assert ledger.held(nn.Linear(8, 8, dtype=torch.bfloat16))["weights"] == 2 * (8 * 8 + 8)


def test_the_rest_is_what_neither_the_stage_before_nor_the_parts_explain():
    before = Stage("training set-up", 1.0, 100, 130, parts={"weights": 40})
    after = Stage("training step", 2.0, 190, 250, parts={"weights": 40, "gradients": 40})
    assert after.rest_bytes(before) == 250 - 100 - 40
    memory = {"allocated": 50, "allocated_peak": 70}
    there = Stage("a", 1.0, 100, 130, device=memory, parts={"weights": 40})
    later = Stage("b", 1.0, 100, 130, device={"allocated": 60, "allocated_peak": 95})
    assert replace(later, parts=there.parts).rest_bytes(there) == 95 - 50
    unread = Stage("forward", 1.0, 100, None, why="no /proc")
    assert unread.rest_bytes(before) is None


class Instead:
    """Unpickled in the program, it calls a function: what may happen there."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (Instead(os.abort), "the process was ended by SIGABRT"),
        (Instead(signal.raise_signal, signal.SIGKILL), "SIGKILL; out of memory, or killed"),
        (Instead(os._exit, 3), "exit code 3"),
        (Instead(exec, "raise ValueError('a bug')"), "ValueError: a bug"),
        (Instead(signal.pause), "stopped after 3 seconds"),
    ],
)
def test_a_program_that_does_not_end_keeps_its_stages_and_tells_why(happens, why):
    started, *missing = ledger.measure(happens, CPU, limit_seconds=3.0)
    assert started.name == "start"
    assert started.why is None
    assert 0 < started.seconds < 3
    assert [one.name for one in missing] == list(ledger.STAGES[1:])
    for one in missing:
        assert (one.seconds, one.resident_bytes, one.peak_bytes) == (None, None, None)
        assert why in one.why


def test_a_users_mistake_is_told_as_one():
    code = "from harness.contracts import InputError as E\nraise E('no tuned model was kept')"
    with pytest.raises(InputError, match=r"^no tuned model was kept$"):
        ledger.measure(Instead(exec, code), CPU)


def test_the_program_has_its_own_number_of_threads(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "KMP_AFFINITY"):
        monkeypatch.setenv(name, "1313")
    tell = "import os\nraise ValueError([k for k in sorted(os.environ) if os.environ[k] in told])"
    *_, last = ledger.measure(Instead(exec, tell, {"told": ["1313", "55"]}), CPU, threads=55)
    assert last.why == "ValueError: ['MKL_NUM_THREADS', 'OMP_NUM_THREADS']"


def test_what_a_library_prints_is_no_stage():
    talk = "import os\nprint('{}', flush=True)\nos.system('echo {}')\nraise ValueError('end')"
    found = ledger.measure(Instead(exec, talk), CPU)
    assert [one.name for one in found] == list(ledger.STAGES)


def test_start_holds_little_but_the_interpreter():
    code = "import sys, harness.ledger; print(len(sys.modules), *sys.modules)"
    bare = "import sys, runpy; print(len(sys.modules))"
    run = [sys.executable, "-c"]
    counted = [
        subprocess.run([*run, c], capture_output=True, text=True, check=True).stdout.split()
        for c in (code, bare)
    ]
    assert not {"torch", "numpy", "transformers", "json", "pickle", "subprocess"} & {*counted[0]}
    assert int(counted[0][0]) - int(counted[1][0]) < 60


def test_seconds_leave_out_what_reading_memory_took():
    clock = iter([1.0, 1.4, 2.4, 2.5])  # reading took 0.4 s of the second stage's 1.4
    out = io.StringIO()
    book = ledger._Book(out, 0.25, Stopwatch(wall=lambda: next(clock), cpu=lambda: 0.0))
    book.close("start")
    book.close("imports", {"weights": 7}, {"examples": 1})
    first, second = (Stage(**json.loads(line)) for line in out.getvalue().splitlines())
    assert (first.seconds, second.seconds) == pytest.approx((0.75, 1.75))
    assert (second.parts, second.shape) == ({"weights": 7}, {"examples": 1})


@pytest.mark.skipif(not peaks.PROCESS.exists(), reason="no Linux /proc")
def test_a_stage_owns_the_peak_that_was_reached_in_it():
    out = io.StringIO()
    book = ledger._Book(out, 0.0, Stopwatch())
    book.close("start")
    sizes = (48, 16)
    for size in sizes:
        block = bytearray(b"x") * (size * MIB)
        del block
        book.close(str(size))
    before, *stages = (Stage(**json.loads(line)) for line in out.getvalue().splitlines())
    for size, stage in zip(sizes, stages, strict=True):
        assert abs(stage.rest_bytes(before) - size * MIB) < 2 * MIB
        before = stage


def test_a_devices_memory_is_read_and_its_peak_forgotten(monkeypatch):
    calls = []
    for name, size in (("memory_allocated", 1), ("max_memory_allocated", 2)):
        monkeypatch.setattr(torch.cuda, name, lambda _, size=size: size)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda _: 3)
    for name in ("empty_cache", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda *_, name=name: calls.append(name))
    torchs = {"allocated": 1, "allocated_peak": 2, "reserved_peak": 3}
    found = ledger._on_device("cuda", gpu())
    assert found == torchs | {"nvml_process": 3 * GIB, "nvml_device": 5 * GIB}
    assert calls == ["empty_cache", "reset_peak_memory_stats"]
    refused = ledger._on_device("cuda", "no driver")
    assert refused == torchs | {"nvml_process": None, "nvml_device": None}
    assert ledger._on_device("cpu", "no driver") == {}


def test_a_refusing_driver_is_told_in_the_stage(monkeypatch):
    book = ledger._Book(out := io.StringIO(), 0.0, Stopwatch())
    monkeypatch.setattr(Stopwatch, "of", lambda _: Stopwatch())
    monkeypatch.setattr("harness.measure.nvml.open_device", lambda _: "no driver")
    monkeypatch.setattr(ledger, "_on_device", lambda *_: {})
    book.move("cuda")
    book.close("weights")
    assert json.loads(out.getvalue())["why"] == "no driver"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_the_program_ends_with_its_parent():
    """Its input stays open here, so nothing but the parent's death can end it."""
    reading, writing = os.pipe()
    starter = "import subprocess, sys; subprocess.run(sys.argv[1:])"
    program = [sys.executable, "-m", "harness.ledger", "0.0"]
    parent = subprocess.Popen(
        [sys.executable, "-c", starter, *program], stdin=reading, stdout=subprocess.PIPE, text=True
    )
    assert json.loads(parent.stdout.readline())["name"] == "start"  # now it waits for its input
    parent.kill()
    try:
        said, _ = parent.communicate(timeout=20)  # to the end of the last holder of the pipe
        assert said == ""
    finally:
        os.close(writing)
        os.close(reading)
