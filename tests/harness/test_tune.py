from dataclasses import replace
from pathlib import Path

import pytest
import synthetic
from omegaconf import OmegaConf

from harness import record, tune


def put(root: Path, model: str, lr: float, seed: int, correct: int | None, role="tuning", epochs=8):
    cell = record.Cell(
        model,
        "bert" if model == "bert" else "gpt",
        "mini",
        "",
        "embedded",
        "classification",
        "world",
        "causal",
        "full",
        seed,
        role,
    )
    finished = correct is not None
    record.write(
        root / f"{model}-{lr}-{seed}-{role}",
        record.Record(
            "x",
            1,
            cell,
            record.Outcome("finished" if finished else "failed", None if finished else "diverged"),
            {
                "train": {"lr": lr, "epochs": epochs},
                "model": {"name": model},
                "strategy": {},
                "mode": {"name": "native"},
            },
            {},
            metrics=["accuracy"] if finished else [],
        ),
        record.CountTable({"correct": [1] * correct + [0] * (10 - correct), "total": [1] * 10})
        if finished
        else None,
    )


def search(root, model, scores):
    for lr, pair in scores.items():
        for seed, correct in zip((1000, 1001), pair, strict=True):
            put(root, model, lr, seed, correct)


def test_a_checkpoint_without_a_configuration_of_its_own_is_refused(tmp_path, capsys):
    """Its rate would be taken for that of a model of the same name."""
    search(tmp_path, "gpt2", {1e-4: (5, 5)})
    for folder in record.folders(tmp_path):
        kept = record.read(folder)
        model = {"name": "gpt2", "architecture": {"model_type": "auto"}}
        changed = replace(kept, config={**kept.config, "model": model})
        record.write(folder, changed, record.read_counts(folder))
    assert tune.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "write conf/model/NAME.yaml" in capsys.readouterr().err


def test_the_best_mean_wins_and_the_table_is_kept(tmp_path, capsys):
    search(tmp_path, "gpt2", {1e-4: (5, 5), 1e-3: (9, 5), 2e-3: (7, 8)})
    search(tmp_path, "bert", {1e-4: (9, 9), 1e-3: (5, 5), 2e-3: (None, 5)})
    put(tmp_path, "gpt2", 5e-4, 0, 10, role="result")  # no tuning run
    assert tune.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    gpt = OmegaConf.load(tmp_path / "out" / "world-classification-gpt2-native.yaml")
    assert gpt.train.lr == gpt.tuning.chosen == 2e-3
    assert gpt.tuning.edge
    assert (gpt.tuning.trials, gpt.tuning.runs) == (3, 6)
    assert [row.score for row in gpt.tuning.table] == [0.5, 0.5, 0.9, 0.5, 0.7, 0.8]
    bert = OmegaConf.load(tmp_path / "out" / "world-classification-bert-native.yaml")
    assert bert.tuning.runs == 6  # the failed one counts as score 0, it was an equal trial
    assert "extend it for both" in capsys.readouterr().out


def test_weights_from_a_folder_are_named_and_never_mixed(tmp_path, capsys):
    for model in ("gpt2", "bert"):
        search(tmp_path, model, {1e-4: (5, 5), 1e-3: (9, None)})
    for place in record.folders(tmp_path):
        kept = record.read(place)
        folder = {**kept.config, "model": {"name": kept.cell.model, "weights": "folder"}}
        facts = synthetic.model(kept.cell, weights_digest=kept.cell.model * 8)
        finished = kept.outcome.status == "finished"
        changed = replace(kept, config=folder, model=facts if finished else None)
        record.write(place, changed, record.read_counts(place) if finished else None)
    assert tune.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 0
    gpt = OmegaConf.load(tmp_path / "out" / "world-classification-gpt2-native.yaml")
    assert gpt.tuning.weights_digest == "gpt2" * 8
    place = next(one for one in record.folders(tmp_path) if record.read(one).cell.model == "gpt2")
    kept = record.read(place)
    other = replace(kept, model=synthetic.model(kept.cell, weights_digest="other"))
    record.write(place, other, record.read_counts(place))
    assert tune.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "started from 2 different weights" in capsys.readouterr().err


def test_unequal_effort_is_refused(tmp_path, capsys):
    search(tmp_path, "gpt2", {1e-4: (5, 5), 1e-3: (9, 5)})
    search(tmp_path, "bert", {1e-4: (5, 5)})
    assert tune.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "unequal trials (bert (native) 2, gpt2 (native) 4)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("folder", ["missing", "."])
def test_nothing_to_tune_from(tmp_path, capsys, folder):
    assert tune.main([str(tmp_path / folder)]) == 2
    assert "make tune" in capsys.readouterr().err


def test_one_side_alone_is_no_search(tmp_path, capsys):
    search(tmp_path, "gpt2", {1e-4: (5, 5), 1e-3: (9, 5)})
    assert tune.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "only gpt2 (native) was searched" in capsys.readouterr().err


def test_searches_in_different_settings_are_not_pooled(tmp_path, capsys):
    search(tmp_path, "gpt2", {1e-4: (5, 5)})
    put(tmp_path, "gpt2", 1e-3, 1000, 9, epochs=1)
    assert tune.main([str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "more than one search" in capsys.readouterr().err


def test_where_lower_is_better_the_lowest_mean_wins_and_a_failure_is_the_worst():
    runs = [tune.Trial(1e-3, 0, 0.4), tune.Trial(1e-3, 1, 0.2), tune.Trial(2e-3, 0, 0.1)]
    assert tune.choose(runs, "slot_error")["chosen"] == 2e-3
    runs.append(tune.Trial(2e-3, 1, float("inf")))
    assert tune.choose(runs, "slot_error")["chosen"] == 1e-3
    assert tune.choose(runs[:2], "accuracy")["chosen"] == 1e-3
