"""Quality beside cost: what may be chosen from, who dominates whom, what lies on the front.

A candidate is one way of using one model. Costs and quality are never added up: one candidate
dominates another where it is surely no worse in anything and surely better in something. Who is
chosen under limits is decided in `choosing`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from harness.comparing import costs, pairs
from harness.comparing.comparison import SCRATCH, SMOKE, Arm, Comparison, Group
from harness.comparing.costs import END_TO_END, MONEY, OFFLINE, P50, P95, TIME, Cost, Kind
from harness.comparing.findings import Findings
from harness.comparing.lanes import device, lanes, raced
from harness.comparing.verdicts import alarmed
from harness.measurement import Measurement
from harness.record import BY_PIECE
from harness.statistics import stats
from harness.statistics.stats import ROUNDING, Estimate
from harness.statistics.timings import Ratio

SAME_SEEDS = "no seed in common"
NO_VALUES = "its metric has no values per example"
RACED: Mapping[Kind, str] = {P50: END_TO_END, P95: END_TO_END, TIME: OFFLINE, MONEY: OFFLINE}
"""Costs that a race decides between two models, and the scenario that does."""


class Bounds(NamedTuple):
    """A ratio of costs as a natural logarithm, with the limits of its interval."""

    log: float
    low: float
    high: float


@dataclass(frozen=True)
class Candidate:
    """One arm with what it costs."""

    arm: Arm
    costs: Mapping[Kind, Cost]
    found: Measurement | None  # of its answering, on the machine of the lineup


@dataclass(frozen=True)
class Lead:
    """How far one candidate is ahead of another in quality, on the seeds that both have.

    `estimate` is None where the two cannot be compared, and `why` says why not.
    """

    estimate: Estimate | None
    why: str = ""

    @property
    def low(self) -> float:
        """The least that it may be; where the two never differ, that is known exactly."""
        if self.estimate is None:
            return -math.inf
        return self.estimate.mean if self.estimate.low is None else self.estimate.low


@dataclass(frozen=True)
class Lineup:
    """What may be chosen from on one task, with the figures of one machine.

    `leads` and `races` are by places of candidates, the first against the second; races by the
    scenario too, and only where a model tied with its own copy.
    """

    group: Group
    candidates: Sequence[Candidate]
    barred: Mapping[str, str]  # arms that cannot be chosen, in words, and why
    untrained: bool  # whether candidates are untrained bodies, as there is nothing else
    margin: float | None  # None where the plan has none for the metric
    machine: str | None  # None where nothing was measured
    machines: Mapping[str, int]  # measurements on each
    leads: Mapping[tuple[int, int], Lead]
    races: Mapping[tuple[int, int, str], Ratio]

    @property
    def latency(self) -> Kind:
        """The percentile that is compared: p95, where anyone's was measured."""
        known = any(one.costs[P95].value is not None for one in self.candidates)
        half = any(one.costs[P50].value is not None for one in self.candidates)
        return P50 if half and not known else P95

    def raced(self, one: int, other: int, kind: Kind) -> Ratio | None:
        """The race of two candidates that decides this cost, if there was one."""
        return self.races.get((one, other, RACED.get(kind, "")))

    def ratio(self, one: int, other: int, kind: Kind) -> Bounds | None:
        """Cost of one candidate over that of another; None where it is not known.

        Speed is decided by a race of the two, where there is one (offline at the batch size of the
        race). Else the limits are those of the two intervals set against each other, which is
        wider than need be.
        """
        if race := self.raced(one, other, kind):
            return Bounds(race.log, race.low, race.high)
        ours, theirs = (self.candidates[place].costs.get(kind, Cost()) for place in (one, other))
        if ours.value is None or theirs.value is None:
            return None
        if not ours.value or not theirs.value:  # what was not trained cost nothing
            far = 0.0 if ours.value == theirs.value else math.inf if ours.value else -math.inf
            return Bounds(far, far, far)
        low, high = _log(ours.floor, theirs.ceiling), _log(ours.ceiling, theirs.floor)
        return Bounds(math.log(ours.value / theirs.value), low, high)


def _log(ours: float, theirs: float) -> float:
    """Of the ratio of two limits, which may be 0 or infinite."""
    with np.errstate(divide="ignore"):
        return float(np.log(ours) - np.log(theirs))


