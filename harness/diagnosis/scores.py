"""Precision, recall and F1 by entity type or class, and why the score over words is another thing.

Each is a ratio of sums, linearised per example (`stats.linearise`), so its interval covers seeds
and examples. An entity counts only with the right first word, last word and type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.diagnosis.detail import Aligned
from harness.diagnosis.runs import Diagnosis, paired
from harness.statistics import stats
from harness.statistics.stats import FEWEST_UNITS, Estimate, Matrix

MICRO, MACRO = "all (micro)", "all (macro)"
LIMITS = (0.0, 1.0)

Cube = NDArray[np.float64]  # types x runs x examples


@dataclass(frozen=True)
class TypeScore:
    """One type. Precision is of what was answered, recall of what the data have."""

    name: str  # a type, MICRO (all together) or MACRO (the mean over the types of the data)
    precision: Estimate
    recall: Estimate
    f1: Estimate
    support: int  # in the data, the same for every run
    answered: float  # mean per run


@dataclass(frozen=True)
class TokenLevel:
    """Share of words with the right tag, O included: never to be compared with entity scores."""

    per_seed: tuple[float, ...]
    outside: float | None  # of the tagger that answers O everywhere; None where not on record

    @property
    def mean(self) -> float:
        """Over seeds."""
        return sum(self.per_seed) / len(self.per_seed)


class _Counted(NamedTuple):
    """Runs x examples of one type, or of all; types x runs x examples of a table of them."""

    tp: Cube
    pred: Cube
    gold: Cube

    def of(self, index: int) -> _Counted:
        return _Counted(*(part[index] for part in self))

    def together(self) -> _Counted:
        return _Counted(*(part.sum(axis=0) for part in self))

    def precision(self) -> tuple[Cube, Cube]:
        return self.tp, self.pred

    def recall(self) -> tuple[Cube, Cube]:
        return self.tp, self.gold

    def f1(self) -> tuple[Cube, Cube]:
        return 2 * self.tp, self.pred + self.gold


def by_type(found: Diagnosis, most: int | None = None) -> tuple[TypeScore, ...]:
    """Every type that occurs in data or answers, then micro and macro; empty where not on record.

    Micro F1 of entities is the headline score; of labels it is the accuracy. Macro leaves out types
    that the data do not have. A type in fewer than 10 examples has no interval. Of more types than
    `most` only micro and macro are counted.
    """
    runs = list(found.having("aligned").values())
    if not runs:
        return ()
    counted, names = _counted(runs), runs[0].names
    parts = [counted.of(index) for index in range(len(names))]
    single = zip(names, parts, strict=True) if most is None or len(names) <= most else ()
    scores = (_scored(name, part) for name, part in single if part.pred.any() or part.gold.any())
    return (*scores, _scored(MICRO, counted.together()), _macro(parts))


def f1_differences(gpt: Diagnosis, bert: Diagnosis, most: int | None = None) -> dict[str, Estimate]:
    """F1 of BERT minus GPT by type, micro and macro, paired by seed and example.

    Types that the data do not have are left out, single ones also where there are more than `most`;
    empty where the two were not judged on the same.
    """
    ours, theirs = paired(gpt.having("aligned"), bert.having("aligned"))
    if not ours or (ours[0].names, ours[0].examples) != (theirs[0].names, theirs[0].examples):
        return {}
    left, right = _counted(ours), _counted(theirs)
    names = {name: (left.of(i), right.of(i)) for i, name in enumerate(ours[0].names)}
    present = {name: pair for name, pair in names.items() if pair[0].gold.any()}
    single = present if most is None or len(names) <= most else {}
    found = {name: _apart(*pair) for name, pair in single.items()}
    found[MICRO] = _apart(left.together(), right.together())
    if present:
        ours_psi, theirs_psi = (
            _mean_over_types(part.f1() for part in side)
            for side in zip(*present.values(), strict=True)
        )
        found[MACRO] = stats.mean_interval(theirs_psi - ours_psi)
    return found


def token_level(found: Diagnosis) -> TokenLevel | None:
    """The score over words of each run; None where not on record."""
    words: Mapping[int, tuple[int, int]] = found.having("words")
    if not words or not all(total for _, total in words.values()):
        return None
    right = found.majority
    outside = right[0] / right[1] if right else None
    return TokenLevel(tuple(part / total for part, total in words.values()), outside)


def _counted(runs: Sequence[Aligned]) -> _Counted:
    tables = []
    for run in runs:
        gold, pred = run.gold.astype(np.int64), run.pred.astype(np.int64)
        right = gold == pred if run.exact is None else (gold == pred) & (run.exact == 1)
        tables.append((_table(run, gold[right], right), _table(run, pred), _table(run, gold)))
    return _Counted(
        *(np.stack(part, axis=1).astype(np.float64) for part in zip(*tables, strict=True))
    )


def _table(
    run: Aligned, kinds: NDArray[np.int64], here: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Types x examples: how often each type occurs in each example."""
    example = run.example.astype(np.int64)
    example = example if here is None else example[here]
    cells = kinds * run.examples + example
    types = len(run.names)
    counts = np.bincount(cells[kinds >= 0], minlength=types * run.examples)
    return counts.reshape(types, run.examples)


