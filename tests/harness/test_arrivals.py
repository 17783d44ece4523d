"""Open-loop load on a clock that calls advance: stalls, queues, the schedule, the search."""

import gc
import json
import math
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

from harness.contracts import Example, InputError
from harness.measure import arrivals
from harness.measure.stopwatch import Stopwatch
from harness.scenarios import server
from harness.scenarios.server import Server

SERVICE = 0.01


@pytest.fixture(autouse=True, scope="module")
def quick_collection():
    """Every loop collects garbage first; what other tests left need not be looked through."""
    gc.freeze()
    yield
    gc.unfreeze()


class Clock:
    """Time that passes where it is told to; sleep may oversleep, and costs no process time."""

    def __init__(self, start=0.0, oversleeps=0.0):
        self.wall, self.cpu, self.oversleeps = start, 0.0, oversleeps

    def work(self, seconds):
        self.wall += seconds
        self.cpu += seconds

    def sleep(self, seconds):
        assert seconds > 0
        self.wall += seconds + self.oversleeps

    def stopwatch(self):
        return Stopwatch(lambda: self.wall, lambda: self.cpu, lambda: None, self.sleep)


def calls(clock, services):
    return [lambda s=s: clock.work(s) for s in services]


def latencies(replies):
    return np.array([reply.latency for reply in replies])


def load(rate, services, seed=0):
    """Latencies under Poisson arrivals."""
    clock, rng = Clock(), np.random.default_rng(seed)
    schedule = arrivals.poisson(rate, len(services), rng).tolist()
    return latencies(arrivals.serve(calls(clock, services), schedule, clock.stopwatch()))


# --- the loop ---


def test_a_small_case_by_hand():
    clock = Clock(start=100.0)
    replies = arrivals.serve(calls(clock, [2, 1, 1, 3]), [1, 1.5, 10, 11], clock.stopwatch())
    assert [reply.latency for reply in replies] == [2, 2.5, 1, 3]
    assert [reply.service.wall for reply in replies] == [2, 1, 1, 3]
    assert [reply.service.cpu for reply in replies] == [2, 1, 1, 3]
    # the last one comes just as the server falls idle: nothing was waited for
    assert [reply.late for reply in replies] == [0, None, 0, None]


@pytest.mark.parametrize("start", [0.0, 98_765.4321])
def test_a_perfect_sleep_is_never_late(start):
    clock = Clock(start)
    schedule = arrivals.poisson(20, 2000, np.random.default_rng(0)).tolist()
    replies = arrivals.serve(calls(clock, [SERVICE] * 2000), schedule, clock.stopwatch())
    late = [reply.late for reply in replies if reply.late is not None]
    assert late == [0.0] * len(late)
    # an arrival finds an idle server with probability 1 - rho = .8; 5 standard errors are .045
    assert len(late) / 2000 == pytest.approx(0.8, abs=0.05)


def test_a_sloppy_sleep_is_seen_and_counts_as_latency():
    clock = Clock(oversleeps=0.003)
    replies = arrivals.serve(calls(clock, [1, 1, 1]), [1, 5, 5.5], clock.stopwatch())
    assert [reply.late for reply in replies] == [pytest.approx(0.003), pytest.approx(0.003), None]
    assert latencies(replies) == pytest.approx([1.003, 1.003, 1.503])


def test_a_call_without_a_time_is_refused():
    clock = Clock()
    with pytest.raises(ValueError, match="zip"):
        arrivals.serve(calls(clock, [1, 1]), [1], clock.stopwatch())


def test_a_stall_shows_under_load_and_hides_in_a_closed_loop():
    """At 50 a second, 50 requests come in a stall of 1 s and about as many while it is made up."""
    smooth, stalled = [SERVICE] * 2000, [SERVICE] * 2000
    stalled[1000] += 1.0
    clock = Clock()
    alone = arrivals.closed(calls(clock, stalled), clock.stopwatch())
    assert max(alone) == pytest.approx(1 + SERVICE)
    assert np.quantile(alone, 0.99) == pytest.approx(SERVICE)
    assert np.quantile(load(50, smooth), 0.99) < 0.06
    under_load = load(50, stalled)
    assert np.quantile(under_load, 0.99) > 0.6
    assert 60 < np.sum(under_load > 0.1) < 140


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.8])
def test_mean_wait_is_that_of_theory(rho):
    """M/D/1: rho * s / (2 * (1 - rho)) (Pollaczek-Khinchine).

    Batch means: a queue forgets its past within about s / (1 - sqrt(rho))^2, 90 services here at
    most (M/M/1's time; less where service is constant), so means of 4,000 requests are as good as
    independent. Their mean must lie within 4 standard errors, which must themselves be small.
    """
    waits = load(rho / SERVICE, [SERVICE] * 160_000) - SERVICE
    means = waits.reshape(40, -1).mean(1)
    theory = rho * SERVICE / (2 * (1 - rho))
    error = means.std(ddof=1) / math.sqrt(len(means))
    assert error < 0.03 * theory
    assert abs(waits.mean() - theory) < 4 * error


