"""Which parameters a strategy tunes, on every kind of body."""

import pytest
import torch
from test_backbones import GLU, NATIVE, SPECIALS, TEXTS, TINY
from test_modes import DECODERS

from harness.backbones import body as bodies
from harness.backbones import layers
from harness.backbones.bert import Bert
from harness.backbones.gpt import Gpt
from harness.contracts import InputError
from harness.models.batching import Batch
from harness.models.heads import Predictor, Writer
from harness.modes.autoregressive import CAUSAL, UNILM
from harness.strategies.freeze import Freeze
from harness.strategies.full import Full

ENCODERS = {
    "bert": {"intermediate_size": 64, **TINY},
    "roberta": {"intermediate_size": 64, "max_position_embeddings": 64, **TINY},
    "distilbert": {"dim": 32, "n_heads": 2, "hidden_dim": 64},
    "electra": {"intermediate_size": 64, "embedding_size": 32, **TINY},
    "modernbert": GLU,
}
KINDS = [*DECODERS, *ENCODERS]
DEPTH = 4


def family(kind):
    more = DECODERS.get(kind) or ENCODERS[kind]
    deep = {"n_layers": DEPTH} if kind == "distilbert" else {"num_hidden_layers": DEPTH}
    return (Gpt if kind in DECODERS else Bert)(
        kind, "", "", "", {"model_type": kind, **more, **deep}
    )


def predictor(kind):
    backbone = family(kind)
    body = bodies.new_body(backbone.architecture, SPECIALS, 0, 0.0, 0.0)
    return Predictor(NATIVE.bind(backbone, writes=False), body, 3, 0.0, seed=0)


def batch():
    ids = torch.tensor([text[:7] for text in TEXTS])
    rows = torch.arange(len(ids))
    segments = torch.arange(7) >= 4
    return Batch(
        ids, torch.ones_like(ids, dtype=torch.bool), rows, torch.full_like(rows, 6), rows % 3,
        segments.expand(len(ids), -1),
    )  # fmt: skip


def tuned(model, strategy):
    """Parameters before and after three steps that decay weights, by name."""
    strategy.adapt(model, seed=0)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    trainable = [p for p in model.parameters() if p.requires_grad]
    descent = torch.optim.AdamW(trainable, lr=0.01, weight_decay=0.1)
    for _ in range(3):
        descent.zero_grad()
        model.loss(batch()).backward()
        descent.step()
    return before, dict(model.named_parameters())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("share", "frozen"), [(0.0, 0), (0.25, 1), (0.5, 2), (1.0, 4)])
def test_the_lowest_layers_stay_as_they_were_to_the_bit(kind, share, frozen):
    model = predictor(kind)
    stack = layers.stack(model.body)
    held = {id(p) for layer in stack[:frozen] for p in layer.parameters()}
    if frozen:
        tables = [m for m in model.body.modules() if isinstance(m, torch.nn.Embedding)]
        held |= {id(p) for table in tables for p in table.parameters()}
        held |= {id(p) for part in layers.below(model.body) for p in part.parameters()}
    before, after = tuned(model, Freeze(share))
    asked = [name for name, p in model.named_parameters() if id(p) not in held]
    assert [n for n, p in model.named_parameters() if p.requires_grad] == asked
    same = {name for name, p in after.items() if torch.equal(p, before[name])}
    assert same >= {name for name, p in after.items() if id(p) in held}
    moved = {n for n, p in after.items() if not torch.equal(p, before[n])}
    assert any(name.startswith("head.") for name in moved)
    for layer in range(frozen, DEPTH):
        of_layer = {id(p) for p in stack[layer].parameters()}
        assert any(id(after[name]) in of_layer for name in moved)


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_is_not_a_layer_or_below_is_a_norm(kind):
    body = predictor(kind).body
    known = {
        id(p) for part in [*layers.below(body), *layers.stack(body)] for p in part.parameters()
    }
    rest = [p for p in body.parameters() if id(p) not in known]
    assert all(p.dim() == 1 for p in rest)
    assert layers.below(body)


@pytest.mark.parametrize(("kind", "mode"), [("gpt2", CAUSAL), ("bert", UNILM)])
def test_a_tied_head_stays_with_the_embeddings(kind, mode):
    backbone = family(kind)
    language = bodies.new_language_model(backbone.objective, backbone.architecture, SPECIALS, 0)
    before, after = tuned(Writer(backbone, mode, language, 8, 0), Freeze(0.5))
    (table,) = [n for n in before if n.endswith(("wte.weight", "word_embeddings.weight"))]
    assert torch.equal(before[table], after[table])
    assert any(not torch.equal(before[name], after[name]) for name in before)


def test_full_trains_everything_again():
    model = predictor("gpt2")
    Freeze(1.0).adapt(model, seed=0)
    Full().adapt(model, seed=0)
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(InputError, match=f"strategy.share={share}: expected a share"):
        Freeze(share)
