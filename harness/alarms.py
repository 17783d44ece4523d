"""Is a result too good, or too broken, to be true? Pure functions of one record and its counts.

A "void" alarm voids every verdict that rests on the run; the run itself stays in the report.
A "warning" is shown and changes nothing. Levels are such that a healthy run is silent: exact
binomial limits at 1 in 10,000, or 3.7 standard errors, which is the same for a normal variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness import stats
from harness.record import CountTable, Record

VOID, WARNING = "void", "warning"
COLLAPSED, ABOVE_CAP = "collapsed", "cap"

STANDARD_ERRORS = 3.7
SLACK = 0.005
"""Room above a cap for what the caps round off; a leak is worth tens of points."""

RIGHT = "R"
"""The slice that only words to the right decide: a coin toss for a causal reader."""
COINS = ("N", "none")
"""Slices that nothing decides, for any reader."""
CORPUS_ONLY = "G"
"""Names that occur in the pretraining corpus only; without it, one of four types by guessing."""
GUESS = 0.25
COIN = 0.5

FEWEST = 100
"""Alarms that ring for want of evidence need this many units, or a short test sets them off."""

ADAPTED = ("unmask", "echo")
FIRST_PIECE = "causal/first"
"""A reader that trades slices against one another; its caps bound it only as a whole."""

CHECKS = (
    GUESSES := "answers that the reader cannot know",
    CONTEXT := "use of the words to the right",
    CAPS := "scores above the cap",
    NAMES := "names that leak into labelled data",
    COLLAPSE := "collapse to one answer",
    CAUSALITY := "a causality probe against the model's claim",
    PADDING := "a padding probe",
)
"""Everything that a run can be checked for; which of it depends on what its record holds."""


class Alarm(NamedTuple):
    """One bell: `number` is "1" to "5", "11", "cap" or "collapsed"."""

    number: str
    severity: str  # "void" or "warning"
    message: str


class _Slice(NamedTuple):
    name: str
    hits: int
    units: int
    names: NDArray[np.int64]  # cluster of each unit

    @property
    def share(self) -> float:
        return self.hits / self.units


class _Case(NamedTuple):
    """A record with its counts summed up, as the rules below need them."""

    record: Record
    counts: CountTable
    slices: Mapping[str, _Slice]
    reader: str
    caps: Mapping[str, float]

    @property
    def collapsed(self) -> bool:
        return _collapsed(self.record, self.counts)


def examine(record: Record, counts: CountTable) -> list[Alarm]:
    """Every alarm that one finished run sets off by itself."""
    data = record.data
    caps = data.caps if data else {}
    case = _Case(record, counts, _slices(counts), data.reader if data else "", caps)
    return [alarm for rule in RULES for alarm in rule(case)]


def checks(record: Record, counts: CountTable) -> list[str]:
    """Which of `CHECKS` this record holds enough for; silence of the others means nothing."""
    data = record.data
    caps = data.caps if data else {}
    case = _Case(record, counts, _slices(counts), data.reader if data else "", caps)
    possible = {
        GUESSES: any(_guessed(case)),
        CONTEXT: _context(case) is not None,
        CAPS: any(_capped(case)),
        NAMES: _namesakes(case) is not None,
        COLLAPSE: _answered(record, counts),
        CAUSALITY: _probe(case, "left", "causal") is not None,
        PADDING: _probe(case, "padding", "padding") is not None,
    }
    return [name for name in CHECKS if possible[name]]


def _slices(counts: CountTable) -> dict[str, _Slice]:
    units = counts.units
    if not units or not len(units.get("slice", ())):
        return {}
    index, right = np.asarray(units["slice"]), np.asarray(units["correct"])
    keys = np.asarray(units["key"], dtype=np.int64)
    found = {}
    for number, name in enumerate(counts.slices):
        here = index == number
        if here.any():
            found[name] = _Slice(name, int(right[here].sum()), int(here.sum()), keys[here])
    return found


def _coin_tosses(case: _Case) -> Iterator[Alarm]:
    """1: right too often where the reader cannot know the answer.

    Judged against a coin also where the cap is lower: caps are those of the reader that is best
    overall, and another one may trade a slice for the rest, but nobody beats the coin.
    """
    for part, cap, limit in _guessed(case):
        if part.hits >= limit:
            yield Alarm(
                "1",
                VOID,
                f"slice {part.name}: {part.hits} of {part.units} right ({part.share:.3f}), but a "
                f"{case.reader} reader can only guess (cap {cap:.3f}, limit "
                f"{limit / part.units:.3f}): an answer leaks, the mask fails or labels are shifted",
            )


def _guessed(case: _Case) -> Iterator[tuple[_Slice, float, int]]:
    """Slices that are coin tosses to this reader, with cap and smallest significant number."""
    causal = case.reader.startswith("causal")
    for name in (RIGHT, *COINS) if causal else COINS:
        part, cap = case.slices.get(name), case.caps.get(name)
        if part is None or cap is None:
            continue
        limit = stats.exact_threshold(part.units, COIN)
        if limit is not None:
            yield part, cap, limit


def _right_context(case: _Case) -> Iterator[Alarm]:
    """2 and 3: a reader of both sides that shows no use of the words to the right."""
    found, mode = _context(case), case.record.cell.mode
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


def _context(case: _Case) -> tuple[_Slice, int] | None:
    """The slice that tells, with the smallest number of hits that no coin explains."""
    cell, part = case.record.cell, case.slices.get(RIGHT)
    both_sides = case.reader.startswith("bidirectional") and cell.weights != "scratch"
    if part is None or not (cell.mode in ADAPTED or both_sides):
        return None
    if part.units < FEWEST or case.caps.get(RIGHT, 0.0) <= COIN or case.collapsed:
        return None
    limit = stats.exact_threshold(part.units, COIN)
    return None if limit is None else (part, limit)


def _above_caps(case: _Case) -> Iterator[Alarm]:
    """4 and "cap": better than the best reader of this kind, in a slice or overall."""
    number = "4" if case.reader == FIRST_PIECE else ABOVE_CAP
    for name, score, units, cap in _capped(case):
        limit = cap + STANDARD_ERRORS * (cap * (1 - cap) / units) ** 0.5 + SLACK
        if score > limit:
            yield Alarm(
                number,
                VOID,
                f"{name}: {score:.3f} over {units} units, above what the best {case.reader} "
                f"reader scores there (cap {cap:.3f}, limit {limit:.3f}): something leaks",
            )


def _capped(case: _Case) -> Iterator[tuple[str, float, int, float]]:
    """Scores that a cap bounds, with their units and the cap."""
    for name, score, units in _scores(case):
        cap = case.caps.get(name)
        bound = name == "all" or case.reader != FIRST_PIECE
        if cap is not None and units and bound and name not in COINS:
            yield name, score, units, cap


def _scores(case: _Case) -> Iterator[tuple[str, float, int]]:
    for part in case.slices.values():
        causal_coin = part.name == RIGHT and case.reader.startswith("causal")
        if not causal_coin:  # alarm 1 has the sharper limit
            yield part.name, part.share, part.units
    totals = {name: float(np.sum(column)) for name, column in case.counts.columns.items()}
    units = int(totals.get("gold", 0)) if "tp" in totals else int(totals.get("total", 0))
    if case.record.metrics:
        yield "all", import_module(f"harness.metrics.{case.record.metrics[0]}").value(totals), units


def _unknown_names(case: _Case) -> Iterator[Alarm]:
    """5: a model without pretraining knows names that labelled data should not hold.

    The same name is right or wrong every time, so the error is that of as many draws as there
    are names, not mentions.
    """
    part = _namesakes(case)
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


def _namesakes(case: _Case) -> _Slice | None:
    return case.slices.get(CORPUS_ONLY) if case.record.cell.weights == "scratch" else None


def _one_answer(case: _Case) -> Iterator[Alarm]:
    if case.collapsed:
        text = "found no entity at all" if "tp" in case.counts.columns else "gives one answer only"
        yield Alarm(COLLAPSED, WARNING, f"collapsed to the majority class: the model {text}")


def _answered(record: Record, counts: CountTable) -> bool:
    """Whether the counts tell a collapse at all."""
    columns = counts.columns
    answers = "pred" in columns and "gold" in columns
    return answers or ("correct" in columns and record.majority is not None)


def _collapsed(record: Record, counts: CountTable) -> bool:
    columns = counts.columns
    if "tp" in columns:
        return not np.any(columns["pred"]) and bool(np.any(columns["gold"]))
    if "pred" in columns and "gold" in columns:
        return bool(np.ptp(columns["pred"]) == 0 and np.ptp(columns["gold"]) > 0)
    majority, right = record.majority, columns.get("correct")
    if right is None or majority is None:
        return False
    return int(np.sum(right)) == majority.get("correct")


def _probes(case: _Case) -> Iterator[Alarm]:
    """11: what the causality and padding probes saw contradicts what the model claims."""
    seen = case.record.probes or {}
    if seen.get("texts") == 0:
        yield Alarm("11", VOID, "no text was long enough for the causality and padding probes")
        return
    causality, padding = _probe(case, "left", "causal"), _probe(case, "padding", "padding")
    if causality:
        yield from _contradicted(*causality, seen.get("claimed"))
    if padding and padding[0] > padding[1]:
        yield Alarm("11", VOID, f"padding a batch changes the outputs by {padding[0]:.1e}")
    if _number(seen, "right_change") == 0:
        yield Alarm("11", VOID, "the causality probe changed a word and no later output moved")


def _contradicted(left: float, tolerance: float, claimed: object) -> Iterator[Alarm]:
    if claimed == "causal" and left > tolerance:
        yield Alarm("11", VOID, f"claims to be causal, but earlier outputs moved by {left:.1e}")
    if claimed == "bidirectional" and left <= tolerance:
        text = f"claims to read both sides, but earlier outputs moved by {left:.1e} only"
        yield Alarm("11", VOID, text)


def _probe(case: _Case, change: str, limit: str) -> tuple[float, float] | None:
    """A change that was seen and what is tolerated; None where either is not on record."""
    seen = case.record.probes or {}
    tolerance = seen.get("tolerance")
    moved = _number(seen, f"{change}_change")
    allowed = _number(tolerance, limit) if isinstance(tolerance, Mapping) else None
    return (
        None if moved is None or allowed is None or not seen.get("texts", 1) else (moved, allowed)
    )


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


RULES: tuple[Callable[[_Case], Iterator[Alarm]], ...] = (
    _coin_tosses,
    _right_context,
    _above_caps,
    _unknown_names,
    _one_answer,
    _probes,
)
