"""One chapter a task: scores and differences; the sections after them are modules beside this."""

from __future__ import annotations

from harness import metrics
from harness.comparing.comparison import Comparison, Contrast, Group, Score, in_words
from harness.comparing.findings import Findings
from harness.comparing.verdicts import better
from harness.report import truncation
from harness.report.adaptation import diverged
from harness.report.controls import controls
from harness.report.diagnosis import diagnosis
from harness.report.markdown import (
    NONE,
    bullets,
    count,
    escape,
    interval,
    score,
    section,
    table,
)
from harness.report.match import match
from harness.report.reading import reading
from harness.report.slices import slices
from harness.report.summary import caveat, named, ordered, pretrained, title
from harness.report.texts import looks, samples, signatures
from harness.report.training import training

SHOWN_SEEDS = 10


def chapter(findings: Findings, group: Group) -> str:
    """Everything about one group."""
    return section(
        2,
        title(group),
        _identity(group),
        caveat(group.embedded),
        section(3, "Scores", _scores(group, findings.comparison), *_below_scores(group, findings)),
        section(3, "Differences", _differences(findings, group), _incomplete(group)),
        controls(group),
        slices(group),
        diagnosis(group),
        looks(group),
        samples(group) if findings.quoted else "",
        match(group),
        training(group),
    )


def _below_scores(group: Group, findings: Findings) -> tuple[str, ...]:
    """What the scores are of, and what is unusual about them."""
    lost = diverged(group, findings.comparison)
    return truncation.shown(group), lost, _refusals(group), signatures(group)


def _identity(group: Group) -> str:
    digests = ", ".join(f"{escape(split)} {escape(text[:12])}" for split, text in group.key.digests)
    data = group.arms[0].first.data
    sizes = data.sizes if data else {}
    text = f"Source: {escape(group.key.source)}; examples: "
    text += ", ".join(f"{escape(split)} {count(size)}" for split, size in sizes.items())
    text += f"; SHA-256: {digests}; experiment version {group.key.experiment_version}."
    if group.variant:
        text += (
            f" Other runs on data of this name differ in {', '.join(map(escape, group.variant))}; "
        )
        text += "they have a chapter of their own and are never pooled with these."
    return text


def _seeds(one: Score) -> str:
    shown = [score(value, digits=one.meter.digits) for value in one.per_seed[:SHOWN_SEEDS]]
    more = len(one.per_seed) - len(shown)
    return " ".join(shown) + (f" (+{more} more)" if more else "")


def _scores(group: Group, comparison: Comparison) -> str:
    """One table a metric, headline first; what only describes texts stands elsewhere.

    What makes no sense stands in each with a dash and the reason.
    """
    tables: dict[str, list[list[str]]] = {}
    for arm in group.arms:
        for one in arm.scores:
            if not one.meter.descriptive:
                row = [escape(arm.description), *_numbers(one), str(len(arm.runs)), _seeds(one)]
                tables.setdefault(one.meter.caption, []).append(row)
    senseless = [
        [escape(in_words(one)), *[NONE] * 4, escape(one.outcome.reason)]
        for one in comparison.unsupported
        if (one.cell.task, one.cell.data) == (group.key.task, group.key.data)
    ]
    for rows in tables.values():
        rows += senseless
    header = ["model", "mean", "95 % interval", "SE", "seeds", "per seed"]
    parts = (f"{escape(name)}:\n\n{table(header, rows, 'lrrrrl')}" for name, rows in tables.items())
    return "\n\n".join(parts)


def _numbers(one: Score) -> list[str]:
    found, digits = one.estimate, one.meter.digits
    shown = [score(found.mean, digits=digits), interval(found, digits=digits)]
    return [*shown, score(found.se, digits=digits)]


def _refusals(group: Group) -> str:
    lines = [
        f"{escape(arm.description)}: not put together, its runs differ in "
        + ", ".join(map(escape, arm.refused))
        for arm in group.arms
        if arm.refused
    ]
    lines += _notes(group)
    return bullets(lines) if lines else ""


def _notes(group: Group) -> list[str]:
    """What is unusual about scores, said once for all models that it is true of."""
    told: dict[tuple[str, str], list[str]] = {}
    for arm in group.arms:
        for one in arm.scores:
            if one.estimate.note and not one.meter.descriptive:
                told.setdefault((one.meter.title, one.estimate.note), []).append(arm.description)
    everyone = len(group.arms)
    return [
        f"{escape(name)}, {'all models' if len(who) == everyone else escape('; '.join(who))}: "
        + escape(note)
        for (name, note), who in told.items()
    ]


DIFFERENCE = ["BERT - GPT", "95 % interval", "SE", "df", "seeds", "reading"]
OTHERS = (
    "Beside the headline metric, paired in the same way; exploratory, not corrected for their "
    "number. Where one of them separates the two the other way round, the reading says so."
)


def _differences(findings: Findings, group: Group) -> str:
    """Every pair under the names of its models: the usual modes first."""
    if not group.contrasts:
        return "No pair to compare."
    full = pretrained(group.contrasts)
    parts = [_pair(one, reading(findings.of(one)), one in full) for one in ordered(group.contrasts)]
    beside = any(_beside(one) for one in full)
    return "\n\n".join([*parts, *([OTHERS] if beside else [])])


def _pair(contrast: Contrast, said: str, full: bool) -> str:
    parts = [named(contrast), table(DIFFERENCE, [_difference(contrast, said)], "rrrrrl")]
    if full and (rows := _beside(contrast)):
        parts.append(table(["beside it", "BERT - GPT", "95 % interval", "better"], rows, "lrrl"))
    return "\n\n".join(parts)


def _difference(contrast: Contrast, said: str) -> list[str]:
    found, digits = contrast.difference, contrast.gpt.headline.digits
    if found is None:
        return [NONE, NONE, NONE, NONE, NONE, said]
    df = NONE if found.df is None else f"{found.df:.1f}"
    numbers = [score(found.mean, True, digits), interval(found, True, digits)]
    numbers += [score(found.se, digits=digits), df]
    return [*numbers, str(len(contrast.seeds)), said]


def _beside(contrast: Contrast) -> list[list[str]]:
    """Differences of written texts in the other metrics that rank models."""
    if not contrast.gpt.writes:
        return []
    rows = []
    for name, found in contrast.others.items():
        meter = metrics.meter(name)
        if not meter.descriptive:
            numbers = [score(found.mean, True, meter.digits), interval(found, True, meter.digits)]
            rows.append([escape(meter.caption), *numbers, better(meter, found) or NONE])
    return rows


def _incomplete(group: Group) -> str:
    lines = [
        f"{escape(contrast.gpt.description)} against {escape(contrast.bert.description)}, "
        f"left out: {escape(text)}"
        for contrast in group.contrasts
        for text in contrast.incomplete
    ]
    return bullets(lines) if lines else ""
