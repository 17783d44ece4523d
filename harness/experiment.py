"""One cell, from configuration to record: a table of contents of its stages."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import torch
from safetensors import SafetensorError

from harness import exporting, metrics, record, train
from harness.backbones import body as bodies
from harness.cells import facts
from harness.cells.asking import Asking
from harness.cells.facts import Effort
from harness.cells.labelling import Labelling
from harness.cells.view import Parts, parts_of
from harness.cells.work import Conclusion, Trainee, Work
from harness.cells.writing import Writing
from harness.contracts import InputError
from harness.exporting import agreement
from harness.measure import environment, nvml
from harness.measure.stopwatch import Stopwatch
from harness.planning import setup as setups
from harness.planning.setup import Setup, used
from harness.record import TrainLog
from harness.serving import Served, subject_of
from harness.strategies.prompt import Prompt
from harness.train import Progress
from harness.weights.assets import Asset


def execute(setup: Setup, progress: Progress = lambda _: None) -> str:
    """Run one cell and write its record; returns its folder. A cell already finished is kept."""
    asset = setup.foundation.asset
    if asset is None:
        raise ValueError("a cell cannot run before its tokenizer and weights exist")
    with setups.locked(setup.cache, setup.identity):
        if setups.outcome(setup.folder) != "finished":
            for litter in setup.folder.glob(".*.tmp"):  # a killed run's, as we hold the lock
                litter.unlink()
            shutil.rmtree(setup.folder / record.CHECKPOINT, ignore_errors=True)
            _run(setup, asset, progress)
    return str(setup.folder)


def _run(setup: Setup, asset: Asset, progress: Progress) -> None:
    parts, role = parts_of(setup.config), setup.cell.role
    work: Work
    trainee: Trainee | None = None  # where there is one, it is the work
    gpu: Mapping[str, Any] = {}
    if isinstance(parts.strategy, Prompt):  # on the processor, wherever others are tuned
        work = (Writing if parts.mode.writes else Asking)(setup, asset, parts)
        effort, log = facts.NO_EFFORT, train.untrained(work.model)
        found = work.conclude()
    else:
        gpu = _prepared(parts.knobs.device)
        work = trainee = (Writing if parts.mode.writes else Labelling)(setup, asset, parts)
        effort, log, found = _trained(setup, trainee, parts, progress)
    kept = record.Record(
        identity=setup.identity,
        experiment_version=setups.EXPERIMENT_VERSION,
        cell=setup.cell,
        outcome=record.Outcome("finished"),
        config=setup.science,
        environment={**setup.environment, **gpu, "load": environment.load()},
        sweep=setup.sweep,
        plan=setup.plan,
        tuning=setup.tuning,
        evaluated=used(role)[-1],
        metrics=list(work.metrics),
        data=facts.data_facts(setup.foundation, parts, work.classes),
        model=facts.model_facts(setup.cell, asset, parts, work, effort),
        training=log,
        probes=found.probes,
        majority=found.majority if role == "result" else None,
        truncation=found.truncation,
        signatures=found.signatures,
        likelihood=found.likelihood,
        unseen_classes=list(found.unseen_classes),
        checkpoint_digest=None,
        answering=found.answering,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    counts = record.CountTable(**vars(found.counts))
    try:
        if setup.keep_checkpoint and trainee is not None:
            kept = _kept(setup, trainee, parts, kept, counts)
    finally:  # the result stands, whatever becomes of its model
        _write(setup, kept, counts, found.rows)


def _prepared(device: str) -> dict[str, Any]:
    """Make a device compute the same again for the same seed; returns what it is."""
    if device == "cpu":
        return {}
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS is first used
    torch.use_deterministic_algorithms(True, warn_only=True)
    warnings.filterwarnings("ignore", message=".*deterministic")  # a line for every run
    told = nvml.open_device(device)
    if isinstance(told, str):
        return {"gpu": torch.cuda.get_device_name(device), "driver": None}
    return {"gpu": told.name(), "driver": told.driver()}


def _write(
    setup: Setup, kept: record.Record, counts: record.CountTable, rows: Sequence[Mapping[str, Any]]
) -> None:
    try:
        record.write(setup.folder, kept, counts, rows)
    except OSError as error:
        raise InputError(
            f"{setup.folder}: the record could not be written ({error.strerror or error}); make "
            "room there and run the same command again"
        ) from None


def _trained(
    setup: Setup, work: Trainee, parts: Parts, progress: Progress
) -> tuple[Effort, TrainLog, Conclusion]:
    """Tune the model of a work in place, and let it answer."""
    before, device = bodies.size(work.body), parts.knobs.device
    parts.strategy.adapt(work.model, setup.cell.seed)
    effort = facts.effort(parts, work, before)
    try:
        log = train.train(
            work.model,
            _loss(work),
            work.lengths(),
            work.batch,
            work.score_dev,
            parts.knobs,
            setup.cell.seed,
            Stopwatch.of(device),
            progress,
            metrics.meter(work.metrics[0]).lower_is_better,
            parts.mode.updates_factor,
        )
        parts.strategy.settle(work.model)
        return effort, log, work.conclude()
    except torch.OutOfMemoryError as error:
        raise train.OutOfMemory(
            f"{device}: its memory was not enough ({str(error).partition('. ')[0]}); raise "
            "train.accumulation, or lower train.batch_size or workers"
        ) from None


def _loss(work: Trainee) -> Any:
    """The loss of a `Predictor` or a `Writer`."""
    return work.model.loss


def _kept(
    setup: Setup, work: Trainee, parts: Parts, found: record.Record, counts: record.CountTable
) -> record.Record:
    """Keep the tuned model beside the record, as a folder that `transformers` loads.

    Returns the record that says so. Where anything goes wrong no half of a model is left.
    """
    from harness.kept import card  # scipy only where there is a card to write

    place = setup.folder / record.CHECKPOINT
    described = found.model.description if found.model else setup.cell.model
    served = Served(
        subject=subject_of(setup.cell, described, setup.identity, None),
        parts=parts,
        model=work.model,
        reader=work.reader,
        examples=(),
        per_word=parts.task.shape == "tags",
    )
    texts = setup.foundation.splits.train[: agreement.TEXTS]
    try:
        exporting.export(served, work.classes, texts, place)
        kept = replace(found, checkpoint_digest=record.weights_digest(place))
        card.write(place, kept, counts)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(place, ignore_errors=True)
        raise InputError(
            f"{place}: scored and recorded, but the tuned model could not be kept "
            f"({getattr(error, 'strerror', None) or error}); make room there, delete "
            f"{setup.folder} and run the same command again"
        ) from None
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    return kept
