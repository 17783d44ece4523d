"""CSV tables of searching and tuning: trials, what is kept of full fine-tuning, label curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness import searched
from harness.comparing.adaptation import Kept, adapted, flops, seconds, trainable, way
from harness.comparing.comparison import Arm, Comparison
from harness.comparing.efforts import Effort, Tried, efforts
from harness.comparing.label_curves import Curve, curves, flips
from harness.report.sheets_of_runs import (
    ARM,
    GROUP,
    LIMITS,
    METRIC,
    PAIR,
    of_arm,
    of_group,
    of_metric,
    of_pair,
)
from harness.statistics.stats import Estimate

Row = dict[str, object]

ENDS = ("", "_low", "_high")
SIZED = (
    "task",
    "data",
    "source",
    "split",
    "hardware",
    "experiment_version",
    *PAIR,
    *METRIC,
    "pace",
)

SEARCHES = (
    *("task", "data", "where", "search", "pair", "tuned", "model", "family", "mode"),
    *(*METRIC, "trials", "equal_trials", "trial", "point", "seed", "dev_score", "failed", "chosen"),
)
ADAPTATION = (
    *(*GROUP, *ARM, "tuned", *METRIC, "seeds", *(f"score{end}" for end in ENDS), "majority"),
    *("tuned_parameters", "tuned_share", "training_flops", "training_seconds", "trials"),
    *("retention", *(f"retention_{name}" for name in LIMITS[1:5]), "retention_seeds", *LIMITS[5:]),
)
LABEL_CURVES = (
    *(*SIZED, "labels", "epochs", "seeds"),
    *(f"{what}{end}" for what in ("gpt_score", "bert_score", "bert_advantage") for end in ENDS),
    "ahead",
)
LABEL_FLIPS = (*SIZED, "first", "then", "at_labels", "low", "high", "after", "before", "shown")


def searches(comparison: Comparison) -> Iterator[Row]:
    """Every run of every trial; what was chosen is empty where trials alone are on record."""
    for one in efforts(comparison):
        base: Row = {"task": one.task, "data": one.data, "where": one.source}
        base |= {"search": one.search, "pair": one.pair, "tuned": one.way}
        base |= of_metric(one.meter) | {"equal_trials": not one.unequal}
        for arm in one.arms:
            own = {name: getattr(arm, name) for name in ("model", "family", "mode")}
            for number, tried in enumerate(arm.trials):
                facts: Row = {"trials": len(arm.trials), "trial": number}
                facts |= {"point": _point(tried.values), "chosen": _chosen(arm, tried)}
                for seed, score in zip(tried.seeds, tried.scores, strict=True):
                    run: Row = {"seed": seed, "dev_score": score, "failed": score is None}
                    yield base | own | facts | run


def _point(values: Mapping[str, Any]) -> str:
    return "; ".join(f"{key}={value}" for key, value in values.items())


def _chosen(arm: Effort, tried: Tried) -> bool | None:
    if not arm.chosen:
        return None
    return all(tried.values.get(key) == value for key, value in arm.chosen.items())


def adaptation(comparison: Comparison) -> Iterator[Row]:
    """Every way of tuning beside full fine-tuning: score, cost, retention or why there is none.

    Trials are 0 where no search stands behind an arm, and empty where nothing was trained.
    """
    for group in comparison.groups:
        for one in adapted(group):
            arm, score = one.arm, one.arm.scores[0]
            base = of_group(group) | of_arm(arm) | {"tuned": way(arm.first)}
            base |= of_metric(score.meter) | {"seeds": len(arm.runs), "majority": score.majority}
            yield base | _ends("score", score.estimate) | _cost(arm) | _retention(one)


def _cost(arm: Arm) -> Row:
    row: Row = dict(zip(("tuned_parameters", "tuned_share"), trainable(arm) or (), strict=False))
    if arm.untrained:
        return row
    trials = searched.trials(arm.first.tuning) or 0
    return row | {
        "training_flops": flops(arm),
        "training_seconds": seconds(arm),
        "trials": trials,
    }


def _retention(one: Kept) -> Row:
    found = one.retention
    if found is None:
        return {"note": one.why}
    own = {f"retention_{name}": getattr(found, name) for name in LIMITS[1:5]}
    own |= {"retention": found.mean, "retention_seeds": found.seeds}
    return own | {"covers": found.covers, "note": found.note}


def label_curves(comparison: Comparison) -> Iterator[Row]:
    """Both models at every size of a curve; ahead is surely so for all of its sizes together."""
    for one in curves(comparison):
        for point in one.points:
            gpt, bert = (arm.scores[0] for arm in (point.contrast.gpt, point.contrast.bert))
            row: Row = {"labels": point.labels, "epochs": point.epochs}
            row |= _ends("gpt_score", gpt.estimate) | _ends("bert_score", bert.estimate)
            row |= _ends("bert_advantage", point.advantage)
            row |= {"seeds": len(point.contrast.seeds), "ahead": one.ahead(point) or "open"}
            yield _sized(one) | row


def label_flips(comparison: Comparison) -> Iterator[Row]:
    """Where means cross between two measured sizes, `after` and `before`; limits at 95 %.

    A limit of 0 or inf lies outside of what was measured; `shown` is whether it is a sure flip.
    """
    for one in curves(comparison):
        for turn in flips(one):
            after, before = turn.between
            row = {name: getattr(turn, name) for name in ("first", "then", "low", "high", "shown")}
            yield _sized(one) | row | {"at_labels": turn.at, "after": after, "before": before}


def _sized(one: Curve) -> Row:
    key, pair = one.key, of_pair(one.points[-1].contrast)
    facts: Row = {name: getattr(key, name, key.evaluated) for name in GROUP[:-1]}
    return facts | {name: pair[name] for name in PAIR} | of_metric(one.meter) | {"pace": one.pace}


def _ends(name: str, found: Estimate) -> Row:
    return dict(zip((f"{name}{e}" for e in ENDS), (found.mean, found.low, found.high), strict=True))
