"""One or two models side by side in a table whose rows have names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harness.comparing.comparison import Contrast
from harness.diagnosis import Diagnosis
from harness.report.markdown import NONE, escape, interval, score, table
from harness.statistics.stats import Estimate


class Side(NamedTuple):
    """One model."""

    name: str  # "GPT" or "BERT"
    found: Diagnosis


class Shown(NamedTuple):
    """One model, or two, under a line that names them."""

    heading: str
    sides: tuple[Side, ...]
    contrast: Contrast | None = None

    @property
    def pair(self) -> tuple[Diagnosis, Diagnosis] | None:
        """Both sides, where they may be compared."""
        if self.contrast is None or self.contrast.refused or len(self.sides) < 2:
            return None
        return self.sides[0].found, self.sides[1].found


def cells(estimates: Mapping[str, Estimate], sign: bool = False) -> dict[str, str]:
    """Mean and interval by name, or the mean alone."""
    return {name: brief(estimate, sign) for name, estimate in estimates.items()}


def brief(estimate: Estimate, sign: bool = False) -> str:
    """Mean and interval; why there is none stands elsewhere."""
    mean = score(estimate.mean, sign)
    return mean if estimate.low is None else f"{mean} {interval(estimate, sign)}"


def side_by_side(first: str, names: Sequence[str], columns: Mapping[str, Mapping[str, str]]) -> str:
    """A row a name, a column a mapping from names; a dash where it has none."""
    rows = [[escape(name), *(one.get(name, NONE) for one in columns.values())] for name in names]
    return table([first, *columns], rows, "l" + "r" * len(columns))
