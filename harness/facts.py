"""What a record says of the data, the model and the answers, without a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness import data, record
from harness.assets import Asset
from harness.backbones import body as bodies
from harness.contracts import Splits, Task
from harness.heads import Predictor
from harness.record import Cell
from harness.setup import Foundation
from harness.view import Parts, Reader, Side


def data_facts(foundation: Foundation, parts: Parts, classes: Sequence[str]) -> record.DataFacts:
    """Digests, sizes, caps."""
    splits = foundation.splits
    per_word = parts.task.per_word
    ends = {"cls": "first", "last": "last"}  # [CLS] stands first, as a word's first piece does
    piece = parts.backbone.label_piece if per_word else ends[parts.backbone.pooling]
    reader = f"{parts.backbone.mode}/{piece}"
    return record.DataFacts(
        name=splits.name,
        source=splits.source,
        digests=dict(foundation.digests),
        sizes=data.sizes(splits),
        words=data.words(splits),
        classes=list(classes),
        caps=dict(splits.caps.get(reader, {})),
        reader=reader,
        warnings=list(splits.warnings),
    )


def model_facts(
    cell: Cell,
    asset: Asset,
    parts: Parts,
    reader: Reader,
    predictor: Predictor,
    side: Side,
) -> record.ModelFacts:
    """Size and reading habits; `side` is the training split."""
    size = bodies.size(predictor.body)
    head = sum(p.numel() for p in predictor.head.parameters())
    encoded = side.encoded
    special = len(reader.frame[0]) + len(reader.frame[1])
    plain = len(encoded.ids) - special * len(side.examples)
    mean_length = len(encoded.ids) / max(1, len(side.examples))
    per_word = parts.task.per_word
    body_only = size.total - size.embeddings
    return record.ModelFacts(
        description=describe(cell, size.total),
        parameters={
            "total": size.total + head,
            "non_embedding": body_only,
            "trainable": sum(p.numel() for p in predictor.parameters() if p.requires_grad),
            "head": head,
        },
        tokenizer_digest=asset.tokenizer_digest,
        weights_digest=asset.weights_digest,
        vocabulary=reader.specials.vocabulary,
        fertility=plain / max(1, int(encoded.kept.sum())),
        unknown_share=float((encoded.ids == reader.specials.unk).mean()),
        flops_per_token=2.0 * body_only + 4.0 * size.layers * mean_length * size.width,
        label_piece=parts.backbone.label_piece if per_word else "-",
        pooling="-" if per_word else parts.backbone.pooling,
        attention=bodies.ATTENTION,
        precision="float32",
        pretraining=asset.pretraining if parts.backbone.weights != "scratch" else None,
    )


def truncation(side: Side) -> dict[str, int]:
    """What did not fit: examples, words, and judged units that lost a word."""
    kept = side.encoded.kept
    lost = side.encoded.words - kept
    units = sum(unit.end > kept[i] for i, e in enumerate(side.examples) for unit in e.units)
    return {
        "cut_examples": int((lost > 0).sum()),
        "cut_words": int(lost.sum()),
        "cut_units": int(units),
    }


def predictions(
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
            "gold": [classes[i] for i in gold.tolist()],
            "answer": [classes[i] for i in answer],
            "confidence": list(sure),
            "slices": [list(unit) for unit in example.units],
        }
        for example, gold, answer, sure in zip(
            side.examples, side.targets, answers, confidences, strict=True
        )
    ]


def majority(task: Task, splits: Splits, classes: Sequence[str]) -> dict[str, int]:
    """Summed counts of the rule that ignores the input, on test."""
    counts = task.judge(splits.test, task.majority(splits), classes)
    return {name: sum(column) for name, column in counts.columns.items()}


def describe(cell: Cell, parameters: int) -> str:
    """How a model is named wherever its numbers are shown."""
    kinds = {"embedded": "embedded", "scratch": "untrained body (scratch)"}
    kind = kinds.get(cell.weights, f"weights {cell.weights}")
    return f"{cell.model}, {cell.pair}, {parameters / 1e6:.2f} M parameters, {kind}"
