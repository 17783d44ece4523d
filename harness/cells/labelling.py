"""Cells whose answers are classes: one an example, or one a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from harness import metrics, train
from harness.backbones import body as bodies
from harness.cells import probes
from harness.cells.view import (
    Batches,
    Parts,
    Reader,
    Side,
    reader_of,
    refuse_longer,
    side_of,
)
from harness.cells.work import Conclusion, truncations
from harness.contracts import Counts, Example, Splits
from harness.examples import data
from harness.examples.mentions import OUTSIDE
from harness.metrics import entity_f1
from harness.models import batching
from harness.models.batching import Batch
from harness.models.encoding import Encoded
from harness.models.features import Features
from harness.models.heads import Predictor
from harness.models.piecewise import Pieces
from harness.models.scoring import Scorer
from harness.planning.setup import Setup, used
from harness.statistics import reliability
from harness.weights.assets import Asset

_PROBED_TEXTS = 50


class _Answered(NamedTuple):
    """One entry an example; `scores` are log-odds of the class that a ranking task asks for."""

    labels: Sequence[Sequence[int]]
    confidences: Sequence[Sequence[float]]
    scores: Sequence[float] | None


class Labelling:
    """Implements `work.Work`."""

    def __init__(self, setup: Setup, asset: Asset, parts: Parts) -> None:
        self.parts, self.splits = parts, setup.foundation.splits
        tags = parts.task.shape == "tags"
        self.reader = reader_of(asset, parts, Path(setup.cache))
        self.classes: Sequence[str] = parts.task.classes(self.splits)
        self.metrics: Sequence[str] = parts.task.metrics(self.splits)
        self.scored = used(setup.cell.role)[-1]
        backbone, by_piece = parts.backbone, getattr(parts.mode, "by_piece", False)
        self.sides = {
            name: side_of(
                data.part(self.splits, name),
                setup.foundation.digests[name],
                parts.task,
                self.classes,
                self.reader,
                f"{backbone.label_piece}_piece" if tags else parts.pooling,
                getattr(parts.mode, "both_orders", False),
                parts.windows and not (by_piece and name == "train"),
            )
            for name in used(setup.cell.role)
        }
        train_side = self.sides["train"]
        self._lesson = self._pieces(train_side).batch if by_piece else train_side.batch
        self.model = _predictor(setup, asset, parts, self.reader, len(self.classes))
        self._features: dict[str, Features] = {}  # by split, where the body stays as it is

    @property
    def body(self) -> nn.Module:
        """The network without its answer layer."""
        return self.model.body

    @property
    def training(self) -> Encoded:
        """What training reads as token ids: examples, in their own order, or windows over them."""
        return self.sides["train"].rows

    def lengths(self) -> NDArray[np.int64]:
        """Words per training row: an example, or a part of a very long one."""
        return self.sides["train"].words

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen training rows."""
        return self._seen("train", self.lengths(), self._lesson)(chosen)

    def _pieces(self, side: Side) -> Pieces:
        """A split whose labels are laid on pieces."""
        start = self.parts.backbone.added(self.reader.specials)
        outside = list(self.classes).index(OUTSIDE)
        return Pieces(side.encoded[0], side.targets, start, outside, side.pad)

    def _seen(self, name: str, words: NDArray[np.int64], batch_of: Batches) -> Batches:
        """Batches of a split's rows; with features where the body reads each row once."""
        if not self.model.extracts:
            return batch_of
        if name not in self._features:
            limit = _at_once(words, self.parts.knobs)
            self._features[name] = Features(self.model, words, batch_of, limit)
        return self._features[name].batch

    def _answered(self, name: str) -> _Answered:
        """Answers to a split."""
        scored, knobs = _scored_class(self.parts.task, self.classes), self.parts.knobs
        return _answers(self.model, self.sides[name], knobs, scored, partial(self._seen, name))

    def score_dev(self) -> float:
        """The headline metric on the dev split."""
        side, answered = self.sides["dev"], self._answered("dev")
        counts = _judged(self.parts.task, side.examples, answered, self.classes)
        headline = self.metrics[0]
        return metrics.meter(headline).value(metrics.totals([headline], counts.columns))

    def conclude(self) -> Conclusion:
        """Answers to the split that the cell is scored on; the model is then on the CPU."""
        side, answered = self.sides[self.scored], self._answered(self.scored)
        self.model.to("cpu")  # where probes compute as their tolerance was set, and exports
        found = concluded(self, side, self.sides, self.scored, answered)
        return replace(found, unseen_classes=data.unseen(self.splits, self.parts.task))


