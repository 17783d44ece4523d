"""Every comparison in one table, and the words that tables share: places, titles, sides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness import metrics
from harness.alarms import WARNING
from harness.comparing.comparison import SCRATCH, Arm, Comparison, Contrast, Group, in_words
from harness.comparing.findings import Findings
from harness.comparing.halves import makes_no_sense
from harness.comparing.mismatch import matched_by
from harness.comparing.pairs import pair_key
from harness.record import Record
from harness.report import truncation
from harness.report.markdown import NONE, bullets, escape, estimated, section, table
from harness.report.reading import reading, voided

MECHANISM = (
    "These models are tiny and their world is generated: the numbers show mechanism (context, "
    "masking, pretraining), not the ranking of released models."
)
READING = (
    "Scores run from 0 to 1 (BLEU and chrF to 100) and higher is better, unless a table says "
    "otherwise; brackets hold 95 % intervals over training seeds and test examples. The "
    "difference is BERT minus GPT, paired by seed and example, and is what decides. Two "
    "overlapping intervals of single models say nothing about that. An asterisk marks an interval "
    "over examples only, which is too narrow because training was not repeated."
)


def caveat(embedded: bool) -> str:
    """What must stand under every table of embedded scores."""
    return f"*{MECHANISM}*" if embedded else ""


def place(group: Group) -> str:
    """Task and data, for the first column of a table."""
    return f"{escape(group.key.task)}, {escape(group.key.data)}{apart(group)}"


def apart(group: Group) -> str:
    """What tells a group from others of its task and data."""
    return "".join(f", {escape(name)} {escape(v)}" for name, v in group.variant.items())


def title(group: Group) -> str:
    """Task, data and split in one line."""
    key = group.key
    split = f"{escape(key.evaluated)} split{apart(group)}"
    return f"{escape(key.task)} on {escape(key.data)} ({split})"


def headline(arm: Arm) -> str:
    """The model in words with its first metric, and what of its inputs was cut."""
    name = escape(arm.description)
    if not arm.scores:
        return f"{name}: refused"
    text = f"{name}: {estimated(arm.scores[0].estimate, digits=arm.headline.digits)}"
    cut = truncation.brief(arm)
    return f"{text}; {cut}" if cut else text


def summary(findings: Findings) -> str:
    """All pairs, and models without a counterpart."""
    comparison = findings.comparison
    rows = [row for group in comparison.groups for row in _rows(findings, group)]
    rows += map(_senseless, comparison.unsupported)
    embedded = any(group.embedded for group in comparison.groups)
    header = ["task", "metric", "match", "GPT", "BERT", "BERT - GPT", "reading"]
    return section(
        2,
        "All comparisons",
        _compared(comparison),
        READING,
        table(header, rows) if rows else "No pair of models has results yet; see below.",
        caveat(embedded),
    )


def _compared(comparison: Comparison) -> str:
    runs = list(comparison.runs)
    pairs = sorted({f"{run.record.cell.pair} ({matched(run.record)})" for run in runs})
    tasks = sorted({f"{group.key.task} on {group.key.data}" for group in comparison.groups})
    seeds = sorted({run.seed for run in runs})
    untrained = {arm.untrained for group in comparison.groups for arm in group.arms}
    did = "fine-tuned on" if True not in untrained else "fine-tuned, or asked untuned, on"
    did = "asked without any tuning about" if untrained == {True} else did
    return (
        f"A decoder (GPT) and an encoder (BERT) were {did} the same examples: "
        f"{', '.join(map(escape, tasks)) or 'no task finished'}; pairs: "
        f"{', '.join(map(escape, pairs)) or NONE}; {len(runs)} finished runs, "
        f"{len(seeds)} training seeds, {len(comparison.failures)} failed runs."
    )


def _rows(findings: Findings, group: Group) -> Iterator[list[str]]:
    """Pairs, then models without a counterpart; controls only where there is nothing else."""
    meter = metrics.meter(group.key.metrics[0])
    metric = escape(meter.caption)
    arms = [arm for arm in group.arms if arm.key.weights != SCRATCH] or list(group.arms)
    paired: set[int] = set()
    for contrast in ordered(group.contrasts):
        if any(arm is contrast.gpt for arm in arms):
            paired |= {id(contrast.gpt), id(contrast.bert)}
            difference = contrast.difference
            shown = estimated(difference, True, meter.digits) if difference else NONE
            sides = [headline(contrast.gpt), headline(contrast.bert)]
            said = reading(findings.of(contrast))
            yield [title(group), metric, level(contrast.gpt), *sides, shown, said]
    for arm in arms:
        if id(arm) not in paired:
            sides = [headline(arm), NONE] if arm.key.family == "gpt" else [NONE, headline(arm)]
            alone = "no counterpart with these settings" if arm.variant else "missing half"
            cell, other = arm.first.cell, "bert" if arm.key.family == "gpt" else "gpt"
            asked = (cell.task, cell.data, pair_key(arm.key), other)
            if makes_no_sense(findings.comparison.unsupported, *asked):
                alone = "the other side makes no sense"
            yield [title(group), metric, level(arm), *sides, NONE, alone]


def _senseless(found: Record) -> list[str]:
    """What was asked for and makes no sense: dashes, and why."""
    cell, told = found.cell, f"{in_words(found)}: {found.outcome.reason}"
    where = f"{cell.task} on {cell.data}"
    return [escape(where), NONE, escape(cell.level) or NONE, *[NONE] * 3, escape(told)]


def level(arm: Arm) -> str:
    """How well the pair is matched, in a word or two."""
    return escape(arm.first.cell.level) or NONE


def matched(found: Record) -> str:
    """The level of a match, and what stands behind it."""
    cell = found.cell
    told = f"{cell.level}: {cell.match}" if cell.level else cell.match
    if matched_by(found) == "loss_tokens":  # a model's own words are of equal updates
        told += "; but pretrained for as many loss tokens instead of as many updates"
    return told


def ordered(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """Pretrained first, each family in its usual way before other modes."""
    return sorted(contrasts, key=lambda one: (one.scratch, not one.native))


def pretrained(contrasts: Sequence[Contrast]) -> list[Contrast]:
    """The same without untrained bodies, unless there is nothing else."""
    found = ordered(contrasts)
    return [one for one in found if not one.scratch] or found


def sides(contrast: Contrast) -> list[str]:
    """Both models in full, GPT first."""
    return [escape(contrast.gpt.description), escape(contrast.bert.description)]


def named(contrast: Contrast) -> str:
    """The line above a table that says GPT and BERT only."""
    gpt, bert = sides(contrast)
    return f"GPT is **{gpt}**; BERT is **{bert}**:"


def trouble(findings: Findings) -> str:
    """What a reader must know before using the answer."""
    comparison = findings.comparison
    voids = sum(bool(voided(c.gpt, c.bert)) for group in comparison.groups for c in group.contrasts)
    missing = sum(len(group.missing) for group in comparison.groups)
    warned = sum(any(a.severity == WARNING for a in run.alarms) for run in comparison.runs)
    facts = (
        (voids, "void comparisons", "Alarms"),
        (warned, "runs with a warning", "Alarms"),
        (len(comparison.failures), "failed runs", "Failures and missing runs"),
        (missing, "missing halves of pairs", "Failures and missing runs"),
        (len(comparison.warnings), "warnings about record folders", "Data"),
    )
    lines = [f"{what}: {number}; see {where}." for number, what, where in facts if number]
    return bullets(lines) if lines else ""
