"""A search gives every arm the same, goes on where it was stopped, and hides nothing."""

import json
import math
import shutil
import threading
from collections import Counter
from dataclasses import replace

import pytest
import synthetic
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from searching import CONF, World, composed, records, searched, tried

from harness import record, tune
from harness import searched as nodes
from harness.contracts import InputError
from harness.planning import configuration
from harness.search import chosen, trials
from harness.sweeps import identifying, laying, running

GPT, BERT = "world-classification-gpt2-native", "world-classification-bert-native"


def peak(at, width=0.5):
    """A score that is best at one rate, the same for both models."""
    return lambda config: 0.9 - width * min(abs(math.log10(config["train"]["lr"] / at)) / 2, 1)


def one_each(gpt, bert):
    """A best rate of its own for each model."""
    return lambda config: peak(gpt if config["model"]["name"] == "gpt2" else bert)(config)


def test_every_arm_gets_the_same_points_and_as_many(monkeypatch, tmp_path):
    world = World(peak(1e-3))
    _, found = searched(monkeypatch, tmp_path, world, "seeds=[1000,1001]")
    points = tried(found)
    assert (
        points[GPT] == points[BERT] == [{"train.lr": r} for r in (1e-3, 3.16e-4, 3.16e-3, 1.78e-4)]
    )
    kept = records(tmp_path)
    assert Counter(one.cell.model for one in kept) == {"gpt2": 8, "bert": 8}
    assert {one.cell.role for one in kept} == {"tuning"}
    assert len({one.sweep for one in kept}) == 1
    assert kept[0].sweep.startswith("search=lr ")


def test_it_says_first_how_many_cells_and_how_long(monkeypatch, tmp_path, capsys):
    searched(monkeypatch, tmp_path, World(peak(1e-3)), "trials=3", "seeds=[1000,1001]")
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("12 cells (finished ones are skipped), ")
    assert "minutes" in first


def test_a_trial_stands_on_no_earlier_search(tmp_path):
    """Values that conf/tuned/ holds for one model would make the rest of a trial unequal."""
    _, arms = composed(tmp_path, "task=ner")
    assert {arm.planned.config["train"]["lr"] for arm in arms} == {1e-3}
    assert {arm.planned.config["tuning"] for arm in arms} == {None}
    _, arms = composed(tmp_path, "task=ner", "strategy=freeze")
    assert [arm.name for arm in arms] == [
        "world-ner-gpt2-native-freeze",
        "world-ner-bert-native-freeze",
    ]


@pytest.mark.parametrize("sampler", ["quasi_random", "tpe"])
@pytest.mark.parametrize("stop", [1, 11])
def test_stopped_and_started_again_it_is_the_same_search(monkeypatch, tmp_path, sampler, stop):
    words = (f"sampler={sampler}", "trials=6", "seeds=[1000,1001]")
    score = one_each(9e-4, 4e-4)
    whole = World(score)
    _, expected = searched(monkeypatch, tmp_path / "whole", whole, *words)
    cut = World(score, stop_after=stop)
    with pytest.raises(KeyboardInterrupt):
        searched(monkeypatch, tmp_path / "cut", cut, *words)
    assert len(cut.ran) == stop
    rest = World(score)
    _, found = searched(monkeypatch, tmp_path / "cut", rest, *words)
    assert tried(found) == tried(expected)
    assert not set(cut.ran) & set(rest.ran)  # no trial ran twice
    assert sorted(cut.ran + rest.ran) == sorted(whole.ran)
    assert len(records(tmp_path / "cut")) == sum(2 * len(one.trials) for one in found)
    again = World(score)
    searched(monkeypatch, tmp_path / "cut", again, *words)
    assert again.ran == []


def test_a_begun_trial_keeps_its_values_whatever_the_search_would_ask_now(monkeypatch, tmp_path):
    cut = World(peak(1e-3), stop_after=1)
    with pytest.raises(KeyboardInterrupt):
        searched(monkeypatch, tmp_path, cut)
    expected = tried(searched(monkeypatch, tmp_path / "other", World(peak(1e-3)))[1])
    monkeypatch.setattr(trials.space, "points", lambda _: iter([{"train.lr": 5e-3}] * 9))
    rest = World(peak(1e-3))
    _, found = searched(monkeypatch, tmp_path, rest, "edge.extensions=0")
    assert tried(found) == expected


