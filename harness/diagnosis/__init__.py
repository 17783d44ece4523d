"""What kinds of errors the runs of an arm make, from counts alone: numbers, and no words on them.

By type or class (`scores`), by kind of error (`errors`), by confidence (`confidence`); `detail`
keeps what is needed of a run's counts, `runs` those of an arm. Everything is derived when it is
asked for. Differences are exploratory and not corrected for their number.
"""

from __future__ import annotations

from harness.diagnosis.confidence import Bin, Calibration, calibration
from harness.diagnosis.detail import Detail, detail
from harness.diagnosis.errors import (
    INVENTED,
    Confused,
    Confusion,
    ErrorShare,
    confusion,
    error_differences,
    errors,
)
from harness.diagnosis.runs import Diagnosis, diagnosed
from harness.diagnosis.scores import (
    MACRO,
    MICRO,
    TokenLevel,
    TypeScore,
    by_type,
    f1_differences,
    token_level,
)

__all__ = [
    "INVENTED",
    "MACRO",
    "MICRO",
    "Bin",
    "Calibration",
    "Confused",
    "Confusion",
    "Detail",
    "Diagnosis",
    "ErrorShare",
    "TokenLevel",
    "TypeScore",
    "by_type",
    "calibration",
    "confusion",
    "detail",
    "diagnosed",
    "error_differences",
    "errors",
    "f1_differences",
    "token_level",
]
