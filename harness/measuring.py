"""After all training has drained: what of the kept models is to be measured, and doing it.

Memory first, of several models side by side, as each is read in a process of its own; then
whatever is timed, one after another, alone. What was measured before on this machine is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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


@dataclass(frozen=True)
class Measured:
    """What became of the probes and races of one command."""

    count: int
    already: int
    failed: Sequence[tuple[str, str]]  # name and reason


def measure(found: Sequence[Setup], config: Mapping[str, Any]) -> Measured:
    """Probe each kept model, race each pair, one after another."""
    kept = worth(found)
    if not kept or not (config["probe"] or config["race"]):
        return Measured(0, 0, ())
    failed = list[tuple[str, str]]()
    locks = Path(config["cache"]) / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / "measuring.lock"):
        planned = list(_probes(kept, config)) if config["probe"] else []
        planned += _races(kept, config) if config["race"] else []
        jobs = [job for job in planned if not Path(job.argument.file).is_file()]
        stages = _ledgers(jobs, config, failed)
        timed = [_with_stages(job, stages) for job in jobs]
        for job, outcome in pool.run(timed, 1, LIMIT_SECONDS, "speed"):
            if isinstance(outcome, Failed):
                failed.append((job.name, outcome.reason))
    return Measured(len(planned), len(planned) - len(jobs), failed)


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
        yield Job(name, "harness.probing:execute", order)


def _races(kept: Sequence[Setup], config: Mapping[str, Any]) -> Iterator[Job]:
    settings = config["race"]
    for gpt, bert in pairs(kept):
        words = (gpt.cell.task, gpt.cell.data, gpt.cell.model, bert.cell.model, bert.cell.mode)
        name = "-".join(["race", *map(setups.safe, words)])
        order = _order(name, [gpt, bert], settings, config)
        yield Job(name, "harness.racing:execute", order)


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
    """Memory by name of cell: of what is probed, and of architectures, which never are."""
    wanted = {
        setup.name: Job(setup.name, "harness.measuring:stages", (setup, job.argument))
        for job in jobs
        for setup in job.argument.setups
        if len(job.argument.setups) == 1 or not setup.trains
    }
    found: dict[str, Sequence[Stage]] = {}
    workers = config["workers"] or environment.usable_cores()
    for job, outcome in pool.run(list(wanted.values()), workers, LIMIT_SECONDS, "memory"):
        if isinstance(outcome, Done):
            found[job.name] = outcome.value
        else:
            failed.append((job.name, outcome.reason))
    return found


def stages(
    argument: tuple[Setup, Order], progress: Callable[[float], None] = lambda _: None
) -> Sequence[Stage]:
    """The memory ledger of one model: a job that executes a process of its own."""
    setup, order = argument
    if setup.trains:
        shape = ledger.Shape(order.settings["memory_batch"])
    else:
        shape = ledger.Shape(order.settings["batch_size"], order.settings["shape_tokens"])
    found = ledger.measure(setup, order.place, shape)
    progress(1.0)
    return found


def _with_stages(job: Job, found: Mapping[str, Sequence[Stage]]) -> Job:
    memory = [found.get(setup.name, ()) for setup in job.argument.setups]
    return replace(job, argument=replace(job.argument, memory=memory))
