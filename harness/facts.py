"""What a record says of the data and the model, without a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from harness import data, record
from harness.assets import Asset
from harness.backbones import attention
from harness.backbones import body as bodies
from harness.record import Cell
from harness.setup import Foundation
from harness.view import Parts
from harness.work import Work


def data_facts(foundation: Foundation, parts: Parts, classes: Sequence[str]) -> record.DataFacts:
    """Digests, sizes, caps."""
    splits, reader = foundation.splits, reader_name(parts)
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
        slices=dict(splits.slices),
    )


def reader_name(parts: Parts) -> str:
    """What caps are computed for: mask and piece that answers, or the mode of a written text."""
    backbone, mode = parts.backbone, cast(Any, parts.mode)
    if parts.mode.writes:
        return parts.mode.name
    ends = {"cls": "first", "last": "last"}  # [CLS] stands first, as a word's first piece does
    piece = backbone.label_piece if parts.task.shape == "tags" else ends[backbone.pooling]
    return f"{mode.view}/{piece}"


def model_facts(cell: Cell, asset: Asset, parts: Parts, work: Work) -> record.ModelFacts:
    """Size and reading habits."""
    size, encoded = bodies.size(work.body), work.training
    total = sum(p.numel() for p in work.model.parameters())
    rows, shape, vocabulary = len(encoded.words), parts.task.shape, work.reader.specials.vocabulary
    words = int(encoded.kept.sum())
    flops = forward_flops(size, len(encoded.ids) / max(1, rows))
    return record.ModelFacts(
        description=describe(cell, size.total, asset.pretraining),
        parameters={
            "total": total,
            "non_embedding": size.total - size.embeddings,
            "trainable": sum(p.numel() for p in work.model.parameters() if p.requires_grad),
            "head": total - size.total,
        },
        tokenizer_digest=asset.tokenizer_digest,
        weights_digest=asset.weights_digest,
        vocabulary=vocabulary,
        fertility=encoded.pieces / max(1, words),
        unknown_share=_unknown_share(work),
        flops_per_token=flops + (2.0 * size.width * vocabulary if parts.mode.writes else 0.0),
        label_piece=parts.backbone.label_piece if shape == "tags" else "-",
        pooling=parts.backbone.pooling if shape == "label" else "-",
        attention=attention.KERNEL,
        precision="float32",
        pretraining=_origin(asset, work) if parts.backbone.weights != "scratch" else None,
    )


def _unknown_share(work: Work) -> float:
    """Of the training tokens; none where the tokenizer has no such token and another stands in."""
    special, ids = work.reader.specials, work.training.ids
    return 0.0 if special.unk == special.eos else float((ids == special.unk).mean())


def _origin(asset: Asset, work: Work) -> Mapping[str, Any] | None:
    """How the weights came about; with how a pair of texts is framed where others made them."""
    if asset.pretraining is None or "commit" not in asset.pretraining:
        return asset.pretraining
    before, after, between = (work.reader.tokenizer.decode(ids) for ids in work.reader.frame)
    return {**asset.pretraining, "frame": f"{before} one {between} other {after}"}


def forward_flops(size: bodies.Size, tokens: float) -> float:
    """Per token of a text of so many: 2 N + 4 L T d, N without embeddings (Kaplan et al. 2020).

    Two for a weight's product and sum; in each layer T scores and T sums over the width. Training
    costs three times that.
    """
    body_only = size.total - size.embeddings
    return 2.0 * body_only + 4.0 * size.layers * tokens * size.width


def describe(cell: Cell, parameters: int, pretraining: Mapping[str, Any] | None) -> str:
    """How a model is named wherever its numbers are shown; a folder's own label comes first."""
    kinds = {"embedded": "embedded", "scratch": "untrained body (scratch)"}
    label = (pretraining or {}).get("label", f"from {cell.weights}")
    kind = kinds.get(cell.weights, label)
    return f"{cell.model}, {cell.pair}, {parameters / 1e6:.2f} M parameters, {kind}"
