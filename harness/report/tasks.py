"""One chapter a task: scores, differences, controls, slices, training."""

from __future__ import annotations

from harness.comparison import SMOKE, Arm, Contrast, Control, Group, Run, Score
from harness.record import Evaluation, TrainLog
from harness.report.markdown import (
    NONE,
    bullets,
    count,
    escape,
    estimated,
    interval,
    score,
    section,
    table,
)
from harness.report.slices import slices
from harness.report.summary import (
    caveat,
    leading,
    named,
    ordered,
    reading,
    seeds_in_words,
    sides,
    title,
    voided,
)

SHOWN_SEEDS = 10


def chapter(group: Group) -> str:
    """Everything about one group."""
    return section(
        2,
        title(group),
        _identity(group),
        caveat(group.embedded),
        section(3, "Scores", _scores(group), _refusals(group)),
        section(3, "Differences", _differences(group), _incomplete(group)),
        section(3, "Controls", _controls(group), _pretraining(group)),
        slices(group),
        section(3, "Training", _training(group), TRAINING),
    )


TRAINING = (
    "Means over seeds. Tokens are real tokens, padding excluded; the share is padding among all "
    "positions. Seconds leave evaluation on the dev split out. Times of runs that shared a machine "
    "do not tell which model is faster."
)


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
    shown = [score(value) for value in one.per_seed[:SHOWN_SEEDS]]
    more = len(one.per_seed) - len(shown)
    return " ".join(shown) + (f" (+{more} more)" if more else "")


def _scores(group: Group) -> str:
    """One table a metric, so that no row says it again."""
    tables: dict[str, list[list[str]]] = {}
    for arm in group.arms:
        for one in arm.scores:
            mean = [score(one.estimate.mean), interval(one.estimate), score(one.estimate.se)]
            row = [escape(arm.description), *mean, str(len(arm.runs)), _seeds(one)]
            tables.setdefault(one.title, []).append(row)
    header = ["model", "mean", "95 % interval", "SE", "seeds", "per seed"]
    parts = (f"{escape(name)}:\n\n{table(header, rows, 'lrrrrl')}" for name, rows in tables.items())
    return "\n\n".join(parts)


def _refusals(group: Group) -> str:
    lines = [
        f"{escape(arm.description)}: not put together, its runs differ in "
        + ", ".join(map(escape, arm.refused))
        for arm in group.arms
        if arm.refused
    ]
    notes = [
        f"{escape(arm.description)}, {escape(one.title)}: {escape(one.estimate.note)}"
        for arm in group.arms
        for one in arm.scores
        if one.estimate.note
    ]
    return bullets(lines + notes) if lines or notes else ""


DIFFERENCE = ["BERT - GPT", "95 % interval", "SE", "df", "seeds", "reading"]


def _differences(group: Group) -> str:
    """The pairs as the families were built, each under its names; the others in one table."""
    if not group.contrasts:
        return "No pair to compare."
    first = leading(group) if len(group.contrasts) > 1 else group.contrasts
    parts = [f"{named(one)}\n\n{table(DIFFERENCE, [_difference(one)], 'rrrrrl')}" for one in first]
    rows = [
        [*sides(one), *_difference(one)]
        for one in ordered(group.contrasts)
        if not any(one is other for other in first)
    ]
    if rows:
        parts.append(table(["GPT", "BERT", *DIFFERENCE], rows, "llrrrrrl"))
    return "\n\n".join(parts)


def _difference(contrast: Contrast) -> list[str]:
    found = contrast.difference
    if found is None:
        return [NONE, NONE, NONE, NONE, NONE, reading(contrast)]
    df = NONE if found.df is None else f"{found.df:.1f}"
    numbers = [score(found.mean, True), interval(found, True), score(found.se), df]
    return [*numbers, str(len(contrast.seeds)), reading(contrast)]


def _incomplete(group: Group) -> str:
    lines = [
        f"{escape(contrast.gpt.description)} against {escape(contrast.bert.description)}, "
        f"left out: {escape(text)}"
        for contrast in group.contrasts
        for text in contrast.incomplete
    ]
    return bullets(lines) if lines else ""


