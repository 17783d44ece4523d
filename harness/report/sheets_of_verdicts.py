"""Rows of verdicts: what was asked, what decided it, and what barred an answer."""

from __future__ import annotations

from collections.abc import Iterator

from harness.comparing.findings import Findings
from harness.comparing.mismatch import scope
from harness.comparing.verdicts import Verdict, alarmed

Row = dict[str, object]

VERDICTS = (
    "task", "data", "split", "hardware", "pair", "weights", "scope", "family",
    "gpt", "bert", "metric", "seeds", "answer", "preliminary", "why", "void",
    "bert_advantage", "deciding_low", "deciding_high", "deciding_level", "margin",
    "detectable", "seeds_that_would_settle", "examples_that_would_settle", "plan",
)  # fmt: skip


def verdicts(findings: Findings) -> Iterator[Row]:
    """One row a question; the advantage is positive where BERT is better, whatever the metric."""
    for one in findings.verdicts:
        yield _asked(one) | _told(one) | {"plan": findings.plan.digest}


def _asked(one: Verdict) -> Row:
    key, contrast = one.group.key, one.contrast
    return {
        "task": key.task,
        "data": key.data,
        "split": key.evaluated,
        "hardware": key.hardware,
        "pair": one.family.pair.pair,
        "weights": one.family.pair.weights,
        "scope": scope(one.group, contrast),
        "family": one.family.kind,
        "gpt": contrast.gpt.description,
        "bert": contrast.bert.description,
        "metric": one.meter.name,
        "seeds": len(contrast.seeds),
    }


def _told(one: Verdict) -> Row:
    row: Row = {
        "answer": one.answer,
        "preliminary": one.preliminary,
        "why": "; ".join(one.why),
        "void": alarmed(one.contrast.gpt, one.contrast.bert),
    }
    if one.advantage is not None:
        row["bert_advantage"] = one.advantage.mean
    if one.decision is not None:
        row |= {
            "deciding_low": one.decision.low,
            "deciding_high": one.decision.high,
            "deciding_level": one.decision.level,
            "margin": one.decision.margin,
            "detectable": one.decision.detectable,
        }
    if one.settled is not None:
        row["seeds_that_would_settle"] = one.settled.seeds
        row["examples_that_would_settle"] = one.settled.units
    return row
