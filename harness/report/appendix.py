"""Behind the scores: models, failures, data, environment, commands."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from harness import invocation
from harness.comparing.comparison import SCRATCH, Arm, Comparison, Failure, Group
from harness.record import ModelFacts, Record, flatten
from harness.report import truncation
from harness.report.markdown import (
    NONE,
    bullets,
    count,
    escape,
    got,
    score,
    section,
    shorten,
    table,
)
from harness.report.summary import place

MOST_VALUES = 4


# --- models -------------------------------------------------------------------------------------


def models(comparison: Comparison) -> str:
    """Size, reading and cost of every model, and what it was pretrained on."""
    arms = [(group, arm) for group in comparison.groups for arm in group.arms]
    rows = _distinct(_size(group, arm.first.model, arm) for group, arm in arms)
    header = ["task", "model", "total", "non-embedding", "trainable", "head", "vocabulary"]
    header += ["tokens/word", "unknown", "FLOPs/token"]
    text = "Parameters, and the forward cost of one token; "
    text += "a step of full fine-tuning costs three times that."
    shown = table(header, rows, "llrrrrrrrr") if rows else "None."
    return section(2, "Models", text, shown, section(3, "Pretraining", _pretraining(arms)))


def _size(group: Group, facts: ModelFacts | None, arm: Arm) -> list[str]:
    start = [place(group), escape(arm.description)]
    if facts is None:
        return [*start, *[NONE] * 8]
    sizes = [got(facts.parameters, n) for n in ("total", "non_embedding", "trainable", "head")]
    reading = [count(facts.vocabulary), f"{facts.fertility:.2f}", score(facts.unknown_share)]
    return [*start, *sizes, *reading, f"{facts.flops_per_token:,.0f}"]


PRETRAINING = (
    ("objective", ("objective",)),
    ("matched by", ("match",)),
    ("updates", ("updates",)),
    ("sentences", ("sentences",)),
    ("tokens", ("tokens",)),
    ("loss tokens", ("loss_tokens",)),
    ("final loss", ("final_loss",)),
    ("CPU s", ("cpu_seconds",)),
    ("wall s", ("wall_seconds", "seconds")),
)


def _pretraining(arms: Sequence[tuple[Group, Arm]]) -> str:
    rows = _distinct(
        [escape(arm.description), *(got(facts, *names) for _, names in PRETRAINING)]
        for _, arm in arms
        if arm.first.model and (facts := arm.first.model.pretraining)
    )
    if not rows:
        return "No pretraining on record."
    note = (
        "Losses of different objectives (clm, mlm) are different quantities: do not compare them."
    )
    header = ["model", *(name for name, _ in PRETRAINING)]
    return table(header, rows, "lllrrrrrrr") + "\n\n" + note


def _distinct(rows: Iterator[list[str]]) -> list[list[str]]:
    return [list(row) for row in dict.fromkeys(tuple(row) for row in rows)]


# --- what went wrong ----------------------------------------------------------------------------


def failures(comparison: Comparison) -> str:
    """Runs without a result, and pairs without a half."""
    rows = [_failure(one) for one in comparison.failures]
    header = ["folder", "task", "model", "mode", "seed", "reason"]
    missing = [
        f"{place(group)}: {escape(text)}"
        for group in comparison.groups
        for text in (*group.missing, *(t for c in group.contrasts for t in c.incomplete))
    ]
    return section(
        2,
        "Failures and missing runs",
        table(header, rows, "llllrl") if rows else "No run failed.",
        bullets(missing) if missing else "No pair lacks a half.",
    )


def _failure(one: Failure) -> list[str]:
    cell, outcome = one.record.cell, one.record.outcome
    words = [one.folder, f"{cell.task}, {cell.data}", f"{cell.model}, {cell.pair}, {cell.weights}"]
    reason = outcome.reason or outcome.error or "no reason on record"
    return [*map(escape, words), escape(cell.mode), str(cell.seed), escape(shorten(reason))]


# --- data and environment -----------------------------------------------------------------------


def data(comparison: Comparison) -> str:
    """Classes that training never had, cut words, warnings of readers, damaged folders."""
    lines = [line for group in comparison.groups for line in _data(group)]
    lines = list(dict.fromkeys(lines))
    damaged = [escape(shorten(text, 400)) for text in comparison.warnings]
    broken = section(3, "Record folders", bullets(damaged)) if damaged else ""
    return section(2, "Data", bullets(lines), broken)


def _data(group: Group) -> Iterator[str]:
    """What is true of every model is said of the data, all else of those that it is true of."""
    found: dict[str, list[str]] = defaultdict(list)
    for arm in group.arms:
        for text in _arm_data(arm):
            found[text].append(escape(arm.description))
    for text, names in found.items():
        more = f" and {len(names) - 2} more" if len(names) > 2 else ""
        whose = [] if len(names) == len(group.arms) else [" and ".join(names[:2]) + more]
        yield ": ".join([place(group), *whose, text])


def _arm_data(arm: Arm) -> Iterator[str]:
    unseen = sorted({text for run in arm.runs for text in run.record.unseen_classes})
    if unseen:
        yield f"gold classes that training never had: {', '.join(map(escape, unseen))}"
    if cut := truncation.told(arm):
        yield f"did not fit, in each run: {cut}"
    facts = arm.first.data
    yield from (escape(shorten(text, 300)) for text in (facts.warnings if facts else ()))


def environment(comparison: Comparison) -> str:
    """Where the runs were made: each fact with its distinct values."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    seen = [run.record for run in comparison.runs] + [one.record for one in comparison.failures]
    flat: dict[int, dict[str, Any]] = {}  # equal environments are one object
    for one in seen:
        for name, value in flat.setdefault(id(one.environment), flatten(one.environment)).items():
            found[name][str(value)] += 1
    rows = [[escape(name), _values(values)] for name, values in sorted(found.items())]
    text = "Distinct values, with the number of runs where there are several."
    return section(
        2, "Environment", text, table(["fact", "values"], rows) if rows else "Not recorded."
    )