# --- the schedule ---


def test_arrivals_are_poisson():
    times = arrivals.poisson(250, 100_000, np.random.default_rng(0))
    gaps = np.diff(times, prepend=0)
    assert (gaps > 0).all()
    # standard error of the mean of exponential gaps: 1 / (rate * sqrt(n)), .3 %; 4 of them
    assert gaps.mean() == pytest.approx(1 / 250, rel=0.0127)
    assert gaps.std() == pytest.approx(1 / 250, rel=0.02)
    counts = np.bincount(times.astype(int))[:-1]
    assert counts.var() / counts.mean() == pytest.approx(1, abs=0.3)  # 4 x sqrt(2 / 400)


def test_the_same_pattern_at_every_rate():
    slow, fast = (arrivals.poisson(rate, 50, np.random.default_rng(7)) for rate in (10, 40))
    assert slow == pytest.approx(4 * fast)


# --- the search ---


def test_the_limit_of_theory_is_found():
    """M/M/1: latencies are exponential with rate mu - r, so the limit is mu + ln(1 - u) / bound.

    u = .9895 is where the 990th of 1,000 grid points lies, the last that must be within.
    """
    mu, bound = 100.0, 0.1
    grid = (np.arange(1000) + 0.5) / 1000
    found = arrivals.highest_rate(
        lambda rate: -np.log(1 - grid) / (mu - rate), bound, 0.99, 10.0, 90.0, 12
    )
    limit = mu + math.log(1 - 0.9895) / bound
    assert found.passed <= limit < found.failed
    assert found.failed / found.passed == pytest.approx(9 ** (1 / 2**12))
    assert len(found.tries) == 14
    assert [one.rate for one in found.tries[:3]] == [10, 90, pytest.approx(30)]
    assert found.passed == max(one.rate for one in found.tries if one.within)
    assert found.failed == min(one.rate for one in found.tries if not one.within)


def test_limits_outside_are_said_to_be_outside():
    never = arrivals.highest_rate(lambda _: [2.0], 1.0, 0.9, 1.0, 8.0, 5)
    assert never[:2] == (None, 1.0)
    assert [one.rate for one in never.tries] == [1.0]
    always = arrivals.highest_rate(lambda _: [0.5], 1.0, 0.9, 1.0, 8.0, 5)
    assert always[:2] == (8.0, None)
    assert [one.rate for one in always.tries] == [1.0, 8.0]


def test_exactly_the_share_that_is_asked_for():
    for quantile, requests in ((0.9, 100), (0.95, 200), (0.99, 1000), (0.99, 3000)):
        beyond = round(requests * (1 - quantile))
        fast, slow = [1.0] * (requests - beyond), [3.0] * beyond
        assert arrivals.within([*slow, *fast], 1.0, quantile)
        assert not arrivals.within([*slow, *fast[1:], 3.0], 1.0, quantile)


# --- a model under load ---

SETTINGS = Server(requests=200, bound_seconds=0.05, quantile=0.95, steps=6)
EXAMPLES = [Example(str(n), ("word",) * n, 0) for n in (1, 2, 3)]


def model(clock, seconds=SERVICE):
    """Answers in `seconds` a word, a tenth of which goes to reading; remembers whom it served."""
    seen = []

    def read(examples):
        clock.work(0.1 * seconds * len(examples[0].words))
        return examples

    def answer(request):
        clock.work(0.9 * seconds * len(request[0].words))
        seen.extend(one.id for one in request)

    return SimpleNamespace(read=read, answer=answer, seen=seen)


def test_requests_come_in_turn_and_end_to_end():
    clock = Clock()
    served = model(clock)
    replies = server.trial(served, EXAMPLES, np.ones(5), 2.0, clock.stopwatch())
    assert served.seen == ["1", "2", "3", "1", "2"]
    assert latencies(replies) == pytest.approx([0.01, 0.02, 0.03, 0.01, 0.02])
    assert clock.wall == pytest.approx(2.5 + 0.02)