class Labels(Protocol):
    """What gives labels: a work, trained or not."""

    @property
    def model(self) -> Predictor | Scorer:
        """What answers."""

    @property
    def parts(self) -> Parts:
        """What the configuration builds."""

    @property
    def reader(self) -> Reader:
        """How its examples become tensors."""

    @property
    def classes(self) -> Sequence[str]:
        """What answer indices mean."""

    @property
    def splits(self) -> Splits:
        """The data."""


def concluded(
    work: Labels,
    side: Side,
    read: Mapping[str, Side],
    scored: str,
    answered: _Answered | None = None,
) -> Conclusion:
    """Answers to the split `scored`, which is `side`; they are given now where they were not yet.

    `read` are all texts of which something may be cut. Nothing is said of classes that training
    never had.
    """
    task, classes = work.parts.task, work.classes
    if answered is None:
        answered = _answers(work.model, side, work.parts.knobs, _scored_class(task, classes))
    counts, texts = _judged(task, side.examples, answered, classes), _texts(side.encoded[0])
    return Conclusion(
        counts=replace(counts, reliability=_reliability(task, classes, side, answered)),
        rows=_rows(side, answered.labels, answered.confidences, classes),
        probes=probes.labels(work.model, texts, work.reader.specials, work.parts.mode),
        truncation=truncations({name: truncation(one) for name, one in read.items()}, scored),
        majority=_majority(task, work.splits, classes),
    )


def _scored_class(task: Any, classes: Sequence[str]) -> int | None:
    """The class whose log-odds are the scores; None where labels alone are judged."""
    scored: Any = getattr(task, "scored_class", None)
    return None if scored is None else scored(classes)


def _reliability(
    task: Any, classes: Sequence[str], side: Side, answered: _Answered
) -> Mapping[str, Sequence[int]]:
    """Of all labels, or of the words that were answered as part of an entity."""
    ignored = list(classes).index(OUTSIDE) if task.shape == "tags" else None
    gold = [targets.tolist() for targets in side.targets]
    return reliability.table(answered.labels, gold, answered.confidences, ignored)


def _predictor(setup: Setup, asset: Asset, parts: Parts, reader: Reader, classes: int) -> Predictor:
    backbone, knobs, seed = parts.backbone, parts.knobs, setup.cell.seed
    rates = (knobs.dropout, knobs.attention_dropout)
    if backbone.weights == "scratch":
        body = bodies.new_body(backbone.architecture, reader.specials, seed, *rates)
    else:
        body = bodies.load_body(Path(asset.folder), *rates)
    refuse_longer(knobs.max_length, body)
    mode: Any = parts.mode
    return Predictor(mode, body, classes, knobs.dropout, seed)


def _at_once(words: NDArray[np.int64], knobs: train.Training) -> int:
    """Words that go through the network together where nothing is trained."""
    return 4 * batching.budget(words, knobs.batch_size)


def _answers(
    predictor: Predictor | Scorer,
    side: Side,
    knobs: train.Training,
    scored: int | None = None,
    seen: Callable[[NDArray[np.int64], Batches], Batches] = lambda _, batch_of: batch_of,
) -> _Answered:
    """Answers and their probabilities, in batches of so many words at the most.

    Windows are rows like any other here, so a long text never makes a large batch. Only words are
    read in windows, so where examples are scored a row is an example. `seen` may add to batches
    what the body has made of their rows before.
    """
    scores = np.zeros(len(side.examples))

    def hear(chosen: NDArray[np.int64], logits: Tensor) -> None:
        if scored is not None:
            scores[chosen] = _log_odds(logits, scored)

    def predict(words: NDArray[np.int64], batch_of: Batches) -> Any:
        sizes = side.encoded[0].lengths if isinstance(predictor, Scorer) else words
        batches = batching.in_order(sizes, _at_once(words, knobs))  # prompts are longer than texts
        return train.predict(predictor, batches, seen(words, batch_of), len(words), hear)

    return _Answered(*side.answered(predict), None if scored is None else scores.tolist())


