"""What else moves the score: the seed, the mode, a setting, no pretraining. Beside the difference.

A difference between two families that is smaller than what a setting moves is no property of the
families.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import stdev

from harness.comparing import pairs
from harness.comparing.comparison import SCRATCH, Arm, Group
from harness.comparing.findings import Findings
from harness.report.markdown import NONE, escape, score, section, table
from harness.report.summary import caveat, place

INTRODUCTION = (
    "How far the headline score of one model moves when something else than its family changes; "
    "to be read beside BERT's advantage. A seed moves it by its standard deviation (with the range "
    "of all runs); anything else by the difference to the model as it is used where nobody says "
    "otherwise. Exploratory: no intervals here."
)
UNSEARCHED = "no search of its own"
UNTRIED = (
    "Settings that were not varied here can be: python -m harness.run -m task=ner model=gpt2 "
    "model.label_piece=first,last (which piece of a word answers) runs one of them."
)


def sensitivity(findings: Findings) -> str:
    """The section on what moves scores."""
    groups = findings.comparison.groups
    rows = [row for group in groups for row in _rows(group)]
    header = ["task", "model", "what changes", "moves the score by", "from", "to"]
    shown = table(header, rows, "lllrrr") if rows else "Nothing was varied."
    embedded = any(group.embedded for group in groups)
    return section(2, "Sensitivity", INTRODUCTION, shown, UNTRIED, caveat(embedded))


def _rows(group: Group) -> Iterator[list[str]]:
    for arm in _bases(group):
        yield from _seed(group, arm)
        yield from (_other(group, arm, other) for other in _others(group, arm))


def _bases(group: Group) -> list[Arm]:
    """Each model as it is used where nobody says otherwise; of several settings the first."""
    found: dict[str, Arm] = {}
    for arm in group.arms:
        if arm.scores and arm.native and arm.key.weights != SCRATCH and arm.key.strategy == "full":
            found.setdefault(arm.key.model, arm)
    return list(found.values())


def _seed(group: Group, arm: Arm) -> Iterator[list[str]]:
    values, digits = arm.scores[0].per_seed, arm.headline.digits
    if len(values) > 1:
        moved = score(stdev(values), digits=digits)
        ends = [score(end, digits=digits) for end in (min(values), max(values))]
        yield [place(group), escape(arm.description), f"seed ({len(values)})", moved, *ends]


def _others(group: Group, arm: Arm) -> Iterator[Arm]:
    """The same model, used or trained otherwise."""
    for other in group.arms:
        if other is not arm and other.scores and other.key.model == arm.key.model:
            yield other


def _other(group: Group, arm: Arm, other: Arm) -> list[str]:
    digits, apart = arm.headline.digits, pairs.unequal(arm, other)
    before, after = (one.scores[0].estimate.mean for one in (arm, other))
    moved = score(after - before, True, digits)
    if apart and arm.first.tuning and other.first.tuning:
        moved = f"{NONE} (refused: {escape(', '.join(apart))})"
    ends = [score(end, digits=digits) for end in (before, after)]
    told = _changed(arm, other) + ([UNSEARCHED] if apart and not other.first.tuning else [])
    words = escape(", ".join(told) or "settings")
    return [place(group), escape(arm.description), words, moved, *ends]


def _changed(arm: Arm, other: Arm) -> list[str]:
    """What differs between two arms of one model, in words."""
    words = [
        f"{name}: {arm.variant.get(name, NONE)} to {value}"
        for name, value in other.variant.items()
        if value != arm.variant.get(name)
    ]
    if other.key.mode != arm.key.mode:
        words.append(f"mode {other.key.mode}")
    if other.key.weights != arm.key.weights:
        words.append("no pretraining" if other.key.weights == SCRATCH else other.key.weights)
    if other.key.strategy != arm.key.strategy:
        words.append(f"strategy {other.key.strategy}")
    return words
