"""1 to 5 and "cap": slices that are answered better, or worse, than a reader of that kind can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harness import metrics
from harness.alarms.answers import collapsed
from harness.alarms.case import STANDARD_ERRORS, VOID, WARNING, Alarm, Case, Slice
from harness.record import BY_PIECE
from harness.statistics import stats

ABOVE_CAP = "cap"

SLACK = 0.005
"""Room above a cap for what the caps round off; a leak is worth tens of points."""

RIGHT = "R"
"""The slice that only words to the right decide: a coin toss for a causal reader."""
COINS = ("N", "none", "vague")
"""Slices that nothing decides, for any reader."""
CORPUS_ONLY = "G"
"""Names that occur in the pretraining corpus only; without it, one of four types by guessing."""
GUESS = 0.25
COIN = 0.5
UNITS = ("gold", "slots", "total")
"""Columns that say how much a share is of."""

FEWEST = 100
"""Alarms that ring for want of evidence need this many units, or a short test sets them off."""

ADAPTED = ("unmask", "echo")
FIRST_PIECE = "causal/first"
"""A reader that trades slices against one another; its caps bound it only as a whole."""


def coin_tosses(case: Case) -> Iterator[Alarm]:
    """1: right too often where the reader cannot know the answer.

    Judged against a coin also where the cap is lower: caps are those of the reader that is best
    overall, and another one may trade a slice for the rest, but nobody beats the coin.
    """
    for part, cap, limit in guessed(case):
        if part.hits >= limit:
            yield Alarm(
                "1",
                VOID,
                f"slice {part.name}: {part.hits} of {part.units} right ({part.share:.3f}), but a "
                f"{case.reader} reader can only guess (cap {cap:.3f}, limit "
                f"{limit / part.units:.3f}): an answer leaks, the mask fails or labels are shifted",
            )


def guessed(case: Case) -> Iterator[tuple[Slice, float, int]]:
    """Slices that are coin tosses to this reader, with cap and smallest significant number."""
    causal = case.reader.startswith("causal")
    for name in (RIGHT, *COINS) if causal else COINS:
        part, cap = case.slices.get(name), case.caps.get(name)
        if part is None or cap is None:
            continue
        limit = stats.exact_threshold(part.units, COIN)
        if limit is not None:
            yield part, cap, limit


def right_context(case: Case) -> Iterator[Alarm]:
    """2 and 3: a reader of both sides that shows no use of the words to the right."""
    found, mode = context(case), case.record.cell.mode
    if found is None:
        return
    part, limit = found
    if part.hits >= limit:
        return
    seen = f"slice {RIGHT}: {part.hits} of {part.units} right ({part.share:.3f}, limit "
    seen += f"{limit / part.units:.3f})"
    if mode in ADAPTED:
        yield Alarm("3", WARNING, f"{seen}: the {mode} adaptation did not give right context")
    else:
        message = f"{seen}: a pretrained bidirectional model runs causal or labels are misaligned"
        yield Alarm("2", VOID, message)


def context(case: Case) -> tuple[Slice, int] | None:
    """The slice that tells, with the smallest number of hits that no coin explains.

    None where labels were misaligned on purpose.
    """
    cell, part = case.record.cell, case.slices.get(RIGHT)
    taught = cell.weights != "scratch" and not cell.mode.endswith(BY_PIECE)
    both_sides = case.reader.startswith("bidirectional") and taught
    if part is None or not (cell.mode in ADAPTED or both_sides):
        return None
    if part.units < FEWEST or case.caps.get(RIGHT, 0.0) <= COIN or collapsed(case):
        return None
    limit = stats.exact_threshold(part.units, COIN)
    return None if limit is None else (part, limit)


class _Bounded(NamedTuple):
    """A score that a cap bounds: from above, or from below where less is better."""

    name: str
    score: float
    units: int
    cap: float
    lower_is_better: bool

    @property
    def beyond(self) -> float:
        """By how much the score is better than the cap."""
        return self.cap - self.score if self.lower_is_better else self.score - self.cap

    @property
    def margin(self) -> float:
        """What chance, and rounding of the cap, explain."""
        variance = max(self.cap * (1 - self.cap), 0.0) / self.units
        return STANDARD_ERRORS * float(variance**0.5) + SLACK


def above_caps(case: Case) -> Iterator[Alarm]:
    """4 and "cap": better than the best reader of this kind, in a slice or overall."""
    number = "4" if case.reader == FIRST_PIECE else ABOVE_CAP
    for one in capped(case):
        if one.beyond > one.margin:
            limit = one.cap + (-one.margin if one.lower_is_better else one.margin)
            side, bound = ("below", "floor") if one.lower_is_better else ("above", "cap")
            yield Alarm(
                number,
                VOID,
                f"{one.name}: {one.score:.3f} over {one.units} units, {side} what the best "
                f"{case.reader} reader scores there ({bound} {one.cap:.3f}, limit {limit:.3f}): "
                "something leaks",
            )


def capped(case: Case) -> Iterator[_Bounded]:
    """Scores that a cap bounds."""
    for name, score, units, lower in _scores(case):
        cap = case.caps.get(name)
        bound = name == "all" or case.reader != FIRST_PIECE
        if cap is not None and units and bound and name not in COINS:
            yield _Bounded(name, score, units, cap, lower)


def _scores(case: Case) -> Iterator[tuple[str, float, int, bool]]:
    """Shares, with their units and whether less is better: of each slice, and of the whole."""
    for part in case.slices.values():
        causal_coin = part.name == RIGHT and case.reader.startswith("causal")
        if not causal_coin:  # alarm 1 has the sharper limit
            yield part.name, part.share, part.units, False
    headline = case.record.metrics[:1]
    totals = metrics.totals(headline, case.counts.columns)
    for meter in map(metrics.meter, headline):
        if meter.ratio is not None:
            units = next((totals[name] for name in UNITS if name in meter.columns), 0.0)
            yield "all", meter.value(totals), int(units), meter.lower_is_better


def unknown_names(case: Case) -> Iterator[Alarm]:
    """5: a model without pretraining knows names that labelled data should not hold.

    The same name is right or wrong every time, so the error is that of as many draws as there
    are names, not mentions.
    """
    part = namesakes(case)
    if part is None:
        return
    names = stats.effective_clusters(part.names)
    limit = GUESS + STANDARD_ERRORS * (GUESS * (1 - GUESS) / names) ** 0.5
    if part.share > limit:
        yield Alarm(
            "5",
            VOID,
            f"slice {CORPUS_ONLY}: {part.share:.3f} right without pretraining (limit {limit:.3f} "
            f"over {names:.0f} names): names of the test split occur in the labelled data",
        )


def namesakes(case: Case) -> Slice | None:
    """The slice that only pretraining can know, of a model without it."""
    return case.slices.get(CORPUS_ONLY) if case.record.cell.weights == "scratch" else None
