"""What is set against what: BERT minus GPT, pretrained minus scratch, and what cannot be.

Two arms are compared only where they were treated alike. Each side keeps its own settings of
model, mode and decoding and, where both were tuned with as many trials, its own learning rate.
Any other difference of configuration is refused by name; unequal rates that nobody tuned are told.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from harness import metrics, record, searched
from harness.comparing.arms import Tabled, differing, estimated, plain
from harness.comparing.comparison import (
    SCRATCH,
    Arm,
    ArmKey,
    Clustered,
    Contrast,
    Control,
)
from harness.comparing.shelf import Table
from harness.record import BY_PIECE, Record
from harness.searched import LEARNING_RATE
from harness.statistics import stats
from harness.statistics.stats import Estimate

OWN = ("model.", "mode.", "decoding.")
"""Configuration that belongs to one side of a pair: layers, label piece, how texts are written.

What follows from it for the treatment (a mode that trains for longer) is told as a mismatch.
"""
SHAPE = "model.architecture."
"""Sizes of a body: what both sides were varied in goes with the same."""
PRETRAINING = ("model.weights", "pretraining.")
"""Configuration in which a pretrained model and its untrained twin differ."""

COMPUTING = ("versions", "threads")
"""Facts of an environment that move a score; the processor keeps runs apart by itself."""

TRIED = ("tuning.trials", "tuning.seeds")
"""Of a search, what two ways of tuning one model share."""

EMBEDDED, OTHER = "embedded", "other weights"


class PairKey(NamedTuple):
    """What both halves of a pair share."""

    pair: str
    strategy: str
    weights: str  # "embedded", "scratch" or "other weights"


def kind_of(weights: str) -> str:
    """The kind of weights; those of different kinds are never a pair."""
    return weights if weights in (EMBEDDED, SCRATCH) else OTHER


def pair_key(key: ArmKey) -> PairKey:
    """The pair that an arm is one half of."""
    return PairKey(key.pair, key.strategy, kind_of(key.weights))


class Models(NamedTuple):
    """Both families of a pair, pretrained in one way; a folder is one of its own for each."""

    pair: str
    weights: str  # as in `PairKey`


def models(found: Record) -> Models:
    """The pair that a run's model is of, however it was tuned."""
    return Models(found.cell.pair, kind_of(found.cell.weights))


def contrasts(arms: Sequence[Tabled]) -> Iterator[Contrast]:
    """BERT minus GPT for every two arms that stand for the same pair.

    Like goes with like: with several epochs per model, or layers, each number is paired with the
    same. An arm without its like is set against the other side's arms without theirs: with a note
    where only an untuned learning rate differs, refused where anything else does.
    """
    sides: dict[tuple[ArmKey, ArmKey], list[tuple[Tabled, Tabled]]] = defaultdict(list)
    for left, right in itertools.product(arms, arms):
        ours, theirs = left.arm.key, right.arm.key
        families = (ours.family, theirs.family) == ("gpt", "bert")
        if families and pair_key(ours) == pair_key(theirs) and _same_labels(ours, theirs):
            sides[ours, theirs].append((left, right))
    for candidates in sides.values():
        paired: set[int] = set()
        for differences in (_shapes, _all_differences, unlike, _none):
            found = [
                (left, right)
                for left, right in candidates
                if not {id(left), id(right)} & paired and not differences(left.arm, right.arm)
            ]
            for left, right in found:
                paired |= {id(left), id(right)}
                yield _contrast(left, right)


def _same_labels(*keys: ArmKey) -> bool:
    """Whether both were trained by word, or both by piece: a control is no rival of others."""
    return len({key.mode.endswith(BY_PIECE) for key in keys}) == 1


def _shapes(gpt: Arm, bert: Arm) -> tuple[str, ...]:
    """Differences, sizes included that were varied on both sides."""
    varied = [k for k in gpt.variant.keys() & bert.variant.keys() if k.startswith(SHAPE)]
    apart = [k for k in varied if gpt.variant[k] != bert.variant[k]]
    return (*_all_differences(gpt, bert), *apart)


def _all_differences(gpt: Arm, bert: Arm) -> tuple[str, ...]:
    return (*unlike(gpt, bert), *_rates(gpt, bert))


