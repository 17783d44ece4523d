"""The first screen: for each task which model, by how much, how sure, and unless what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from harness.comparing.adaptation import way
from harness.comparing.comparison import Contrast
from harness.comparing.findings import Findings
from harness.comparing.lanes import Raced, device, lanes, raced
from harness.comparing.mismatch import scope, sizes
from harness.comparing.pairs import models
from harness.comparing.verdicts import BERT, GPT, TIE, UNDETERMINED, Verdict, alarmed, main
from harness.plan import Plan
from harness.plots.wording import task
from harness.report import truncation
from harness.report.markdown import NONE, bullets, escape, score, section, table
from harness.report.match import told
from harness.report.summary import apart, caveat, trouble
from harness.statistics import decisions, timings
from harness.statistics.decisions import ABOVE, Decision, Settled
from harness.statistics.stats import Estimate

TITLE = "GPT or BERT, for which task?"
HEADER = ["task", "choose", "GPT", "BERT", "BERT's advantage", "faster", "how sure"]
NOTHING = "No pair of models has results yet; see below."
HOW = (
    "BERT's advantage is in the task's own metric, paired by training seed and test example; the "
    "interval covers both and allows for all main questions about the same pair, kind of data and "
    "machine being asked at once. A model "
    "is chosen where the whole interval lies beyond the margin, a tie where it lies within."
)
SPEEDS = {"single stream/end to end": "one by one", "offline": "offline"}
"""Scenarios that the first screen has room for."""


MOST_ROWS = 12
"""Questions that a screen has room for."""


def answer(findings: Findings) -> str:
    """The opening section."""
    every = primary(findings)
    shown = every[:MOST_ROWS]
    embedded = any(one.group.embedded for one in shown)
    rows = [_row(findings, one) for one in shown]
    more = f"{len(every) - len(shown)} more questions stand under All comparisons."
    return section(
        1,
        TITLE,
        _in_short(shown),
        table(HEADER, rows) if rows else NOTHING,
        more if len(every) > len(shown) else "",
        bullets([_sentence(findings, one) for one in shown]) if shown else "",
        HOW + " " + margins(findings) if shown else "",
        caveat(embedded),
        trouble(findings),
    )


def primary(findings: Findings) -> list[Verdict]:
    """The main questions; about untrained bodies where a task has no others on its data."""
    return main(findings.verdicts)


def margins(findings: Findings) -> str:
    """The plan in a sentence."""
    used = {}
    for one in primary(findings):
        margin = findings.plan.margin(one.meter.name, one.group.embedded)
        if margin is not None:
            where = " (embedded world)" if one.group.embedded else ""
            used[one.meter.title + where] = score(margin, digits=one.meter.digits)
    told = ", ".join(f"{escape(name)} {margin}" for name, margin in used.items())
    text = f"Margins: {told or 'none'}; costs within a factor of {findings.plan.cost_ratio:g} are "
    return text + f"alike (plan {escape(findings.plan.name)}, {escape(findings.standing)})."


def _in_short(shown: Sequence[Verdict]) -> str:
    """Who is to be chosen where, in a line."""
    told: dict[str, list[str]] = {}
    for one in shown:
        told.setdefault(one.answer, []).append(name_of(one, shown))
    words = {
        BERT: "Choose **BERT** for {}",
        GPT: "Choose **GPT** for {}",
        TIE: "It does not matter for {}",
        UNDETERMINED: "Undetermined: {}",
    }
    parts = [words.get(a, "No verdict: {}").format(", ".join(told[a])) for a in words if a in told]
    parts += [f"No verdict: {', '.join(n)}" for a, n in told.items() if a not in words]
    return ". ".join(parts) + "." if parts else ""


def name_of(one: Verdict, among: Sequence[Verdict]) -> str:
    """The task, with what tells it from the others that are shown."""
    groups = {other.group.key.data for other in among}
    pairs = {other.contrast.gpt.key.pair for other in among}
    words = [escape(task(one.group.key.task))]
    if len(groups) > 1 or one.group.variant:
        words.append(f"on {escape(one.group.key.data)}{apart(one.group)}")
    if len(pairs) > 1 and not _usual(one, among):
        words.append(f"({escape(one.contrast.gpt.key.pair)})")
    alike = [other for other in among if _named_alike(one, other)]
    if len(alike) > 1:
        words.append(f"({escape(_settings(one))})")
    return " ".join(words)


def _named_alike(one: Verdict, other: Verdict) -> bool:
    ours, theirs = one.contrast.gpt.key, other.contrast.gpt.key
    return one.group is other.group and ours.pair == theirs.pair


def _settings(one: Verdict) -> str:
    """What tells a pair from others of its name: settings, weights, modes."""
    gpt, bert = one.contrast.gpt, one.contrast.bert
    told = [f"{name}={value}" for name, value in gpt.variant.items()]
    told += [f"{name}={value}" for name, value in bert.variant.items() if name not in gpt.variant]
    told += [f"{arm.key.weights} {arm.key.mode} {arm.key.strategy}" for arm in (gpt, bert)]
    return ", ".join(told)


def _usual(one: Verdict, among: Sequence[Verdict]) -> bool:
    """Whether most of the questions are about this pair."""
    pairs = Counter(other.contrast.gpt.key.pair for other in among)
    return one.contrast.gpt.key.pair == pairs.most_common(1)[0][0]


# --- the table ----------------------------------------------------------------------------------


def _row(findings: Findings, one: Verdict) -> list[str]:
    sides = [_score(one, contrast_side) for contrast_side in (GPT, BERT)]
    return [
        name_of(one, primary(findings)),
        chosen(one),
        *sides,
        gap(one),
        "; ".join(_faster(findings, one.contrast)) or NONE,
        sureness(one),
    ]


def chosen(one: Verdict) -> str:
    """The answer, marked where it names a model or a tie."""
    return f"**{one.answer}**"


def _score(one: Verdict, side: str) -> str:
    arm = one.contrast.bert if side == BERT else one.contrast.gpt
    return score(arm.scores[0].estimate.mean, digits=one.meter.digits) if arm.scores else NONE


def gap(one: Verdict) -> str:
    """BERT's advantage with the interval that decides."""
    if one.advantage is None:
        return NONE
    digits = one.meter.digits
    mean = score(one.advantage.mean, True, digits)
    decision = one.decision
    if decision is None or decision.low is None or decision.high is None:
        return mean
    low, high = (score(value, True, digits) for value in (decision.low, decision.high))
    return f"{mean} [{low}, {high}]"


