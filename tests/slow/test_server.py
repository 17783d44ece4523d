"""A stall on a real clock. Where the machine itself stalls, the outcome is noisy, not wrong."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from harness.contracts import Example
from harness.measure import arrivals
from harness.measure.stopwatch import Stopwatch
from harness.scenarios import server

SERVICE, STALL, RATE, REQUESTS = 0.002, 0.2, 200, 1000
EXAMPLES = [Example("0", ("word",), 0)]
NOISY = 0.03  # seconds; a p99 that no queue at this load explains


def model(stalled_at=None):
    """Sleeps for its answer, and once for much longer."""
    count = iter(range(REQUESTS))

    def answer(_):
        time.sleep(SERVICE + (STALL if next(count) == stalled_at else 0))

    return SimpleNamespace(read=lambda examples: examples, answer=answer)


def p99(seconds):
    return float(np.quantile(seconds, 0.99))


@pytest.mark.slow
def test_a_stall_of_a_real_clock_shows_under_load_alone():
    stopwatch = Stopwatch()
    gaps = np.random.default_rng(0).standard_exponential(REQUESTS)

    def under_load(stalled_at):
        replies = server.trial(model(stalled_at), EXAMPLES, gaps, RATE, stopwatch)
        late = [reply.late for reply in replies if reply.late is not None]
        return p99([reply.latency for reply in replies]), p99(late)

    stalled = model(REQUESTS // 2)
    alone = arrivals.closed([lambda: stalled.answer(None)] * REQUESTS, stopwatch)
    smooth, late = under_load(None)
    shown, _ = under_load(REQUESTS // 2)
    if max(smooth, p99(alone), late) > NOISY:
        pytest.skip(
            f"noisy: without a stall the p99 is {smooth * 1e3:.1f} ms under load, "
            f"{p99(alone) * 1e3:.1f} ms in a closed loop, and arrivals are {late * 1e3:.1f} ms late"
        )
    assert max(alone) > STALL  # it was there,
    assert p99(alone) < NOISY  # and hid
    assert shown > STALL / 2
