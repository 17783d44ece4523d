"""What may be read from a difference, in words: who is better, or why nothing can be said."""

from __future__ import annotations

from collections.abc import Sequence

from harness import metrics
from harness.comparison import FEW_SEEDS, Arm, Contrast
from harness.metrics import Meter
from harness.report.markdown import escape
from harness.stats import EXAMPLES_ONLY, Estimate


def reading(contrast: Contrast) -> str:
    """What a difference may be read as, in words."""
    if contrast.refused:
        return "refused: runs differ in " + ", ".join(escape(name) for name in contrast.refused)
    rung = voided(contrast.gpt, contrast.bert)
    if rung:
        return f"void: {rung}"
    if contrast.smoke:
        return "no verdict: smoke run"
    left_out = "; unpaired seeds left out" if contrast.incomplete else ""
    return _preliminary(contrast) + _direction(contrast) + left_out


def voided(*arms: Arm) -> str:
    """The alarms that void a difference of these arms, by model and seed; empty if none do."""
    parts: dict[tuple[str, str], list[int]] = {}
    for arm in arms:
        for seed, alarm in arm.voids:
            parts.setdefault((alarm.number, arm.key.model), []).append(seed)
    return "; ".join(
        f"alarm {escape(number)} ({escape(model)}, {seeds_in_words(sorted(set(seeds)))})"
        for (number, model), seeds in sorted(parts.items())
    )


def seeds_in_words(seeds: Sequence[int]) -> str:
    """One or several seeds by number: seeds 0, 2."""
    return ("seed " if len(seeds) == 1 else "seeds ") + ", ".join(map(str, seeds))


def _preliminary(contrast: Contrast) -> str:
    seeds = len(contrast.seeds)
    if seeds >= FEW_SEEDS or not seeds:
        return ""
    return f"preliminary ({seeds} {'seed' if seeds == 1 else 'seeds'}): "


def _direction(contrast: Contrast) -> str:
    difference, meter = contrast.difference, contrast.gpt.headline
    if difference is None or difference.low is None:
        return f"not separable ({escape(difference.note if difference else 'refused')})"
    scope = " on these trained runs" if difference.covers == EXAMPLES_ONLY else ""
    side = better(meter, difference)
    if side is None:
        return "not separable" + scope
    return f"{side} better{scope}" + _contradicted(contrast, side)


def better(meter: Meter, difference: Estimate) -> str | None:
    """Which side a difference BERT - GPT speaks for; None where its interval holds 0 or is none."""
    if not difference.excludes(0.0):
        return None
    return "BERT" if meter.improves(difference.mean) > 0 else "GPT"


def _contradicted(contrast: Contrast, side: str) -> str:
    """Other metrics that rank models, and rank these two the other way round."""
    found = {metrics.meter(name): one for name, one in contrast.others.items()}
    sides = {meter: better(meter, one) for meter, one in found.items() if not meter.descriptive}
    against = [escape(meter.title) for meter, other in sides.items() if other not in (None, side)]
    other = "GPT" if side == "BERT" else "BERT"
    return f", but {other} better in {', '.join(against)}" if against else ""
