"""One label for a text or a pair of texts: classes, gold answers, and how answers are judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.contracts import Counts, Example, InputError, Splits
from harness.examples.data import Judged, unit_columns
from harness.quoting import shown

METRICS = ("accuracy", "macro_f1", "mcc")


@dataclass(frozen=True)
class Classification:
    """Implements `contracts.LabelTask`; under the name "matching" for pairs of texts.

    `headline` is the one of `METRICS` that decides, and that dev is scored by. Raises InputError
    for another one.
    """

    name: str = "classification"
    headline: str = "accuracy"

    def __post_init__(self) -> None:
        if self.headline not in METRICS:
            raise InputError(
                f"task.headline={shown(self.headline)}: expected one of {', '.join(METRICS)}"
            )

    @property
    def shape(self) -> str:
        """The whole example gets one answer."""
        return "label"

    def metrics(self, splits: Splits) -> tuple[str, ...]:
        """The headline first; macro F1 and MCC do not flatter a model of skewed classes."""
        return (self.headline, *(name for name in METRICS if name != self.headline))

    def classes(self, splits: Splits) -> tuple[str, ...]:
        """The labels, in the data's own order."""
        return splits.labels

    def targets(self, example: Example, classes: Sequence[str]) -> tuple[int, ...]:
        """The gold class index."""
        return (self._gold(example, len(classes)),)

    def judge(
        self, examples: Sequence[Example], answers: Sequence[Sequence[int]], classes: Sequence[str]
    ) -> Counts:
        """Columns `correct`, `total`, and the class indices `pred` and `gold`."""
        gold = [self._gold(example, len(classes)) for example in examples]
        pred = [answer for (answer,) in answers]
        correct = [int(p == g) for p, g in zip(pred, gold, strict=True)]
        units, slices, keys = unit_columns(
            Judged(row, unit, correct=bool(correct[row]), marked=True)
            for row, example in enumerate(examples)
            for unit in example.units
        )
        columns = {"correct": correct, "total": [1] * len(gold), "pred": pred, "gold": gold}
        return Counts(columns, units, slices, keys)

    def majority(self, splits: Splits) -> list[tuple[int, ...]]:
        """The most frequent training label for every test example; the first one in a tie."""
        seen = Counter(self._gold(example, len(splits.labels)) for example in splits.train)
        most = max(range(len(splits.labels)), key=lambda index: seen[index])
        return [(most,)] * len(splits.test)

    def _gold(self, example: Example, classes: int) -> int:
        if not isinstance(example.target, int) or not 0 <= example.target < classes:
            raise InputError(
                f"example {example.id}: target {example.target!r} is no class index, "
                f"expected 0 to {classes - 1}; use data=... with {self.name} examples"
            )
        return example.target
