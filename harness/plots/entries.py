"""Verdicts as rows of a forest plot, in the unit of its axis. Knows no figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.comparing.adaptation import way
from harness.comparing.comparison import FULL, Contrast
from harness.comparing.mismatch import scope
from harness.comparing.verdicts import NONE, PRIMARY, Verdict
from harness.plots.headline import unit_of
from harness.plots.shown import called, named
from harness.plots.wording import counted, plain

MAIN, BESIDE, UNTRAINED = "main questions", "other questions", "untrained bodies"


@dataclass(frozen=True)
class Entry:
    """One row, in the unit of its axis: `interval` is the 95 % one, `family` Holm's."""

    label: str
    models: str
    scope: str
    section: str  # MAIN, BESIDE or UNTRAINED
    unit: str
    answer: str
    remark: str = ""  # a word or two on the answer
    why: str = ""  # what stands in its way, or limits it
    mean: float | None = None
    interval: tuple[float, float] | None = None
    family: tuple[float, float] | None = None
    margin: float | None = None


def entry(one: Verdict) -> Entry:
    """A verdict as a row."""
    contrast, found, decision = one.contrast, one.advantage, one.decision
    unit, factor = unit_of(one.meter)
    base = Entry(
        label=f"{called(one.group)}: {one.meter.title}",
        models=f"{_models(contrast)}, {counted(len(contrast.seeds), 'seed')}",
        scope=plain(scope(one.group, contrast), 60),
        section=UNTRAINED if contrast.scratch else MAIN if one.family.kind == PRIMARY else BESIDE,
        unit=unit,
        answer=one.answer,
        remark=_remark(one),
        why=plain("; ".join(one.why), 200),
    )
    if found is None or not math.isfinite(found.mean):
        return base
    held = replace(base, mean=factor * found.mean, interval=_scaled(found.low, found.high, factor))
    if decision is None:
        return held
    family = _scaled(decision.low, decision.high, factor)
    return replace(held, family=family, margin=factor * decision.margin)


def _models(contrast: Contrast) -> str:
    """Both models; what both were tuned by besides full fine-tuning is said once, of the pair."""
    sides = (contrast.gpt, contrast.bert)
    ways = {way(arm.first) for arm in sides}
    if len(ways) > 1 or contrast.gpt.key.strategy == FULL or not contrast.native:
        return " / ".join(map(named, sides))
    return f"{plain(contrast.gpt.key.pair, 24)}, {plain(ways.pop(), 24)}"


def told_apart(verdicts: Sequence[Verdict]) -> list[Entry]:
    """Verdicts as rows; of several on one pair all but the main one name their settings."""
    every = [(one, entry(one)) for one in verdicts]
    usual: dict[tuple[str, str], Mapping[str, str]] = {}
    for one, row in sorted(every, key=lambda pair: pair[1].section != MAIN):
        usual.setdefault(_pair(row), _settings(one.contrast))
    return [_apart(row, _settings(one.contrast), usual[_pair(row)]) for one, row in every]


def _settings(contrast: Contrast) -> dict[str, str]:
    """What tells both sides from others of their names; GPT's where the two differ."""
    return {**contrast.bert.variant, **contrast.gpt.variant}


def _pair(row: Entry) -> tuple[str, str]:
    return row.label, row.models.rpartition(",")[0]


def _apart(row: Entry, variant: Mapping[str, str], usual: Mapping[str, str]) -> Entry:
    changed = [f"{_short(k)} {v}" for k, v in variant.items() if usual.get(k) != v]
    scope = plain(", ".join([*changed, row.scope]), 80)
    return replace(row, scope=scope) if changed else row


def _short(key: str) -> str:
    """Enough of a setting's name to know it: `num_hidden_layers`, `corpus.size`."""
    *_, last = key.split(".")
    return last if "_" in last else ".".join(key.split(".")[-2:])


def _scaled(low: float | None, high: float | None, factor: float) -> tuple[float, float] | None:
    return None if low is None or high is None else (factor * low, factor * high)


def _remark(one: Verdict) -> str:
    if one.answer == NONE:
        return plain(one.why[0].partition(":")[0], 30) if one.why else ""
    if one.decision is None:
        return "one seed"
    return "preliminary" if one.preliminary else ""
