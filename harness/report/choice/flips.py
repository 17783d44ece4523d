"""What would change a choice: other limits, no limit, another margin of quality."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.comparing.choosing import Pick, Step, limit_steps, margin_steps, pick, without
from harness.comparing.costs import MEMORY, TIME, Kind
from harness.report.choice.case import KEYS, THOUSAND, Case, bound

NOBODY = "no model"


def flips(case: Case) -> list[str]:
    """A line for each limit (where none was given, for latency and memory), and for the margin."""
    kinds = [one.kind for one in case.terms.limits] or [case.terms.order[-1], MEMORY]
    known = [kind for kind in kinds if _points(case, kind)]
    lines = [f"{KEYS[kind]}, {_now(case, kind)}: {'; '.join(_limit(case, kind))}" for kind in known]
    return [*lines, *_margin(case)]


def _points(case: Case, kind: Kind) -> bool:
    """Whether anybody's cost of this kind is known, so that a limit has something to change."""
    return not all(map(math.isnan, case.figures.values[kind]))


def _now(case: Case, kind: Kind) -> str:
    most = _most(case, kind)
    if math.isinf(most):
        return "now none"
    return f"now {THOUSAND / most if kind == TIME else most:.10g}"


def _most(case: Case, kind: Kind) -> float:
    return next((one.most for one in case.terms.limits if one.kind == kind), math.inf)


def _limit(case: Case, kind: Kind) -> Iterator[str]:
    """From the limit that was given downwards, then upwards, then without it."""
    steps, most = limit_steps(case.figures, case.terms, kind), _most(case, kind)
    tighter = [one for one in steps if one.high <= most and math.isfinite(one.high)]
    looser = [one for one in steps if one.low > most]
    below, above = ("above", "up to") if kind == TIME else ("below", "from")
    for one in reversed(tighter):
        yield f"{_taken(case, one.pick)} {below} {_shown(kind, one.high)}"
    for one in looser:
        yield f"{_taken(case, one.pick)} {above} {_shown(kind, one.low)}"
    yield from _without(case, kind, steps, bool(looser))


def _without(case: Case, kind: Kind, steps: Sequence[Step], changed: bool) -> Iterator[str]:
    if math.isinf(_most(case, kind)):
        if len(steps) == 1:
            yield "no limit changes it"
        return
    free = pick(case.figures, without(case.terms, kind))
    last = steps[-1].taken
    if (free.place, free.edge) != last:
        yield f"{_taken(case, free)} without it"
    elif not changed:
        yield f"the same with a {'lower' if kind == TIME else 'higher'} one or none"


def _shown(kind: Kind, most: float) -> str:
    """A limit at which the choice changes, rounded to where the change has happened."""
    if kind == TIME:
        return bound(THOUSAND / most, up=False)
    return bound(most, up=True)


def _taken(case: Case, found: Pick) -> str:
    if found.place is None:
        return NOBODY
    return case.names[found.place] + (" at the edge" if found.edge else "")


def _margin(case: Case) -> Iterator[str]:
    steps, now = margin_steps(case.figures, case.terms), case.terms.margin
    tighter = [one for one in steps if one.high <= now]
    looser = [one for one in steps if one.low > now]
    parts = [f"{_taken(case, one.pick)} below {_point(case, one.high)}" for one in tighter[::-1]]
    parts += [f"{_taken(case, one.pick)} from {_point(case, one.low)}" for one in looser]
    if parts:
        yield f"margin of quality, now {case.points(now)}: {'; '.join(parts)}"


def _point(case: Case, margin: float) -> str:
    """Rounded up, so that at the margin shown the change has happened."""
    unit = 10 ** case.lineup.candidates[0].arm.headline.digits
    return case.points(math.ceil(round(margin * unit, 6)) / unit)
