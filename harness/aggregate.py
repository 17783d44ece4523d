"""From record folders to a `Comparison`: groups of comparable runs, arms, paired differences.

Runs are put together only where they are repetitions of one another: the same task, data
digests, split, metrics and experiment version make a group; the same model, mode, strategy and
configuration but another seed make an arm. What should agree within an arm and does not is
refused by name. Damaged records become warnings. Counts are read once and reduced at once to
small arrays, so that ten thousand records fit into memory.
"""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from harness import alarms, record, stats
from harness.contracts import Metric
from harness.record import CountTable, Record, RecordError
from harness.stats import Estimate

FEW_SEEDS = 5
SMOKE = "smoke"
SCRATCH = "scratch"
NATIVE = {"gpt": "causal", "bert": "bidirectional"}

LEARNING_RATE = "train.lr"
OWN = "model."
"""Configuration that belongs to one side of a pair: layers, label piece, pooling."""

Ints = NDArray[np.int64]
Small = NDArray[np.float32]  # counts are small integers: exact in 32 bits


class GroupKey(NamedTuple):
    """What all runs of a group share."""

    task: str
    data: str
    source: str
    evaluated: str
    metrics: tuple[str, ...]
    experiment_version: int
    digests: tuple[tuple[str, str], ...]


class ArmKey(NamedTuple):
    """One way of using one model, in the words of the configuration."""

    model: str
    family: str
    pair: str
    match: str
    weights: str
    mode: str
    strategy: str


@dataclass(frozen=True)
class Run:
    """One finished run, without its counts."""

    folder: str
    record: Record
    alarms: tuple[alarms.Alarm, ...] = ()

    @property
    def seed(self) -> int:
        """The training seed."""
        return self.record.cell.seed


@dataclass(frozen=True)
class Score:
    """One metric of one arm."""

    metric: str
    title: str
    per_seed: tuple[float, ...]
    estimate: Estimate
    majority: float | None  # the rule that ignores the input


@dataclass(frozen=True)
class SliceScore:
    """One diagnostic slice of one arm."""

    name: str
    units: int
    cap: float | None
    estimate: Estimate  # over seeds and clusters of units
    marked: float | None  # share of units answered as some entity; None where nothing is marked


@dataclass(frozen=True)
class Arm:
    """Runs that differ in their seed only."""

    key: ArmKey
    variant: Mapping[str, str]  # configuration that tells it from arms of the same key
    runs: tuple[Run, ...]  # by seed
    scores: tuple[Score, ...]  # headline first; empty where refused
    slices: tuple[SliceScore, ...]
    refused: tuple[str, ...] = ()  # fields that should agree between the runs and do not

    @property
    def first(self) -> Record:
        """A record of the arm, for what all its runs share."""
        return self.runs[0].record

    @property
    def description(self) -> str:
        """The model in words, with its mode where that is not the family's own."""
        facts = self.first.model
        key = self.key
        text = facts.description if facts else f"{key.model}, {key.pair}, {key.weights}"
        if NATIVE.get(key.family) != key.mode:
            text += f", {key.mode}"
        if key.strategy != "full":
            text += f", {key.strategy}"
        return ", ".join([text, *(f"{name}={value}" for name, value in self.variant.items())])

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds with a finished run."""
        return tuple(run.seed for run in self.runs)

    @property
    def voids(self) -> tuple[tuple[int, alarms.Alarm], ...]:
        """Alarms that void a verdict, with the seed that set them off."""
        return tuple(
            (run.seed, alarm)
            for run in self.runs
            for alarm in run.alarms
            if alarm.severity == alarms.VOID
        )


@dataclass(frozen=True)
class Contrast:
    """BERT minus GPT, paired by seed and example."""

    gpt: Arm
    bert: Arm
    difference: Estimate | None  # None where refused
    slices: Mapping[str, Estimate] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    incomplete: tuple[str, ...] = ()  # seeds that one side lacks, in words
    refused: tuple[str, ...] = ()

    @property
    def native(self) -> bool:
        """True where both families read as they were built to."""
        return all(NATIVE.get(arm.key.family) == arm.key.mode for arm in (self.gpt, self.bert))

    @property
    def smoke(self) -> bool:
        """True where a run comes from a sweep that only tries the pipeline."""
        return any(run.record.sweep == SMOKE for arm in (self.gpt, self.bert) for run in arm.runs)


@dataclass(frozen=True)
class Group:
    """Everything that may be compared with one another."""

    key: GroupKey
    arms: tuple[Arm, ...]
    contrasts: tuple[Contrast, ...]
    missing: tuple[str, ...] = ()  # halves of a pair that no finished run stands for
    variant: Mapping[str, str] = field(default_factory=dict)  # tells it from its namesakes

    @property
    def embedded(self) -> bool:
        """True for the generated world, which shows mechanism and ranks nothing."""
        return self.key.source == "embedded"


@dataclass(frozen=True)
class Tuning:
    """Trials of a learning rate for one model, scored on the dev split."""

    task: str
    data: str
    key: ArmKey
    description: str
    embedded: bool
    trials: tuple[tuple[float, int, float], ...]  # learning rate, seed, score


@dataclass(frozen=True)
class Failure:
    """A run that ended without a result."""

    folder: str
    record: Record


@dataclass(frozen=True)
class Comparison:
    """All that a report needs."""

    groups: tuple[Group, ...]
    tunings: tuple[Tuning, ...] = ()
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()
    records: int = 0

    @property
    def runs(self) -> Iterator[Run]:
        """Every finished result."""
        for group in self.groups:
            for arm in group.arms:
                yield from arm.runs


class _Layout(NamedTuple):
    """Which units the counts judge: the same object for all runs on the same data."""

    slice: Ints
    cluster: Ints  # by name where there is one, else by example
    slices: tuple[str, ...]


class _Table(NamedTuple):
    """One run's counts, reduced."""

    ratios: tuple[tuple[Small, Small], ...]  # per metric
    values: tuple[float, ...]
    layout: _Layout | None
    correct: NDArray[np.int8]
    marked: NDArray[np.int8] | None


