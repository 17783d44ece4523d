"""The two families read as they claim, on any body, under any padding."""

import numpy as np
import pytest
import torch

from harness.backbones import body as bodies
from harness.backbones import masks
from harness.backbones.bert import Bert
from harness.backbones.family import Specials
from harness.backbones.gpt import Gpt
from harness.cells import probes
from harness.models.heads import Predictor
from harness.modes.native import Native

SPECIALS = Specials(pad=0, unk=1, cls=2, sep=3, mask=4, eos=5, count=6, vocabulary=60)
TINY = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
GPT = Gpt("gpt2", "mini", "", "scratch", {"model_type": "gpt2", "n_inner": 64, **TINY})
BERT = Bert("bert", "mini", "", "scratch", {"model_type": "bert", "intermediate_size": 64, **TINY})
TEXTS = [[2, *np.random.default_rng(i).integers(6, 60, 5 + i).tolist(), 3] for i in range(4)]


NATIVE = Native("native")


def predictor(backbone, architecture=None, mode=NATIVE):
    body = bodies.new_body(architecture or backbone.architecture, SPECIALS, 0, 0.1, 0.1)
    return Predictor(mode.bind(backbone, writes=False), body, 3, 0.1, seed=0)


def probed(model):
    return probes.labels(model, TEXTS, SPECIALS, model.mode)


@pytest.mark.parametrize("backbone", [GPT, BERT], ids=["gpt", "bert"])
def test_probes_see_what_the_mode_claims(backbone):
    seen = probed(predictor(backbone))
    assert seen["texts"] == 4
    assert seen["right_change"] > 1e-3
    assert seen["padding_change"] <= probes.TOLERANCE["padding"]
    if backbone.mode == "causal":
        assert seen["left_change"] <= probes.TOLERANCE["causal"]
    else:
        assert seen["left_change"] > 1e-3


def test_the_probe_catches_a_causal_model_that_looks_right():
    class Leaky(Gpt):
        def allowed(self, real):
            return BERT.allowed(real)

    leaky = Leaky(GPT.name, GPT.pair, "", "scratch", GPT.architecture)
    seen = probed(predictor(leaky))
    assert seen["claimed"] == "causal"
    assert seen["left_change"] > 1e-3


def test_the_probe_catches_padding_that_is_seen():
    class Blind(Bert):
        def allowed(self, real):
            return super().allowed(torch.ones_like(real))

    blind = Blind(BERT.name, BERT.pair, "", "scratch", BERT.architecture)
    assert probed(predictor(blind))["padding_change"] > 1e-3


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_one_body_gives_equal_outputs_under_equal_masks(kind):
    """Nothing of the family hides in the network: the mask argument decides."""
    architecture = (GPT if kind == "gpt2" else BERT).architecture
    body = bodies.new_body(architecture, SPECIALS, 0, 0.0, 0.0).eval()
    ids = torch.tensor([TEXTS[0]])
    real = torch.ones_like(ids, dtype=torch.bool)
    with torch.inference_mode():
        causal, both = (
            bodies.forward(body, ids, real, family.allowed(real)).last_hidden_state
            for family in (GPT, BERT)
        )
        last = ids.shape[1] - 1
        everything = torch.ones(1, last + 1, last + 1, dtype=torch.bool)
        again = bodies.forward(body, ids, real, everything).last_hidden_state
    assert torch.equal(both, again)
    assert (causal - both).abs()[0, 0].max() > 1e-3


def test_gpt_lesson_asks_for_every_next_token():
    ids = torch.tensor([[5, 7, 8, 5], [5, 9, 5, 0]])
    lesson = GPT.lesson(ids, ids != 0, SPECIALS, torch.Generator().manual_seed(0))
    assert lesson.inputs.tolist() == [[5, 7, 8], [5, 9, 5]]
    assert lesson.targets.tolist() == [[7, 8, 5], [9, 5, -100]]


def test_bert_lesson_hides_a_share_of_ordinary_tokens():
    rng = np.random.default_rng(0)
    ids = torch.from_numpy(rng.integers(6, 60, (200, 50)))
    ids[:, 0], ids[:, 40:] = SPECIALS.cls, SPECIALS.pad
    lesson = BERT.lesson(ids, ids != 0, SPECIALS, torch.Generator().manual_seed(0))
    asked = lesson.targets != -100
    assert not asked[:, 0].any()
    assert not asked[:, 40:].any()
    assert torch.equal(lesson.targets[asked], ids[asked])
    assert torch.equal(lesson.inputs[~asked], ids[~asked])
    assert float(asked[:, 1:40].float().mean()) == pytest.approx(0.3, abs=0.02)
    hidden = lesson.inputs[asked] == SPECIALS.mask
    kept = lesson.inputs[asked] == ids[asked]
    assert float(hidden.float().mean()) == pytest.approx(0.8, abs=0.03)
    assert float(kept.float().mean()) == pytest.approx(0.1, abs=0.03)


