"""Intervals of ratios against known truths, and against the formula where that is exact."""

import numpy as np
import pytest

from harness.statistics import ratios, stats


def drawn(rng, mean, whole, seeds=5, units=200, seed_sd=0.02):
    """Part and whole of a gain, which share their hard examples."""
    hard = rng.normal(0, 0.3, units)
    return tuple(
        at + rng.normal(0, seed_sd, (seeds, 1)) + hard + rng.normal(0, 0.3, (seeds, units))
        for at in (mean * whole, whole)
    )


def test_intervals_cover_the_true_ratio():
    rng, hits, apart = np.random.default_rng(0), 0, 0
    for _ in range(200):
        first, second = drawn(rng, 0.9, 0.4), drawn(rng, 0.7, 0.3)
        found = ratios.ratio(*first)
        hits += found.low <= 0.9 <= found.high
        apart += not ratios.apart(first, second).excludes(0.2)
    assert 184 <= hits <= 199
    assert 182 <= apart <= 199


def test_an_end_of_the_interval_is_where_the_difference_is_just_not_seen():
    first = drawn(np.random.default_rng(1), 0.9, 0.4)
    found = ratios.ratio(*first)
    for end in (found.low, found.high):
        at = ratios.beyond(*first, end)
        assert min(abs(at.low), abs(at.high)) == pytest.approx(0, abs=1e-6)
    assert ratios.beyond(*first, 0.5).mean == pytest.approx(found.mean - 0.5)
    assert ratios.beyond(*first, found.low - 0.01).low > 0
    assert ratios.beyond(*first, found.low + 0.01).low < 0


def test_a_whole_that_is_hardly_there_leaves_the_interval_lopsided():
    """Fieller's, not one of equal arms: the further end is that of the larger ratios."""
    first = drawn(np.random.default_rng(2), 0.9, 0.12, seed_sd=0.025)
    found = ratios.ratio(*first)
    assert found.high - found.mean > 1.2 * (found.mean - found.low)


def test_pairing_makes_it_narrow():
    rng = np.random.default_rng(3)
    part, whole = drawn(rng, 0.9, 0.4)
    other = part[:, rng.permutation(part.shape[1])]
    assert ratios.ratio(part, whole).se < 0.8 * ratios.ratio(other, whole).se


def test_what_has_no_interval_says_why():
    rng = np.random.default_rng(4)
    part, whole = drawn(rng, 0.9, 0.4)
    assert ratios.ratio(part[:1], whole[:1]).note == ratios.ONE_SEED
    assert ratios.ratio(whole, whole).note == ratios.SAME
    assert ratios.ratio(whole, whole).mean == 1
    assert ratios.ratio(part, whole - whole.mean()).note == ratios.NO_GAIN
    assert "too few" in ratios.ratio(part[:, :5], whole[:, :5]).note


def test_higher_levels_are_wider():
    first = drawn(np.random.default_rng(5), 0.9, 0.4)
    usual, sure = ratios.ratio(*first), ratios.ratio(*first, level=0.99)
    assert sure.low < usual.low < usual.high < sure.high
    assert usual.covers == stats.BOTH
