"""How unequal the two sides of a pair were, and what a verdict on them is therefore about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.comparing.comparison import Arm, Contrast, Group
from harness.record import Record

UNLIKE = 0.05
"""Sizes further apart than this share of the larger are a mismatch."""

DEFINING = ("non-embedding parameters", "tokens per word", "FLOPs per token")
"""Sizes that a matched pair shares: where one is apart, a verdict is about these checkpoints."""

TOKENS, LOSS_TOKENS = "pretraining tokens", "pretraining loss tokens"
"""A matched pair shares the one, or the other where it was pretrained to that end."""

CHECKPOINTS, SCRATCHED = "these checkpoints", "untrained bodies"


class Size(NamedTuple):
    """One size of both sides; None where it is not on record."""

    name: str
    gpt: float | None
    bert: float | None

    @property
    def apart(self) -> bool:
        """Whether the two are a mismatch."""
        if self.gpt is None or self.bert is None:
            return False
        return abs(self.gpt - self.bert) > UNLIKE * max(self.gpt, self.bert)


def sizes(contrast: Contrast) -> list[Size]:
    """The mismatch vector of a pair."""
    gpt, bert = (_measured(arm) for arm in (contrast.gpt, contrast.bert))
    return [Size(name, gpt[name], bert[name]) for name in gpt]


def scope(group: Group, contrast: Contrast) -> str:
    """What a verdict is about: where the data come from and how well the pair is matched."""
    apart = {one.name for one in sizes(contrast) if one.apart}
    level = contrast.gpt.first.cell.level or "match unknown"
    if contrast.scratch:
        level = SCRATCHED
    elif apart & {*DEFINING, LOSS_TOKENS if by_loss_tokens(contrast) else TOKENS}:
        level = CHECKPOINTS
    return f"{'embedded world' if group.embedded else 'real data'}, {level}"


def by_loss_tokens(contrast: Contrast) -> bool:
    """Whether both were pretrained until they had as many tokens with a loss."""
    return {matched_by(arm.first) for arm in (contrast.gpt, contrast.bert)} == {"loss_tokens"}


def matched_by(found: Record) -> str | None:
    """What a model and the other of its pair were given as many of in pretraining.

    "updates", "loss_tokens", or None where that is not on record.
    """
    told = (found.model.pretraining or {}) if found.model else {}
    at_first = "updates" if found.cell.weights == "embedded" and told else None
    return str(told["match"]) if "match" in told else at_first


def _measured(arm: Arm) -> dict[str, float | None]:
    model, logs = arm.first.model, [run.record.training for run in arm.runs]
    parameters: Mapping[str, Any] = model.parameters if model else {}
    pretraining: Mapping[str, Any] = (model.pretraining or {}) if model else {}
    found: dict[str, Any] = {
        "non-embedding parameters": parameters.get("non_embedding"),
        "total parameters": parameters.get("total"),
        "vocabulary": model.vocabulary if model else None,
        "tokens per word": model.fertility if model else None,
        "FLOPs per token": model.flops_per_token if model else None,
        "pretraining updates": pretraining.get("updates"),
        TOKENS: pretraining.get("tokens"),
        LOSS_TOKENS: pretraining.get("loss_tokens"),
        "training examples seen": _mean([log.examples for log in logs if log]),
        "training tokens seen": _mean([log.tokens for log in logs if log]),
    }
    return {name: value if _is_number(value) else None for name, value in found.items()}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _mean(values: list[int]) -> float | None:
    return sum(values) / len(values) if values else None
