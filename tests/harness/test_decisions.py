"""Decisions: the four outcomes, families, and errors counted over many simulated comparisons."""

import numpy as np
import pytest

from harness import decisions, stats
from harness.decisions import ABOVE, BELOW, EQUIVALENT, UNDETERMINED
from harness.stats import Estimate


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


def simulated(rng, effects, seeds=5, units=400, spread=0.02):
    """One family: paired differences of accuracy, with noise of training on both sides."""
    found = []
    for effect in effects:
        skill = rng.normal(0, 1, units)
        shift = rng.normal(0, spread, (2, seeds))
        chance = 0.7 + 0.1 * np.tanh(skill)
        sides = [chance + shift[0][:, None], chance + effect + shift[1][:, None]]
        gpt, bert = (rng.random((seeds, units)) < side for side in sides)
        found.append(stats.mean_interval(bert.astype(float) - gpt))
    return found


def test_a_model_against_itself_is_rarely_told_apart():
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(300):
        found = decisions.decide(simulated(rng, [0.0] * 4), [0.0] * 4)
        wrong += any(one.outcome in (ABOVE, BELOW) for one in found)
    assert wrong / 300 <= 0.05 + 3 * (0.05 * 0.95 / 300) ** 0.5


def test_planted_effects_are_found_as_often_as_was_predicted():
    rng = np.random.default_rng(1)
    families = [decisions.decide(simulated(rng, [0.12]), [0.02]) for _ in range(300)]
    predicted = np.median([family[0].detectable for family in families])
    found = [
        decisions.decide(simulated(rng, [predicted]), [0.02])[0].outcome == ABOVE
        for _ in range(300)
    ]
    assert np.mean(found) >= 0.80 - 0.05 - 3 * (0.8 * 0.2 / 300) ** 0.5
