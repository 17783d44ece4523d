"""One cell, from configuration to record: a table of contents of its stages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from harness import environment, facts, metrics, record, train
from harness import setup as setups
from harness.assets import Asset
from harness.labelling import Labelling
from harness.measure.stopwatch import Stopwatch
from harness.setup import Setup, used
from harness.train import Progress
from harness.view import parts_of
from harness.work import Work
from harness.writing import Writing


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
    parts, role = parts_of(setup.config), setup.cell.role
    work: Work = (Writing if parts.mode.writes else Labelling)(setup, asset, parts)
    parts.strategy.adapt(work.model)
    log = train.train(
        work.model,
        _loss(work),
        work.lengths(),
        work.batch,
        work.score_dev,
        parts.knobs,
        setup.cell.seed,
        Stopwatch(),
        progress,
        metrics.meter(work.metrics[0]).lower_is_better,
        parts.mode.updates_factor,
    )
    found = work.conclude()
    kept = record.Record(
        identity=setup.identity,
        experiment_version=setups.EXPERIMENT_VERSION,
        cell=setup.cell,
        outcome=record.Outcome("finished"),
        config=setup.science,
        environment={**setup.environment, "load": environment.load()},
        sweep=setup.sweep,
        plan=setup.plan,
        tuning=setup.tuning,
        evaluated=used(role)[-1],
        metrics=list(work.metrics),
        data=facts.data_facts(setup.foundation, parts, work.classes),
        model=facts.model_facts(setup.cell, asset, parts, work),
        training=log,
        probes=found.probes,
        majority=found.majority if role == "result" else None,
        truncation=found.truncation,
        signatures=found.signatures,
        likelihood=found.likelihood,
        unseen_classes=list(found.unseen_classes),
        checkpoint_digest=_save(work, setup.folder) if setup.keep_checkpoint else None,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    record.write(setup.folder, kept, record.CountTable(**vars(found.counts)), found.rows)


def _loss(work: Work) -> Any:
    """The loss of a `Predictor` or a `Writer`."""
    return work.model.loss


def _save(work: Work, folder: Path) -> str:
    """Keep the tuned model beside the record; returns the digest of its weights.

    A model that writes is kept whole; of one that gives labels the body is a standard checkpoint
    and the answer layer lies beside it.
    """
    place, model = folder / record.CHECKPOINT, work.model
    body: Any = model.model if hasattr(model, "model") else model.body
    body.save_pretrained(place)
    work.reader.tokenizer.save_pretrained(place)
    head: Any = model.length if hasattr(model, "model") else model.head
    if head is not None:
        save_file(head.state_dict(), place / record.HEAD)
    return record.weights_digest(place)
