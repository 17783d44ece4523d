"""A run whose training came to nothing: what is kept is what it began with."""

from __future__ import annotations

from collections.abc import Iterator

from harness.alarms.case import WARNING, Alarm, Case

FRESH = "fresh head"


def never_better(case: Case) -> Iterator[Alarm]:
    """A warning where no evaluation on dev beat the one before the first step."""
    training = case.record.training
    if training is not None and training.steps and training.best_step == 0:
        text = "training never beat the fresh head on dev, so the kept model is the untuned one: "
        text += "its score says nothing of the model; try other rates (train.lr) or more epochs"
        yield Alarm(FRESH, WARNING, text)


def trained(case: Case) -> bool:
    """Whether the record says which evaluation was the best."""
    return case.record.training is not None
