"""What machine and software a number came from. What cannot be read is None, never a guess."""

from __future__ import annotations

import math
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

from harness.measure import nvml
from harness.measure.nvml import Gpu

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "hydra-core", "datasets")
COMPUTING = ("torch", "transformers", "tokenizers", "numpy")  # what speed can depend on
THREADS = "OMP_NUM_THREADS"
THREAD_VARIABLES = (
    THREADS,
    "OMP_WAIT_POLICY",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "TOKENIZERS_PARALLELISM",
    "GOMP_CPU_AFFINITY",
    "KMP_AFFINITY",
)
UNLIMITED = "unlimited"

_ROOT = Path("/")
_NO_LIMIT = 2**60  # version 1 of cgroups has no word for it, and gives a number beyond all memory


def observe() -> dict[str, Any]:
    """Hardware, versions, threads, commit."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "cores_usable": usable_cores(),
        "memory_bytes": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in PACKAGES},
        "threads": os.environ.get(THREADS),
        "commit": _git("rev-parse", "HEAD"),
        "dirty": None if (changes := _git("status", "--porcelain")) is None else bool(changes),
    }


def machine(gpu: Gpu | str | None = None) -> dict[str, Any]:
    """Hardware and software that a measurement belongs to: on another one it is another.

    `gpu` is the device that is measured, or why there is none; without one, the first there is.
    """
    memory, told = _memory(), nvml.open_gpu() if gpu is None else gpu
    return {
        "cpu": _cpu(),
        "cores_usable": usable_cores(),
        "memory_gib": None if memory is None else round(memory / 2**30),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in COMPUTING},
        "gpu": told.name() if isinstance(told, Gpu) else None,
        "driver": told.driver() if isinstance(told, Gpu) else None,
    }


def state(gpu: Gpu | str | None = None, root: Path = _ROOT) -> dict[str, Any]:
    """What may change while a measurement runs: to be read before and after it.

    Lists are of the usable cores, in order. A limit is a number, "unlimited", or None where it
    cannot be read.
    """
    cores = _affinity()
    cpus = [root / f"sys/devices/system/cpu/cpu{core}/cpufreq" for core in cores or ()]
    governors = {_text(cpu / "scaling_governor") for cpu in cpus}
    return {
        "load": _load(),
        "governors": sorted(filter(None, governors)) or None,
        "mhz": _mhz(root, cpus),
        "celsius": _celsius(root),
        "memory_limit_bytes": _memory_limit(root),
        "cpu_limit": _cpu_limit(root),
        "affinity": cores,
        "threads": {name: os.environ.get(name) for name in THREAD_VARIABLES},
        "gpu": gpu.state() if isinstance(gpu, Gpu) else None,
    }


def usable_cores() -> int:
    """Cores that this process may run on; all of them where the system does not say."""
    return len(_affinity() or ()) or os.cpu_count() or 1


def _affinity() -> list[int] | None:
    if not hasattr(os, "sched_getaffinity"):
        return None
    return sorted(os.sched_getaffinity(0))


def _cpu() -> str | None:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or None


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None


def load() -> float | None:
    """Runnable processes, averaged over a minute; None where the system does not say."""
    averages = _load()
    return None if averages is None else averages[0]


def _load() -> list[float] | None:
    """Over 1, 5 and 15 minutes."""
    try:
        return [round(average, 2) for average in os.getloadavg()]
    except OSError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None


def _number(path: Path) -> int | None:
    text = _text(path)
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def _mhz(root: Path, cpus: Sequence[Path]) -> list[int] | None:
    """Current clocks; of all cores where only /proc/cpuinfo tells them."""
    told = [_number(cpu / "scaling_cur_freq") for cpu in cpus]
    clocks = [round(khz / 1000) for khz in told if khz is not None]
    if clocks:
        return clocks
    lines = (_text(root / "proc/cpuinfo") or "").splitlines()
    found = [line.partition(":")[2] for line in lines if line.startswith("cpu MHz")]
    return [round(float(mhz)) for mhz in found] or None


def _celsius(root: Path) -> dict[str, float] | None:
    """The highest temperature of each sensor that the kernel names."""
    pairs = [
        *((zone, zone.with_name("type")) for zone in root.glob("sys/class/thermal/*/temp")),
        *((one, one.with_name("name")) for one in root.glob("sys/class/hwmon/*/temp*_input")),
    ]
    found: dict[str, float] = {}
    for place, named in pairs:
        name, thousandths = _text(named), _number(place)
        if name is not None and thousandths is not None:
            found[name] = max(found.get(name, -273.0), thousandths / 1000)
    return found or None


def _memory_limit(root: Path) -> float | str | None:
    """Of this process's control groups, whichever version of them the system has."""
    files = ("memory.max", "memory.limit_in_bytes")
    told = [_text(group / name) for group in _groups(root, "memory") for name in files]
    limits = [math.inf if text == "max" else int(text) for text in told if text is not None]
    return _tightest([limit if limit < _NO_LIMIT else math.inf for limit in limits])


def _cpu_limit(root: Path) -> float | str | None:
    """Cores' worth of time that this process's control groups allow."""
    limits: list[float] = []
    for group in _groups(root, "cpu"):
        new = (_text(group / "cpu.max") or "").split()
        old = [_text(group / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
        quota, period = new if len(new) == 2 else old
        if quota is not None and period is not None:
            limits.append(math.inf if quota in ("max", "-1") else int(quota) / int(period))
    return _tightest(limits)


def _tightest(limits: Sequence[float]) -> float | str | None:
    """A group's limit holds for all groups within it."""
    lowest = min(limits, default=None)
    return UNLIMITED if lowest == math.inf else lowest


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of the control groups that hold this process, from its own up to the top.

    A line of /proc/self/cgroup is "0::/path" in version 2 and "4:memory:/path" in version 1. In
    a container the path may be the host's, and only the top is there.
    """
    top = root / "sys/fs/cgroup"
    for line in (_text(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = top / controllers if controllers else top
        own = PurePosixPath(path.lstrip("/"))
        yield from (mount / part for part in (own, *own.parents))


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