class _Loaded(NamedTuple):
    run: Run
    table: _Table


class Shelf:
    """Keeps one copy of equal things, as ten thousand records repeat the same few."""

    def __init__(self) -> None:
        self._kept: dict[object, Any] = {}

    def keep(self, key: object, value: Any) -> Any:
        """The first value that came with this key."""
        return self._kept.setdefault(key, value)

    def slim(self, found: Record) -> Record:
        """The record with its repeated parts shared."""
        changes = {}
        for name in ("config", "environment", "data", "model", "tuning", "majority"):
            value = getattr(found, name)
            if value is not None:
                plain = vars(value) if name in ("data", "model") else value
                changes[name] = self.keep((name, record.canonical(plain)), value)
        return dataclasses.replace(found, **changes)


def compare(root: Path) -> Comparison:
    """Read every record below a folder and put together what belongs together."""
    shelf, warnings, failures = Shelf(), list[str](), list[Failure]()
    results, trials = list[_Loaded](), list[_Loaded]()
    total = 0
    for folder in record.folders(root):
        total += 1
        name = str(folder.relative_to(root))
        try:
            found = shelf.slim(record.read(folder))
            if found.outcome.status != "finished":
                failures.append(Failure(name, found))
                continue
            tuning = found.cell.role == "tuning"
            loaded = _load(folder, name, found, shelf, examine=not tuning)
        except RecordError as error:
            warnings.append(str(error))
        except (OSError, TypeError, ValueError, LookupError, AttributeError) as error:
            warnings.append(f"{folder}: damaged ({type(error).__name__}: {error}); left out")
        else:
            (trials if tuning else results).append(loaded)
    results = _newest(results, warnings)
    groups = tuple(_groups(results, failures))
    return Comparison(groups, tuple(_tunings(trials)), tuple(failures), tuple(warnings), total)


