"""What training takes under each strategy: the formula of a record, beside what torch counts."""

from types import SimpleNamespace

import pytest
import torch
from cells import composed, small_setup
from test_flops import counted

from harness import experiment, record
from harness.backbones import body as bodies
from harness.backbones import layers
from harness.backbones.family import Specials
from harness.cells import facts
from harness.cells.view import parts_of
from harness.claims import target
from harness.models.batching import Batch
from harness.models.heads import Predictor, Writer
from harness.record import Evaluation
from harness.strategies.freeze import Freeze
from harness.strategies.full import Full
from harness.strategies.head_only import HeadOnly
from harness.strategies.lora import Lora
from harness.sweeps import forecast

EXAMPLES, TOKENS, VOCABULARY = 4, 32, 600
SPECIALS = Specials(0, 1, 2, 3, 4, 5, 6, VOCABULARY)
STRATEGIES = {
    "full": Full(), "freeze": Freeze(0.5), "all frozen": Freeze(1.0), "lora": Lora(8, 16, 0.0),
    "head_only": HeadOnly(),
}  # fmt: skip


def work_of(name, task="classification"):
    """A model, with training rows of one length."""
    parts = parts_of(composed(f"model={name}", f"task={task}"))
    backbone = parts.backbone
    if parts.mode.writes:
        language = bodies.new_language_model(backbone.objective, backbone.architecture, SPECIALS, 0)
        model = Writer(backbone, parts.mode, language, 8, 0)
    else:
        body = bodies.new_body(backbone.architecture, SPECIALS, 0, 0.0, 0.0)
        model = Predictor(parts.mode, body, 2, 0.0, 0)
    training = SimpleNamespace(ids=[0] * (EXAMPLES * TOKENS), words=[TOKENS] * EXAMPLES)
    return parts, SimpleNamespace(
        model=model, body=model.body, training=training, lengths=lambda: training.words,
        reader=SimpleNamespace(specials=SPECIALS),
    )  # fmt: skip


def lesson(writes):
    ids = torch.randint(7, VOCABULARY, (EXAMPLES, TOKENS))
    real = torch.ones_like(ids, dtype=torch.bool)
    rows = torch.arange(EXAMPLES)
    columns, segments = torch.full_like(rows, TOKENS - 1), None
    if writes:  # every position is asked, as the formula counts the head for each
        segments = torch.arange(TOKENS).expand(EXAMPLES, -1) >= 1
        rows, columns = real.nonzero(as_tuple=True)
    return Batch(ids, real, rows, columns, torch.zeros_like(rows), segments)


def both(name, strategy, task="classification"):
    """FLOPs of a step: what torch counts, and what a record says."""
    parts, work = work_of(name, task)
    before = bodies.size(work.body)
    strategy.adapt(work.model, seed=0)
    said = facts.effort(parts, work, before)
    batch = lesson(parts.mode.writes)
    with counted() as counter:
        work.model.loss(batch).backward()
    return counter.get_total_flops(), said.per_token * EXAMPLES * TOKENS, said, before


@pytest.mark.parametrize("model", ["gpt2", "bert", "twin_gpt", "twin_bert", "gpt2_4x256"])
@pytest.mark.parametrize("name", ["full", "freeze", "all frozen", "lora"])
def test_a_step_takes_what_the_record_says(model, name):
    """Within 7 %: the lowest layer that carries a gradient is counted whole, in 2 to 4 layers."""
    done, said, effort, _ = both(model, STRATEGIES[name])
    assert said == pytest.approx(done, rel=0.02 if name == "full" else 0.07)
    assert effort.once == 0


@pytest.mark.parametrize("model", ["gpt2", "bert"])
@pytest.mark.parametrize("name", ["full", "freeze", "lora"])
def test_so_does_a_step_of_a_model_that_writes(model, name):
    done, said, *_ = both(model, STRATEGIES[name], "generation")
    assert said == pytest.approx(done, rel=0.07)


class Gap(Freeze):
    """All but the second layer: a gradient goes through it to the first."""

    def adapt(self, model, seed):
        model.requires_grad_(True)
        layers.stack(model.body)[1].requires_grad_(False)


def test_a_layer_that_stays_above_a_trained_one_passes_the_gradient_on():
    done, said, *_ = both("gpt2_4x256", Gap(0.5))
    assert said == pytest.approx(done, rel=0.02)


