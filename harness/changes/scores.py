"""A model's headline score before and after, and whether it changed beyond the plan's margin.

Where both judged the same examples, the difference is taken seed by seed and example by example;
else it is one of two means, and says so. All matched models are one family of questions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import stats as distributions

from harness.changes import facts
from harness.changes.facts import Difference
from harness.changes.matching import Placed
from harness.comparing.comparison import SMOKE, Arm, Run
from harness.comparing.verdicts import NONE, ONE_RUN, UNDETERMINED, alarmed, seeds_in_words
from harness.metrics import Meter
from harness.plan import Plan
from harness.statistics import decisions, stats
from harness.statistics.decisions import ABOVE, BELOW, EQUIVALENT, Decision
from harness.statistics.stats import BOTH, EXAMPLES_ONLY, LEVEL, Estimate, Matrix

BETTER, WORSE, UNCHANGED, IDENTICAL = "better", "worse", "no change", "identical"
PAIRED = "paired"
OTHER_EXAMPLES, OTHER_SEEDS = "other examples: unpaired", "no common seed: unpaired"
SAME_SCORES = "the same headline score for every example, but other counts"
OTHER_WEIGHTS = "the same counts for every example, but other tuned weights"
TRIED = "smoke run: it tries the pipeline and answers nothing"


@dataclass(frozen=True)
class Change:
    """One model before and after.

    `was` and `now` are its headline score on what is compared, `difference` is now - was in the
    unit of the metric, and `decision` is on it, at the level of the family of all matched models.
    `why` says what stands in the way of an answer, or what is beside it.
    """

    before: Placed
    after: Placed
    pairing: str  # one of the three above
    seeds: tuple[int, ...]  # that both have
    was: Estimate
    now: Estimate
    difference: Estimate
    differences: tuple[Difference, ...]  # facts that may explain it
    word: str = UNDETERMINED  # or one of the four above, or "no verdict"
    decision: Decision | None = None
    why: str = ""
    preliminary: bool = False

    @property
    def meter(self) -> Meter:
        """The metric that decides."""
        return self.after.arm.headline

    @property
    def left_out(self) -> tuple[str, ...]:
        """Seeds that stand against nothing, in words."""
        sides = {"before": self.before.arm.seeds, "after": self.after.arm.seeds}
        if self.pairing != PAIRED:
            return ()
        alone = {when: [s for s in own if s not in self.seeds] for when, own in sides.items()}
        return tuple(f"{seeds_in_words(some)}: {when} only" for when, some in alone.items() if some)


class _Settled(NamedTuple):
    """A word that needs no statistics, and why."""

    word: str
    why: str


def changes(pairs: Sequence[tuple[Placed, Placed]], plan: Plan) -> Iterator[Change]:
    """One for each pair, decided all together: what cannot be answered counts as asked."""
    found = [_compared(*pair) for pair in pairs]
    settled = [_settled(one, plan) for one in found]
    margins = [plan.margin(one.meter.name, one.after.group.embedded) or 1.0 for one in found]
    asked = [
        replace(one.difference, se=None, df=None) if known else one.difference
        for one, known in zip(found, settled, strict=True)
    ]
    made = decisions.decide(asked, margins, plan.alpha)
    for one, known, decision in zip(found, settled, made, strict=True):
        if known:
            yield replace(one, word=known.word, why=known.why)
        else:
            few = one.difference.seeds < plan.fewest_seeds
            word = _word(one.meter, decision)
            yield replace(one, word=word, decision=decision, preliminary=few)


def _word(meter: Meter, decision: Decision) -> str:
    if decision.outcome in (ABOVE, BELOW):
        rises = decision.outcome == ABOVE
        return BETTER if rises != meter.lower_is_better else WORSE
    return UNCHANGED if decision.outcome == EQUIVALENT else UNDETERMINED


# --- what needs no statistics -------------------------------------------------------------------


def _settled(one: Change, plan: Plan) -> _Settled | None:
    """What is known without an interval, or stands in the way of one; None where neither is."""
    if refused := _refused(one.before.arm, one.after.arm):
        return _Settled(NONE, refused)
    if one.pairing == PAIRED and (same := _same(one)) is not None:
        return _Settled(IDENTICAL, same)
    if rung := alarmed(one.before.arm) or alarmed(one.after.arm):
        return _Settled(NONE, f"void: {rung}")
    if any(run.record.sweep == SMOKE for arm in _arms(one) for run in arm.runs):
        return _Settled(NONE, TRIED)
    if one.difference.se is None:
        return _Settled(NONE, one.difference.note or "no interval")
    if one.difference.covers == EXAMPLES_ONLY:
        return _Settled(UNDETERMINED, ONE_RUN)
    if plan.margin(one.meter.name, one.after.group.embedded) is None:
        return _Settled(NONE, f"the plan has no margin for {one.meter.name}")
    return None


def _arms(one: Change) -> tuple[Arm, Arm]:
    return one.before.arm, one.after.arm


def _refused(before: Arm, after: Arm) -> str:
    """Why two arms have no difference at all; empty where they have one."""
    for when, arm in (("before", before), ("after", after)):
        if arm.refused:
            return f"refused: the runs {when} differ in {', '.join(arm.refused)}"
    names = [arm.headline.name for arm in (before, after)]
    if names[0] != names[1]:
        return f"refused: other headline metrics ({names[0]} and {names[1]})"
    signed = [arm.first.signatures.get(names[0], "none") for arm in (before, after)]
    if signed[0] != signed[1]:
        return f"refused: counted in other ways ({signed[0][:80]} and {signed[1][:80]})"
    return ""


def _same(one: Change) -> str | None:
    """What is beside runs whose answers are all the same; None where they are not."""
    pairs = list(zip(*(_runs(arm, one.seeds) for arm in _arms(one)), strict=True))
    counts = [(b.record.counts_digest, a.record.counts_digest) for b, a in pairs]
    weights = [(b.record.checkpoint_digest, a.record.checkpoint_digest) for b, a in pairs]
    if all(b == a is not None for b, a in counts):
        return OTHER_WEIGHTS if any(None not in two and two[0] != two[1] for two in weights) else ""
    rows = [_rows(arm, one.seeds) for arm in _arms(one)]
    if rows[0] is None or rows[1] is None or not np.array_equal(rows[0], rows[1]):
        return None
    return SAME_SCORES


# --- differences --------------------------------------------------------------------------------


def _compared(before: Placed, after: Placed) -> Change:
    """A pair before it is decided."""
    common = tuple(sorted(set(before.arm.seeds) & set(after.arm.seeds)))
    pairing = _pairing(before, after, common)
    chosen = [common if pairing == PAIRED else one.arm.seeds for one in (before, after)]
    sides = list(zip((before.arm, after.arm), chosen, strict=True))
    was, now = (_score(*side) for side in sides)
    runs = ([run.record for run in _runs(*side)] for side in sides)
    refused = _refused(before.arm, after.arm)
    if refused:
        difference = Estimate(math.nan, len(common), 0, note=refused)
    else:
        rows = [_rows(*side) for side in sides] if pairing == PAIRED else []
        difference = _difference(was, now, rows)
    return Change(before, after, pairing, common, was, now, difference, facts.of_runs(*runs))


def _pairing(before: Placed, after: Placed, common: Sequence[int]) -> str:
    keys = [one.group.key for one in (before, after)]
    tests = [dict(key.digests).get(key.evaluated) for key in keys]
    sizes = {one.arm.values.shape[1] for one in (before, after) if one.arm.values is not None}
    if tests[0] != tests[1] or tests[0] is None or len(sizes) > 1:
        return OTHER_EXAMPLES
    return PAIRED if common else OTHER_SEEDS


def _runs(arm: Arm, seeds: Sequence[int]) -> list[Run]:
    return [run for run in arm.runs if run.seed in seeds]


def _rows(arm: Arm, seeds: Sequence[int]) -> Matrix | None:
    """Runs x examples of these seeds."""
    return None if arm.values is None else arm.values[[arm.seeds.index(seed) for seed in seeds]]


def _score(arm: Arm, seeds: Sequence[int]) -> Estimate:
    """The headline score of these seeds."""
    rows = _rows(arm, seeds)
    if rows is not None:
        return stats.mean_interval(rows, bounds=arm.headline.limits)
    if arm.scores and tuple(seeds) == arm.seeds:
        return arm.scores[0].estimate
    return Estimate(math.nan, len(seeds), 0, note="refused" if arm.refused else "no interval")


def _difference(was: Estimate, now: Estimate, rows: Sequence[Matrix | None]) -> Estimate:
    """Now minus was; `rows` of both where they are paired."""
    if not rows:
        return unpaired(was, now)
    before, after = rows
    if before is None or after is None:
        return Estimate(now.mean - was.mean, now.seeds, now.units, note=now.note)
    return stats.mean_interval(after - before)


def unpaired(was: Estimate, now: Estimate) -> Estimate:
    """Now minus was of two means on samples of their own.

    Standard errors add up in squares; degrees of freedom by Welch (1947) and Satterthwaite (1946).
    """
    seeds, units = min(was.seeds, now.seeds), min(was.units, now.units)
    plain = Estimate(now.mean - was.mean, seeds, units)
    if was.se is None or was.df is None or now.se is None or now.df is None:
        missing = was.note if was.se is None else now.note
        return replace(plain, note=f"no interval on one side: {missing}")
    variance = was.se**2 + now.se**2
    df = variance**2 / (was.se**4 / was.df + now.se**4 / now.df)
    reach = float(distributions.t.ppf((1 + LEVEL) / 2, df)) * variance**0.5
    low, high = plain.mean - reach, plain.mean + reach
    covers = BOTH if was.covers == now.covers == BOTH else EXAMPLES_ONLY
    return replace(plain, se=variance**0.5, low=low, high=high, df=df, covers=covers)
