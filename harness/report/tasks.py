"""One chapter a task: scores, differences, slices beside their caps, training."""

from __future__ import annotations

from collections.abc import Iterator

from harness.aggregate import SCRATCH, Arm, Contrast, Group, Run, Score, SliceScore
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
from harness.report.summary import caveat, ordered, reading, title

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
        section(3, "Controls", _controls(group)),
        _slices(group),
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
    rows = []
    for arm in group.arms:
        for one in arm.scores:
            mean = [score(one.estimate.mean), interval(one.estimate), score(one.estimate.se)]
            start = [escape(arm.description), escape(one.title)]
            rows.append([*start, *mean, str(len(arm.runs)), _seeds(one)])
    header = ["model", "metric", "mean", "95 % interval", "SE", "seeds", "per seed"]
    return table(header, rows, "llrrrrl") if rows else ""


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


def _differences(group: Group) -> str:
    rows = [_difference(contrast) for contrast in ordered(group.contrasts)]
    header = ["GPT", "BERT", "BERT - GPT", "95 % interval", "SE", "df", "seeds", "reading"]
    return table(header, rows, "llrrrrrl") if rows else "No pair to compare."


def _difference(contrast: Contrast) -> list[str]:
    sides, found = _sides(contrast), contrast.difference
    if found is None:
        return [*sides, NONE, NONE, NONE, NONE, NONE, reading(contrast)]
    df = NONE if found.df is None else f"{found.df:.1f}"
    numbers = [score(found.mean, True), interval(found, True), score(found.se), df]
    return [*sides, *numbers, str(len(contrast.seeds)), reading(contrast)]


def _sides(contrast: Contrast) -> list[str]:
    return [escape(contrast.gpt.description), escape(contrast.bert.description)]


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
    rows = [_control(group, arm) for arm in group.arms if arm.scores]
    header = ["model", "score", "majority", "above majority", "fresh head (dev)", "from scratch"]
    return table(header, rows, "lrrrrr") if rows else ""


def _control(group: Group, arm: Arm) -> list[str]:
    one = arm.scores[0]
    fresh = mean([found.score for run in arm.runs if (found := fresh_head(run)) is not None])
    twin = next((a for a in group.arms if _scratch_twin(a, arm)), None)
    scratch = estimated(twin.scores[0].estimate) if twin else NONE
    start = [escape(arm.description), score(one.estimate.mean), score(one.majority)]
    return [*start, _above(one), score(fresh), scratch]


def _above(one: Score) -> str:
    if one.majority is None or not one.estimate.se:
        return NONE
    return f"{(one.estimate.mean - one.majority) / one.estimate.se:+.1f} SE"


def _scratch_twin(other: Arm, arm: Arm) -> bool:
    return (
        arm.key.weights != SCRATCH
        and bool(other.scores)
        and other.key == arm.key._replace(weights=SCRATCH)
    )


def fresh_head(run: Run) -> Evaluation | None:
    """The look at the dev split before any training."""
    log = run.record.training
    return next((one for one in log.evaluations if one.step == 0), None) if log else None


def mean(values: list[float]) -> float | None:
    """The mean, or None of nothing."""
    return sum(values) / len(values) if values else None


# --- slices -------------------------------------------------------------------------------------


def _slices(group: Group) -> str:
    rows = list(_slice_rows(group))
    if not rows:
        return ""
    marked = any(one.marked is not None for arm in group.arms for one in arm.slices)
    header = ["slice", "model", "cap", "score", "95 % interval", "SE", "units", "clusters"]
    kinds = "llrrrrrr"
    if marked:
        header, kinds = [*header, "marked"], kinds + "r"
    shown = [row if marked else row[:-1] for row in rows]
    note = "The cap is the best score that any reader of this kind can reach. "
    if marked:
        note += "Marked: share of the slice's entities whose words were answered as some entity. "
    note += "Intervals respect that units of one cluster (a name, or an example) go together."
    return section(
        3,
        "Slices",
        table(header, shown, kinds),
        note,
        _slice_differences(group),
    )


def _slice_rows(group: Group) -> Iterator[list[str]]:
    names = list(dict.fromkeys(one.name for arm in group.arms for one in arm.slices))
    for name in names:
        for arm in group.arms:
            for one in arm.slices:
                if one.name == name:
                    yield [escape(name), escape(arm.description), *_slice(one)]


def _slice(one: SliceScore) -> list[str]:
    found = one.estimate
    shown = [score(one.cap), score(found.mean), interval(found), score(found.se)]
    return [*shown, str(one.units), str(found.units), score(one.marked)]


def _slice_differences(group: Group) -> str:
    rows = [
        [escape(name), *_sides(contrast), estimated(found, True)]
        for contrast in ordered(group.contrasts)
        for name, found in contrast.slices.items()
    ]
    header = ["slice", "GPT", "BERT", "BERT - GPT"]
    text = "Paired differences by slice; exploratory, not corrected for their number."
    return "\n\n".join([text, table(header, rows, "lllr")]) if rows else ""


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
