"""Which candidates of a query come first: pairs of texts, ordered by the odds of being relevant.

All pairs whose first text is the same, word for word, are the candidates of one query. A model
learns the label of each pair by itself, as in matching; only the judgement is one of order. Two
classes, relevant or not: grades of relevance are not judged in this version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.contracts import Counts, Example, InputError, Splits
from harness.examples.data import Judged, unit_columns
from harness.metrics import auc, mrr, ndcg_10, query_auc
from harness.quoting import listed, shown
from tasks.classification import Classification

METRICS = ("ndcg_10", "auc", "query_auc", "mrr")
WITHIN = {"ndcg_10": ndcg_10.of_query, "query_auc": query_auc.of_query, "mrr": mrr.of_query}
"""Metrics of one query's candidates."""

RELEVANT = ("1", "yes", "true", "relevant", "positive", "match", "same", "clicked")
"""What the relevant class is usually called."""

FEWEST = 10
"""Test queries below which an interval over them is not worth its name (`stats.FEWEST_UNITS`)."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Ranking:
    """Implements `contracts.RankingTask` on examples of matching.

    `headline` is one of `METRICS`; `positive` names the class of the relevant pairs, None finds it
    by its name. Raises InputError for another headline.
    """

    name: str = "matching"
    headline: str = "ndcg_10"
    positive: str | int | bool | None = None

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
        """The headline first; AUC alone where queries have no candidates to be put in order.

        Raises InputError where the classes do not say what is relevant, where a split to score on
        holds one class only, or too few queries for the headline.
        """
        relevant = self.scored_class(splits.labels)
        scored = {"dev": splits.dev, "test": splits.test}
        sizes = [
            self._queries(name, examples, relevant) for name, examples in scored.items() if examples
        ]
        if not all(sizes):
            return ("auc",)
        return (self.headline, *(name for name in METRICS if name != self.headline))

    def classes(self, splits: Splits) -> tuple[str, ...]:
        """The labels, in the data's own order."""
        return splits.labels

    def targets(self, example: Example, classes: Sequence[str]) -> tuple[int, ...]:
        """The gold class index."""
        return Classification(self.name).targets(example, classes)

    def scored_class(self, classes: Sequence[str]) -> int:
        """The class that means relevant. Raises InputError where that is not clear."""
        if len(classes) != 2:
            raise InputError(
                f"task=ranking: expected two labels, relevant or not, got {len(classes)} "
                f"({listed(classes)}); merge them with data.labels, or use task=matching"
            )
        if self.positive is not None:
            given = str(self.positive)
            wanted = given.lower() if isinstance(self.positive, bool) else given
            found = [index for index, name in enumerate(classes) if name == wanted]
        else:
            found = [i for i, name in enumerate(classes) if name.strip().lower() in RELEVANT]
        if len(found) != 1:
            said = "" if self.positive is None else f".positive={shown(self.positive)}"
            raise InputError(
                f"task{said}: which of the labels {listed(classes)} means relevant? "
                f"Set task.positive to one of them"
            )
        return found[0]

    def judge(
        self,
        examples: Sequence[Example],
        answers: Sequence[Sequence[int]],
        classes: Sequence[str],
        scores: Sequence[float],
    ) -> Counts:
        """Columns of `METRICS`: `query` numbers the queries in the order of their first candidate.

        Units are right where the likelier class was. Raises InputError for a score that is no
        number, which has no place in an order.
        """
        order = np.asarray(scores, np.float64)
        if len(order) != len(examples) or not np.isfinite(order).all():
            raise InputError("a score is not a finite number, so nothing can be put in order")
        gold = [self.targets(example, classes)[0] for example in examples]
        relevant = np.asarray(gold) == self.scored_class(classes)
        query = numbered(examples)
        won, pairs = auc.pairs(order, relevant)
        columns = {"auc_won": won, "auc_pairs": pairs, "query": query}
        columns |= _within(query, order, relevant)
        units = unit_columns(
            Judged(row, unit, correct=answers[row][0] == gold[row], marked=True)
            for row, example in enumerate(examples)
            for unit in example.units
        )
        return Counts({name: column.tolist() for name, column in columns.items()}, *units)

    def majority(self, splits: Splits) -> list[tuple[int, ...]]:
        """The most frequent training label for every test example; the first one in a tie."""
        return Classification(self.name).majority(splits)

    def _queries(self, name: str, examples: Sequence[Example], relevant: int) -> int:
        """Queries of a split that can be ordered; 0 where they are too few to be told of."""
        query = numbered(examples)
        right = np.asarray([example.target == relevant for example in examples])
        if right.all() or not right.any():
            raise InputError(
                f"task=ranking: all {len(examples):,} {name} examples have the same label, so "
                f"nothing can be put in order; name another file (data.{name}=...)"
            )
        least = FEWEST if name == "test" else 1
        every, able = int(query.max()) + 1, sum(1 for _ in _orderable(query, right))
        if (every if self.headline == "auc" else able) < least:
            told = "" if self.headline == "auc" else ", or use task.headline=auc"
            if every > able:  # as where candidates of one query were drawn into several splits
                told += ", or set data.together=text where splits are drawn"
            raise InputError(
                f"task=ranking: {name} has {every:,} queries (different first texts), {able:,} of "
                f"them with candidates of both labels; {self.headline} needs {least} or more: "
                f"name a larger file (data.{name}=...){told}"
            )
        return able if able >= least else 0


def numbered(examples: Sequence[Example]) -> Ints:
    """The number of each example's query: first texts, in the order in which they come."""
    seen: dict[tuple[str, ...], int] = {}
    return np.asarray([seen.setdefault(example.words, len(seen)) for example in examples], np.int64)


def _within(
    query: Ints, scores: NDArray[np.float64], relevant: NDArray[np.bool_]
) -> dict[str, Ints]:
    """Each metric of `WITHIN`, at the first example of every query that can be ordered.

    `queries` marks these, `left_out` the first examples of the others.
    """
    columns = {name: np.zeros(len(query), np.int64) for name in ("queries", "left_out", *WITHIN)}
    columns["left_out"][np.unique(query, return_index=True)[1]] = 1
    for rows in _orderable(query, relevant):
        columns["queries"][rows[0]], columns["left_out"][rows[0]] = 1, 0
        for name, of_query in WITHIN.items():
            found = of_query(scores[rows], relevant[rows])
            columns[name][rows[0]] = round(ndcg_10.UNITS * found)
    return columns


def _orderable(query: Ints, relevant: NDArray[np.bool_]) -> Iterator[Ints]:
    """Rows of each query with candidates of both labels, in their own order."""
    order = np.argsort(query, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(query[order])) + 1):
        if len(rows) and relevant[rows].any() and not relevant[rows].all():
            yield rows