# --- what may be chosen from --------------------------------------------------------------------


def lineup(
    findings: Findings,
    group: Group,
    names: Mapping[str, str],
    price_per_hour: float | None = None,
    machine: str | None = None,
    pair: str | None = None,
) -> Lineup:
    """The candidates of a group, with figures of one machine: the one with most of them.

    `names` gives every measurement's machine by the measurement's identity. `pair` leaves out
    the models of others. Untrained bodies are candidates only where there is nothing else.
    """
    arms = [arm for arm in group.arms if pair in (None, arm.key.pair)]
    trained = [arm for arm in arms if arm.key.weights != SCRATCH]
    barred = {arm.description: why for arm in trained or arms if (why := _barred(arm))}
    able = [arm for arm in trained or arms if not _barred(arm)]
    probes = _probes(findings.comparison, able)
    counts = Counter(names[one.identity] for found in probes.values() for one in found)
    if machine is None and counts:
        machine = counts.most_common(1)[0][0]
    candidates = []
    for arm in able:
        here = [one for one in probes[id(arm)] if names[one.identity] == machine]
        found = max(here, key=_samples, default=None)
        candidates.append(Candidate(arm, costs.costs(arm, found, price_per_hour), found))
    metric = group.key.metrics[0]
    return Lineup(
        group=group,
        candidates=candidates,
        barred=barred,
        untrained=bool(arms) and not trained,
        margin=findings.plan.margin(metric, group.embedded),
        machine=machine,
        machines=dict(counts),
        leads=_leads(group, able),
        races=_races(findings.comparison, able, names, machine),
    )


def _barred(arm: Arm) -> str:
    """Why nothing may be chosen by these scores; empty where it may."""
    if arm.refused or not arm.scores:
        return f"refused: its runs differ in {', '.join(arm.refused) or 'what they should share'}"
    if arm.key.mode.endswith(BY_PIECE):
        return "a control: its training labels were laid on pieces"
    if not math.isfinite(arm.scores[0].estimate.mean):
        return "nothing was judged"
    if rung := alarmed(arm):
        return f"void: {rung}"
    smoke = any(run.record.sweep == SMOKE for run in arm.runs)
    return "smoke run: it tries the pipeline and answers nothing" if smoke else ""


def _probes(comparison: Comparison, arms: Sequence[Arm]) -> dict[int, list[Measurement]]:
    """Measurements of each arm alone, by the arm's id."""
    found: dict[int, list[Measurement]] = defaultdict(list)
    ours = {id(arm) for arm in arms}
    for one in comparison.measurements:
        tuned = comparison.tuned(one.subjects[0]) if one.kind == "probe" else None
        if tuned is not None and id(tuned.arm) in ours:
            found[id(tuned.arm)].append(one)
    return found


def _samples(found: Measurement) -> tuple[int, str]:
    """How much a measurement rests on; of equals the last counts."""
    return sum(len(one.wall_seconds) for one in found.series), found.finished_at or ""


def _leads(group: Group, arms: Sequence[Arm]) -> dict[tuple[int, int], Lead]:
    refused = {(id(c.gpt), id(c.bert)): c.refused for c in group.contrasts if c.refused}
    found = {}
    for i, one in enumerate(arms):
        for j, other in enumerate(arms):
            why = refused.get((id(one), id(other))) or refused.get((id(other), id(one)))
            why = why or pairs.unequal(one, other)
            if why:
                found[i, j] = Lead(None, "refused: they differ in " + ", ".join(why))
            elif i != j:
                found[i, j] = lead(one, other)
    return found


def lead(one: Arm, other: Arm) -> Lead:
    """Paired difference in quality, positive where the first is better; 95 %, each by itself."""
    seeds = [seed for seed in one.seeds if seed in other.seeds]
    if one.values is None or other.values is None:
        return Lead(None, NO_VALUES)
    if not seeds:
        return Lead(None, SAME_SEEDS)
    ours, theirs = ([arm.seeds.index(seed) for seed in seeds] for arm in (one, other))
    apart = one.headline.improves(1.0) * (one.values[ours] - other.values[theirs])
    found = stats.mean_interval(apart)
    if found.se is None and float(np.ptp(apart)) > ROUNDING:
        return Lead(None, found.note or "no interval")
    return Lead(found)