def sureness(one: Verdict) -> str:
    """Seeds behind a verdict, and what limits it."""
    seeds = len(one.contrast.seeds)
    text = f"{seeds} {'seed' if seeds == 1 else 'seeds'}"
    if one.answer not in (BERT, GPT, TIE, UNDETERMINED):
        return "see below"
    if one.preliminary or one.decision is None:
        text = f"preliminary: {text}"
    if one.contrast.incomplete:
        text += "; the difference leaves out unpaired seeds"
    if one.contrast.gpt.fixed and one.contrast.bert.fixed:
        text += "; no training: seeds do not vary it"
    return text


# --- the sentences ------------------------------------------------------------------------------


def _sentence(findings: Findings, one: Verdict) -> str:
    """For NER choose BERT: ... unless ..."""
    head = f"**{name_of(one, primary(findings))}** ({escape(scope(one.group, one.contrast))}): "
    limits = f" ({escape('; '.join(one.why))})" if one.why and one.decision else ""
    parts = [_said(findings, one) + limits, *_provisos(findings, one)]
    parts += _otherwise(findings, one)
    if unlike := [told(size) for size in sizes(one.contrast) if size.apart]:
        parts.append(f"GPT and BERT differ in {', '.join(unlike)}")
    sides = {GPT: one.contrast.gpt, BERT: one.contrast.bert}
    parts += [f"{name}: {cut}" for name, arm in sides.items() if (cut := truncation.brief(arm))]
    return head + "; ".join(parts) + "."


def _otherwise(findings: Findings, one: Verdict) -> Iterator[str]:
    """Where the same models, tuned in another way, have another answer."""
    ours, found = one.contrast, dict[str, list[str]]()
    for other in findings.verdicts:
        theirs = other.contrast
        same = other.group is one.group and models(theirs.gpt.first) == models(ours.gpt.first)
        tuned = theirs.gpt.key.strategy != ours.gpt.key.strategy and theirs.native
        if same and tuned and other.answer in {BERT, GPT} - {one.answer}:
            found.setdefault(other.answer, []).append(escape(way(theirs.gpt.first)))
    for side, ways in found.items():
        yield f"{side} is better under {' and under '.join(dict.fromkeys(ways))}"


def _said(findings: Findings, one: Verdict) -> str:
    if one.answer in (BERT, GPT):
        return _won(one)
    margin = findings.plan.margin(one.meter.name, one.group.embedded)
    if one.answer == TIE and margin is not None:
        near = score(margin, digits=one.meter.digits)
        paces = ", ".join(_faster(findings, one.contrast))
        text = f"either will do, they are within {near} of each other: choose by cost"
        return f"{text} ({paces})" if paces else text
    if one.answer == UNDETERMINED and one.decision is not None:
        if one.decision.outcome != decisions.UNDETERMINED:  # another metric contradicts
            return UNDETERMINED
        return undecided(one, one.decision, findings.plan)
    return f"{one.answer}: {escape('; '.join(one.why)) or 'no interval'}"


