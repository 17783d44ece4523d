"""Ways of tuning one model side by side: what each keeps of the gain that full fine-tuning brings.

Retention is (Q - floor) / (Q_full - floor): Q is the headline score, the floor that of the rule
that ignores the input. Both sides of it are paired by seed and example. Knows no verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from harness import record
from harness.comparing import pairs
from harness.comparing.comparison import FULL, SCRATCH, Arm, Group
from harness.comparing.pairs import Models, models
from harness.record import Record
from harness.statistics import ratios, stats
from harness.statistics.stats import Estimate, Matrix

FREEZE, LORA, HEAD_ONLY, PROMPT = "freeze", "lora", "head_only", "prompt"
ORDER = (FULL, FREEZE, LORA, HEAD_ONLY, PROMPT)
SHARE, SHOTS, RANK = "share", "shots", "rank"
ADAMW = "adamw"
"""The optimizer where nobody says otherwise, and of records that name none."""
LEAST_GAIN = 0.05
"""Of a metric's range, from which the gain of full fine-tuning can be divided by."""

NO_FULL = "no run of full fine-tuning"
NO_FLOOR = "the rule that ignores the input was not scored"
NO_VALUES = "the metric has no values per example"
NO_SEED = "no seed that both finished"
SMALL = "undefined: full fine-tuning gains less than {} over the rule that ignores the input"


@dataclass(frozen=True)
class Kept:
    """One way of tuning a model beside full fine-tuning of the same.

    `gains` are runs x examples whose means are Q - floor of this arm and of full; None, as
    `retention`, where `why` says what stands in the way.
    """

    arm: Arm
    full: Arm | None
    seeds: tuple[int, ...] = ()
    gains: tuple[Matrix, Matrix] | None = None
    retention: Estimate | None = None
    apart: Estimate | None = None  # Q - Q_full, more being better; None of full itself
    why: str = ""


def adapted(group: Group) -> list[Kept]:
    """Every pretrained arm of a group, the strategies in their order, GPT before BERT.

    Without the pairs all of whose arms were tuned in one way.
    """
    pretrained = [arm for arm in group.arms if arm.key.weights != SCRATCH and arm.scores]
    ways: dict[Models, set[str]] = defaultdict(set)
    for arm in pretrained:
        ways[models(arm.first)].add(arm.key.strategy)
    arms = [arm for arm in pretrained if len(ways[models(arm.first)]) > 1]
    found = [kept(arm, reference(arm, arms)) for arm in arms]
    return sorted(found, key=lambda one: (one.arm.key.pair, place(one.arm.first), _side(one.arm)))


def without_ablations(found: Sequence[Kept]) -> list[Kept]:
    """Of several settings of one way and model those that a search stands behind, where any is."""

    def named(one: Kept) -> tuple[str, str]:
        return one.arm.key.model, way(one.arm.first)

    behind = {named(one) for one in found if one.arm.first.tuning}
    return [one for one in found if one.arm.first.tuning or named(one) not in behind]


def place(found: Record) -> tuple[int, str, float]:
    """Where a way of tuning stands among others: full first, then what tunes less and less."""
    strategy = found.cell.strategy
    known = ORDER.index(strategy) if strategy in ORDER else len(ORDER)
    setting = _number(found, SHARE) or _number(found, SHOTS) or -_number(found, RANK)
    return known, strategy, setting


def _side(arm: Arm) -> tuple[bool, str, str]:
    return arm.key.family != "gpt", arm.key.model, arm.key.mode


def way(found: Record) -> str:
    """A way of tuning in a word or two."""
    strategy = found.cell.strategy
    if strategy == FREEZE:
        return f"freeze {100 * _number(found, SHARE):.4g} %"
    if strategy == PROMPT:
        shots = int(_number(found, SHOTS))
        return f"prompt, {shots} shots" if shots else "prompt, zero-shot"
    if strategy == LORA and (rank := _number(found, RANK)):
        return f"lora, rank {rank:g}"
    named = _usual(found) or strategy == optimizer(found)
    return strategy if named else f"{strategy}, {optimizer(found)}"


def optimizer(found: Record) -> str:
    """What tunes; records that name none know one only."""
    return str(record.flatten(found.config).get("train.optimizer", ADAMW))


def _usual(found: Record) -> bool:
    return optimizer(found) == ADAMW


