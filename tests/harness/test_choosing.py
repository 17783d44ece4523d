"""The rule that chooses, what would change its choice, and how sure it is; on numbers alone."""

import math
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from harness import metrics
from harness.comparing import resampling
from harness.comparing.choosing import (
    EDGE,
    FITS,
    MISSES,
    UNKNOWN,
    Figures,
    Limit,
    Pick,
    Terms,
    figures,
    fit,
    limit_steps,
    margin_steps,
    pick,
    standing,
    without,
)
from harness.comparing.costs import ENERGY, MEMORY, MONEY, P50, P95, TIME, TRAINING, Cost
from harness.comparing.resampling import confidence
from harness.comparing.tradeoffs import Lead, Lineup
from harness.statistics import stats
from harness.statistics.stats import Estimate
from harness.statistics.timings import Ratio

ORDER = (P95, MEMORY)
NAN = math.nan


def known(quality, p95, memory, reach=0.01, by=0.1, races=()):
    """Candidates with costs that have intervals; every difference in quality has one reach."""
    quality = np.array(quality, float)
    values = {P95: np.array(p95, float), MEMORY: np.array(memory, float)}
    ratios = {k: np.log(v[:, None] / v[None, :]) for k, v in values.items()}
    for (i, j), log in dict(races).items():
        ratios[P95][i, j], ratios[P95][j, i] = log, -log
    return Figures(
        quality,
        quality[:, None] - quality[None, :],
        np.full((len(quality), len(quality)), reach),
        values,
        {k: v * (1 - by) for k, v in values.items()},
        {k: v * (1 + by) for k, v in values.items()},
        ratios,
    )


def asked(*limits, margin=0.02, order=ORDER):
    return Terms(limits, order, margin, 1.1)


TWO = known([0.9, 0.7], [20, 10], [100, 100])
"""The better one is twice as slow."""


# --- what fits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "said"), [(22, FITS), (21.9, EDGE), (18, EDGE), (17.9, MISSES)], ids=str
)
def test_a_limit_is_kept_surely_perhaps_or_surely_not(most, said):
    assert fit(TWO, Limit(P95, most))[0] == said


def test_what_is_not_known_does_not_fit():
    found = known([0.9, 0.7], [NAN, 10], [100, 100])
    assert fit(found, Limit(P95, 1000)).tolist() == [UNKNOWN, FITS]
    assert pick(found, asked(Limit(P95, 1000))).place == 1
    assert pick(found, asked(Limit(MEMORY, 1000))).place == 0


def test_the_worst_limit_counts():
    limits = [Limit(P95, 12), Limit(MEMORY, 105)]
    assert standing(TWO, limits).tolist() == [MISSES, EDGE]
    assert standing(TWO, []).tolist() == [FITS, FITS]


# --- who is taken -------------------------------------------------------------------------------


def test_the_best_that_fits():
    assert pick(TWO, asked()) == Pick(0, False, 0, (0,), None)
    assert pick(TWO, asked(Limit(P95, 22))).place == 0
    assert pick(TWO, asked(Limit(P95, 21))) == Pick(1, False, 1, (1,), None)
    assert pick(TWO, asked(Limit(P95, 8))) == Pick(None)


def test_at_the_edge_only_where_none_surely_fits():
    assert pick(TWO, asked(Limit(P95, 10.5))) == Pick(1, True, 1, (1,), None)
    assert not pick(TWO, asked(Limit(P95, 19))).edge  # the slower one is, the faster one fits


def test_of_alike_quality_the_cheaper():
    near = known([0.9, 0.88], [20, 10], [100, 200])
    assert pick(near, asked()) == Pick(1, False, 0, (0, 1), P95)
    assert pick(near, asked(order=[MEMORY, P95])) == Pick(0, False, 0, (0, 1), MEMORY)
    assert pick(near, asked(margin=0.005)).place == 0  # .02 - .01 is more than .005


def test_not_separable_is_alike():
    unsure = known([0.9, 0.7], [20, 10], [100, 100], reach=0.3)
    assert pick(unsure, asked()) == Pick(1, False, 0, (0, 1), P95)


def test_the_least_lead_at_the_margin_is_not_beyond_it():
    exact = known([0.75, 0.5], [20, 10], [100, 100], reach=0.0)
    assert pick(exact, asked(margin=0.25)).place == 1
    assert pick(exact, asked(margin=0.249)).place == 0


def test_alike_in_cost_too_the_higher_mean():
    near = known([0.9, 0.88], [10.5, 10], [100, 104])
    assert pick(near, asked()) == Pick(0, False, 0, (0, 1), None)


def test_the_next_cost_decides_where_the_first_is_alike():
    near = known([0.9, 0.88], [10.5, 10], [300, 100])
    assert pick(near, asked()) == Pick(1, False, 0, (0, 1), MEMORY)


