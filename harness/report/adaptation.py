"""Ways of tuning one model side by side: quality, cost, and what is kept of full fine-tuning.

Which family loses less by tuning less is judged as claim C6, not here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness import searched
from harness.comparing import steadiness
from harness.comparing.adaptation import Kept, adapted, flops, place, seconds, trainable, way
from harness.comparing.comparison import Arm, Comparison, Group, in_words
from harness.comparing.findings import Findings
from harness.comparing.pairs import Models, models
from harness.comparing.verdicts import dev_score
from harness.record import Record
from harness.report.controls import fresh_head, mean
from harness.report.markdown import NONE, count, escape, estimated, score, section, table
from harness.report.summary import caveat, title
from harness.report.ways import both, reasons

INTRODUCTION = (
    "One model, tuned in several ways, each at the best of its own search. Retention is (score - "
    "floor) / (score of full fine-tuning - floor), the floor being the rule that ignores the "
    "input; paired by seed and test example, with Fieller's interval (1954) over both. It is given "
    "where the two were treated alike but for the strategy and had as many trials, and undefined "
    "where full fine-tuning gains less than 5 points. A percentage after freeze is the share of "
    "the lowest layers that stayed as pretrained, with the embeddings. FLOPs and seconds are of "
    "training, mean over seeds; seconds of runs that shared a machine say little. Better than full "
    "is the difference of scores, paired as retention is, turned so that more is better. Whether "
    "BERT keeps more of its gain than GPT is judged as claim C6. An asterisk: an interval over "
    "examples only, as there is one run (a prompt without examples has no seed)."
)
STEADY = (
    "SD and range are over the seeds that finished. Failed runs diverged (the loss or a gradient "
    "was no number) or did no better than the rule that ignores the input and 2 points. The next "
    "column counts each diverged run as that rule: what is left to answer by where training gave "
    "no model. Before and after tuning are on dev (the fresh answer layer, and the step that was "
    "kept), so they decide nothing."
)
UNEQUAL = (
    "**Unequal trials: {}. Where their trials differ, rows are not to be compared, and retention "
    "is refused.**"
)
HEADER = ["tuned", "model", "score", "tuned parameters", "of all", "training FLOPs", "seconds"]
HEADER += ["trials", "retention", "better than full"]
RUNS = ["tuned", "model", "seeds", "SD", "range", "failed runs", "with diverged runs"]
RUNS += ["before tuning (dev)", "after (dev)"]


def adaptation(findings: Findings) -> str:
    """The section; empty where every model was tuned in one way only."""
    groups = findings.comparison.groups
    found = [(group, some) for group in groups if (some := adapted(group))]
    if not found:
        return ""
    parts = (_shown(findings, group, some) for group, some in found)
    return section(2, "Ways of tuning", INTRODUCTION, STEADY, *parts)


def _shown(findings: Findings, group: Group, found: Sequence[Kept]) -> str:
    comparison, parts = findings.comparison, list[str]()
    places = list(dict.fromkeys(models(one.arm.first) for one in found))
    for one in places:
        some = [kept for kept in found if models(kept.arm.first) == one]
        senseless = list(_senseless(comparison, group, one))
        if len(places) > 1:
            parts.append(f"Pair {escape(one.pair)}, {escape(one.weights)}:")
        parts.append(_scope(group, some))
        beside = both(findings, group, some, senseless)
        parts += [_unequal(some), beside, _table(some, senseless)]
        parts += [*reasons([] if beside else senseless), _steady(comparison, group, some, one)]
    return section(3, title(group), *parts, caveat(group.embedded))


def _scope(group: Group, found: Sequence[Kept]) -> str:
    """What the numbers rest on: examples, and the floor of every share."""
    text = (
        f"Trained on {group.labels:,} examples, the same for every seed: another draw of them, or "
    )
    text += "another pretraining, is in no interval."
    arms = [one.arm for one in found if not one.arm.untrained]
    floors = {f for arm in arms if (f := arm.scores[0].majority) is not None}
    shown = [score(floor, digits=found[0].arm.headline.digits) for floor in sorted(floors)]
    if shown:
        text += f" Floor: {' or '.join(shown)}, by the rule that ignores the input"
        text += " (one training text for every input)." if arms[0].writes else "."
    return text


# --- scores and costs ---------------------------------------------------------------------------


def _table(found: Sequence[Kept], senseless: Sequence[Record]) -> str:
    text = f"Model by model; scores are {escape(found[0].arm.headline.caption)}."
    rows = [_row(one, _named(one, found)) for one in found]
    rows += [[*_names(one), *[NONE] * (len(HEADER) - 2)] for one in senseless]
    return f"{text}\n\n{table(HEADER, rows, 'llrrrrrrlr')}"


def _row(one: Kept, names: Sequence[str]) -> list[str]:
    arm, sizes, took = one.arm, trainable(one.arm), seconds(one.arm)
    cost = flops(arm)
    return [
        *names,
        estimated(arm.scores[0].estimate, digits=arm.headline.digits),
        *([count(sizes[0]), _share(sizes[1])] if sizes else [NONE, NONE]),
        NONE if cost is None or arm.untrained else f"{cost:.3g}",
        NONE if took is None or arm.untrained else f"{took:.1f}",
        _search(arm),
        _retention(one),
        estimated(one.apart, True, arm.headline.digits) if one.apart else NONE,
    ]


def _names(found: Record) -> list[str]:
    cell = found.cell
    return [escape(way(found)), f"{escape(cell.model)} ({escape(cell.mode)})"]


def _named(one: Kept, among: Sequence[Kept]) -> list[str]:
    """The same, with the settings that tell an arm from others of one way and model."""
    tuned, model = _names(one.arm.first)
    like = [kept.arm.variant for kept in among if _names(kept.arm.first) == [tuned, model]]
    apart = [k for k in one.arm.variant if len({variant.get(k) for variant in like}) > 1]
    return [", ".join([tuned, *(escape(f"{k}={one.arm.variant[k]}") for k in apart)]), model]


def _share(value: float) -> str:
    return f"{100 * value:.3g} %"


def _trials(arm: Arm) -> str:
    if arm.untrained:
        return NONE
    return count(searched.trials(arm.first.tuning)) if arm.first.tuning else "not searched"


def _search(arm: Arm) -> str:
    """Trials, and whether the best of them stood where the search ended."""
    edges = arm.first.tuning.get("edges") if arm.first.tuning else None
    return f"{_trials(arm)} (best at an end)" if edges else _trials(arm)


def _retention(one: Kept) -> str:
    if one.retention is None:
        return f"{NONE} ({escape(one.why)})"
    return "1" if one.full is one.arm else estimated(one.retention)


def _unequal(found: Sequence[Kept]) -> str:
    """That the trials behind these rows differ, and whose are unusual."""
    trained = [(_trials(one.arm), one.arm) for one in found if not one.arm.untrained]
    counts = Counter(trials for trials, _ in trained)
    if len(counts) < 2:
        return ""
    (usual, rows), *_ = counts.most_common()
    told = [f"{usual} behind {rows} of {len(trained)} rows"]
    told += dict.fromkeys(
        f"{trials} behind {escape(way(arm.first))} of {escape(arm.key.model)}"
        for trials, arm in trained
        if trials != usual
    )
    return UNEQUAL.format(", ".join(told))


def _senseless(comparison: Comparison, group: Group, where: Models) -> Iterator[Record]:
    """What makes no sense for this pair on this task."""
    like = group.arms[0].first.cell
    for one in sorted(comparison.unsupported, key=place):
        if (one.cell.task, one.cell.data) == (like.task, like.data) and models(one) == where:
            yield one


# --- seeds --------------------------------------------------------------------------------------


def _steady(comparison: Comparison, group: Group, found: Sequence[Kept], where: Models) -> str:
    rows = [_runs(comparison, one.arm, _named(one, found)) for one in found]
    rows += _lost(comparison, group, where)
    return table(RUNS, rows, "llrrlrrrr")


def _runs(comparison: Comparison, arm: Arm, names: Sequence[str]) -> list[str]:
    found, digits = steadiness.steadiness(arm, comparison.failures), arm.headline.digits
    fresh = mean([one.score for run in arm.runs if (one := fresh_head(run)) is not None])
    dev = [NONE, NONE] if arm.untrained else [score(fresh, digits=digits), _after(arm)]
    ends = [score(end, digits=digits) for end in (found.low, found.high)]
    return [
        *names,
        str(found.finished),
        score(found.sd, digits=digits + 1),
        " to ".join(ends) if found.finished > 1 else NONE,
        NONE if arm.untrained else _failed(found),
        score(found.with_diverged, digits=digits) if found.diverged else NONE,
        *dev,
    ]


def _after(arm: Arm) -> str:
    return score(dev_score(arm), digits=arm.headline.digits)


def _failed(found: steadiness.Steadiness) -> str:
    if found.near_floor is None and not found.diverged:
        return NONE
    text = f"{found.failed} of {found.runs}"
    return f"{text} ({found.diverged} diverged)" if found.diverged else text


def _lost(comparison: Comparison, group: Group, where: Models) -> Iterator[list[str]]:
    """Ways of tuning of which every run diverged."""
    seen: dict[tuple[str, ...], list[Record]] = {}
    for one in steadiness.lost(group, comparison.failures):
        if models(one) == where:
            seen.setdefault((*_names(one), in_words(one)), []).append(one)
    for (tuned, name, _), runs in seen.items():
        dashes = [NONE] * (len(RUNS) - 6)
        told = f"{len(runs)} of {len(runs)} ({len(runs)} diverged)"
        yield [tuned, name, "0", NONE, NONE, told, *dashes]


# --- for the chapter of a task ------------------------------------------------------------------


def diverged(group: Group, comparison: Comparison) -> str:
    """Where runs of a model diverged: how many, and its score with and without them."""
    lines = list[str]()
    for arm in group.arms:
        if arm.scores and (lost := steadiness.diverged(arm, comparison.failures)):
            found, digits = steadiness.steadiness(arm, comparison.failures), arm.headline.digits
            told = [score(v, digits=digits) for v in (found.with_diverged, found.mean)]
            text = f"{len(lost)} of {found.runs} runs diverged; each counted as the rule that "
            text += f"ignores the input, the mean is {told[0]}, without them {told[1]}."
            lines.append(f"{escape(arm.description)}: {text}")
    names = dict.fromkeys(in_words(one) for one in steadiness.lost(group, comparison.failures))
    lines += [f"{escape(name)}: every run diverged." for name in names]
    return "\n".join(f"- {line}" for line in lines)