def test_a_lost_journal_loses_no_trial(monkeypatch, tmp_path):
    """Records are found by identity."""
    searched(monkeypatch, tmp_path, World(peak(1e-3)))
    (tmp_path / "results" / "searches" / "lr" / "journal.log").unlink()
    again = World(peak(1e-3))
    searched(monkeypatch, tmp_path, again)
    assert again.ran == []


def test_tpe_starts_alike_and_then_follows_its_own_arm(monkeypatch, tmp_path):
    score = one_each(6e-3, 2e-4)
    words = ("sampler=tpe", "trials=12", "edge.extensions=0")
    first = tried(searched(monkeypatch, tmp_path / "first", World(score), *words)[1])
    points = tried(searched(monkeypatch, tmp_path, World(score), *words)[1])
    assert points[GPT][:6] == points[BERT][:6]
    assert points[GPT][6:] != points[BERT][6:]
    for name in (GPT, BERT):
        rates = [point["train.lr"] for point in points[name]]
        assert len(set(rates)) == 12
    assert points == first


def test_two_commands_share_the_work(monkeypatch, tmp_path):
    """Whoever comes first has a cell; nobody runs it again."""
    worlds = [World(peak(1e-3)), World(peak(1e-3))]
    wanted, arms = composed(tmp_path, "trials=8")
    turns = threading.Barrier(2, timeout=20)
    both = {}

    def run_cells(cells, planned, workers, reserved):
        world = both[threading.current_thread().name]
        if not world.ran:
            turns.wait()
        return world.run_cells(cells, planned, workers, reserved)

    monkeypatch.setattr(laying, "lay", worlds[0].lay)
    monkeypatch.setattr(running, "run_cells", run_cells)
    monkeypatch.setattr(trials.environment, "observe", dict)
    monkeypatch.setattr(trials.plan, "write", lambda *_: None)  # its file is named for the process
    results = {}

    def command():
        name = threading.current_thread().name
        results[name] = trials.run(wanted, arms, 1)

    threads = [threading.Thread(target=command, name=name) for name in ("one", "other")]
    both.update(zip(("one", "other"), worlds, strict=True))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    ran = worlds[0].ran + worlds[1].ran
    assert len(ran) == len(set(ran)) == len(records(tmp_path))
    assert tried(results["one"]) == tried(results["other"])


# --- edges --------------------------------------------------------------------------------------


def test_one_best_value_at_an_edge_extends_the_search_for_both(monkeypatch, tmp_path):
    world = World(one_each(1e-3, 9e-3))  # BERT's best rate is the highest that was tried
    _, found = searched(monkeypatch, tmp_path, world)
    points = tried(found)
    assert points[GPT] == points[BERT]
    added = [point["train.lr"] for point in points[BERT][4:]]
    assert len(added) == 2
    assert all(3.16e-3 < rate < 4e-2 for rate in added)
    told = {one.arm.name: list(map(str, (e.side for e in one.extended))) for one in found}
    assert told == {GPT: ["train.lr high"], BERT: ["train.lr high"]}
    assert {one.space[0].high for one in found} == {4e-2}


def test_a_search_is_extended_so_often_and_then_flagged(monkeypatch, tmp_path):
    always = World(lambda config: min(1.0, config["train"]["lr"]))
    words = ("edge.extensions=2", "edge.trials=1")
    wanted, found = searched(monkeypatch, tmp_path, always, *words)
    assert [len(one.trials) for one in found] == [6, 6]
    lines = list(trials.conclude(wanted, found, tmp_path / "out"))
    assert all("at the edge: train.lr high" in line for line in lines)
    kept = OmegaConf.load(tmp_path / "out" / f"{BERT}.yaml")
    assert kept.tuning.edge
    assert list(kept.tuning.edges) == ["train.lr high"]
    assert len(kept.tuning.extended) == 2


