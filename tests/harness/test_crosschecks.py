"""Bootstrap and randomisation against enumeration, plain loops, and what they must not claim."""

from __future__ import annotations

import ast
import inspect
import itertools
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from test_stats import per_text, text_counts

from harness.contracts import InputError
from harness.metrics import bleu
from harness.statistics import crosschecks, stats
from harness.statistics.crosschecks import (
    approximate_randomisation,
    bootstrap_interval,
    hierarchical_bootstrap,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "slow"))
import test_coverage as simulation

Matrix = NDArray[np.float64]
Columns = dict[str, NDArray[np.int64]]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def accuracy(sums: dict[str, Matrix]) -> Matrix:
    return sums["correct"] / sums["total"]


def answers(correct: NDArray[np.bool_]) -> Columns:
    return {"correct": correct.astype(np.int64), "total": np.ones(correct.shape, np.int64)}


def width(limits: tuple[float, float] | None) -> float:
    assert limits is not None
    return limits[1] - limits[0]


def spread_of_seeds(rng: np.random.Generator, units: int = 1000) -> Matrix:
    """Five runs far apart on examples that hardly differ."""
    return np.linspace(-0.1, 0.1, 5)[:, None] + rng.normal(0, 0.01, (5, units))


def by_hand(ours: Matrix, theirs: Matrix) -> float:
    """Two-sided p over all ways to swap whole columns of the two matrices."""
    seen, as_far = abs((theirs - ours).mean()), 0
    ways = list(itertools.product([False, True], repeat=ours.shape[1]))
    for swap in ways:
        left, right = np.where(swap, theirs, ours), np.where(swap, ours, theirs)
        as_far += abs((right - left).mean()) >= seen - 1e-12
    return as_far / len(ways)


@pytest.mark.parametrize("seed", range(4))
def test_randomisation_is_that_over_all_swaps(seed: int) -> None:
    rng = generator(seed)
    ours = rng.integers(0, 2, (3, 11)).astype(float)
    theirs = np.maximum(ours, rng.random((3, 11)) < 0.3) - (rng.random((3, 11)) < 0.15)
    exact = by_hand(ours, theirs)
    found = approximate_randomisation(ours, theirs, rng, draws=20_000)
    assert found == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 20_000) ** 0.5 + 1e-4)
    swapped = approximate_randomisation(theirs, ours, rng, draws=20_000)
    assert swapped == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 20_000) ** 0.5 + 1e-4)


def test_the_smallest_p_is_one_in_all_shuffles_and_the_seen_one() -> None:
    ours = np.zeros((2, 300))
    assert approximate_randomisation(ours, ours + 1, generator(), draws=99) == pytest.approx(0.01)


def test_a_difference_of_zero_is_never_surprising() -> None:
    theirs = np.tile([1.0, -1.0], (2, 10)) / 3
    assert approximate_randomisation(np.zeros((2, 20)), theirs, generator()) == 1.0


