"""C12: whether a bigger GPT is better, over a ladder of sizes treated alike."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from harness.claims.family import Asked, Question, evidence
from harness.claims.finding import Number
from harness.claims.pairing import SECONDARY, barred_arms, few, one_run, uncertain
from harness.comparing.comparison import SCRATCH, Arm, Group
from harness.comparing.findings import Findings
from harness.comparing.mismatch import UNLIKE
from harness.comparing.pairs import unlike
from harness.comparing.verdicts import BERT, GPT, advantage_of, seeds_in_words
from harness.statistics import stats
from harness.statistics.stats import Estimate

FEWEST = 3
FAMILIES = {GPT: "gpt", BERT: "bert"}


@dataclass(frozen=True)
class Ladder:
    """Arms of one family by non-embedding parameters, no two of a size, all treated alike."""

    arms: tuple[Arm, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that all of them finished."""
        return tuple(sorted(set.intersection(*(set(arm.seeds) for arm in self.arms))))


def ask(findings: Findings) -> Iterator[Asked]:
    """One finding for each group with at least three sizes of both families."""
    for group in findings.comparison.groups:
        found = {side: _ladder(group, family) for side, family in FAMILIES.items()}
        if all(len(one.arms) >= FEWEST for one in found.values()):
            yield _asked(findings, group, found[GPT], found[BERT])


def _asked(findings: Findings, group: Group, gpt: Ladder, bert: Ladder) -> Asked:
    key, meter = group.key, gpt.arms[0].headline
    margin = findings.plan.margin(meter.name, group.embedded)
    gain, other = climbed(gpt), climbed(bert)
    why = barred_arms(*gpt.arms) or _incomplete(gpt) or one_run(len(gpt.seeds)) or uncertain(gain)
    if margin is None:
        why = why or f"the plan has no margin for {meter.name}"
    question = Question(
        f"{key.task}, gain of GPT from {_sizes(gpt)}",
        None if gain is None else evidence(gain),
        margin or 1.0,
        why,
        meter.digits,
        preliminary=few(len(gpt.seeds), findings.plan),
    )
    label = f"{key.task}, gain of BERT from {_sizes(bert)}"
    numbers = () if other is None else (Number(label, other, meter.digits),)
    kind = "embedded world" if group.embedded else "real data"
    family = (SECONDARY, key.source, key.evaluated, key.hardware)
    return Asked("C12", f"{kind}, {key.data}", family, (question,), numbers)


def _ladder(group: Group, family: str) -> Ladder:
    """The longest such ladder: of each size the first arm that was treated like the smallest."""
    usable = [
        arm
        for arm in group.arms
        if arm.key.family == family and arm.native and arm.key.weights != SCRATCH and _size(arm)
    ]
    usable.sort(key=_size)
    longest: list[Arm] = []
    for first in usable:
        found = [first]
        for arm in usable:
            apart = _size(arm) - _size(found[-1]) > UNLIKE * _size(arm)
            if apart and not unlike(first, arm):
                found.append(arm)
        longest = max(longest, found, key=len)
    return Ladder(tuple(longest))


def _size(arm: Arm) -> float:
    """Non-embedding parameters; 0 where they are not on record."""
    return float(arm.first.model.parameters.get("non_embedding", 0)) if arm.first.model else 0.0


def climbed(found: Ladder) -> Estimate | None:
    """The gain from the smallest to the largest size, along the least-squares line.

    Slope of the score on the logarithm of the size, times the ladder's length: a weighted sum of
    scores, paired by seed and example. None where scores have no values per example.
    """
    seeds, values = found.seeds, list[stats.Matrix]()
    for arm in found.arms:
        if arm.values is None:
            return None
        values.append(arm.values[[arm.seeds.index(seed) for seed in seeds]])
    if not seeds:
        return None
    x = np.log([_size(arm) for arm in found.arms])
    weights = (x - x.mean()) / ((x - x.mean()) ** 2).sum() * (x[-1] - x[0])
    gain = stats.mean_interval(np.tensordot(weights, np.stack(values), axes=1))
    return advantage_of(found.arms[0].headline, gain)


def _incomplete(found: Ladder) -> str:
    alone = {seed for arm in found.arms for seed in arm.seeds} - set(found.seeds)
    return f"incomplete: {seeds_in_words(sorted(alone))} not of every size" if alone else ""


def _sizes(found: Ladder) -> str:
    small, large = (_size(arm) / 1e6 for arm in (found.arms[0], found.arms[-1]))
    digits = max(0, 2 - math.floor(math.log10(small)))
    return f"{small:.{digits}f} to {large:.{digits}f} M parameters ({len(found.arms)} sizes)"
