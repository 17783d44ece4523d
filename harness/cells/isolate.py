"""One job in one fresh process, forked from a server that has torch imported already.

A job is named by its function ("module:function") and one picklable argument, so the process
that plans never imports what it starts. The child reports progress and one outcome through a
pipe. A child does not outlive the process that started it.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext
from typing import Any

from harness.contracts import InputError

_PROGRESS_STEP = 0.005


@dataclass(frozen=True)
class Job:
    """Work for one process. The function takes the argument and a progress callback."""

    name: str
    function: str
    argument: Any
    cost: float = 1.0  # in any unit that all jobs of a run share


@dataclass(frozen=True)
class Done:
    """The function returned."""

    value: Any


@dataclass(frozen=True)
class Failed:
    """The function raised, or its process ended without a word."""

    reason: str
    error: str | None = None
    users_mistake: bool = False


@dataclass
class Running:
    """A started job. `share` is how much of it is done, 0 to 1."""

    job: Job
    process: Any
    pipe: Connection
    since: float  # on the pool's clock
    share: float = 0.0

    def kill(self) -> None:
        """End it now."""
        self.process.kill()
        self.process.join()


def server(preload: Sequence[str] = ()) -> ForkServerContext:
    """The context whose processes are forked with `preload` imported.

    There is one server in a program: the first call decides, later ones find it running.
    """
    context = multiprocessing.get_context("forkserver")
    if preload:
        context.set_forkserver_preload(list(preload))
    return context


def warm(preload: Sequence[str]) -> None:
    """Start the server now, so that its imports run while the caller still plans."""
    server(preload)
    forkserver.ensure_running()


def start(context: ForkServerContext, job: Job, now: float) -> Running:
    """Start a job in a process of its own, at `now` on the caller's clock."""
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(
        target=_child, args=(job.function, job.argument, sending), name=job.name, daemon=True
    )
    with _uninterrupted():
        process.start()
    sending.close()
    return Running(job, process, receiving, now)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits meanwhile: a child that is left half started says so with a traceback."""
    if threading.current_thread() is not threading.main_thread():  # where no Ctrl-C arrives
        yield
        return
    pressed = list[int]()
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
    if pressed and callable(before):
        before(signal.SIGINT, None)


def poll(running: Running) -> Done | Failed | None:
    """Take in what the child has said; its outcome, or None while it works."""
    try:
        while running.pipe.poll():
            message = running.pipe.recv()
            if not isinstance(message, float):
                running.process.join()
                outcome: Done | Failed = message
                return outcome
            running.share = message
    except (EOFError, OSError):
        running.process.join()
        return Failed(_last_words(running.process.exitcode))
    return None


def _last_words(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = "; out of memory, or killed by hand" if -code == signal.SIGKILL else ""
        return f"the process was ended by {name}{hint}"
    return f"the process ended with exit code {code} and no result"


def _child(function: str, argument: Any, sending: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    threading.Thread(target=_die_with_parent, daemon=True).start()
    sending.send(_outcome(function, argument, _reporter(sending)))
    sending.close()


def _outcome(function: str, argument: Any, progress: Callable[[float], None]) -> Done | Failed:
    module, _, name = function.partition(":")
    try:
        return Done(getattr(importlib.import_module(module), name)(argument, progress))
    except InputError as error:
        return Failed(str(error), users_mistake=True)
    except Exception as error:  # noqa: BLE001 - the one place: a failed cell is a result
        lines = traceback.format_exc().strip().splitlines()
        return Failed(f"{type(error).__name__}: {error}", "\n".join(lines[-12:]))


def _reporter(sending: Connection) -> Callable[[float], None]:
    last = 0.0

    def report(share: float) -> None:
        nonlocal last
        if share - last >= _PROGRESS_STEP or share >= 1:
            last = share
            sending.send(float(share))

    return report


def _die_with_parent() -> None:
    """Wait for the planning process to end, however it ends, and go with it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGKILL)
