"""Tables of what changed: scores, answers, and what differs between the two."""

from __future__ import annotations

from harness.changes import Answer, Change, Changes
from harness.changes.scores import BETTER, PAIRED, UNCHANGED, WORSE
from harness.comparing.verdicts import UNDETERMINED, Verdict, seeds_in_words
from harness.report.answer import gap
from harness.report.changes.opening import asked, few, measured, named, unlike
from harness.report.markdown import bullets, escape, score, section, shorten, table
from harness.report.summary import place
from harness.statistics.decisions import ABOVE
from harness.statistics.stats import Estimate

EXPLAIN = (
    "What is not the same in the runs that are compared, and may therefore explain a change. "
    "Values of several runs stand side by side, texts are cut."
)
MODELS = 6
"""Models that are named in a cell."""


def scores(found: Changes) -> str:
    """Every model that is in both; empty where there is none."""
    header = ["task", "model", "metric", "before", "after", "after - before", "says"]
    rows = [_row(one) for one in found.changes]
    return table(header, rows, "lllrrrl") if rows else ""


def _row(one: Change) -> list[str]:
    digits = one.meter.digits
    was, now = (score(side.mean, digits=digits) for side in (one.was, one.now))
    start = [place(one.after.group), escape(one.after.arm.description), escape(one.meter.caption)]
    return [*start, was, now, _moved_by(one), _says(one)]


def _moved_by(one: Change) -> str:
    """The difference, with the interval that decides or the one that there is."""
    digits, found = one.meter.digits, one.difference
    mean, ends = score(found.mean, True, digits), _ends(one, found)
    if ends is None:
        return mean
    low, high = (score(end, True, digits) for end in ends)
    return f"{mean} [{low}, {high}]"


def _ends(one: Change, found: Estimate) -> tuple[float, float] | None:
    low, high = found.low, found.high
    if one.decision is not None:
        low, high = one.decision.low, one.decision.high
    return None if low is None or high is None else (low, high)


def _says(one: Change) -> str:
    """The word, what limits it, and how it was compared."""
    parts = [_word(one)]
    if one.why:
        parts.append(escape(shorten(one.why)))
    if one.pairing != PAIRED:
        parts.append(one.pairing)
    elif one.preliminary:
        parts.append(f"preliminary, {seeds_in_words(one.seeds)}")
    return "; ".join([*parts, *one.left_out])


def _word(one: Change) -> str:
    if one.decision is None:
        return one.word
    margin = score(one.decision.margin, digits=one.meter.digits)
    if one.word == UNCHANGED:
        return f"no change beyond {margin}"
    if one.word == UNDETERMINED and (side := one.decision.direction):
        better = (side == ABOVE) != one.meter.lower_is_better
        return f"{one.word} ({BETTER if better else WORSE}, not by {margin} for sure)"
    return f"**{one.word}**" if one.word in (BETTER, WORSE) else one.word


# --- answers ------------------------------------------------------------------------------------


def answers(found: Changes, was: str, now: str) -> str:
    """Every question with both answers, and those that only one side has."""
    header = ["question", "before", "after", "BERT's advantage before", "after", ""]
    rows = [_both(one) for one in sorted(found.answers, key=lambda one: not one.changed)]
    only = [
        f"only in {side}: {asked(one)}: {one.answer}"
        for side, some in ((was, found.only_asked_before), (now, found.only_asked_after))
        for one in some
    ]
    shown = table(header, rows, "lllrrl") if rows else "No question was asked in both."
    return section(2, "Answers", shown, bullets(only) if only else "")


def _both(one: Answer) -> list[str]:
    sides = one.before, one.after
    gaps = [gap(side) for side in sides]
    return [asked(one.after), *map(_reason, sides), *gaps, "**changed**" if one.changed else ""]


def _reason(one: Verdict) -> str:
    """The answer, and where there is none why."""
    told = one.decision is None and one.why
    return f"{one.answer} ({escape(shorten('; '.join(one.why)))})" if told else one.answer


# --- what differs -------------------------------------------------------------------------------


def differences(found: Changes) -> str:
    """The section on what may explain a change."""
    rows = [
        [*(escape(shorten(text, 60)) for text in one), _concerned(found, of)]
        for one, of in unlike(found).items()
    ]
    header = ["fact", "before", "after", "of"]
    text = EXPLAIN if rows else "No fact on record differs between the two."
    return section(2, "What differs", text, table(header, rows) if rows else "")


def _concerned(found: Changes, of: list[str]) -> str:
    """What a difference is about; several in a word where it is all of them."""
    if len(of) > 1 and of == [named(one) for one in found.changes]:
        return "all models"
    if len(of) > 1 and of == [measured(one.after) for one in found.costs]:
        return "all measurements"
    return few(of, MODELS)
