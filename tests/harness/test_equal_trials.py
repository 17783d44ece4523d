"""No table compares arms that were searched with unequal effort: each refuses, and says so."""

import os
from dataclasses import replace

import pytest
from adapting import strategy
from rendered import assert_rectangular, cells, rows, sections, text_of
from synthetic import TRAINING, cell, leave
from test_factors import of as factor
from test_factors import tuned
from test_label_curves import grown

from harness import plan
from harness.claims import NOT_TESTED, UNDETERMINED, judge
from harness.comparing import aggregate, findings, label_curves, verdicts
from harness.comparing.tradeoffs import lineup
from harness.plots import retention
from harness.report import labels

TRIALS = "tuning.trials (8 and 4)"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


def read(root):
    return findings.find([root], plan.default())


def only(root, claim):
    (one,) = [f for f in judge(read(root)) if f.claim.id == claim]
    return one


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """BERT had half of GPT's trials, however it was tuned."""
    root = tmp_path_factory.mktemp("sides")
    few = {"gpt": 8, "bert": 4}
    for name, told in (("full", (0.9, 0.7)), ("freeze", (0.6, 0.7)), ("head_only", (0.6, 0.55))):
        strategy(root, name, *told, seeds=range(3), size=300, trials=few)
    return root


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    """What tunes less had half of the trials, the same for both models."""
    root = tmp_path_factory.mktemp("ways")
    strategy(root, "full", 0.9, 0.7, seeds=range(3), size=300)
    for name, told in (("freeze", (0.6, 0.7)), ("head_only", (0.6, 0.55))):
        strategy(root, name, *told, seeds=range(3), size=300, trials=4)
    return root


def test_no_verdict_between_models(sides):
    found = read(sides)
    assert len(found.verdicts) == 3
    for one in found.verdicts:
        assert one.contrast.refused == (TRIALS,)
        assert (one.decision, one.advantage) == (None, None)
        assert any(TRIALS in why for why in one.why)
    (first,) = verdicts.main(found.verdicts)
    assert first.answer not in (verdicts.BERT, verdicts.GPT, verdicts.TIE)
    text = text_of(sides)
    assert "Choose **" not in text
    assert TRIALS in sections(text)["Fairness"]


def test_no_claim_about_a_pair(sides):
    for id_ in ("C1", "C6", "C7", "C11"):
        one = only(sides, id_)
        assert (one.status, one.decided) == (UNDETERMINED, ()) or "(a)" in one.decided[0].label, id_
        assert TRIALS in one.detail, id_


def test_families_that_are_each_equal_within_are_not_set_against_each_other(sides):
    """C6: what BERT keeps may be told, and not that GPT keeps less."""
    one = only(sides, "C6")
    assert one.status == UNDETERMINED
    assert [number.label[:3] for number in one.decided] == ["(a)"]
    assert f"the two sides differ in {TRIALS}" in one.detail


def test_no_retention(ways):
    text = sections(text_of(ways))["classification on world (test split)"]
    for name in ("freeze 50 %", "head_only"):
        for model in ("gpt2 (causal)", "bert (bidirectional)"):
            (found,) = [cells(row) for row in rows(text, f"| {name}", model, "refused")]
            assert TRIALS in found[-2]
    assert "**Unequal trials" in text
    (panel,) = retention.panels(read(ways).comparison.groups[0])
    assert not panel.retained
    (picture,) = retention.pictures(read(ways))
    assert retention.UNEQUAL in " ".join(text.get_text() for text in picture.figure.texts)


def test_no_claim_about_ways_of_tuning(ways):
    for id_ in ("C6", "C10d"):
        one = only(ways, id_)
        assert (one.status, one.decided) == (UNDETERMINED, ()), id_
        assert TRIALS in one.detail, id_


def test_no_lead_of_one_way_over_another(ways, sides):
    """Quality against cost, and what `choose` asks."""
    for root, known in ((ways, 6), (sides, 0)):
        (group,) = read(root).comparison.groups
        found = lineup(read(root), group, {})
        leads = [one for one in found.leads.values() if one.estimate is not None]
        assert {one.why for one in found.leads.values() if one.estimate is None} >= {
            "refused: they differ in " + TRIALS
        }
        assert all(
            found.candidates[i].arm.first.tuning == found.candidates[j].arm.first.tuning
            for (i, j), one in found.leads.items()
            if one in leads
        )
        assert len(leads) >= known


