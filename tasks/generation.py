"""A text for an input: how written texts are judged.

Where the data can judge a text exactly (`Splits.grade`), that comes first; n-gram overlap with
the references and what the texts look like follow. Nothing here knows how a text was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness import metrics
from harness.contracts import Counts, Example, InputError, Splits, Written
from harness.examples.data import Judged, unit_columns
from harness.metrics import slot_error

OVERLAP = ("bleu", "chrf", "rouge_l")
LOOKS = ("repetition", "distinct_1", "distinct_2", "empty", "cut_off")

Columns = dict[str, Sequence[int]]


@dataclass(frozen=True)
class Generation:
    """Implements `contracts.TextTask`."""

    name: str = "generation"

    @property
    def shape(self) -> str:
        """An answer is a text."""
        return "text"

    def metrics(self, splits: Splits) -> tuple[str, ...]:
        """The data's exact ones first, then overlap with references, then what texts look like."""
        return (*splits.metrics, *OVERLAP, *LOOKS)

    def judge(
        self, examples: Sequence[Example], answers: Sequence[Written], splits: Splits
    ) -> Counts:
        """The columns of all metrics, and `same_as_first`: texts that equal the first one.

        Where slots are graded, a unit of an example is correct if its text has no slot error.
        Raises InputError for an example without reference texts.
        """
        texts = [answer.words for answer in answers]
        first = texts[0] if texts else ()
        columns: Columns = {
            "total": [1] * len(examples),
            "cut_off": [int(answer.cut_off) for answer in answers],
            "same_as_first": [int(words == first) for words in texts],
        }
        columns |= self._counted(examples, texts)
        if splits.grade is not None:
            rows = [splits.grade(e, words) for e, words in zip(examples, texts, strict=True)]
            names = {name for one in splits.metrics for name in metrics.meter(one).columns}
            columns |= _columns(sorted(names - {"total"}), rows)
        return Counts(columns, *unit_columns(_judged(examples, columns)))

    def headline(
        self, examples: Sequence[Example], answers: Sequence[Written], splits: Splits
    ) -> float:
        """The first metric alone: what is looked at again and again while a model is trained."""
        meter = metrics.meter(self.metrics(splits)[0])
        pairs = zip(examples, (answer.words for answer in answers), strict=True)
        if splits.grade is not None:
            rows = [splits.grade(example, words) for example, words in pairs]
        else:
            assert meter.count is not None  # `OVERLAP` counts text by text
            rows = [meter.count(words, self._references(example)) for example, words in pairs]
        return meter.value({name: sum(row[name] for row in rows) for name in meter.columns})

    def majority(self, splits: Splits) -> list[Written]:
        """The most frequent training reference for every test example; the first one in a tie."""
        seen = Counter(text for example in splits.train for text in self._references(example))
        most = max(seen, key=seen.__getitem__)
        return [Written(tuple(most.split()))] * len(splits.test)

    def signatures(self, splits: Splits) -> Mapping[str, str]:
        """Settings and version behind each metric of overlap, on the test split."""
        references = [self._references(example) for example in splits.test or splits.dev]
        made = {name: metrics.meter(name).signature for name in OVERLAP}
        return {name: sign(references) for name, sign in made.items() if sign is not None}

    def _counted(self, examples: Sequence[Example], texts: Sequence[Sequence[str]]) -> Columns:
        """What the text metrics count by themselves."""
        references = [self._references(example) for example in examples]
        columns: Columns = {}
        for meter in map(metrics.meter, (*OVERLAP, *LOOKS)):
            if meter.count is not None:
                rows = [meter.count(*pair) for pair in zip(texts, references, strict=True)]
                columns |= _columns([name for name in meter.columns if name != "total"], rows)
            elif meter.count_all is not None:
                columns |= meter.count_all(texts)
        return columns

    def _references(self, example: Example) -> tuple[str, ...]:
        if isinstance(example.target, int) or not example.target:
            raise InputError(
                f"example {example.id}: expected one or more reference texts, got "
                f"{example.target!r}; use data=... with {self.name} examples"
            )
        return example.target


def _columns(names: Sequence[str], rows: Sequence[Mapping[str, int]]) -> Columns:
    return {name: [row[name] for row in rows] for name in names}


def _judged(examples: Sequence[Example], columns: Columns) -> Iterable[Judged]:
    if not set(slot_error.ERRORS) <= columns.keys():
        return []
    errors = slot_error.errors(columns)
    return (
        Judged(row, unit, correct=not errors[row], marked=True)
        for row, example in enumerate(examples)
        for unit in example.units
    )
