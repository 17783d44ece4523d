"""One metric a file: integers per example, and a formula over their sums. No model, no torch.

Every module holds TITLE, COLUMNS, LOWER_IS_BETTER, LIMITS and `value(totals)`. What it holds
besides says how its error is known: `ratio(columns)` of a ratio of two sums, `values(totals)` of
any other formula (`value` of many sums at once), NO_INTERVAL (why not) where neither helps.
`sums(columns)` makes what a formula sums where that is no column on record (per class, say).
Metrics of written texts make their columns by `count` of one text or `count_all` of a list.
DESCRIPTIVE marks those that describe texts and rank none. OBSERVATIONS names what intervals are
over where that is not examples. `meter` finds a module by its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Words = Sequence[str]


class UnknownMetric(LookupError):
    """No such metric in this version; the text says which."""


@dataclass(frozen=True)
class Meter:
    """A metric module under its name, with what it does not hold as None."""

    name: str
    title: str
    columns: tuple[str, ...]
    lower_is_better: bool
    limits: tuple[float, float]  # the least and the largest value
    value: Callable[[Mapping[str, float]], float]
    ratio: Callable[[Mapping[str, Sequence[int]]], tuple[Sequence[float], Sequence[float]]] | None
    values: Callable[[Mapping[str, Vector]], Vector] | None
    sums: Callable[[Mapping[str, Sequence[int]]], Mapping[str, int]] | None
    count: Callable[[Words, Sequence[str]], Mapping[str, int]] | None
    count_all: Callable[[Sequence[Words]], Mapping[str, Sequence[int]]] | None
    signature: Callable[[Sequence[Sequence[str]]], str] | None
    no_interval: str | None
    descriptive: bool
    units: str  # what an interval is over, besides seeds

    @property
    def caption(self) -> str:
        """The title, with its direction where that is not the usual one."""
        return self.title + (" (lower is better)" if self.lower_is_better else "")

    @property
    def digits(self) -> int:
        """Decimals to show: scores up to 100 need fewer."""
        return 2 if self.limits[1] == 100 else 3

    @property
    def worst(self) -> float:
        """The least good value: what a trial that failed counts as."""
        return self.limits[1] if self.lower_is_better else self.limits[0]

    def improves(self, difference: float) -> float:
        """A difference of scores with the sign of an improvement."""
        return -difference if self.lower_is_better else difference


@lru_cache(maxsize=64)
def meter(name: str) -> Meter:
    """The metric of this name. Raises UnknownMetric."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UnknownMetric(f"{name!r} is no name of a metric")
    try:
        module: Any = import_module(f"{__name__}.{name}")
    except ImportError:
        raise UnknownMetric(f"metric {name!r} is unknown to this version") from None
    return Meter(
        name=name,
        title=module.TITLE,
        columns=module.COLUMNS,
        lower_is_better=module.LOWER_IS_BETTER,
        limits=module.LIMITS,
        value=module.value,
        ratio=getattr(module, "ratio", None),
        values=getattr(module, "values", None),
        sums=getattr(module, "sums", None),
        count=getattr(module, "count", None),
        count_all=getattr(module, "count_all", None),
        signature=getattr(module, "signature", None),
        no_interval=getattr(module, "NO_INTERVAL", None),
        descriptive=getattr(module, "DESCRIPTIVE", False),
        units=getattr(module, "OBSERVATIONS", "examples"),
    )


def totals(names: Sequence[str], columns: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """What the formulas of these metrics read: every column summed, and what they sum besides."""
    found = {name: int(np.sum(column)) for name, column in columns.items()}
    for make in (meter(name).sums for name in names):
        found |= make(columns) if make is not None else {}
    return found


def of_texts(names: Sequence[str]) -> bool:
    """Whether these are the metrics of written texts."""
    return any(one.count is not None or one.count_all is not None for one in map(meter, names))


def share(part: float, whole: float) -> float:
    """part / whole; 0 where there is nothing."""
    return part / whole if whole else 0.0
