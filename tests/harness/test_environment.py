"""What a measurement belongs to, and what may change while it runs, from files of our own."""

import os

import pytest
from test_energy import gpu

from harness.measure import environment

GIB = 2**30


def lay(root, files):
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"{text}\n")


def core(number, governor, khz):
    folder = f"sys/devices/system/cpu/cpu{number}/cpufreq"
    return {f"{folder}/scaling_governor": governor, f"{folder}/scaling_cur_freq": khz}


@pytest.fixture
def two_of_four_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 1}, raising=False)


def test_governor_and_clocks_are_of_the_usable_cores(tmp_path, two_of_four_cores):
    for number, governor in enumerate(("ondemand", "performance", "ondemand", "powersave")):
        lay(tmp_path, core(number, governor, 1_000_400 * (number + 1)))
    state = environment.state(root=tmp_path)
    assert state["affinity"] == [1, 3]
    assert state["governors"] == ["performance", "powersave"]
    assert state["mhz"] == [2001, 4002]


def test_clocks_of_a_virtual_machine(tmp_path):
    lay(tmp_path, {"proc/cpuinfo": "model name : X\ncpu MHz\t\t: 2600.002\nflags : a b"})
    assert environment.state(root=tmp_path)["mhz"] == [2600]


def test_the_hottest_sensor_of_a_name(tmp_path):
    thermal, hwmon = "sys/class/thermal/thermal_zone", "sys/class/hwmon/hwmon0"
    lay(tmp_path, {f"{thermal}0/type": "x86_pkg_temp", f"{thermal}0/temp": 51500})
    lay(tmp_path, {f"{thermal}1/type": "x86_pkg_temp", f"{thermal}1/temp": 48000})
    lay(tmp_path, {f"{hwmon}/name": "k10temp", f"{hwmon}/temp1_input": -500})
    found = environment.state(root=tmp_path)["celsius"]
    assert found == {"x86_pkg_temp": 51.5, "k10temp": -0.5}


CGROUP = "sys/fs/cgroup"
V1_NONE = 9223372036854771712
LIMITS = {
    "second version, own group": (
        {"proc/self/cgroup": "0::/a/b", f"{CGROUP}/a/b/memory.max": 4 * GIB}
        | {f"{CGROUP}/a/b/cpu.max": "150000 100000"},
        (4 * GIB, 1.5),
    ),
    "second version, a group above is tighter": (
        {"proc/self/cgroup": "0::/a/b", f"{CGROUP}/a/b/memory.max": "max"}
        | {f"{CGROUP}/a/memory.max": GIB, f"{CGROUP}/a/cpu.max": "50000 100000"}
        | {f"{CGROUP}/a/b/cpu.max": "max 100000"},
        (GIB, 0.5),
    ),
    "second version, no limit": (
        {"proc/self/cgroup": "0::/a", f"{CGROUP}/a/memory.max": "max"}
        | {f"{CGROUP}/a/cpu.max": "max 100000"},
        ("unlimited", "unlimited"),
    ),
    "first version": (
        {"proc/self/cgroup": "9:name=systemd:/\n4:memory:/box\n2:cpu,cpuacct:/box"}
        | {f"{CGROUP}/memory/box/memory.limit_in_bytes": 2 * GIB}
        | {f"{CGROUP}/memory/memory.limit_in_bytes": V1_NONE}
        | {f"{CGROUP}/cpu,cpuacct/box/cpu.cfs_quota_us": 200000}
        | {f"{CGROUP}/cpu,cpuacct/box/cpu.cfs_period_us": 100000},
        (2 * GIB, 2.0),
    ),
    "first version, within a container that sees the host's path": (
        {"proc/self/cgroup": "4:memory:/docker/abc\n1:cpu:/docker/abc"}
        | {f"{CGROUP}/memory/memory.limit_in_bytes": V1_NONE}
        | {f"{CGROUP}/cpu/cpu.cfs_quota_us": -1, f"{CGROUP}/cpu/cpu.cfs_period_us": 100000},
        ("unlimited", "unlimited"),
    ),
    "nothing to be read": ({"proc/self/cgroup": "0::/a"}, (None, None)),
}


@pytest.mark.parametrize("case", LIMITS)
def test_limits_of_control_groups(tmp_path, case):
    files, limits = LIMITS[case]
    lay(tmp_path, files)
    state = environment.state(root=tmp_path)
    assert (state["memory_limit_bytes"], state["cpu_limit"]) == limits


def test_what_cannot_be_read_is_none(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "getloadavg", refused)
    for name in environment.THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    state = environment.state(root=tmp_path)
    assert set(state.pop("threads").values()) == {None}
    assert set(state.values()) == {None}
    assert environment.load() is None


def refused():
    raise OSError("not here")


def test_threads_and_load_and_device_are_told(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr(os, "getloadavg", lambda: (1.234, 2.0, 3.0))
    state = environment.state(gpu())
    assert state["threads"]["OMP_NUM_THREADS"] == "3"
    assert state["load"] == [1.23, 2.0, 3.0]
    assert state["gpu"]["sm_mhz"] == 1980


def test_another_device_or_driver_is_another_machine():
    here = environment.machine(gpu())
    assert (here["gpu"], here["driver"]) == ("GPU number 0", "570.1")
    assert environment.machine("no driver") == {**here, "gpu": None, "driver": None}
    assert here["cores_usable"] == environment.usable_cores()
    assert here["python"].startswith("3.")
    assert here["versions"]["torch"]


def test_the_machine_does_not_change_with_its_state(monkeypatch):
    before = environment.machine("no driver")
    monkeypatch.setattr(os, "getloadavg", lambda: (9.0, 9.0, 9.0))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert environment.machine("no driver") == before
