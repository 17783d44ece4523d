"""C16: whether labels have to be aligned to words: trained where they are read, or by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.claims.family import Asked, Question
from harness.claims.finding import Number
from harness.claims.gains import question, sides
from harness.claims.pairing import about, barred_arms, lacking, leading, named, secondary
from harness.claims.untuned import gained
from harness.comparing import pairs
from harness.comparing.comparison import Arm
from harness.comparing.findings import Findings
from harness.comparing.verdicts import Verdict
from harness.record import BY_PIECE

LABELS = "mode.labels"


def ask(findings: Findings) -> Iterator[Asked]:
    """One finding for each leading pair of which a model was trained in both ways."""
    for family, verdicts in leading(findings, lambda one: any(_trained([one]))).items():
        found = list(_trained(verdicts))
        questions = tuple(_question(findings, *one) for one in found)
        numbers = (n for _, label, *arms in found for n in _scores(label, arms))
        yield Asked("C16", about(verdicts), secondary(family), questions, tuple(numbers))


def _trained(verdicts: Sequence[Verdict]) -> Iterator[tuple[Verdict, str, Arm, Arm]]:
    """A model as it stands for its family, and the same with its labels laid on pieces."""
    for one in verdicts:
        for side, arm in sides(one):
            key = arm.key._replace(mode=arm.key.mode + BY_PIECE)
            for other in one.group.arms:
                if other.key == key:
                    yield one, f"{named(one, verdicts)}, {side}", arm, other


def _question(findings: Findings, one: Verdict, label: str, arm: Arm, other: Arm) -> Question:
    text = f"{label}: labels by word - by piece"
    return question(findings, one, text, gained(arm, other), _barred(findings, arm, other))


def _barred(findings: Findings, arm: Arm, other: Arm) -> str:
    """Why the two may not be set against each other; empty where they may.

    The rate that was searched with labels by word holds for both, where no other was searched.
    """
    both = bool(arm.first.tuning and other.first.tuning)
    if differences := pairs.otherwise(arm, other, LABELS, trained=both):
        return "refused: runs differ in " + ", ".join(differences)
    return barred_arms(arm, other) or lacking([arm, other], findings.comparison.failures)


def _scores(label: str, arms: Sequence[Arm]) -> Iterator[Number]:
    """What each of them scores, judged on whole words."""
    for arm, way in zip(arms, ("word", "piece"), strict=True):
        for found in arm.scores[:1]:
            text = f"{label}, labels by {way}, {found.meter.caption}"
            yield Number(text, found.estimate, found.meter.digits, signed=False)
