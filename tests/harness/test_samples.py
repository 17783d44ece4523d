"""Timing with a clock that is ours: what was planted comes out."""

import gc
import itertools

import pytest
from clocks import Clock

from harness.measure import samples
from harness.measure.samples import WarmUp
from harness.measure.stopwatch import Reading


@pytest.mark.parametrize("seconds", [0.001, 0.005, 0.020])
def test_a_planted_delay_is_recovered(seconds):
    clock = Clock(busy=0.5)
    wall, cpu = samples.take([lambda: clock.work(seconds)] * 30, clock.stopwatch())
    assert cpu == pytest.approx([seconds] * 30)
    assert wall == pytest.approx([1.5 * seconds] * 30)


def test_samples_keep_their_order():
    clock = Clock()
    delays = [0.001, 0.1, 0.002]
    calls = [lambda s=s: clock.work(s) for s in delays]
    assert samples.take(calls, clock.stopwatch())[0] == pytest.approx(delays)


def test_the_device_is_waited_for_before_each_reading():
    clock, queued = Clock(), []

    def synchronize():
        while queued:
            clock.work(queued.pop())

    watch = clock.stopwatch()
    eager = samples.once(lambda: queued.append(0.25), watch)
    queued.clear()
    waiting = type(watch)(wall=watch.wall, cpu=watch.cpu, synchronize=synchronize)
    assert eager == Reading(0.0, 0.0)
    assert samples.once(lambda: queued.append(0.25), waiting).wall == pytest.approx(0.25)


def test_warm_up_goes_on_until_times_are_steady():
    clock = Clock()
    times = itertools.chain([0.5 / (n + 1) for n in range(40)], itertools.repeat(0.01))
    warmed = samples.warm_up(lambda: clock.work(next(times)), clock.stopwatch(), WarmUp())
    assert warmed.steady
    assert warmed.calls >= 40


def test_warm_up_gives_up_and_says_so():
    clock, times = Clock(), itertools.cycle([0.01, 0.05])
    warmed = samples.warm_up(lambda: clock.work(next(times)), clock.stopwatch(), WarmUp(most=60))
    assert warmed == (60, False)


def test_steadiness_is_blind_to_other_programs_unless_the_work_is_elsewhere():
    clock = Clock()
    noise = itertools.cycle([0.0, 0.3])

    def call():
        clock.work(0.01)
        clock.wall += next(noise)

    assert samples.warm_up(call, clock.stopwatch(), WarmUp(most=60)).steady
    assert not samples.warm_up(call, clock.stopwatch(on_device=True), WarmUp(most=60)).steady


def test_no_garbage_is_collected_while_the_clock_runs():
    with samples.no_garbage_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