# --- controls -----------------------------------------------------------------------------------


def _controls(group: Group) -> str:
    rows = [_control(arm) for arm in group.arms if arm.scores]
    header = ["model", "score", "majority", "above majority", "fresh head (dev)"]
    return table(header, rows, "lrrrr") if rows else ""


def _control(arm: Arm) -> list[str]:
    one = arm.scores[0]
    fresh = mean([found.score for run in arm.runs if (found := fresh_head(run)) is not None])
    start = [escape(arm.description), score(one.estimate.mean), score(one.majority)]
    return [*start, _above(one), score(fresh)]


def _pretraining(group: Group) -> str:
    """What pretraining was worth: each pretrained model minus its untrained twin."""
    rows = [_twin(control) for control in group.controls]
    header = ["pretrained model", "runs", "from scratch", "pretrained - scratch", "reading"]
    text = "The same model without pretraining, paired by seed and example, on the seeds that both "
    text += "finished; an asterisk marks an interval over examples only."
    return f"{text}\n\n{table(header, rows, 'llrrl')}" if rows else ""


def _twin(control: Control) -> list[str]:
    name, found = escape(control.arm.description), control.difference
    if found is None or not control.seeds:
        why = ", ".join(map(escape, control.refused))
        told = f"refused: runs differ in {why}" if why else "no seed that both finished"
        return [name, NONE, NONE, NONE, told]
    one = control.scratch.scores[0]
    values = dict(zip(control.scratch.seeds, one.per_seed, strict=True))
    there = score(mean([values[seed] for seed in control.seeds]))
    runs = seeds_in_words(control.seeds) + (" only" if len(control.seeds) == 1 else "")
    return [name, runs, there, estimated(found, True), _worth(control)]


def _worth(control: Control) -> str:
    """Whether the untrained twin stands below, as far as the interval tells."""
    found = control.difference
    rung = voided(control.arm, control.scratch)
    if rung:
        return f"void: {rung}"
    if any(run.record.sweep == SMOKE for run in (*control.arm.runs, *control.scratch.runs)):
        return "no verdict: smoke run"
    if found is None or not found.excludes(0.0):
        return "not separable"
    return "scratch below" if found.mean > 0 else "scratch above"


def _above(one: Score) -> str:
    if one.majority is None or not one.estimate.se:
        return NONE
    return f"{(one.estimate.mean - one.majority) / one.estimate.se:+.1f} SE"


def fresh_head(run: Run) -> Evaluation | None:
    """The look at the dev split before any training."""
    log = run.record.training
    return next((one for one in log.evaluations if one.step == 0), None) if log else None


def mean(values: list[float]) -> float | None:
    """The mean, or None of nothing."""
    return sum(values) / len(values) if values else None


# --- training -----------------------------------------------------------------------------------


def _training(group: Group) -> str:
    rows = [_trained(arm) for arm in group.arms]
    header = ["model", "CPU s", "wall s", "steps", "examples", "tokens", "loss tokens", "padding"]
    header += ["best step", "best dev score", "stopped early"]
    return table(header, rows, "lrrrrrrrrrr")


def _trained(arm: Arm) -> list[str]:
    logs = [run.record.training for run in arm.runs if run.record.training]
    if not logs:
        return [escape(arm.description), *[NONE] * 10]
    early = sum(log.stopped_early for log in logs)
    return [
        escape(arm.description),
        *(f"{_mean(logs, name):.1f}" for name in ("cpu_seconds", "wall_seconds")),
        *(f"{_mean(logs, n):,.0f}" for n in ("steps", "examples", "tokens", "loss_tokens")),
        score(_mean(logs, "padding_share")),
        f"{_mean(logs, 'best_step'):,.0f}",
        score(mean([found for log in logs if (found := best(log)) is not None])),
        f"{early} of {len(logs)}",
    ]


def _mean(logs: list[TrainLog], name: str) -> float:
    return sum(float(getattr(log, name)) for log in logs) / len(logs)


def best(log: TrainLog) -> float | None:
    """The dev score of the step that was kept."""
    return next((one.score for one in log.evaluations if one.step == log.best_step), None)
