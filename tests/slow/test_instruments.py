"""The instruments with the real clock. A busy machine is told from a broken instrument.

Run with `-s` to see the figures. Where the machine was too noisy to say, the test is skipped with
what was seen: that is another outcome than passing.
"""

from __future__ import annotations

import copy
import statistics
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils import benchmark

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))
from cells import composed, small_setup

from harness import experiment, racing, serving
from harness.backbones import body as bodies
from harness.backbones.family import Specials
from harness.cells.view import parts_of
from harness.measure import samples
from harness.measure.samples import WarmUp
from harness.measure.stopwatch import Stopwatch
from harness.scenarios import Call, single_stream
from harness.statistics import timings

pytestmark = pytest.mark.slow
RULE = WarmUp()
SETTINGS = racing.Race(
    name="test", blocks=20, requests=10, texts=1, batch_size=8, batch_texts=2, batches=1,
    shape_tokens=32, shape_batches=[1], new_tokens=4, warm_up={}, warm_up_texts={},
    iterations=[], streaming=False,
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def served(tmp_path_factory, shared_cache):
    setup = small_setup(tmp_path_factory.mktemp("kept"), shared_cache, "model=bert", keep=True)
    experiment.execute(setup)
    return serving.tuned(setup)


def busy(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def quiet(wall: list[float], cpu: list[float]) -> None:
    share = sum(wall) / sum(cpu)
    if share > timings.FOREIGN_LOAD:
        pytest.skip(f"noisy: {share:.2f} wall seconds per process second")


@pytest.mark.parametrize("milliseconds", [1, 5, 20])
def test_planted_delays_are_recovered(milliseconds):
    planted = milliseconds / 1e3
    wall, cpu = samples.take([lambda: busy(planted)] * 50, Stopwatch())
    print(f"planted {milliseconds} ms: wall {statistics.median(wall):.6f} s")
    assert statistics.median(cpu) == pytest.approx(planted, rel=0.05, abs=0.0002)
    quiet(wall, cpu)
    assert statistics.median(wall) == pytest.approx(planted, rel=0.05, abs=0.0002)


def test_latency_grows_by_the_same_with_every_layer():
    backbone = parts_of(composed("model=bert")).backbone
    specials = Specials(0, 1, 2, 3, 4, 5, 6, 600)
    ids = torch.randint(7, 600, (1, 64))
    real = torch.ones_like(ids, dtype=torch.bool)
    layers, calls = [2, 4, 8, 16], []
    for count in layers:
        sizes = {**backbone.architecture, "num_hidden_layers": count, "hidden_size": 256}
        body = bodies.new_body(sizes, specials, 0, 0.0, 0.0).eval()
        calls.append(lambda b=body: bodies.forward(b, ids, real, backbone.allowed(real)))
    with torch.inference_mode():
        for call in calls:
            samples.warm_up(call, Stopwatch(), RULE)
        taken = [samples.take(calls, Stopwatch())[1] for _ in range(60)]  # interleaved
    medians = np.median(np.array(taken), axis=0)
    slope, start = np.polyfit(layers, medians, 1)
    left = medians - (start + slope * np.array(layers))
    print(f"layers {layers}: {medians * 1e3} ms, {slope * 1e3:.3f} ms a layer")
    assert slope > 0
    assert np.abs(left).max() < 0.05 * medians.max()


@dataclass(frozen=True)
class Slowed:
    """A scenario behind a delay that takes a share of the call's own time."""

    share: float
    name: str = "slowed"

    def fits(self, served) -> bool:
        return True

    def calls(self, served, examples):
        plain = single_stream.EndToEnd().calls(served, examples)
        if not getattr(served, "slow", False):
            return plain
        return [Call(lambda c=c: self.run(c), c.work) for c in plain]

    def run(self, call):
        begun = time.process_time()
        call.run()
        busy((time.process_time() - begun) * self.share)


@dataclass(frozen=True)
class Slow(serving.Served):
    slow: bool = True


def race(served, other, scenario):
    pair = racing.turns(scenario, "race", (served, other), SETTINGS, Stopwatch(), RULE)
    ratio = timings.block_ratio(*pair, timings.clock_of(pair, "cpu"))
    print(f"log ratio {ratio.log:+.4f} [{ratio.low:+.4f}, {ratio.high:+.4f}] {ratio.clock}")
    return ratio


def double(served):
    return replace(served, model=copy.deepcopy(served.model))


def test_a_model_ties_with_its_copy(served):
    gate = race(served, double(served), single_stream.EndToEnd())
    if not timings.passes(gate):
        again = race(served, double(served), single_stream.EndToEnd())
        if not timings.passes(again):
            pytest.skip(f"noisy: A/A {gate} and {again}")


def test_a_planted_factor_is_found(served):
    slow = Slow(**vars(double(served)))
    ratio = race(slow, served, Slowed(0.2))
    assert ratio.low > 0
    if not ratio.low <= np.log(1.2) <= ratio.high:
        pytest.skip(f"noisy: planted log 1.2 = {np.log(1.2):.4f}, seen {ratio}")
    assert ratio.log == pytest.approx(np.log(1.2), abs=0.03)


def test_beside_the_benchmark_of_torch(served):
    """Single-request latency, interleaved, in process time: within 5 %."""
    request = served.read(served.examples[:1])
    theirs = benchmark.Timer(
        "call()", globals={"call": lambda: served.answer(request)}, timer=time.process_time
    )
    samples.warm_up(lambda: served.answer(request), Stopwatch(), RULE)
    ratios = []
    for _ in range(10):
        _, cpu = samples.take([lambda: served.answer(request)] * 100, Stopwatch())
        ratios.append(statistics.fmean(cpu) / theirs.timeit(100).mean)
    print(f"ours over torch.utils.benchmark: {np.round(sorted(ratios), 3)}")
    assert statistics.median(ratios) == pytest.approx(1.0, abs=0.05)