def _number(found: Record, key: str) -> float:
    """A setting of the strategy; 0 where it has none of this name."""
    value = settings(found).get(key)
    return float(value) if isinstance(value, int | float) else 0.0


def settings(found: Record) -> dict[str, Any]:
    """The configuration of the strategy, flat."""
    node = found.config.get("strategy")
    return record.flatten(node) if isinstance(node, dict) else {}


def frozen(arm: Arm) -> float | None:
    """The share of the lowest layers that stayed as they were; None of other ways of tuning."""
    if arm.key.strategy == FULL and _usual(arm.first):
        return 0.0
    return _number(arm.first, SHARE) if arm.key.strategy == FREEZE else None


def trainable(arm: Arm) -> tuple[int, float] | None:
    """How many parameters were tuned, and their share of all; None where not on record."""
    sizes = dict(arm.first.model.parameters) if arm.first.model else {}
    if "trainable" not in sizes or not sizes.get("total"):
        return None
    return sizes["trainable"], sizes["trainable"] / sizes["total"]


def flops(arm: Arm) -> float | None:
    """Of training, mean over seeds; None where not on record."""
    found = [
        one.model.training_flops(one.training.tokens)
        for one in (run.record for run in arm.runs)
        if one.model and one.training
    ]
    return fmean(found) if found else None


def seconds(arm: Arm) -> float | None:
    """Of training, mean over seeds: of a GPU where it did the work, else of the processor."""
    found = [s for run in arm.runs if (s := run.record.training_seconds) is not None]
    return fmean(found) if found else None


# --- against full fine-tuning -------------------------------------------------------------------


def reference(arm: Arm, among: Sequence[Arm]) -> Arm | None:
    """Full fine-tuning of the same model in the same mode: of several the one most alike."""
    key = arm.key._replace(strategy=FULL)
    same = [one for one in among if one.key == key and one.scores and _usual(one.first)]
    if any(one is arm for one in same):
        return arm
    return min(same, key=lambda one: len(unlike(arm, one)), default=None)


def unlike(arm: Arm, full: Arm) -> tuple[str, ...]:
    """In what an arm was treated otherwise than full fine-tuning, besides its strategy."""
    factors = ["strategy."]
    factors += ["train."] if arm.untrained else []
    factors += ["data.train_", "data.limit_seed"] if steady(arm) else []  # labels it never saw
    return pairs.otherwise(full, arm, *factors)


def steady(arm: Arm) -> bool:
    """Whether seeds change nothing: untuned, and without examples that a seed would draw."""
    return arm.untrained and (arm.fixed or not _number(arm.first, SHOTS))


def shared(arm: Arm, full: Arm) -> tuple[int, ...]:
    """The seeds on which both can be compared."""
    return full.seeds if steady(arm) else tuple(sorted({*arm.seeds} & {*full.seeds}))


def scores(arm: Arm, seeds: Sequence[int]) -> Matrix | None:
    """Runs x examples of the headline, of these seeds, with the sign of an improvement."""
    if arm.values is None:
        return None
    rows = [0] * len(seeds) if steady(arm) else [arm.seeds.index(seed) for seed in seeds]
    found: Matrix = arm.headline.improves(1.0) * arm.values[rows]
    return found


def kept(arm: Arm, full: Arm | None) -> Kept:
    """What an arm keeps of the gain of full fine-tuning."""
    if full is None:
        return Kept(arm, None, why=NO_FULL)
    base = Kept(arm, full, shared(arm, full))
    if differences := unlike(arm, full):
        return replace(base, why="refused: not as full fine-tuning in " + ", ".join(differences))
    return _retained(base, full)


def _retained(base: Kept, full: Arm) -> Kept:
    ours, theirs = scores(base.arm, base.seeds), scores(full, base.seeds)
    floor, meter = full.scores[0].majority, full.headline
    if floor is None or ours is None or theirs is None or not base.seeds:
        why = NO_FLOOR if floor is None else NO_SEED if not base.seeds else NO_VALUES
        return replace(base, why=why)
    gains = ours - meter.improves(floor), theirs - meter.improves(floor)
    if base.arm is not full:
        base = replace(base, apart=stats.mean_interval(gains[0] - gains[1]))
    least = LEAST_GAIN * (100 if meter.limits[1] == 100 else 1)
    if gains[1].mean() < least:
        return replace(base, why=SMALL.format(f"{least:g}"))
    return replace(base, gains=gains, retention=ratios.ratio(*gains))
