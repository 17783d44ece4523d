"""Jobs side by side, one process each: time limits, progress, and an orderly end on Ctrl-C."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

from tqdm import tqdm

from harness.cells import isolate
from harness.cells.isolate import Done, Failed, Job, Running
from harness.measure.stopwatch import Stopwatch

_TICK_SECONDS = 0.5
_LINE_SECONDS = 60
_TELLING_SHARE = 0.02  # of a job, from which on its speed so far says when it will end


def run(
    jobs: Sequence[Job],
    workers: int,
    limit_seconds: float,
    title: str,
    take: Callable[[Job], bool] = lambda _: True,
) -> Iterator[tuple[Job, Done | Failed]]:
    """Run jobs in order, `workers` at a time; yields each with its outcome as it ends.

    `take` is asked before a job starts: one that it refuses (another command has it) is passed
    over. Closing the iterator, or an exception in its consumer, kills what is running.
    """
    if not jobs:
        return
    context = isolate.server()
    clock = Stopwatch().wall
    waiting = deque(jobs)
    running: list[Running] = []
    with _bar(jobs, title, clock) as bar:
        try:
            while waiting or running:
                while len(running) < workers and (job := _next(waiting, take, bar)):
                    running.append(isolate.start(context, job, clock()))
                wait([one.pipe for one in running], timeout=_TICK_SECONDS)
                for one in list(running):
                    outcome = isolate.poll(one)
                    late = clock() - one.since > limit_seconds
                    if outcome is None and late:
                        one.kill()
                        minutes = limit_seconds / 60
                        outcome = Failed(
                            f"stopped after {minutes:g} minutes, the limit of one cell; "
                            "raise it with time_limit_minutes=..."
                        )
                    if outcome is not None:
                        running.remove(one)
                        bar.finished(one.job)
                        yield one.job, outcome
                bar.show(running)
        finally:
            for one in running:
                one.kill()


def _next(waiting: deque[Job], take: Callable[[Job], bool], bar: _Bar) -> Job | None:
    """The next job that may start; None where there is none left."""
    while waiting:
        job = waiting.popleft()
        if take(job):
            return job
        bar.finished(job)
    return None


class _Bar:
    """One progress display for all jobs, in shares of their cost, with the time left.

    On a terminal a bar; elsewhere (a log file) a line a minute.
    """

    def __init__(self, bar: Any, jobs: Sequence[Job], title: str, clock: Callable[[], float]):
        self.bar, self.title, self.clock = bar, title, clock
        self.total = sum(job.cost for job in jobs)
        self.ended, self.count, self.of = 0.0, 0, len(jobs)
        self.begun = self.told = clock()

    def finished(self, job: Job) -> None:
        self.ended += job.cost
        self.count += 1

    def show(self, running: Sequence[Running]) -> None:
        done = self.ended + sum(one.job.cost * one.share for one in running)
        share = min(1.0, done / self.total)
        now = self.clock()
        names = ", ".join(_told(one, now) for one in running)
        if self.bar.disable:
            self._tell(share, names)
            return
        self.bar.n = 100 * share
        self.bar.set_postfix_str(f"{self.count}/{self.of} done; {names}", refresh=True)

    def _tell(self, share: float, names: str) -> None:
        now = self.clock()
        if now - self.told < _LINE_SECONDS:
            return
        self.told = now
        told = f"{self.title}: {self.count} of {self.of} done"
        if names:
            told += f"; {names}"
        if share > 0:
            left = (now - self.begun) * (1 - share) / share / 60
            told += f", about {left:.0f} min left"
        sys.stderr.write(told + "\n")
        sys.stderr.flush()


def _told(one: Running, now: float) -> str:
    """A running job, how much of it is done and, once that says something, its minutes left."""
    told = f"{one.job.name} {one.share:.0%}"
    if one.share < _TELLING_SHARE:
        return told
    left = (now - one.since) * (1 - one.share) / one.share / 60
    return f"{told} ({left:.0f} min left)" if left >= 1 else told


@contextmanager
def _bar(jobs: Sequence[Job], title: str, clock: Callable[[], float]) -> Iterator[_Bar]:
    form = "{l_bar}{bar:20}| {elapsed} < {remaining} {postfix}"
    with tqdm(
        total=100, desc=title, bar_format=form, disable=not sys.stderr.isatty(), leave=False
    ) as bar:
        yield _Bar(bar, jobs, title, clock)