def test_full_fine_tuning_is_three_passes_to_the_bit():
    for model, task in (("gpt2", "ner"), ("bert", "generation")):
        parts, work = work_of(model, task)
        before = bodies.size(work.body)
        Full().adapt(work.model, seed=0)
        forward = facts.forward_flops(before, TOKENS)
        if task == "generation":
            forward += 2.0 * before.width * VOCABULARY
        found = facts.effort(parts, work, before)
        assert found == (sum(p.numel() for p in work.model.parameters()), 0.0, 3 * forward)


@pytest.mark.parametrize("model", ["gpt2", "bert"])
def test_a_fixed_body_reads_once_and_a_step_is_one_of_the_answer_layer(model):
    parts, work = work_of(model)
    before = bodies.size(work.body)
    HeadOnly().adapt(work.model, seed=0)
    found = facts.effort(parts, work, before)
    batch = lesson(writes=False)
    with counted() as counter:
        features = work.model.features(batch)
    assert found.once == pytest.approx(counter.get_total_flops(), rel=0.02)
    with counted() as counter:
        work.model.head(features).sum().backward()
    step = found.per_token * EXAMPLES * TOKENS  # a layer with nothing below needs no third product
    assert counter.get_total_flops() < step < 2 * counter.get_total_flops()


def test_strategies_are_told_apart_and_forecasts_agree():
    steps = {}
    for name, strategy in STRATEGIES.items():
        *_, said, before = both("bert_4x256", strategy)
        forward = facts.forward_flops(before, TOKENS)
        passes = strategy.passes
        assert said.per_token / forward == pytest.approx(passes.each, abs=0.1)
        assert said.once / (forward * EXAMPLES * TOKENS) == pytest.approx(passes.once)
        steps[name] = said.per_token
    assert steps["full"] > steps["freeze"] > steps["all frozen"] > steps["head_only"]
    assert steps["full"] > steps["lora"] > steps["all frozen"]


# --- records ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kept(tmp_path_factory, shared_cache):
    place, found = tmp_path_factory.mktemp("effort"), {}
    for strategy in ("full", "freeze", "lora", "head_only"):
        setup = small_setup(place, shared_cache, f"strategy={strategy}", "train.epochs=2")
        experiment.execute(setup)
        found[strategy] = setup, record.read(setup.folder)
    return found


def test_a_record_carries_what_its_strategy_took(kept):
    spent = {name: target.spent(one, one.training).flops for name, (_, one) in kept.items()}
    one = kept["full"][1]
    assert spent["full"] == 3 * one.model.flops_per_token * one.training.tokens
    assert spent["full"] > spent["freeze"] > spent["head_only"]
    assert spent["full"] > spent["lora"] > spent["head_only"]
    head_only = kept["head_only"][1]
    forward = head_only.model.flops_per_token * head_only.training.tokens / 2  # of two epochs
    assert spent["head_only"] == pytest.approx(forward, rel=0.02)
    assert len({one.model.flops_per_token for _, one in kept.values()}) == 1
    assert len({one.model.parameters["total"] for _, one in kept.values()}) == 1
    trainable = {name: one.model.parameters["trainable"] for name, (_, one) in kept.items()}
    assert trainable["full"] > trainable["freeze"] > trainable["lora"] > trainable["head_only"]


def test_features_cost_nothing_before_the_first_step_and_the_same_at_every_look(kept):
    found = kept["head_only"][1]
    looks = [target.spent(found, look).flops for look in found.training.evaluations]
    assert looks[0] == 0
    assert (
        looks[1]
        == pytest.approx(looks[2], rel=0.02)
        == pytest.approx(found.model.training_flops_once, rel=0.02)
    )
    assert looks[1] < looks[2]


def test_a_record_from_before_strategies_were_counted_took_three_passes(kept):
    found = kept["lora"][1].model
    old = {
        name: value for name, value in vars(found).items() if not name.startswith("training_flops")
    }
    look = Evaluation(1, 2, 10, 0.0, 0.0, 0.5)
    assert record.ModelFacts(**old).training_flops(look.tokens) == 30 * found.flops_per_token


def test_a_forecast_knows_the_strategy(kept):
    costs = {name: forecast.cost(one.config, one.foundation) for name, (one, _) in kept.items()}
    assert costs["full"] > costs["freeze"] == costs["lora"] > costs["head_only"] > 0
    assert costs["head_only"] == pytest.approx(costs["full"] / 6)  # one pass of 3 x 2 epochs
