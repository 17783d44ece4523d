"""Peak memory: planted blocks are found again, and what cannot be read has a reason."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.measure import peaks

MIB = 2**20
ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="no Linux /proc")


class Process:
    """A folder like /proc/self; a kernel that keeps its peak unless `reset` is called."""

    def __init__(self, folder, resident, peak, closed=False):
        self.folder = folder
        if closed:
            (folder / "clear_refs").mkdir()
        self.holds(resident, peak)

    def holds(self, resident, peak):
        lines = [f"VmPeak:\t{9 * 2**20} kB", f"VmHWM:\t{peak * 1024} kB"]
        lines += [f"VmRSS:\t  {resident * 1024} kB", "RssAnon:\t 1 kB"]
        (self.folder / "status").write_text("\n".join(lines) + "\n")

    def begin(self):
        return peaks.begin(self.folder, release=lambda: None)

    def end(self):
        return peaks.end(self.begun, self.folder)


def run(code, *, fat=""):
    """Numbers that a newly executed program prints."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    if fat:
        starter = f"{fat}\nimport subprocess, sys\nsubprocess.run({command!r}, check=True)"
        command = [sys.executable, "-c", starter]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    return [int(word) for word in done.stdout.split()]


def test_status_is_read_in_bytes(tmp_path):
    Process(tmp_path, resident=20, peak=50)
    assert peaks.read(tmp_path) == (20 * MIB, 50 * MIB, None)


@pytest.mark.parametrize("status", [None, "Name:\tpython\nVmRSS:\t 12 kB\n"])
def test_what_cannot_be_read_is_none_with_a_reason(tmp_path, status):
    if status is not None:
        (tmp_path / "status").write_text(status)
    found = peaks.end(peaks.begin(tmp_path, release=lambda: None), tmp_path)
    assert found.resident is None
    assert found.peak is None
    assert str(tmp_path / "status") in found.why


def test_the_kernel_is_asked_to_forget(tmp_path):
    Process(tmp_path, resident=20, peak=50).begin()
    assert (tmp_path / "clear_refs").read_text() == "5"


@pytest.mark.parametrize(
    ("earlier", "later", "peak"),
    [
        ((20, 50), (20, 50), None),  # anything up to 50 may have been reached
        ((20, 50), (20, 51), 51),
        ((50, 50), (20, 50), 50),  # it began at its highest
    ],
)
def test_a_peak_that_was_not_forgotten_hides_lower_ones(tmp_path, earlier, later, peak):
    process = Process(tmp_path, *earlier, closed=True)
    begun = process.begin()
    process.holds(*later)
    found = peaks.end(begun, tmp_path)
    assert found.resident == 20 * MIB
    assert found.peak == (None if peak is None else peak * MIB)
    assert (found.why is None) == (peak is not None)
    assert peak is not None or "50 MiB" in found.why


PLANT = """
from pathlib import Path
from harness.measure import peaks

def plant(mebibytes, process=peaks.PROCESS):
    begun = peaks.begin(process)
    block = bytearray(b"x") * (mebibytes << 20)
    del block
    found = peaks.end(begun, process)
    return -1 if found.peak is None else found.peak - begun.resident
"""


@linux
def test_a_planted_block_is_the_peak_and_a_freed_one_is_not():
    wide, narrow = run(PLANT + "print(plant(64), plant(24))")
    assert abs(wide - 64 * MIB) < 2 * MIB
    assert abs(narrow - 24 * MIB) < 2 * MIB


@linux
def test_without_forgetting_the_narrow_block_is_unknown_and_a_wider_one_is_known(tmp_path):
    (tmp_path / "status").symlink_to("/proc/self/status")
    (tmp_path / "clear_refs").mkdir()
    tell = f"there = Path({str(tmp_path)!r})\n"
    tell += "print(plant(64, there), plant(24, there), plant(80, there))"
    first, narrow, wide = run(PLANT + tell)
    assert abs(first - 64 * MIB) < 2 * MIB
    assert narrow == -1
    assert abs(wide - 80 * MIB) < 2 * MIB


@linux
def test_free_memory_that_the_c_library_kept_is_given_back():
    held, left = run("""
from harness.measure import peaks
before = peaks.read().resident
blocks = [bytes(60_000) + b"x" for _ in range(1000)]
last = blocks.pop()  # stands above the free ones, which cannot be given back from the top
del blocks
held = peaks.read().resident - before
peaks.release()
print(held, peaks.read().resident - before)
""")
    if held < 40 * MIB:
        pytest.skip(f"this C library kept {held / MIB:.0f} of 57 MiB: nothing to give back")
    assert left < 4 * MIB


@linux
def test_a_program_started_by_a_fat_one_reads_as_alone_where_ru_maxrss_does_not():
    code = """
import resource
from harness.measure import peaks
print(peaks.read().peak, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    alone, maxrss_alone = run(code, fat="pass")
    after, maxrss_after = run(code, fat="block = bytearray(b'x') * (500 << 20)")
    assert abs(after - alone) < 2 * MIB
    assert maxrss_alone < 100 * MIB
    assert maxrss_after > 500 * MIB