def test_a_race_decides_against_the_figures():
    raced = known([0.9, 0.89], [20, 10], [100, 100], races={(0, 1): -0.5})
    assert pick(raced, asked()).place == 0


def test_three_in_a_circle_are_all_kept():
    circle = {(0, 1): 1.0, (1, 2): 1.0, (2, 0): 1.0}
    found = known([0.90, 0.89, 0.88], [10, 10, 10], [300, 200, 100], races=circle)
    assert pick(found, asked()) == Pick(2, False, 0, (0, 1, 2), MEMORY)


def test_who_cannot_be_compared_is_not_alike():
    found = known([0.9, 0.7], [20, 10], [100, 100])
    leads = found.leads.copy()
    leads[0, 1] = leads[1, 0] = NAN
    assert pick(replace(found, leads=leads), asked()).alike == (0,)


# --- what would change it -----------------------------------------------------------------------


def test_limits_at_which_the_choice_changes():
    steps = limit_steps(TWO, asked(Limit(P95, 30)), P95)
    told = [(round(s.low, 6), round(s.high, 6), s.pick.place, s.pick.edge) for s in steps]
    assert told == [
        (0, 9, None, False),
        (9, 11, 1, True),
        (11, 22, 1, False),
        (22, math.inf, 0, False),
    ]


def test_other_limits_stay():
    tight = asked(Limit(P95, 30), Limit(MEMORY, 95))
    assert [s.taken for s in limit_steps(TWO, tight, P95)] == [
        (None, False),
        (1, True),
        (0, True),
    ]
    assert without(tight, P95).limits == [Limit(MEMORY, 95)]
    assert without(tight, P95).order == ORDER


def some(rng, count=4):
    quality = rng.uniform(0.5, 0.9, count)
    found = known(quality, rng.uniform(5, 20, count), rng.uniform(50, 200, count), by=0.15)
    reach = rng.uniform(0.0, 0.15, (count, count))
    holes = {k: v.copy() for k, v in found.values.items()}
    lows, highs = ({k: v.copy() for k, v in side.items()} for side in (found.lows, found.highs))
    at = rng.integers(count)
    for side in (holes, lows, highs):
        side[MEMORY][at] = NAN
    return replace(found, reach=(reach + reach.T) / 2, values=holes, lows=lows, highs=highs)


@pytest.mark.parametrize("seed", range(20))
def test_steps_say_what_the_rule_says_everywhere(seed):
    rng = np.random.default_rng(seed)
    found = some(rng)
    terms = asked(Limit(P95, rng.uniform(5, 25)), Limit(MEMORY, rng.uniform(60, 220)))
    for kind, highest in ((P95, 25), (MEMORY, 240)):
        steps = limit_steps(found, terms, kind)
        assert [s.low for s in steps[1:]] == [s.high for s in steps[:-1]]
        assert (steps[0].low, steps[-1].high) == (0.0, math.inf)
        assert all(a.taken != b.taken for a, b in pairwise(steps))
        edges = [s.low for s in steps]
        for most in [*rng.uniform(0, highest, 40), *edges[1:]]:
            limits = [Limit(kind, most) if one.kind == kind else one for one in terms.limits]
            now = pick(found, replace(terms, limits=limits))
            (step,) = (s for s in steps if s.low <= most < s.high)
            assert step.taken == (now.place, now.edge)


@pytest.mark.parametrize("seed", range(20))
def test_margins_say_what_the_rule_says_everywhere(seed):
    rng = np.random.default_rng(seed)
    found, terms = some(rng), asked(Limit(P95, rng.uniform(12, 25)))
    steps = margin_steps(found, terms)
    for margin in [*rng.uniform(0, 0.5, 40), *(s.low for s in steps)]:
        now = pick(found, replace(terms, margin=margin))
        (step,) = (s for s in steps if s.low <= margin < s.high)
        assert step.taken == (now.place, now.edge)


def test_a_wider_margin_takes_the_cheaper():
    steps = margin_steps(TWO, asked())
    assert [(round(s.low, 6), s.pick.place) for s in steps] == [(0, 0), (0.19, 1)]


# --- how sure -----------------------------------------------------------------------------------


def arm(values, seeds=None, name="accuracy"):
    """An arm of which these scores are known, runs x examples."""
    matrix = np.asarray(values, float)
    found = stats.mean_interval(matrix)
    return SimpleNamespace(
        values=matrix,
        seeds=tuple(range(len(matrix)) if seeds is None else seeds),
        headline=metrics.meter(name),
        scores=(SimpleNamespace(estimate=found),),
    )


