"""C10c and C10d: what full fine-tuning brings over asking in words, and over a linear probe."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from harness.claims.family import Asked, Question
from harness.claims.finding import Number
from harness.claims.gains import question, sides
from harness.claims.pairing import about, barred_arms, leading, named, secondary
from harness.comparing import adaptation
from harness.comparing.adaptation import HEAD_ONLY, NO_SEED, PROMPT
from harness.comparing.comparison import FULL, Arm, Group
from harness.comparing.findings import Findings
from harness.comparing.verdicts import Verdict, seeds_in_words
from harness.statistics import stats
from harness.statistics.stats import Estimate

CLAIMED = {"C10c": PROMPT, "C10d": HEAD_ONLY}
"""What came before fine-tuning."""


def ask(findings: Findings) -> Iterator[Asked]:
    """For each leading pair: against its own untuned answers, and against its linear probe."""
    for claim, strategy in CLAIMED.items():
        for family, verdicts in leading(findings, partial(_has, strategy)).items():
            questions, numbers = list[Question](), list[Number]()
            for one in verdicts:
                for side, arm in sides(one):
                    label = f"{named(one, verdicts)}, {side}"
                    for before in _before(one.group, arm, strategy):
                        asked = _question(findings, one, label, arm, before)
                        if adaptation.steady(before) or strategy != PROMPT:
                            questions.append(asked)
                        else:
                            numbers.append(_beside(asked, before))
            place = secondary(family)
            yield Asked(claim, about(verdicts), place, tuple(questions), tuple(numbers))


def _has(strategy: str, one: Verdict) -> bool:
    return any(_before(one.group, arm, strategy) for _, arm in sides(one))


def _before(group: Group, arm: Arm, strategy: str) -> list[Arm]:
    """The same model, used as it came or with its answer layer alone tuned."""
    key = arm.key._replace(strategy=strategy)
    return [one for one in group.arms if one.key == key and arm.key.strategy == FULL]


def _question(findings: Findings, one: Verdict, label: str, arm: Arm, before: Arm) -> Question:
    settings = ", ".join(f"{name}={value}" for name, value in before.variant.items())
    text = f"{label} ({settings})" if settings else label
    return question(findings, one, text, gained(arm, before), _barred(arm, before))


def gained(arm: Arm, before: Arm) -> Estimate | None:
    """Arm minus before, as an improvement, paired by seed and example; None without values."""
    seeds = adaptation.shared(before, arm)
    after, first = adaptation.scores(arm, seeds), adaptation.scores(before, seeds)
    if after is None or first is None or not seeds:
        return None
    return stats.mean_interval(after - first)


def _barred(arm: Arm, before: Arm) -> str:
    if differences := adaptation.unlike(before, arm):
        return "refused: runs differ in " + ", ".join(differences)
    seeds = adaptation.shared(before, arm)
    if not seeds:
        return NO_SEED
    alone = [] if adaptation.steady(before) else sorted({*arm.seeds} ^ {*before.seeds})
    void = barred_arms(arm, before)
    if alone and not void and len(seeds) > 1:
        return f"incomplete: {seeds_in_words(alone)} on one side only"
    return void


def _beside(asked: Question, before: Arm) -> Number:
    label = f"{asked.label}, {adaptation.way(before.first)}, not deciding"
    return Number(label, asked.barred if asked.seen is None else asked.seen, asked.digits)
