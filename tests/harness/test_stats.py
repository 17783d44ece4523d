from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats as distributions
from scipy.special import ndtr

from harness.metrics import bleu
from harness.statistics import stats

sys.path.insert(0, str(Path(__file__).parents[1] / "slow"))
import test_coverage as simulation

Matrix = NDArray[np.float64]


def test_components_of_a_table_worked_by_hand() -> None:
    # rows (1 2 3), (3 4 8): means 2 and 5; columns 2, 3, 5.5; grand mean 3.5
    parts = stats.components(np.array([[1.0, 2, 3], [3, 4, 8]]))
    assert parts.seeds == pytest.approx(4.5 / 2)  # var(2, 5) = 4.5
    assert parts.units == pytest.approx(3.25 / 3)  # var(2, 3, 5.5) = 3.25
    # residuals +-(.5, .5, -1): their squares sum to 3, over 1 x 2 degrees of freedom
    assert parts.residual == pytest.approx(1.5 / 6)
    assert parts.variance == pytest.approx(2.25 + 3.25 / 3 - 0.25)


def test_examples_never_lower_the_variance_below_that_of_seeds() -> None:
    assert stats.Components(seeds=1.0, units=0.5, residual=0.9).variance == 1.0
    assert stats.Components(seeds=0.1, units=0.5, residual=0.4).variance == pytest.approx(0.2)


def test_components_follow_the_size_of_a_layout() -> None:
    # a = 12, e = 40, r = 60 in variances; 3 x 20, then 6 x 10
    now = stats.Components(12 / 3 + 60 / 60, 40 / 20 + 60 / 60, 60 / 60)
    then = now.resized((3, 20), (6, 10))
    assert (then.seeds, then.units, then.residual) == pytest.approx((2 + 1, 4 + 1, 1))
    low = stats.Components(seeds=0.5, units=0.25, residual=1.0).resized((3, 20), (3, 20))
    assert (low.seeds, low.units, low.residual) == (1.0, 1.0, 1.0)


def test_an_estimate_carries_its_components() -> None:
    matrix = np.random.default_rng(0).random((4, 30))
    found = stats.mean_interval(matrix)
    assert found.parts == stats.components(matrix)
    assert found.se == pytest.approx(found.parts.variance**0.5)
    assert stats.mean_interval(matrix[:1]).parts is None


