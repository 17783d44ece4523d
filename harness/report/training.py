"""What training took, and where it stopped."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.comparing.comparison import Arm, Group
from harness.record import TrainLog
from harness.report.markdown import NONE, escape, score, section, table

TRAINING = (
    "Means over seeds. Tokens are real tokens, padding excluded; the share is padding among all "
    "positions. Seconds leave evaluation on the dev split out. Times of runs that shared a machine "
    "do not tell which model is faster."
)


def training(group: Group) -> str:
    """The section on training."""
    return section(3, "Training", _training(group), TRAINING, *map(_asked, group.arms))


def _asked(arm: Arm) -> str:
    """What it took to answer without training, and whether seeds vary it; else nothing."""
    if not arm.untrained:
        return ""
    text = f"{escape(arm.description)}: nothing was trained"
    text += ", so seeds do not vary it" if arm.fixed else ""
    if took := arm.first.answering:
        text += "; an answer takes " + _amounts(took)
    return text + "."


def _amounts(took: Mapping[str, float]) -> str:
    tokens, passes, flops = (took.get(name, math.nan) for name in ("tokens", "passes", "flops"))
    times = "forward pass" if passes == 1 else "forward passes"
    return f"{tokens:,.1f} tokens in {passes:,.0f} {times}, {flops:.2e} FLOPs"


def _training(group: Group) -> str:
    rows = [_trained(arm) for arm in group.arms]
    header = ["model", "CPU s", "wall s", "steps", "examples", "tokens", "loss tokens", "padding"]
    header += ["best step", "best dev score", "stopped early"]
    return table(header, rows, "lrrrrrrrrrr")


def _trained(arm: Arm) -> list[str]:
    logs = [run.record.training for run in arm.runs if run.record.training]
    if not logs:
        return [escape(arm.description), *[NONE] * 10]
    early = sum(log.stopped_early for log in logs)
    return [
        escape(arm.description),
        *(f"{_mean(logs, name):.1f}" for name in ("cpu_seconds", "wall_seconds")),
        *(f"{_mean(logs, n):,.0f}" for n in ("steps", "examples", "tokens", "loss_tokens")),
        score(_mean(logs, "padding_share")),
        f"{_mean(logs, 'best_step'):,.0f}",
        score(_best(logs), digits=arm.headline.digits),
        f"{early} of {len(logs)}",
    ]


def _mean(logs: list[TrainLog], name: str) -> float:
    return sum(float(getattr(log, name)) for log in logs) / len(logs)


def _best(logs: list[TrainLog]) -> float | None:
    """The mean dev score of the steps that were kept."""
    kept = [one.score for log in logs for one in log.evaluations if one.step == log.best_step]
    return sum(kept) / len(kept) if kept else None
