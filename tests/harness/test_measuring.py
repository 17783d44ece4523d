"""Which models are measured, and which meet in a race."""

from types import SimpleNamespace

import pytest

from harness import measuring

FAMILY = {"gpt2": "gpt", "bert": "bert", "twin_gpt": "gpt"}


def setup(model="gpt2", task="ner", mode="-", weights="embedded", pair="mini", seed=0, digest="d"):
    cell = SimpleNamespace(
        model=model, family=FAMILY[model], task=task, mode=mode, weights=weights, pair=pair,
        seed=seed, strategy="full", data="world",
    )  # fmt: skip
    return SimpleNamespace(cell=cell, foundation=SimpleNamespace(digests={"test": digest}))


@pytest.fixture(autouse=True)
def _kept(monkeypatch):
    monkeypatch.setattr(measuring, "digest", lambda one: "x" if one.cell.seed == 0 else None)


def test_one_of_each_kept_model_is_measured():
    all_ = [setup(seed=0), setup(seed=1), setup("bert"), setup("bert", weights="scratch")]
    assert measuring.worth(all_) == [all_[0], all_[2]]


def test_untrained_models_are_measured_where_there_are_no_others():
    only = setup("bert", weights="scratch")
    assert measuring.worth([only]) == [only]


def test_decoder_and_encoder_of_a_pair_meet_in_every_mode():
    gpt, bert = setup(task="generation"), setup("bert", task="generation", mode="unilm")
    other = setup("bert", task="generation", mode="mask_predict")
    assert list(measuring.pairs([bert, other, gpt])) == [(gpt, bert), (gpt, other)]


@pytest.mark.parametrize("other", [{"task": "ner2"}, {"pair": "twin"}, {"digest": "e"}], ids=str)
def test_unlike_cells_do_not_meet(other):
    assert not list(measuring.pairs([setup(), setup("bert", **other)]))
