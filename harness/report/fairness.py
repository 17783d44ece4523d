"""Was it fair, and is it true? Treatment of both sides, mismatches, alarms."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from harness.alarms import CHECKS
from harness.comparison import Arm, Comparison, Group
from harness.record import ModelFacts
from harness.report.markdown import (
    NONE,
    bullets,
    count,
    escape,
    got,
    is_number,
    section,
    shorten,
    table,
)
from harness.report.summary import place, seeds_in_words

UNLIKE = 0.05
"""Sizes further apart than this share are named as a mismatch."""


def fairness(comparison: Comparison) -> str:
    """Where the two sides were treated alike, and where not."""
    rows = [_treatment(group, arm) for group in comparison.groups for arm in group.arms]
    header = ["task", "model", "match", "mode", "label piece", "pooling", "learning rate"]
    header += ["precision", "attention", "probes: left, right, padding"]
    notes = [text for group in comparison.groups for text in mismatches(group)]
    pairs = sum(len(group.contrasts) for group in comparison.groups)
    text = f"No mismatch found in {pairs} {'pair' if pairs == 1 else 'pairs'}."
    if notes:
        text = "Mismatches to keep in mind:\n\n" + bullets(notes)
    shown = table(header, rows) if rows else ""
    return section(2, "Fairness", shown, *((text, COMPARED) if pairs else ("No pair to compare.",)))


COMPARED = (
    "Compared were the two sides of each pair: kind of weights, task, data, strategy, training and "
    "pretraining settings (all but the seed of training and the models' own), trials of the search "
    "for a learning rate, the rate itself where nobody searched, precision and classes; and, to "
    "within 5 %: non-embedding parameters, tokens per word, FLOPs per token, and updates, tokens "
    "and loss tokens of pretraining, where both are on record."
)


def _treatment(group: Group, arm: Arm) -> list[str]:
    facts, key = arm.first.model, arm.key
    label = [facts.label_piece, facts.pooling] if facts else [NONE, NONE]
    kernel = [facts.precision, facts.attention] if facts else [NONE, NONE]
    words = [escape(arm.description), key.match, key.mode, *label]
    return [
        place(group),
        words[0],
        *map(escape, words[1:]),
        _tuned(arm),
        *map(escape, kernel),
        _probed(arm),
    ]


def _probed(arm: Arm) -> str:
    """How far outputs moved: left and right of a changed word, and through padding."""
    seen = arm.first.probes
    if not seen:
        return "not run"
    return ", ".join(got(seen, f"{name}_change") for name in ("left", "right", "padding"))


def _tuned(arm: Arm) -> str:
    facts = arm.first.tuning
    if facts is None:
        return "learning rate not tuned"
    edge = ", at the edge of the grid" if facts.get("edge") is True else ""
    return f"tuned, {got(facts, 'trials')} trials{edge}"


def mismatches(group: Group) -> list[str]:
    """Unequal treatment and unequal sizes within the pairs of a group, in words."""
    lines = []
    for contrast in group.contrasts:
        names = f"{escape(contrast.gpt.description)} and {escape(contrast.bert.description)}"
        if contrast.refused:
            words = ", ".join(map(escape, contrast.refused))
            lines.append(f"{place(group)}: {names} are not compared, they differ in {words}")
        unlike = [escape(text) for text in contrast.mismatches]
        unlike += _unlike(contrast.gpt.first.model, contrast.bert.first.model)
        if unlike:
            lines.append(f"{place(group)}: {names} differ in {', '.join(unlike)}")
    return list(dict.fromkeys(lines))


def _unlike(gpt: ModelFacts | None, bert: ModelFacts | None) -> list[str]:
    if gpt is None or bert is None:
        return []
    ours, theirs = _sizes(gpt), _sizes(bert)
    return [
        f"{name} ({count(one)} and {count(other)})"
        for name in ours
        for one, other in [(ours[name], theirs[name])]
        if is_number(one) and is_number(other) and abs(one - other) > UNLIKE * max(one, other)
    ]


def _sizes(model: ModelFacts) -> dict[str, Any]:
    facts = model.pretraining or {}
    return {
        "non-embedding parameters": model.parameters.get("non_embedding"),
        "tokens per word": model.fertility,
        "FLOPs per token": model.flops_per_token,
        "pretraining updates": facts.get("updates"),
        "pretraining tokens": facts.get("tokens"),
        "pretraining loss tokens": facts.get("loss_tokens"),
    }


def alarm_list(comparison: Comparison) -> str:
    """Every alarm, by model, with the seeds that set it off; and what could be checked at all."""
    rows = [row for group in comparison.groups for arm in group.arms for row in _rung(group, arm)]
    header = ["task", "model", "alarm", "severity", "runs", "what was seen (first run)"]
    text = "A void alarm voids every verdict that rests on the run; a warning changes nothing. "
    text += "What a run can be checked for depends on what its data and its record hold (caps, "
    text += "slices, probes with their tolerance) and on the model:"
    checked = bullets([_checked(group) for group in comparison.groups])
    silent = "None rang of the alarms that could."
    return section(2, "Alarms", text, checked, table(header, rows) if rows else silent)


def _rung(group: Group, arm: Arm) -> list[list[str]]:
    """The alarms of one arm, one row a kind."""
    by_kind: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for run in arm.runs:
        for alarm in run.alarms:
            by_kind[alarm.severity, alarm.number].append((run.seed, alarm.message))
    rows = []
    for (severity, number), found in sorted(by_kind.items()):
        seeds = seeds_in_words(sorted({seed for seed, _ in found}))
        start = [place(group), escape(arm.description), escape(number), severity]
        rows.append([*start, seeds, escape(shorten(found[0][1], 300))])
    return rows


def _checked(group: Group) -> str:
    """What the runs of a group could be checked for, and what not."""
    runs = [run for arm in group.arms for run in arm.runs]
    able = Counter(name for run in runs for name in run.checks)
    done = [
        name if able[name] == len(runs) else f"{name} ({able[name]} of {len(runs)} runs)"
        for name in CHECKS
        if able[name]
    ]
    never = [name for name in CHECKS if not able[name]]
    text = f"{place(group)}, checked for: {'; '.join(done) or 'nothing'}."
    return text + (f" Not checked for: {'; '.join(never)}." if never else "")