def _values(values: Counter[str]) -> str:
    if len(values) == 1:
        return escape(shorten(next(iter(values)), 120))
    common = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{escape(shorten(text, 60))} ({number})" for text, number in common[:MOST_VALUES]]
    more = len(common) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")


def commands(comparison: Comparison) -> str:
    """How to get these numbers again."""
    everything = [run.record for run in comparison.runs]
    everything += [one.record for one in comparison.failures]
    sweeps = sorted({one.sweep for one in everything if one.sweep})
    devices = {one.sweep: _device(one) for one in sorted(everything, key=_device)}
    typed = [
        f"python -m harness.run sweep={name}{devices[name]}"
        for name in sweeps
        if TYPEABLE.fullmatch(name)
    ]
    searches = {
        str(one.tuning["search"]): _device(one)
        for one in sorted(everything, key=_device)
        if one.tuning and one.tuning.get("search")
    }
    typed[:0] = [
        f"python -m harness.tune search={name}{device}    # rates, unless conf/tuned/ has them"
        for name, device in sorted(searches.items())
        if TYPEABLE.fullmatch(name)
    ]
    unnamed = [name for name in sweeps if not TYPEABLE.fullmatch(name)]
    single, strange = _single(comparison)
    typed += [*single, "python -m harness.report    # this report, from the records alone"]
    notes = []
    if single:
        notes.append(
            "Runs outside a sweep are listed with what tells them apart; every other setting is in "
            "the config of their record.json, and counts where it is no longer the default."
        )
    if any(f"={invocation.ELSEWHERE} " in line for line in single):
        notes.append(
            f"`{invocation.ELSEWHERE}` stands for a path on your machine, which no record keeps; "
            "the options of own data that are not in the command stand in `config.data`."
        )
    if unnamed:
        notes.append("Sweeps without a name to type: " + ", ".join(map(escape, unnamed)) + ".")
    if strange:
        notes.append(f"Runs outside a sweep whose settings cannot be typed: {strange}.")
    return section(2, "To reproduce", "```\n" + "\n".join(typed) + "\n```", *notes)


def _device(found: Record) -> str:
    """The word that has it trained where it was."""
    return " device=cuda" if found.on_device else ""


TYPEABLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
"""What goes into a command as it is; other text of a record never does."""


def _single(comparison: Comparison) -> tuple[list[str], int]:
    """One command for the runs of each arm that no sweep made, and the number that has none."""
    lines, strange = [], 0
    for group in comparison.groups:
        for arm in group.arms:
            seeds = [run.seed for run in arm.runs if not run.record.sweep]
            words = _words(arm)
            if seeds and all(map(_typeable, (text for word in words for text in word))):
                chosen = " ".join(f"{name}={word}" for name, word in words)
                many = "-m " if len(seeds) > 1 else ""
                run = f"python -m harness.run {many}{chosen}"
                lines.append(f"{run} seed={','.join(map(str, seeds))}")
            else:
                strange += len(seeds)
    return lines, strange


def _typeable(text: str) -> bool:
    return text == invocation.ELSEWHERE or TYPEABLE.fullmatch(text) is not None


def _words(arm: Arm) -> list[tuple[str, str]]:
    """What a command must say to get this arm and not another one of the report."""
    cell = arm.first.cell
    words = invocation.words(cell, arm.first.config)
    if cell.weights == SCRATCH:
        words["model.weights"] = SCRATCH
    if not arm.native:
        words |= invocation.mode(cell, arm.first.config)
    settings = {name: value for name, value in arm.variant.items() if value != NONE}
    return list((words | settings).items())