def _none(*_: Arm) -> tuple[str, ...]:
    return ()


def unlike(gpt: Arm, bert: Arm) -> tuple[str, ...]:
    """In what the two sides were treated or judged differently and must not be, by name."""
    tuned = _searched(gpt, bert)
    found = _apart([_treatment(arm.first, tuned) for arm in (gpt, bert)])
    found += _apart([_effort(arm) for arm in (gpt, bert)])
    precisions = [getattr(arm.first.model, "precision", "-") for arm in (gpt, bert)]
    if precisions[0] != precisions[1]:
        found.append(_told("model.precision", *precisions))
    classes = [arm.first.data.classes if arm.first.data else () for arm in (gpt, bert)]
    if list(classes[0]) != list(classes[1]):
        found.append("data.classes")
    signed = [{f"signatures.{k}": v for k, v in a.first.signatures.items()} for a in (gpt, bert)]
    return (*found, *_apart(signed))


def otherwise(one: Arm, other: Arm, *factors: str, trained: bool = True) -> tuple[str, ...]:
    """In what two arms of one model differ besides configuration that begins with these words.

    Values that were searched for both may differ. Of a search its trials and seeds must be the
    same and not its space: ways of tuning take rates of their own. Not `trained`, neither counts.
    """
    tuned = _searched(one, other)
    configs = [plain(arm.first) for arm in (one, other)]
    found = _apart(
        [
            {k: v for k, v in c.items() if not k.startswith(factors) and k not in tuned}
            for c in configs
        ]
    )
    signed = [dict(arm.first.signatures) for arm in (one, other)]
    names = (f"signatures.{name}" for name in differing(signed))
    return (*found, *(unequal(one, other) if trained else ()), *names)


def unequal(one: Arm, other: Arm) -> tuple[str, ...]:
    """In what the searches behind two arms differ that takes effort, where both were trained."""
    if one.untrained or other.untrained:
        return ()
    tried = [{k: v for k, v in _effort(arm).items() if k in TRIED} for arm in (one, other)]
    return tuple(_apart(tried))


def _treatment(found: Record, tuned: frozenset[str]) -> dict[str, str]:
    """The configuration that both sides of a pair share; pretraining with its seeds.

    What was searched for both (`tuned`) may differ, and so may a learning rate, which is told.
    """
    own = tuned | {LEARNING_RATE}
    both = {k: v for k, v in plain(found).items() if not k.startswith(OWN) and k not in own}
    pretrained = {"pretraining": found.config.get("pretraining") or {}}
    return both | {k: str(v) for k, v in record.flatten(pretrained).items() if k.endswith("seed")}


def _apart(configs: Sequence[dict[str, str]]) -> list[str]:
    return [_told(name, *(one.get(name, "-") for one in configs)) for name in differing(configs)]


def _told(name: str, ours: str, theirs: str) -> str:
    return f"{name} ({ours[:40]} and {theirs[:40]})"


def _searched(gpt: Arm, bert: Arm) -> frozenset[str]:
    """Keys whose values were searched for both sides."""
    ours, theirs = (searched.keys(arm.first.tuning) for arm in (gpt, bert))
    return ours & theirs


def _effort(arm: Arm) -> dict[str, str]:
    """The search behind an arm: how many trials, and in which space."""
    found: dict[str, set[str]] = defaultdict(set)
    for run in arm.runs:
        for name, value in searched.effort(run.record.tuning).items():
            found[f"tuning.{name}"].add(value)
    return {name: "/".join(sorted(values)) for name, values in found.items()}


def _rates(gpt: Arm, bert: Arm) -> tuple[str, ...]:
    """Unequal learning rates that no search stands behind."""
    if LEARNING_RATE in _searched(gpt, bert):
        return ()
    ours, theirs = (plain(arm.first).get(LEARNING_RATE, "-") for arm in (gpt, bert))
    return () if ours == theirs else (f"untuned learning rates ({ours} and {theirs})",)


def _software(gpt: Arm, bert: Arm) -> tuple[str, ...]:
    """Versions and threads that computed one side and not the other."""
    return tuple(_apart([_computed_by(arm) for arm in (gpt, bert)]))


