"""Which pairs get figures of their own, and the words that say what they are.

One pair a group: the main one, pretrained where there is one. Knows no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from harness.comparing.adaptation import way
from harness.comparing.comparison import FULL, SCRATCH, Arm, Contrast, Group
from harness.comparing.findings import Findings
from harness.comparing.mismatch import scope
from harness.comparing.verdicts import PRIMARY, Verdict, alarmed
from harness.plots.wording import counted, listed, plain, task

MOST = 4
"""Groups that one kind of figure is drawn for; captions say what was left out."""

MECHANISM = "tiny models in a generated world: mechanism, not a ranking of released models"
SMOKE = "smoke run: it tries the pipeline and answers nothing"


class Shown(NamedTuple):
    """A pair with what its figures are called and what stands under their title."""

    verdict: Verdict
    name: str  # "NER, world"
    subtitle: str

    @property
    def group(self) -> Group:
        """Where the pair belongs."""
        return self.verdict.group

    @property
    def contrast(self) -> Contrast:
        """The pair."""
        return self.verdict.contrast

    @property
    def task(self) -> str:
        """The task, as it is called in a sentence."""
        return task(self.group.key.task)


def leading(findings: Findings) -> list[Shown]:
    """The main pair of each group, in the order of the comparison; groups without one come last."""
    chosen: dict[int, Verdict] = {}
    for one in sorted(findings.verdicts, key=_rank):
        chosen.setdefault(id(one.group), one)
    order = [chosen[id(group)] for group in findings.comparison.groups if id(group) in chosen]
    order.sort(key=lambda one: one.family.kind != PRIMARY)
    return [Shown(one, called(one.group), told(one)) for one in order]


def _rank(one: Verdict) -> tuple[bool, bool, bool]:
    partly = one.family.pair.strategy != FULL
    return one.contrast.scratch, one.family.kind != PRIMARY, partly


def called(group: Group) -> str:
    """Task and data, with what tells the group from its namesakes."""
    parts = [f"{task(group.key.task)} on {plain(group.key.data)}"]
    parts += [f"{plain(name)} {plain(value)}" for name, value in group.variant.items()]
    return ", ".join(parts)


def told(one: Verdict) -> str:
    """What is compared, how often, and what limits it."""
    contrast = one.contrast
    about = plain(scope(one.group, contrast), 60)
    paired = counted(len(contrast.seeds), "seed") + (" in common" if contrast.incomplete else "")
    parts = [f"{about}, {paired}"]
    parts.append(f"GPT is {named(contrast.gpt)}, BERT is {named(contrast.bert)}")
    if rung := alarmed(contrast.gpt, contrast.bert):
        parts.append(f"void: {plain(rung, 100)}")
    if contrast.smoke:
        parts.append(SMOKE)
    return "; ".join([*parts, *([MECHANISM] if one.group.embedded else [])])


def named(arm: Arm) -> str:
    """A model in a word or a few: its mode where that is not the usual one."""
    parts = [plain(arm.key.model, 24)]
    parts += [plain(arm.key.mode, 24)] if arm.writes or not arm.native else []
    parts += [plain(way(arm.first), 24)] if arm.key.strategy != FULL else []
    parts += ["scratch"] if arm.key.weights == SCRATCH else []
    return " ".join(parts)


def left_out(names: Sequence[str]) -> str:
    """A sentence on what else there is; empty where that is nothing."""
    return f" Left out: {listed(names)}." if names else ""
