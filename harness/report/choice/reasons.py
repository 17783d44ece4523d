"""Why a model is chosen; or which limits bind where none fits, and by how much they are missed."""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.comparing.choosing import EDGE, FITS, UNKNOWN, Limit, fit, standing
from harness.comparing.costs import TIME, Kind
from harness.report.choice.case import THOUSAND, Case, limited, number, printable
from harness.report.choice.rows import beyond


def why(case: Case) -> list[str]:
    """Why this one; or which limit binds, and by how much it is missed."""
    if case.pick.place is None:
        return [*_binding(case)]
    parts = [_taken(case)]
    if case.pick.edge:
        parts.append("It may miss a limit: no model keeps all limits for sure.")
    return [" ".join([*parts, *_beyond_reach(case), *_uncompared(case)])]


def _pool(case: Case) -> list[int]:
    """Those that fit as well as the chosen one; nobody where none is chosen."""
    if case.pick.place is None:
        return []
    level = EDGE if case.pick.edge else FITS
    return [at for at, one in enumerate(standing(case.figures, case.terms.limits)) if one == level]


def compared(case: Case) -> list[int]:
    """Those that decide: alike in quality; the best and the next where it has no like."""
    alike = list(case.pick.alike)
    others = [one for one in _pool(case) if one not in alike]
    if len(alike) == 1 and others:
        alike.append(max(others, key=lambda one: float(case.figures.quality[one])))
    return alike


def _taken(case: Case) -> str:
    best, place, names = case.pick.best, case.pick.place, case.names
    others = [one for one in _pool(case) if one != best]
    if best is None or place is None:
        return ""
    if not others:
        return f"it is the only one {'at the edge' if case.pick.edge else 'that fits'}."
    if len(case.pick.alike) == 1:
        ahead = _ahead(case, best, compared(case)[-1])
        margin = case.points(case.terms.margin)
        those = " at the edge" if case.pick.edge else " that fit" if case.terms.limits else ""
        return f"best quality of the {len(others) + 1}{those}: {ahead} (margin {margin})."
    rivals = [one for one in case.pick.alike if one != place]
    text = f"{_listed([names[one] for one in [place, *rivals]])} are not surely further apart in "
    text += f"quality than the margin of {case.points(case.terms.margin)} "
    text += f"({', '.join(_ahead(case, best, one) for one in case.pick.alike if one != best)}), "
    if case.pick.by is None:
        return text + f"and alike in cost: {names[place]} has the higher mean."
    return text + f"so the cheaper is taken, by {_by(case, case.pick.by, rivals)}."


def _ahead(case: Case, one: int, other: int) -> str:
    lead = case.lineup.leads[one, other].estimate
    if lead is None:
        return f"ahead of {case.names[other]}, to which it cannot be compared"
    text = f"{case.names[one]} ahead of {case.names[other]} by {case.points(lead.mean)}"
    arms = [case.lineup.candidates[at].arm for at in (one, other)]
    if len({tuple(run.seed for run in arm.runs) for arm in arms}) > 1:
        text += " on the seeds that both have"
    if lead.low is None or lead.high is None:
        return text
    return f"{text} [{case.points(lead.low, True)}, {case.points(lead.high, True)}]"


def _by(case: Case, kind: Kind, rivals: list[int]) -> str:
    """The cost that decided, and by which factor against each that it could be set against."""
    place = case.pick.place
    assert place is not None
    parts = []
    for one in rivals:
        ratio = case.lineup.ratio(one, place, kind)
        if ratio is not None:
            raced = ", in a race" if case.lineup.raced(one, place, kind) else ""
            parts.append(f"{case.names[one]} takes {_times(ratio.log)}{raced}")
    return f"{kind.name} ({'; '.join(parts)})"


def _times(log: float) -> str:
    """More or less of a cost; what was not trained takes nothing of it."""
    if math.isinf(log):
        return "nothing" if log < 0 else "some, against nothing"
    return f"{math.exp(log):.2f} times as much"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _beyond_reach(case: Case) -> Iterator[str]:
    """Those of higher quality that do not fit as well."""
    pool, quality = _pool(case), case.figures.quality
    best = case.pick.best
    better = [
        case.names[at]
        for at in range(len(quality))
        if best is not None and at not in pool and quality[at] > quality[best]
    ]
    if better:
        yield f"Higher in quality, but not within the limits: {', '.join(better)}."


def _uncompared(case: Case) -> Iterator[str]:
    """Those that fit and that quality could not be set against."""
    for one in _pool(case):
        if case.pick.best is not None and one != case.pick.best:
            lead = case.lineup.leads[case.pick.best, one]
            if lead.estimate is None:
                yield f"{case.names[one]} cannot be compared with it: {printable(lead.why)}."


def _binding(case: Case) -> Iterator[str]:
    """Limits, each with the model that is nearest to it of those that keep all others."""
    limits = case.terms.limits
    lines = []
    for one in limits:
        others = standing(case.figures, [other for other in limits if other is not one])
        keep = [at for at, found in enumerate(others) if found in (FITS, EDGE)]
        if line := _nearest(case, one, keep):
            lines.append(line)
    if not lines:
        everyone = list(range(len(case.names)))
        lines = [line for one in limits if (line := _nearest(case, one, everyone))]
    yield from lines or ["of no model is every cost known that is limited."]


def _nearest(case: Case, limit: Limit, among: list[int]) -> str:
    found = fit(case.figures, limit)
    missing = [at for at in among if found[at] not in (FITS, EDGE, UNKNOWN)]
    if not missing:
        return ""
    nearest = min(missing, key=lambda at: float(case.figures.lows[limit.kind][at]))
    low = float(case.figures.lows[limit.kind][nearest])
    needs = f"{number(THOUSAND / low)} a second at most" if limit.kind == TIME else None
    needs = needs or f"{number(low)} {limit.kind.unit} at least".replace("  ", " ")
    text = f"{limited(limit)} binds: the nearest, {case.names[nearest]}, needs {needs}, and misses "
    return text + f"it by {beyond(case, limit, nearest)}."
