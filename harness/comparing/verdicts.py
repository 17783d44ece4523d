"""Verdicts: for each pair on each task BERT, GPT, tie or undetermined, by the plan's margins.

All questions of one kind about one pair (four tasks, usually) are one family and share its error.
What may not be compared gets no answer and says why; it still counts as asked. Words about
verdicts are the report's business.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import NamedTuple

from harness import metrics
from harness.comparing.comparison import FULL, Arm, ArmKey, Comparison, Contrast, Group
from harness.comparing.pairs import PairKey, pair_key
from harness.metrics import Meter
from harness.plan import Plan
from harness.statistics import decisions
from harness.statistics.decisions import ABOVE, BELOW, EQUIVALENT, Decision, Settled
from harness.statistics.stats import EXAMPLES_ONLY, Estimate

BERT, GPT, TIE, UNDETERMINED, NONE = "BERT", "GPT", "tie", "undetermined", "no verdict"
ANSWERS = {ABOVE: BERT, BELOW: GPT, EQUIVALENT: TIE}
PRIMARY, SECONDARY = "primary", "secondary"

ONE_RUN = "one seed: these runs only"


class Family(NamedTuple):
    """Questions that are answered together: about one pair, on one kind of data and machine."""

    kind: str  # "primary" or "secondary"
    pair: PairKey
    source: str
    evaluated: str
    hardware: str


@dataclass(frozen=True)
class Verdict:
    """The answer to one question.

    `advantage` is BERT's, in the unit of the headline metric: positive where BERT is better,
    whichever way the metric runs. `why` says what stands in the way of an answer, or limits it.
    """

    group: Group
    contrast: Contrast
    family: Family
    answer: str  # one of the five above
    advantage: Estimate | None = None
    decision: Decision | None = None
    settled: Settled | None = None
    why: tuple[str, ...] = ()
    preliminary: bool = False

    @property
    def meter(self) -> Meter:
        """The metric that decides."""
        return self.contrast.gpt.headline

    @property
    def winner(self) -> Arm | None:
        """The better model, where there is one."""
        return {BERT: self.contrast.bert, GPT: self.contrast.gpt}.get(self.answer)


class _Question(NamedTuple):
    """A comparison before it is decided: `barred` says why it cannot be."""

    group: Group
    contrast: Contrast
    advantage: Estimate
    margin: float
    barred: str | None


def verdicts(comparison: Comparison, plan: Plan) -> tuple[Verdict, ...]:
    """One verdict for each contrast, in the order of the comparison."""
    families: dict[Family, list[_Question]] = defaultdict(list)
    for group in comparison.groups:
        for contrast, kind in kinds(group, plan, comparison.groups):
            families[_family(group, contrast, kind)].append(_question(group, contrast, plan))
    found = {
        id(one.contrast): one
        for family, questions in families.items()
        for one in _decided(family, questions, plan)
    }
    return tuple(found[id(c)] for group in comparison.groups for c in group.contrasts)


def main(found: Sequence[Verdict]) -> list[Verdict]:
    """The main questions; about untrained bodies only where a task has no others on its data."""
    asked = [one for one in found if one.family.kind == PRIMARY]
    trained = {_place(one) for one in asked if not one.contrast.scratch}
    return [one for one in asked if not one.contrast.scratch or _place(one) not in trained]


def _place(one: Verdict) -> tuple[str, str, str]:
    key = one.group.key
    return key.source, key.task, key.data


def kinds(group: Group, plan: Plan, among: Sequence[Group] = ()) -> Iterator[tuple[Contrast, str]]:
    """Each contrast with its kind: primary are models as they are used where nobody says otherwise.

    Tuned in full, then, or in another way where a pair is not on record fully tuned. Of one in
    several settings that is the one that was searched for, on the most seeds; of one that was
    asked with fewer and with more labels (`among` all groups), the one with the most. A decoder's
    texts are set against the best of the encoder's ways to write: the one with the best dev score,
    so that no choice rests on the test split.
    """
    more = _asked_with_more(group, among)
    primary = [one for one in group.contrasts if one.gpt.native and _usual(one)]
    full = {one.gpt.key for one in primary if one.gpt.key.strategy == FULL}
    primary = [
        one
        for one in primary
        if one.gpt.key.strategy == FULL or one.gpt.key._replace(strategy=FULL) not in full
    ]
    primary = [one for one in _as_searched(primary) if pair_key(one.gpt.key) not in more]
    if any(one.gpt.writes for one in primary):
        primary = _best_writers(primary)
    for one in group.contrasts:
        chosen = group.key.task in plan.primary and any(one is other for other in primary)
        yield one, PRIMARY if chosen else SECONDARY


def _asked_with_more(group: Group, among: Sequence[Group]) -> set[PairKey]:
    """Pairs that were compared on the same data with more labelled training examples."""
    return {
        pair_key(one.gpt.key)
        for other in among
        if other.labels > group.labels and other.key.but_labels == group.key.but_labels
        for one in other.contrasts
        if one.gpt.native and _usual(one)
    }


def _as_searched(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """Of the same two models in several settings, those that were searched, on most seeds."""
    found: dict[tuple[ArmKey, ArmKey], list[Contrast]] = defaultdict(list)
    for one in contrasts:
        found[one.gpt.key, one.bert.key].append(one)
    best = {key: max(map(_standing, some)) for key, some in found.items()}
    return [one for one in contrasts if _standing(one) == best[one.gpt.key, one.bert.key]]


def _standing(one: Contrast) -> tuple[bool, bool, int]:
    searched = all(arm.first.tuning for arm in (one.gpt, one.bert))
    return not one.refused, searched, len(one.seeds)


def _usual(contrast: Contrast) -> bool:
    return contrast.gpt.writes or contrast.bert.native


def _best_writers(contrasts: Sequence[Contrast]) -> list[Contrast]:
    by_gpt: dict[int, list[Contrast]] = defaultdict(list)
    for one in contrasts:
        by_gpt[id(one.gpt)].append(one)
    return [max(some, key=_on_dev) for some in by_gpt.values()]


def _on_dev(contrast: Contrast) -> tuple[bool, float, int]:
    """How well the encoder does on dev, and on how many seeds; refused ones come last."""
    score, improves = dev_score(contrast.bert), contrast.gpt.headline.improves
    well = float("-inf") if score is None else round(improves(score), 9)
    return not contrast.refused, well, len(contrast.seeds)


def dev_score(arm: Arm) -> float | None:
    """Mean over seeds of the dev score at the step that was kept; None where there is none."""
    logs = [run.record.training for run in arm.runs if run.record.training]
    kept = [one.score for log in logs for one in log.evaluations if one.step == log.best_step]
    return fmean(kept) if kept else None


def _family(group: Group, contrast: Contrast, kind: str) -> Family:
    key = group.key
    pair = pair_key(contrast.gpt.key)
    return Family(kind, pair, key.source, key.evaluated, key.hardware)


def _question(group: Group, contrast: Contrast, plan: Plan) -> _Question:
    meter = contrast.gpt.headline
    margin = plan.margin(meter.name, group.embedded)
    nothing = Estimate(float("nan"), len(contrast.seeds), 0)
    found = contrast.difference or nothing
    advantage = advantage_of(meter, found)
    barred = _barred(contrast, found)
    if barred is None and margin is None:
        which = "embedded" if group.embedded else "margins"
        barred = f"the plan has no margin for {meter.name}; add {which}.{meter.name} to it"
    return _Question(group, contrast, advantage, margin or 1.0, barred)


def advantage_of(meter: Meter, difference: Estimate) -> Estimate:
    """BERT minus GPT as an advantage of BERT's: turned round where lower is better."""
    if not meter.lower_is_better:
        return difference
    low, high = difference.low, difference.high
    return replace(
        difference,
        mean=-difference.mean,
        low=None if high is None else -high,
        high=None if low is None else -low,
    )


