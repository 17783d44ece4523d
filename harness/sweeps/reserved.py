"""Which cells this command runs, where several commands share a results folder.

A cell is reserved by a lock of the kernel's on a file beside the records: it is freed when its
holder dies, however it dies, and never in any other way.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from harness.planning import setup as setups
from harness.planning.setup import Setup


class Reservations:
    """The cells that this process holds, from before they start until their record is written.

    `began` is told of each.
    """

    def __init__(self, folder: Path, began: Callable[[Setup], None] = lambda _: None):
        self.folder, self.began = folder, began
        self.held: dict[str, FileLock] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, setup: Setup) -> bool:
        """Reserve a cell; False where another command has it or it has been run meanwhile."""
        lock = self._lock(setup)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        if setups.outcome(setup.folder) is not None:
            lock.release()
            return False
        self.held[setup.identity] = lock
        self.began(setup)
        return True

    def release(self, setup: Setup) -> None:
        """Free a cell whose record is written."""
        self.held.pop(setup.identity).release()

    def release_all(self) -> None:
        """Free what is held still, as after Ctrl-C."""
        for lock in self.held.values():
            lock.release()
        self.held.clear()

    def wait(self, setup: Setup) -> None:
        """Return when nobody holds this cell any more: its record is there, or its holder died."""
        with self._lock(setup):
            pass

    def _lock(self, setup: Setup) -> FileLock:
        return FileLock(self.folder / f"{setup.identity}.lock")
