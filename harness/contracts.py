"""The types that tasks, data readers and the harness exchange. Knows no model and no file.

An example is a list of words; everything that a model adds (pieces, special tokens, padding)
is added later and undone before an answer is judged, so both families answer the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

Target = int | tuple[str, ...]
"""A class index (one answer per example), one IOB2 tag per word, or every reference text."""


class InputError(Exception):
    """A user's mistake: names the file and line (or the key), what was expected, what to do.

    Commands print its text without a traceback and exit with code 2.
    """


class Unit(NamedTuple):
    """A judged part of an example that belongs to a diagnostic slice.

    For a sentence label the unit is the whole example; for tags it is one gold entity.
    """

    slice: str
    start: int
    end: int  # exclusive, in words
    key: str  # what observations cluster by (the entity's name); "" where nothing does


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled example; `words` (and `second`, of a pair) is what both families read."""

    id: str
    words: tuple[str, ...]
    target: Target
    units: tuple[Unit, ...] = ()
    second: tuple[str, ...] = ()  # the other text of a pair


class Written(NamedTuple):
    """A text that a model wrote: its words, and whether it was cut off before its end."""

    words: tuple[str, ...]
    cut_off: bool = False

    @property
    def text(self) -> str:
        """The words with blanks between them."""
        return " ".join(self.words)


Grade = Callable[["Example", Sequence[str]], Mapping[str, int]]
"""Exact judgement of a written text's words against an example: columns of integers.

A function of a module, so that it travels between processes.
"""


@dataclass(frozen=True)
class Splits:
    """A labelled data set, ready to be used.

    `caps` maps a reader ("causal/last", "causal/first", "bidirectional/first", ...) to the
    score per slice of the best such reader over the whole test split, "all" being that split.
    `vocabulary` is the closed list of word pieces where the data has one, else None. `grade`
    is there where written texts have an exact judgement; `metrics` are then its metrics.
    """

    name: str
    task: str  # the task whose targets these are
    source: str  # "embedded" or "files"
    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    test: tuple[Example, ...]
    labels: tuple[str, ...]  # class names, or entity types
    caps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    vocabulary: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()
    grade: Grade | None = None
    metrics: tuple[str, ...] = ()  # of `grade`, headline first
    slices: Mapping[str, str] = field(default_factory=dict)  # what decides each slice, in words


@dataclass(frozen=True)
class Counts:
    """What statistics read: integers per example, and per judged unit, in columns.

    `columns` hold one value per example. `units` hold one value per sliced unit: `example`
    (row), `slice` (index into `slices`), `key` (index into `keys`), `correct` and `marked`
    (0 or 1; marked = the unit's words were answered with some entity, whatever its type).
    `mentions` (of `harness.examples.mentions`) hold one value per gold or answered entity after
    matching: `example` (row), `gold` and `pred` (index into `types`, -1 for none) and `exact` (1
    where first and last word agree). `reliability` holds one value per bin of confidence
    (`harness.statistics.reliability`): `answers`, `right`, and `confidence`, summed in 1/10,000.
    """

    columns: Mapping[str, Sequence[int]]
    units: Mapping[str, Sequence[int]] = field(default_factory=dict)
    slices: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    mentions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    types: tuple[str, ...] = ()
    reliability: Mapping[str, Sequence[int]] = field(default_factory=dict)


class Metric(Protocol):
    """A metric is integers per example plus a formula over their sums.

    Implemented by the modules of `harness.metrics`; what else they may hold is told there.
    """

    @staticmethod
    def value(totals: Mapping[str, float]) -> float:
        """The score from summed columns."""


class Task(Protocol):
    """What is asked of a model. Implemented as a `LabelTask`, `RankingTask` or `TextTask`."""

    @property
    def name(self) -> str:
        """The kind of examples that it reads: what `Splits.task` must say.

        Reports call a task by its choice in the configuration (conf/task/), so that several may
        read the same examples.
        """

    @property
    def shape(self) -> str:
        """What an answer is: "label" (one an example), "tags" (one a word) or "text"."""

    def metrics(self, splits: Splits) -> tuple[str, ...]:
        """Modules of `harness.metrics`; the first is the headline."""


class LabelTask(Task, Protocol):
    """Answers are class indices: one an example, or one a word."""

    def classes(self, splits: Splits) -> tuple[str, ...]:
        """What the answer indices mean."""

    def targets(self, example: Example, classes: Sequence[str]) -> tuple[int, ...]:
        """Gold answer indices: one, or one per word."""

    def judge(
        self, examples: Sequence[Example], answers: Sequence[Sequence[int]], classes: Sequence[str]
    ) -> Counts:
        """Counts per example; an answer shorter than the words was cut and misses the rest."""

    def majority(self, splits: Splits) -> list[tuple[int, ...]]:
        """Answers to the test split of the rule that ignores the input."""


class RankingTask(Task, Protocol):
    """Answers are class indices, one an example, as of a `LabelTask`; examples are judged by order.

    What orders them is the log-odds of one class. They tell apart what a probability near 0 or 1
    rounds to the same number.
    """

    def classes(self, splits: Splits) -> tuple[str, ...]:
        """What the answer indices mean."""

    def targets(self, example: Example, classes: Sequence[str]) -> tuple[int, ...]:
        """The gold answer index."""

    def scored_class(self, classes: Sequence[str]) -> int:
        """Index of the class whose log-odds are the scores."""

    def judge(
        self,
        examples: Sequence[Example],
        answers: Sequence[Sequence[int]],
        classes: Sequence[str],
        scores: Sequence[float],
    ) -> Counts:
        """Counts per example; equal scores are a tie and no order."""

    def majority(self, splits: Splits) -> list[tuple[int, ...]]:
        """Answers to the test split of the rule that ignores the input; its scores all tie."""


class TextTask(Task, Protocol):
    """Answers are texts; an example's `target` holds every reference."""

    def judge(
        self, examples: Sequence[Example], answers: Sequence[Written], splits: Splits
    ) -> Counts:
        """Counts per example, in the columns of `metrics`."""

    def headline(
        self, examples: Sequence[Example], answers: Sequence[Written], splits: Splits
    ) -> float:
        """The first of `metrics`, without the others."""

    def majority(self, splits: Splits) -> list[Written]:
        """Texts for the test split by the rule that ignores the input."""

    def signatures(self, splits: Splits) -> Mapping[str, str]:
        """Metric -> the exact settings and version of the library that counted for it."""


class Unsupported(Exception):
    """This combination makes no sense; the text says why. Shown as a dash, not as a failure."""
