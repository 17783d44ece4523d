"""CSV tables of what was trained: scores, seeds, differences, slices, training, failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.comparing.comparison import Arm, Comparison, Contrast, Group, Run
from harness.metrics import Meter, meter
from harness.report.truncation import CUT, scored
from harness.statistics.stats import Estimate

Row = dict[str, object]

RIGHT = "share of units right"
"""What is estimated of a slice, whatever the metric of the task."""

GROUP = ("task", "data", "source", "split", "hardware", "experiment_version", "apart")
ARM = ("model", "family", "pair", "level", "weights", "mode", "strategy", "settings")
METRIC = ("metric", "lower_is_better")
LIMITS = ("mean", "low", "high", "se", "df", "covers", "note")
SIDES = tuple(f"{side}_{name}" for side in ("gpt", "bert") for name in ("model", "weights", "mode"))
PAIR = ("pair", "level", "strategy", *SIDES)
GAP = tuple(f"bert_minus_gpt_{name}" for name in LIMITS[:5])
LOG = (
    *("steps", "examples", "tokens", "loss_tokens", "padding_share", "cpu_seconds"),
    *("wall_seconds", "best_step", "stopped_early"),
)
LOOK = ("step", "examples", "tokens", "cpu_seconds", "wall_seconds")
BARS = ("incomplete", "refused", "mismatches")

SCORES = (*GROUP, *ARM, *METRIC, "seeds", "units", *LIMITS, "majority", *CUT)
SEEDS = (*GROUP, *ARM, *METRIC, "seed", "value", "folder")
DIFFERENCES = (
    *(*GROUP, *PAIR, "gpt_settings", "bert_settings", *METRIC, "headline", "slice"),
    *("seeds", "units", *GAP, "covers", "note", *BARS),
)
SLICES = (*GROUP, *ARM, "slice", "seeds", "units_per_run", "cap", *LIMITS, "marked_share")
TRAINING = (
    *(*GROUP, *ARM, "seed", *LOG, "dev_metric", "dev_score_before", "dev_score_best"),
    *("sweep", "finished_at", "folder"),
)
CURVES = (*GROUP, *ARM, "seed", *LOOK, "dev_metric", "dev_score", "folder")
FAILURES = (
    *("folder", "task", "data", *ARM[:-1], "role", "seed"),
    *("reason", "error", "sweep", "finished_at"),
)


def scores(comparison: Comparison) -> Iterator[Row]:
    """Every metric of every arm; an arm whose runs do not belong together says why instead."""
    for group, arm in _arms(comparison):
        base = of_group(group) | of_arm(arm)
        if arm.refused:
            refused = "refused: runs differ in " + ", ".join(arm.refused)
            yield base | of_metric(arm.headline) | {"seeds": len(arm.runs), "note": refused}
        for one in arm.scores:
            counts = {"seeds": one.estimate.seeds, "units": one.estimate.units}
            rest = counts | _limits(one.estimate) | {"majority": one.majority}
            rest |= {name: scored(arm).get(name) for name in CUT}
            yield base | of_metric(one.meter) | rest


def seeds(comparison: Comparison) -> Iterator[Row]:
    """Every metric of every run."""
    for group, arm in _arms(comparison):
        for score in arm.scores:
            base = of_group(group) | of_arm(arm) | of_metric(score.meter)
            for run, value in zip(arm.runs, score.per_seed, strict=True):
                yield base | {"seed": run.seed, "value": value, "folder": run.folder}


def differences(comparison: Comparison) -> Iterator[Row]:
    """The headline metric of every contrast first, then other metrics, then slices of units."""
    for group in comparison.groups:
        for one in group.contrasts:
            base = of_group(group) | of_pair(one)
            yield base | of_metric(one.gpt.headline) | {"headline": True} | _gap(one.difference)
            for name, found in one.others.items():
                yield base | of_metric(meter(name)) | {"headline": False} | _gap(found)
            part = {"metric": RIGHT, "lower_is_better": False, "headline": False}
            for name, found in one.slices.items():
                yield base | part | {"slice": name} | _gap(found)


def _gap(found: Estimate | None) -> Row:
    if found is None:
        return {}
    limits = _limits(found)
    own = {name: limits.pop(plain) for name, plain in zip(GAP, LIMITS, strict=False)}
    return {"seeds": found.seeds, "units": found.units} | own | limits


def slices(comparison: Comparison) -> Iterator[Row]:
    """Every diagnostic slice of every arm."""
    for group, arm in _arms(comparison):
        for one in arm.slices:
            facts = {"slice": one.name, "seeds": one.estimate.seeds, "units_per_run": one.units}
            rest = {"cap": one.cap, "marked_share": one.marked}
            yield of_group(group) | of_arm(arm) | facts | _limits(one.estimate) | rest


def training(comparison: Comparison) -> Iterator[Row]:
    """What the training of each run took, and where it stopped."""
    for base, run in _runs(comparison):
        found, log = run.record, run.record.training
        facts: Row = {"sweep": found.sweep, "finished_at": found.finished_at}
        if log is not None:
            scores = {one.step: one.score for one in log.evaluations}
            facts |= {name: getattr(log, name) for name in LOG}
            facts["dev_score_before"] = scores.get(0)
            facts["dev_score_best"] = scores.get(log.best_step)
        yield base | facts


def curves(comparison: Comparison) -> Iterator[Row]:
    """Every look at the dev split; step 0 is the fresh head."""
    for base, run in _runs(comparison):
        for one in run.record.training.evaluations if run.record.training else ():
            yield base | {name: getattr(one, name) for name in LOOK} | {"dev_score": one.score}


def failures(comparison: Comparison) -> Iterator[Row]:
    """Runs that ended without a result."""
    for failure in comparison.failures:
        found, cell = failure.record, failure.record.cell
        yield {
            "folder": failure.folder,
            **{name: getattr(cell, name) for name in ("task", "data", *ARM[:-1], "role", "seed")},
            "reason": found.outcome.reason,
            "error": found.outcome.error,
            "sweep": found.sweep,
            "finished_at": found.finished_at,
        }


def _arms(comparison: Comparison) -> Iterator[tuple[Group, Arm]]:
    return ((group, arm) for group in comparison.groups for arm in group.arms)


def _runs(comparison: Comparison) -> Iterator[tuple[Row, Run]]:
    for group, arm in _arms(comparison):
        base = of_group(group) | of_arm(arm) | {"dev_metric": arm.headline.name}
        for run in arm.runs:
            yield base | {"seed": run.seed, "folder": run.folder}, run


def of_group(group: Group) -> Row:
    """What tells a group from others."""
    names = ("task", "data", "source", "evaluated", "hardware", "experiment_version")
    facts = [*(getattr(group.key, name) for name in names), _settings(group.variant)]
    return dict(zip(GROUP, facts, strict=True))


def of_arm(arm: Arm) -> Row:
    """What tells an arm from others of its group."""
    names = (name for name in ARM if name not in ("level", "settings"))
    facts = {name: getattr(arm.key, name) for name in names}
    return facts | {"level": arm.first.cell.level, "settings": _settings(arm.variant)}


def of_pair(one: Contrast) -> Row:
    """Both sides of a contrast, and what stands in its way."""
    sides = {"gpt": one.gpt, "bert": one.bert}
    facts: Row = {"pair": one.gpt.key.pair, "level": one.gpt.first.cell.level}
    facts["strategy"] = one.gpt.key.strategy
    for side, arm in sides.items():
        facts |= {f"{side}_{name}": getattr(arm.key, name) for name in ("model", "weights", "mode")}
        facts[f"{side}_settings"] = _settings(arm.variant)
    return facts | {name: "; ".join(getattr(one, name)) for name in BARS}


def _settings(variant: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in variant.items())


def of_metric(one: Meter) -> Row:
    """The metric, and which way is better."""
    return {"metric": one.name, "lower_is_better": one.lower_is_better}


def _limits(found: Estimate) -> Row:
    return {name: getattr(found, name) for name in LIMITS}
