"""A fixed body reads every text once, and what comes of it is as if it had read it each time."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from cells import small_setup
from test_long_texts import long_setup
from test_lora import state, steps, writer
from test_strategies import KINDS, batch, predictor
from test_windows import reader, side, split

from harness import experiment, record, train
from harness.cells import labelling
from harness.contracts import Unsupported
from harness.measure.stopwatch import Stopwatch
from harness.models import batching
from harness.models.features import Features
from harness.models.heads import Predictor
from harness.modes.autoregressive import CAUSAL
from harness.strategies.head_only import HeadOnly

KNOBS = train.Training(0.03, 2, 4, 0.1, 0.1, 1.0, 0.0, 0.0, 16, None)


def adapted(kind):
    """With dropout in body and answer layer."""
    model = predictor(kind)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3
    HeadOnly().adapt(model, seed=0)
    return model


# --- the model ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_body_stays_to_the_bit_and_the_head_moves(kind):
    model = adapted(kind)
    before = state(model)
    steps(model)
    after = model.state_dict()
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    assert moved == {name for name in after if name.startswith("head.")}
    assert [n for n, p in model.named_parameters() if p.requires_grad] == sorted(
        moved, reverse=True
    )


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_the_body_is_as_in_use_while_the_answer_layer_drops(kind):
    model = adapted(kind).train()
    assert model.training
    assert model.dropout.training
    assert not any(module.training for module in model.body.modules())
    with torch.no_grad():
        one, other = (model.features(batch()) for _ in range(2))
        assert torch.equal(one, other)
        assert not torch.equal(model(batch()), model(batch()))
    assert not model.features(batch()).requires_grad
    assert model(batch()).requires_grad


def test_a_writer_has_nothing_to_train():
    model = writer("gpt2", CAUSAL)
    with pytest.raises(Unsupported, match="no new layer to train"):
        HeadOnly().adapt(model, seed=0)
    with pytest.raises(Unsupported, match="strategy=head_only"):
        HeadOnly().check(model.body, writes=True)
    HeadOnly().check(model.body, writes=False)


# --- features of a split ------------------------------------------------------------------------


def trained(kind, one, kept):
    """Losses, weights and answers, with features that are kept or made again each time."""
    model = adapted(kind)

    def seen(words, batch_of):
        return Features(model, words, batch_of, 60).batch if kept else batch_of

    log = train.train(
        model, model.loss, one.words, seen(one.words, one.batch), lambda: 0.0, KNOBS, 7,
        Stopwatch(), lambda _: None,
    )  # fmt: skip
    head = {name: p.clone() for name, p in model.head.named_parameters()}
    return log, head, labelling._answers(model, one, KNOBS, None, seen)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("windowed", [True, False])
def test_training_and_answers_are_those_of_features_made_each_time(tmp_path, kind, windowed):
    one = side(split(3, 40, 9, 80, 0, 1, 25, 7), reader(tmp_path, room=16), windowed=windowed)
    assert (one.stretches is not None) == windowed
    (ours, our_head, our_answers), (theirs, their_head, their_answers) = (
        trained(kind, one, kept) for kept in (True, False)
    )
    assert ours.losses == pytest.approx(theirs.losses, abs=1e-4)
    assert (ours.steps, ours.tokens, ours.loss_tokens, ours.padding_share) == (
        theirs.steps, theirs.tokens, theirs.loss_tokens, theirs.padding_share,
    )  # fmt: skip
    assert all(torch.allclose(p, their_head[n], atol=1e-4) for n, p in our_head.items())
    assert our_answers.labels == their_answers.labels
    for ours_sure, theirs_sure in zip(
        our_answers.confidences, their_answers.confidences, strict=True
    ):
        assert ours_sure == pytest.approx(theirs_sure, abs=2e-4)


@pytest.mark.parametrize("windowed", [True, False])
def test_features_stand_in_the_order_of_the_answers(tmp_path, windowed):
    """Rows of any number of answers, none included, in any order and more than once."""
    one = side(split(3, 40, 9, 80, 0, 1, 25, 7), reader(tmp_path, room=16), windowed=windowed)
    model = adapted("bert").eval()
    features = Features(model, one.words, one.batch, 50)
    rng = np.random.default_rng(0)
    for _ in range(5):
        chosen = rng.integers(0, len(one.words), 4)
        found = features.batch(chosen)
        plain = one.batch(chosen)
        assert torch.equal(found.targets, plain.targets)
        assert torch.equal(found.ids, plain.ids)
        assert torch.allclose(found.features, model.features(plain), atol=1e-5)


def test_features_that_were_made_for_answers_can_be_trained_on(tmp_path):
    one = side(split(3, 5, 9), reader(tmp_path))
    model = adapted("bert")
    features = Features(model, one.words, one.batch, 50)
    with torch.inference_mode():
        model(features.batch(np.arange(3)))
    model.loss(features.batch(np.arange(3))).backward()
    assert model.head.weight.grad is not None


# --- cells --------------------------------------------------------------------------------------

CELLS = {
    "classification": ("classification", "model=gpt2"),
    "pairs": ("matching", "model=bert"),
    "both orders": ("matching", "model=gpt2", "mode=both_orders"),
    "mean": ("classification", "model=bert", "mode=mean"),
    "means of both orders": ("matching", "model=gpt2", "mode=mean", "mode.both_orders=true"),
    "ner": ("ner", "model=bert"),
    "echo": ("ner", "model=gpt2", "mode=echo"),
    "windows": (None, "model=gpt2"),
}


def executed(place, cache, name, each_time=False):
    """A cell, its record and counts, and how many rows its body read outside probes."""
    task, *overrides = CELLS[name]
    overrides = ("strategy=head_only", "train.epochs=3", "train.lr=1e-2", *overrides)
    if task is None:
        setup = long_setup(place, cache, *overrides)
    else:
        setup = small_setup(place, cache, *overrides, task=task)
    read = []
    original = Predictor.features

    def spy(self, one, memory=None):
        read.append(len(one.ids) // one.readings)
        return original(self, one, memory)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Predictor, "features", spy)
        if each_time:
            patch.setattr(labelling.Labelling, "_seen", lambda *given: given[-1])
        folder = Path(experiment.execute(dataclasses.replace(setup, keep_checkpoint=False)))
    return setup, record.read(folder), record.read_counts(folder), sum(read)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_reads_everything_once_and_gives_what_reading_each_time_does(
    tmp_path, shared_cache, name
):
    setup, kept, counts, read = executed(tmp_path / "once", shared_cache, name)
    _, again, other, often = executed(tmp_path / "often", shared_cache, name, each_time=True)
    assert kept.training.losses == pytest.approx(again.training.losses, abs=2e-4)
    assert counts.columns == other.columns
    assert kept.training.best_step == again.training.best_step
    assert kept.training.tokens == again.training.tokens
    if name != "windows":
        sizes = {
            name: len(getattr(setup.foundation.splits, name)) for name in ("train", "dev", "test")
        }
        assert read == sum(sizes.values())
        assert often == 3 * sizes["train"] + 4 * sizes["dev"] + sizes["test"]
    else:
        assert read < often / 2
    assert kept.cell.strategy == "head_only"
    head = kept.model.parameters["head"]
    assert kept.model.parameters["trainable"] == head < kept.model.parameters["total"]


def test_batches_are_those_of_the_other_strategies(tmp_path, shared_cache, monkeypatch):
    seen, original = {}, batching.plan

    def spy(words, limit, rng):
        found = original(words, limit, rng)
        seen.setdefault(strategy, []).extend(chosen.tolist() for chosen in found)
        return found

    monkeypatch.setattr(train, "plan", spy)
    for strategy in ("full", "lora", "head_only"):
        experiment.execute(small_setup(tmp_path, shared_cache, f"strategy={strategy}"))
    assert seen["full"] == seen["lora"] == seen["head_only"]
    assert seen["full"]