def test_dropout_is_set_under_every_name():
    for backbone in (GPT, BERT):
        config = bodies.new_body(backbone.architecture, SPECIALS, 0, 0.25, 0.125).config
        values = config.to_dict()
        assert {
            v
            for k, v in values.items()
            if ("drop" in k and "classifier" not in k and "summary" not in k)
        } <= {0.25, 0.125}
        assert {0.25, 0.125} <= set(map(float, (v for k, v in values.items() if "drop" in k and v)))


def test_size_counts_shared_tensors_once():
    for backbone in (GPT, BERT):
        body = bodies.new_body(backbone.architecture, SPECIALS, 0, 0.0, 0.0)
        size = bodies.size(body)
        assert size.total == sum(p.numel() for p in body.parameters())
        biases_and_norms = size.total - size.embeddings - 2 * 8 * 32 * 32
        assert 0 < biases_and_norms < 2 * 20 * 32
        assert (size.layers, size.width) == (2, 32)


def test_heads_of_a_pair_start_equal():
    gpt, bert = predictor(GPT), predictor(BERT)
    assert torch.equal(gpt.head.weight, bert.head.weight)
    other = Predictor(gpt.mode, gpt.body, 3, 0.1, seed=1)
    assert not torch.equal(gpt.head.weight, other.head.weight)


def test_the_global_generator_is_left_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    predictor(GPT)
    assert torch.equal(before, torch.get_rng_state())


GLU = {"intermediate_size": 48, "global_attn_every_n_layers": 1, **TINY}
TWINS = [
    ({"model_type": "modernbert", **GLU}, "mlm"),
    ({"model_type": "modernbert-decoder", **GLU}, "clm"),
]


def test_twins_differ_in_nothing_but_the_mask():
    """Same seed, two classes: equal parameters, equal outputs under equal masks, and only then."""
    encoder, decoder = (
        bodies.new_language_model(objective, architecture, SPECIALS, 0).eval()
        for architecture, objective in TWINS
    )
    sizes = [bodies.size(bodies.body_of(model)) for model in (encoder, decoder)]
    assert sizes[0] == sizes[1]
    assert sum(p.numel() for p in encoder.parameters()) == sum(
        p.numel() for p in decoder.parameters()
    )
    ids, real = torch.tensor([TEXTS[2]]), torch.ones(1, len(TEXTS[2]), dtype=torch.bool)
    with torch.inference_mode():
        outputs = [
            bodies.forward(model, ids, real, mask(real)).logits
            for model in (encoder, decoder)
            for mask in (masks.causal, masks.both_ways)
        ]
    assert torch.equal(outputs[0], outputs[2])
    assert torch.equal(outputs[1], outputs[3])
    assert (outputs[0] - outputs[1]).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("kind", "objective", "more"),
    [
        ("gpt2", "clm", {"n_inner": 64, **TINY}),
        ("bert", "mlm", {"intermediate_size": 64, **TINY}),
        ("roberta", "mlm", {"intermediate_size": 64, **TINY}),
        ("distilbert", "mlm", {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}),
        ("modernbert", "mlm", GLU),
        ("modernbert-decoder", "clm", GLU),
        ("llama", "clm", {"intermediate_size": 64, "num_key_value_heads": 1, **TINY}),
    ],
)
def test_head_and_body_of_a_language_model_are_the_whole(kind, objective, more):
    model = bodies.new_language_model(objective, {"model_type": kind, **more}, SPECIALS, 0).eval()
    ids, real = torch.tensor([TEXTS[1]]), torch.ones(1, len(TEXTS[1]), dtype=torch.bool)
    allowed = masks.causal(real)
    with torch.inference_mode():
        whole = bodies.forward(model, ids, real, allowed).logits
        hidden = bodies.forward(bodies.body_of(model), ids, real, allowed).last_hidden_state
        parts = bodies.vocabulary_logits(model, hidden)
    assert torch.equal(whole, parts)


def test_segments_reach_the_networks_that_tell_them():
    ids = torch.tensor([TEXTS[1]])
    real = torch.ones_like(ids, dtype=torch.bool)
    other = torch.zeros_like(real)
    other[:, 3:] = True
    for backbone, told in ((GPT, False), (BERT, True)):
        body = bodies.new_body(backbone.architecture, SPECIALS, 0, 0.0, 0.0).eval()
        with torch.inference_mode():
            plain, marked = (
                bodies.forward(body, ids, real, backbone.allowed(real), part).last_hidden_state
                for part in (None, other)
            )
        assert torch.equal(plain, marked) != told
