"""What a probe decides for itself: which batches its energy is read of."""

from types import SimpleNamespace

import pytest
from cells import composed
from clocks import Clock

from harness import probing
from harness.contracts import Example
from harness.measure.nvml import Gpu
from harness.measurement import Series
from harness.planning.configuration import build

EXAMPLES = [Example(id="0", words=("a",) * 4, target=None) for _ in range(64)]
SERVED = SimpleNamespace(
    examples=EXAMPLES,
    read=lambda examples: SimpleNamespace(work={"examples": len(examples)}),
    answer=lambda _: None,
)
GPU = Gpu(None, None)


@pytest.fixture
def windows(monkeypatch):
    """Names of the windows of energy that were read, and their calls."""
    found = []
    monkeypatch.setattr(
        probing.energy, "measure", lambda name, calls, *_: found.append((name, calls))
    )
    return found


def batches(size):
    return Series("offline", 0, [0.1], [0.1], {"examples": [size]}, shape={"batch_size": size})


def test_energy_is_read_of_batches_that_were_timed(windows):
    """The settings go on to 128, which brought no more or did not fit into memory."""
    settings = build(composed("probe=quick")["probe"], "probe")
    series = [Series("single stream/model", 0, [0.1], [0.1]), batches(8), batches(32)]
    probing._energy(SERVED, settings, series, Clock().stopwatch(), GPU)
    ((name, calls),) = windows
    assert name == "offline, batches of 32"
    assert {call.work["examples"] for call in calls} == {32}


def test_no_energy_where_no_batch_fitted(windows):
    settings = build(composed("probe=quick")["probe"], "probe")
    told = probing._energy(SERVED, settings, [], Clock().stopwatch(), GPU)
    assert "no batch fitted" in told
    assert not windows