def _barred(contrast: Contrast, found: Estimate) -> str | None:
    """Why a comparison cannot be answered; None where it can."""
    if contrast.refused:
        return "refused: the two sides differ in " + ", ".join(contrast.refused)
    if rung := alarmed(contrast.gpt, contrast.bert):
        return f"void: {rung}"
    if contrast.smoke:
        return "smoke run: it tries the pipeline and answers nothing"
    if found.se is None:
        return found.note or "no interval"
    return ONE_RUN if found.covers == EXAMPLES_ONLY else None


def alarmed(*arms: Arm) -> str:
    """The alarms that void a verdict on these arms, by model and seed; empty if none do."""
    parts: dict[tuple[str, str], list[int]] = {}
    for arm in arms:
        for seed, alarm in arm.voids:
            parts.setdefault((alarm.number, arm.key.model), []).append(seed)
    return "; ".join(
        f"alarm {number} ({model}, {seeds_in_words(sorted(set(seeds)))})"
        for (number, model), seeds in sorted(parts.items())
    )


def seeds_in_words(seeds: Sequence[int]) -> str:
    """One or several seeds by number: seeds 0, 2."""
    return ("seed " if len(seeds) == 1 else "seeds ") + ", ".join(map(str, seeds))


def _decided(family: Family, questions: Sequence[_Question], plan: Plan) -> Iterator[Verdict]:
    """Barred questions count as asked, and are answered by nothing."""
    asked = [
        replace(one.advantage, se=None, df=None) if one.barred else one.advantage
        for one in questions
    ]
    made = decisions.decide(asked, [one.margin for one in questions], plan.alpha, plan.power)
    for one, decision in zip(questions, made, strict=True):
        yield _verdict(family, one, decision, plan)


