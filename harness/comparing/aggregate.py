"""From records and measurements to a `Comparison`: the table of contents of the reporting half.

Runs are put together only where they are repetitions of one another: the same task, data
digests, split, metrics and experiment version make a group; the same model, mode, strategy and
configuration but another seed make an arm. What should agree and does not is refused by name.
Damaged records and measurements become warnings.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from harness import measurement, record, searched
from harness.comparing import arms, halves, pairs, shelf
from harness.comparing.comparison import (
    ArmKey,
    Comparison,
    Failure,
    Group,
    GroupKey,
    Tuning,
    in_words,
)
from harness.comparing.shelf import Loaded, Shelf
from harness.measurement import Measurement, Series
from harness.record import Record, RecordError


def compare(*roots: Path) -> Comparison:
    """Read all records and measurements below folders and put together what belongs together.

    Folders may come from several machines; records of each processor are kept apart.
    """
    kept, warnings, failures = Shelf(), list[str](), list[Failure]()
    results, trials = list[Loaded](), list[Loaded]()
    unsupported: dict[tuple[str, ...], Record] = {}
    total = 0
    for folder in (folder for root in roots for folder in record.folders(root)):
        total += 1
        name = str(folder.relative_to(roots[0]) if len(roots) == 1 else folder)
        try:
            found = kept.slim(record.read(folder))
            if found.outcome.status == record.UNSUPPORTED:
                unsupported.setdefault((found.cell.task, found.cell.data, in_words(found)), found)
                continue
            if found.outcome.status != "finished":
                failures.append(Failure(name, found))
                continue
            tuning = found.cell.role == "tuning"
            loaded = shelf.load(folder, name, found, kept, examine=not tuning)
        except RecordError as error:
            warnings.append(str(error))
        except (OSError, TypeError, ValueError, LookupError, AttributeError) as error:
            warnings.append(f"{folder}: damaged ({type(error).__name__}: {error}); left out")
        else:
            (trials if tuning else results).append(loaded)
    results = shelf.newest(results, warnings)
    senseless = tuple(unsupported.values())
    groups = tuple(_groups(results, failures, senseless))
    tunings = tuple(_tunings(trials, failures))
    measured = _measurements(roots, warnings)
    return Comparison(groups, tunings, tuple(failures), tuple(warnings), total, measured, senseless)


def _groups(
    results: Sequence[Loaded], failures: Sequence[Failure], senseless: Sequence[Record]
) -> Iterator[Group]:
    buckets = _buckets(results)
    for key in sorted(buckets):
        found = arms.arms(buckets[key])
        yield Group(
            key,
            tuple(one.arm for one in found),
            tuple(pairs.contrasts(found)),
            tuple(pairs.controls(found)),
            tuple(halves.missing(found, key, failures, _namesakes(key, buckets), senseless)),
            _told_apart(key, buckets),
        )


def _buckets(results: Sequence[Loaded]) -> dict[GroupKey, list[Loaded]]:
    """Runs by group. What was asked untaught joins the trained runs of its pair on the same test.

    No labels of the training split went into it, and prompts run on the processor wherever others
    are tuned, so neither keeps it apart. It stays where it is if there are several such groups, or
    if it was asked on several machines.
    """
    homes: dict[tuple[GroupKey, str], set[GroupKey]] = defaultdict(set)
    machines: dict[tuple[GroupKey, str], set[str]] = defaultdict(set)
    for found in (one.run.record for one in results):
        key, question = arms.group_key(found), _question(found)
        if arms.untaught(found):
            machines[question].add(key.hardware)
        else:
            homes[question].add(key)
    buckets: dict[GroupKey, list[Loaded]] = defaultdict(list)
    for loaded in results:
        found = loaded.run.record
        key, question = arms.group_key(found), _question(found)
        if arms.untaught(found) and len(homes[question]) == len(machines[question]) == 1:
            (key,) = homes[question]
        buckets[key].append(loaded)
    return buckets


def _question(found: Record) -> tuple[GroupKey, str]:
    """The test that a pair is asked, whatever was trained on, and where."""
    return arms.group_key(found).but_labels._replace(hardware=""), found.cell.pair


def _namesakes(
    key: GroupKey, buckets: Mapping[GroupKey, Sequence[Loaded]]
) -> dict[GroupKey, list[Record]]:
    """Runs of the same task on data of the same name that are another group."""
    return {
        other: [one.run.record for one in members]
        for other, members in buckets.items()
        if other[:2] == key[:2] and other != key
    }


def _told_apart(key: GroupKey, buckets: Mapping[GroupKey, Sequence[Loaded]]) -> dict[str, str]:
    """In what a group differs from others on data of the same name.

    Sizes of the training split stand for its digests where they tell all groups apart.
    """
    namesakes = {one: _key_facts(one) for one in buckets if one[:2] == key[:2]}
    sizes = {one: _labels(buckets[one]) for one in namesakes}
    if 1 < len(namesakes) == len({*sizes.values()}):
        for one, facts in namesakes.items():
            facts.pop("train digest", None)
            facts["labels"] = f"{sizes[one]:,}"
    ours = namesakes[key]
    return {name: ours.get(name, "-") for name in arms.differing(list(namesakes.values()))}


def _labels(members: Sequence[Loaded]) -> int:
    """Examples of the training split of those that were trained, where any was."""
    found = min((one.run.record for one in members), key=arms.untaught)
    return found.data.sizes.get("train", 0) if found.data else 0


def _key_facts(key: GroupKey) -> dict[str, str]:
    facts = {"source": key.source, "split": key.evaluated, "metrics": " ".join(key.metrics)}
    facts["experiment version"] = str(key.experiment_version)
    facts["hardware"] = key.hardware
    return facts | {f"{split} digest": text[:8] for split, text in key.digests}


def _tunings(trials: Sequence[Loaded], failures: Sequence[Failure]) -> Iterator[Tuning]:
    """Runs of role tuning, by what is tuned; those of a search by that search as well."""
    buckets: dict[tuple[GroupKey, ArmKey, str], list[Loaded]] = defaultdict(list)
    for loaded in trials:
        kept = loaded.run.record
        buckets[arms.group_key(kept), arms.arm_key(kept), _search(kept)].append(loaded)
    for (group, key, search), members in sorted(buckets.items(), key=lambda item: item[0]):
        here = group.task, members[0].run.record.cell.data, key, search
        runs: list[Tried] = [(one.run.record, one.table.values[0]) for one in members]
        runs += [(one.record, None) for one in failures if _tuned(one.record) == here]
        for settings, tried in _by_arm(runs):
            first = next((kept for kept, value in tried if value is not None), None)
            if first is not None:
                yield _tuning(group, first, settings, tried)


Tried = tuple[Record, float | None]
"""A trial's run with its dev score; None where it failed."""


