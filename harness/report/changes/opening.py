"""The paragraph that opens: what changed, which answers are others now, what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.changes import Change, Changes, Difference
from harness.changes.scores import BETTER, IDENTICAL, UNCHANGED, WORSE
from harness.comparing.verdicts import Verdict
from harness.measurement import Measurement
from harness.report import machines
from harness.report.markdown import escape
from harness.report.summary import place

NOTHING = "Nothing can be compared: no model has runs in both that go together."
MOST = 8
"""Things that are named in a sentence."""


def in_short(found: Changes) -> str:
    """What a reader wants to know."""
    if not found.changes:
        return " ".join([NOTHING, _differing(found)])
    return " ".join([*_moved(found), *_turned(found), _differing(found)])


def _moved(found: Changes) -> Iterator[str]:
    words: dict[str, list[Change]] = {}
    for one in found.changes:
        words.setdefault(one.word, []).append(one)
    for word in (BETTER, WORSE):
        if word in words:
            yield f"**{word.capitalize()}**: {few([named(one) for one in words[word]])}."
    if not {BETTER, WORSE} & set(words):
        sure = set(words) <= {UNCHANGED, IDENTICAL}
        yield (
            "**Nothing changed beyond the margins.**"
            if sure
            else "**No change beyond the margins is known**, but not all can be told."
        )
    rest = {UNCHANGED: "without a change beyond the margin"}
    told = [f"{len(words[w])} {rest.get(w, w)}" for w in words if w not in (BETTER, WORSE)]
    if told:
        count = len(found.changes)
        yield f"Of {count} {'model' if count == 1 else 'models'}: {', '.join(told)}."


def _turned(found: Changes) -> Iterator[str]:
    """Answers that are others now."""
    turned = [one for one in found.answers if one.changed]
    if turned:
        words = [f"{asked(one.after)}: {one.before.answer} -> {one.after.answer}" for one in turned]
        yield f"**Answers that changed**: {few(words)}."
    elif found.answers:
        count = len(found.answers)
        yield f"No answer changed ({count} {'question' if count == 1 else 'questions'})."


def _differing(found: Changes) -> str:
    names = list(dict.fromkeys(escape(one.name) for one in unlike(found)))
    if not names:
        return "No fact on record differs between the two."
    return f"What differs between the two: {few(names)}."


def unlike(found: Changes) -> dict[Difference, list[str]]:
    """Every difference with what it is about, escaped: models, the plan, measurements."""
    told: dict[Difference, list[str]] = {}
    for change in found.changes:
        for one in change.differences:
            told.setdefault(one, []).append(named(change))
    for one in found.plan:
        told.setdefault(one, []).append("the plan")
    for cost in found.costs:
        for one in cost.differences:
            told.setdefault(one, []).append(measured(cost.after))
    return told


def few(words: Sequence[str], most: int = MOST) -> str:
    """The first of them, and how many there are besides."""
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more} more" if more > 0 else "")


def named(one: Change) -> str:
    """Task and model in short, with what is not as usual."""
    group, arm = one.after
    key = arm.key
    words = [key.model]
    words += [] if key.weights == "embedded" else [key.weights]
    words += [] if arm.native else [key.mode]
    words += [] if key.strategy == "full" else [key.strategy]
    words += [f"{name}={value}" for name, value in arm.variant.items()]
    return f"{place(group)}, {escape(' '.join(words))}"


def asked(one: Verdict) -> str:
    """Task, data and both models of a question."""
    gpt, bert = one.contrast.gpt.key, one.contrast.bert.key
    ways = dict.fromkeys(word for key in (gpt, bert) for word in (key.weights, key.mode))
    models = f"{gpt.model} and {bert.model}; {', '.join(ways)}"
    return f"{place(one.group)} ({escape(models)})"


def measured(one: Measurement) -> str:
    """What a measurement is of, in short."""
    models = " and ".join(f"{side.model} ({side.mode})" for side in one.subjects)
    return f"{escape(one.kind)} of {machines.place(one.subjects[0])}: {escape(models)}"
