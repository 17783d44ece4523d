"""The candidates of a choice as aligned rows: quality, costs, and what the limits say of each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.comparing.choosing import EDGE, FITS, UNKNOWN, Limit, fit, standing
from harness.comparing.costs import ENERGY, MEMORY, MONEY, TIME, TRAINING, Cost, Kind
from harness.report.choice.case import KEYS, THOUSAND, Case, number
from harness.report.tradeoffs import standings, titled
from harness.statistics.stats import EXAMPLES_ONLY

MOST = 10
MARK = ">"


def rows(case: Case) -> list[str]:
    """The chosen one first, marked; then the others in the order of the report."""
    found, kinds = case.lineup, _kinds(case)
    caption = found.candidates[0].arm.headline.caption
    lines = []
    for at, said in enumerate(_said(case)):
        costs = [_cell(kind, found.candidates[at].costs[kind]) for kind in kinds]
        mark = MARK if at == case.pick.place else ""
        lines.append([mark, case.names[at], _quality(case, at), *costs, said])
    lines.sort(key=lambda line: line[0] != MARK)
    more = len(lines) - MOST
    shown = _aligned([[" ", "model", caption, *map(_titled, kinds), ""], *lines[:MOST]])
    return shown if more <= 0 else [*shown, f"   and {more} more"]


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Columns by width: the mark, the name and the last one to the left, figures to the right."""
    last = len(lines[0]) - 1
    widths = [max(len(line[i]) for line in lines) for i in range(last + 1)]
    texts = []
    for line in lines:
        cells = [
            cell.ljust(width) if i in (0, 1, last) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        texts.append(f"{cells[0]} {'   '.join(cells[1:])}".rstrip())
    return texts


def _kinds(case: Case) -> list[Kind]:
    """Limited costs; all that are known where none is."""
    if case.terms.limits:
        return [one.kind for one in case.terms.limits]
    kinds = [case.terms.order[-1], MEMORY, TIME, ENERGY, TRAINING, MONEY]
    known = case.figures.values
    return [kind for kind in kinds if kind in known and not all(map(math.isnan, known[kind]))]


def _titled(kind: Kind) -> str:
    return "examples / s" if kind == TIME else titled(kind)


def _quality(case: Case, at: int) -> str:
    found = case.lineup.candidates[at].arm.scores[0].estimate
    text = case.points(found.mean)
    if found.low is None or found.high is None:
        return text
    star = "*" if found.covers == EXAMPLES_ONLY else " "
    return f"{text} [{case.points(found.low)}, {case.points(found.high)}]{star}"


def _cell(kind: Kind, cost: Cost) -> str:
    if cost.value is None:
        return "?"
    value, low, high = cost.value, cost.low, cost.high
    if kind == TIME:
        value, low, high = THOUSAND / cost.value, _rate(cost.high), _rate(cost.low)
    if low is None or high is None:
        return f"{number(value)} (no interval)"
    return number(value) if low == high else f"{number(value)} [{number(low)}, {number(high)}]"


def _rate(seconds: float | None) -> float | None:
    return None if seconds is None else THOUSAND / seconds


def _said(case: Case) -> list[str]:
    """What the limits say of each candidate; without any, how it stands to the others."""
    if not case.terms.limits:
        return standings(case.lineup, case.plan.cost_ratio)
    said = []
    for at, worst in enumerate(standing(case.figures, case.terms.limits)):
        parts = [
            _verdict(case, one, at)
            for one in case.terms.limits
            if fit(case.figures, one)[at] == worst
        ]
        said.append("fits" if worst == FITS else ", ".join(parts))
    return said


def _verdict(case: Case, limit: Limit, at: int) -> str:
    key, found = KEYS[limit.kind], fit(case.figures, limit)[at]
    if found == UNKNOWN:
        return f"{key}: not known"
    if found == EDGE:
        return f"at the edge of {key}"
    return f"misses {key} by {beyond(case, limit, at)}"


def beyond(case: Case, limit: Limit, at: int) -> str:
    """By how much even the lower limit of a cost is too high."""
    times = float(case.figures.lows[limit.kind][at]) / limit.most
    return f"{times - 1:.0%}".replace("%", " %") if times < 2 else f"a factor of {times:.1f}"
