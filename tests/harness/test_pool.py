"""Processes: what they return, how they end, and that none is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from harness.cells import isolate, pool
from harness.cells.isolate import Done, Failed, Job

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def jobs_beside_the_tests(monkeypatch):
    """Jobs are found beside the tests."""
    monkeypatch.syspath_prepend(str(HERE))


def outcomes(*jobs, workers=2, limit=60.0):
    return {job.name: outcome for job, outcome in pool.run(jobs, workers, limit, "test")}


def test_ctrl_c_waits_until_a_process_has_started():
    started = []

    class Process:
        def __init__(self, **_):
            pass

        def start(self):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            started.append(self)

    context = SimpleNamespace(Pipe=multiprocessing.Pipe, Process=Process)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            isolate.start(context, Job("one", "jobs:add", [1]), 0.0)
        assert len(started) == 1
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_values_and_failures_come_back():
    found = outcomes(
        Job("sum", "jobs:add", [1, 2]),
        Job("bad", "jobs:explode", 7),
        Job("user", "jobs:mistake", None),
        Job("gone", "jobs:killed", None),
        Job("again", "jobs:add", [3]),
    )
    assert found["sum"] == Done(3)
    assert found["again"] == Done(3)
    bad = found["bad"]
    assert isinstance(bad, Failed)
    assert bad.reason == "RuntimeError: boom 7"
    assert "explode" in (bad.error or "")
    assert found["user"] == Failed("data.path=/nowhere: no such folder", users_mistake=True)
    assert "SIGKILL" in found["gone"].reason
    assert "out of memory" in found["gone"].reason


def test_a_late_job_is_stopped_and_the_others_go_on(tmp_path):
    found = outcomes(
        Job("late", "jobs:forever", str(tmp_path)), Job("sum", "jobs:add", [1]), limit=0.5
    )
    assert "time_limit_minutes" in found["late"].reason
    assert found["sum"] == Done(1)
    (pid,) = [int(p.name) for p in tmp_path.iterdir()]
    assert not psutil.pid_exists(pid)


def test_leaving_the_loop_kills_what_runs(tmp_path):
    running = pool.run(
        [Job("a", "jobs:forever", str(tmp_path)), Job("b", "jobs:add", [1])], 2, 60.0, "test"
    )
    next(running)
    running.close()
    wait_until(lambda: all(not psutil.pid_exists(int(p.name)) for p in tmp_path.iterdir()))


PARENT = """
import sys
sys.path.insert(0, {here!r})
from harness.cells import pool
from harness.cells.isolate import Job
jobs = [Job(str(n), "jobs:forever", {folder!r}) for n in range(2)]
if __name__ == "__main__":
    list(pool.run(jobs, 2, 600.0, "test"))
"""


@pytest.mark.parametrize("victim", ["parent", "group"])
def test_no_orphan_after_kill_9(tmp_path, victim):
    signs = tmp_path / "signs"
    signs.mkdir()
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(here=str(HERE), folder=str(signs)))
    parent = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    wait_until(lambda: len(list(signs.iterdir())) == 2)
    family = psutil.Process(parent.pid).children(recursive=True)
    assert len(family) >= 3  # the server and two jobs
    if victim == "parent":
        parent.kill()
    else:
        os.killpg(parent.pid, signal.SIGKILL)
    parent.wait()
    wait_until(lambda: not any(alive(process) for process in family))


def alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition, seconds=30.0):
    """Poll; the bound is generous because the machine may be busy, and only ends a hang."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "still not so"
        time.sleep(0.05)