def _by_arm(runs: Sequence[Tried]) -> Iterator[tuple[Mapping[str, str], list[Tried]]]:
    """Trials of one strategy's name by what tells its arms apart, such as the share frozen."""
    configs = [arms.plain(kept) for kept, _ in runs]
    names = searched.telling(configs)
    found: dict[tuple[str, ...], list[Tried]] = defaultdict(list)
    for run, config in zip(runs, configs, strict=True):
        found[tuple(config.get(name, "-") for name in names)].append(run)
    for values, tried in sorted(found.items(), key=lambda item: item[0]):
        yield dict(zip(names, values, strict=True)), tried


def _tuning(
    group: GroupKey, first: Record, settings: Mapping[str, str], tried: Sequence[Tried]
) -> Tuning:
    rates = [
        (rate, kept.cell.seed, value)
        for kept, value in tried
        if value is not None and (rate := _learning_rate(kept)) is not None
    ]
    return Tuning(
        group.task,
        group.data,
        group.metrics[0],
        ", ".join([in_words(first), *(f"{name}={value}" for name, value in settings.items())]),
        group.source == "embedded",
        tuple(sorted(rates)),
        first,
        tuple(_rows(tried)),
    )


def _search(found: Record) -> str:
    """The search that a trial belongs to; empty for a grid."""
    return found.sweep if found.sweep and found.sweep.startswith(searched.LABEL) else ""


def _tuned(found: Record) -> tuple[str, str, ArmKey, str] | None:
    if found.cell.role != "tuning":
        return None
    return found.cell.task, found.cell.data, arms.arm_key(found), _search(found)


def _rows(runs: Sequence[Tried]) -> Iterator[searched.Row]:
    """What was varied between these runs, and how each came out."""
    names = arms.differing([arms.plain(kept) for kept, _ in runs]) or [searched.LEARNING_RATE]
    for kept, value in runs:
        flat = record.flatten(kept.config)
        yield searched.Row({name: flat.get(name) for name in names}, kept.cell.seed, value)


def _measurements(roots: Iterable[Path], warnings: list[str]) -> tuple[Measurement, ...]:
    """One measurement per identity: the copy that finished last (folders may be merged)."""
    read = list[Measurement]()
    for place in (place for root in roots for place in measurement.files(root)):
        try:
            found = measurement.read(place)
            wrong = _wrong(found)
        except RecordError as error:
            warnings.append(str(error))
        except (OSError, TypeError, ValueError, ArithmeticError) as error:
            warnings.append(f"{place}: damaged ({type(error).__name__}: {error}); left out")
        else:
            if wrong:
                warnings.append(f"{place}: {wrong}; left out")
            else:
                read.append(found)
    last = {one.identity: one for one in sorted(read, key=lambda one: one.finished_at or "")}
    for name, times in Counter(one.identity[:12] for one in read).items():
        if times > 1:
            warnings.append(f"measurement {name} is there {times} times; the last one is used")
    return tuple(one for one in read if last[one.identity] is one)


def _wrong(found: Measurement) -> str | None:
    """What makes a measurement that could be read useless."""
    expected = {"probe": 1, "race": 2}.get(found.kind)
    if len(found.subjects) != expected:
        return f"kind {found.kind!r} with {len(found.subjects)} subjects"
    broken = (one.name for one in found.series if not _sound(one, len(found.subjects)))
    name = next(broken, None)
    return None if name is None else f"samples of {name!r} are incomplete or no times"


def _sound(series: Series, subjects: int) -> bool:
    wall, cpu = (np.asarray(s, np.float64) for s in (series.wall_seconds, series.cpu_seconds))
    size = len(wall)
    lengths = {len(cpu), len(series.blocks) or size, *map(len, series.work.values())}
    times = all(bool(np.isfinite(s).all() and (s >= 0).all()) for s in (wall, cpu))
    return 0 <= series.subject < subjects and lengths == {size} and times


def _learning_rate(found: Record) -> float | None:
    value = record.flatten(found.config).get(searched.LEARNING_RATE)
    return float(value) if isinstance(value, int | float) else None
