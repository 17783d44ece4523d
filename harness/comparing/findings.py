"""All that a report says, before it is put into words: the comparison, the plan, the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import plan
from harness.comparing import aggregate
from harness.comparing.comparison import Comparison, Contrast
from harness.comparing.verdicts import Verdict, verdicts
from harness.contracts import InputError
from harness.plan import Plan

MAKE_SOME = "run `make sweep` or `python -m harness.run` first"

BEFORE = "fixed before the runs"
NEVER = "the default of this version: the records name no plan, so it was not fixed before the runs"
AFTER = "named to this report, not fixed before the runs"
LOST = "the default of this version: the plan that the records name ({}) is not beside them"
SEVERAL = "that of most runs; records name {} plans"


@dataclass(frozen=True)
class Findings:
    """What a report is written from."""

    comparison: Comparison
    plan: Plan
    standing: str  # when the plan was made, in words
    verdicts: tuple[Verdict, ...]
    quoted: bool = True  # whether texts of the data may be shown

    def of(self, contrast: Contrast) -> Verdict:
        """The verdict on a contrast of this comparison."""
        return next(one for one in self.verdicts if one.contrast is contrast)


def find(roots: Sequence[Path], named: Plan | None = None) -> Findings:
    """Read what was recorded below these folders and decide it, by the plan that is named if any.

    Raises InputError where there is no folder or nothing in it.
    """
    for root in roots:
        if not _is_folder(root):
            raise InputError(f"{root}: no such folder; {MAKE_SOME}")
    comparison = aggregate.compare(*roots)
    if not (comparison.records or comparison.measurements):
        places = ", ".join(map(str, roots))
        raise InputError(f"{places}: no records below this folder; {MAKE_SOME}")
    chosen, standing = _plan(comparison, roots, named)
    return Findings(comparison, chosen, standing, verdicts(comparison, chosen))


def _is_folder(root: Path) -> bool:
    try:
        return root.is_dir()
    except OSError as error:
        raise InputError(f"{root}: cannot be read ({error.strerror or error})") from None


def _plan(comparison: Comparison, roots: Sequence[Path], named: Plan | None) -> tuple[Plan, str]:
    """The plan to decide by, and how it stands to the runs."""
    told = Counter(run.record.plan for run in comparison.runs if run.record.plan)
    whole = sum(1 for _ in comparison.runs)
    if named is not None:
        before = set(told) == {named.digest} and told.total() == whole
        return named, BEFORE if before else AFTER
    if not told:
        return plan.default(), NEVER
    kept = {one.digest: one for root in roots for one in plan.kept(root)}
    digest, count = told.most_common(1)[0]
    if digest not in kept:
        return plan.default(), LOST.format(digest[:10])
    if len(told) > 1:
        return kept[digest], SEVERAL.format(len(told))
    fixed = count == whole
    return kept[digest], BEFORE if fixed else f"{BEFORE} of {count} of {whole} runs"