def _scored(name: str, part: _Counted) -> TypeScore:
    return TypeScore(
        name,
        _ratio(*part.precision(), "nothing was answered so"),
        _ratio(*part.recall(), "the data have none"),
        _ratio(*part.f1(), "the data have none and nothing was answered so"),
        int(part.gold[0].sum()),
        float(part.pred.sum(axis=1).mean()),
    )


def _ratio(numerator: Matrix, denominator: Matrix, without: str) -> Estimate:
    """A ratio of sums with its interval, where there are enough examples to have one."""
    if not denominator.any():
        seeds, units = denominator.shape
        return Estimate(float("nan"), seeds, units, note=without)
    estimate = stats.mean_interval(stats.linearise(numerator, denominator), bounds=LIMITS)
    empty = int((~denominator.any(axis=1)).sum())
    if empty:
        estimate = replace(estimate, note=f"{empty} runs in which {without}: they count as 0")
    return _trusted(estimate, denominator)


def _apart(left: _Counted, right: _Counted) -> Estimate:
    (our_num, our_den), (their_num, their_den) = left.f1(), right.f1()
    psi = stats.linearise(their_num, their_den) - stats.linearise(our_num, our_den)
    return _trusted(stats.mean_interval(psi), np.concatenate([our_den, their_den]))


def _trusted(estimate: Estimate, denominator: Matrix) -> Estimate:
    """The same without its interval where too few examples bear on it."""
    bearing = int(denominator.any(axis=0).sum())
    if bearing >= FEWEST_UNITS or estimate.low is None:
        return estimate
    note = f"{bearing} examples are too few for an interval"
    return Estimate(estimate.mean, estimate.seeds, estimate.units, note=note)


def _macro(parts: Sequence[_Counted]) -> TypeScore:
    """The unweighted mean over the types that the data have."""
    present = [part for part in parts if part.gold.any()]
    if not present:
        seeds, units = parts[0].gold.shape
        nothing = Estimate(float("nan"), seeds, units, note="the data have none")
        return TypeScore(MACRO, nothing, nothing, nothing, 0, 0.0)
    support = sum(int(part.gold[0].sum()) for part in present)
    answered = sum(float(part.pred.sum(axis=1).mean()) for part in present)
    ratios = zip(*((p.precision(), p.recall(), p.f1()) for p in present), strict=True)
    precision, recall, f1 = (
        stats.mean_interval(_mean_over_types(pairs), bounds=LIMITS) for pairs in ratios
    )
    return TypeScore(MACRO, precision, recall, f1, support, answered)


def _mean_over_types(ratios: Iterable[tuple[Matrix, Matrix]]) -> Matrix:
    """Runs x examples, whose mean over examples is the mean of the ratios."""
    found: Matrix = np.mean([stats.linearise(*pair) for pair in ratios], axis=0)
    return found
