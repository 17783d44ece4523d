"""A question with its answer, and how limits and figures look in plain text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from harness.comparing.choosing import Figures, Limit, Pick, Terms, figures, pick
from harness.comparing.costs import ENERGY, MEMORY, MONEY, P50, P95, TIME, TRAINING, Kind
from harness.comparing.tradeoffs import Lineup, short
from harness.plan import Plan
from harness.report.figures import figure
from harness.report.markdown import score

KEYS: Mapping[Kind, str] = {
    P50: "max_latency_ms",
    P95: "max_latency_ms",
    MEMORY: "max_memory_mb",
    TIME: "min_examples_per_second",
    ENERGY: "max_energy_joules",
    TRAINING: "max_training_seconds",
    MONEY: "max_money",
}
"""What a limit on a cost is called by the command."""

THOUSAND = 1000


@dataclass(frozen=True)
class Case:
    """A question with its answer."""

    lineup: Lineup
    terms: Terms
    plan: Plan
    figures: Figures
    pick: Pick

    @property
    def names(self) -> list[str]:
        """Short names of the candidates, by place."""
        return [printable(name) for name in short([one.arm for one in self.lineup.candidates])]

    def points(self, value: float, sign: bool = False) -> str:
        """A score, or a difference of scores, with the decimals of the metric."""
        digits = self.lineup.candidates[0].arm.headline.digits
        return score(value, sign, digits)


def answered(lineup: Lineup, terms: Terms, plan: Plan) -> Case:
    """Put the question."""
    found = figures(lineup)
    return Case(lineup, terms, plan, found, pick(found, terms))


def printable(text: str) -> str:
    """Foreign text as one line without control or bidi characters."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def limited(limit: Limit) -> str:
    """A limit as the command takes it; a rate is one over a time."""
    percentile = f" ({limit.kind.name[:3]})" if limit.kind in (P50, P95) else ""
    most = THOUSAND / limit.most if limit.kind == TIME else limit.most
    return f"{KEYS[limit.kind]}={most:.10g}{percentile}"


def number(value: float) -> str:
    """A positive figure with three or more digits that count; small ones have no more."""
    if math.isinf(value):
        return "no limit"
    return f"{value:.3g}" if 0 < value < 0.01 else figure(value)


def bound(value: float, up: bool) -> str:
    """The same, rounded to the side on which it still says what it says."""
    decimals = len(number(value).partition(".")[2])
    if "e" in number(value):
        return number(value)
    turn, unit = (math.ceil, 10**decimals) if up else (math.floor, 10**decimals)
    return number(turn(round(value * unit, 6)) / unit)
