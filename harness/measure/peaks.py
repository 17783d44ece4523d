"""How much memory this process held at its highest while something ran. Linux, no root needed.

`begin` gives free memory back to the system and has the kernel forget the peak so far; `end` reads
the new one. The kernel does forget where a "5" can be written to /proc/self/clear_refs, which any
user may for a process of their own. Where that file is missing or closed (some sandboxes), the old
peak stays, and a lower one below it cannot be seen: it is None then, with the reason.

Both numbers count pages, those of mapped files (libraries, weights) included. Since Linux 6.2 the
kernel counts in batches per core: on a few cores readings are good to some hundred KiB, on
many cores to some MiB. `ru_maxrss` is no substitute: a program inherits its launcher's.
"""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROCESS = Path("/proc/self")
SLACK_BYTES = 2 * 2**20
"""How far the kernel's peak may lie above what is held and still count as forgotten."""

_MIB = 2**20


class Reading(NamedTuple):
    """Bytes of this process: held now, and at its highest. None could not be read, see `why`."""

    resident: int | None
    peak: int | None
    why: str | None = None


def read(process: Path = PROCESS) -> Reading:
    """Now, and the highest since the kernel last forgot, or since the program was executed."""
    try:
        status = (process / "status").read_text(encoding="ascii", errors="replace")
    except OSError as error:
        return Reading(None, None, f"{process}/status: {error.strerror}")
    kib = {name: int(size) for name, size in re.findall(r"^(Vm\w+):\s+(\d+) kB$", status, re.M)}
    if not {"VmRSS", "VmHWM"} <= kib.keys():
        return Reading(None, None, f"{process}/status tells no VmRSS and VmHWM")
    return Reading(1024 * kib["VmRSS"], 1024 * kib["VmHWM"])


def release() -> None:
    """Collect garbage, and return the C library's free memory to the system (glibc only)."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def begin(process: Path = PROCESS, release: Callable[[], None] = release) -> Reading:
    """From here on a peak is watched; what is held now, once free memory was given back."""
    release()
    with suppress(OSError):  # `end` sees whether the peak was forgotten
        (process / "clear_refs").write_text("5", encoding="ascii")
    return read(process)


def end(begun: Reading, process: Path = PROCESS) -> Reading:
    """What is held now, and the peak since `begin`.

    A peak that did not rise lies between what was held at the beginning and the old peak: it is
    known where these two are the same, and unknown otherwise.
    """
    now = read(process)
    if begun.resident is None or begun.peak is None or now.peak is None:
        return Reading(now.resident, None, now.why or begun.why)
    if now.peak > begun.peak or begun.peak - begun.resident <= SLACK_BYTES:
        return now
    why = (
        f"below {begun.peak / _MIB:.0f} MiB, which an earlier stage had reached; the kernel could "
        f"not be made to forget that peak ({process}/clear_refs)"
    )
    return Reading(now.resident, None, why)
