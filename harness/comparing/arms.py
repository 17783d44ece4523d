"""Runs that differ in their seed only make an arm: its scores, its slices, its refusals.

What should agree between the runs of an arm and does not is refused by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from harness import diagnosis, metrics, record
from harness.comparing import shelf
from harness.comparing.comparison import (
    NATIVE,
    NATIVE_WRITING,
    SCRATCH,
    Arm,
    ArmKey,
    GroupKey,
    Run,
    Score,
    SliceScore,
)
from harness.comparing.shelf import Loaded, Table
from harness.metrics import Meter
from harness.record import Record
from harness.statistics import stats
from harness.statistics.stats import Estimate


class Tabled(NamedTuple):
    """An arm with the counts of its runs, in the same order."""

    arm: Arm
    tables: list[Table]


def group_key(found: Record) -> GroupKey:
    """What this run shares with all that it may be compared with."""
    data = found.data
    assert data is not None  # `shelf.load` refused the others
    assert found.evaluated is not None
    return GroupKey(
        found.cell.task,
        data.name,
        data.source,
        found.evaluated,
        tuple(found.metrics),
        found.experiment_version,
        tuple(sorted(data.digests.items())),
        shelf.hardware(found.environment),
    )


def arm_key(found: Record) -> ArmKey:
    """Which way of using which model this run is one of."""
    return ArmKey(*(getattr(found.cell, name) for name in ArmKey._fields))


def untaught(found: Record) -> bool:
    """Whether a model answered as it came: nothing was trained, and no solved example shown."""
    log, settings = found.training, record.flatten(found.config)
    return log is not None and log.steps == 0 and not settings.get("strategy.shots")


def arms(bucket: Sequence[Loaded]) -> list[Tabled]:
    """The runs of one group as arms, in the order in which a report shows them."""
    by_key: dict[ArmKey, list[Loaded]] = defaultdict(list)
    for loaded in bucket:
        by_key[arm_key(loaded.run.record)].append(loaded)
    return [arm for key in sorted(by_key, key=_order) for arm in _variants(key, by_key[key])]


def _order(key: ArmKey) -> tuple[bool, str, bool, bool, ArmKey]:
    """Pretrained before scratch, pair by pair, GPT before BERT, the usual mode before others."""
    usual = key.mode in (NATIVE.get(key.family), NATIVE_WRITING.get(key.family))
    return key.weights == SCRATCH, key.pair, key.family != "gpt", not usual, key


def _variants(key: ArmKey, members: Sequence[Loaded]) -> Iterator[Tabled]:
    """One arm per configuration, named by the keys in which the configurations differ."""
    by_config: dict[str, list[Loaded]] = defaultdict(list)
    configs: dict[str, dict[str, str]] = {}
    for loaded in members:
        config = plain(loaded.run.record)
        text = record.canonical(config)
        by_config[text].append(loaded)
        configs[text] = config
    names = differing(list(configs.values()))
    for text in sorted(by_config):
        variant = {name: configs[text].get(name, "-") for name in names}
        yield _arm(key, variant, by_config[text])


def plain(found: Record) -> dict[str, str]:
    """The configuration without seeds, flat, every value as text.

    Seeds may differ within an arm: one of data shows in the digests, one of pretraining in the
    digest of the weights, and both keep runs apart.
    """
    flat = record.flatten(found.config)
    return {
        name: value if isinstance(value, str) else record.canonical(value)
        for name, value in flat.items()
        if name.rpartition(".")[2] != "seed"
    }


def differing(tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names under which these tables do not all hold the same; absent is a value of its own."""
    names = sorted({name for table in tables for name in table})
    absent = object()
    return [
        name
        for name in names
        if any(table.get(name, absent) != tables[0].get(name, absent) for table in tables)
    ]


