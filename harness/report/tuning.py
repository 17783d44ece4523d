"""What stands behind each learning rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from harness import metrics, searched
from harness.comparing.comparison import Arm, Comparison, Group, Tuning
from harness.report.markdown import (
    NONE,
    count,
    escape,
    got,
    is_number,
    score,
    section,
    shorten,
    table,
)
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
    if "space" in facts:
        return _searched(group, arm, facts)
    trials = [
        (float(row.values[searched.LEARNING_RATE]), row.seed, row.score)
        for row in searched.rows(facts)
        if row.score is not None
    ]
    edge = "yes" if facts.get("edge") is True else "no" if facts.get("edge") is False else NONE
    text = f"{place(group)}: {escape(arm.description)}; {count(searched.trials(facts))} trials by "
    text += f"the dev split's {escape(arm.headline.caption)}, chosen learning rate "
    text += f"{got(facts, 'chosen')}, at the edge of the grid: {edge}."
    return "\n\n".join([text, _rates([(escape(arm.description), trials)])])


def _searched(group: Group, arm: Arm, facts: Mapping[str, Any]) -> str:
    """A search with a space of its own: the space, what was chosen, and every trial."""
    space = facts["space"] if isinstance(facts["space"], Mapping) else {}
    told = [f"{escape(key)} {escape(searched.in_words(value))}" for key, value in space.items()]
    chosen = [f"{escape(key)} {shown(value)}" for key, value in searched.values(facts).items()]
    edges = facts.get("edges")
    ends = ", ".join(map(escape, edges)) if isinstance(edges, list) and edges else "no"
    text = f"{place(group)}: {escape(arm.description)}; search {got(facts, 'search')} "
    text += f"({got(facts, 'sampler')}), {count(searched.trials(facts))} trials by the dev split's "
    text += f"{escape(arm.headline.caption)} in {'; '.join(told) or NONE}. "
    text += f"Chosen: {', '.join(chosen) or NONE}. At the edge of the space: {ends}."
    return "\n\n".join([text, _trials(searched.rows(facts))])


def _trials(found: Sequence[searched.Row]) -> str:
    """One row a trial, its mean over the seeds that finished, and how many did not."""
    by_trial: dict[int, list[searched.Row]] = defaultdict(list)
    for row in found:
        by_trial[row.trial or 0].append(row)
    keys = list(dict.fromkeys(key for row in found for key in row.values))
    lines = []
    for number, members in sorted(by_trial.items()):
        scores = [row.score for row in members if row.score is not None]
        failed = len(members) - len(scores)
        mean = f"{score(sum(scores) / len(scores))} ({len(scores)})" if scores else NONE
        tried = [shown(members[0].values.get(key)) for key in keys]
        lines.append([str(number), *tried, mean, str(failed) if failed else NONE])
    header = ["trial", *map(escape, keys), "dev score (seeds)", "failed"]
    return table(header, lines, "r" * len(header)) if lines else ""


def shown(value: object) -> str:
    """A value that was tried."""
    return f"{value:g}" if is_number(value) else escape(shorten(value, 40))


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
