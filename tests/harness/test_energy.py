"""What a driver tells and refuses, and joules of a window of work, under a driver of our own."""

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from clocks import Clock

from harness.measure import energy, nvml

GIB = 2**30
TICK = 0.1  # seconds between two movements of the counter


class Driver:
    """Stands for `pynvml`; refuses the questions in `refused`."""

    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    class NVMLError(Exception):
        pass

    def __init__(self, *refused, processes=None, mig=0, reasons=0, joules=lambda: 0.0):
        self.refused, self.mig, self.reasons, self.joules = refused, mig, reasons, joules
        self.processes = {os.getpid(): 3 * GIB} if processes is None else processes

    def __getattribute__(self, name):
        if name.startswith("nvml") and name in self.refused:
            return self._refuse
        return object.__getattribute__(self, name)

    def _refuse(self, *_):
        raise self.NVMLError("Insufficient Permissions")

    def nvmlInit(self):  # noqa: N802
        pass

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return f"number {index}"

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        return uuid

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return f"GPU {handle}"

    def nvmlSystemGetDriverVersion(self):  # noqa: N802
        return "570.1"

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        return round(1000 * self.joules())

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        return SimpleNamespace(used=5 * GIB, free=3 * GIB, total=8 * GIB)

    def nvmlDeviceGetComputeRunningProcesses(self, handle):  # noqa: N802
        return [SimpleNamespace(pid=p, usedGpuMemory=m) for p, m in self.processes.items()]

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle):  # noqa: N802
        return []

    def nvmlDeviceGetClockInfo(self, handle, kind):  # noqa: N802
        return {1: 1980, 2: 2619}[kind]

    def nvmlDeviceGetTemperature(self, handle, sensor):  # noqa: N802
        return 41 + sensor

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, handle):  # noqa: N802
        return self.reasons

    def nvmlDeviceGetMigMode(self, handle):  # noqa: N802
        return [self.mig, self.mig]


def gpu(*refused, **told):
    return nvml.open_gpu(library=Driver(*refused, **told))


def questions():
    return sorted(name for name in dir(Driver) if name.startswith("nvmlDeviceGet"))


# --- the driver ---


def test_no_library_and_no_driver_are_reasons(monkeypatch):
    assert gpu("nvmlInit") == "the NVIDIA driver gives no device: Insufficient Permissions"
    assert "no device" in gpu("nvmlDeviceGetHandleByIndex")
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert "nvidia-ml-py is not installed" in nvml.open_gpu()
    assert "CPU" in nvml.open_device("cpu")


def test_a_device_is_found_by_its_identifier():
    assert nvml.open_gpu(library=Driver()).name() == "GPU number 0"
    assert nvml.open_gpu("GPU-7", library=Driver()).name() == "GPU GPU-7"


def test_all_readings():
    one = gpu(joules=lambda: 12.5, reasons=0x1 | 0x4 | 0x800)
    assert (one.driver(), one.joules(), one.divided()) == ("570.1", 12.5, False)
    assert (one.used_bytes(), one.own_bytes(), one.others()) == (5 * GIB, 3 * GIB, 0)
    assert one.state() == {
        "sm_mhz": 1980,
        "memory_mhz": 2619,
        "celsius": 41,
        "throttled": ["idle", "power cap", "reason 0x800"],
        "used_bytes": 5 * GIB,
        "other_processes": 0,
    }
    assert gpu().throttled() == []


def test_what_is_refused_is_none_and_never_nought():
    one = gpu(*questions(), "nvmlSystemGetDriverVersion")
    assert one == "the NVIDIA driver gives no device: Insufficient Permissions"
    one = gpu(*(q for q in questions() if "Handle" not in q), "nvmlSystemGetDriverVersion")
    told = [one.name(), one.driver(), one.joules(), one.used_bytes(), one.own_bytes()]
    told += [one.others(), one.divided(), *one.state().values()]
    assert told == [None] * 13


def test_memory_of_this_process_among_others():
    shared = gpu(processes={1: GIB, os.getpid(): 2 * GIB, 2: GIB})
    assert (shared.own_bytes(), shared.others()) == (2 * GIB, 2)
    hidden = gpu(processes={1: GIB})  # from within a container it has another number
    assert (hidden.own_bytes(), hidden.others()) == (None, None)
    untold = gpu(processes={os.getpid(): None})  # under some drivers
    assert (untold.own_bytes(), untold.others()) == (None, 0)