def _arm(key: ArmKey, variant: Mapping[str, str], members: list[Loaded]) -> Tabled:
    members.sort(key=lambda loaded: loaded.run.seed)
    runs = tuple(loaded.run for loaded in members)
    tables = [loaded.table for loaded in members]
    refused = tuple(_unlike(runs, tables))
    if refused:
        return Tabled(Arm(key, variant, runs, (), (), refused), tables)
    scores, slices = _arm_scores(runs, tables), _arm_slices(runs, tables)
    wrote = metrics.of_texts(runs[0].record.metrics)
    samples = shelf.samples(members[0].folder) if wrote else ()
    told = diagnosis.diagnosed(
        [table.detail for table in tables],
        [run.seed for run in runs],
        runs[0].record.majority,
    )
    arm = Arm(
        key,
        variant,
        runs,
        scores,
        slices,
        samples=samples,
        values=_values(runs, tables),
        columns=_columns(tables),
        diagnosis=told,
    )
    return Tabled(arm, tables)


def _values(runs: Sequence[Run], tables: Sequence[Table]) -> stats.Matrix | None:
    headline = metrics.meter(runs[0].record.metrics[0])
    return None if headline.ratio is None and headline.values is None else psi(tables)


def _columns(tables: Sequence[Table]) -> dict[str, stats.Matrix] | None:
    sums = [table.sums for table in tables if table.sums is not None]
    if not sums:
        return None
    return {name: np.stack([one[name] for one in sums]).astype(np.float64) for name in sums[0]}


def _unlike(runs: Sequence[Run], tables: Sequence[Table]) -> Iterator[str]:
    """Facts that repetitions share and these runs do not."""
    yield from differing([_facts(run.record) for run in runs])
    if any(table.layout is not tables[0].layout for table in tables):
        yield "judged units"
    seeds = [run.seed for run in runs]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        yield "identity (seed " + ", ".join(map(str, twice)) + " occurs twice)"


def _facts(found: Record) -> dict[str, Any]:
    data, model = found.data, found.model
    facts: dict[str, Any] = {f"signatures.{k}": text for k, text in found.signatures.items()}
    if data:
        facts |= {"data.classes": list(data.classes), "data.caps": data.caps}
        facts |= {"data.reader": data.reader}
    if model:
        names = ["parameters", "tokenizer_digest", "label_piece", "pooling", "precision"]
        if found.cell.weights != SCRATCH:  # fresh weights differ with the seed, and should
            names.append("weights_digest")
        facts |= {f"model.{name}": getattr(model, name) for name in names}
    return facts


def _arm_scores(runs: Sequence[Run], tables: Sequence[Table]) -> tuple[Score, ...]:
    found = runs[0].record
    scores = []
    for index, meter in enumerate(map(metrics.meter, found.metrics)):
        estimate = estimated(meter, index, tables)
        per_seed = tuple(table.values[index] for table in tables)
        scores.append(Score(meter, per_seed, estimate, _majority(found, meter)))
    return tuple(scores)


def estimated(
    meter: Meter, index: int, tables: Sequence[Table], minus: Sequence[Table] = ()
) -> Estimate:
    """A metric over these runs, or its paired difference from the same seeds of other runs.

    The limits of the metric cut its interval. Where a text has no error of its own there is
    none, and the note says why.
    """
    if meter.ratio is None and meter.values is None:
        values = [table.values[index] for table in tables]
        apart = (
            [a - b.values[index] for a, b in zip(values, minus, strict=True)] if minus else values
        )
        return Estimate(float(np.mean(apart)), len(tables), tables[0].size, note=meter.no_interval)
    if minus:
        return stats.mean_interval(psi(tables, index) - psi(minus, index))
    return stats.mean_interval(psi(tables, index), bounds=meter.limits)


def _majority(found: Record, meter: Meter) -> float | None:
    if found.majority is None:
        return None
    try:
        return meter.value({name: float(total) for name, total in found.majority.items()})
    except KeyError:  # a rule that was not scored by this metric
        return None


def psi(tables: Sequence[Table], metric: int = 0) -> stats.Matrix:
    """Runs x examples, so that the mean over examples is the metric.

    A ratio of sums is linearised; of another formula the table holds pseudo-values over 1.
    """
    parts = [table.ratios[metric] for table in tables]
    num = np.stack([part[0] for part in parts if part is not None])
    den = np.stack([part[1] for part in parts if part is not None])
    return stats.linearise(num, den)


def _arm_slices(runs: Sequence[Run], tables: Sequence[Table]) -> tuple[SliceScore, ...]:
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
