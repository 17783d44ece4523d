"""Adapters: what they hold, what they leave alone, and that nothing of them is left in a model."""

import json
import sys
from pathlib import Path

import pytest
import torch
from cells import small_setup
from test_backbones import SPECIALS
from test_exporting import CELLS, CLASSES, SHAPES, _compare, folders, tuned
from test_strategies import DEPTH, KINDS, batch, family, predictor
from transformers import pipeline

from harness import experiment, exporting, record, train
from harness.backbones import body as bodies
from harness.contracts import InputError
from harness.kept import predict_model
from harness.kept.predict_lines import Asked
from harness.kept.predict_words import blanks
from harness.metrics import entity_f1
from harness.models.heads import Writer
from harness.modes.autoregressive import CAUSAL, UNILM
from harness.modes.mask_predict import MaskPredict
from harness.strategies.freeze import Freeze
from harness.strategies.lora import Lora, linear

__all__ = ["folders"]  # a fixture
RANK = 3
LORA = Lora(RANK, 6, 0.0)
FILLING = MaskPredict("mask_predict", 2, 1, 0.1, 1)

WIDTH = 32
QUERY_AND_VALUE = [(WIDTH, WIDTH)] * 2
FUSED = [(WIDTH, 3 * WIDTH)]
GROUPED = [(WIDTH, WIDTH), (WIDTH, WIDTH // 2)]  # two heads of queries, one of values
SHAPES_OF = {
    "gpt2": FUSED, "gpt_neox": FUSED, "modernbert": FUSED,
    "llama": GROUPED, "mistral": GROUPED, "qwen2": GROUPED, "qwen3": GROUPED, "olmo2": GROUPED,
    "modernbert-decoder": QUERY_AND_VALUE, "bert": QUERY_AND_VALUE, "roberta": QUERY_AND_VALUE,
    "distilbert": QUERY_AND_VALUE, "electra": QUERY_AND_VALUE,
}  # fmt: skip


def writer(kind, mode):
    backbone = family(kind)
    language = bodies.new_language_model(backbone.objective, backbone.architecture, SPECIALS, 0)
    return Writer(backbone, mode, language, 8, 0)


def steps(model, count=3):
    """Steps of the loop's own optimizer, with much weight decay."""
    descent = train.optimizer(model, 0.01, 0.1)
    model.eval()
    for _ in range(count):
        train.update(model, descent, [model.loss(batch())], 1.0)
    return model


def state(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


# --- what is trained ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_trained_are_two_thin_matrices_a_target_and_the_head(kind):
    model = predictor(kind)
    LORA.adapt(model, seed=0)
    adapters = DEPTH * sum(RANK * (ins + outs) for ins, outs in SHAPES_OF[kind])
    head = 3 * WIDTH + (3 if model.head.bias is not None else 0)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert trained == adapters + head


def test_both_models_of_a_pair_train_as_many():
    counts = set()
    for kind in ("gpt2", "bert", "modernbert", "modernbert-decoder"):
        model = predictor(kind)
        LORA.adapt(model, seed=0)
        counts.add(sum(p.numel() for p in model.parameters() if p.requires_grad))
    assert len(counts) == 1


def test_targets_can_be_named():
    model = predictor("gpt2")
    Lora(RANK, 6, 0.0, ["c_fc"]).adapt(model, seed=0)
    names = {n for n, p in model.body.named_parameters() if p.requires_grad}
    assert len(names) == 2 * DEPTH
    assert all(".mlp.c_fc." in name for name in names)


@pytest.mark.parametrize(("kind", "mode"), [("gpt2", CAUSAL), ("bert", UNILM), ("bert", FILLING)])
def test_a_writer_trains_adapters_and_what_is_new(kind, mode):
    model = writer(kind, mode)
    LORA.adapt(model, seed=0)
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    assert {n for n in trained if "lora_" not in n} == (
        {"length.weight", "length.bias"} if mode is FILLING else set()
    )
    assert len([n for n in trained if "lora_" in n]) == 2 * DEPTH * len(SHAPES_OF[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_frozen_stays_to_the_bit_and_the_rest_moves(kind):
    model = predictor(kind)
    LORA.adapt(model, seed=0)
    before = state(model)
    steps(model)
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    moved = {n for n, tensor in model.state_dict().items() if not torch.equal(tensor, before[n])}
    assert moved == trained


def test_training_starts_from_the_body_as_it_was_and_draws_from_its_seed_alone():
    plain, model = predictor("bert").eval(), predictor("bert").eval()
    other, same = predictor("bert"), predictor("bert")
    before = torch.random.get_rng_state()
    LORA.adapt(model, seed=4)
    assert torch.equal(torch.random.get_rng_state(), before)
    with torch.inference_mode():
        assert torch.equal(model(batch()), plain(batch()))
    torch.manual_seed(99)
    LORA.adapt(same, seed=4)
    LORA.adapt(other, seed=5)
    drawn = [
        {n: t for n, t in m.state_dict().items() if "lora_A" in n} for m in (model, same, other)
    ]
    assert all(torch.equal(t, drawn[1][n]) for n, t in drawn[0].items())
    assert not any(torch.equal(t, drawn[2][n]) for n, t in drawn[0].items())


def test_alpha_and_dropout_are_heard():
    found = []
    for alpha in (RANK, 2 * RANK):
        model = predictor("gpt2").eval()
        Lora(RANK, alpha, 0.5).adapt(model, seed=0)
        dropped = [m.p for n, m in model.body.named_modules() if n.endswith("lora_dropout.default")]
        assert dropped == [0.5] * DEPTH
        layer = model.body.h[0].attn.c_attn
        torch.nn.init.ones_(layer.lora_B["default"].weight)
        found.append(layer(torch.ones(1, WIDTH)) - layer.base_layer(torch.ones(1, WIDTH)))
    assert torch.allclose(2 * found[0], found[1])


# --- what is left -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_merged_it_answers_the_same_and_has_its_own_layers_again(kind):
    model = predictor(kind)
    before, attributes = state(model), set(vars(model.body))
    layers = {name: type(module) for name, module in model.named_modules()}
    LORA.adapt(model, seed=0)
    steps(model)
    with torch.inference_mode():
        unmerged = model(batch())
        LORA.settle(model)
        merged = model(batch())
    assert float((merged - unmerged).abs().max()) < 1e-5 * float(unmerged.abs().max())
    assert {name: type(module) for name, module in model.named_modules()} == layers
    assert set(vars(model.body)) == attributes
    moved = {n for n, tensor in model.state_dict().items() if not torch.equal(tensor, before[n])}
    targets = Lora(RANK, 6, 0.0)._chosen(linear(model.body))
    assert moved - {"head.weight", "head.bias"} == {f"body.{name}.weight" for name in targets}


@pytest.mark.parametrize(("kind", "mode"), [("gpt2", CAUSAL), ("bert", UNILM), ("bert", FILLING)])
def test_a_writer_merged_answers_the_same(kind, mode):
    model = writer(kind, mode)
    names = set(model.state_dict())
    LORA.adapt(model, seed=0)
    start = model(batch()).detach()
    steps(model)
    with torch.inference_mode():
        unmerged = model(batch())
        LORA.settle(model)
        merged = model(batch())
    assert float((unmerged - start).abs().max()) > 1e-2
    assert torch.allclose(merged, unmerged, atol=1e-5 * float(unmerged.abs().max()))
    assert set(model.state_dict()) == names


@pytest.mark.parametrize(
    ("kind", "task"), [one for one in CELLS if one[1] == "classification" or one[0] == "gpt2"]
)
def test_the_folder_is_a_standard_one(tmp_path, folders, kind, task):
    served, examples = tuned(folders[kind], task), SHAPES[task]
    LORA.adapt(served.model, seed=0)
    for name, parameter in served.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    LORA.settle(served.model)
    found = exporting.export(served, CLASSES, examples, tmp_path)
    assert found.why_not is None
    assert not [file.name for file in tmp_path.iterdir() if "adapter" in file.name]
    answer = pipeline(found.pipeline, model=str(tmp_path), device="cpu")
    _compare[found.pipeline](served, examples, answer, 4)


def test_a_cell_from_configuration_to_answers_without_the_library(
    tmp_path, shared_cache, monkeypatch
):
    overrides = ("strategy=lora", "strategy.rank=2", "train.lr=3e-2", "train.epochs=4")
    setup = small_setup(tmp_path, shared_cache, "model=gpt2", *overrides, keep=True)
    assert "-lora-" in setup.name
    folder = Path(experiment.execute(setup))
    kept = record.read(folder)
    width, layers = (
        setup.config["model"]["architecture"][name] for name in ("hidden_size", "num_hidden_layers")
    )
    classes = len(kept.data.classes)
    parameters = kept.model.parameters
    assert parameters["trainable"] == layers * 2 * 4 * width + (width + 1) * classes
    assert parameters["head"] == (width + 1) * classes
    assert kept.training.best_step > 0  # so that something was merged
    saved = json.loads((folder / "checkpoint" / "config.json").read_text(encoding="utf-8"))
    assert saved["architectures"] == ["GPT2ForTokenClassification"]
    for name in [name for name in sys.modules if name.split(".")[0] == "peft"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "peft", None)
    answering = predict_model.load(folder, kept, blanks)
    rows = [json.loads(line) for line in (folder / record.PREDICTIONS).open(encoding="utf-8")]
    asked = [Asked(" ".join(row["words"])) for row in rows[:20]]
    told = answering.answers(asked, 8)
    found = [len(one["entities"]) for one in told]
    assert found == [len(entity_f1.spans(row["answer"])) for row in rows[:20]]
    assert sum(found)


# --- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rank": 0}, "strategy.rank=0: expected a whole number from 1"),
        ({"rank": 2.5}, "strategy.rank=2.5: expected a whole number"),
        ({"rank": True}, "strategy.rank=True: expected a whole number"),
        ({"alpha": 0}, "strategy.alpha=0: expected a number above 0"),
        ({"alpha": "x"}, "strategy.alpha=x: expected a number above 0"),
        ({"dropout": 1}, "strategy.dropout=1: expected a share"),
        ({"targets": "c_attn"}, "strategy.targets=c_attn: expected null, or a list of names"),
        ({"targets": []}, r"strategy.targets=\[\]: expected null, or a list of names"),
        ({"targets": [1]}, r"strategy.targets=\[1\]: expected null, or a list of names"),
    ],
)
def test_settings_that_are_none_are_refused(settings, said):
    with pytest.raises(InputError, match=said):
        Lora(**{"rank": 8, "alpha": 16, "dropout": 0.0, **settings})


def test_targets_that_a_body_has_not_are_refused_and_told():
    body = predictor("gpt2").body
    with pytest.raises(
        InputError, match=r"gpt2 body is called 'query'; there are: c_attn, c_proj, c_fc$"
    ):
        Lora(4, 8, 0.0, ["c_attn", "query"]).check(body, writes=False)
    with pytest.raises(InputError, match=r"strategy.rank=33: .* expected a rank from 1 to 32"):
        Lora(33, 8, 0.0).check(body, writes=False)
    for name in ("c_attn", "c_proj", "c_fc"):
        for block in body.h:
            for part in (block.attn, block.mlp):
                if hasattr(part, name):
                    setattr(part, f"my_{name}", part.__dict__["_modules"].pop(name))
    with pytest.raises(
        InputError, match=r"gpt2 body make queries .* there are: my_c_attn, my_c_proj"
    ):
        LORA.check(body, writes=False)


def test_a_mistake_is_found_before_anything_is_trained(tmp_path, shared_cache):
    with pytest.raises(InputError, match=r"strategy\.targets: no linear layer of a bert body"):
        small_setup(tmp_path, shared_cache, "model=bert", "strategy=lora", "strategy.targets=[x]")


def test_freeze_leaves_a_model_as_it_is():
    model = predictor("bert")
    before = state(model)
    Freeze(0.5).settle(model)
    assert set(model.state_dict()) == set(before)
