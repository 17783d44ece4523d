"""A choice in plain words, for a terminal: who, why, how sure, what would change it, what it is of.

No markup here; whatever comes from records is made printable.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from harness.comparing.choosing import UNKNOWN, standing
from harness.report.choice.case import Case, limited, printable
from harness.report.choice.caveats import left_out, scope, sure, surer
from harness.report.choice.flips import flips
from harness.report.choice.reasons import why
from harness.report.choice.rows import rows

WIDTH = 100


def told(case: Case, notes: Sequence[str] = ()) -> str:
    """The whole answer; `notes` are further lines about where it comes from."""
    parts = [
        _headline(case),
        _asked(case),
        "",
        *rows(case),
        "",
        *_paragraph("Why", why(case)),
        *_paragraph("How sure", [*sure(case)]),
        *_paragraph("What would change it", flips(case)),
        *_paragraph("To be surer", [*surer(case)]),
        *_paragraph("Left out", [*left_out(case)]),
        *_paragraph("Scope", [" ".join([*scope(case), *map(printable, notes)])]),
    ]
    return "\n".join(parts) + "\n"


def _headline(case: Case) -> str:
    key = case.lineup.group.key
    where = printable(f"{key.task} on {key.data}")
    if case.pick.place is None:
        known = (standing(case.figures, case.terms.limits) != UNKNOWN).any()
        return f"{where}: no model {'fits' if known else 'is known to fit'}"
    chosen = printable(case.lineup.candidates[case.pick.place].arm.description)
    return f"{where}: choose {chosen}" + (", though it is at the edge" if case.pick.edge else "")


def _asked(case: Case) -> str:
    limits = [limited(one) for one in case.terms.limits]
    return f"Asked: {', '.join(limits)}." if limits else "Asked: no limit, so quality decides."


def _paragraph(title: str, lines: Sequence[str]) -> Iterator[str]:
    """One line after the title, several below it."""
    if len(lines) == 1:
        yield from _wrapped(f"{title}: {lines[0]}", "", "  ")
    elif lines:
        yield f"{title}:"
        for line in lines:
            yield from _wrapped(line, "  ", "    ")


def _wrapped(text: str, first: str, rest: str) -> Iterator[str]:
    """No line begins with the sign of a percentage."""
    kept = text.replace(" %", "\N{NO-BREAK SPACE}%")
    lines = textwrap.wrap(kept, WIDTH, initial_indent=first, subsequent_indent=rest)
    yield from (line.replace("\N{NO-BREAK SPACE}%", " %") for line in lines)
