"""One cell, from configuration to record: a table of contents of its stages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from safetensors.torch import save_file

from harness import assets, batching, data, encoding, environment, pretrain, probes, record, train
from harness import setup as setups
from harness.assets import Asset
from harness.backbones import body as bodies
from harness.backbones.body import Backbone, Specials
from harness.batching import Batch
from harness.configuration import build
from harness.contracts import Counts, Example, Splits, Task
from harness.encoding import Encoded
from harness.heads import Predictor
from harness.measure.stopwatch import Stopwatch
from harness.setup import Foundation, Setup
from harness.train import Progress

_PROBED_TEXTS = 50


@dataclass(frozen=True)
class Parts:
    """What a configuration builds, besides data."""

    backbone: Backbone
    task: Task
    strategy: Any
    knobs: train.Training


@dataclass(frozen=True)
class Reader:
    """How examples become tensors for this model: tokenizer, frame, where answers are read."""

    tokenizer: Any
    specials: Specials
    frame: tuple[list[int], list[int]]
    read_at: str
    key: str
    cache: Path
    max_length: int

    def encode(self, examples: Sequence[Example], digest: str) -> Encoded:
        """Token ids of a split, from the cache where they are there."""
        return encoding.cached(
            self.cache / "encoded",
            [self.key, digest],
            [e.words for e in examples],
            self.tokenizer,
            self.frame,
            self.max_length,
        )


@dataclass(frozen=True)
class Side:
    """One split as this model sees it."""

    examples: Sequence[Example]
    encoded: Encoded
    targets: Sequence[NDArray[np.int64]]
    reader: Reader

    @property
    def words(self) -> NDArray[np.int64]:
        """Words per example, before cutting: what batches are planned on."""
        return self.encoded.words.astype(np.int64)

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen examples."""
        reader = self.reader
        return batching.collate(
            self.encoded, self.targets, chosen, reader.read_at, reader.specials.pad
        )


def parts_of(config: Mapping[str, Any]) -> Parts:
    """Build what a cell needs besides data."""
    names = ("model", "task", "strategy", "train")
    return Parts(*(build(config[name], name) for name in names))


def found(
    argument: tuple[Mapping[str, Any], str, bool], progress: Progress = lambda _: None
) -> Foundation:
    """Load the data and make, or only cost, the tokenizer and weights of a model on it.

    The argument is (configuration, cache folder, make). Everything that a user can get wrong
    about data and model raises InputError here, before any cell starts.
    """
    config, cache, make = argument
    parts = parts_of(config)
    splits: Splits = build(config["data"], "data")
    data.check(splits, parts.task.name)
    for name in _used(config["role"]):
        data.part(splits, name)
    pretraining = build(config["pretraining"], "pretraining")
    recipe = assets.recipe(parts.backbone, splits, pretraining.knobs(), pretraining.corpus)
    texts = [e.words for e in splits.train]
    asset = assets.ready(recipe, Path(cache))
    if asset is None and make:
        asset = pretrain.prepare(recipe, parts.backbone, pretraining, texts, Path(cache), progress)
    return _cost(config, parts, splits, asset, pretraining)


def _used(role: str) -> tuple[str, ...]:
    """The splits that a run looks at; the last one is what it is scored on."""
    return ("train", "dev") if role == "tuning" else ("train", "dev", "test")


def _cost(
    config: Mapping[str, Any],
    parts: Parts,
    splits: Splits,
    asset: Asset | None,
    pretraining: pretrain.Pretraining,
) -> Foundation:
    """Sizes and floating-point operations, exact enough for a progress bar."""
    vocabulary = len(splits.vocabulary or ()) or parts.backbone.vocabulary
    stand_in = Specials(0, 1, 2, 3, 4, 5, 6, vocabulary)
    with torch.device("meta"):
        size = bodies.size(bodies.new_body(parts.backbone.architecture, stand_in, 0, 0.0, 0.0))
    words = sum(len(e.words) for e in splits.train)
    per_word = 6.0 * (size.total - size.embeddings) * 1.3
    new = asset is None and parts.backbone.weights == "embedded"
    sentence = words / max(1, len(splits.train))
    asset_flops = per_word * sentence * pretraining.batch_size * pretraining.updates
    return Foundation(
        splits=splits,
        digests={name: data.digest(split) for name, split in data.parts(splits).items()},
        asset=asset,
        family=parts.backbone.family,
        mode=parts.backbone.mode,
        description=setups.describe(config, size.total),
        epoch_flops=per_word * words,
        asset_flops=asset_flops if new else 0.0,
    )


