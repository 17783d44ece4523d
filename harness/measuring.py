"""After all training has drained: what of the kept models is to be measured, and doing it.

Memory first, of several models side by side, as each is read in a process of its own; then
whatever is timed, one after another, alone. What was measured before on this machine is skipped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness import environment, ledger, measurement, pool, record
from harness import setup as setups
from harness.isolate import Done, Failed, Job
from harness.measurement import Stage
from harness.setup import Order, Place, Setup

SCRATCH = "scratch"
LIMIT_SECONDS = 3600.0


def measure(found: Sequence[Setup], config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Probe each kept model, race each pair; returns what failed, with reasons."""
    kept = worth(found)
    if not kept or not (config["probe"] or config["race"]):
        return []
    cache, failed = Path(config["cache"]), list[tuple[str, str]]()
    with FileLock(cache / "locks" / "measuring.lock"):
        jobs = list(_probes(kept, config)) if config["probe"] else []
        stages = _ledgers(jobs, config, failed)
        timed = [_with_stages(job, stages) for job in jobs]
        timed += _races(kept, config) if config["race"] else []
        for job, outcome in pool.run(timed, 1, LIMIT_SECONDS, "speed"):
            if isinstance(outcome, Failed):
                failed.append((job.name, outcome.reason))
                sys.stdout.write(f"FAILED  {job.name}: {outcome.reason}\n")
    return failed


def worth(found: Sequence[Setup]) -> list[Setup]:
    """The models that are there to be measured; untrained ones only where there are no others."""
    kept = [setup for setup in found if digest(setup)]
    trained = {_arm(setup) for setup in kept if setup.cell.weights != SCRATCH}
    return [s for s in kept if s.cell.weights != SCRATCH or _arm(s) not in trained]


def digest(setup: Setup) -> str | None:
    """Of the checkpoint that a cell has kept, or of an architecture; None where there is none."""
    if not setup.trains:
        return setup.identity
    if setups.outcome(setup.folder) != "finished":
        return None
    return record.read(setup.folder).checkpoint_digest


def pairs(kept: Sequence[Setup]) -> Iterator[tuple[Setup, Setup]]:
    """Decoder and encoder of a pair on the same task and data; every mode of the encoder."""
    for gpt in kept:
        for bert in kept:
            families = (gpt.cell.family, bert.cell.family)
            if families == ("gpt", "bert") and _course(gpt) == _course(bert):
                yield gpt, bert


def _course(setup: Setup) -> tuple[object, ...]:
    cell, digests = setup.cell, setup.foundation.digests
    return cell.pair, cell.task, cell.strategy, cell.seed, tuple(sorted(digests.items()))


def _arm(setup: Setup) -> tuple[object, ...]:
    return (*_course(setup), setup.cell.model, setup.cell.mode)


def _probes(kept: Sequence[Setup], config: Mapping[str, Any]) -> Iterator[Job]:
    settings = config["probe"]
    for setup in kept:
        if not setup.trains:
            continue  # it reads no words; a race asks it in shapes
        name = f"probe-{setup.name.rpartition('-')[0]}"
        order = _order(name, [setup], settings, config)
        if not Path(order.file).is_file():
            yield Job(name, "harness.probing:execute", order)


def _races(kept: Sequence[Setup], config: Mapping[str, Any]) -> list[Job]:
    settings, jobs = config["race"], list[Job]()
    for gpt, bert in pairs(kept):
        words = (gpt.cell.task, gpt.cell.data, gpt.cell.model, bert.cell.model, bert.cell.mode)
        name = "-".join(["race", *map(setups.safe, words)])
        order = _order(name, [gpt, bert], settings, config)
        if not Path(order.file).is_file():
            jobs.append(Job(name, "harness.racing:execute", order))
    return jobs


def _order(
    name: str, subjects: Sequence[Setup], settings: Mapping[str, Any], config: Mapping[str, Any]
) -> Order:
    place = Place(config["device"], config["precision"])
    digests = [digest(setup) or "" for setup in subjects]
    kind, how = name.partition("-")[0], {**settings, **asdict(place)}
    gpu = None if place.device != "cpu" else "measured on the CPU"
    identity = measurement.identify(kind, digests, how, environment.machine(gpu))
    file = measurement.path(Path(config["results"]), name, identity)
    return Order(subjects, settings, place, identity, str(file))


def _ledgers(
    jobs: Sequence[Job], config: Mapping[str, Any], failed: list[tuple[str, str]]
) -> dict[str, Sequence[Stage]]:
    found: dict[str, Sequence[Stage]] = {}
    reading = [
        Job(
            job.name,
            "harness.measuring:stages",
            (job.argument.setups[0], job.argument.place, config["probe"]["memory_batch"]),
        )
        for job in jobs
    ]
    workers = config["workers"] or environment.usable_cores()
    for job, outcome in pool.run(reading, workers, LIMIT_SECONDS, "memory"):
        if isinstance(outcome, Done):
            found[job.name] = outcome.value
        else:
            failed.append((job.name, outcome.reason))
    return found


def stages(
    argument: tuple[Setup, Place, int], progress: Callable[[float], None] = lambda _: None
) -> Sequence[Stage]:
    """The memory ledger of one model: a job that executes a process of its own."""
    setup, place, batch_size = argument
    found = ledger.measure(setup, place, batch_size)
    progress(1.0)
    return found


def _with_stages(job: Job, found: Mapping[str, Sequence[Stage]]) -> Job:
    return replace(job, argument=replace(job.argument, stages=found.get(job.name, ())))
