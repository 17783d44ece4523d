"""Command: which model to take for a task, under limits of your own.

    python -m harness.choose task=ner                                     by quality alone
    python -m harness.choose task=ner max_latency_ms=20 max_memory_mb=500
    python -m harness.choose task=ner min_examples_per_second=500 results=results
    python -m harness.choose task=ner max_money=0.5 price_per_hour=0.40

    task=             what is to be done; data= and pair= where there are several
    max_latency_ms=   of one request, from words to answer; latency=p95 (default) or p50
    max_memory_mb=    peak while answering a batch, in units of 1,000,000 bytes
    min_examples_per_second=   at the best batch size
    max_energy_joules=         of one example
    max_training_seconds=      CPU seconds of one training
    max_money=        for a million answers, with price_per_hour= of the machine
    results=          folder of records (default: results; several with commas between)
    plan=             file with margins (default: the plan of the runs)
    machine=          as the report names it (default: the one with most measurements)
    variant=          part of what tells runs of one task on one data set apart, such as hardware

A model fits where the upper end of the interval of each limited cost is within its limit. Of those
that fit the best in quality is taken; of those whose quality is not surely further from it than
the plan's margin the cheapest, by the limited costs in your order, then by latency. Where none fits
for sure, one is taken that is at the edge (the limit lies within its interval), and said to be.
Exit codes: 0 a model fits, perhaps at the edge; 1 none does; 2 a mistake in command or data.
"""

from __future__ import annotations

import difflib
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import plan
from harness.comparing import findings
from harness.comparing.choosing import Limit, Terms
from harness.comparing.comparison import Comparison, Group
from harness.comparing.costs import ENERGY, MEMORY, MONEY, P50, P95, TIME, TRAINING, Kind
from harness.comparing.findings import Findings
from harness.comparing.tradeoffs import Lineup, lineup
from harness.contracts import InputError
from harness.report import choice
from harness.report.choice import case
from harness.report.tradeoffs import names_of

LIMITS: Mapping[str, Kind] = {
    "max_latency_ms": P95,
    "max_memory_mb": MEMORY,
    "min_examples_per_second": TIME,
    "max_energy_joules": ENERGY,
    "max_training_seconds": TRAINING,
    "max_money": MONEY,
}
PRICE = "price_per_hour"
WORDS = ("task", "data", "pair", "latency", "results", "plan", "machine", "variant")
LATENCY = {"p95": P95, "p50": P50}


@dataclass(frozen=True)
class Question:
    """What the command was asked: words as given, limits in their order."""

    words: Mapping[str, str]
    limits: Sequence[Limit]
    price: float | None

    @property
    def latency(self) -> Kind:
        """The percentile that is limited."""
        return LATENCY[self.words.get("latency", "p95")]


# --- arguments ----------------------------------------------------------------------------------


def parsed(arguments: Sequence[str]) -> Question:
    """key=value arguments as a question. Raises InputError for the first that makes no sense."""
    given: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        known = [*LIMITS, PRICE, *WORDS]
        if key not in known:
            raise InputError(f"{key}: there is no such argument{_near(key, known)}; see --help")
        if not equals or not value:
            raise InputError(f"{key}: expected {key}=something, got {argument!r}")
        if key in given:
            raise InputError(f"{key}: given twice ({given[key]} and {value}); give it once")
        given[key] = value
    return _question(given)


def _near(key: str, known: Sequence[str]) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", key.lower()).strip("_")
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f" (did you mean {found[0]}=?)" if found else ""


def _question(given: Mapping[str, str]) -> Question:
    latency = given.get("latency", "p95")
    if latency not in LATENCY:
        raise InputError(f"latency={latency}: expected p95 or p50")
    limits = []
    for key in given:
        if key in LIMITS:
            kind, number = LIMITS[key], _number(key, given[key])
            kind = LATENCY[latency] if kind == P95 else kind
            limits.append(Limit(kind, 1000 / number if kind == TIME else number))
    if "max_money" in given and PRICE not in given:
        raise InputError(f"max_money: needs {PRICE}= of the machine too, such as {PRICE}=0.40")
    price = _number(PRICE, given[PRICE]) if PRICE in given else None
    return Question({key: given[key] for key in given if key in WORDS}, limits, price)


