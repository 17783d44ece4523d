"""What changed between two folders of records, in words and tables. Counts nothing itself."""

from __future__ import annotations

from collections.abc import Iterator

from harness.changes import Changes, Placed
from harness.comparing.comparison import Comparison
from harness.report.changes.costs import costs
from harness.report.changes.opening import in_short, measured
from harness.report.changes.tables import answers, differences, scores
from harness.report.markdown import bullets, escape, section, shorten
from harness.report.summary import caveat, place

HOW = (
    "Matched are models of the same names. Scores are those of what is compared: the seeds that "
    "both have, where both judged the same test examples; the difference is then taken seed by "
    "seed and example by example. Where it cannot be, it is one of two means and called unpaired. "
    "Its interval covers training seeds and test examples and allows for all models of the table "
    "being asked about at once. Better or worse is what lies beyond the margin with its whole "
    "interval, no change what lies within it; identical are runs with the same counts for every "
    "example. Margins are those of the plan of what is after."
)
LONE = (
    "Compared with nothing, as the other has no run that goes with it, or several that go equally "
    "well:"
)


def changes(found: Changes, names: tuple[str, str]) -> str:
    """The whole report; `names` say what is before and what is after."""
    was, now = (escape(shorten(name, 80)) for name in names)
    parts = (
        in_short(found),
        scores(found),
        HOW if found.changes else "",
        caveat(any(one.after.group.embedded for one in found.changes)),
        answers(found, was, now),
        differences(found),
        costs(found),
        _alone(found, was, now),
    )
    return section(1, f"What changed: {now} against {was}", *parts) + "\n"


def _alone(found: Changes, was: str, now: str) -> str:
    """Models and measurements without a counterpart, and failed runs that may be why."""
    before, after = found.before.comparison, found.after.comparison
    lines = [f"only in {was}: {_lone(one, after)}" for one in found.only_before]
    lines += [f"only in {now}: {_lone(one, before)}" for one in found.only_after]
    lines += [f"only in {was}: {measured(one)}" for one in found.only_measured_before]
    lines += [f"only in {now}: {measured(one)}" for one in found.only_measured_after]
    return section(2, "Not compared", LONE, bullets(lines)) if lines else ""


def _lone(one: Placed, other: Comparison) -> str:
    text = f"{place(one.group)}: {escape(one.arm.description)}"
    failed = sum(_failed(one, other))
    return f"{text} ({failed} failed there)" if failed else text


def _failed(one: Placed, other: Comparison) -> Iterator[bool]:
    """For each failed run whether it would have been a counterpart."""
    names = {"task": one.group.key.task, "data": one.group.key.data, **one.arm.key._asdict()}
    del names["match"]
    for failure in other.failures:
        cell = vars(failure.record.cell)
        yield all(cell[name] == wanted for name, wanted in names.items())
