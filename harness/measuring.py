"""After all training has drained: what of the kept models is to be measured, and doing it.

Memory first, each model in a process of its own; then whatever is timed. One after another, as a
cold start is timed too. What was measured before on this machine is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness import ledger, measurement, record
from harness.cells import pool
from harness.cells.isolate import Done, Failed, Job
from harness.examples import wording
from harness.measure import environment
from harness.measurement import Stage
from harness.planning import setup as setups
from harness.planning.setup import Order, Place, Setup

SCRATCH = "scratch"
LIMIT_SECONDS = 3600.0
UNKEPT = (
    "finished without keeping its tuned model, so there is nothing to measure; delete {folder} "
    "and run again with checkpoint=all"
)
NO_PAIR = (
    "no two models to race; name the decoder and the encoder of a pair on the same task, such as "
    "model=gpt2,bert"
)


@dataclass(frozen=True)
class Measured:
    """What became of the probes and races of one command."""

    count: int
    already: int
    failed: Sequence[tuple[str, str]]  # name and reason


def measure(found: Sequence[Setup], config: Mapping[str, Any]) -> Measured:
    """Probe each kept model, race each pair, one after another."""
    if not (config["probe"] or config["race"]):
        return Measured(0, 0, ())
    found = [setup for setup in found if not wording.untuned(setup.config)]  # they keep no model
    kept, failed = worth(found), list(unkept(found))
    wanted = len(failed)
    locks = Path(config["cache"]) / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / "measuring.lock"):
        planned = list(_probes(kept, config)) if config["probe"] else []
        raced = list(_races(kept, config)) if config["race"] else []
        if config["race"] and not raced and not failed:
            failed.append(("race", NO_PAIR))
            wanted += 1
        planned += raced
        jobs = [job for job in planned if not _there(Path(job.argument.file))]
        sound = list(_sound(jobs, failed))
        timed = list(_with_memory(sound, failed))
        for job, outcome in pool.run(timed, 1, LIMIT_SECONDS, "speed"):
            if isinstance(outcome, Failed):
                failed.append((job.name, outcome.reason))
    return Measured(wanted + len(planned), len(planned) - len(jobs), failed)


def _there(file: Path) -> bool:
    """Whether a measurement is there, and whole."""
    try:
        measurement.read(file)
    except record.RecordError:
        return False
    return True


def unkept(found: Sequence[Setup]) -> Iterator[tuple[str, str]]:
    """Finished models of which no seed was kept: name, and what to do."""
    kept = {_seedless(setup) for setup in found if digest(setup)}
    for setup in found:
        finished = setups.outcome(setup.folder) == "finished"
        if finished and _seedless(setup) not in kept:
            kept.add(_seedless(setup))  # once
            yield setup.name, UNKEPT.format(folder=setup.folder)


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
    return (*_contest(setup), setup.cell.seed)


def _arm(setup: Setup) -> tuple[object, ...]:
    return (*_course(setup), setup.cell.model, setup.cell.mode)


def _seedless(setup: Setup) -> tuple[object, ...]:
    return (*_contest(setup), setup.cell.model, setup.cell.mode, setup.cell.weights)


def _contest(setup: Setup) -> tuple[object, ...]:
    cell, digests = setup.cell, setup.foundation.digests
    return cell.pair, cell.task, cell.strategy, tuple(sorted(digests.items()))


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


def _sound(jobs: Sequence[Job], failed: list[tuple[str, str]]) -> Iterator[Job]:
    """Jobs whose models are still those whose quality is on record."""
    for job in jobs:
        doubts = (_doubt(setup) for setup in job.argument.setups if setup.trains)
        doubt = next(filter(None, doubts), None)
        if doubt is None:
            yield job
        else:
            failed.append((job.name, doubt))


def _doubt(setup: Setup) -> str | None:
    folder = setup.folder / record.CHECKPOINT
    try:
        if record.weights_digest(folder) == digest(setup):
            return None
        what = "not the weights that were kept there"
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
    return f"{folder}: {what}; delete {setup.folder} and run the same command again"


def _with_memory(jobs: Sequence[Job], failed: list[tuple[str, str]]) -> Iterator[Job]:
    """Jobs with the memory of their models.

    One whose memory was not read is not begun, as a file without it would count as made.
    """
    found = _ledgers(jobs)
    for job in jobs:
        memory = [found.get(setup.name, Done(())) for setup in job.argument.setups]
        lost = next((one for one in memory if isinstance(one, Failed)), None)
        if lost is not None:
            failed.append((job.name, lost.reason))
        else:
            stages = [one.value for one in memory if isinstance(one, Done)]
            yield replace(job, argument=replace(job.argument, memory=stages))


def _ledgers(jobs: Sequence[Job]) -> dict[str, Done | Failed]:
    """Memory by name of cell: of what is probed, and of architectures, which never are."""
    wanted = {
        setup.name: Job(setup.name, "harness.measuring:stages", (setup, job.argument))
        for job in jobs
        for setup in job.argument.setups
        if len(job.argument.setups) == 1 or not setup.trains
    }
    todo = list(wanted.values())
    return {job.name: outcome for job, outcome in pool.run(todo, 1, LIMIT_SECONDS, "memory")}


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