def _number(key: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise InputError(f"{key}={text}: expected a number above 0, such as {key}=20")
    return value


# --- records ------------------------------------------------------------------------------------


def lined_up(found: Findings, asked: Question) -> Lineup:
    """The candidates that a question is about. Raises InputError where there are none."""
    comparison = found.comparison
    group = chosen_group(comparison, asked)
    pair, machine = asked.words.get("pair"), asked.words.get("machine")
    pairs = sorted({arm.key.pair for arm in group.arms})
    if pair is not None and pair not in pairs:
        raise InputError(f"pair={pair}: no such pair for this task; there are {', '.join(pairs)}")
    names = names_of(comparison)
    if machine is not None and machine not in names.values():
        there = ", ".join(dict.fromkeys(names.values())) or "none, as nothing was measured"
        raise InputError(f"machine={machine}: nothing was measured on it; there are {there}")
    return lineup(found, group, names, asked.price, machine, pair)


def chosen_group(comparison: Comparison, asked: Question) -> Group:
    """The runs that are asked for; of several on one data set those with most runs, then labels."""
    task, data, variant = (asked.words.get(name) for name in ("task", "data", "variant"))
    names = dict.fromkeys(f"task={g.key.task} data={g.key.data}" for g in comparison.groups)
    there = ", ".join(names) or "nothing"
    if task is None:
        raise InputError(f"task: say what is to be done; on record: {there}")
    found = [one for one in comparison.groups if one.key.task == task]
    found = [one for one in found if data in (None, one.key.data)]
    if not found:
        wanted = f"task={task}" + (f" data={data}" if data else "")
        raise InputError(f"{wanted}: no finished run; on record: {there}")
    several = dict.fromkeys(f"data={one.key.data}" for one in found)
    if len(several) > 1:
        raise InputError(f"task={task}: on several data sets; add {' or '.join(several)}")
    fitting = [one for one in found if variant is None or variant in _apart(one)]
    if not fitting:
        raise InputError(f"variant={variant}: in none of: {'; '.join(map(_apart, found))}")
    return max(fitting, key=lambda one: (sum(len(arm.runs) for arm in one.arms), one.labels))


def _apart(group: Group) -> str:
    """What tells a group from others on data of the same name."""
    text = ", ".join(f"{name} {value}" for name, value in group.variant.items())
    return text or "one variant only"


def terms(found: Findings, among: Lineup, asked: Question) -> Terms:
    """The rule with the plan's margins. Raises InputError where it has none for the metric."""
    if among.margin is None:
        key = "embedded" if among.group.embedded else "margins"
        key += f".{among.group.key.metrics[0]}"
        raise InputError(f"plan {found.plan.name}: {key} is missing; add a margin to it")
    latency = asked.latency if "latency" in asked.words else among.latency
    order = dict.fromkeys([*(one.kind for one in asked.limits), latency])
    return Terms(asked.limits, list(order), among.margin, found.plan.cost_ratio)


def notes(found: Findings, among: Lineup) -> list[str]:
    """Where the records come from, where that was not the only possibility."""
    lines = []
    if len(among.machines) > 1:
        rest = [f"machine={n} ({c})" for n, c in among.machines.items() if n != among.machine]
        lines.append(f"Measurements were taken elsewhere too: {', '.join(rest)}.")
    if among.group.variant:
        lines.append(f"Of several kinds of runs, those with {_apart(among.group)} (see variant=).")
    lines.append(f"Margins of plan {found.plan.name} ({found.standing}).")
    return lines


def answer(arguments: Sequence[str]) -> tuple[str, int]:
    """The text of an answer and the exit code. Raises InputError on a user's mistake."""
    asked = parsed(arguments)
    named = plan.load(Path(asked.words["plan"])) if "plan" in asked.words else None
    roots = [Path(name) for name in asked.words.get("results", "results").split(",")]
    found = findings.find(roots, named)
    among = lined_up(found, asked)
    if not among.candidates:
        reasons = "; ".join(f"{name}: {why}" for name, why in among.barred.items())
        raise InputError(f"task={asked.words['task']}: no model to choose from ({reasons})")
    decided = case.answered(among, terms(found, among, asked), found.plan)
    return choice.told(decided, notes(found, among)), 0 if decided.pick.place is not None else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line. Exit code 2 and one line on bad input."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if {"--help", "-h"} & set(given):
        sys.stdout.write(f"{__doc__.rstrip()}\n")
        return 0
    try:
        text, code = answer(given)
    except InputError as error:
        sys.stderr.write(f"error: {case.printable(str(error))}\n")
        return 2
    sys.stdout.write(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
