"""Decisions: the four outcomes, families, and errors counted over many simulated comparisons."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.statistics import decisions, stats
from harness.statistics.decisions import ABOVE, BELOW, EQUIVALENT, UNDETERMINED, Settled
from harness.statistics.stats import Components, Estimate

sys.path.insert(0, str(Path(__file__).parents[1] / "slow"))
import test_coverage as simulation


def estimate(mean, se=0.005, df=8.0):
    return Estimate(mean, 5, 1000, se=se, low=mean - 2 * se, high=mean + 2 * se, df=df)


@pytest.mark.parametrize(
    ("mean", "se", "outcome"),
    [
        (0.10, 0.005, ABOVE),
        (-0.10, 0.005, BELOW),
        (0.001, 0.005, EQUIVALENT),
        (0.018, 0.005, UNDETERMINED),
        (0.001, 0.05, UNDETERMINED),
    ],
)
def test_the_four_outcomes(mean, se, outcome):
    (found,) = decisions.decide([estimate(mean, se)], [0.02])
    assert found.outcome == outcome
    assert found.level == pytest.approx(0.95)


def test_direction_is_less_than_a_decision():
    (found,) = decisions.decide([estimate(0.018, 0.004)], [0.02])
    assert (found.outcome, found.direction) == (UNDETERMINED, ABOVE)
    (none,) = decisions.decide([estimate(0.001, 0.05)], [0.02])
    assert none.direction is None


def test_what_cannot_be_answered_is_undetermined_and_counts_as_asked():
    silent = Estimate(0.5, 5, 1000, note="no variation")
    alone, beside = (
        decisions.decide([estimate(0.033, 0.005), *more], [0.02] * (1 + len(more)))
        for more in ([], [silent])
    )
    assert alone[0].outcome == ABOVE
    assert [one.outcome for one in beside] == [UNDETERMINED, UNDETERMINED]


def test_holm_by_hand():
    assert decisions.holm([0.01, 0.04, 0.03], 0.05) == pytest.approx([0.05 / 3, 0.025, 0.025])
    assert decisions.holm([0.001, 0.02, 0.03], 0.05) == pytest.approx([0.05 / 3, 0.025, 0.05])
    assert decisions.holm([1.0, 1.0], 0.05) == pytest.approx([0.025, 0.025])
    assert decisions.holm([], 0.05) == []


@pytest.mark.parametrize("mean", [-0.06, -0.021, -0.004, 0.0, 0.013, 0.031, 0.2])
@pytest.mark.parametrize("se", [0.002, 0.01])
def test_the_p_value_is_the_level_at_which_the_interval_decides(mean, se):
    p = decisions.p_value(estimate(mean, se), 0.02)
    for share, decided in ((p * 1.01, True), (p * 0.99, False)):
        if 0 < share < 1:
            found = decisions._decided(estimate(mean, se), 0.02, share)
            assert (found.outcome != UNDETERMINED) == decided


@pytest.mark.parametrize(
    "broken", [{"se": 0.0}, {"se": float("nan")}, {"mean": float("nan")}, {"df": None}]
)
def test_numbers_that_are_none_decide_nothing(broken):
    silent = replace(estimate(0.5), **broken)
    assert decisions.p_value(silent, 0.02) == 1.0
    first, second = decisions.decide([silent, estimate(0.10)], [0.02] * 2)
    assert (first.outcome, first.low, first.detectable) == (UNDETERMINED, None, None)
    assert (second.outcome, second.level) == (ABOVE, pytest.approx(0.975))
    assert decisions.settle(silent, 0.02).seeds is None


def outcomes(true, se, df, margin, share, count=2000):
    """Decisions about estimates that are normal, with an error known as well as `df` says."""
    rng = np.random.default_rng(0)
    means = rng.normal(true, se, count)
    errors = se * (rng.chisquare(df, count) / df) ** 0.5
    found = []
    for mean, error in zip(means, errors, strict=True):
        one = estimate(mean, error, df)
        decided = decisions.p_value(one, margin) <= share
        side = ABOVE if mean > margin else BELOW if mean < -margin else EQUIVALENT
        found.append(side if decided else UNDETERMINED)
    return found


@pytest.mark.parametrize("df", [1.4, 2.5, 6.0, 30.0, 998.0])
@pytest.mark.parametrize(("share", "margin"), [(0.05, 0.02), (0.0125, 0.0)])
def test_what_is_called_detectable_is_decided_four_times_in_five(df, share, margin):
    effect = decisions.detectable(0.005, df, margin, share)
    assert decisions.chance(-effect, 0.005, df, margin, share) == pytest.approx(0.8, abs=1e-6)
    found = outcomes(effect, 0.005, df, margin, share)
    assert found.count(ABOVE) / len(found) == pytest.approx(0.80, abs=0.04)


def test_detectable_counts_the_margin_and_the_share():
    plain = decisions.detectable(0.01, 1e6, 0.0)
    assert plain == pytest.approx((1.95996 + 0.84162) * 0.01, rel=1e-3)
    assert decisions.detectable(0.01, 1e6, 0.02) == pytest.approx(0.02 + plain)
    quarter = decisions.detectable(0.01, 1e6, 0.0, 0.0125)
    assert quarter == pytest.approx((2.49771 + 0.84162) * 0.01, rel=1e-3)
    (alone,) = decisions.decide([estimate(0.03)], [0.02])
    beside = decisions.decide([estimate(0.03)] * 3, [0.02] * 3)[0]
    assert alone.detectable == pytest.approx(decisions.detectable(0.005, 8.0, 0.02, 0.05))
    assert beside.detectable == pytest.approx(decisions.detectable(0.005, 8.0, 0.02, 0.05 / 3))


@pytest.mark.parametrize(
    ("true", "se", "df"), [(0.0, 0.004, 4.0), (0.008, 0.003, 20.0), (-0.015, 0.002, 8.0)]
)
def test_the_chance_of_being_called_equivalent(true, se, df):
    predicted = decisions.chance(true, se, df, 0.02, 0.0125)
    assert 0.1 < predicted < 0.95
    found = outcomes(true, se, df, 0.02, 0.0125)
    assert found.count(EQUIVALENT) / len(found) == pytest.approx(predicted, abs=0.03)


SPREAD = {"a": 0.006**2, "e": 0.1**2, "r": 0.3**2}


def seen(mean, seeds=5, units=1000, **parts):
    """A difference with variances a, e and r of seeds, of examples and of both together."""
    a, e, r = parts["a"], parts["e"], parts["r"]
    both = r / (seeds * units)
    found = Components(a / seeds + both, e / units + both, both)
    df = stats.degrees_of_freedom(found, seeds, units)
    return Estimate(mean, seeds, units, se=found.variance**0.5, df=df, parts=found)


@pytest.mark.parametrize(
    ("mean", "outcome", "scale"), [(-0.024, BELOW, 1.0), (0.003, EQUIVALENT, 0.5)]
)
def test_as_many_seeds_or_examples_as_told_do_settle_it(mean, outcome, scale):
    a, e, r = 0.006 * scale, 0.1 * scale, 0.3 * scale
    found = decisions.settle(seen(mean, a=a**2, e=e**2, r=r**2), 0.01, 0.025)
    assert found.note is None
    assert 5 < found.seeds < 40
    assert 1000 < found.units < 10_000
    rng = np.random.default_rng(0)
    for seeds, units in ((found.seeds, 1000), (5, found.units)):
        hits = 0
        for _ in range(200):
            matrix = mean + rng.normal(0, a, (seeds, 1)) + rng.normal(0, e, (1, units))
            one = stats.mean_interval(matrix + rng.normal(0, r, (seeds, units)))
            hits += decisions.decide([one], [0.01], 0.025)[0].outcome == outcome
        assert hits / 200 == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize(("mean", "scale"), [(0.024, 1.0), (-0.0035, 0.5)])
def test_one_less_would_not_settle_it(mean, scale):
    question = seen(mean, **{name: v * scale**2 for name, v in SPREAD.items()})
    found = decisions.settle(question, 0.01)

    def power(seeds, units):
        parts = question.parts.resized((5, 1000), (seeds, units))
        df = stats.degrees_of_freedom(parts, seeds, units)
        return decisions.chance(mean, parts.variance**0.5, df, 0.01)

    assert power(found.seeds - 1, 1000) < 0.8 <= power(found.seeds, 1000)
    assert power(5, found.units - 1) < 0.8 <= power(5, found.units)


@pytest.mark.parametrize(
    ("mean", "spread", "seeds", "units", "why"),
    [
        (0.03, {"a": 0.03**2, "e": 0.01, "r": 0.1}, True, False, "seed noise alone is too large"),
        (0.012, {"a": 1e-7, "e": 0.05, "r": 0.05}, False, True, "between examples alone"),
        (0.0101, {"a": 0.01**2, "e": 0.05, "r": 0.05}, False, False, "too near the margin"),
        (0.01, {"a": 0.01**2, "e": 0.05, "r": 0.05}, False, False, "lies at the margin"),
        (-0.01, {"a": 0.01**2, "e": 0.05, "r": 0.05}, False, False, "lies at the margin"),
    ],
)
def test_why_more_of_one_kind_does_not_settle_it(mean, spread, seeds, units, why):
    found = decisions.settle(seen(mean, **spread), 0.01)
    assert (found.seeds is not None, found.units is not None) == (seeds, units)
    assert why in found.note


def test_a_stricter_share_asks_for_more():
    question = seen(0.024, **SPREAD)
    loose, strict = (decisions.settle(question, 0.01, share) for share in (0.05, 0.04))
    assert strict.seeds > loose.seeds
    assert strict.units > loose.units
    assert decisions.settle(question, 0.01, power=0.95).seeds > loose.seeds


def test_settling_from_one_seed_or_from_nothing():
    rng = np.random.default_rng(0)
    one = stats.mean_interval(rng.normal(0, 0.2, (1, 100)))
    unknown = "one seed: the spread between seeds is unknown"
    assert decisions.settle(one, 0.01) == Settled(None, None, unknown)
    same = stats.mean_interval(np.ones((3, 100)))
    assert decisions.settle(same, 0.01) == Settled(None, None, same.note)
    clear = seen(0.2, **SPREAD)
    assert decisions.settle(clear, 0.01) == Settled(5, 1000, "decided already")


@pytest.mark.parametrize("itself", [True, False])
def test_equals_are_rarely_told_apart(itself):
    rng = np.random.default_rng(0)
    hardly_any, a_point = simulation.false_verdicts([0.001, 0.01], rng, 150, 5, itself)
    assert hardly_any <= 0.05 + 3 * (0.05 * 0.95 / 150) ** 0.5
    assert a_point <= 0.05


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("predicted", [0.5, 0.8])
def test_planted_effects_are_found_as_often_as_was_predicted(predicted, seeds):
    rng, metric, sd = np.random.default_rng(1), simulation.F1, simulation.NOISY
    se, df = simulation.error_of(simulation.World(metric, sd), rng, seeds, 400)
    effect = decisions.detectable(se, df, 0.01, power=predicted)
    world = simulation.planted(metric, sd, effect)
    assert world.truth == pytest.approx(effect)
    found = simulation.power(world, 0.01, rng, 300, seeds, 400)
    assert predicted - 0.05 - 3 * (0.25 / 300) ** 0.5 <= found <= predicted + 0.13