def _won(one: Verdict) -> str:
    scores = [_score(one, one.answer), _score(one, GPT if one.answer == BERT else BERT)]
    better = "lower" if one.meter.lower_is_better else "higher"
    text = f"choose **{one.answer}**: its {escape(one.meter.title)} is {better}, "
    return text + f"{scores[0]} against {scores[1]}"


def undecided(one: Verdict, decision: Decision, plan: Plan) -> str:
    """What is open, what would have been seen, and what would settle it."""
    digits = one.meter.digits
    ends = [value for value in (decision.low, decision.high) if value is not None]
    low, high = (score(value, True, digits) for value in ends)
    text = f"no answer yet: BERT's advantage may be anything from {low} to {high}"
    if side := decision.direction:
        text += f", though {BERT if side == ABOVE else GPT} is ahead"
    if decision.detectable is not None:
        seen = score(decision.detectable, digits=digits)
        power = f"{100 * plan.power:.0f} % power"
        text += f"; a true difference of {seen} would have been seen with {power}"
    return text + settling(one.settled, one.advantage, one.contrast.gpt.headline.units)


def settling(settled: Settled | None, advantage: Estimate | None, units: str = "examples") -> str:
    """How many seeds or examples would answer, if the difference is what it looks like."""
    if settled is None or advantage is None:
        return ""
    parts = []
    if settled.seeds is not None:
        parts.append(f"{settled.seeds:,} seeds (there are {advantage.seeds})")
    if settled.units is not None:
        parts.append(f"{settled.units:,} test {units} (there are {advantage.units:,})")
    if not parts:
        return f"; {escape(settled.note)}" if settled.note else ""
    return f"; if it is what it looks like, {' or '.join(parts)} would settle it"


def _provisos(findings: Findings, one: Verdict) -> Iterator[str]:
    """What speaks against the choice: the other one's speed, untrained bodies that do as well."""
    if one.answer in (BERT, GPT):
        other = GPT if one.answer == BERT else BERT
        paces = _faster(findings, one.contrast, surely=True)
        ahead = [text for text in paces if text.startswith(other)]
        if ahead:
            yield f"unless speed counts more: {', '.join(ahead)}"
    for control in one.group.controls:
        improves = one.meter.improves
        sides = {id(one.contrast.gpt): GPT, id(one.contrast.bert): BERT}
        found, sound = control.difference, not alarmed(control.arm, control.scratch)
        if found is not None and sound and id(control.arm) in sides and improves(found.mean) < 0:
            seeds, name = len(control.seeds), sides[id(control.arm)]
            surely = "did better" if found.excludes(0.0) and seeds > 1 else "did no worse"
            yield (
                f"an untrained body {surely} than {name} "
                f"({seeds} {'seed' if seeds == 1 else 'seeds'}; see Controls)"
            )


# --- speed --------------------------------------------------------------------------------------


def races_of(findings: Findings, contrast: Contrast) -> Iterator[Raced]:
    """Every scenario in which the two models of a contrast took turns."""
    comparison = findings.comparison
    for one in comparison.measurements:
        if one.kind == "race":
            tuned = [comparison.tuned(subject) for subject in one.subjects]
            arms = [found.arm for found in tuned if found]
            if len(arms) == 2 and arms[0] is contrast.gpt and arms[1] is contrast.bert:
                yield from (raced(lane, device(one)) for lane in lanes(one))


def _faster(findings: Findings, contrast: Contrast, surely: bool = False) -> Iterator[str]:
    """GPT 1.22x one by one: who was faster, scenario by scenario; or only what matters surely."""
    for one in races_of(findings, contrast):
        name, ratio = SPEEDS.get(one.name), one.ratio
        if name and ratio is not None:
            beyond = max(ratio.low, -ratio.high) > findings.plan.log_cost
            if beyond or not surely:
                yield f"{_pace(one, findings.plan)} {name}"


def _pace(one: Raced, plan: Plan) -> str:
    if not one.trusted or one.ratio is None:
        return "noisy"
    low, high = one.ratio.low, one.ratio.high
    if -plan.log_cost < low and high < plan.log_cost:
        return "alike"
    if low <= 0 <= high:
        return "undetermined"
    return f"{GPT if high < 0 else BERT} {timings.factor(one.ratio):.2f}x"
