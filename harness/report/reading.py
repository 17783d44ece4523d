"""A verdict in the words of a table: who is better, or why nothing can be said."""

from __future__ import annotations

from harness.comparing.comparison import Arm
from harness.comparing.verdicts import (
    BERT,
    GPT,
    TIE,
    UNDETERMINED,
    Verdict,
    alarmed,
    seeds_in_words,
)
from harness.report.markdown import escape, score
from harness.statistics.decisions import ABOVE

__all__ = ["reading", "seeds_in_words", "voided"]


def reading(verdict: Verdict) -> str:
    """What a difference says, in words."""
    left_out = "; unpaired seeds left out" if verdict.contrast.incomplete else ""
    if verdict.answer not in (BERT, GPT, TIE, UNDETERMINED):
        text = escape("; ".join(verdict.why))
        return text if text.startswith(("refused", "void")) else f"no verdict: {text}"
    return _preliminary(verdict) + _said(verdict) + left_out


def _preliminary(verdict: Verdict) -> str:
    seeds = len(verdict.contrast.seeds)
    if not verdict.preliminary or not seeds:
        return ""
    return f"preliminary ({seeds} {'seed' if seeds == 1 else 'seeds'}): "


def _said(verdict: Verdict) -> str:
    decision = verdict.decision
    if verdict.answer in (BERT, GPT):
        return f"{verdict.answer} better"
    if decision is None:
        return f"undetermined ({escape('; '.join(verdict.why))})"
    margin = score(decision.margin, digits=verdict.meter.digits)
    if verdict.answer == TIE:
        return f"tie, within {margin}"
    if verdict.why and "opposite" in verdict.why[0]:
        return f"undetermined ({escape(verdict.why[0])})"
    side = {ABOVE: BERT, None: None}.get(decision.direction, GPT)
    return f"undetermined ({side} ahead, not by {margin} for sure)" if side else "undetermined"


def voided(*arms: Arm) -> str:
    """The alarms that void a verdict on these arms, escaped; empty if none do."""
    return escape(alarmed(*arms))
