"""Which cells a sweep holds, and what each is told."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hydra import initialize_config_dir

from harness.contracts import InputError
from harness.planning import configuration, expansion
from harness.planning.expansion import Planned
from harness.sweeps import identifying, laying, sweep
from harness.weights import assets

CONF = Path(__file__).parents[2] / "conf"


def expand(cells, *overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = {"sweep": {"name": "mine", "retry": "never", "cells": cells}}
        return list(expansion.expand(config, list(overrides)))


def told(planned, *keys):
    rows = []
    for one in planned:
        row = []
        for key in keys:
            value = one.config
            for part in key.split("."):
                value = value[part]
            row.append(value)
        rows.append(tuple(row))
    return rows


BLOCK = {"seed": [0, 1], "task": ["classification", "ner"], "model": ["gpt2", "bert"]}


def test_a_block_is_a_product_in_which_the_pair_alternates():
    found = told(expand([BLOCK]), "seed", "task.name", "model.name")
    assert len(found) == 8
    assert found[:3] == [
        (0, "classification", "gpt2"),
        (0, "classification", "bert"),
        (0, "ner", "gpt2"),
    ]


def test_blocks_are_joined_and_what_is_twice_is_once():
    control = {"seed": [0], "model.weights": ["scratch"], "task": ["ner"], "model": ["gpt2"]}
    found = expand([BLOCK, control, {"seed": [1], "task": ["ner"], "model": ["bert"]}])
    assert len(found) == 9
    assert told(found[-1:], "model.weights") == [("scratch",)]


def test_what_the_user_sets_narrows_an_axis_and_reaches_every_cell():
    found = expand([BLOCK], "sweep=quick", "task=ner", "seed=7", "train.epochs=2")
    assert told(found, "seed", "task.name", "model.name", "train.epochs") == [
        (7, "ner", "gpt2", 2),
        (7, "ner", "bert", 2),
    ]


def test_a_block_that_does_not_hold_what_is_asked_for_is_left_out():
    written = {"task": ["generation"], "mode": ["mask_predict"], "model": ["bert"]}
    found = told(expand([BLOCK, written], "task=ner", "seed=0"), "task.name", "mode.name")
    assert found == [("ner", "native")] * 2
    assert told(expand([BLOCK, written], "task=generation"), "mode.name") == [("mask_predict",)]


def test_every_cell_carries_its_own_searched_rate():
    found = expand([{"task": ["classification", "ner"], "model": ["gpt2", "bert"]}])
    for one in found:
        tuning = identifying.tuning(one.config, None)
        assert tuning is not None
        assert tuning["chosen"] == one.config["train"]["lr"]
    assert len({one.config["train"]["lr"] for one in found}) > 1


@pytest.mark.parametrize(
    "override",
    ["train.lr=0.123", "model.weights=scratch", "train.epochs=1", "pretraining.updates=9"],
)
def test_no_search_stands_behind_another_setting(override):
    (one,) = expand([{"model": ["gpt2"]}], override)
    assert identifying.tuning(one.config, None) is None


def test_a_search_holds_for_the_weights_that_it_started_from():
    (one,) = expand([{"model": ["gpt2"]}], "model.weights=/a/folder")
    holds = configuration.searched(configuration.scientific(one.config, writes=False))
    tuning = {"chosen": one.config["train"]["lr"], "holds_for": holds, "weights_digest": "a" * 64}
    config = {**one.config, "tuning": tuning}
    mine, other = (assets.Asset("/a/folder", "t", digest * 64, None) for digest in "ab")
    assert identifying.tuning(config, mine) == tuning
    assert identifying.tuning(config, other) is None


def test_values_reach_hydra_as_they_stand_in_the_file():
    (one,) = expand([{"train.patience": [None], "dry_run": [True], "model": ["bert"]}])
    assert told([one], "train.patience", "dry_run") == [(None, True)]


def test_cells_that_share_data_and_weights_share_a_foundation():
    found = expand([BLOCK])
    assert len({one.foundation for one in found}) == 4


MANY = ("lr", "real_lr", "small", "small_twin_lr", "medium_twin_lr")  # cells, so minutes


@pytest.mark.parametrize(
    "name", ["quick", "smoke", "race", *(pytest.param(n, marks=pytest.mark.slow) for n in MANY)]
)
def test_the_shipped_sweeps_hold_both_models_of_a_pair(name):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = expansion.compose("config", overrides=[f"sweep={name}"])
        config = {"sweep": expansion.OmegaConf.to_container(composed.sweep, resolve=True)}
        found = list(expansion.expand(config, [f"sweep={name}"]))
    sides = {"gpt": set(), "bert": set()}
    for one in found:
        family = "gpt" if "gpt" in one.config["model"]["name"] else "bert"
        search = one.config["train"]["lr"] if one.config["role"] == "tuning" else None
        model = one.config["model"]
        weights = model["weights"].replace(model["name"], "itself")  # a folder of its name
        on = one.config["task"]["name"], one.config["data"].get("name", "world")
        sides[family].add((one.config["seed"], *on, weights, search))
    assert sides["gpt"] == sides["bert"]


def test_an_unknown_value_stops_before_anything_runs():
    (one,) = expand([{"model": ["gpt2"]}])
    with pytest.raises(InputError, match=r"train\.epochs"):
        configuration.check({**one.config, "train": {**one.config["train"], "epochs": 0}})
    assert isinstance(one, Planned)


def test_commands_that_start_at_once_try_the_same_folder(tmp_path):
    def tried(_):
        laying.writable(tmp_path / "cache", "cache")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(tried, range(400)))
    assert list((tmp_path / "cache").iterdir()) == []


def test_cells_on_a_gpu_run_one_at_a_time_unless_told(monkeypatch):
    monkeypatch.setattr(sweep.environment, "usable_cores", lambda: 7)
    here, there = ([*expand([{"device": [d], "model": ["bert"]}])] for d in ("cpu", "cuda"))
    assert laying.side_by_side(here) == 7
    assert laying.side_by_side([*here, *there]) == 1
