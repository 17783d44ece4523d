"""Claim C15: one setting of training at a time, both tunings treated alike but for it."""

import os

import pytest
from adapting import strategy, wider_pair

from harness import plan
from harness.claims import EQUIVALENT, NOT_TESTED, REVERSED, SUPPORTED, UNDETERMINED, judge
from harness.comparing import findings


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


def tuned(root, share, trials=8, seeds=range(5), lr=1e-3, name="full", **train):
    """Both families tuned in full with these settings."""
    config = {"train": {"lr": lr, "epochs": 15, **train}, "strategy": {}}
    strategy(root, name, share, share, seeds=seeds, trials=trials, config=config)


def of(root, part):
    found = [f for f in judge(findings.find([root], plan.default())) if f.claim.id == "C15"]
    (one,) = [f for f in found if f.part == part]
    return one


@pytest.mark.parametrize(
    ("part", "on", "off"),
    [
        ("weight decay", {"weight_decay": 0.01}, {"weight_decay": 0.0}),
        ("dropout", {"dropout": 0.1}, {"dropout": 0.0}),
        ("early stopping", {"patience": 2000}, {"patience": None}),
        ("AdamW rather than SGD", {}, {"optimizer": "sgd", "momentum": 0.9}),
    ],
)
def test_each_factor_is_set_against_its_absence(tmp_path, part, on, off):
    tuned(tmp_path, 0.9, **on)
    tuned(tmp_path, 0.6, **off)
    one = of(tmp_path, part)
    assert one.status == SUPPORTED
    assert len(one.decided) == 2
    assert one.decided[0].value.mean == pytest.approx(0.2, abs=0.05)
    found = [f for f in judge(findings.find([tmp_path], plan.default())) if f.claim.id == "C15"]
    assert [f.part for f in found] == [part]


@pytest.mark.parametrize(("without", "status"), [(0.9, REVERSED), (0.605, EQUIVALENT)])
def test_a_factor_may_harm_or_do_nothing(tmp_path, without, status):
    tuned(tmp_path, 0.6, dropout=0.1)
    tuned(tmp_path, without, dropout=0.0)
    assert of(tmp_path, "dropout").status == status


def test_two_factors_at_once_are_none(tmp_path):
    tuned(tmp_path, 0.9, dropout=0.1, weight_decay=0.01)
    tuned(tmp_path, 0.6, dropout=0.0, weight_decay=0.0)
    one = of(tmp_path, "dropout")
    assert (one.status, one.decided) == (UNDETERMINED, ())
    assert "train.weight_decay" in one.detail


def test_nothing_varied_is_not_tested(tmp_path):
    tuned(tmp_path, 0.9, dropout=0.1)
    tuned(tmp_path, 0.8, dropout=0.2)
    assert of(tmp_path, "").status == NOT_TESTED


def test_unequal_trials_are_refused(tmp_path):
    tuned(tmp_path, 0.9, dropout=0.1)
    tuned(tmp_path, 0.6, dropout=0.0, trials=4)
    assert "tuning.trials (8 and 4)" in of(tmp_path, "dropout").detail


@pytest.mark.parametrize(("lr", "status"), [(1e-3, SUPPORTED), (2e-3, UNDETERMINED)])
def test_a_factor_is_left_out_at_the_rate_that_was_searched_with_it(tmp_path, lr, status):
    tuned(tmp_path, 0.9, dropout=0.1)
    tuned(tmp_path, 0.6, dropout=0.0, trials=None, lr=lr)
    one = of(tmp_path, "dropout")
    assert one.status == status
    assert ("train.lr" in one.detail) is (status == UNDETERMINED)


def test_what_is_judged_may_be_the_one_without_the_factor(tmp_path):
    """As where early stopping is tried at the rate that was searched without it."""
    tuned(tmp_path, 0.6, patience=None)
    tuned(tmp_path, 0.9, patience=2000, trials=None)
    one = of(tmp_path, "early stopping")
    assert (one.status, len(one.decided)) == (SUPPORTED, 2)


def test_an_optimizer_needs_a_rate_of_its_own(tmp_path):
    tuned(tmp_path, 0.9, trials=None)
    tuned(tmp_path, 0.6, trials=None, optimizer="sgd", momentum=0.9)
    one = of(tmp_path, "AdamW rather than SGD")
    assert (one.status, one.decided) == (UNDETERMINED, ())
    assert "not searched for each optimizer" in one.detail


def test_an_optimizer_may_have_the_name_of_a_strategy(tmp_path):
    """As conf/strategy/sgd.yaml has."""
    tuned(tmp_path, 0.9)
    tuned(tmp_path, 0.6, name="sgd", optimizer="sgd", momentum=0.9)
    one = of(tmp_path, "AdamW rather than SGD")
    assert (one.status, len(one.decided)) == (SUPPORTED, 2)


def test_the_pair_that_was_varied_is_asked(tmp_path):
    wider_pair(tmp_path)
    tuned(tmp_path, 0.9, dropout=0.1)
    tuned(tmp_path, 0.6, dropout=0.0)
    assert of(tmp_path, "dropout").status == SUPPORTED


def test_rates_that_were_searched_may_differ(tmp_path):
    tuned(tmp_path, 0.9)
    tuned(tmp_path, 0.6, lr=0.1, optimizer="sgd", momentum=0.9)
    assert of(tmp_path, "AdamW rather than SGD").status == SUPPORTED
