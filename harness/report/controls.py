"""Against what a score means something: the input-blind rule, no tuning, no pretraining."""

from __future__ import annotations

from harness import metrics
from harness.comparing.comparison import SMOKE, Arm, Control, Group, Run, Score
from harness.record import Evaluation
from harness.report.markdown import NONE, escape, estimated, score, section, table
from harness.report.reading import seeds_in_words, voided

MAJORITY = (
    "Majority is the rule that ignores the input: the most frequent class, tag or text of "
    "training, or (ranking) one score for all."
)


def controls(group: Group) -> str:
    """The section on controls."""
    return section(3, "Controls", _controls(group), _pretraining(group))


def _controls(group: Group) -> str:
    rows = [_control(arm) for arm in group.arms if arm.scores]
    if not rows:
        return ""
    header = ["model", "score", "majority", "better than majority", "before tuning (dev)"]
    caption = escape(metrics.meter(group.key.metrics[0]).caption)
    return f"Scores are {caption}. {MAJORITY}\n\n{table(header, rows, 'lrrrr')}"


def _control(arm: Arm) -> list[str]:
    one = arm.scores[0]
    fresh = mean([found.score for run in arm.runs if (found := fresh_head(run)) is not None])
    shown = [_shown(arm, value) for value in (one.estimate.mean, one.majority)]
    return [escape(arm.description), *shown, _above(one), _shown(arm, fresh)]


def _shown(arm: Arm, value: float | None) -> str:
    return score(value, digits=arm.headline.digits)


def _pretraining(group: Group) -> str:
    """What pretraining was worth: each pretrained model minus its untrained twin."""
    rows = [_twin(control) for control in group.controls]
    header = ["pretrained model", "runs", "from scratch", "pretrained - scratch", "reading"]
    text = "The same model without pretraining, paired by seed and example, on the seeds that both "
    text += "finished; an asterisk marks an interval over examples only."
    return f"{text}\n\n{table(header, rows, 'llrrl')}" if rows else ""


def _twin(control: Control) -> list[str]:
    name, found = escape(control.arm.description), control.difference
    if found is None or not control.seeds:
        why = ", ".join(map(escape, control.refused))
        told = f"refused: runs differ in {why}" if why else "no seed that both finished"
        return [name, NONE, NONE, NONE, told]
    one = control.scratch.scores[0]
    values = dict(zip(control.scratch.seeds, one.per_seed, strict=True))
    there = _shown(control.arm, mean([values[seed] for seed in control.seeds]))
    runs = seeds_in_words(control.seeds) + (" only" if len(control.seeds) == 1 else "")
    difference = estimated(found, True, control.arm.headline.digits)
    return [name, runs, there, difference, _worth(control)]


def _worth(control: Control) -> str:
    """Whether the untrained twin is worse, as far as the interval tells."""
    found = control.difference
    rung = voided(control.arm, control.scratch)
    if rung:
        return f"void: {rung}"
    if any(run.record.sweep == SMOKE for run in (*control.arm.runs, *control.scratch.runs)):
        return "no verdict: smoke run"
    if found is None or not found.excludes(0.0):
        return "not separable"
    gained = control.arm.headline.improves(found.mean) > 0
    return "scratch worse" if gained else "scratch better"


def _above(one: Score) -> str:
    if one.majority is None or not one.estimate.se:
        return NONE
    gained = one.meter.improves(one.estimate.mean - one.majority)
    return f"{gained / one.estimate.se:+.1f} SE"


def fresh_head(run: Run) -> Evaluation | None:
    """The look at the dev split before any training."""
    log = run.record.training
    return next((one for one in log.evaluations if one.step == 0), None) if log else None


def mean(values: list[float]) -> float | None:
    """The mean, or None of nothing."""
    return sum(values) / len(values) if values else None
