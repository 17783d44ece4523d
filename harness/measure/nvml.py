"""What the NVIDIA driver tells of a device. What it refuses is None, or a reason in words.

A thin layer over `pynvml`; the library is an argument so that a test can stand in for a driver.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import Any

THROTTLING = {
    0x1: "idle",
    0x2: "clocks set by hand",
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "hot (software)",
    0x40: "hot (hardware)",
    0x80: "power brake",
    0x100: "display clocks",
}
"""Why clocks are below their highest: the bits that nvml.h names for them."""


@dataclass(frozen=True)
class Gpu:
    """One device of an initialised library."""

    nvml: Any
    handle: Any

    def name(self) -> str | None:
        """As the vendor calls it: "NVIDIA H100 80GB HBM3"."""
        name: str | None = self._ask("nvmlDeviceGetName", self.handle)
        return name

    def driver(self) -> str | None:
        """The driver's version."""
        version: str | None = self._ask("nvmlSystemGetDriverVersion")
        return version

    def joules(self) -> float | None:
        """Energy since the driver was loaded, on Volta and later; moves about every 100 ms."""
        millijoules = self._ask("nvmlDeviceGetTotalEnergyConsumption", self.handle)
        return None if millijoules is None else millijoules / 1000

    def used_bytes(self) -> int | None:
        """Memory in use on the device, by whomever."""
        memory = self._ask("nvmlDeviceGetMemoryInfo", self.handle)
        return None if memory is None else int(memory.used)

    def own_bytes(self) -> int | None:
        """Memory that this process uses there, its context included; None where it is not seen.

        The driver knows processes by the host's numbers, so from within a container it may not be.
        """
        sizes = [one.usedGpuMemory for one in self._processes() or () if one.pid == os.getpid()]
        return None if not sizes or None in sizes else max(map(int, sizes))

    def others(self) -> int | None:
        """How many other processes use the device; None where this one is not seen among them."""
        found = self._processes()
        pids = {one.pid for one in found or ()}
        return len(pids) - 1 if os.getpid() in pids else None

    def divided(self) -> bool | None:
        """Whether the device is cut into instances (MIG), which share one energy counter."""
        modes = self._ask("nvmlDeviceGetMigMode", self.handle)
        return None if modes is None else bool(modes[0])

    def state(self) -> dict[str, Any]:
        """What changes while the device works: clocks in MHz, temperature, memory, company."""
        clock, temperature = "nvmlDeviceGetClockInfo", "nvmlDeviceGetTemperature"
        kinds = self.nvml
        return {
            "sm_mhz": self._ask(clock, self.handle, kinds.NVML_CLOCK_SM),
            "memory_mhz": self._ask(clock, self.handle, kinds.NVML_CLOCK_MEM),
            "celsius": self._ask(temperature, self.handle, kinds.NVML_TEMPERATURE_GPU),
            "throttled": self.throttled(),
            "used_bytes": self.used_bytes(),
            "other_processes": self.others(),
        }

    def throttled(self) -> list[str] | None:
        """Why clocks are below their highest, in words; [] where they are not."""
        bits = self._ask("nvmlDeviceGetCurrentClocksThrottleReasons", self.handle)
        if bits is None:
            return None
        unknown = bits & ~sum(THROTTLING)
        named = [words for bit, words in THROTTLING.items() if bits & bit]
        return named + ([f"reason {unknown:#x}"] if unknown else [])

    def _processes(self) -> list[Any] | None:
        compute = self._ask("nvmlDeviceGetComputeRunningProcesses", self.handle)
        graphics = self._ask("nvmlDeviceGetGraphicsRunningProcesses", self.handle)
        return None if compute is None else [*compute, *(graphics or ())]

    def _ask(self, question: str, *arguments: Any) -> Any:
        try:
            return getattr(self.nvml, question)(*arguments)
        except self.nvml.NVMLError:
            return None


def open_gpu(uuid: str | None = None, library: Any = None) -> Gpu | str:
    """A device, by its identifier ("GPU-..."; without one the first), or why there is none."""
    if library is None:
        try:
            library = importlib.import_module("pynvml")
        except ImportError:
            return "the package nvidia-ml-py is not installed"
    try:
        library.nvmlInit()
        if uuid is None:
            return Gpu(library, library.nvmlDeviceGetHandleByIndex(0))
        return Gpu(library, library.nvmlDeviceGetHandleByUUID(uuid))
    except library.NVMLError as error:
        return f"the NVIDIA driver gives no device: {error}"


def open_device(device: str, library: Any = None) -> Gpu | str:
    """The device that torch calls "cuda" or "cuda:1", which may be another by NVML's count."""
    if device == "cpu":
        return "a CPU has no such counter"
    import torch

    properties: Any = torch.cuda.get_device_properties(device)
    return open_gpu(f"GPU-{properties.uuid}", library)
