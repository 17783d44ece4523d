"""What the sweeps and searches that are shipped hold: both models, treated alike, in time."""

from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from harness import record
from harness.planning import configuration, expansion
from harness.planning.setup import Foundation
from harness.search import settings
from harness.sweeps import forecast

CONF = Path(__file__).parents[2] / "conf"
NEW = ("adaptation", "full", "claims", "labels", "small_twin_adaptation")


def blocks_of(name):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        composed = compose("config", overrides=[f"sweep={name}"])
        return OmegaConf.to_container(composed.sweep, resolve=True)["cells"]


@lru_cache
def sweep_of(name):
    """Its cells of seed 0, composed where they are first asked for: that takes long."""
    config = {"sweep": {"name": name, "cells": blocks_of(name)}}
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return list(expansion.expand(config, [f"sweep={name}", "seed=0"]))


@lru_cache
def search_of(name):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = OmegaConf.to_container(compose("config", [f"+search={name}"]), resolve=True)
        node = config["search"]
        taken = settings.reporting_seeds(CONF / "sweep")
        wanted = settings.parsed(node, taken)
        return settings.arms(wanted, node, config, [])


def family(config):
    return config["model"]["_target_"].rpartition(".")[2].lower()


def alike(config):
    """What two rivals share: all but what belongs to a model, and how a decoder reads."""
    parts = {k: config[k] for k in ("task", "data", "strategy", "pretraining", "seed", "role")}
    train = {k: v for k, v in config["train"].items() if k != "lr"}
    own = configuration.from_folder(config["model"]) or config["model"]["weights"]
    weights = own, config["model"]["architecture"]["num_hidden_layers"]
    return record.canonical([parts, train, weights, config["model"]["pair"]])


@pytest.mark.parametrize("name", NEW)
def test_every_cell_has_its_rival(name):
    sides = defaultdict(set)
    for one in sweep_of(name):
        configuration.check(one.config)
        sides[alike(one.config)].add(family(one.config))
    assert set(map(frozenset, sides.values())) == {frozenset(("gpt", "bert"))}


def test_the_grid_of_adaptations():
    found = Counter((o.choices["task"], o.choices["strategy"]) for o in sweep_of("adaptation"))
    for task in ("classification", "ner"):
        for strategy in ("full", "freeze", "lora", "head_only"):
            assert found[task, strategy] == 2
    assert found["ner", "prompt"] == 2
    assert found["classification", "prompt"] == 4  # with and without examples


def test_ten_seeds_at_searched_rates():
    assert len(sweep_of("full")) == 4
    assert [block["seed"] for block in blocks_of("full")] == [list(range(10))]
    assert all(one.config["tuning"] for one in sweep_of("full"))


def test_few_labels_see_as_many_updates():
    seen = defaultdict(set)
    for one in sweep_of("labels"):
        share = one.config["data"]["train_share"] or 1
        seen[one.choices["task"]].add((share, share * one.config["train"]["epochs"]))
    wanted = {(share, 8) for share in (0.125, 0.25, 0.5, 1)}
    assert dict(seen) == {"classification": wanted, "ner": wanted}


def test_each_claim_has_the_cells_that_it_needs():
    pairs = {(o.config["model"]["pair"], o.choices["task"]) for o in sweep_of("claims")}
    ner = [one.config for one in sweep_of("claims") if one.choices["task"] == "ner"]
    modes = {c["mode"]["name"] for c in ner if family(c) == "gpt"}
    assert {"unmask", "unmask_top", "echo"} < modes  # C3b
    assert ("twin", "ner") in pairs  # C5
    frozen = [c for c in ner if "share" in c["strategy"]]
    assert {c["strategy"]["share"] for c in frozen} == {0.25, 0.5, 0.75, 1.0}  # C6
    assert {c["model"]["architecture"]["num_hidden_layers"] for c in frozen} == {4}
    told = {
        o.choices["strategy"] for o in sweep_of("claims") if o.choices["task"] == "classification"
    }
    assert told == {"full", "head_only", "prompt"}  # C10
    plain = [b for b in blocks_of("claims") if b.keys() == {"seed", "task", "model"}]
    assert [block["seed"] for block in plain] == [list(range(10))]  # C11
    assert {len(b["seed"]) for b in blocks_of("claims")} == {10, 5, 1}
    layers = {c["model"]["architecture"]["num_hidden_layers"] for c in ner}
    assert layers == {1, 2, 3, 4}  # C12
    corpora = {c["pretraining"]["corpus"]["size"] for c in ner if c["model"]["name"] == "gpt2"}
    assert corpora == {1250, 5000, 20000}  # C13
    assert {c["train"]["optimizer"] for c in ner} == {"adamw", "sgd"}  # C15
    for key, value in (("weight_decay", 0.0), ("dropout", 0.0), ("patience", 2000)):
        assert sum(c["train"][key] == value for c in ner) == 2, key


@pytest.mark.parametrize("name", ["adaptation", "claims", "small_twin_adaptation"])
def test_a_search_stands_behind_every_strategy_that_needs_one(name):
    """What the sweep tunes in a way of its own is searched, and as it is run."""
    searched = {arm.name: arm.planned.config for arm in search_of(name)}
    for one in sweep_of(name):
        strategy, config = one.choices["strategy"], one.config
        if strategy in ("full", "prompt"):
            continue
        if (one.choices["task"], strategy) == ("generation", "head_only"):  # told, and left out
            continue
        names = [one.choices[key] for key in ("data", "task", "model", "mode")]
        trial = searched["-".join([*names, strategy])]
        holds = (
            configuration.searched(configuration.scientific(c, writes=False))
            for c in (config, trial)
        )
        first, second = holds
        assert first == second


def test_decoders_that_see_to_the_right_are_searched_with_their_rival():
    arms = {arm.name: arm for arm in search_of("claims")}
    rival = arms["world-ner-bert_4x128-native"]
    for mode in ("native", "unmask", "unmask_top", "echo"):
        assert arms[f"world-ner-gpt2_4x128-{mode}"].rivals == rival.rivals


def test_sgd_is_full_fine_tuning_but_for_its_optimizer():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        sgd, full = (
            OmegaConf.to_container(compose("config", [f"strategy={name}"]), resolve=True)
            for name in ("sgd", "full")
        )
    assert sgd["train"]["optimizer"] == "sgd"
    assert sgd["strategy"] == full["strategy"]
    assert {**sgd["train"], "optimizer": "adamw", "lr": 0} == {**full["train"], "lr": 0}


def test_every_data_set_that_can_be_limited_can_be_shared():
    for file in (CONF / "data").glob("*.yaml"):
        body = OmegaConf.load(file)
        assert ("train_limit" in body) == ("train_share" in body), file.name


def test_a_forecast_counts_each_pretraining_once(tmp_path):
    """Of one name, other depths and corpora are other weights; tasks and seeds share them."""
    some = [o for o in sweep_of("claims") if o.config["model"]["weights"] == "embedded"]
    base = Foundation((), {}, None, "gpt", "m", False, 0.0, forecast.ASSUMED_SPEED * 60)
    base = Foundation(**{**vars(base), "splits": type("S", (), {"test": ()})()})
    text = forecast.total(some, {o.foundation: base for o in some}, 1, tmp_path)
    # mini, 1, 2 and 4 layers, two corpora, the twins, the pair of four layers: for both models
    assert "about 16.0 minutes" in text
    assert f"{len(some)} cells (finished ones are skipped)" in text