def test_both_ends_at_once(monkeypatch, tmp_path):
    world = World(one_each(1e-5, 1e-1))
    _, found = searched(monkeypatch, tmp_path, world)
    points = tried(found)
    assert points[GPT] == points[BERT]
    assert len(points[GPT]) == 4 + 2 + 2
    assert {(one.space[0].low, one.space[0].high) for one in found} == {(2.5e-5, 4e-2)}


def test_other_pairs_are_not_extended(monkeypatch, tmp_path):
    def score(config):
        return peak(1e-1 if config["task"]["name"] == "ner" else 1e-3)(config)

    few = ("trials=4", "seeds=[1000]")
    _, found = searched(monkeypatch, tmp_path, World(score), few=few)
    sizes = {one.arm.name.removeprefix("world-"): len(one.trials) for one in found}
    assert {name: size for name, size in sizes.items() if size != 4} == {
        "ner-gpt2-native": 6,
        "ner-bert-native": 6,
    }
    assert len(sizes) == 9


# --- what is chosen -----------------------------------------------------------------------------


def test_a_failed_trial_counts_as_the_worst_and_is_not_hidden(monkeypatch, tmp_path):
    world = World(peak(1e-3), fails=lambda c: c["train"]["lr"] == 1e-3 and c["seed"] == 1001)
    words = ("seeds=[1000,1001]", "edge.extensions=0")
    wanted, found = searched(monkeypatch, tmp_path, world, *words)
    lines = list(trials.conclude(wanted, found, tmp_path / "out"))
    assert all("(1 of 8 runs failed)" in line for line in lines)
    kept = OmegaConf.to_container(OmegaConf.load(tmp_path / "out" / f"{GPT}.yaml"))
    assert kept["train"]["lr"] == 3.16e-4  # 1e-3 has (.9 + 0) / 2
    table = nodes.rows(kept["tuning"])
    assert len(table) == 8
    assert [row.score for row in table if row.values == {"train.lr": 1e-3}] == [0.9, None]
    journal = (tmp_path / "results" / "searches" / "lr" / "journal.log").read_text()
    values = [json.loads(line).get("values") for line in journal.splitlines()]
    assert [0.45] in values  # higher is better, the failed run is 0
    json.dumps(kept["tuning"], allow_nan=False)  # a record can hold it


def test_where_every_trial_failed_nothing_is_chosen(monkeypatch, tmp_path):
    world = World(peak(1e-3), fails=lambda config: config["model"]["name"] == "bert")
    wanted, found = searched(monkeypatch, tmp_path, world)
    lines = list(trials.conclude(wanted, found, tmp_path / "out"))
    assert lines[1] == f"{BERT}: nothing chosen, every trial failed"
    assert [trials.fruitless(one) for one in found] == [False, True]
    assert not (tmp_path / "out" / f"{BERT}.yaml").exists()


DECAY = "space={train.weight_decay:[0.0,0.1]}"


def several(tmp_path, monkeypatch):
    """A search over two keys, as a file of its own would say it."""

    def score(config):
        better = config["train"]["weight_decay"] == (
            0.1 if "bert" in config["model"]["name"] else 0
        )
        return peak(1e-3)(config) - (0 if better else 0.2)

    return searched(monkeypatch, tmp_path, World(score), "trials=8", DECAY)


def test_several_keys_are_chosen_and_found_by_the_runs_that_follow(monkeypatch, tmp_path):
    wanted, found = several(tmp_path, monkeypatch)
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    list(trials.conclude(wanted, found, conf / "tuned"))
    with initialize_config_dir(str(conf), version_base="1.3"):
        config = OmegaConf.to_container(
            compose("config", overrides=["task=classification", "model=bert"]), resolve=True
        )
    assert config["train"]["weight_decay"] == 0.1
    assert config["tuning"]["chosen"] == {
        "train.lr": config["train"]["lr"],
        "train.weight_decay": 0.1,
    }
    assert identifying.tuning(config, None) == config["tuning"]
    changed = {**config, "train": {**config["train"], "weight_decay": 0.0}}
    assert identifying.tuning(changed, None) is None
    changed = {**config, "train": {**config["train"], "epochs": 1}}
    assert identifying.tuning(changed, None) is None


