"""What was measured and where, and what makes its numbers doubtful."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness import record
from harness.comparing.comparison import Comparison
from harness.comparing.lanes import device
from harness.measurement import Measurement, Subject
from harness.report.markdown import bullets, escape, is_number, section, shorten
from harness.statistics import timings
from harness.statistics.timings import FOREIGN_LOAD, SERVER

ARCHITECTURE = "architecture"
"""Weights drawn at random: what `assets` calls them, which the reporting half does not import."""

UNTRAINED = "architecture only, quality not measured"
FOREIGN = "foreign load"
UNKNOWN = "unknown"
STATE = ("before", "after")
FACTS = ("cpu", "cores", "cores_usable", "threads", "torch", "attention")
"""What a line about a machine begins with."""


def place(subject: Subject) -> str:
    """What was measured: a task on data, or an architecture without weights."""
    if subject.weights == ARCHITECTURE:
        return UNTRAINED if subject.task == "-" else f"{escape(subject.task)}, {UNTRAINED}"
    return escape(f"{subject.task} on {subject.data}")


def named(comparison: Comparison, subject: Subject) -> str:
    """A subject in the words of its arm; in its own where no run on record has its weights."""
    tuned = comparison.tuned(subject)
    return escape(tuned.arm.description if tuned else f"{subject.description}, {subject.mode}")


# --- doubts -------------------------------------------------------------------------------------


def doubts(comparison: Comparison) -> str:
    """What makes numbers doubtful, and what was not measured.

    Foreign load is told by measurement, as it has figures; anything else once for each reason.
    """
    lines = [line for one in comparison.measurements for line in _foreign(comparison, one)]
    holders: dict[str, list[Measurement]] = defaultdict(list)
    for one in comparison.measurements:
        for reason in dict.fromkeys(_reasons(one)):
            holders[reason].append(one)
    lines += [_shared(comparison, reason, found) for reason, found in holders.items()]
    text = "Nothing on record speaks against these samples."
    return section(3, "Doubts", bullets(list(dict.fromkeys(lines))) if lines else text)


def _foreign(comparison: Comparison, found: Measurement) -> Iterator[str]:
    start = _which(comparison, found)
    loads = (flag for flag in found.flags if flag.startswith(FOREIGN))
    yield from (f"{start}: {escape(shorten(flag))}" for flag in loads)
    shares = {
        (one.name, one.subject): share
        for one in found.series
        if not one.name.startswith(SERVER) and (share := timings.load_share(one)) is not None
    }
    high = [(name, share) for (name, _), share in shares.items() if share > FOREIGN_LOAD]
    if high and device(found).startswith("cpu"):
        words = ", ".join(f"{escape(name)} {share:.2f}" for name, share in high)
        yield f"{start}: {FOREIGN}, wall seconds per process second: {words}"


def _reasons(found: Measurement) -> Iterator[str]:
    others = (flag for flag in found.flags if not flag.startswith(FOREIGN))
    yield from (escape(shorten(flag)) for flag in others)
    for what, why in found.not_measured.items():
        yield f"{escape(what)} not measured: {escape(shorten(why))}"


def _shared(comparison: Comparison, reason: str, holders: Sequence[Measurement]) -> str:
    """A reason and whom it concerns, by name only where it is not every measurement of a kind."""
    names = "; ".join(dict.fromkeys(_which(comparison, one) for one in holders))
    if len(holders) == 1:
        return f"{reason}: {names}"
    kinds = dict.fromkeys(one.kind for one in holders)
    text = f"{len(holders)} measurements"
    if len(holders) == sum(one.kind in kinds for one in comparison.measurements):
        return f"{reason} ({text}: every {' and every '.join(kinds)})"
    return f"{reason} ({text}): {names}"


def _which(comparison: Comparison, found: Measurement) -> str:
    names = " against ".join(named(comparison, subject) for subject in found.subjects)
    return f"{escape(found.kind)}, {place(found.subjects[0])}, {names}"


# --- machines -----------------------------------------------------------------------------------


def machines(comparison: Comparison) -> dict[str, str]:
    """A short name for every distinct environment, in the order of the measurements."""
    found = dict.fromkeys(machine_of(one) for one in comparison.measurements)
    return {facts: f"E{number}" for number, facts in enumerate(found, 1)}


def machine_of(found: Measurement) -> str:
    """Machine, software, device and precision in words; what changes by the minute is left out."""
    facts: dict[str, Any] = {"device": device(found)}
    if precision := found.settings.get("precision"):
        facts["precision"] = precision
    lasting = {name: value for name, value in found.environment.items() if name not in STATE}
    for name, value in record.flatten(lasting).items():
        facts.setdefault(name.removeprefix("machine.").removeprefix("versions."), value)
    first = [name for name in FACTS if name in facts]
    order = [*first, *sorted(set(facts) - set(first))]
    return _listed({name: _fact(facts[name]) for name in order})


def measured_on(comparison: Comparison) -> str:
    """Each environment, with the state of the machine around its measurements."""
    lines = []
    for facts, name in machines(comparison).items():
        here = [one for one in comparison.measurements if machine_of(one) == facts]
        lines.append("\n  - ".join([f"**{name}** ({len(here)} measured): {facts}", *_states(here)]))
    return section(3, "Measured on", bullets(lines))


def _states(measured: Sequence[Measurement]) -> Iterator[str]:
    """Facts that may change, with their range; once where they were the same before and after."""
    before, after = (_state(measured, when) for when in STATE)
    same = dict(before.items() & after.items())
    parts = {"before and after": [name for name in before if name in same]}
    parts["before"] = [name for name in before if name not in same]
    parts["after"] = [name for name in after if name not in same]
    for when, names in parts.items():
        if names:
            source = after if when == "after" else before
            yield f"{when}: {_listed({name: source[name] for name in names})}"


def _state(measured: Sequence[Measurement], when: str) -> dict[str, str]:
    found: dict[str, list[Any]] = defaultdict(list)
    for one in measured:
        state = one.environment.get(when)
        for name, value in record.flatten(state).items() if isinstance(state, Mapping) else ():
            found[name].append(value)
    return {name: _span(values) for name, values in found.items()}


def _listed(facts: Mapping[str, str]) -> str:
    """Facts in their order, and then what is not known."""
    names = {name: escape(shorten(name, 60)) for name in facts}
    known = [f"{names[name]} {text}" for name, text in facts.items() if text != UNKNOWN]
    missing = [names[name] for name, text in facts.items() if text == UNKNOWN]
    return "; ".join([*known, *([f"{UNKNOWN}: {', '.join(missing)}"] if missing else [])])


def _fact(value: object) -> str:
    return UNKNOWN if value is None else escape(shorten(value, 80))


def _span(values: Sequence[Any]) -> str:
    """The range of numbers, place by place in lists of them; of anything else the first three."""
    if all(is_number(value) for value in values):
        low, high = min(values), max(values)
        return _number(low) if low == high else f"{_number(low)} to {_number(high)}"
    if _lists(values):
        return rf"\[{', '.join(_span(column) for column in zip(*values, strict=True))}\]"
    distinct = list(dict.fromkeys(map(_fact, values)))
    return " / ".join([*distinct[:3], *(["..."] if distinct[3:] else [])])


def _number(value: float) -> str:
    """Without thousands apart, as numbers stand in lists here."""
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def _lists(values: Sequence[Any]) -> bool:
    """Whether these are lists of as many numbers."""
    lists = all(isinstance(one, list) and all(map(is_number, one)) for one in values)
    return lists and len({len(one) for one in values}) == 1
