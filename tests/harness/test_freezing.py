"""Claim C6 on runs whose truth is known: what is kept with half of the layers frozen."""

import os
import re

import pytest
from adapting import strategy
from synthetic import cell, leave

from harness import plan
from harness.claims import (
    EQUIVALENT,
    NOT_TESTED,
    PRELIMINARY,
    REVERSED,
    SUPPORTED,
    UNDETERMINED,
    judge,
)
from harness.claims.freezing import both
from harness.comparing import findings

PLAN = plan.default()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


def only(root, claim="C6"):
    (one,) = [f for f in judge(findings.find([root], PLAN)) if f.claim.id == claim]
    return one


def kept(share, full=0.9):
    """The share of a slice that keeps this much of the gain over one half."""
    return 0.5 + share * (full - 0.5)


@pytest.mark.parametrize(
    ("gpt", "bert", "status", "detail"),
    [
        (0.6, 1.02, SUPPORTED, ""),  # only BERT keeps its gain
        (1.01, 1.02, EQUIVALENT, "freezing works for both"),
        (0.5, 0.6, REVERSED, "BERT keeps less than 95 %"),  # neither does
        (1.2, 1.02, REVERSED, "GPT keeps more"),
    ],
)
def test_what_both_families_keep_is_found(tmp_path, gpt, bert, status, detail):
    strategy(tmp_path, "full", 0.8, 0.8, size=1800)
    strategy(tmp_path, "freeze", kept(gpt, 0.8), kept(bert, 0.8), size=1800)
    one = only(tmp_path)
    assert one.status == status
    assert detail in one.detail
    (above, apart) = one.decided
    assert above.value.mean == pytest.approx(bert - 0.95, abs=0.05)
    assert apart.value.mean == pytest.approx(bert - gpt, abs=0.06)
    assert (above.value.decision.margin, apart.value.decision.margin) == (0.0, 0.05)
    shown = {n.label: n.value for n in one.numbers if "retention of" in n.label[:12]}
    found = shown["retention of BERT, 50 % frozen"]
    assert found.mean == pytest.approx(above.value.mean + 0.95)
    assert found.low < found.mean < found.high
    assert found.covers == "seeds and examples"
    assert "classification on world" in one.scope


def test_seeds_that_disagree_leave_it_open(tmp_path):
    strategy(tmp_path, "full", 0.8, 0.8)
    strategy(tmp_path, "freeze", 0.6, lambda seed: 0.62 + 0.08 * seed)
    one = only(tmp_path)
    assert one.status == UNDETERMINED
    assert len(one.decided) == 2


def test_a_gain_of_less_than_five_points_is_no_gain_to_keep(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.53)  # two thirds of .03
    strategy(tmp_path, "freeze", 0.6, 0.53)
    one = only(tmp_path)
    assert one.status == UNDETERMINED
    assert not one.decided
    assert "undefined: full fine-tuning gains less than 0.05" in one.detail


def test_unequal_trials_give_no_verdict(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.9)
    strategy(tmp_path, "freeze", 0.6, 0.9, trials=4)
    one = only(tmp_path)
    assert one.status == UNDETERMINED
    assert not one.decided
    assert "tuning.trials (8 and 4)" in one.detail


def test_unequal_trials_of_the_other_family_bar_the_difference_alone(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.89)
    strategy(tmp_path, "freeze", 0.6, 0.9, trials={"gpt": 4, "bert": 8})
    one = only(tmp_path)
    assert one.status == UNDETERMINED
    (above,) = one.decided
    assert above.value.status == SUPPORTED
    assert re.search(r"\(b\).*GPT: refused: .*tuning\.trials \(8 and 4\)", one.detail)


def test_rates_that_nobody_searched_give_no_verdict(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.89, trials=None)
    strategy(tmp_path, "freeze", 0.6, 0.9, trials=None)
    one = only(tmp_path)
    assert (one.status, one.decided) == (UNDETERMINED, ())
    assert "not searched" in one.detail


def test_few_seeds_are_preliminary_and_one_is_none(tmp_path):
    for name, told in (("full", (0.9, 0.89)), ("freeze", (0.6, 0.9))):
        strategy(tmp_path / "3", name, *told, seeds=range(3))
        strategy(tmp_path / "1", name, *told, seeds=range(1))
    one = only(tmp_path / "3")
    assert (one.status, one.flags) == (SUPPORTED, (PRELIMINARY,))
    one = only(tmp_path / "1")
    assert (one.status, one.decided) == (UNDETERMINED, ())
    assert "one seed" in one.detail


def test_a_side_that_did_not_run_is_named(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.89)
    strategy(tmp_path, "freeze", None, 0.9)
    one = only(tmp_path)
    assert one.status == UNDETERMINED
    assert "GPT: no run with 50 % of the layers frozen" in one.detail
    assert [n.value.status for n in one.decided] == [SUPPORTED]


def test_a_seed_that_one_share_lacks_bars_it(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.89)
    strategy(tmp_path, "freeze", 0.6, 0.9, seeds=range(4))
    one = only(tmp_path)
    assert (one.status, one.decided) == (UNDETERMINED, ())
    assert "incomplete: seed 4 on one side only" in one.detail


def test_an_alarm_voids_it(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.89)
    strategy(tmp_path, "freeze", 0.6, 0.9)
    leaked = {"lex": 0.9, "con": 0.9, "none": 0.9}  # what nobody can know
    of = cell(task="classification", family="bert", seed=9, strategy="full")
    config = {"train": {"lr": 1e-3, "epochs": 15}, "strategy": {}, "seed": 9}
    leave(tmp_path, of, leaked, 900, config=config, tuning={"trials": 8})
    assert "void: alarm 1" in only(tmp_path).detail


def test_other_shares_are_shown_and_do_not_decide(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.89)
    strategy(tmp_path, "freeze", 0.8, 0.9, settings={"share": 0.25})
    assert only(tmp_path).status == NOT_TESTED
    strategy(tmp_path, "freeze", 0.6, 0.9)
    one = only(tmp_path)
    assert one.status == SUPPORTED
    assert [n.label for n in one.numbers[2:]] == [
        "retention of GPT, 25 % frozen", "retention of BERT, 25 % frozen",
        "retention of GPT, 50 % frozen", "retention of BERT, 50 % frozen",
    ]  # fmt: skip
    assert one.numbers[2].value.mean == pytest.approx(0.75, abs=0.05)


def test_other_settings_of_training_are_refused(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.89)
    config = {"train": {"lr": 1e-3, "epochs": 3}, "strategy": {"share": 0.5}}
    strategy(tmp_path, "freeze", 0.6, 0.9, config=config)
    assert "train.epochs" in only(tmp_path).detail


@pytest.mark.parametrize(
    ("keeps", "more", "status"),
    [
        (SUPPORTED, SUPPORTED, SUPPORTED),
        (SUPPORTED, EQUIVALENT, EQUIVALENT),
        (SUPPORTED, UNDETERMINED, UNDETERMINED),
        (UNDETERMINED, SUPPORTED, UNDETERMINED),
        (UNDETERMINED, EQUIVALENT, EQUIVALENT),
        (REVERSED, SUPPORTED, REVERSED),
        (REVERSED, UNDETERMINED, REVERSED),
        (SUPPORTED, REVERSED, REVERSED),
    ],
)
def test_the_claim_needs_both_parts(keeps, more, status):
    assert both([keeps, more])[0] == status
