"""Statistics of timed samples against truths that were planted."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from measured import gate, lane, offline, rates, series, spread, texts

from harness.measurement import Series
from harness.statistics import timings
from harness.statistics.timings import PROCESS, WALL, Ratio

# --- percentiles --------------------------------------------------------------------------------


@pytest.mark.parametrize(("q", "count"), [(0.5, 40), (0.95, 400), (0.99, 1500)])
def test_percentile_intervals_cover_the_truth(q: float, count: int) -> None:
    rng = np.random.default_rng(3)
    truth = -math.log(1 - q)  # of an exponential distribution
    found = [timings.percentile(rng.exponential(size=count), q) for _ in range(500)]
    for missed in ([truth < one.low for one in found], [truth > one.high for one in found]):
        assert 0.004 <= np.mean(missed) <= 0.04  # 2.5 % a side, or less: ranks are whole numbers
    assert np.mean([one.value for one in found]) == pytest.approx(truth, rel=0.05)


@pytest.mark.parametrize(("slow", "p50", "p95", "p99"), [(20, 1, 1, 20), (100, 1, 20, 20)])
def test_bimodal_delays_give_the_right_percentiles(
    slow: int, p50: float, p95: float, p99: float
) -> None:
    rng = np.random.default_rng(0)
    delays = rng.permutation([20.0] * slow + [1.0] * (1000 - slow)) + rng.uniform(0, 0.01, 1000)
    for q, expected in ((0.50, p50), (0.95, p95), (0.99, p99)):
        assert timings.percentile(delays, q).value == pytest.approx(expected, abs=0.011)


@pytest.mark.parametrize(("q", "needed"), [(0.5, 20), (0.9, 100), (0.95, 200), (0.99, 1000)])
def test_percentiles_that_samples_cannot_carry_are_refused(q: float, needed: int) -> None:
    short = timings.percentile(np.arange(needed - 1), q)
    assert (short.value, short.low, short.high) == (None, None, None)
    assert (short.samples, short.needed) == (needed - 1, needed)
    long = timings.percentile(np.arange(needed), q)
    assert long.value == math.ceil(round(q * needed, 6)) - 1
    assert 0 <= long.low < long.value < long.high <= needed - 1


def test_order_of_samples_does_not_matter() -> None:
    samples = spread(1.0, 300, 0)
    assert timings.percentile(samples, 0.95) == timings.percentile(sorted(samples)[::-1], 0.95)


# --- throughput, tokens -------------------------------------------------------------------------


def test_rate_is_total_work_over_total_seconds() -> None:
    one = series("offline", [1.0] * 11 + [9.0], work={"examples": [10] * 11 + [10]})
    found = timings.rate(one, "examples", WALL)
    assert found.mean == pytest.approx(120 / 20)  # and not the mean of rates, 9.26
    assert found.low < 6.0 < found.high


def test_rate_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(1)
    covered = []
    for _ in range(400):
        work = rng.integers(10, 40, 30)
        taken = work / 200.0 * rng.gamma(25.0, 1 / 25.0, 30)
        found = timings.rate(series("o", taken, work={"words": work.tolist()}), "words", WALL)
        covered.append(found.low <= 200.0 <= found.high)
    assert 0.91 <= np.mean(covered) <= 0.98


def test_rate_of_what_was_not_counted_is_none() -> None:
    assert timings.rate(offline(8, 100.0), "steps", WALL) is None
    assert timings.rate(replace(offline(8, 100.0), wall_seconds=[0.0] * 12), "words", WALL) is None


def test_rate_on_process_seconds() -> None:
    one = series("offline", [2.0] * 12, load=2.0, work={"examples": list(range(1, 13))})
    fast, slow = (timings.rate(one, "examples", clock) for clock in (PROCESS, WALL))
    assert fast.mean == pytest.approx(2 * slow.mean)


def test_seconds_per_further_token() -> None:
    _, first, whole = texts("natural", [1, 2, 11], first=0.010, each=0.003)
    assert timings.per_token(first, whole, WALL).tolist() == pytest.approx([0.003, 0.003])
    fewer = replace(first, wall_seconds=first.wall_seconds[:2])
    assert timings.per_token(fewer, whole, WALL).size == 0


# --- ratios of two that took turns --------------------------------------------------------------


def ratio(sides: list[Series], clock: str = WALL) -> Ratio:
    found = timings.block_ratio(*sides, clock)
    assert found is not None
    return found


def test_a_planted_ratio_is_recovered_and_a_tie_is_a_tie() -> None:
    slower = ratio(lane("x", (0.0024, 0.0020)))
    assert math.exp(slower.log) == pytest.approx(1.2, rel=0.01)
    assert slower.low <= math.log(1.2) <= slower.high
    assert slower.low > 0
    assert (slower.blocks, slower.clock, slower.left_out) == (10, WALL, 0)
    tie = ratio(gate("x"))
    assert tie.low <= 0 <= tie.high
    assert timings.passes(tie)


def test_ratio_intervals_cover_the_truth() -> None:
    found = [ratio(lane("x", (1.2, 1.0), noise=0.1, seed=s, blocks=8)) for s in range(400)]
    covered = np.mean([one.low <= math.log(1.2) <= one.high for one in found])
    assert 0.92 <= covered <= 0.98


def test_drift_that_both_meet_does_not_move_the_ratio() -> None:
    steady, drifting = (
        ratio(lane("x", (1.2, 1.0), drift=drift)) for drift in (None, np.linspace(1, 3, 10))
    )
    assert drifting.log == pytest.approx(steady.log, abs=1e-9)
    assert drifting.high - drifting.low == pytest.approx(steady.high - steady.low, abs=1e-9)


def test_a_drift_within_blocks_cancels_in_turns_of_abba() -> None:
    a, b, now = [], [], 1.0
    for block in range(6):
        for side in (a, b, b, a):
            side.append((now * (1.2 if side is a else 1.0), block))
            now += 0.05
    sides = [
        series("x", [seconds for seconds, _ in side], blocks=[block for _, block in side])
        for side in (a, b)
    ]
    assert ratio(sides).log == pytest.approx(math.log(1.2), abs=1e-9)


def test_four_blocks_are_too_few() -> None:
    assert timings.block_ratio(*lane("x", (1.2, 1.0), blocks=4), WALL) is None
    assert timings.block_ratio(*lane("x", (1.2, 1.0), blocks=5), WALL) is not None
    no_blocks = [replace(one, blocks=()) for one in lane("x", (1.2, 1.0))]
    assert timings.block_ratio(*no_blocks, WALL) is None


def test_blocks_with_unequal_calls_are_left_out_and_counted() -> None:
    a, b = lane("x", (1.2, 1.0))
    blocks = [9 if block == 3 else block for block in b.blocks]
    found = ratio([a, replace(b, blocks=blocks)])
    assert (found.blocks, found.left_out) == (8, 2)
    assert math.exp(found.log) == pytest.approx(1.2, rel=0.01)


# --- the clock ----------------------------------------------------------------------------------


def test_foreign_load_in_one_block_asks_for_process_seconds() -> None:
    quiet = lane("x", (1.0, 1.0), load=[1.05] * 10)
    busy = lane("x", (1.0, 1.0), load=[1.0] * 9 + [1.5])
    assert timings.clock_of(quiet, "cpu") == WALL
    assert timings.clock_of(busy, "cpu") == PROCESS
    assert timings.clock_of([*quiet, *busy], "cpu") == PROCESS
    assert timings.clock_of(busy, "cuda:0") == WALL


def test_waiting_by_design_is_no_foreign_load() -> None:
    assert timings.clock_of(rates(0, {10.0: True}), "cpu") == WALL
    assert timings.clock_of([series("single stream/model", [1.0], load=2.0)], "cpu") == PROCESS
    no_clock = replace(series("x", [1.0]), cpu_seconds=[0.0])
    assert timings.load_share(no_clock) is None
    assert timings.clock_of([no_clock], "cpu") == WALL


def test_load_on_one_side_moves_wall_time_alone() -> None:
    a, b = lane("x", (1.2, 1.0))[0], lane("x", (1.2, 1.0), load=[1.6] * 10)[1]
    clock = timings.clock_of([a, b], "cpu")
    assert math.exp(ratio([a, b], clock).log) == pytest.approx(1.2, rel=0.01)
    assert math.exp(ratio([a, b], WALL).log) == pytest.approx(0.75, rel=0.01)
    assert timings.load_share(b) == pytest.approx(1.6)


# --- gate and verdict ---------------------------------------------------------------------------


def told(middle: float, low: float, high: float) -> Ratio:
    return Ratio(math.log(middle), math.log(low), math.log(high), 10, WALL)


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        (told(1.00, 0.99, 1.01), True),
        (told(1.019, 0.99, 1.05), True),
        (told(0.97, 0.93, 1.01), False),  # too far apart, though the interval holds 1
        (told(1.03, 0.99, 1.07), False),
        (told(1.01, 1.005, 1.015), True),  # surely less than 2 %
        (told(1.015, 1.005, 1.025), False),  # not 1, and perhaps more than 2 %
        (told(0.985, 0.975, 0.995), False),
        (None, False),
    ],
)
def test_gate(found: Ratio | None, passed: bool) -> None:
    assert timings.passes(found) is passed


TIE = told(1.0, 0.99, 1.01)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (told(0.80, 0.78, 0.82), "GPT faster by a factor of 1.25"),
        (told(1.20, 1.15, 1.25), "BERT faster by a factor of 1.20"),
        (told(1.08, 1.02, 1.15), "BERT faster by a factor of 1.08"),
        (told(1.05, 1.03, 1.07), "equivalent within 10 %"),
        (told(1.00, 0.95, 1.05), "equivalent within 10 %"),
        (told(0.95, 0.85, 1.06), "undetermined: difference smaller than noise"),
        (told(1.05, 0.95, 1.16), "undetermined: difference smaller than noise"),
        (None, "undetermined: fewer than 5 blocks"),
    ],
)
def test_verdicts(found: Ratio | None, words: str) -> None:
    assert timings.verdict(found, TIE) == words
    assert timings.verdict(found, None) == "noisy: undetermined"
    assert timings.verdict(found, told(1.04, 0.98, 1.1)) == "noisy: undetermined"


def test_the_margin_can_be_set() -> None:
    found = told(1.10, 1.05, 1.15)
    assert timings.verdict(found, TIE, margin=0.2) == "equivalent within 20 %"
    assert timings.verdict(found, TIE) == "BERT faster by a factor of 1.10"


# --- servers ------------------------------------------------------------------------------------


def test_capacity_is_read_from_the_latencies() -> None:
    tried = rates(0, {10.0: True, 80.0: False, 40.0: True, 60.0: False})
    assert timings.capacity(tried) == (40.0, 60.0)
    assert timings.capacity(tried[:1]) == (10.0, None)
    assert timings.capacity([]) == (None, None)
    late = replace(tried[0], wall_seconds=[0.01] * 189 + [0.06] * 11)  # 5.5 % beyond the bound
    assert timings.capacity([late]) == (None, 10.0)
    given_up = replace(tried[0], shape={**tried[0].shape, "within": False})
    assert timings.capacity([given_up]) == (None, 10.0)
    assert timings.capacity([replace(tried[0], shape={"rate_per_second": "fast"})]) == (None, None)