def _races(
    comparison: Comparison, arms: Sequence[Arm], names: Mapping[str, str], machine: str | None
) -> dict[tuple[int, int, str], Ratio]:
    """Races on a machine; of several between the same two, that of most blocks."""
    places = {id(arm): place for place, arm in enumerate(arms)}
    found: dict[tuple[int, int, str], Ratio] = {}
    for one in comparison.measurements:
        tuned = [comparison.tuned(subject) for subject in one.subjects]
        pair = [places[id(t.arm)] for t in tuned if t is not None and id(t.arm) in places]
        if one.kind != "race" or len(pair) != 2 or names[one.identity] != machine:
            continue
        i, j = pair
        for name, ratio in _trusted(one):
            if (i, j, name) not in found or ratio.blocks > found[i, j, name].blocks:
                turned = replace(ratio, log=-ratio.log, low=-ratio.high, high=-ratio.low)
                found[i, j, name], found[j, i, name] = ratio, turned
    return found


def _trusted(found: Measurement) -> Iterator[tuple[str, Ratio]]:
    for lane in lanes(found):
        said = raced(lane, device(found)) if lane.name in RACED.values() else None
        if said is not None and said.trusted and said.ratio is not None:
            yield lane.name, said.ratio


def short(arms: Sequence[Arm]) -> list[str]:
    """The model's name of each, with what tells it from others of that name."""
    names = []
    for arm in arms:
        namesakes = [_told(other) for other in arms if other.key.model == arm.key.model]
        ours = _told(arm)
        apart = [n for n in ours if any(other.get(n) != ours[n] for other in namesakes)]
        settings = ", ".join(ours[name] for name in apart)
        names.append(f"{arm.key.model} ({settings})" if settings else arm.key.model)
    return names


def _told(arm: Arm) -> dict[str, str]:
    key = arm.key
    facts = {"pair": key.pair, "weights": key.weights, "mode": key.mode, "strategy": key.strategy}
    return facts | {name: f"{name}={value}" for name, value in arm.variant.items()}


# --- who dominates whom -------------------------------------------------------------------------


def dominators(found: Lineup, cost_ratio: float) -> list[list[int]]:
    """For each candidate the places of those that dominate it; it is on the front if none does."""
    places = range(len(found.candidates))
    return [[one for one in places if dominates(found, one, place, cost_ratio)] for place in places]


def dominates(
    found: Lineup, one: int, other: int, cost_ratio: float, ignored: Collection[Kind] = ()
) -> bool:
    """Whether one candidate is surely as good in everything and surely better in something.

    Surely as good: the least lead in quality is no less than minus the margin, and no ratio of
    costs may be above `cost_ratio`. A cost that is known of one of the two only proves nothing, so
    it stands in the way. One that is known of neither is left out, and so are `ignored` ones.
    """
    if one == other or found.margin is None:
        return False
    lead, limit = found.leads[one, other], math.log(cost_ratio)
    if lead.low < -found.margin:
        return False
    ratios = {k: ratio for k, ratio in _ratios(found, one, other) if k not in ignored}
    if any(ratio is None or ratio.high > limit for ratio in ratios.values()):
        return False
    cheaper = any(ratio is not None and ratio.high < -limit for ratio in ratios.values())
    return lead.low > found.margin or cheaper


def unproven(found: Lineup, one: int, other: int) -> list[Kind]:
    """Costs of two candidates that have no ratio, or one without limits: nothing can be shown."""
    ratios = _ratios(found, one, other)
    return [kind for kind, ratio in ratios if ratio is None or _open(ratio)]


def _open(ratio: Bounds) -> bool:
    """Without an upper limit, though neither of the two cost nothing."""
    return math.isinf(ratio.high) and not math.isinf(ratio.log)


def _ratios(found: Lineup, one: int, other: int) -> Iterator[tuple[Kind, Bounds | None]]:
    for kind in (found.latency, costs.MEMORY, costs.TIME, costs.ENERGY, costs.TRAINING):
        ratio = found.ratio(one, other, kind)
        known = [found.candidates[place].costs[kind].value is not None for place in (one, other)]
        if ratio is not None or any(known):
            yield kind, ratio