def test_other_settings_beside_it_are_refused_or_told(ways, tmp_path):
    told = sections(text_of(ways))["Sensitivity"]
    assert len(rows(told, "strategy freeze", f"- (refused: {TRIALS})")) == 2
    strategy(tmp_path, "full", 0.9, 0.9, seeds=range(2), size=90)
    strategy(tmp_path, "lora", 0.8, 0.8, seeds=range(2), size=90)
    strategy(tmp_path, "head_only", 0.8, 0.8, seeds=range(2), size=90, trials=None)
    told = sections(text_of(tmp_path))["Sensitivity"]
    assert not rows(told, "refused")
    assert len(rows(told, "no search of its own")) == 2
    assert not rows(told, "strategy lora", "no search of its own")


def test_no_setting_is_told_from_its_absence(tmp_path):
    tuned(tmp_path, 0.9, dropout=0.1)
    tuned(tmp_path, 0.6, dropout=0.0, trials=4)
    one = factor(tmp_path, "dropout")
    assert (one.status, one.decided) == (UNDETERMINED, ())
    assert TRIALS in one.detail


def seeing(root, mode, trials, dev=0.5):
    """BERT, or a decoder in a mode, tuned for entities with so many trials."""
    for seed in range(3):
        of = cell(seed=seed, **({"mode": mode} if mode else {"family": "bert"}))
        looks = tuple(replace(look, score=dev) for look in TRAINING.evaluations)
        log = replace(TRAINING, evaluations=looks)
        leave(root, of, size=120, tuning={"trials": trials}, training=log)


def test_no_decoder_that_sees_to_the_right_is_compared(tmp_path):
    seeing(tmp_path, None, 8)
    seeing(tmp_path, "unmask", 4, dev=0.9)
    one = only(tmp_path, "C3b")
    assert (one.status, one.decided) == (UNDETERMINED, ())
    assert "tuning.trials (4 and 8)" in one.detail
    seeing(tmp_path, "echo", 8)
    one = only(tmp_path, "C3b")
    assert [number.label for number in one.decided] == ["BERT's advantage over GPT in mode echo"]
    (beside,) = [n for n in one.numbers if n.label == "in mode unmask, not deciding"]
    assert beside.value == "refused: the two sides differ in tuning.trials (4 and 8)"


def test_no_point_on_a_curve_of_labels(tmp_path):
    scores = {"gpt": {125: 0.5, 250: 0.6, 1000: 0.8}, "bert": {250: 0.5, 1000: 0.9}}
    grown(tmp_path, scores, seeds=range(2), size=90)
    leave_one(tmp_path)
    comparison = aggregate.compare(tmp_path)
    (curve,) = label_curves.curves(comparison)
    assert [point.labels for point in curve.points] == [250, 1000]
    page = labels.labels(comparison)
    assert_rectangular(page + "\n")
    assert "- 125 labels left out: GPT and BERT differ in tuning.trials (none and 8)." in page


def leave_one(root):
    """BERT at the smallest size, which alone was searched."""
    grown(root / "searched", {"bert": {125: 0.7}}, seeds=range(2), size=90, tuning={"trials": 8})


def test_a_curve_of_which_one_size_is_left_is_none(tmp_path):
    grown(tmp_path, {"gpt": {250: 0.5, 1000: 0.6}, "bert": {250: 0.7}}, seeds=range(2), size=90)
    grown(tmp_path / "b", {"bert": {1000: 0.7}}, seeds=range(2), size=90, tuning={"trials": 8})
    comparison = aggregate.compare(tmp_path)
    assert label_curves.curves(comparison) == []
    assert labels.labels(comparison) == ""
    assert "none and 8" in sections(text_of(tmp_path))["Fairness"]


def test_equal_trials_refuse_nothing(tmp_path):
    for name, told in (("full", (0.9, 0.7)), ("head_only", (0.6, 0.55))):
        strategy(tmp_path, name, *told, seeds=range(3), size=300)
    found = read(tmp_path)
    assert len(only(tmp_path, "C10d").decided) == 2
    assert all(not one.contrast.refused for one in found.verdicts)
    (group,) = found.comparison.groups
    assert all(one.estimate is not None for one in lineup(found, group, {}).leads.values())
    assert only(tmp_path, "C6").status == NOT_TESTED