def test_another_strategy_has_a_file_of_its_own(monkeypatch, tmp_path):
    """It takes the place of that of full fine-tuning, which other strategies start from."""
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)
    wanted, found = several(tmp_path / "full", monkeypatch)
    list(trials.conclude(wanted, found, conf / "tuned"))
    monkeypatch.undo()
    world = World(lambda c: 1 - 100 * c["train"]["lr"])
    words = ("strategy=freeze", "edge.extensions=0")
    wanted, found = searched(monkeypatch, tmp_path / "freeze", world, *words)
    list(trials.conclude(wanted, found, conf / "tuned"))
    assert (conf / "tuned" / f"{BERT}-freeze.yaml").is_file()
    with initialize_config_dir(str(conf), version_base="1.3"):
        freeze, full = (
            OmegaConf.to_container(
                compose("config", overrides=["model=bert", f"strategy={name}"]), resolve=True
            )
            for name in ("freeze", "full")
        )
    assert freeze["train"]["lr"] == 1.78e-4
    assert freeze["train"]["weight_decay"] == 0.01  # as its trials had it, not as full's search
    assert identifying.tuning(freeze, None)["chosen"] == {"train.lr": 1.78e-4}
    assert full["train"]["weight_decay"] == 0.1
    assert identifying.tuning(full, None)["chosen"]["train.weight_decay"] == 0.1


def test_variants_of_a_strategy_have_files_of_their_own_and_one_name(monkeypatch, tmp_path):
    """freeze_25 and freeze_75: two rates to search; records call both freeze, as a share tells."""
    conf = tmp_path / "conf"
    shutil.copytree(CONF, conf)

    def score(config):
        best = 3.16e-4 if config["strategy"]["share"] < 0.5 else 3.16e-3
        return peak(best)(config)

    for name in ("freeze_25", "freeze_75"):
        words = (f"strategy={name}", "edge.extensions=0")
        wanted, found = searched(monkeypatch, tmp_path / name, World(score), *words)
        list(trials.conclude(wanted, found, conf / "tuned"))
        assert {one.cell.strategy for one in records(tmp_path / name)} == {"freeze"}
    with initialize_config_dir(str(conf), version_base="1.3"):
        for name, rate in (("freeze_25", 3.16e-4), ("freeze_75", 3.16e-3)):
            composed_ = compose("config", overrides=["model=bert", f"strategy={name}"])
            config = OmegaConf.to_container(composed_, resolve=True)
            assert config["train"]["lr"] == rate
            assert identifying.tuning(config, None)["chosen"] == {"train.lr": rate}


def test_a_grid_is_not_mixed_with_a_search(monkeypatch, tmp_path, capsys):
    searched(monkeypatch, tmp_path, World(peak(1e-3)))
    assert tune.main([str(tmp_path / "results"), "--out", str(tmp_path / "out")]) == 2
    assert "no tuning runs" in capsys.readouterr().err


def test_what_a_search_holds_for_leaves_out_what_it_varied():
    science = {
        "train": {"lr": 1, "epochs": 2},
        "model": {"pooling": "cls", "name": "m"},
        "strategy": {"share": 0.5},
        "mode": {},
        "pretraining": None,
    }
    keys = ("train.lr", "strategy.share", "model.pooling")
    held = configuration.searched(science, keys)
    assert held["train"] == {"epochs": 2}
    assert held["strategy"] == {}
    assert held["model"] == {"name": "m"}
    assert configuration.searched(science)["strategy"] == {"share": 0.5}


def test_weights_that_changed_meanwhile_are_refused(monkeypatch, tmp_path):
    _, found = searched(monkeypatch, tmp_path, World(peak(1e-3)))
    for number, (_, folder) in enumerate(run for t in found[0].trials for run in t.runs):
        kept = record.read(folder)
        facts = synthetic.model(kept.cell, weights_digest=str(number))
        model = {**kept.config["model"], "weights": "folder"}
        changed = replace(kept, model=facts, config={**kept.config, "model": model})
        record.write(folder, changed, record.read_counts(folder))
    with pytest.raises(InputError, match="different weights"):
        chosen._weights(found[0].trials)