@pytest.mark.parametrize("seeds, units", [(2, 100), (3, 1000), (8, 10), (20, 12), (12, 12)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_quantile_lies_between_that_of_seeds_and_of_units(
    seeds: int, units: int, share: float
) -> None:
    parts = stats.Components(seeds=share, units=1 - share + 0.5, residual=0.5)
    ends = [float(distributions.t.ppf(0.975, count - 1)) for count in (seeds, units)]
    found = distributions.t.ppf(0.975, stats.degrees_of_freedom(parts, seeds, units))
    assert found == pytest.approx(share * ends[0] + (1 - share) * ends[1], rel=1e-6)


def held(seeds: int, ratio: float, level: float) -> float:
    """Exact coverage where examples are many: seeds' A is chi-squared, E - R is 1.

    `ratio` is the expected A; the interval holds the mean with the chance that a normal of
    variance ratio + 1 stays below the reach that this A gives it.
    """
    shares = (np.arange(500) + 0.5) / 500
    found = []
    for part in ratio * distributions.chi2.ppf(shares, seeds - 1) / (seeds - 1):
        parts = stats.Components(part, 1.1, 0.1)
        df = stats.degrees_of_freedom(parts, seeds, 2000)
        cut = distributions.t.ppf((1 + level) / 2, df)
        found.append(2 * ndtr(cut * (parts.variance / (ratio + 1)) ** 0.5) - 1)
    return float(np.mean(found))


@pytest.mark.parametrize("ratio", [0.01, 0.3, 1, 3, 10, 100])
@pytest.mark.parametrize("seeds, level, least, most", [
    (2, 0.95, 0.935, 0.985), (3, 0.95, 0.949, 0.973), (5, 0.95, 0.949, 0.965),
    (3, 0.9875, 0.983, 0.996), (5, 0.9875, 0.987, 0.994),
])  # fmt: skip
def test_coverage_whatever_the_share_of_seeds(
    seeds: int, level: float, least: float, most: float, ratio: float
) -> None:
    assert least <= held(seeds, ratio, level) <= most


def test_the_simulated_truth_is_that_of_many_simulated_runs() -> None:
    rng = np.random.default_rng(0)
    for metric in (simulation.ACCURACY, simulation.F1):
        world = simulation.World(metric, simulation.NOISY)
        assert 0.02 < world.truth < 0.04
        sides = simulation.counts(world, rng, 1, 400, 5000)
        runs = [np.mean(num[0], axis=1) / np.mean(den[0], axis=1) for num, den in sides]
        ability = (simulation.GPT, world.bert)
        for run, one in zip(runs, ability, strict=True):
            truth = simulation.expected(metric, one, world.sd)
            assert run.mean() == pytest.approx(truth, abs=0.015)  # 3 SE of 5,000 examples
            assert run.std() == pytest.approx(world.sd, rel=0.15)
        assert np.mean(runs[1] - runs[0]) == pytest.approx(world.truth, abs=0.008)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    sims, total = 200, 0
    least, most = distributions.binom.ppf([1e-3, 1 - 1e-3], sims, [0.93, 0.97])
    for metric, sd, seeds in simulation.CELLS:
        world, rng = simulation.World(metric, sd), np.random.default_rng(seeds)
        hits = round(simulation.covered(world, rng, sims, seeds) * sims)
        assert least <= hits <= most, (metric, sd, seeds)
        total += hits
    least, most = distributions.binom.ppf([1e-3, 1 - 1e-3], 12 * sims, [0.95, 0.965])
    assert least <= total <= most


def test_pooling_seeds_covers_far_too_rarely_where_training_is_noisy() -> None:
    world, rng = simulation.World(simulation.ACCURACY, simulation.NOISY), np.random.default_rng(1)
    assert simulation.pooled_covers(world, rng, 200, 3) < 0.85


def test_interval_of_f1_covers_the_population_f1() -> None:
    rng, hits, runs = np.random.default_rng(3), 0, 300
    truth = 2 * 0.8 / (1 + 1)  # one entity predicted and one gold for each unit, .8 agree
    for _ in range(runs):
        entities = rng.integers(0, 4, size=400)
        tp = rng.binomial(entities, 0.8, size=(5, 400))
        both = np.broadcast_to(2 * entities, tp.shape)
        hits += not stats.mean_interval(stats.linearise(2 * tp, both)).excludes(truth)
    assert 0.91 <= hits / runs <= 0.99


def test_one_seed_gives_an_interval_over_examples_that_says_so() -> None:
    values = np.random.default_rng(0).random((1, 100))
    estimate = stats.mean_interval(values)
    assert estimate.covers == stats.EXAMPLES_ONLY
    assert estimate.df == 99
    assert estimate.se == pytest.approx(values.std(ddof=1) / 10)


@pytest.mark.parametrize(
    "matrix, why",
    [
        (np.ones((3, 50)), "no variation"),
        (np.eye(3, 4), "too few"),
        (np.zeros((0, 5)), "nothing"),
        (np.zeros((2, 0)), "nothing"),
        (np.tile([[1.0, -1], [-1, 1]], (1, 10)), "no variation"),
        (np.where(np.eye(3, 50), np.nan, 1.0), "not a finite number"),
    ],
)
def test_no_interval_is_made_up(matrix: Matrix, why: str) -> None:
    estimate = stats.mean_interval(matrix)
    assert estimate.low is None
    assert estimate.high is None
    assert estimate.covers == stats.NOTHING
    assert why in str(estimate.note)
    assert not estimate.excludes(99.0)


def test_bounds_cut_an_interval() -> None:
    values = (np.arange(40).reshape(2, 20) > 0).astype(float)
    estimate = stats.mean_interval(values, bounds=(0.0, 1.0))
    assert estimate.high == 1.0


def test_linearised_values_average_to_the_ratio_of_each_run() -> None:
    rng = np.random.default_rng(5)
    num, den = rng.integers(0, 5, (4, 60)), rng.integers(0, 9, (4, 60))
    psi = stats.linearise(num, den)
    assert psi.mean(axis=1) == pytest.approx(num.sum(axis=1) / den.sum(axis=1))


def test_linearised_values_of_a_run_without_any_entity_are_zero() -> None:
    assert not stats.linearise(np.zeros((2, 5)), np.zeros((2, 5))).any()


def test_linearised_values_of_plain_accuracy_are_the_answers() -> None:
    right = np.random.default_rng(6).integers(0, 2, (3, 40))
    assert stats.linearise(right, np.ones_like(right)) == pytest.approx(right)


def test_pseudo_values_average_to_the_formula_of_the_sums() -> None:
    rng = np.random.default_rng(8)
    columns = {"a": rng.integers(0, 9, 70), "b": rng.integers(1, 9, 70)}

    def formula(sums: dict[str, Matrix]) -> Matrix:
        return np.exp(sums["a"] / sums["b"])

    psi = stats.pseudo_values(formula, columns)  # type: ignore[arg-type]
    assert psi.shape == (70,)
    assert psi.mean() == pytest.approx(np.exp(columns["a"].sum() / columns["b"].sum()))
    one = {name: column[:1] for name, column in columns.items()}
    assert stats.pseudo_values(lambda sums: sums["a"], one) == pytest.approx(columns["a"][:1])


def test_pseudo_values_of_a_ratio_are_its_linearised_values() -> None:
    rng = np.random.default_rng(9)
    num, den = rng.integers(0, 5, 4000), rng.integers(1, 9, 4000)
    psi = stats.pseudo_values(lambda sums: sums["n"] / sums["d"], {"n": num, "d": den})
    assert psi == pytest.approx(stats.linearise(num[None], den[None])[0], rel=1e-2, abs=1e-3)


def text_counts(rng: np.random.Generator, seeds: int, texts: int) -> dict[str, NDArray[np.int64]]:
    """BLEU's columns of made-up texts: some trainings and some inputs are better than others."""
    ability = 1.0 + rng.normal(0, 0.15, (seeds, 1)) + rng.normal(0, 0.8, (1, texts))
    length = np.broadcast_to(rng.integers(8, 20, (1, texts)), (seeds, texts))
    right = rng.random((seeds, texts)) < 1 / (1 + np.exp(-ability))
    columns = {"bleu_length": length - (rng.random(length.shape) < 0.3), "bleu_reference": length}
    for n in range(1, 5):
        written = columns["bleu_length"] - n + 1
        share = np.where(right, 1.0, 0.75**n)
        columns |= {f"bleu_written_{n}": written}
        columns |= {f"bleu_matched_{n}": rng.binomial(written, share)}
    return columns


def score(columns: dict[str, NDArray[np.int64]], weights: Matrix) -> Matrix:
    """BLEU of each run, with texts weighted by how often they were drawn."""
    return bleu.values({name: column @ weights for name, column in columns.items()})


def resampled(
    rng: np.random.Generator, columns: dict[str, NDArray[np.int64]]
) -> tuple[float, float]:
    """Percentile limits of BLEU itself, runs and texts both drawn again."""
    seeds, texts = columns["bleu_length"].shape
    draws = []
    for _ in range(2000):
        weights = np.bincount(rng.integers(texts, size=texts), minlength=texts).astype(float)
        draws.append(score(columns, weights)[rng.integers(seeds, size=seeds)].mean())
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def per_text(columns: dict[str, NDArray[np.int64]]) -> Matrix:
    rows = [{n: c[s] for n, c in columns.items()} for s in range(len(columns["bleu_length"]))]
    return np.stack([stats.pseudo_values(bleu.values, row) for row in rows])


def test_interval_of_one_runs_bleu_agrees_with_resampling_texts() -> None:
    rng = np.random.default_rng(11)
    columns = text_counts(rng, 1, 400)
    estimate, limits = stats.mean_interval(per_text(columns)), resampled(rng, columns)
    width = limits[1] - limits[0]
    assert (estimate.low, estimate.high) == pytest.approx(limits, abs=0.1 * width)


def test_interval_of_bleu_covers_the_population_bleu() -> None:
    rng, hits, runs = np.random.default_rng(12), 0, 150
    big = text_counts(np.random.default_rng(13), 300, 3000)
    truth = float(score(big, np.ones(3000)).mean())
    for _ in range(runs):
        columns = text_counts(rng, 5, 200)
        hits += not stats.mean_interval(per_text(columns)).excludes(truth)
    assert 0.9 <= hits / runs <= 0.995


def test_clusters_keep_the_share_and_widen_its_interval() -> None:
    rng = np.random.default_rng(7)
    known = rng.integers(0, 2, 40)  # a name is known or it is not
    clusters = rng.integers(0, 40, 800)
    right = np.tile(known[clusters], (3, 1))
    right[:, :5] = 1 - right[:, :5]
    by_name = stats.share_interval(right, clusters)
    by_unit = stats.share_interval(right, np.arange(800))
    assert by_name.mean == pytest.approx(right.mean())
    assert by_name.se is not None
    assert by_unit.se is not None
    assert by_name.se > 3 * by_unit.se
    assert by_name.units == len(np.unique(clusters))


def test_a_perfect_slice_gets_exact_limits_over_its_examples() -> None:
    estimate = stats.share_interval(np.ones((5, 50), int), np.arange(50))
    assert (estimate.mean, estimate.high) == (1.0, 1.0)
    assert estimate.low == pytest.approx(0.025 ** (1 / 50))
    assert estimate.covers == stats.EXAMPLES_ONLY


@pytest.mark.parametrize(
    "units, share", [(100, 0.69), (200, 0.635), (500, 0.584), (577, 0.579), (1000, 0.56)]
)
def test_thresholds_of_a_coin(units: int, share: float) -> None:
    limit = stats.exact_threshold(units, 0.5)
    assert limit is not None
    assert limit / units == pytest.approx(share, abs=5e-4)
    assert distributions.binom.sf(limit - 1, units, 0.5) < stats.ALPHA
    assert distributions.binom.sf(limit - 2, units, 0.5) >= stats.ALPHA


@pytest.mark.parametrize("units, share", [(13, 0.5), (0, 0.5), (50, 1.0)])
def test_no_threshold_where_nothing_would_be_surprising(units: int, share: float) -> None:
    assert stats.exact_threshold(units, share) is None


def test_exact_interval_matches_the_closed_form_at_the_ends() -> None:
    low, high = stats.exact_interval(0, 20)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_effective_clusters() -> None:
    assert stats.effective_clusters([0, 0, 1, 1]) == 2
    assert stats.effective_clusters([0, 0, 0, 1]) == pytest.approx(1.6)
    assert not math.isnan(stats.effective_clusters([]))