@lru_cache(maxsize=64)
def metric_of(name: str) -> tuple[Metric, str]:
    """A metric module and its title; RecordError where this version has no such metric."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise RecordError(f"{name!r} is no name of a metric")
    try:
        module = import_module(f"harness.metrics.{name}")
    except ImportError:
        raise RecordError(f"metric {name!r} is unknown to this version") from None
    return cast(Metric, module), str(module.TITLE)


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as dotted keys; lists stay values."""
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            flat.update(flatten(item, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = item
    return flat


# --- reading ------------------------------------------------------------------------------------


def _load(folder: Path, name: str, found: Record, shelf: Shelf, examine: bool) -> _Loaded:
    if found.data is None or found.evaluated is None or not found.metrics:
        raise RecordError(f"{folder}: finished, but without data, evaluated or metrics; left out")
    raw = record.read_counts(folder, found.counts_digest)
    try:
        counts = _checked(raw, found.data.sizes[found.evaluated])
        ratios = tuple(_ratio(metric_of(name)[0], raw) for name in found.metrics)
        totals = {key: float(np.sum(column)) for key, column in counts.columns.items()}
        values = tuple(metric_of(name)[0].value(totals) for name in found.metrics)
        table = _Table(ratios, values, *_units(counts, shelf))
    except (RecordError, TypeError, ValueError, LookupError) as error:
        raise RecordError(f"{folder / record.COUNTS}: {_words(error)}; left out") from None
    rung = tuple(alarms.examine(found, counts)) if examine else ()
    return _Loaded(Run(name, found, rung), table)


def _words(error: Exception) -> str:
    return f"column {error} is missing" if isinstance(error, KeyError) else str(error)


def _checked(raw: CountTable, size: int) -> CountTable:
    """The same counts as arrays of integers, all of a length, pointing where something is."""
    if size < 1:
        raise RecordError("no example was judged")
    columns = {key: _integers(column, size) for key, column in raw.columns.items()}
    length = len(raw.units["slice"]) if raw.units else 0
    units = {key: _integers(column, length) for key, column in raw.units.items()}
    tops = {"example": size, "slice": len(raw.slices), "key": len(raw.keys)}
    for name, top in tops.items() if length else ():
        if not 0 <= units[name].min() <= units[name].max() < top:
            raise RecordError(f"units: {name} points outside its table")
    as_columns = cast(Mapping[str, Sequence[int]], columns)
    as_units = cast(Mapping[str, Sequence[int]], units)
    return CountTable(as_columns, as_units, tuple(raw.slices), tuple(raw.keys))


def _integers(column: Sequence[int], size: int) -> Ints:
    values = np.asarray(column)
    if values.shape != (size,) or (size and values.dtype.kind not in "iub"):
        raise RecordError(f"expected {size} integers in a column, got {values.shape}")
    return values.astype(np.int64)


def _ratio(metric: Metric, counts: CountTable) -> tuple[Small, Small]:
    num, den = metric.ratio(counts.columns)
    return np.asarray(num, np.float32), np.asarray(den, np.float32)


def _units(
    counts: CountTable, shelf: Shelf
) -> tuple[_Layout | None, NDArray[np.int8], NDArray[np.int8] | None]:
    units = cast(Mapping[str, Ints], counts.units)
    if not units or not units["slice"].size:
        return None, np.empty(0, np.int8), None
    example, index, key = units["example"], units["slice"], units["key"]
    place = (example.tobytes(), index.tobytes(), key.tobytes(), counts.slices, counts.keys)
    named = np.array([bool(text) for text in counts.keys])
    cluster = np.where(named[key], key, len(counts.keys) + example)
    layout = shelf.keep(place, _Layout(index, cluster, tuple(counts.slices)))
    entities = "tp" in counts.columns and "marked" in units  # a whole sentence is always answered
    marked = units["marked"].astype(np.int8) if entities else None
    return layout, units["correct"].astype(np.int8), marked


def _newest(results: Iterable[_Loaded], warnings: list[str]) -> list[_Loaded]:
    """One run per identity: the copy that finished last (folders may be merged)."""
    kept: dict[str, _Loaded] = {}
    for loaded in sorted(results, key=lambda one: one.run.record.finished_at or ""):
        found = loaded.run.record
        if found.identity in kept:
            warnings.append(
                f"{kept[found.identity].run.folder} and {loaded.run.folder} are the same run "
                f"({found.identity[:12]}); the one that finished last is used"
            )
        kept[found.identity] = loaded
    return list(kept.values())


# --- grouping -----------------------------------------------------------------------------------


def _groups(results: Sequence[_Loaded], failures: Sequence[Failure]) -> Iterator[Group]:
    buckets: dict[GroupKey, list[_Loaded]] = defaultdict(list)
    for loaded in results:
        buckets[_group_key(loaded.run.record)].append(loaded)
    for key in sorted(buckets):
        arms = _arms(buckets[key])
        yield Group(
            key,
            tuple(arm for arm, _ in arms),
            tuple(_contrasts(arms)),
            tuple(_missing(arms, key, failures)),
            _told_apart(key, buckets),
        )


def _told_apart(key: GroupKey, keys: Iterable[GroupKey]) -> dict[str, str]:
    """In what a group differs from others on data of the same name."""
    namesakes = [_key_facts(one) for one in keys if one[:2] == key[:2]]
    ours = _key_facts(key)
    return {name: ours.get(name, "-") for name in _differing(namesakes)}


def _key_facts(key: GroupKey) -> dict[str, str]:
    facts = {"source": key.source, "split": key.evaluated, "metrics": " ".join(key.metrics)}
    facts["experiment version"] = str(key.experiment_version)
    return facts | {f"{split} digest": text[:8] for split, text in key.digests}


def _group_key(found: Record) -> GroupKey:
    data = found.data
    assert data is not None  # `_load` refused the others
    assert found.evaluated is not None
    return GroupKey(
        found.cell.task,
        data.name,
        data.source,
        found.evaluated,
        tuple(found.metrics),
        found.experiment_version,
        tuple(sorted(data.digests.items())),
    )


def _arm_key(found: Record) -> ArmKey:
    return ArmKey(*(getattr(found.cell, name) for name in ArmKey._fields))


_Arms = list[tuple[Arm, list[_Table]]]


def _arms(bucket: Sequence[_Loaded]) -> _Arms:
    by_key: dict[ArmKey, list[_Loaded]] = defaultdict(list)
    for loaded in bucket:
        by_key[_arm_key(loaded.run.record)].append(loaded)
    return [arm for key in sorted(by_key, key=_order) for arm in _variants(key, by_key[key])]


def _order(key: ArmKey) -> tuple[bool, bool, ArmKey]:
    """Pretrained before scratch, GPT before BERT as in the title, then by name."""
    return key.weights == SCRATCH, key.family != "gpt", key


def _variants(key: ArmKey, members: Sequence[_Loaded]) -> Iterator[tuple[Arm, list[_Table]]]:
    """One arm per configuration, named by the keys in which the configurations differ."""
    by_config: dict[str, list[_Loaded]] = defaultdict(list)
    configs: dict[str, dict[str, str]] = {}
    for loaded in members:
        config = _plain(loaded.run.record)
        text = record.canonical(config)
        by_config[text].append(loaded)
        configs[text] = config
    differing = _differing(list(configs.values()))
    for text in sorted(by_config):
        variant = {name: configs[text].get(name, "-") for name in differing}
        yield _arm(key, variant, by_config[text])


def _plain(found: Record) -> dict[str, str]:
    """The configuration without seeds, flat, every value as text.

    Seeds may differ within an arm: one of data shows in the digests, one of pretraining in the
    digest of the weights, and both keep runs apart.
    """
    flat = flatten(found.config)
    return {
        name: value if isinstance(value, str) else record.canonical(value)
        for name, value in flat.items()
        if name.rpartition(".")[2] != "seed"
    }


def _differing(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    names = sorted({name for table in tables for name in table})
    absent = object()
    return [
        name
        for name in names
        if any(table.get(name, absent) != tables[0].get(name, absent) for table in tables)
    ]


def _arm(
    key: ArmKey, variant: Mapping[str, str], members: list[_Loaded]
) -> tuple[Arm, list[_Table]]:
    members.sort(key=lambda loaded: loaded.run.seed)
    runs = tuple(loaded.run for loaded in members)
    tables = [loaded.table for loaded in members]
    refused = tuple(_unlike(runs, tables))
    if refused:
        return Arm(key, variant, runs, (), (), refused), tables
    return Arm(key, variant, runs, _arm_scores(runs, tables), _arm_slices(runs, tables)), tables


def _unlike(runs: Sequence[Run], tables: Sequence[_Table]) -> Iterator[str]:
    """Facts that repetitions share and these runs do not."""
    yield from _differing([_facts(run.record) for run in runs])
    if any(table.layout is not tables[0].layout for table in tables):
        yield "judged units"
    seeds = [run.seed for run in runs]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        yield "identity (seed " + ", ".join(map(str, twice)) + " occurs twice)"


def _facts(found: Record) -> dict[str, Any]:
    data, model = found.data, found.model
    facts: dict[str, Any] = {}
    if data:
        facts |= {"data.classes": list(data.classes), "data.caps": data.caps}
        facts |= {"data.reader": data.reader}
    if model:
        names = ["parameters", "tokenizer_digest", "label_piece", "pooling", "precision"]
        if found.cell.weights != SCRATCH:  # fresh weights differ with the seed, and should
            names.append("weights_digest")
        facts |= {f"model.{name}": getattr(model, name) for name in names}
    return facts


def _arm_scores(runs: Sequence[Run], tables: Sequence[_Table]) -> tuple[Score, ...]:
    found = runs[0].record
    scores = []
    for index, name in enumerate(found.metrics):
        metric, title = metric_of(name)
        estimate = stats.mean_interval(_psi(tables, index), bounds=(0.0, 1.0))
        per_seed = tuple(table.values[index] for table in tables)
        scores.append(Score(name, title, per_seed, estimate, _majority(found, metric)))
    return tuple(scores)


def _majority(found: Record, metric: Metric) -> float | None:
    if found.majority is None:
        return None
    try:
        return metric.value({name: float(total) for name, total in found.majority.items()})
    except KeyError:  # a rule that was not scored by this metric
        return None


def _psi(tables: Sequence[_Table], metric: int = 0) -> stats.Matrix:
    num = np.stack([table.ratios[metric][0] for table in tables])
    den = np.stack([table.ratios[metric][1] for table in tables])
    return stats.linearise(num, den)


def _arm_slices(runs: Sequence[Run], tables: Sequence[_Table]) -> tuple[SliceScore, ...]:
    layout, data = tables[0].layout, runs[0].record.data
    if layout is None or data is None:
        return ()
    correct = np.stack([table.correct for table in tables])
    parts = [table.marked for table in tables if table.marked is not None]
    marked = np.stack(parts) if len(parts) == len(tables) else None
    scores = []
    for index, name in enumerate(layout.slices):
        here = layout.slice == index
        if here.any():
            estimate = stats.share_interval(correct[:, here], layout.cluster[here])
            share = None if marked is None else float(marked[:, here].mean())
            scores.append(SliceScore(name, int(here.sum()), data.caps.get(name), estimate, share))
    return tuple(scores)


# --- pairs --------------------------------------------------------------------------------------


def _contrasts(arms: _Arms) -> Iterator[Contrast]:
    for left, right in _pairs(arms):
        yield _contrast(left, right)


def _pair_key(arm: Arm) -> tuple[str, str, bool]:
    return arm.key.pair, arm.key.strategy, arm.key.weights == SCRATCH


def _pairs(arms: _Arms) -> Iterator[tuple[tuple[Arm, list[_Table]], tuple[Arm, list[_Table]]]]:
    for left in arms:
        for right in arms:
            families = (left[0].key.family, right[0].key.family) == ("gpt", "bert")
            if families and _pair_key(left[0]) == _pair_key(right[0]) and _same(left[0], right[0]):
                yield left, right


def _same(left: Arm, right: Arm) -> bool:
    """False where a setting that tells an arm from its own variants has another value there.

    With several epochs per model, each is paired with the same number of the other. The models'
    own settings, and learning rates that were tuned for each, may differ.
    """
    ours, theirs = _plain(left.first), _plain(right.first)
    free = {LEARNING_RATE} if left.first.tuning and right.first.tuning else set()
    return all(
        ours[name] == theirs[name]
        for name in {*left.variant, *right.variant} - free
        if name in ours and name in theirs and not name.startswith(OWN)
    )


def _contrast(left: tuple[Arm, list[_Table]], right: tuple[Arm, list[_Table]]) -> Contrast:
    (gpt, gpt_tables), (bert, bert_tables) = left, right
    refused = tuple(
        f"{arm.key.model}: {name}" for arm in (gpt, bert) for name in arm.refused
    ) or tuple(_unlike_sides(gpt, bert))
    if refused:
        return Contrast(gpt, bert, None, refused=refused)
    shared = tuple(sorted(set(gpt.seeds) & set(bert.seeds)))
    ours = [gpt_tables[gpt.seeds.index(seed)] for seed in shared]
    theirs = [bert_tables[bert.seeds.index(seed)] for seed in shared]
    incomplete = tuple(_alone(gpt, bert)) + tuple(_alone(bert, gpt))
    if not shared:
        empty = Estimate(float("nan"), 0, 0, note="no seed that both models finished")
        return Contrast(gpt, bert, empty, incomplete=incomplete)
    difference = stats.mean_interval(_psi(theirs) - _psi(ours))
    return Contrast(gpt, bert, difference, _slice_differences(ours, theirs), shared, incomplete)


def _alone(arm: Arm, other: Arm) -> Iterator[str]:
    seeds = [str(seed) for seed in arm.seeds if seed not in other.seeds]
    if seeds:
        name = f"{other.key.model} ({other.key.mode})"
        word = "seed" if len(seeds) == 1 else "seeds"
        yield f"{word} {', '.join(seeds)}: no finished run of {name}"


def _unlike_sides(gpt: Arm, bert: Arm) -> Iterator[str]:
    for name in ("precision",):
        sides = [getattr(arm.first.model, name, None) for arm in (gpt, bert)]
        if sides[0] != sides[1]:
            yield f"model.{name}"
    classes = [arm.first.data.classes if arm.first.data else () for arm in (gpt, bert)]
    if list(classes[0]) != list(classes[1]):
        yield "data.classes"


def _slice_differences(ours: Sequence[_Table], theirs: Sequence[_Table]) -> dict[str, Estimate]:
    layout = ours[0].layout
    if layout is None or theirs[0].layout is not layout:
        return {}
    right = [np.stack([table.correct for table in side]) for side in (ours, theirs)]
    found = {}
    for index, name in enumerate(layout.slices):
        here = layout.slice == index
        if here.any():
            cluster = layout.cluster[here]
            values = [stats.cluster_values(side[:, here], cluster) for side in right]
            found[name] = stats.mean_interval(values[1] - values[0])
    return found


def _missing(arms: _Arms, key: GroupKey, failures: Sequence[Failure]) -> Iterator[str]:
    present = {(_pair_key(arm), arm.key.family) for arm, _ in arms}
    for pair in sorted({pair for pair, _ in present}):
        for family in ("gpt", "bert"):
            if (pair, family) not in present:
                name = f"{pair[0]}, {pair[1]}" + (f", {SCRATCH}" if pair[2] else "")
                failed = sum(_failed_here(one.record, key, pair, family) for one in failures)
                yield f"{name}: no finished {family.upper()} run ({failed} failed)"


def _failed_here(found: Record, key: GroupKey, pair: tuple[str, str, bool], family: str) -> bool:
    cell = found.cell
    return (cell.task, cell.data) == (key.task, key.data) and (
        (cell.pair, cell.strategy, cell.weights == SCRATCH, cell.family) == (*pair, family)
    )


# --- tuning -------------------------------------------------------------------------------------


def _tunings(trials: Sequence[_Loaded]) -> Iterator[Tuning]:
    buckets: dict[tuple[GroupKey, ArmKey], list[_Loaded]] = defaultdict(list)
    for loaded in trials:
        buckets[_group_key(loaded.run.record), _arm_key(loaded.run.record)].append(loaded)
    for (group, key), members in sorted(buckets.items(), key=lambda item: item[0]):
        rows = [
            (rate, one.run.seed, one.table.values[0])
            for one in members
            if (rate := _learning_rate(one.run.record)) is not None
        ]
        facts = members[0].run.record.model
        text = facts.description if facts else key.model
        embedded = group.source == "embedded"
        yield Tuning(group.task, group.data, key, text, embedded, tuple(sorted(rows)))


def _learning_rate(found: Record) -> float | None:
    value = flatten(found.config).get(LEARNING_RATE)
    return float(value) if isinstance(value, int | float) else None