def execute(setup: Setup, progress: Progress = lambda _: None) -> str:
    """Run one cell and write its record; returns its folder. A cell already finished is kept."""
    folder = setup.folder
    locks = Path(setup.cache) / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"{setup.identity}.lock"):
        if setups.outcome(folder) != "finished":
            _run(setup, folder, progress)
    return str(folder)


def _run(setup: Setup, folder: Path, progress: Progress) -> None:
    parts = parts_of(setup.config)
    splits = setup.foundation.splits
    reader = _reader(setup, parts)
    classes = parts.task.classes(splits)
    sides = {
        name: _side(
            data.part(splits, name), setup.foundation.digests[name], parts.task, classes, reader
        )
        for name in _used(setup.cell.role)
    }
    predictor = _predictor(setup, parts, reader, len(classes))
    parts.strategy.adapt(predictor)
    log = train.train(
        predictor,
        sides["train"].words,
        sides["train"].batch,
        lambda: _score(predictor, sides["dev"], parts, classes),
        parts.knobs,
        setup.cell.seed,
        Stopwatch(),
        progress,
    )
    evaluated = _used(setup.cell.role)[-1]
    side = sides[evaluated]
    answers, confidences = _answers(predictor, side, parts.knobs)
    counts = parts.task.judge(side.examples, answers, classes)
    checkpoint = _save(predictor, reader, folder) if setup.keep_checkpoint else None
    record.write(
        folder,
        record.Record(
            identity=setup.identity,
            experiment_version=setups.EXPERIMENT_VERSION,
            cell=setup.cell,
            outcome=record.Outcome("finished"),
            config=setup.config,
            environment=environment.observe(),
            sweep=setup.sweep,
            tuning=setup.tuning,
            evaluated=evaluated,
            metrics=list(parts.task.metrics),
            data=_data_facts(setup, parts, classes),
            model=_model_facts(setup, parts, reader, predictor, sides["train"]),
            training=log,
            probes=probes.probe(predictor, _texts(side.encoded), reader.specials),
            majority=_majority(parts.task, splits, classes) if evaluated == "test" else None,
            truncation=_truncation(side),
            unseen_classes=list(data.unseen(splits, parts.task)),
            checkpoint_digest=checkpoint,
            finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
        record.CountTable(counts.columns, counts.units, counts.slices, counts.keys),
        _predictions(side, answers, confidences, classes),
    )


def _reader(setup: Setup, parts: Parts) -> Reader:
    asset = setup.foundation.asset
    assert asset is not None, "identify() refuses a cell without an asset"
    tokenizer = pretrain.load_tokenizer(Path(asset.folder))
    special = pretrain.specials(tokenizer)
    backbone = parts.backbone
    longest = int(backbone.architecture.get("max_position_embeddings", parts.knobs.max_length))
    return Reader(
        tokenizer=tokenizer,
        specials=special,
        frame=backbone.frame(special),
        read_at=f"{backbone.label_piece}_piece" if parts.task.per_word else backbone.pooling,
        key=asset.tokenizer_digest,
        cache=Path(setup.cache),
        max_length=min(longest, parts.knobs.max_length),
    )


def _side(
    examples: Sequence[Example], digest: str, task: Task, classes: Sequence[str], reader: Reader
) -> Side:
    targets = [np.asarray(task.targets(e, classes), np.int64) for e in examples]
    return Side(examples, reader.encode(examples, digest), targets, reader)


def _predictor(setup: Setup, parts: Parts, reader: Reader, classes: int) -> Predictor:
    asset = setup.foundation.asset
    assert asset is not None
    backbone, knobs = parts.backbone, parts.knobs
    if backbone.weights == "scratch":
        body = bodies.new_body(
            backbone.architecture,
            reader.specials,
            setup.cell.seed,
            knobs.dropout,
            knobs.attention_dropout,
        )
    else:
        body = bodies.load_body(Path(asset.folder), knobs.dropout, knobs.attention_dropout)
    return Predictor(backbone, body, classes, knobs.dropout, setup.cell.seed)


def _answers(
    predictor: Predictor, side: Side, knobs: train.Training
) -> tuple[list[tuple[int, ...]], list[tuple[float, ...]]]:
    limit = 4 * batching.budget(side.words, knobs.batch_size)
    batches = batching.in_order(side.words, limit)
    return train.predict(predictor, batches, side.batch, len(side.examples))


def _score(predictor: Predictor, side: Side, parts: Parts, classes: Sequence[str]) -> float:
    """The headline metric on a split, from the same counts that a record keeps."""
    answers, _ = _answers(predictor, side, parts.knobs)
    counts = parts.task.judge(side.examples, answers, classes)
    return headline(parts.task.metrics[0], counts)


def headline(metric: str, counts: Counts) -> float:
    """The value of one metric over all examples."""
    module: Any = import_module(f"harness.metrics.{metric}")
    value: float = module.value({name: sum(column) for name, column in counts.columns.items()})
    return value


def _majority(task: Task, splits: Splits, classes: Sequence[str]) -> dict[str, int]:
    counts = task.judge(splits.test, task.majority(splits), classes)
    return {name: sum(column) for name, column in counts.columns.items()}


def _data_facts(setup: Setup, parts: Parts, classes: Sequence[str]) -> record.DataFacts:
    splits = setup.foundation.splits
    per_word = parts.task.per_word
    ends = {"cls": "first", "last": "last"}  # [CLS] stands first, as a word's first piece does
    piece = parts.backbone.label_piece if per_word else ends[parts.backbone.pooling]
    reader = f"{parts.backbone.mode}/{piece}"
    return record.DataFacts(
        name=splits.name,
        source=splits.source,
        digests=dict(setup.foundation.digests),
        sizes=data.sizes(splits),
        words=data.words(splits),
        classes=list(classes),
        caps=dict(splits.caps.get(reader, {})),
        reader=reader,
        warnings=list(splits.warnings),
    )


def _model_facts(
    setup: Setup, parts: Parts, reader: Reader, predictor: Predictor, side: Side
) -> record.ModelFacts:
    asset = setup.foundation.asset
    assert asset is not None
    size = bodies.size(predictor.body)
    head = sum(p.numel() for p in predictor.head.parameters())
    encoded = side.encoded
    special = len(reader.frame[0]) + len(reader.frame[1])
    plain = len(encoded.ids) - special * len(side.examples)
    mean_length = len(encoded.ids) / max(1, len(side.examples))
    per_word = parts.task.per_word
    body_only = size.total - size.embeddings
    return record.ModelFacts(
        description=setups.describe({"model": vars(parts.backbone)}, size.total),
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


def _truncation(side: Side) -> dict[str, int]:
    """What did not fit: examples, words, and judged units that lost a word."""
    kept = side.encoded.kept
    lost = side.encoded.words - kept
    units = sum(unit.end > kept[i] for i, e in enumerate(side.examples) for unit in e.units)
    return {
        "cut_examples": int((lost > 0).sum()),
        "cut_words": int(lost.sum()),
        "cut_units": int(units),
    }


def _texts(encoded: Encoded) -> list[list[int]]:
    """A few encoded texts for the probes."""
    count = min(_PROBED_TEXTS, len(encoded.words))
    return [encoded.ids[encoded.offsets[i] : encoded.offsets[i + 1]].tolist() for i in range(count)]


def _predictions(
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


def _save(predictor: Predictor, reader: Reader, folder: Path) -> str:
    """Keep the tuned model beside the record; returns the digest of its weights."""
    place = folder / record.CHECKPOINT
    predictor.body.save_pretrained(place)  # type: ignore[operator]
    reader.tokenizer.save_pretrained(place)
    save_file(predictor.head.state_dict(), place / "head.safetensors")
    digest = hashlib.sha256()
    for name in ("model.safetensors", "head.safetensors"):
        digest.update((place / name).read_bytes())
    return digest.hexdigest()
