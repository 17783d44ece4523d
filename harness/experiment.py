"""One cell, from configuration to record: a table of contents of its stages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from harness import batching, data, environment, facts, probes, record, train
from harness import setup as setups
from harness.assets import Asset
from harness.backbones import body as bodies
from harness.contracts import Counts
from harness.encoding import Encoded
from harness.heads import Predictor
from harness.measure.stopwatch import Stopwatch
from harness.setup import Setup, used
from harness.train import Progress
from harness.view import Parts, Reader, Side, parts_of, reader_of, refuse_longer, side_of

_PROBED_TEXTS = 50


def execute(setup: Setup, progress: Progress = lambda _: None) -> str:
    """Run one cell and write its record; returns its folder. A cell already finished is kept."""
    asset = setup.foundation.asset
    if asset is None:
        raise ValueError("a cell cannot run before its tokenizer and weights exist")
    with setups.locked(setup.cache, setup.identity):
        if setups.outcome(setup.folder) != "finished":
            for litter in setup.folder.glob(".*.tmp"):  # a killed run's, as we hold the lock
                litter.unlink()
            _run(setup, asset, progress)
    return str(setup.folder)


def _run(setup: Setup, asset: Asset, progress: Progress) -> None:
    parts = parts_of(setup.config)
    splits, role = setup.foundation.splits, setup.cell.role
    reader = reader_of(asset, parts, Path(setup.cache))
    classes = parts.task.classes(splits)
    sides = {
        name: side_of(
            data.part(splits, name), setup.foundation.digests[name], parts.task, classes, reader
        )
        for name in used(role)
    }
    predictor = _predictor(setup, asset, parts, reader, len(classes))
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
    side = sides[used(role)[-1]]
    answers, confidences = _answers(predictor, side, parts.knobs)
    counts = parts.task.judge(side.examples, answers, classes)
    kept = record.Record(
        identity=setup.identity,
        experiment_version=setups.EXPERIMENT_VERSION,
        cell=setup.cell,
        outcome=record.Outcome("finished"),
        config=setup.science,
        environment={**setup.environment, "load": environment.load()},
        sweep=setup.sweep,
        tuning=setup.tuning,
        evaluated=used(role)[-1],
        metrics=list(parts.task.metrics),
        data=facts.data_facts(setup.foundation, parts, classes),
        model=facts.model_facts(setup.cell, asset, parts, reader, predictor, sides["train"]),
        training=log,
        probes=probes.probe(predictor, _texts(side.encoded), reader.specials),
        majority=facts.majority(parts.task, splits, classes) if role == "result" else None,
        truncation=facts.truncation(side),
        unseen_classes=list(data.unseen(splits, parts.task)),
        checkpoint_digest=_save(predictor, reader, setup.folder) if setup.keep_checkpoint else None,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    table = record.CountTable(counts.columns, counts.units, counts.slices, counts.keys)
    rows = facts.predictions(side, answers, confidences, classes)
    record.write(setup.folder, kept, table, rows)


def _predictor(setup: Setup, asset: Asset, parts: Parts, reader: Reader, classes: int) -> Predictor:
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
    refuse_longer(knobs.max_length, body)
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


def _texts(encoded: Encoded) -> list[list[int]]:
    """A few encoded texts for the probes."""
    count = min(_PROBED_TEXTS, len(encoded.words))
    return [encoded.ids[encoded.offsets[i] : encoded.offsets[i + 1]].tolist() for i in range(count)]


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