def spend(p95=10.0, by=0.1):
    costs = {P50: Cost(), P95: Cost(p95, p95 / (1 + by), p95 * (1 + by))}
    costs |= {MEMORY: Cost(100.0, 100.0, 100.0), TIME: Cost(), ENERGY: Cost(), TRAINING: Cost()}
    return costs | {MONEY: Cost()}


def lined(*pairs, leads=None, races=()):
    """Arms with costs; leads as they are, with a reach of 0, unless given."""
    candidates = [SimpleNamespace(arm=one, costs=costs) for one, costs in pairs]
    made = {}
    for i, (one, _) in enumerate(pairs):
        for j, (other, _) in enumerate(pairs):
            shared = [s for s in one.seeds if s in other.seeds]
            if i != j and shared:
                ours, theirs = ([a.seeds.index(s) for s in shared] for a in (one, other))
                mean = float((one.values[ours] - other.values[theirs]).mean())
                mean = one.headline.improves(mean)
                made[i, j] = Lead(Estimate(mean, len(shared), 100, 0.1, mean, mean))
    return Lineup(None, candidates, {}, False, 0.02, "E1", {}, leads or made, dict(races))


def scores(rng, mean, seeds=5, count=200, by_seed=0.0, hard=None):
    """Right or wrong; what is hard is hard for everyone who is given it."""
    hard = rng.random(count) if hard is None else hard
    level = mean + rng.normal(0, by_seed, seeds)
    return (hard[None, :] < level[:, None]).astype(float)


def share(found, *limits, place=0, draws=1000, **words):
    return confidence(found, asked(*limits, **words), place, draws)


def test_numbers_of_a_lineup():
    rng = np.random.default_rng(0)
    money = {TIME: Cost(2.0, why="3 batches"), MONEY: Cost(4.0)}
    pairs = [(arm(scores(rng, q)), spend(p95) | money) for q, p95 in ((0.8, 10.0), (0.6, 20.0))]
    found = figures(lined(*pairs, races={}))
    assert found.quality.tolist() == pytest.approx([one.values.mean() for one, _ in pairs])
    assert found.leads[0, 1] == pytest.approx(found.quality[0] - found.quality[1])
    assert found.ratios[P95][1, 0] == pytest.approx(math.log(2))
    assert (found.lows[TIME][0], found.highs[TIME][0]) == (1.0, 4.0)
    assert np.isnan(found.values[ENERGY]).all()
    assert np.isnan(found.ratios[ENERGY]).all()


def test_far_apart_is_sure_and_the_same_each_time():
    rng = np.random.default_rng(0)
    found = lined((arm(scores(rng, 0.9)), spend()), (arm(scores(rng, 0.5)), spend()))
    assert share(found) == 1.0
    assert share(found, place=1) == 0.0
    assert share(found, Limit(P95, 1.0), place=None) == 1.0
    close = lined((arm(scores(rng, 0.7)), spend(10.0)), (arm(scores(rng, 0.7)), spend(20.0)))
    assert share(close, margin=0.0) == share(close, margin=0.0)


def test_a_cost_at_its_limit_is_a_coin():
    rng = np.random.default_rng(1)
    found = lined((arm(scores(rng, 0.9)), spend(10.0)), (arm(scores(rng, 0.5)), spend(5.0)))
    assert share(found, Limit(P95, 11.0)) == pytest.approx(0.5, abs=0.05)
    log = math.log(1.1) / resampling.Z  # one standard deviation more room than needed
    assert share(found, Limit(P95, 11.0 * math.exp(log))) == pytest.approx(0.841, abs=0.04)


def test_no_interval_is_drawn_within_the_factor():
    rng = np.random.default_rng(1)
    vague = spend(5.0) | {TIME: Cost(1.0, why="3 batches")}
    found = lined((arm(scores(rng, 0.9)), vague), (arm(scores(rng, 0.5)), vague))
    one_sd = 2.0 * math.exp(math.log(2.0) / resampling.Z)
    assert share(found, Limit(TIME, one_sd)) == pytest.approx(0.841, abs=0.04)


def test_money_and_time_are_the_same_seconds():
    rng = np.random.default_rng(1)
    both = spend(5.0) | {TIME: Cost(1.0, 0.9, 1.1), MONEY: Cost(2.0, 1.8, 2.2)}
    little = spend() | {TIME: Cost(0.1, 0.1, 0.1), MONEY: Cost(0.2, 0.2, 0.2)}
    found = lined((arm(scores(rng, 0.9)), both), (arm(scores(rng, 0.5)), little))
    alone = share(found, Limit(TIME, 1.1))
    assert alone == pytest.approx(0.5, abs=0.05)
    assert share(found, Limit(TIME, 1.1), Limit(MONEY, 2.2), order=(TIME,)) == alone


