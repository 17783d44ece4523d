"""What was taken for what, and whether a model knows when it is right."""

from __future__ import annotations

from harness.diagnosis import Calibration, Confusion, calibration, confusion
from harness.report.markdown import bullets, escape, score, table
from harness.report.sides import Shown, brief, side_by_side

FEW, LARGEST = 8, 10
"""Names up to which a confusion is a square, and the rows that are shown of a larger one."""

NOTHING = "nothing"


def confusions(shown: Shown) -> str:
    """A table a model; empty where none is on record."""
    found = {one.name: told for one in shown.sides if (told := confusion(one.found))}
    if not found:
        return ""
    shape = _square if all(len(one.names) <= FEW for one in found.values()) else _long
    return "\n\n".join(shape(side, one) for side, one in found.items())


def _square(side: str, found: Confusion) -> str:
    """Every class of the data against every answer."""
    names = [escape(name) for name in found.names]
    names += [NOTHING] * (len(found.counts) - len(names))
    rows = [[names[g], *(_number(value) for value in row)] for g, row in enumerate(found.counts)]
    if len(names) > len(found.names):
        rows[-1][-1] = ""  # nothing taken for nothing is not counted
    return table([f"{side}: data, answers", *names], rows, "l" + "r" * len(names))


def _long(side: str, found: Confusion) -> str:
    rows = [
        [escape(one.gold), escape(one.pred), _number(one.per_run), score(one.share)]
        for one in found.largest(LARGEST)
    ]
    if not rows:
        return f"{side}: nothing was taken for anything else."
    return table([f"{side}: data", "answer", "per run", "share of the data's"], rows, "llrr")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) else f"{value:,.1f}"


def calibrations(shown: Shown) -> str:
    """ECE and gap of each model, and in words which way it errs; empty where none is on record."""
    found = {one.name: told for one in shown.sides if (told := calibration(one.found))}
    if not found:
        return ""
    columns = {
        "ECE": {side: brief(one.ece) for side, one in found.items()},
        "confidence - right": {side: brief(one.gap, sign=True) for side, one in found.items()},
        "answers per run": {side: _number(one.answers) for side, one in found.items()},
    }
    lines = [f"{side} {_inclined(one)}" for side, one in found.items()]
    return "\n\n".join([side_by_side("model", list(found), columns), bullets(lines)])


def _inclined(found: Calibration) -> str:
    """Over- or under-confident, as far as the seeds tell."""
    gap = found.gap
    apart = f"its confidence is {score(abs(gap.mean))} "
    apart += "above" if gap.mean > 0 else "below"
    apart += " its share of right answers on average"
    if found.left_out:
        apart += f"; runs that answered nothing and are left out: {found.left_out}"
    if gap.low is None:
        return f"cannot be called over- or under-confident ({escape(gap.note)}): {apart}"
    if not gap.excludes(0.0):
        return f"is neither over- nor under-confident as far as {gap.seeds} seeds tell: {apart}"
    return f"is {'over' if gap.mean > 0 else 'under'}-confident: {apart}"
