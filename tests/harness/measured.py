"""Measurements of made-up models whose truth is known, as the measuring half writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from synthetic import cell, leave

from harness import measurement, record
from harness.measurement import Energy, Measurement, Series, Stage, Subject
from harness.record import Cell, Record

MIB = 2**20
MACHINE = {"cpu": "EPYC", "cores_usable": 2, "versions": {"torch": "2.13.0"}, "gpu": None}
ENVIRONMENT = {"machine": MACHINE, "before": {"load": 0.25}, "after": {"load": 1.5}}
BLOCKS = 10


def kept(root: Path, of: Cell, **changes: Any) -> Record:
    """A run that kept its tuned model."""
    digest = record.digest(str(of))
    return record.read(leave(root, of, checkpoint_digest=digest, **changes))


def pair(root: Path, task: str = "ner") -> tuple[Record, Record]:
    """A decoder's and an encoder's run on the same task."""
    gpt, bert = (kept(root, cell(family=family, task=task)) for family in ("gpt", "bert"))
    return gpt, bert


def subject(of: Record, **changes: Any) -> Subject:
    c = of.cell
    assert of.model is not None
    base = Subject(
        description=of.model.description,
        model=c.model,
        family=c.family,
        pair=c.pair,
        level=c.level,
        weights=c.weights,
        task=c.task,
        data=c.data,
        mode=c.mode,
        strategy=c.strategy,
        cell=of.identity,
        checkpoint=of.checkpoint_digest,
    )
    return replace(base, **changes)


def architecture(family: str) -> Subject:
    """A model of release size, drawn at random."""
    names = {"gpt": "gpt2-124M", "bert": "bert-110M"}
    return Subject(
        names[family], names[family], family, "base", "as released", "architecture",
        "-", "-", "causal", "full", None, None,
    )  # fmt: skip


def series(name: str, wall: Sequence[float], load: float = 1.0, **changes: Any) -> Series:
    """Samples whose process seconds are the wall seconds over the foreign load."""
    cpu = [second / load for second in wall]
    return replace(Series(name, 0, [float(w) for w in wall], cpu), **changes)


def spread(seconds: float, count: int, seed: int, by: float = 0.05) -> list[float]:
    """So many samples around a median."""
    noise = np.random.default_rng(seed).normal(0.0, by, count)
    return (seconds * np.exp(noise)).tolist()


def single(seconds: float = 0.002, count: int = 200, load: float = 1.0) -> list[Series]:
    """One request at a time: the model alone, and 1 ms more from words to answer."""
    model = spread(seconds, count, 1)
    ends = [one + 0.001 for one in model]
    work = {"examples": [1] * count, "words": [9] * count, "tokens": [11] * count}
    return [
        series("single stream/model", model, load, work=work),
        series("single stream/end to end", ends, load, work=work),
    ]


def offline(size: int, per_second: float, batches: int = 12) -> Series:
    work = {
        "examples": [size] * batches,
        "words": [9 * size] * batches,
        "tokens": [12 * size] * batches,
        "positions": [15 * size] * batches,
    }
    shape = {"batch_size": size}
    return series("offline", spread(size / per_second, batches, size), work=work, shape=shape)


def texts(length: object, tokens: Sequence[int], first: float, each: float) -> list[Series]:
    """Texts whose first token takes `first` seconds and every further one `each`."""
    count = len(tokens)
    whole = [first + each * (number - 1) for number in tokens]
    work, shape = {"examples": [1] * count, "tokens": list(tokens)}, {"length": length}
    spans = {"prefill": [first / 2] * count, "first token": [first] * count, "whole text": whole}
    return [
        series(f"generation/{name}", taken, work=work, shape=shape) for name, taken in spans.items()
    ]


def stages() -> list[Stage]:
    """Forward needs 20 MiB for a while, a training step 30 MiB; the rest is exact."""
    weights = {"weights": 4 * MIB}
    step = weights | {"gradients": 4 * MIB, "optimizer": 8 * MIB}
    return [
        Stage("start", 0.05, 10 * MIB, 12 * MIB),
        Stage("imports", 2.5, 300 * MIB, 310 * MIB),
        Stage("weights", 2.75, 305 * MIB, 306 * MIB, parts=weights),
        Stage("first answer", 3.125, 310 * MIB, 312 * MIB, parts=weights),
        Stage("forward", 3.5, 311 * MIB, 330 * MIB, parts=weights, shape={"batch_size": 32}),
        Stage("training step", 5.0, 340 * MIB, 353 * MIB, parts=step),
    ]


def probe(of: Subject, **changes: Any) -> Measurement:
    """What a probe leaves behind: 2 ms a request, best at batches of 32, no energy counter."""
    base = Measurement(
        kind="probe",
        identity="",
        subjects=[of],
        settings={"name": "quick", "device": "cpu"},
        environment=ENVIRONMENT,
        series=[*single(), offline(8, 400.0), offline(32, 800.0), offline(128, 700.0)],
        memory={"0": stages()},
        not_measured={"energy": "no counter"},
        finished_at="2026-01-01T00:00:00+00:00",
    )
    return _identified(replace(base, **changes))


def joules(examples: int) -> Energy:
    """600 J in 10 s, of which idling would have used 200 J."""
    return Energy("offline", 600.0, 20.0, 10.0, {"examples": examples})


def lane(
    name: str,
    seconds: Sequence[float],
    noise: float = 0.005,
    seed: int = 0,
    drift: Sequence[float] | None = None,
    load: Sequence[float] | None = None,
    blocks: int = BLOCKS,
    calls: int = 8,
    shapes: Sequence[Mapping[str, Any]] = ({}, {}),
    subjects: Sequence[int] = (0, 1),
) -> list[Series]:
    """Two sides that took turns; `drift` and `load` are factors, one a block."""
    rng = np.random.default_rng([seed, 5])
    found = []
    for side in (0, 1):
        block = np.repeat(np.arange(blocks), calls)
        cpu = seconds[side] * np.exp(rng.normal(0, noise, len(block)))
        cpu = cpu * (np.ones(blocks) if drift is None else np.asarray(drift))[block]
        wall = cpu * (np.ones(blocks) if load is None else np.asarray(load))[block]
        found.append(
            Series(
                name,
                subjects[side],
                wall.tolist(),
                cpu.tolist(),
                blocks=block.tolist(),
                shape=shapes[side],
            )
        )
    return found


def gate(name: str, apart: float = 1.0, **words: Any) -> list[Series]:
    """A model against its copy."""
    shapes = ({"copy": 0}, {"copy": 1})
    return lane(f"A/A/{name}", (0.002 * apart, 0.002), shapes=shapes, subjects=(0, 0), **words)


def rates(subject: int, within: Mapping[float, bool]) -> list[Series]:
    """A server under several loads: 10 ms where it kept up, 100 ms where it did not."""
    return [
        series(
            "server-like/rate",
            [0.010 if kept_up else 0.100] * 200,
            load=10.0,
            subject=subject,
            shape={
                "rate_per_second": rate,
                "bound_seconds": 0.05,
                "quantile": 0.95,
                "within": kept_up,
            },
        )
        for rate, kept_up in within.items()
    ]


def race(gpt: Subject, bert: Subject, found: Sequence[Series], **changes: Any) -> Measurement:
    base = Measurement(
        kind="race",
        identity="",
        subjects=[gpt, bert],
        settings={"name": "quick", "device": "cpu"},
        environment=ENVIRONMENT,
        series=list(found),
    )
    return _identified(replace(base, **changes))


def _identified(found: Measurement) -> Measurement:
    names = [str(one) for one in found.subjects]
    return replace(found, identity=record.digest([found.kind, names, str(found.settings)]))


def keep(root: Path, *found: Measurement) -> list[Path]:
    """Write measurements below a results folder."""
    places = [measurement.path(root, one.kind, one.identity) for one in found]
    for place, one in zip(places, found, strict=True):
        measurement.write(place, one)
    return places
