"""The training loop: what is learned, what is kept, what is logged."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from harness import train
from harness.measure.stopwatch import Reading, Stopwatch
from harness.models.batching import Batch

KNOBS = train.Training(
    lr=0.1,
    epochs=4,
    batch_size=8,
    warmup_share=0.1,
    weight_decay=0.01,
    clip_norm=1.0,
    dropout=0.0,
    attention_dropout=0.0,
    max_length=16,
    patience=None,
)


class Toy(torch.nn.Module):
    """Answers from two numbers a text; enough to learn a line."""

    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(2, 2)
        torch.nn.init.zeros_(self.line.weight)
        torch.nn.init.zeros_(self.line.bias)

    def forward(self, batch):
        return self.line(batch.ids.float())

    def loss(self, batch):
        return torch.nn.functional.cross_entropy(self(batch), batch.targets)


POINTS = np.random.default_rng(0).normal(size=(64, 2))
LABELS = (POINTS.sum(1) > 0).astype(np.int64)


def batch_of(chosen):
    ids = torch.from_numpy(POINTS[chosen])
    rows = torch.arange(len(chosen))
    real = torch.ones_like(ids, dtype=torch.bool)
    return Batch(ids, real, rows, rows * 0, torch.from_numpy(LABELS[chosen]))


def run(knobs=KNOBS, scores=None, seed=0):
    model = Toy()
    given = iter(scores) if scores else None

    def dev():
        return next(given) if given else accuracy(model)

    words, progress = np.full(64, 2), []
    log = train.train(
        model, model.loss, words, batch_of, dev, knobs, seed, Stopwatch(), progress.append
    )
    return model, log


def accuracy(model):
    with torch.inference_mode():
        answers = model(batch_of(np.arange(64))).argmax(1).numpy()
    return float((answers == LABELS).mean())


def test_it_learns_and_counts():
    model, log = run()
    assert accuracy(model) > 0.95
    assert log.steps == 4 * 8
    assert log.examples == 4 * 64
    assert log.tokens == log.examples * 2
    assert log.loss_tokens == log.examples
    assert log.padding_share == 0
    assert len(log.losses) == math.ceil(log.steps / train.LOSS_WINDOW)
    assert log.losses[0] > log.losses[-1]
    assert [e.step for e in log.evaluations] == [0, 8, 16, 24, 32]


def test_the_best_weights_are_restored():
    model, log = run(scores=[0.0, 0.2, 0.9, 0.5, 0.6])
    assert log.best_step == 16
    other, _ = run(dataclasses.replace(KNOBS, epochs=2), scores=[0, 0.2, 0.9])
    assert not torch.equal(model.line.weight, other.line.weight)  # another schedule
    again, _ = run(scores=[0.0, 0.2, 0.9, 0.5, 0.6])
    assert torch.equal(model.line.weight, again.line.weight)


def test_patience_counts_examples():
    _, log = run(dataclasses.replace(KNOBS, patience=128), scores=[0.1, 0.9, 0.5, 0.5, 0.95])
    assert log.stopped_early
    assert log.examples == 3 * 64
    assert log.best_step == 8
    _, log = run(dataclasses.replace(KNOBS, patience=129), scores=[0.1, 0.9, 0.5, 0.5, 0.95])
    assert not log.stopped_early
    assert log.best_step == 32


def test_a_loss_that_is_no_number_is_a_named_failure(monkeypatch):
    monkeypatch.setattr(Toy, "forward", lambda self, b: self.line(b.ids.float()) * float("nan"))
    with pytest.raises(train.Diverged, match=r"train\.lr"):
        run()


def test_rate_warms_up_and_decays_to_nothing():
    rates = [train.rate(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0 == rates[9]
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[-1] < 0.02


def test_decay_spares_biases_and_norms():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LayerNorm(2))
    decayed, spared = train.optimizer(model, 0.1, 0.5).param_groups
    assert [p.dim() for p in decayed["params"]] == [2]
    assert [p.dim() for p in spared["params"]] == [1, 1, 1]
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.5, 0.0)


def test_evaluation_time_is_not_training_time():
    clock = {"now": 0.0}

    def tick():
        clock["now"] += 1.0
        return clock["now"]

    slow = Stopwatch(wall=tick, cpu=tick)
    model = Toy()

    def dev():
        clock["now"] += 1000.0
        return 0.5

    progress = []
    log = train.train(
        model, model.loss, np.full(64, 2), batch_of, dev, KNOBS, 0, slow, progress.append
    )
    assert log.cpu_seconds < 100
    assert Reading(3.0, 2.0) - Reading(1.0, 1.0) == Reading(2.0, 1.0)


def test_predictions_come_back_in_order():
    model, _ = run()
    batches = [np.array([5, 1, 9]), np.array([0, 2])]
    answers, sure = train.predict(model, batches, batch_of, 10)
    expected = model(batch_of(np.arange(10))).argmax(1).tolist()
    for index in (5, 1, 9, 0, 2):
        assert answers[index] == (expected[index],)
        assert 0.5 <= sure[index][0] <= 1
    assert answers[3] == ()


class Looked(Toy):
    """Remembers the rows of each part it was asked for, and whether autocast was on."""

    def loss(self, batch):
        self.seen = [*getattr(self, "seen", []), (len(batch.ids), torch.is_autocast_enabled("cpu"))]
        return super().loss(batch)


def looked(knobs, count=9):
    model = Looked()
    words = np.full(count, 2)
    log = train.train(
        model, model.loss, words, batch_of, lambda: 0.0, knobs, 0, Stopwatch(), lambda _: None
    )
    return model, log


def test_accumulation_makes_the_same_updates_in_smaller_parts():
    whole, cut = (
        looked(dataclasses.replace(KNOBS, batch_size=9, accumulation=k, epochs=3)) for k in (1, 2)
    )
    assert {rows for rows, _ in whole[0].seen} == {9}
    assert [rows for rows, _ in cut[0].seen] == [5, 4] * 3
    assert torch.allclose(whole[0].line.weight, cut[0].line.weight, atol=1e-6)
    for name in ("steps", "examples", "tokens", "loss_tokens", "padding_share"):
        assert getattr(whole[1], name) == getattr(cut[1], name)
    assert cut[1].losses == pytest.approx(whole[1].losses, abs=1e-5)


def test_more_parts_than_examples_are_as_many_as_examples():
    model, _ = looked(dataclasses.replace(KNOBS, batch_size=2, accumulation=5, epochs=1), count=4)
    assert {rows for rows, _ in model.seen} == {1}


def test_bfloat16_is_for_training_steps_alone():
    knobs = dataclasses.replace(KNOBS, precision="bfloat16", epochs=1)
    model, _ = looked(knobs)
    assert {low for _, low in model.seen} == {True}
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    told = []

    def dev():
        told.append(torch.is_autocast_enabled("cpu"))
        return 0.0

    train.train(
        Toy(), lambda b: Toy().loss(b), np.full(4, 2), batch_of, dev, knobs, 0, Stopwatch(), print
    )
    assert set(told) == {False}


def test_sgd_has_its_momentum_and_decay():
    model = torch.nn.Linear(2, 2)
    found = train.optimizer(model, 0.1, 0.5, "sgd", 0.7)
    assert isinstance(found, torch.optim.SGD)
    assert [group["momentum"] for group in found.param_groups] == [0.7, 0.7]
    assert [group["weight_decay"] for group in found.param_groups] == [0.5, 0.0]
    _, log = run(dataclasses.replace(KNOBS, optimizer="sgd", lr=0.5))
    assert log.losses[-1] < log.losses[0]
