"""What a record says of the data and the model, without a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from torch import nn

from harness import record
from harness.backbones import attention, layers
from harness.backbones import body as bodies
from harness.backbones.family import MEAN
from harness.cells.view import Parts
from harness.cells.work import Trainee, Work
from harness.examples import data
from harness.models.heads import Predictor, Writer
from harness.planning.setup import Foundation
from harness.record import Cell
from harness.weights.assets import Asset


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
    mode = cast(Any, parts.mode)
    if parts.mode.writes:
        return parts.mode.name
    # [CLS] stands first, as a word's first piece does; a mean holds the last word's state too
    ends = {"cls": "first", "last": "last", MEAN: "last"}
    tags = parts.task.shape == "tags"
    piece = parts.backbone.label_piece if tags else ends[parts.pooling]
    return f"{mode.view}/{piece}"


class Effort(NamedTuple):
    """What a strategy trains, and the floating-point operations that it takes."""

    trainable: int  # parameters, adapters included
    once: float  # before the first step
    per_token: float  # each time that a token is trained on


NO_EFFORT = Effort(0, 0.0, 0.0)


def effort(parts: Parts, work: Trainee, before: bodies.Size) -> Effort:
    """Of a model that is about to be trained; `before` is its body before the strategy came.

    Full fine-tuning takes three forward passes: one, then a gradient for what each layer reads and
    one for each weight, as dear as the pass. Weights that stay need no gradient, and what is below
    the lowest one that is trained carries none down. An adapter costs what its weights do. A body
    that only makes features reads once, and a step is one of the answer layer.
    """
    model = work.model
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    forward = _forward(parts, work, before)
    if isinstance(model, Predictor) and model.extracts:
        head = 2.0 * trainable * _answers_per_token(parts, work)
        tokens = len(work.training.ids) * (1 + getattr(parts.mode, "both_orders", False))
        return Effort(trainable, forward * tokens, record.FORWARD_AND_BACKWARD * head)
    adapters = bodies.size(work.body).total - before.total
    whole = record.FORWARD_AND_BACKWARD * (forward + 2.0 * adapters)
    return Effort(trainable, 0.0, whole - _spared(work, before))


def _answers_per_token(parts: Parts, work: Trainee) -> float:
    words = work.lengths()
    answers = int(words.sum()) if parts.task.shape == "tags" else len(words)
    return answers / max(1, len(work.training.ids))


def _spared(work: Trainee, before: bodies.Size) -> float:
    """Per token: gradients that full fine-tuning needs and this strategy does not."""
    frozen = [p for p in work.body.parameters() if not p.requires_grad]
    if not frozen:
        return 0.0
    tables = [m for m in work.body.modules() if isinstance(m, nn.Embedding)]
    embeddings = {id(p) for table in tables for p in table.parameters()}
    spared = 2.0 * sum(p.numel() for p in frozen if id(p) not in embeddings)
    if isinstance(work.model, Writer) and not bodies.head_is_trained(work.model.model):
        spared += 2.0 * before.width * work.reader.specials.vocabulary
    for layer in layers.stack(work.body):
        if any(p.requires_grad for p in layer.parameters()):
            break
        own = sum(p.numel() for p in layer.parameters())
        spared += 2.0 * own + 8.0 * _tokens(work) * before.width
    return spared


def _tokens(work: Work) -> float:
    """Of a training row, in the mean."""
    return len(work.training.ids) / max(1, len(work.training.words))


def _forward(parts: Parts, work: Work, size: bodies.Size) -> float:
    """One pass, per token; with a language model's head where texts are written."""
    vocabulary = work.reader.specials.vocabulary
    head = 2.0 * size.width * vocabulary if parts.mode.writes else 0.0
    return forward_flops(size, _tokens(work)) + head


def model_facts(
    cell: Cell, asset: Asset, parts: Parts, work: Work, trained: Effort
) -> record.ModelFacts:
    """Size and reading habits; `trained` says what was tuned."""
    size, encoded = bodies.size(work.body), work.training
    total = sum(p.numel() for p in work.model.parameters())
    words, shape = int(encoded.kept.sum()), parts.task.shape
    return record.ModelFacts(
        description=describe(cell, size.total, asset.pretraining),
        parameters={
            "total": total,
            "non_embedding": size.total - size.embeddings,
            "trainable": trained.trainable,
            "head": total - size.total,
        },
        tokenizer_digest=asset.tokenizer_digest,
        weights_digest=asset.weights_digest,
        vocabulary=work.reader.specials.vocabulary,
        fertility=encoded.pieces / max(1, words),
        unknown_share=_unknown_share(work),
        flops_per_token=_forward(parts, work, size),
        label_piece=parts.backbone.label_piece if shape == "tags" else "-",
        pooling=parts.pooling if shape == "label" else "-",
        attention=attention.KERNEL,
        precision="float32",
        pretraining=_origin(asset, work) if parts.backbone.weights != "scratch" else None,
        training_flops_per_token=trained.per_token,
        training_flops_once=trained.once,
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
    costs three times that where everything is tuned (`effort`).
    """
    body_only = size.total - size.embeddings
    return 2.0 * body_only + 4.0 * size.layers * tokens * size.width


def describe(cell: Cell, parameters: int, pretraining: Mapping[str, Any] | None) -> str:
    """How a model is named wherever its numbers are shown; a folder's own label comes first."""
    kinds = {"embedded": "embedded", "scratch": "untrained body (scratch)"}
    label = (pretraining or {}).get("label", f"from {cell.weights}")
    kind = kinds.get(cell.weights, label)
    return f"{cell.model}, {cell.pair}, {parameters / 1e6:.2f} M parameters, {kind}"
