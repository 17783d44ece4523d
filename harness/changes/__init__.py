"""What changed between two comparisons: the same models before and after, in numbers.

Another commit, another machine, another version of a library: each model's runs are set against
its runs before and decided by the plan's margins (`scores`). Beside that stand the answers of
both, what differs between the two (`facts`), and costs (`costs`), on which nothing is decided.
Words and tables are the report's business.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness import record
from harness.changes import costs, matching, scores
from harness.changes.costs import Cost
from harness.changes.facts import Difference, apart
from harness.changes.matching import Placed, matched, placed, rest
from harness.changes.scores import Change
from harness.comparing.findings import Findings
from harness.comparing.verdicts import Verdict
from harness.measurement import Measurement

__all__ = ["Answer", "Change", "Changes", "Cost", "Difference", "Placed", "changes"]


@dataclass(frozen=True)
class Answer:
    """One question with both answers."""

    before: Verdict
    after: Verdict

    @property
    def changed(self) -> bool:
        """Whether the answer is another one."""
        return self.before.answer != self.after.answer


@dataclass(frozen=True)
class Changes:
    """All that a report on changes is written from. `only_` is what has no counterpart."""

    before: Findings
    after: Findings
    changes: tuple[Change, ...]
    only_before: tuple[Placed, ...]
    only_after: tuple[Placed, ...]
    answers: tuple[Answer, ...]
    only_asked_before: tuple[Verdict, ...]
    only_asked_after: tuple[Verdict, ...]
    plan: tuple[Difference, ...]
    costs: tuple[Cost, ...]
    only_measured_before: tuple[Measurement, ...]
    only_measured_after: tuple[Measurement, ...]


def changes(before: Findings, after: Findings) -> Changes:
    """Set two comparisons against each other, by the margins of the plan of `after`."""
    was, now = (placed(one.comparison) for one in (before, after))
    pairs = matched(was, now, matching.ARMS)
    answers = tuple(_answers(before.verdicts, after.verdicts, pairs))
    asked = [(one.before, one.after) for one in answers]
    measured = before.comparison.measurements, after.comparison.measurements
    alike = matched(*measured, matching.MEASUREMENTS)
    return Changes(
        before,
        after,
        tuple(scores.changes(pairs, after.plan)),
        *rest(was, now, pairs),
        answers,
        *rest(before.verdicts, after.verdicts, asked),
        _plans(before, after),
        tuple(costs.cost(*pair) for pair in alike),
        *rest(*measured, alike),
    )


def _answers(
    before: Sequence[Verdict], after: Sequence[Verdict], pairs: Sequence[tuple[Placed, Placed]]
) -> Iterator[Answer]:
    """Verdicts on the same two models, in the order of `before`."""
    later: dict[int | None, int] = {id(was.arm): id(now.arm) for was, now in pairs}
    asked = {_sides(one): one for one in after}
    for one in before:
        sides = tuple(later.get(side) for side in _sides(one))
        if sides in asked:
            yield Answer(one, asked[sides])


def _sides(one: Verdict) -> tuple[int | None, ...]:
    return id(one.contrast.gpt), id(one.contrast.bert)


def _plans(before: Findings, after: Findings) -> tuple[Difference, ...]:
    """Margins and rules by which the answers of the two were decided, if not by the same."""
    told = ([record.flatten({"plan": dataclasses.asdict(one.plan)})] for one in (before, after))
    return tuple(apart(*told))
