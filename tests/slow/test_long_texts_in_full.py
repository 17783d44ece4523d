"""Trained until it shows: windows find what cutting loses."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))

from test_long_texts import made, reached

pytestmark = pytest.mark.slow
ENOUGH = ("data.train_size=300", "data.test_size=80", "train.epochs=8", "train.batch_size=8")


@pytest.mark.parametrize("model", ["bert", "gpt2"])
def test_windows_find_what_cutting_loses(tmp_path, shared_cache, model):
    _, found = made(tmp_path, shared_cache, f"model={model}", *ENOUGH)
    scores = {}
    for long, (_, kept, counts) in found.items():
        tp, reachable, gold, scores[long] = reached(kept, counts)
        assert tp <= reachable
        if long == "cut":
            assert scores[long] <= 2 * reachable / (reachable + gold)
    assert scores["windows"] > scores["cut"] + 0.02