def _computed_by(arm: Arm) -> dict[str, str]:
    found: dict[str, set[str]] = defaultdict(set)
    for run in arm.runs:
        known = {name: run.record.environment.get(name) for name in COMPUTING}
        for name, value in record.flatten(known).items():
            found[name].add(str(value))
    return {name: "/".join(sorted(values)) for name, values in found.items()}


def _contrast(left: Tabled, right: Tabled) -> Contrast:
    gpt, bert = left.arm, right.arm
    broken = tuple(f"{arm.key.model}: {name}" for arm in (gpt, bert) for name in arm.refused)
    if refused := broken or unlike(gpt, bert):
        return Contrast(gpt, bert, None, refused=refused)
    shared, ours, theirs = _shared(left, right)
    incomplete = tuple(_alone(gpt, bert)) + tuple(_alone(bert, gpt))
    by_cluster = _slice_values(ours, theirs) if shared else {}
    slices = {name: stats.mean_interval(one.values) for name, one in by_cluster.items()}
    names, told = gpt.first.metrics, (*_rates(gpt, bert), *_software(gpt, bert))
    found = [_difference(name, index, ours, theirs) for index, name in enumerate(names)]
    others = dict(zip(names[1:], found[1:], strict=True))
    return Contrast(
        gpt, bert, found[0], others, slices, shared, incomplete,
        mismatches=told, slice_values=by_cluster,
    )  # fmt: skip


def _shared(left: Tabled, right: Tabled) -> tuple[tuple[int, ...], list[Table], list[Table]]:
    """The seeds that both finished, and each side's counts of them."""
    seeds = tuple(sorted(set(left.arm.seeds) & set(right.arm.seeds)))
    ours, theirs = ([one.tables[one.arm.seeds.index(s)] for s in seeds] for one in (left, right))
    return seeds, ours, theirs


def _difference(
    metric: str, index: int, ours: Sequence[Table], theirs: Sequence[Table]
) -> Estimate:
    """Theirs minus ours, in the metric of this index."""
    if not ours:
        return Estimate(float("nan"), 0, 0, note="no seed that both models finished")
    return estimated(metrics.meter(metric), index, theirs, minus=ours)


def _alone(arm: Arm, other: Arm) -> Iterator[str]:
    seeds = [str(seed) for seed in arm.seeds if seed not in other.seeds]
    if seeds:
        name = f"{other.key.model} ({other.key.mode})"
        word = "seed" if len(seeds) == 1 else "seeds"
        yield f"{word} {', '.join(seeds)}: no finished run of {name}"


def _slice_values(ours: Sequence[Table], theirs: Sequence[Table]) -> dict[str, Clustered]:
    layout = ours[0].layout
    if layout is None or theirs[0].layout is not layout:
        return {}
    right = [np.stack([table.correct for table in side]) for side in (ours, theirs)]
    found = {}
    for index, name in enumerate(layout.slices):
        here = layout.slice == index
        if here.any():
            cluster = layout.cluster[here]
            values = [stats.cluster_values(side[:, here], cluster) for side in right]
            found[name] = Clustered(np.unique(cluster), values[1] - values[0])
    return found


def controls(arms: Sequence[Tabled]) -> Iterator[Control]:
    """Each pretrained arm minus its untrained twin, on the seeds that both have."""
    for one in arms:
        twins = [
            other
            for other in arms
            if kind_of(one.arm.key.weights) != SCRATCH
            and other.arm.key == one.arm.key._replace(weights=SCRATCH)
        ]
        for twin in sorted(twins, key=lambda other: len(_not_twins(one.arm, other.arm)))[:1]:
            yield _control(one, twin)


def _not_twins(arm: Arm, scratch: Arm) -> list[str]:
    configs = [plain(one.first) for one in (arm, scratch)]
    return _apart([{k: v for k, v in c.items() if not k.startswith(PRETRAINING)} for c in configs])


def _control(left: Tabled, right: Tabled) -> Control:
    arm, scratch = left.arm, right.arm
    if refused := (*arm.refused, *scratch.refused, *_not_twins(arm, scratch)):
        return Control(arm, scratch, None, refused=refused)
    shared, ours, theirs = _shared(left, right)
    difference = _difference(arm.first.metrics[0], 0, theirs, ours)
    return Control(arm, scratch, difference, shared)
