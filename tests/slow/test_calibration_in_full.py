"""The calibration as a user runs it: both objectives land between the theorem and their slack."""

import json
import subprocess
import sys

import pytest

from harness.calibration import FILE, SLACK


@pytest.mark.slow
def test_both_objectives_reach_what_theory_says(tmp_path, capsys):
    done = subprocess.run(
        [sys.executable, "-m", "harness.calibration", f"results={tmp_path}"],
        capture_output=True,
        text=True,
        check=False,
    )
    with capsys.disabled():
        print("\n" + done.stdout + done.stderr)
    assert done.returncode == 0
    kept = json.loads((tmp_path / FILE).read_text())
    for finding in kept["models"].values():
        found = finding["measured"]
        assert finding["alarm"] is None
        assert found["entropy"] - 3 * found["se"] <= found["bits"]
        assert found["bits"] <= found["entropy"] + SLACK[found["objective"]]
        assert found["bits"] < found["unigram"] - 1.5