def test_the_library_has_every_name_that_is_asked_for():
    pynvml = pytest.importorskip("pynvml")
    source = Path(nvml.__file__).read_text(encoding="utf-8")
    names = set(re.findall(r"\b(?:nvml[A-Z]|NVML_|NVMLE)\w+", source))
    assert names >= {"NVMLError", "nvmlDeviceGetTotalEnergyConsumption", "NVML_CLOCK_SM"}
    assert [name for name in names if not hasattr(pynvml, name)] == []


def test_throttling_is_named_as_the_library_numbers_it():
    pynvml = pytest.importorskip("pynvml")
    names = {
        "GpuIdle": "idle",
        "ApplicationsClocksSetting": "clocks set by hand",
        "SwPowerCap": "power cap",
        "HwSlowdown": "hardware slowdown",
        "SyncBoost": "sync boost",
        "SwThermalSlowdown": "hot (software)",
        "HwThermalSlowdown": "hot (hardware)",
        "HwPowerBrakeSlowdown": "power brake",
        "DisplayClockSetting": "display clocks",
    }
    bits = {getattr(pynvml, f"nvmlClocksThrottleReason{n}"): words for n, words in names.items()}
    assert bits == nvml.THROTTLING


# --- energy ---


class Meter:
    """A clock, and a counter that integrates watts and moves once a tick."""

    def __init__(self, idle, busy):
        self.clock, self.idle, self.busy = Clock(), idle, busy
        self.times, self.total = [0.0], [3_000_000.0]

    def joules(self):
        self.spend(self.idle)  # what has passed since without work
        tick = np.floor(self.clock.wall / TICK) * TICK
        return float(np.interp(tick, self.times, self.total))

    def spend(self, watts):
        self.total.append(self.total[-1] + watts * (self.clock.wall - self.times[-1]))
        self.times.append(self.clock.wall)

    def work(self, seconds):
        self.spend(self.idle)
        self.clock.work(seconds)
        self.spend(self.busy)

    def measure(self, calls, device, **how):
        return energy.measure("offline", calls, device, self.clock.stopwatch(True), **how)


def test_gross_and_net_joules_of_a_window():
    meter = Meter(idle=60.0, busy=250.0)
    calls = [
        (lambda: meter.work(0.3), {"examples": 32, "tokens": 400}),
        (lambda: meter.work(0.5), {"examples": 8, "tokens": 600}),
    ]
    found = meter.measure(calls, gpu(joules=meter.joules))
    assert found.seconds == pytest.approx(10.4)  # the window is filled, and then it ends
    assert found.work == {"examples": 13 * 40, "tokens": 13 * 1000}
    assert found.idle_watts == pytest.approx(60.0, rel=0.02)
    assert found.gross_joules == pytest.approx(250 * 10.4, rel=0.02)
    assert found.net_joules == pytest.approx(190 * 10.4, rel=0.03)
    assert meter.clock.slept == [5.0, 10.0]  # to cool down, and to see it idle


def test_an_idle_window_costs_idle_power_times_its_length():
    meter = Meter(idle=60.0, busy=60.0)
    found = meter.measure([(lambda: meter.work(1.0), {"examples": 1})], gpu(joules=meter.joules))
    assert found.gross_joules == pytest.approx(600.0, rel=0.02)
    assert found.net_joules == pytest.approx(0.0, abs=60.0 * 2 * TICK)


def never():
    raise AssertionError("nothing may be run where nothing can be read")


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        (gpu("nvmlDeviceGetTotalEnergyConsumption"), "cannot be read"),
        (gpu(mig=1), "MIG"),
        (gpu(processes={os.getpid(): GIB, 1: GIB}), "other processes (1)"),
    ],
)
def test_energy_that_is_not_ours_alone_is_refused(device, reason):
    assert reason in Meter(60.0, 250.0).measure([(never, {})], device)


def test_a_counter_that_stands_still_or_is_reset_gives_a_reason():
    meter = Meter(60.0, 250.0)
    work = [(lambda: meter.work(1.0), {"examples": 1})]
    for joules in (lambda: 5.0, lambda: 1e6 - meter.clock.wall):
        assert "stood still" in meter.measure(work, gpu(joules=joules))


def test_another_process_that_comes_during_the_window_is_noticed():
    meter = Meter(60.0, 250.0)
    company = {os.getpid(): GIB}

    def call():
        meter.work(1.0)
        company[1] = GIB

    found = meter.measure([(call, {})], gpu(joules=meter.joules, processes=company))
    assert "another process" in found