def test_examples_are_drawn_together():
    """Two that are right on the same examples but few: their difference hardly moves."""
    rng = np.random.default_rng(2)
    hard = rng.random(200)
    one, other = (arm(scores(rng, mean, hard=hard)) for mean in (0.70, 0.65))
    alike = share(lined((one, spend()), (other, spend())), margin=0.02)
    apart = arm(scores(rng, 0.65))
    shift = one.values.mean() - other.values.mean()
    apart.values[:] = apart.values - apart.values.mean() + one.values.mean() - shift
    loose = share(lined((one, spend()), (apart, spend(5.0))), margin=0.02)
    assert alike > 0.95
    assert loose < 0.9


def test_seeds_are_drawn_together():
    """A lead that is the same in every run is sure, however far the runs lie apart."""
    noise = np.random.default_rng(3).normal(0, 0.2, (5, 1)) + np.zeros((5, 50))
    one, same = arm(0.6 + noise), arm(0.55 + noise)
    other = arm(0.55 + noise[::-1])
    assert share(lined((one, spend(20.0)), (same, spend(5.0)))) == 1.0
    assert 0.5 < share(lined((one, spend(20.0)), (other, spend(5.0)))) < 0.95


def test_seeds_that_one_lacks_do_not_count_in_the_difference():
    rng = np.random.default_rng(4)
    one, other = arm(scores(rng, 0.8, seeds=3)), arm(scores(rng, 0.5, seeds=3), seeds=(2, 3, 4))
    assert 0.9 < share(lined((one, spend()), (other, spend()))) <= 1.0
    apart = arm(scores(rng, 0.5, seeds=3), seeds=(7, 8, 9))
    assert share(lined((one, spend()), (apart, spend()))) > 0.9  # each on its own seeds


def runs(*levels, seeds=None):
    """Runs that score the same on every example."""
    return arm(np.array(levels)[:, None] + np.zeros((len(levels), 30)), seeds)


def test_a_lead_is_drawn_on_the_seeds_that_both_have():
    one, other = runs(0.47, 0.5, 0.5), runs(0.45, 0.45, seeds=(1, 2))
    found = lined((one, spend(20.0)), (other, spend(5.0)))  # .05 ahead on both seeds
    assert share(found, margin=0.03) == 1.0


def test_who_has_none_of_the_drawn_seeds_keeps_its_own():
    found = lined((runs(0.5, 0.5, 0.5), spend(20.0)), (runs(0.49), spend(5.0)))
    assert share(found, place=1) == 1.0


def test_intervals_keep_their_width():
    """A lead whose least value is at the margin is a coin."""
    rng = np.random.default_rng(7)
    one, other = (arm(scores(rng, mean)) for mean in (0.8, 0.6))
    mean = float((one.values - other.values).mean())
    there = Lead(Estimate(mean, 5, 200, 0.1, mean - 0.1, mean + 0.1))
    back = Lead(Estimate(-mean, 5, 200, 0.1, -mean - 0.1, 0.1 - mean))
    found = lined((one, spend(20.0)), (other, spend(5.0)), leads={(0, 1): there, (1, 0): back})
    assert share(found, margin=mean - 0.1) == pytest.approx(0.5, abs=0.08)


def test_less_is_better_where_it_is():
    rng = np.random.default_rng(5)
    low, high = arm(scores(rng, 0.1), name="slot_error"), arm(scores(rng, 0.6), name="slot_error")
    found = lined((low, spend()), (high, spend()))
    assert figures(found).quality[0] > figures(found).quality[1]
    assert share(found) == 1.0


def test_races_are_drawn_from_their_interval():
    same = np.tile(np.random.default_rng(6).random(100), (3, 1))
    log = math.log(1.1) + 0.1 / resampling.Z  # one standard deviation above what counts
    ratio = Ratio(log, log - 0.1, log + 0.1, 10, "wall")
    back = Ratio(-ratio.log, -ratio.high, -ratio.low, 10, "wall")
    name = "single stream/end to end"
    races = {(0, 1, name): ratio, (1, 0, name): back}
    slow, fast = (arm(same + 0.001), spend(by=0.9)), (arm(same), spend(by=0.9))
    assert share(lined(slow, fast, races=races), place=1) == pytest.approx(0.841, abs=0.04)


def test_without_values_only_costs_move():
    bare = arm(np.full((3, 20), 0.5))
    bare.values = None
    bare.scores = (SimpleNamespace(estimate=Estimate(0.5, 3, 20)),)
    other = arm(np.full((3, 20), 0.4))
    found = lined((other, spend()), leads={})
    both = replace(
        found,
        candidates=[SimpleNamespace(arm=one, costs=spend()) for one in (bare, other)],
        leads={},
    )
    assert share(both) == 1.0
    alone = replace(both, candidates=both.candidates[:1])
    assert share(alone) == 1.0
