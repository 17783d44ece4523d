"""Every YAML under conf/ composes and binds; nothing outside the project is ever called."""

import inspect
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_method
from omegaconf import OmegaConf

from harness import record, searched
from harness.contracts import InputError
from harness.planning import configuration

CONF = Path(__file__).parents[2] / "conf"
LEAVES = sorted(p.relative_to(CONF).with_suffix("") for p in CONF.glob("*/*.yaml"))


def test_all_labels_are_the_run_that_it_was_before_there_were_shares():
    usual = configuration.scientific(composed(), writes=False)
    assert "train_share" not in usual["data"]
    assert configuration.scientific(composed("data.train_share=1"), writes=False) == usual
    half = configuration.scientific(composed("data.train_share=0.5"), writes=False)
    assert half["data"] == {**usual["data"], "train_share": 0.5}
    assert configuration.searched(half) == configuration.searched(usual)


def test_labels_by_word_are_the_run_that_it_was_before_there_was_a_choice():
    usual = configuration.scientific(composed("task=ner"), writes=False)
    assert usual["mode"] == {"_target_": "harness.modes.native.Native", "name": "native"}
    other = configuration.scientific(composed("task=ner", "mode.labels=pieces"), writes=False)
    assert other == {**usual, "mode": {**usual["mode"], "labels": "pieces"}}


def composed(*overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.to_container(compose("config", overrides=list(overrides)), resolve=True)


def bind(node):
    """Check a node's keys against its target's signature, innermost first."""
    if isinstance(node, dict):
        for value in node.values():
            bind(value)
        if "_target_" in node:
            assert configuration._ours(node["_target_"]), node["_target_"]
            target = get_method(node["_target_"])
            given = {k: v for k, v in node.items() if not k.startswith("_")}
            inspect.signature(target).bind(**given)


@pytest.mark.parametrize("leaf", LEAVES, ids=str)
def test_every_leaf_composes_and_binds(leaf):
    group, name = leaf.parts
    if group == "tuned":
        groups = ("data", "task", "model", "mode", "strategy")
        chosen = zip(groups, [*name.split("-"), "full"][:5], strict=True)
        config = composed(*(f"{group}={choice}" for group, choice in chosen))
        flat, tuning = record.flatten(config), next(searched.nodes(config["tuning"]))
        assert searched.values(tuning).items() <= flat.items()
        assert tuning["holds_for"]["mode"] == configuration.scientific(config, writes=False)["mode"]
    else:
        config = composed(f"+{group}={name}" if group == "search" else f"{group}={name}")
    for key, node in config.items():
        if key not in ("sweep", "search", "tuning"):
            bind(node)
    configuration.check(config)


def test_there_are_leaves_to_test():
    groups = {"model", "task", "data", "mode", "decoding", "train", "strategy", "sweep", "tuned"}
    assert groups <= {p.parts[0] for p in LEAVES}


def test_a_mode_is_named_as_it_is_chosen():
    for path in CONF.glob("mode/*.yaml"):
        assert composed(f"mode={path.stem}")["mode"]["name"] == path.stem


def test_twins_differ_in_class_and_reading_alone():
    gpt, bert = (composed(f"model={name}")["model"] for name in ("twin_gpt", "twin_bert"))
    own = {"_target_", "name", "label_piece", "pooling", "mask_share", "architecture"}
    assert {k: v for k, v in gpt.items() if k not in own} == {
        k: v for k, v in bert.items() if k not in own
    }
    kinds = [model["architecture"].pop("model_type") for model in (gpt, bert)]
    assert kinds == ["modernbert-decoder", "modernbert"]
    assert gpt["architecture"] == bert["architecture"]


def test_the_pair_differs_in_the_family_alone():
    gpt, bert = (composed(f"model={name}") for name in ("gpt2", "bert"))
    for key in ("pair", "match", "weights", "vocabulary"):
        assert gpt["model"][key] == bert["model"][key]
    sizes = ("hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings")
    for key in sizes:
        assert gpt["model"]["architecture"][key] == bert["model"]["architecture"][key]
    assert (
        gpt["model"]["architecture"]["n_inner"]
        == bert["model"]["architecture"]["intermediate_size"]
    )
    assert gpt["pretraining"] == bert["pretraining"]


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "torch.load",
        "harnessx.a",
        "harness.cells.view.np.load",  # what a module of ours imports is not ours
        "harness.train.torch.load",
        "harness.record.write_text",  # ours, but nothing that a configuration builds
        "harness.nowhere.Load",
        "tasks.files.delimited.Path",
    ],
)
def test_foreign_targets_are_refused(target):
    with pytest.raises(InputError, match="not allowed"):
        configuration.build({"_target_": target, "command": "true"}, "data")
    with pytest.raises(InputError, match="not allowed"):
        configuration.build(
            {"_target_": "harness.pretrain.Pretraining", "corpus": {"_target_": target}}, "data"
        )


