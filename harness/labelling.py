"""Cells whose answers are classes: one an example, or one a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from harness import batching, data, metrics, probes, reliability, train
from harness.assets import Asset
from harness.backbones import body as bodies
from harness.batching import Batch
from harness.contracts import Counts, Splits
from harness.encoding import Encoded
from harness.heads import Predictor
from harness.mentions import OUTSIDE
from harness.setup import Setup, used
from harness.view import Parts, Reader, Side, reader_of, refuse_longer, room_of, side_of
from harness.work import Conclusion

_PROBED_TEXTS = 50


class Labelling:
    """Implements `work.Work`."""

    def __init__(self, setup: Setup, asset: Asset, parts: Parts) -> None:
        self.parts, self.splits = parts, setup.foundation.splits
        room, tags = room_of(parts), parts.task.shape == "tags"
        self.reader = reader_of(asset, parts.backbone, room, Path(setup.cache))
        self.classes: Sequence[str] = parts.task.classes(self.splits)
        self.metrics: Sequence[str] = parts.task.metrics(self.splits)
        self.scored = used(setup.cell.role)[-1]
        backbone = parts.backbone
        self.sides = {
            name: side_of(
                data.part(self.splits, name),
                setup.foundation.digests[name],
                parts.task,
                self.classes,
                self.reader,
                f"{backbone.label_piece}_piece" if tags else backbone.pooling,
                getattr(parts.mode, "both_orders", False),
            )
            for name in used(setup.cell.role)
        }
        self.model = _predictor(setup, asset, parts, self.reader, len(self.classes))

    @property
    def body(self) -> nn.Module:
        """The network without its answer layer."""
        return self.model.body

    @property
    def training(self) -> Encoded:
        """The training examples as token ids, in their own order where they are pairs."""
        return self.sides["train"].encoded[0]

    def lengths(self) -> NDArray[np.int64]:
        """Words per training example."""
        return self.sides["train"].words

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen training examples."""
        return self.sides["train"].batch(chosen)

    def score_dev(self) -> float:
        """The headline metric on the dev split."""
        side = self.sides["dev"]
        answers, _ = _answers(self.model, side, self.parts.knobs)
        counts = self.parts.task.judge(side.examples, answers, self.classes)
        headline = self.metrics[0]
        return metrics.meter(headline).value(metrics.totals([headline], counts.columns))

    def conclude(self) -> Conclusion:
        """Answers to the split that the cell is scored on."""
        side = self.sides[self.scored]
        answers, confidences = _answers(self.model, side, self.parts.knobs)
        counts: Counts = self.parts.task.judge(side.examples, answers, self.classes)
        return Conclusion(
            counts=replace(counts, reliability=self._reliability(side, answers, confidences)),
            rows=_rows(side, answers, confidences, self.classes),
            probes=probes.labels(self.model, _texts(side.encoded[0]), self.reader.specials),
            truncation=truncation(side),
            majority=_majority(self.parts.task, self.splits, self.classes),
            unseen_classes=data.unseen(self.splits, self.parts.task),
        )

    def _reliability(
        self,
        side: Side,
        answers: Sequence[Sequence[int]],
        confidences: Sequence[Sequence[float]],
    ) -> Mapping[str, Sequence[int]]:
        """Of all labels, or of the words that were answered as part of an entity."""
        tags = self.parts.task.shape == "tags"
        ignored = list(self.classes).index(OUTSIDE) if tags else None
        gold = [targets.tolist() for targets in side.targets]
        return reliability.table(answers, gold, confidences, ignored)


def _predictor(setup: Setup, asset: Asset, parts: Parts, reader: Reader, classes: int) -> Predictor:
    backbone, knobs, seed = parts.backbone, parts.knobs, setup.cell.seed
    rates = (knobs.dropout, knobs.attention_dropout)
    if backbone.weights == "scratch":
        body = bodies.new_body(backbone.architecture, reader.specials, seed, *rates)
    else:
        body = bodies.load_body(Path(asset.folder), *rates)
    refuse_longer(knobs.max_length, body)
    return Predictor(backbone, body, classes, knobs.dropout, seed)


def _answers(
    predictor: Predictor, side: Side, knobs: train.Training
) -> tuple[list[tuple[int, ...]], list[tuple[float, ...]]]:
    limit = 4 * batching.budget(side.words, knobs.batch_size)
    batches = batching.in_order(side.words, limit)
    return train.predict(predictor, batches, side.batch, len(side.examples))


def _texts(encoded: Encoded) -> list[list[int]]:
    """A few encoded texts for the probes."""
    count = min(_PROBED_TEXTS, len(encoded.words))
    return [encoded.ids[encoded.offsets[i] : encoded.offsets[i + 1]].tolist() for i in range(count)]


def truncation(side: Side) -> dict[str, int]:
    """What did not fit: examples, words, and judged units that lost a word."""
    kept = side.encoded[0].kept
    lost = side.encoded[0].words - kept
    units = sum(unit.end > kept[i] for i, e in enumerate(side.examples) for unit in e.units)
    return {
        "cut_examples": int((lost > 0).sum()),
        "cut_words": int(lost.sum()),
        "cut_units": int(units),
    }


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
    counts = task.judge(splits.test, task.majority(splits), classes)
    return metrics.totals(task.metrics(splits), counts.columns)
