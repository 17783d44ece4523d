"""Was it fair, and is it true? Treatment of both sides, mismatches, alarms."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from harness import searched
from harness.alarms import CHECKS
from harness.comparing.comparison import Arm, Comparison, Group
from harness.comparing.mismatch import sizes
from harness.report import match
from harness.report.markdown import NONE, bullets, count, escape, got, section, shorten, table
from harness.report.reading import seeds_in_words
from harness.report.summary import place


def fairness(comparison: Comparison) -> str:
    """Where the two sides were treated alike, and where not."""
    rows = [_treatment(group, arm) for group in comparison.groups for arm in group.arms]
    header = ["task", "model", "mode", "label piece", "pooling", "learning rate"]
    header += ["precision", "attention", "probes"]
    notes = [text for group in comparison.groups for text in mismatches(group)]
    pairs = sum(len(group.contrasts) for group in comparison.groups)
    text = f"No mismatch found in {pairs} {'pair' if pairs == 1 else 'pairs'}."
    if notes:
        text = "Mismatches to keep in mind:\n\n" + bullets(notes)
    shown = (table(header, rows), PROBES) if rows else ()
    told = (text, COMPARED) if pairs else ("No pair to compare.",)
    return section(2, "Fairness", *shown, *told)


PROBES = (
    "Probes: how far outputs moved. Left and right of a changed word; of a written text, to the "
    "left of a changed word within the source and within the target, and in the source when the "
    "target is changed; and through padding. Alarms 11 and 13 hold them against what the mode "
    "claims."
)
COMPARED = (
    "Compared were the two sides of each pair: kind of weights, task, data, strategy, training and "
    "pretraining settings (all but the seed of training and what belongs to a side: its model, "
    "mode and decoding, and values that were searched for both), trials and space of that search, "
    "the learning rate where nobody searched, precision, classes and how texts were counted; and, "
    "to within 5 %, the sizes that "
    "stand under Match in each chapter, where both are on record."
)


def _treatment(group: Group, arm: Arm) -> list[str]:
    facts, key = arm.first.model, arm.key
    label = [facts.label_piece, facts.pooling] if facts else [NONE, NONE]
    kernel = [facts.precision, facts.attention] if facts else [NONE, NONE]
    return [
        place(group),
        escape(arm.description),
        *map(escape, [key.mode, *label]),
        _tuned(arm),
        *map(escape, kernel),
        _probed(arm),
    ]


PROBED = {
    "left_change": "left",
    "right_change": "right",
    "source_left_change": "source left",
    "target_left_change": "target left",
    "source_from_target": "source from target",
    "padding_change": "padding",
}


def _probed(arm: Arm) -> str:
    """How far outputs moved, by what was changed."""
    seen = arm.first.probes
    if not seen:
        return "not run"
    return ", ".join(f"{name} {got(seen, key)}" for key, name in PROBED.items() if key in seen)


def _tuned(arm: Arm) -> str:
    facts = arm.first.tuning
    if facts is None:
        return "learning rate not tuned"
    if "space" in facts:
        return f"{', '.join(map(escape, searched.values(facts)))} tuned, {_search(facts)}"
    edge = ", at the edge of the grid" if facts.get("edge") is True else ""
    return f"tuned, {count(searched.trials(facts))} trials{edge}"


def _search(facts: Mapping[str, Any]) -> str:
    edges = facts.get("edges")
    ends = f", at the edge: {', '.join(map(escape, edges))}" if isinstance(edges, list) else ""
    ends = ends if edges else ""
    return f"{count(searched.trials(facts))} trials of search {got(facts, 'search')}{ends}"


def mismatches(group: Group) -> list[str]:
    """Unequal treatment and unequal sizes within the pairs of a group, in words."""
    found: dict[str, list[str]] = defaultdict(list)  # what is the same for many is told once
    for contrast in group.contrasts:
        names = f"{escape(contrast.gpt.description)} and {escape(contrast.bert.description)}"
        if contrast.refused:
            words = ", ".join(map(escape, contrast.refused))
            found[f"{names} are not compared, they differ in {words}"] = []
        unlike = [escape(text) for text in contrast.mismatches]
        unlike += [match.told(one) for one in sizes(contrast) if one.apart]
        if unlike:
            found[f"differ in {', '.join(unlike)}"].append(names)
    return [": ".join([place(group), f"{_first(names)}{text}"]) for text, names in found.items()]


def _first(names: Sequence[str]) -> str:
    several = list(dict.fromkeys(names))
    if len(several) < 2:
        return "".join(f"{name} " for name in several)
    more = len(several) - 1
    return f"{several[0]} ({more} {'pair' if more == 1 else 'pairs'} more as well) "


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