def _verdict(family: Family, one: _Question, decision: Decision, plan: Plan) -> Verdict:
    base = Verdict(one.group, one.contrast, family, NONE)
    if one.barred:
        known = one.advantage if one.contrast.difference and not one.contrast.refused else None
        answer = UNDETERMINED if one.barred == ONE_RUN else NONE
        return replace(base, answer=answer, advantage=known, why=(one.barred,))
    answer = ANSWERS.get(decision.outcome, UNDETERMINED)
    why = list(_limits(one))
    if against := contradicted(one.contrast, answer):
        answer, why = UNDETERMINED, [f"another metric says the opposite: {against}", *why]
    settled = None
    if decision.outcome == decisions.UNDETERMINED:
        share = 1 - decision.level
        settled = decisions.settle(one.advantage, one.margin, share, plan.power)
    return replace(
        base,
        answer=answer,
        advantage=one.advantage,
        decision=decision,
        settled=settled,
        why=tuple(why),
        preliminary=len(one.contrast.seeds) < plan.fewest_seeds,
    )


def _limits(one: _Question) -> Iterator[str]:
    if one.contrast.incomplete:
        yield "incomplete: " + "; ".join(one.contrast.incomplete)
    if one.contrast.mismatches:
        yield "unequal: " + ", ".join(one.contrast.mismatches)


def contradicted(contrast: Contrast, answer: str) -> str:
    """Metrics beside the headline that rank models, and rank these two the other way round."""
    if answer not in (BERT, GPT):
        return ""
    found = {metrics.meter(name): one for name, one in contrast.others.items()}
    sides = {m: better(m, one) for m, one in found.items() if not m.descriptive}
    return ", ".join(m.title for m, side in sides.items() if side not in (None, answer))


def better(meter: Meter, difference: Estimate) -> str | None:
    """Which side a difference BERT - GPT speaks for; None where its interval holds 0 or is none."""
    if not difference.excludes(0.0):
        return None
    return BERT if meter.improves(difference.mean) > 0 else GPT