def test_a_wrong_argument_is_one_message():
    with pytest.raises(InputError, match=r"strategy: .*unexpected keyword"):
        configuration.build({"_target_": "harness.strategies.full.Full", "k": 1}, "strategy")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.lr", "abc"),
        ("train.lr", -1.0),
        ("train.epochs", 0),
        ("train.epochs", 1.5),
        ("seed", -1),
        ("seed", True),
        ("role", "final"),
        ("workers", 0),
        ("model.weights", None),
        ("results", 5),
        ("pretraining.updates", 0),
        ("train.optimizer", "adam"),
        ("train.momentum", 1.0),
        ("train.accumulation", 0),
        ("train.device", "gpu"),
        ("train.precision", "float16"),
        ("precision", "float16"),
    ],
)
def test_values_out_of_range_are_named(key, value):
    config = composed()
    node = config
    *path, last = key.split(".")
    for part in path:
        node = node[part]
    node[last] = value
    with pytest.raises(InputError, match=key):
        configuration.check(config)


def test_science_knows_no_path(monkeypatch, tmp_path):
    here, there = (
        configuration.scientific(composed("data=sst2", f"data.path={p}"), writes=False)
        for p in ("/a", "/b")
    )
    assert here == there
    assert "/a" not in str(here)
    one, other = (
        configuration.scientific(composed(f"results={p}", f"cache={p}", f"workers={w}"), True)
        for p, w in (("x", 1), ("y", 2))
    )
    assert one == other


def test_science_knows_what_matters():
    base = configuration.scientific(composed(), writes=True)
    for override in (
        "seed=1",
        "train.lr=0.5",
        "model=bert",
        "data.seed=3",
        "model.label_piece=first",
        "pretraining.updates=7",
        "role=tuning",
        "mode=both_orders",
        "decoding=beam",
        "device=cuda",
        "train.device=cuda",
        "train.optimizer=sgd",
        "train.accumulation=2",
        "train.precision=bfloat16",
    ):
        assert configuration.scientific(composed(override), writes=True) != base, override
    spoken = [
        configuration.scientific(composed(*o), writes=False) for o in ((), ("decoding=beam",))
    ]
    assert spoken[0] == spoken[1]


def test_knobs_that_came_later_leave_earlier_cells_as_they_were():
    science = configuration.scientific(composed(), writes=False)
    later = {"optimizer", "momentum", "accumulation", "device", "precision"}
    assert not later & set(science["train"])
    same = ("train.momentum=0.5", "train.device=cpu", "precision=bfloat16")
    assert configuration.scientific(composed(*same), writes=False) == science
    sgd = configuration.scientific(composed("train.optimizer=sgd"), writes=False)
    assert sgd["train"]["optimizer"] == "sgd"
    one, other = (
        configuration.scientific(composed(f"device=cuda{place}"), writes=False)["train"]
        for place in ("", ":1")
    )
    assert one == other == science["train"] | {"device": "cuda"}
    measured_there = configuration.scientific(composed("device=cuda", "train.device=cpu"), False)
    assert measured_there == science


def test_a_rate_holds_on_any_device_but_for_one_optimizer_and_precision():
    def holds(*overrides):
        return configuration.searched(configuration.scientific(composed(*overrides), writes=False))

    assert holds("device=cuda") == holds()
    assert holds("train.optimizer=sgd") != holds()
    assert holds("train.precision=bfloat16") != holds()


def test_a_model_may_leave_to_its_family_what_has_a_default_there():
    config = composed()
    del config["model"]["vocabulary"]
    configuration.check(config)
    assert configuration.build(config["model"], "model").vocabulary == 8000
