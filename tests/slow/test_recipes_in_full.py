"""Each recipe from the command line on a small file of its own, tiny models, to its report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import record

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))
import recipe_files

ROOT = Path(__file__).parents[2]
HEADLINES = {
    "intent": "accuracy",
    "sentiment": "macro_f1",
    "recommendation": "ndcg_10",
    "dialogue": "bleu",
}
TINY = (
    "model.architecture.hidden_size=32",
    "model.architecture.num_hidden_layers=1",
    "model.architecture.num_attention_heads=2",
    "model.vocabulary=200",
    "train.epochs=1",
    "decoding.max_new_tokens=8",
    "results=results",
    "cache=cache",
)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", HEADLINES)
def test_a_recipe_runs_and_reports(recipe: str, tmp_path: Path) -> None:
    file = recipe_files.write(tmp_path, recipe)
    own = ["data=files"] if recipe == "intent" else []
    words = [f"sweep={recipe}", *own, f"data.path={file.name}", "seed=0", *TINY]
    done = subprocess.run(
        [sys.executable, "-m", "harness.run", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "2 of 2 cells finished" in done.stdout
    kept = [record.read(folder) for folder in record.folders(tmp_path / "results")]
    assert {one.cell.family for one in kept} == {"gpt", "bert"}
    for one in kept:
        assert one.metrics[0] == HEADLINES[recipe]
        assert one.majority is not None
    text = (tmp_path / "results" / "report.md").read_text(encoding="utf-8")
    assert f"python -m harness.run sweep={recipe}" in text
    assert "damaged" not in text
