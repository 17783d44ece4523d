"""What a report reads: groups of comparable runs, arms, paired differences. Frozen values only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness import alarms, metrics
from harness.diagnosis import Diagnosis
from harness.measurement import Measurement, Subject
from harness.metrics import Meter
from harness.record import Record
from harness.searched import Row
from harness.statistics.stats import Estimate, Matrix

SMOKE = "smoke"
SCRATCH = "scratch"
FULL = "full"
"""The strategy where nobody says otherwise: every parameter is tuned."""

NATIVE = {"gpt": "causal", "bert": "bidirectional"}
NATIVE_WRITING = {"gpt": "causal", "bert": "unilm"}
"""How each family does a task where nobody says otherwise: labels, and texts."""


class GroupKey(NamedTuple):
    """What all runs of a group share."""

    task: str
    data: str
    source: str
    evaluated: str
    metrics: tuple[str, ...]
    experiment_version: int
    digests: tuple[tuple[str, str], ...]
    hardware: str  # what trained and answered: another one's arithmetic is other scores

    @property
    def but_labels(self) -> GroupKey:
        """The same of every size of the training split: dev and test, and all else, are shared."""
        digests = tuple(one for one in self.digests if one[0] != "train")
        return self._replace(digests=digests)


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
    checks: tuple[str, ...] = ()  # what this run could be checked for: some of alarms.CHECKS

    @property
    def seed(self) -> int:
        """The training seed."""
        return self.record.cell.seed


class Sample(NamedTuple):
    """What a run wrote for one input, for people to read."""

    id: str
    source: str
    reference: str  # the first
    references: int  # how many there are
    text: str
    cut_off: bool
    slices: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """One metric of one arm."""

    meter: Meter
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


def usual_mode(found: Record) -> bool:
    """Whether a family is used as it is where nobody says otherwise."""
    usual = NATIVE_WRITING if metrics.of_texts(found.metrics) else NATIVE
    return usual.get(found.cell.family) == found.cell.mode


def in_words(found: Record) -> str:
    """The model, with its mode where texts are written or it is not the usual one."""
    cell, facts = found.cell, found.model
    text = facts.description if facts else f"{cell.model}, {cell.pair}, {cell.weights}"
    if metrics.of_texts(found.metrics) or not usual_mode(found):
        text += f", {cell.mode}"
    return text if cell.strategy == FULL else f"{text}, {cell.strategy}"


@dataclass(frozen=True)
class Arm:
    """Runs that differ in their seed only."""

    key: ArmKey
    variant: Mapping[str, str]  # configuration that tells it from arms of the same key
    runs: tuple[Run, ...]  # by seed
    scores: tuple[Score, ...]  # headline first; empty where refused
    slices: tuple[SliceScore, ...]
    refused: tuple[str, ...] = ()  # fields that should agree between the runs and do not
    samples: tuple[Sample, ...] = ()  # of the first run, where it wrote texts
    values: Matrix | None = field(default=None, repr=False, compare=False)
    """Runs x examples, whose mean is the headline score; None where no interval can be had."""
    columns: Mapping[str, Matrix] | None = field(default=None, repr=False, compare=False)
    """What a headline that is no ratio of sums is made of, runs x examples each (BLEU's counts)."""
    diagnosis: Diagnosis | None = None  # None where the records hold nothing to diagnose

    @property
    def first(self) -> Record:
        """A record of the arm, for what all its runs share."""
        return self.runs[0].record

    @property
    def description(self) -> str:
        """The model in words, with what tells it from others of the same key."""
        settings = (f"{name}={value}" for name, value in self.variant.items())
        return ", ".join([in_words(self.first), *settings])

    @property
    def headline(self) -> Meter:
        """The metric that decides."""
        return metrics.meter(self.first.metrics[0])

    @property
    def writes(self) -> bool:
        """True where answers are texts."""
        return metrics.of_texts(self.first.metrics)

    @property
    def native(self) -> bool:
        """True where the family is used as it is where nobody says otherwise."""
        return usual_mode(self.first)

    @property
    def untrained(self) -> bool:
        """True where answers come from a model as it came: nothing was trained."""
        log = self.first.training
        return log is not None and log.steps == 0

    @property
    def fixed(self) -> bool:
        """True where nothing was trained and several seeds gave the same answers."""
        scores = {tuple(one.per_seed) for one in self.scores}
        return (
            self.untrained
            and len(self.runs) > 1
            and all(len(set(values)) == 1 for values in scores)
            and (self.values is None or not np.ptp(self.values, axis=0).any())
        )

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds with a finished run."""
        return tuple(run.seed for run in self.runs)

    @property
    def voids(self) -> tuple[tuple[int, alarms.Alarm], ...]:
        """Alarms that void a verdict, with the seed that set them off."""
        rung = ((run.seed, alarm) for run in self.runs for alarm in run.alarms)
        return tuple((seed, alarm) for seed, alarm in rung if alarm.severity == alarms.VOID)


class Clustered(NamedTuple):
    """One slice of a contrast by cluster of units (a name, or an example): BERT minus GPT."""

    clusters: NDArray[np.int64]  # sorted; the same number is the same cluster in every slice
    values: Matrix  # runs x clusters, whose mean over clusters is the difference of shares


@dataclass(frozen=True)
class Contrast:
    """BERT minus GPT, paired by seed and example."""

    gpt: Arm
    bert: Arm
    difference: Estimate | None  # of the headline metric; None where refused
    others: Mapping[str, Estimate] = field(default_factory=dict)  # of the other metrics
    slices: Mapping[str, Estimate] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    incomplete: tuple[str, ...] = ()  # seeds that one side lacks, in words
    refused: tuple[str, ...] = ()
    mismatches: tuple[str, ...] = ()  # unequal treatment that stands in the way of no comparison
    slice_values: Mapping[str, Clustered] = field(default_factory=dict, repr=False, compare=False)

    @property
    def native(self) -> bool:
        """True where both families are used as they are where nobody says otherwise."""
        return self.gpt.native and self.bert.native

    @property
    def scratch(self) -> bool:
        """True where neither side was pretrained."""
        return self.gpt.key.weights == SCRATCH

    @property
    def smoke(self) -> bool:
        """True where a run comes from a sweep that only tries the pipeline."""
        return any(run.record.sweep == SMOKE for arm in (self.gpt, self.bert) for run in arm.runs)


@dataclass(frozen=True)
class Control:
    """Pretrained minus scratch, paired by seed and example: what pretraining was worth."""

    arm: Arm
    scratch: Arm
    difference: Estimate | None  # None where refused
    seeds: tuple[int, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Everything that may be compared with one another."""

    key: GroupKey
    arms: tuple[Arm, ...]
    contrasts: tuple[Contrast, ...]
    controls: tuple[Control, ...] = ()
    missing: tuple[str, ...] = ()  # halves of a pair that no finished run stands for
    variant: Mapping[str, str] = field(default_factory=dict)  # tells it from its namesakes

    @property
    def embedded(self) -> bool:
        """True for the generated world, which shows mechanism and ranks nothing."""
        return self.key.source == "embedded"

    @property
    def labels(self) -> int:
        """Labelled examples in the training split; 0 where that is not on record."""
        trained = next((arm for arm in self.arms if not arm.untrained), None)
        arm = trained or next(iter(self.arms), None)
        data = arm.first.data if arm else None
        return data.sizes.get("train", 0) if data else 0


@dataclass(frozen=True)
class Tuning:
    """Trials of a learning rate, or of a search, for one model, scored on the dev split."""

    task: str
    data: str
    metric: str
    description: str
    embedded: bool
    trials: tuple[tuple[float, int, float], ...]  # learning rate, seed, score
    first: Record  # of the finished ones, for what they share
    rows: tuple[Row, ...]  # failed ones as well, with all that was varied


@dataclass(frozen=True)
class Failure:
    """A run that ended without a result."""

    folder: str
    record: Record


class Tuned(NamedTuple):
    """Where the weights come from that were measured."""

    group: Group
    arm: Arm
    run: Run


@dataclass(frozen=True)
class Comparison:
    """All that a report needs."""

    groups: tuple[Group, ...]
    tunings: tuple[Tuning, ...] = ()
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()
    records: int = 0
    measurements: tuple[Measurement, ...] = ()
    unsupported: tuple[Record, ...] = ()  # asked for, but makes no sense: one for all seeds

    @property
    def runs(self) -> Iterator[Run]:
        """Every finished result."""
        return (run for group in self.groups for arm in group.arms for run in arm.runs)

    def tuned(self, subject: Subject) -> Tuned | None:
        """The run that kept these very weights; None where there is none.

        One training may stand behind several cells (two ways of decoding): where the subject
        names its cell, it must be that one.
        """
        found = (
            Tuned(group, arm, run)
            for group in self.groups
            for arm in group.arms
            for run in arm.runs
            if run.record.checkpoint_digest == subject.checkpoint is not None
            and subject.cell in (None, run.record.identity)
        )
        return next(found, None)