def test_blocks_of_draws_leave_no_shuffle_out(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = np.zeros((1, 40)), generator().normal(0.2, 1, (1, 40))
    whole = approximate_randomisation(ours, theirs, generator(), draws=20_000)
    monkeypatch.setattr(crosschecks, "HELD_AT_ONCE", 1_000)
    parts = approximate_randomisation(ours, theirs, generator(1), draws=20_000)
    assert whole is not None
    assert 0.02 < whole < 0.98
    assert parts == pytest.approx(whole, abs=0.015)


def test_a_shuffle_of_many_examples_stays_small() -> None:
    ours, theirs = generator().random((2, 3, 8_000))
    tracemalloc.start()
    try:
        approximate_randomisation(ours, theirs, generator())
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("theirs", [
    np.ones((2, 30)), np.ones((2, stats.FEWEST_UNITS - 1)) * 2, np.full((2, 30), np.nan),
])  # fmt: skip
def test_no_p_where_there_is_nothing_to_shuffle(theirs: Matrix) -> None:
    assert approximate_randomisation(np.ones(theirs.shape), theirs, generator()) is None


def test_randomisation_speaks_of_trained_runs_alone() -> None:
    """A noisy model against itself: the runs do differ, by the luck of their seeds."""
    world = simulation.World(simulation.ACCURACY, 0.03, simulation.GPT, itself=True)
    found, rng = [], generator()
    for apart in simulation.differences(world, rng, 150, 3):
        found.append(approximate_randomisation(np.zeros(apart.shape), apart, rng, draws=200))
    assert np.mean([p is not None and p < 0.05 for p in found]) > 0.3
    assert crosschecks.TRAINED_RUNS == "these trained runs"


def test_randomisation_keeps_its_level_where_outputs_can_be_swapped() -> None:
    rng, hits = generator(), 0
    for _ in range(300):
        chance = rng.random(60)
        ours, theirs = rng.random((2, 3, 60)) < chance
        p = approximate_randomisation(ours, theirs, rng, draws=200)
        hits += p is not None and p <= 0.05
    assert 0.01 <= hits / 300 <= 0.08


def test_bootstrap_agrees_with_the_t_interval_where_seeds_are_many() -> None:
    rng = generator(4)
    noise = rng.normal(0, 0.02, (20, 1)) + rng.normal(0, 0.2, (1, 300))
    matrix = noise + rng.normal(0, 0.2, (20, 300))
    estimate = stats.mean_interval(matrix)
    assert estimate.low is not None
    assert estimate.high is not None
    limits = bootstrap_interval(matrix, rng)
    assert width(limits) / (estimate.high - estimate.low) == pytest.approx(1, abs=0.25)
    assert limits is not None
    assert limits[0] < estimate.mean < limits[1]


def test_bootstrap_at_a_level() -> None:
    matrix = generator().normal(size=(6, 200))
    wide, narrow = (width(bootstrap_interval(matrix, generator(), level=p)) for p in (0.99, 0.5))
    assert wide / narrow == pytest.approx(2.576 / 0.674, rel=0.1)


def test_bootstrap_of_one_seed_is_one_of_examples() -> None:
    matrix = generator().normal(size=(1, 400))
    estimate = stats.mean_interval(matrix)
    limits = bootstrap_interval(matrix, generator())
    assert limits == pytest.approx((estimate.low, estimate.high), abs=0.02)


@pytest.mark.parametrize("matrix", [
    np.ones((3, 50)), np.eye(3, 4), np.zeros((0, 5)), np.zeros((2, 0)), np.full((2, 50), np.inf),
])  # fmt: skip
def test_no_bootstrap_without_variation_or_examples(matrix: Matrix) -> None:
    assert bootstrap_interval(matrix, generator()) is None
    columns = {"correct": matrix, "total": np.ones_like(matrix)}
    assert hierarchical_bootstrap(columns, columns, accuracy, generator()) is None


def drawn_in_a_loop(ours: Columns, theirs: Columns, rng: np.random.Generator) -> list[float]:
    """Differences in BLEU over seeds and texts drawn again, one draw after the other."""
    seeds, texts = ours["bleu_length"].shape
    found = []
    for _ in range(1500):
        chosen, rows = rng.integers(texts, size=texts), rng.integers(seeds, size=seeds)
        scores = [
            bleu.values({name: c[:, chosen].sum(axis=1).astype(float) for name, c in side.items()})
            for side in (ours, theirs)
        ]
        found.append(float((scores[1][rows] - scores[0][rows]).mean()))
    return found


def test_bootstrap_of_bleu_is_that_of_a_plain_loop_and_of_pseudo_values() -> None:
    rng = generator(10)
    ours, theirs = text_counts(rng, 4, 120), text_counts(rng, 4, 120)
    limits = hierarchical_bootstrap(ours, theirs, bleu.values, rng)
    looped = np.quantile(drawn_in_a_loop(ours, theirs, rng), [0.025, 0.975])
    assert limits == pytest.approx(tuple(looped), abs=0.08 * width(limits))
    linear = bootstrap_interval(per_text(theirs) - per_text(ours), rng)
    assert linear == pytest.approx(limits, abs=0.1 * width(limits))


def test_bootstrap_draws_the_same_examples_and_seeds_on_both_sides() -> None:
    rng = generator()
    hard, noisy = rng.normal(0, 1, 500), rng.normal(0, 0.5, (5, 1))
    ours = rng.normal(0, 0.1, (5, 500)) + hard + noisy > 0
    theirs = ours | (rng.random((5, 500)) < 0.02)
    paired = hierarchical_bootstrap(answers(ours), answers(theirs), accuracy, rng)
    assert width(paired) < width(bootstrap_interval(theirs, rng)) / 5
    assert paired is not None
    assert 0 < paired[0] < (theirs.mean() - ours.mean()) < paired[1]  # theirs minus ours


def test_documents_are_drawn_whole() -> None:
    rng = generator()
    ours, theirs = rng.random((2, 5, 100)) < 0.6
    limits = hierarchical_bootstrap(answers(ours), answers(theirs), accuracy, generator(1))
    sides = [answers(np.repeat(side, 9, axis=1)) for side in (ours, theirs)]
    documents = np.repeat(np.arange(100) * 7, 9)
    whole = hierarchical_bootstrap(*sides, accuracy, generator(1), clusters=documents)
    assert whole == pytest.approx(limits)
    apart = hierarchical_bootstrap(*sides, accuracy, generator(1))
    assert width(apart) < 0.9 * width(whole)
    few = np.repeat(np.arange(9), 100)
    assert hierarchical_bootstrap(*sides, accuracy, generator(), clusters=few) is None


def test_the_generator_decides_what_is_drawn() -> None:
    ours, theirs = (answers(side) for side in generator().random((2, 3, 50)) < 0.6)
    found = [
        hierarchical_bootstrap(ours, theirs, accuracy, generator(s), draws=300) for s in (1, 1, 2)
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("change, why", [
    ({"correct": np.ones((3, 49))}, "expected columns of one shape, seeds x examples, got (3, 50)"),
    ({"more": np.ones((3, 50))}, "both sides need the same columns"),
])  # fmt: skip
def test_columns_of_another_shape_are_refused(change: dict[str, Matrix], why: str) -> None:
    ours = answers(np.ones((3, 50), bool))
    with pytest.raises(InputError) as refused:
        hierarchical_bootstrap(ours, {**ours, **change}, accuracy, generator())
    assert why in str(refused.value)


def test_matrices_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match="two matrices of one shape"):
        approximate_randomisation(np.ones((3, 50)), np.ones((1, 50)), generator())
    ours = answers(np.ones((3, 50), bool))
    with pytest.raises(InputError, match="one cluster for each of 50 examples, got 49"):
        hierarchical_bootstrap(ours, ours, accuracy, generator(), clusters=np.arange(49))


def test_a_check_that_agrees_and_one_that_does_not() -> None:
    ours = np.zeros((3, 500))
    clear = generator().normal(0.3, 1, (3, 500))
    found = crosschecks.crosscheck(stats.mean_interval(clear), ours, clear, generator())
    assert found.agrees is True
    assert found.p == pytest.approx(1 / (crosschecks.DRAWS + 1), abs=2e-3)
    assert found.low is not None
    assert 0 < found.low < clear.mean()
    below = crosschecks.crosscheck(stats.mean_interval(-clear), clear, ours, generator())
    assert below.high is not None
    assert (below.high < 0, below.agrees) == (True, True)
    apart = np.array([[0.02], [0.06], [0.10]]) + generator().normal(0, 0.05, (3, 500))
    t = stats.mean_interval(apart)
    assert not t.excludes(0.0)  # three seeds, two degrees of freedom
    found = crosschecks.crosscheck(t, ours, apart, generator())
    assert found.low is not None
    assert found.low > 0
    assert found.agrees is False


def test_a_check_without_an_interval_agrees_with_nothing() -> None:
    ours = np.zeros((3, 500))
    same = stats.mean_interval(ours)
    assert crosschecks.crosscheck(same, ours, ours, generator()) == crosschecks.CrossCheck(
        None, None, None, None
    )
    apart = generator().normal(0.3, 1, (3, 500))
    assert crosschecks.crosscheck(same, ours, apart, generator(), draws=200).agrees is None


INTERVALS: dict[str, Callable[[Matrix], float]] = {
    "mean_interval": lambda m: _reach(stats.mean_interval(m)),
    "share_interval": lambda m: _reach(stats.share_interval(_right(m), np.arange(m.shape[1]))),
    "bootstrap_interval": lambda m: width(bootstrap_interval(m, generator())),
    "hierarchical_bootstrap": lambda m: width(
        hierarchical_bootstrap(answers(_right(0 * m)), answers(_right(m)), accuracy, generator())
    ),
    "crosscheck": lambda m: _checked(m),
}


def _right(matrix: Matrix) -> NDArray[np.bool_]:
    """Answers, right more often where the values are larger."""
    return np.random.default_rng(3).random(matrix.shape[1]) < 0.5 + matrix


def _reach(estimate: stats.Estimate) -> float:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low


def _checked(matrix: Matrix) -> float:
    check = crosschecks.crosscheck(
        stats.mean_interval(matrix), np.zeros(matrix.shape), matrix, generator()
    )
    assert check.low is not None
    assert check.high is not None
    return check.high - check.low


@pytest.mark.parametrize("name", INTERVALS)
def test_no_interval_over_runs_pools_the_seeds(name: str) -> None:
    """The runs spread by .14 in all: pooled, 1,000 examples would seem to know the mean to .002."""
    matrix = spread_of_seeds(generator())
    pooled = 4 * matrix.mean(axis=0).std() / matrix.shape[1] ** 0.5
    assert pooled < 0.002
    assert INTERVALS[name](matrix) > 0.1


def test_every_interval_is_asked_whether_it_pools() -> None:
    limits = {"Estimate", "Limits | None", "tuple[float, float]", "CrossCheck"}
    found = {
        name
        for module in (stats, crosschecks)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
        if inspect.signature(function).return_annotation in limits
    }
    assert found == {*INTERVALS, "exact_interval"}  # the last is about one run and says so


def test_nothing_else_in_the_reporting_half_resamples() -> None:
    """Checks of stored records draw in one place, where the test above looks."""
    drawing = {"choice", "permutation", "permuted", "multinomial", "bootstrap", "shuffle"}
    drawing |= {"integers", "permutation_test", "resample"}
    root = Path(stats.__file__).parents[1]
    paths = {*(root / "report").rglob("*.py"), *(root / "alarms").rglob("*.py")}
    paths |= {root / "statistics" / f"{n}.py" for n in ("stats", "decisions", "crosschecks")}
    paths |= {root / "comparing" / f"{n}.py" for n in ("arms", "pairs", "aggregate")}
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr in drawing:
                found.add(path.name)
    assert found == {"crosschecks.py"}