def _log_odds(logits: Tensor, index: int) -> NDArray[np.float64]:
    """Of a class against all others, one an answer; logits [answers, classes].

    A probability near 1 would round to 1 and tie with others.
    """
    wide = logits.double()
    others = wide[:, [k for k in range(wide.shape[1]) if k != index]]
    odds: NDArray[np.float64] = (wide[:, index] - others.logsumexp(1)).cpu().numpy()
    return odds


def _judged(
    task: Any, examples: Sequence[Example], answered: _Answered, classes: Sequence[str]
) -> Counts:
    scores = () if answered.scores is None else (answered.scores,)
    counts: Counts = task.judge(examples, answered.labels, classes, *scores)
    return counts


def _texts(encoded: Encoded) -> list[list[int]]:
    """A few encoded texts for the probes."""
    count = min(_PROBED_TEXTS, len(encoded.words))
    return [encoded.ids[encoded.offsets[i] : encoded.offsets[i + 1]].tolist() for i in range(count)]


def truncation(side: Side) -> dict[str, int]:
    """What did not fit: examples, words, and judged units and gold entities that lost a word.

    Where long texts are read in windows every word is answered, so no unit is lost, and a word is
    cut where it alone is longer than a window. `windows` are those of the examples that have
    several.
    """
    kept = side.encoded[0].kept
    words = side.encoded[0].words.astype(np.int64)
    lost, windows = words - kept, dict[str, int]()
    if side.stretches is not None:
        windowed = side.stretches.windowed
        each = np.bincount(windowed.owners, minlength=len(words))
        lost, kept = windowed.shortened, words
        windows = {
            "windowed_examples": int((each > 1).sum()),
            "windows": int(each[each > 1].sum()),
        }
    units = sum(unit.end > kept[i] for i, e in enumerate(side.examples) for unit in e.units)
    found = {
        "cut_examples": int((lost > 0).sum()),
        "cut_words": int(lost.sum()),
        "cut_units": int(units),
    }
    if side.read_at.endswith("_piece"):
        found["cut_entities"] = sum(map(_cut_entities, side.examples, kept.tolist()))
    return found | windows


def _cut_entities(example: Example, kept: int) -> int:
    """Gold entities that reach beyond the words that were read: none of them can be found."""
    if isinstance(example.target, int) or kept >= len(example.target):
        return 0
    return sum(end > kept for _, end, _ in entity_f1.spans(example.target))


def _rows(
    side: Side,
    answers: Sequence[Sequence[int]],
    confidences: Sequence[Sequence[float]],
    classes: Sequence[str],
) -> list[dict[str, Any]]:
    """One row per example, for people."""
    return [
        {
            "id": example.id,
            "words": list(example.words),
            **({"second": list(example.second)} if example.second else {}),
            "gold": [classes[i] for i in gold.tolist()],
            "answer": [classes[i] for i in answer],
            "confidence": list(sure),
            "slices": [list(unit) for unit in example.units],
        }
        for example, gold, answer, sure in zip(
            side.examples, side.targets, answers, confidences, strict=True
        )
    ]


def _majority(task: Any, splits: Splits, classes: Sequence[str]) -> dict[str, int]:
    """Summed counts of the rule that ignores the input, on test."""
    if not splits.test:
        return {}
    ties = [0.0] * len(splits.test) if hasattr(task, "scored_class") else None
    counts = _judged(task, splits.test, _Answered(task.majority(splits), (), ties), classes)
    return metrics.totals(task.metrics(splits), counts.columns)
