"""What stands behind each learning rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from harness import metrics
from harness.comparison import Arm, Comparison, Group, Tuning
from harness.report.markdown import NONE, escape, got, is_number, score, section, table
from harness.report.summary import caveat, place


def tuning(comparison: Comparison) -> str:
    """What stands behind each learning rate: tables kept in records, and live trials."""
    kept = [
        _kept(group, arm, arm.first.tuning)
        for group in comparison.groups
        for arm in group.arms
        if arm.first.tuning
    ]
    live = _live(comparison.tunings)
    if not kept and not live:
        return section(2, "Tuning", "No learning rate was tuned.")
    embedded = any(group.embedded for group in comparison.groups)
    embedded = embedded or any(one.embedded for one in comparison.tunings)
    return section(2, "Tuning", caveat(embedded), *kept, *live)


def _kept(group: Group, arm: Arm, facts: Mapping[str, Any]) -> str:
    rows = facts.get("table")
    trials = [
        (float(row["lr"]), int(row["seed"]), float(row["score"]))
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping) and all(is_number(row.get(n)) for n in ("lr", "seed", "score"))
    ]
    edge = "yes" if facts.get("edge") is True else "no" if facts.get("edge") is False else NONE
    text = f"{place(group)}: {escape(arm.description)}; {got(facts, 'trials')} trials by the dev "
    text += f"split's {escape(arm.headline.caption)}, chosen learning rate "
    text += f"{got(facts, 'chosen')}, at the edge of the grid: {edge}."
    return "\n\n".join([text, _rates([(escape(arm.description), trials)])])


def _live(tunings: Sequence[Tuning]) -> list[str]:
    """One table of learning rate x model for each task and data set."""
    by_task: dict[tuple[str, str, str], list[Tuning]] = defaultdict(list)
    for one in tunings:
        by_task[one.task, one.data, one.metric].append(one)
    return [
        "\n\n".join(
            [
                f"{escape(task)}, {escape(data)}: trials of this folder by the dev split's "
                f"{escape(metrics.meter(metric).caption)}.",
                _rates([(escape(one.description), list(one.trials)) for one in members]),
            ]
        )
        for (task, data, metric), members in sorted(by_task.items())
    ]


def _rates(columns: Sequence[tuple[str, Sequence[tuple[float, int, float]]]]) -> str:
    """Mean dev score and number of seeds by learning rate, one column a model."""
    rates = sorted({rate for _, trials in columns for rate, _, _ in trials})
    rows = []
    for rate in rates:
        cells = []
        for _, trials in columns:
            scores = [value for other, _, value in trials if other == rate]
            mean = score(sum(scores) / len(scores)) if scores else NONE
            cells.append(f"{mean} ({len(scores)})" if scores else NONE)
        rows.append([f"{rate:g}", *cells])
    header = ["learning rate", *(f"{name}: dev score (seeds)" for name, _ in columns)]
    return table(header, rows, "r" * len(header)) if rows else ""
