"""The trials of a search as Optuna keeps them: a journal in the results folder, one study an arm.

A trial is found by its place in the search ("start 3", "train.lr high 1"), is written with its
values in one piece, and keeps them whatever becomes of the command that was to run it. Scores
are kept in records; the journal repeats them, higher being better.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from harness.search.space import Choice, Dimension, Point, Space

PLACE = "place"
FILE = "journal.log"


class KernelLock:
    """Optuna's lock on its journal, held by the kernel for us.

    It is free as soon as its holder dies. What such a holder left of a line is dropped, as the next
    line would be lost with it.
    """

    def __init__(self, file: Path):
        self._file = file
        self._lock = FileLock(file.with_suffix(".lock"))

    def acquire(self) -> bool:
        """Wait for the lock."""
        self._lock.acquire()
        _drop_half_a_line(self._file)
        return True

    def release(self) -> None:
        """Free it."""
        self._lock.release()


def _drop_half_a_line(file: Path) -> None:
    if not file.is_file():
        return
    with file.open("rb+") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size == 0:
            return
        stream.seek(size - 1)
        if stream.read(1) != b"\n":
            stream.seek(0)
            stream.truncate(stream.read().rfind(b"\n") + 1)


class Journal:
    """The studies of one search."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        file = folder / FILE
        lock = KernelLock(file)
        with _held(lock):  # a half line also stands in the way of who reads
            pass
        self._storage = JournalStorage(JournalFileBackend(str(file), lock_obj=lock))  # type: ignore[arg-type]
        self._planning = FileLock(folder / "planning.lock")
        self._studies = dict[str, Study]()

    def study(self, name: str) -> Study:
        """The study of an arm."""
        if name not in self._studies:
            self._studies[name] = optuna.create_study(
                storage=self._storage, study_name=name, direction="maximize", load_if_exists=True
            )
        return self._studies[name]

    @contextlib.contextmanager
    def planning(self) -> Iterator[None]:
        """While one command plans trials, no other does."""
        with self._planning:
            yield

    def planned(self, study: Study, place: str, values: Point, space: Space) -> Point:
        """The values of the trial at a place: those on file, else these, which are then kept."""
        if (known := _at(study, place)) is not None:
            return dict(known.params)
        study.add_trial(
            create_trial(
                state=TrialState.WAITING,
                params=dict(values),
                distributions=distributions(space),
                user_attrs={PLACE: place},
            )
        )
        return values

    def began(self, study: Study, place: str) -> None:
        """Somebody runs the trial at a place."""
        known = _at(study, place)
        if known is not None and known.state is TrialState.WAITING:
            self._storage.set_trial_state_values(known._trial_id, TrialState.RUNNING)

    def told(self, study: Study, place: str, value: float) -> None:
        """The trial at a place has ended; higher is better. What was told before stays."""
        self.began(study, place)
        known = _at(study, place)
        if known is not None and not known.state.is_finished():
            with contextlib.suppress(UpdateFinishedTrialError):  # by another command meanwhile
                study.tell(known.number, value, skip_if_finished=True)


@contextlib.contextmanager
def _held(lock: KernelLock) -> Iterator[None]:
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _at(study: Study, place: str) -> FrozenTrial | None:
    trials = study.get_trials(deepcopy=False)
    return next((one for one in trials if one.user_attrs.get(PLACE) == place), None)


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """A space in Optuna's words."""
    return {one.key: _distribution(one) for one in space}


def _distribution(one: Dimension) -> BaseDistribution:
    if isinstance(one, Choice):
        return CategoricalDistribution(one.values)
    if one.whole:
        return IntDistribution(int(one.low), int(one.high), log=one.log)
    return FloatDistribution(one.low, one.high, log=one.log)


def suggested(space: Space, tried: Sequence[tuple[Point, float]], seed: int) -> Point:
    """The point that TPE asks for after these, higher being better.

    It depends on nothing but its arguments, so that a search that was stopped goes on as it would
    have. Source: J. Bergstra et al. (2011), "Algorithms for Hyper-Parameter Optimization", NeurIPS,
    as implemented by Optuna.
    """
    sampler = optuna.samplers.TPESampler(n_startup_trials=0, seed=1_000 * seed + len(tried))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    known = distributions(space)
    for point, value in tried:
        study.add_trial(create_trial(params=dict(point), distributions=known, value=_finite(value)))
    asked = study.ask(known).params
    return {one.key: _short(one, asked[one.key]) for one in space}


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.copysign(1e9, value)


def _short(one: Dimension, value: object) -> object:
    """As `Range.at` rounds."""
    if isinstance(one, Choice) or one.whole or not isinstance(value, float):
        return value
    return min(max(float(f"{value:.3g}"), one.low), one.high)
