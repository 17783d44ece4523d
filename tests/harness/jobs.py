"""Jobs that the pool's tests send to child processes."""

import os
import signal
import time
from pathlib import Path

from harness.contracts import InputError


def add(argument, progress):
    progress(0.5)
    progress(1.0)
    return sum(argument)


def explode(argument, progress):
    raise RuntimeError(f"boom {argument}")


def mistake(argument, progress):
    raise InputError("data.path=/nowhere: no such folder")


def killed(argument, progress):
    os.kill(os.getpid(), signal.SIGKILL)


def forever(argument, progress):
    """Leave a sign of life in the given folder, then hang."""
    (Path(argument) / str(os.getpid())).touch()
    while True:
        time.sleep(0.05)


def memory(argument, progress):
    return [name for name in argument if name in __import__("sys").modules]
