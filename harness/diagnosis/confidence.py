"""Does a model know when it is right? Confidence against the share of right answers, by bins.

Counts hold sums per bin of confidence and not per example, so intervals are over seeds only: they
say what another training would give on the same examples, and are labelled so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats as distributions

from harness.diagnosis.runs import Diagnosis
from harness.record import CONFIDENCE_UNITS
from harness.statistics.stats import LEVEL, ROUNDING, Estimate

SEEDS_ONLY = "seeds only"
"""What an interval covers that a t distribution over the values of single seeds gives."""

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Bin:
    """Answers of one bin of confidence, all seeds together: for a drawing, not for an interval."""

    low: float
    high: float
    answers: int
    right: float | None  # share; None where no answer lies here
    confidence: float | None  # mean


@dataclass(frozen=True)
class Calibration:
    """How far confidence and share of right answers lie apart.

    `ece` is the expected calibration error (Guo et al. 2017), the sum over bins of |right answers
    - summed confidence| over all answers; it is never below 0 and too high where answers are few.
    `gap` is mean confidence minus share of right answers: above 0 is over-confident.
    """

    ece: Estimate
    gap: Estimate
    answers: float  # mean per run
    bins: tuple[Bin, ...]
    left_out: int = 0  # runs that answered nothing: no tag but O


def calibration(found: Diagnosis) -> Calibration | None:
    """Of the runs that hold confidences and answered anything; None where none does."""
    kept: list[Counts] = list(found.having("reliability").values())
    tables = [table for table in kept if table[0].any()]
    if not tables:
        return None
    units = int(np.mean([table[0].sum() for table in tables]))
    return Calibration(
        over_seeds([_error(table) for table in tables], units, (0.0, 1.0)),
        over_seeds([_gap(table) for table in tables], units, (-1.0, 1.0)),
        float(np.mean([table[0].sum() for table in tables])),
        tuple(_bins(np.sum(tables, axis=0))),
        len(kept) - len(tables),
    )


def over_seeds(values: list[float], units: int, bounds: tuple[float, float]) -> Estimate:
    """Mean of one value a seed with Student's t interval over seeds alone, cut at the bounds."""
    count, mean = len(values), float(np.mean(values))
    if count < 2:
        return Estimate(mean, count, units, note="one seed: no interval over seeds")
    error = float(np.std(values, ddof=1)) / count**0.5
    if error <= ROUNDING:
        return Estimate(mean, count, units, note="no variation between seeds")
    reach = float(distributions.t.ppf((1 + LEVEL) / 2, count - 1)) * error
    low, high = max(mean - reach, bounds[0]), min(mean + reach, bounds[1])
    return Estimate(mean, count, units, error, low, high, count - 1.0, SEEDS_ONLY)


def _error(table: Counts) -> float:
    answers, right, confidence = table
    return float(np.abs(right - confidence / CONFIDENCE_UNITS).sum() / answers.sum())


def _gap(table: Counts) -> float:
    answers, right, confidence = table
    return float((confidence.sum() / CONFIDENCE_UNITS - right.sum()) / answers.sum())


def _bins(table: Counts) -> list[Bin]:
    width = 1 / table.shape[1]
    return [
        Bin(
            place * width,
            (place + 1) * width,
            answers,
            right / answers if answers else None,
            confidence / CONFIDENCE_UNITS / answers if answers else None,
        )
        for place, (answers, right, confidence) in enumerate(table.T.tolist())
    ]
