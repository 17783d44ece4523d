"""What the main verdicts say together, in one sentence, and the unit in which sizes are told."""

from __future__ import annotations

from collections.abc import Sequence

from harness.comparing.verdicts import BERT, GPT, TIE, UNDETERMINED, Verdict
from harness.comparing.verdicts import main as main_questions
from harness.metrics import Meter
from harness.plots.shown import called
from harness.plots.wording import listed, plain, sentence, task

POINTS = "points"
WORDS = {
    BERT: "BERT is better at {}",
    GPT: "GPT is better at {}",
    TIE: "a tie: {}",
    UNDETERMINED: "undetermined: {}",
}
OTHERWISE = "no verdict: {}"


def headline(verdicts: Sequence[Verdict]) -> str:
    """BERT is better at NER (by 13.1 points); undetermined: matching.

    Of the main questions; of others where there are none.
    """
    main = main_questions(verdicts) or list(verdicts)
    told: dict[str, dict[str, list[str]]] = {}
    for one in main:
        names = told.setdefault(one.answer, {})
        names.setdefault(_name(one, main), []).extend(filter(None, [_note(one, main)]))
    order = [*WORDS, *(answer for answer in told if answer not in WORDS)]
    parts = [
        WORDS.get(one, OTHERWISE).format(listed([*map(_noted, told[one].items())]))
        for one in order
        if one in told
    ]
    return sentence("; ".join(parts))


def unit_of(meter: Meter) -> tuple[str, float]:
    """The unit in which differences are told, and what a score is multiplied by for it."""
    return (meter.title, 1.0) if meter.limits[1] == 100 else (POINTS, 100.0)


def _name(one: Verdict, among: Sequence[Verdict]) -> str:
    """The task, with its data where several of them are told."""
    same = {id(other.group) for other in among if other.group.key.task == one.group.key.task}
    return called(one.group) if len(same) > 1 else task(one.group.key.task)


def _note(one: Verdict, among: Sequence[Verdict]) -> str:
    """The pair, where a group has several of them, and the size of a win."""
    pairs = {other.contrast.gpt.key.pair for other in among if other.group is one.group}
    words = [plain(one.contrast.gpt.key.pair, 16)] if len(pairs) > 1 else []
    if one.answer in (BERT, GPT) and one.advantage is not None:
        unit, factor = unit_of(one.meter)
        words.append(f"by {abs(factor * one.advantage.mean):.1f} {unit}")
    return " ".join(words)


def _noted(told: tuple[str, Sequence[str]]) -> str:
    name, notes = told
    return f"{name} ({', '.join(notes)})" if notes else name
