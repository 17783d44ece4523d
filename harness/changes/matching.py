"""What belongs together before and after: the same model on the same task, the same measurement.

A counterpart goes by its names, whatever machine, data or version it stands for. Several may bear
the same names: then the nearest are matched, and where several would do as well, none is chosen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from harness import record
from harness.comparing import arms
from harness.comparing.comparison import Arm, Comparison, Group
from harness.measurement import Measurement, Subject

Thing = TypeVar("Thing")
ABSENT = "-"


class Placed(NamedTuple):
    """An arm in its group."""

    group: Group
    arm: Arm


class Rule(NamedTuple, Generic[Thing]):
    """How things are matched.

    They must share `names` and `fit`. `traits` tell namesakes apart; each of `rounds` says which
    of them (by place) are to be the same, less and less.
    """

    names: Callable[[Thing], Hashable]
    traits: Callable[[Thing], Sequence[Hashable]]
    rounds: Sequence[Sequence[int]]
    fit: Callable[[Thing, Thing], bool] = lambda *_: True


def matched(
    before: Sequence[Thing], after: Sequence[Thing], rule: Rule[Thing]
) -> list[tuple[Thing, Thing]]:
    """Counterparts, in the order of `after`; each round takes those with a single candidate."""
    namesakes: dict[Hashable, list[Thing]] = defaultdict(list)
    for one in before:
        namesakes[rule.names(one)].append(one)
    open_ = [(b, a) for a in after for b in namesakes[rule.names(a)] if rule.fit(b, a)]
    traits = {id(one): rule.traits(one) for pair in open_ for one in pair}
    found: dict[int, Thing] = {}
    for places in rule.rounds:
        near = [(b, a) for b, a in open_ if _alike(traits[id(b)], traits[id(a)], places)]
        times = Counter(id(one) for pair in near for one in pair)
        sole = [(b, a) for b, a in near if times[id(b)] == times[id(a)] == 1]
        found |= {id(a): b for b, a in sole}
        taken = {id(one) for pair in sole for one in pair}
        open_ = [(b, a) for b, a in open_ if not taken & {id(b), id(a)}]
    return [(found[id(one)], one) for one in after if id(one) in found]


def _alike(one: Sequence[Hashable], other: Sequence[Hashable], places: Sequence[int]) -> bool:
    return all(one[place] == other[place] for place in places)


def rest(
    before: Sequence[Thing], after: Sequence[Thing], pairs: Sequence[tuple[Thing, Thing]]
) -> tuple[tuple[Thing, ...], tuple[Thing, ...]]:
    """What is in no pair, on both sides."""
    taken = {id(one) for pair in pairs for one in pair}
    left, right = (tuple(one for one in some if id(one) not in taken) for some in (before, after))
    return left, right


# --- arms ---------------------------------------------------------------------------------------


def placed(comparison: Comparison) -> list[Placed]:
    """Every arm, group by group."""
    return [Placed(group, arm) for group in comparison.groups for arm in group.arms]


def _arm_names(one: Placed) -> Hashable:
    """Task, data, split and all words of the arm but those on how well its pair is matched."""
    key = one.group.key
    return key.task, key.data, key.evaluated, *one.arm.key._replace(match="")


def _arm_traits(one: Placed) -> Sequence[Hashable]:
    key = one.group.key
    return key.hardware, key.digests, key.experiment_version


def _same_variant(before: Placed, after: Placed) -> bool:
    """Whether the settings that tell either from its namesakes are the same in the other."""
    configs = [arms.plain(one.arm.first) for one in (before, after)]
    told = {*before.arm.variant, *after.arm.variant}
    return all(configs[0].get(name, ABSENT) == configs[1].get(name, ABSENT) for name in told)


ARMS = Rule(_arm_names, _arm_traits, ((0, 1, 2), (0, 1), (0,), (1,), ()), _same_variant)
"""Hardware and data before hardware before data: another machine's arithmetic is other scores."""


# --- measurements -------------------------------------------------------------------------------


def subject_names(one: Subject) -> tuple[str, ...]:
    """What a measured model goes by."""
    model = one.model, one.family, one.pair, one.weights, one.mode, one.strategy
    return one.task, one.data, *model


def machine(one: Measurement) -> Mapping[str, Any]:
    """Hardware and software that a measurement belongs to; empty where it is not on record."""
    found = one.environment.get("machine")
    return found if isinstance(found, Mapping) else {}


def _measurement_names(one: Measurement) -> Hashable:
    return one.kind, *map(subject_names, one.subjects)


def _measurement_traits(one: Measurement) -> Sequence[Hashable]:
    facts = (str(sorted(record.flatten(part).items())) for part in (one.settings, machine(one)))
    return *facts, tuple(subject.cell for subject in one.subjects)


MEASUREMENTS = Rule(
    _measurement_names, _measurement_traits, ((0, 1, 2), (0, 1), (0, 2), (0,), (1,), ())
)
"""Settings before machine: a ratio between two ways of measuring says nothing."""