def load_test(seconds=SERVICE, settings=SETTINGS, seed=0):
    clock = Clock()
    rng = np.random.default_rng(seed)
    tried = server.load_test(model(clock, seconds), EXAMPLES[:1], settings, clock.stopwatch(), rng)
    return tried, {one.shape["rate_per_second"]: one for one in tried}


def test_a_load_test_keeps_every_try():
    tried, by_rate = load_test()
    assert len(tried) == len(by_rate) == 2 + SETTINGS.steps
    assert [one.shape["rate_per_second"] for one in tried[:2]] == pytest.approx([10, 120])
    for one in tried:
        assert one.name == "server-like/rate"
        assert len(one.wall_seconds) == len(one.cpu_seconds) == SETTINGS.requests
        assert one.cpu_seconds == pytest.approx([SERVICE] * SETTINGS.requests)
        assert one.steady
        assert one.warm_up == 20
        slowest = sorted(one.wall_seconds)[round(0.95 * SETTINGS.requests) - 1]
        assert one.shape["within"] == (slowest <= 0.05)
        assert set(one.shape["late_seconds"]) <= {0.0}
    assert any(one.shape["late_seconds"] for one in tried)
    assert json.loads(json.dumps([asdict(one) for one in tried], allow_nan=False))


def test_the_rate_that_is_found_is_the_limit_of_the_queue():
    """Against a queue of its own: w' = max(0, w + s - gap / rate) (Lindley's recursion)."""
    tried, _ = load_test()
    gaps = np.random.default_rng(0).standard_exponential(SETTINGS.requests)

    def fits(rate):
        wait, slow = 0.0, 0
        for number, gap in enumerate(gaps):
            wait = max(0.0, wait + SERVICE - gap / rate) if number else 0.0
            slow += wait + SERVICE > 0.05
        return slow <= 10

    assert [one.shape["within"] for one in tried] == [
        fits(one.shape["rate_per_second"]) for one in tried
    ]
    passed = max(one.shape["rate_per_second"] for one in tried if one.shape["within"])
    failed = min(one.shape["rate_per_second"] for one in tried if not one.shape["within"])
    assert failed / passed == pytest.approx(12 ** (1 / 2**6))
    assert 30 < passed < 100


def test_both_models_of_a_race_get_the_same_arrivals():
    """A model twice as slow, under twice the bound, behaves alike at half the rates."""
    one, _ = load_test()
    other, _ = load_test(2 * SERVICE, replace(SETTINGS, bound_seconds=0.1))
    assert [2 * b.shape["rate_per_second"] for b in other] == pytest.approx(
        [a.shape["rate_per_second"] for a in one]
    )
    for a, b in zip(one, other, strict=True):
        assert b.wall_seconds == pytest.approx([2 * wall for wall in a.wall_seconds])
    elsewhere, _ = load_test(seed=1)
    assert elsewhere[0].wall_seconds != one[0].wall_seconds


def test_a_model_that_is_too_slow_has_no_rate():
    tried, _ = load_test(seconds=0.06)
    assert [one.shape["within"] for one in tried] == [False]


@pytest.mark.parametrize(("quantile", "needed"), [(0.9, 100), (0.95, 200), (0.99, 1000)])
def test_a_quantile_needs_requests_beyond_it(quantile, needed):
    Server(needed, 0.05, quantile, 6)
    with pytest.raises(InputError, match=rf"server\.requests={needed - 1}.* {needed} requests"):
        Server(needed - 1, 0.05, quantile, 6)


@pytest.mark.parametrize(
    ("key", "value"), [("bound_seconds", 0), ("quantile", 1.0), ("quantile", 0), ("steps", -1)]
)
def test_settings_that_make_no_sense_name_their_key(key, value):
    with pytest.raises(InputError, match=rf"server\.{key}={value}"):
        replace(SETTINGS, **{key: value})


def test_no_rate_counts_as_borne_that_gives_more_work_than_time():
    """A bound so wide that no queue of this short trial breaks it: the rate is not sustained."""
    tried, _ = load_test(settings=replace(SETTINGS, bound_seconds=1e6))
    borne = [one.shape["rate_per_second"] for one in tried if one.shape["within"]]
    assert borne
    assert max(borne) <= 1.001 / SERVICE
    assert any(one.shape["rate_per_second"] > 1.1 / SERVICE for one in tried)
