"""The formula for floating-point operations, beside what torch counts."""

import pytest
import torch
from cells import composed
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from harness.backbones import body as bodies
from harness.backbones.family import Specials
from harness.cells.facts import forward_flops
from harness.cells.view import parts_of

MODELS = ["gpt2", "bert", "twin_gpt", "twin_bert", "gpt2_4x256", "bert_base"]


aten = torch.ops.aten


def _attention(query, key, value, *_, **__):
    return sdpa_flop_count(query, key, value)


def _attention_backward(grad, query, key, value, *_, **__):
    """Two products for each of the forward pass; the scores that it makes again do not count."""
    return 2 * sdpa_flop_count(query, key, value)


def counted():
    """torch counts products of matrices, but does not know the attention kernel of the CPU."""
    kernel = aten._scaled_dot_product_flash_attention_for_cpu
    backward = aten._scaled_dot_product_flash_attention_for_cpu_backward
    known = {kernel: _attention, backward: _attention_backward}
    return FlopCounterMode(display=False, custom_mapping=known)


def drawn(name):
    parts = parts_of(composed(f"model={name}"))
    specials = Specials(0, 1, 2, 3, 4, 5, 6, 600)
    return parts.backbone, bodies.new_body(parts.backbone.architecture, specials, 0, 0.0, 0.0)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("examples", "tokens"), [(1, 64), (4, 32)])
def test_a_forward_pass_costs_what_the_formula_says(name, examples, tokens):
    backbone, body = drawn(name)
    ids = torch.randint(7, 600, (examples, tokens))
    real = torch.ones_like(ids, dtype=torch.bool)
    with torch.inference_mode(), counted() as counter:
        bodies.forward(body, ids, real, backbone.allowed(real))
    expected = forward_flops(bodies.size(body), tokens) * examples * tokens
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("name", ["gpt2", "bert"])
def test_a_training_step_costs_three_times_that(name):
    backbone, body = drawn(name)
    ids = torch.randint(7, 600, (4, 32))
    real = torch.ones_like(ids, dtype=torch.bool)
    with counted() as counter:
        bodies.forward(body, ids, real, backbone.allowed(real)).last_hidden_state.sum().backward()
    expected = 3 * forward_flops(bodies.size(body), 32) * ids.numel()
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.02)


def test_the_stacks_of_both_released_families_are_of_one_size():
    """GPT-2 small looks larger than BERT-base by its vocabulary and positions alone."""
    stacks = {}
    for name, layers in (("gpt2_base", "h"), ("bert_base", "encoder.layer")):
        with torch.device("meta"):
            body = drawn(name)[1]
        stacks[name] = sum(p.numel() for p in body.get_submodule(layers).parameters())
    assert stacks == {"gpt2_base": 85_054_464, "bert_base": 85_054_464}
    with torch.device("meta"):
        gpt = drawn("gpt2_base")[1]
    final_norm = sum(p.numel() for p in gpt.ln_f.parameters())
    assert stacks["gpt2_base"] + final_norm == 85_056_000
