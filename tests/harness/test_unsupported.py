"""A combination that makes no sense: told at planning, no failure, a dash in the report."""

import dataclasses

import pytest
from cells import composed, small_setup
from test_run import places, run

from harness import experiment, predict, record, report, tune
from harness.cells import foundation
from harness.comparing import aggregate, findings
from harness.contracts import InputError
from harness.planning import setup as setups
from harness.planning.expansion import Planned
from harness.sweeps import running

REASON = "strategy=head_only trains a new answer layer"
SMALL = (
    "data.train_limit=40", "data.dev_size=10", "data.test_size=12", "pretraining.updates=5",
    "pretraining.corpus.size=300", "train.epochs=1",
    "decoding.max_new_tokens=12",
)  # fmt: skip


def texts(folder, name):
    return (folder / "results" / name).read_text(encoding="utf-8")


@pytest.mark.slow
def test_both_strategies_as_typed_and_the_rest_of_the_sweep_runs(tmp_path):
    words = [
        "-m", "model=gpt2,bert", "task=ner,generation", "strategy=lora,head_only",
        *SMALL, *places(tmp_path),
    ]  # fmt: skip
    done = run(*words, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "6 cells" in done.stdout
    assert done.stdout.count(REASON) == 2
    assert not (tmp_path / "results").exists()

    done = run(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 of 6 cells finished" in done.stdout
    begun = done.stdout.index("6 cells (0 more are finished), ")  # said before the first ends
    assert begun < done.stdout.index("(test)  ")
    assert "failed" not in done.stdout.lower()
    assert done.stdout.count(REASON) == 2
    kept = {folder: record.read(folder) for folder in record.folders(tmp_path / "results")}
    statuses = [one.outcome.status for one in kept.values()]
    assert (statuses.count("finished"), statuses.count(record.UNSUPPORTED)) == (6, 2)
    for folder, one in kept.items():
        assert f"-{one.cell.strategy}-s0-" in folder.name
        senseless = one.outcome.status == record.UNSUPPORTED
        assert senseless == ((one.cell.task, one.cell.strategy) == ("generation", "head_only"))
        if not senseless:
            assert 0 < one.model.parameters["trainable"] < one.model.parameters["total"] / 2
        else:
            assert [file.name for file in folder.iterdir()] == [record.RECORD]
            assert one.data is one.model is one.training is None
    _reported(tmp_path)
    with pytest.raises(InputError, match=r"this run makes no sense .strategy=head_only"):
        predict.kept(next(folder for folder, one in kept.items() if not one.training))


def _reported(tmp_path):
    (ner, writing) = sorted(
        aggregate.compare(tmp_path / "results").groups,
        key=lambda group: group.key.task == "generation",
    )
    pairs = {(c.gpt.key.strategy, c.bert.key.strategy) for c in ner.contrasts}
    assert pairs == {("lora", "lora"), ("head_only", "head_only")}
    assert all(contrast.difference is not None for contrast in ner.contrasts)
    assert [c.gpt.key.strategy for c in writing.contrasts] == ["lora"]
    chapter = next((tmp_path / "results" / "report").glob("*generation*.md")).read_text()
    rows = [line for line in chapter.splitlines() if REASON in line]
    for model in ("gpt2", "bert"):
        told = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
        found = [row for row in told if row[0].startswith(f"{model}, mini, embedded")]
        assert found
        assert all(row[0].endswith("head_only") and row[1:5] == ["-"] * 4 for row in found)
    first = texts(tmp_path, "report.md")
    (line, other) = [line for line in first.splitlines() if REASON in line]
    assert line != other
    assert "| generation on world " in line
    assert "0 failed runs" in first


def test_typed_alone_it_is_one_message(tmp_path):
    done = run("strategy=head_only", "task=generation", *places(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {REASON}")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not list(tmp_path.rglob("*.json"))


def test_a_strategy_that_the_model_has_no_layers_for_is_one_message(tmp_path):
    config = composed("strategy=lora", "strategy.targets=[query]")
    with pytest.raises(InputError, match="there are: c_attn, c_proj, c_fc") as caught:
        foundation.lay((config, str(tmp_path), True))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*"))


def test_its_record_is_written_once(tmp_path, shared_cache, capsys, monkeypatch):
    made = small_setup(tmp_path, shared_cache)
    laid = dataclasses.replace(made.foundation, unsupported="no <sense>")
    setup = dataclasses.replace(made, foundation=laid)
    running.keep_unsupported(setup)
    assert record.read(setup.folder).outcome == record.Outcome(record.UNSUPPORTED, "no <sense>")
    monkeypatch.setattr(record, "write", lambda *_: pytest.fail("written again"))
    running.keep_unsupported(setup)
    assert capsys.readouterr().out.splitlines() == [f"-  {setup.name}: no <sense>"] * 2


def test_nothing_is_made_for_it(tmp_path):
    config = composed("task=generation", "strategy=head_only")
    laid = foundation.lay((config, str(tmp_path), True))
    assert laid.unsupported.startswith(REASON)
    assert laid.asset is None
    assert not list(tmp_path.rglob("*"))
    science = {"strategy": {}}
    made = dataclasses.replace(laid, unsupported=None)
    with pytest.raises(ValueError, match="no identity"):
        setups.identify(science, made)
    assert setups.identify(science, laid) != setups.identify({"strategy": {"a": 1}}, laid)


def test_a_search_leaves_it_out(tmp_path, shared_cache):
    setup = small_setup(tmp_path, shared_cache, "role=tuning")
    experiment.execute(setup)
    (trials,) = tune.trials(tmp_path).values()
    cell = record.Cell(
        "gpt2", "gpt", "mini", "", "embedded", "ner", "world", "causal", "head_only", 0,
        "tuning",
    )  # fmt: skip
    outcome = record.Outcome(record.UNSUPPORTED, REASON)
    record.write(tmp_path / "x", record.Record("0" * 64, 2, cell, outcome, setup.science, {}))
    assert list(tune.trials(tmp_path).values()) == [trials]


def test_reasons_are_escaped_and_one_row_stands_for_all_seeds(tmp_path):
    for seed in (0, 1):
        cell = record.Cell(
            "gpt2", "gpt", "mini", "", "embedded", "generation", "world", "causal", "x", seed,
            "result",
        )  # fmt: skip
        outcome = record.Outcome(record.UNSUPPORTED, "<b>no|no</b>")
        folder = tmp_path / "runs" / str(seed)
        record.write(folder, record.Record(f"{seed}" * 64, 2, cell, outcome, {}, {}))
    found = findings.find([tmp_path])
    assert len(found.comparison.unsupported) == 1
    text = report.render(found)
    (row,) = [line for line in text.splitlines() if "no sense" in line or "no\\|no" in line]
    assert "<b>" not in row


def test_different_strategies_are_laid_apart():
    keys = {Planned(composed(f"strategy={name}"), {}).foundation for name in ("full", "head_only")}
    assert len(keys) == 2
