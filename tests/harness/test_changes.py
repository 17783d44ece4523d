"""What changed between two folders: scores, answers, facts that differ, costs, and the words."""

import dataclasses
import math
import os
from dataclasses import replace

import measured
import numpy as np
import pytest
from rendered import HOSTILE, STEERING, assert_rectangular, cells, rows, sections
from scipy import stats as distributions
from synthetic import SLICES, cell, data, leave, model

from harness import changes, plan, record
from harness.changes import costs, scores
from harness.changes.scores import (
    BETTER,
    IDENTICAL,
    OTHER_EXAMPLES,
    OTHER_SEEDS,
    PAIRED,
    UNCHANGED,
    WORSE,
)
from harness.comparing import findings
from harness.comparing.verdicts import BERT, GPT, NONE, UNDETERMINED
from harness.record import Outcome
from harness.report.__main__ import main
from harness.report.changes import changes as told_of
from harness.report.markdown import score
from harness.statistics import timings
from harness.statistics.stats import Estimate, mean_interval

PLAN = plan.default()
HERE = {"cpu": "EPYC", "versions": {"torch": "2.6"}, "commit": "abc", "load": 1.0}
OTHER = {"train": "a" * 64, "dev": "b" * 64, "test": "9" * 64}


@pytest.fixture(autouse=True)
def no_power_cut(monkeypatch):
    """Hundreds of records need not wait for the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def shares(of, share):
    """The same in all slices but those that nobody can know."""
    coins = {"none": 0.5, "vague": 0.5, "N": 0.45, "R": 0.45 if of.family == "gpt" else 0.85}
    return {name: coins.get(name, share) for name in SLICES[of.task]}


def half(root, family, share, seeds=range(6), size=600, task="classification", **facts):
    """One side's runs; `facts` may be functions of the cell."""
    names = {name: facts.pop(name) for name in ("pair", "match", "called") if name in facts}
    if "called" in names:
        names["model"] = names.pop("called")
    for seed in seeds:
        of = cell(family=family, seed=seed, task=task, **names)
        told = {k: v(of) if callable(v) else v for k, v in facts.items()}
        chance = share if task == "generation" else shares(of, share)
        leave(root, of, share=chance, size=size, **told)


def folders(tmp_path, was, now, before=None, after=None, **words):
    """BERT's runs before and after, right with these shares."""
    half(tmp_path / "was", "bert", was, **words | (before or {}))
    half(tmp_path / "now", "bert", now, **words | (after or {}))
    return tmp_path / "was", tmp_path / "now"


def compared(was, now, named=None, named_before=None):
    before, after = findings.find([was], named_before or named), findings.find([now], named)
    return changes.changes(before, after)


def only(found):
    (one,) = found.changes
    return one


def text_of(was, now, names=("was", "now"), named=None):
    return told_of(compared(was, now, named), names)


# --- scores -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "now", "size", "word"),
    [
        (0.70, 0.80, 1000, BETTER),
        (0.80, 0.70, 1000, WORSE),
        (0.800, 0.802, 4000, UNCHANGED),
        (0.80, 0.83, 60, UNDETERMINED),
    ],
)
def test_known_truth(tmp_path, was, now, size, word):
    one = only(compared(*folders(tmp_path, was, now, size=size)))
    assert one.word == word
    assert one.pairing == PAIRED
    assert one.difference.mean == pytest.approx((now - was) * 2 / 3, abs=0.03)
    assert one.now.mean - one.was.mean == pytest.approx(one.difference.mean)


def test_fewer_errors_are_better(tmp_path):
    was, now = folders(tmp_path, 0.6, 0.95, seeds=range(4), size=40, task="generation")
    one = only(compared(was, now))
    assert one.difference.mean < -0.2  # slot errors
    assert one.decision.high < 0
    assert one.word == BETTER
    assert only(compared(now, was)).word == WORSE
    edge = replace(PLAN, embedded={"slot_error": -one.difference.mean})
    for sides, word in (((was, now), BETTER), ((now, was), WORSE)):
        text = text_of(*sides, named=edge)
        assert f"undetermined ({word}, not by" in rows(text, "slot error rate")[0]


def test_paired_by_seed_and_example(tmp_path):
    was, now = folders(tmp_path, 0.70, 0.75, size=300)
    one = only(compared(was, now))
    matrices = []
    for root in (was, now):
        found = [record.read_counts(path) for path in record.folders(root)]  # by seed
        matrices.append(np.array([one.columns["correct"] for one in found], float))
    expected = mean_interval(matrices[1] - matrices[0])
    assert (one.difference.mean, one.difference.se) == (
        pytest.approx(expected.mean),
        pytest.approx(expected.se),
    )
    assert (one.difference.low, one.difference.high) == (
        pytest.approx(expected.low),
        pytest.approx(expected.high),
    )
    apart = scores.unpaired(one.was, one.now)
    assert apart.se > 2 * one.difference.se  # both share what is hard


def test_common_seeds_are_compared_and_the_others_named(tmp_path):
    was, now = folders(tmp_path, 0.7, 0.8, before={"seeds": range(6)}, after={"seeds": range(2, 9)})
    one = only(compared(was, now))
    assert one.seeds == (2, 3, 4, 5)
    assert one.left_out == ("seeds 0, 1: before only", "seeds 6, 7, 8: after only")
    assert one.difference.seeds == one.was.seeds == one.now.seeds == 4
    assert one.preliminary
    arm = one.before.arm
    assert one.was.mean == pytest.approx(np.mean(arm.scores[0].per_seed[2:]))
    assert "seeds 0, 1: before only" in text_of(was, now)


def test_other_examples_are_unpaired_by_name(tmp_path):
    was, now = folders(tmp_path, 0.7, 0.8, after={"data": lambda of: data(of, 600, digests=OTHER)})
    one = only(compared(was, now))
    assert one.pairing == OTHER_EXAMPLES
    assert one.word == BETTER
    b, a = one.before.arm.scores[0].estimate, one.after.arm.scores[0].estimate
    assert one.difference.mean == pytest.approx(a.mean - b.mean)
    assert one.difference.se == pytest.approx(math.sqrt(a.se**2 + b.se**2))
    text = text_of(was, now)
    (row,) = rows(sections(text)["What changed: now against was"], "accuracy")
    assert OTHER_EXAMPLES in row
    assert rows(sections(text)["What differs"], "data.digests.test", "c" * 12, "9" * 12)


def test_no_common_seed_is_unpaired_by_name(tmp_path):
    was, now = folders(tmp_path, 0.7, 0.8, before={"seeds": (0, 1)}, after={"seeds": (2, 3, 4)})
    one = only(compared(was, now))
    assert one.pairing == OTHER_SEEDS
    assert (one.was.seeds, one.now.seeds, one.left_out) == (2, 3, ())
    assert OTHER_SEEDS in text_of(was, now)


def test_welch_by_hand():
    """Two means with SE .03 (4 df) and .04 (9 df): SE .05, df .05^4 / (.03^4/4 + .04^4/9)."""
    was = Estimate(0.5, 5, 100, se=0.03, df=4.0, covers="seeds and examples")
    now = Estimate(0.6, 10, 90, se=0.04, df=9.0, covers="seeds and examples")
    found = scores.unpaired(was, now)
    df = 6.25e-6 / (8.1e-7 / 4 + 2.56e-6 / 9)
    reach = distributions.t.ppf(0.975, df) * 0.05
    assert (found.mean, found.se, found.df) == pytest.approx((0.1, 0.05, df))
    assert (found.low, found.high) == pytest.approx((0.1 - reach, 0.1 + reach))
    assert (found.seeds, found.units, found.covers) == (5, 90, "seeds and examples")


def test_a_side_without_an_interval_leaves_none():
    was = Estimate(1.0, 5, 100, note="no variation")
    now = Estimate(0.6, 5, 100, se=0.04, df=9.0, covers="seeds and examples")
    for found in (scores.unpaired(was, now), scores.unpaired(now, was)):
        assert found.se is None
        assert found.note == "no interval on one side: no variation"


def test_all_models_are_one_family(tmp_path):
    """The same change beside nine others has a wider interval than alone."""
    was, now = folders(tmp_path / "alone", 0.70, 0.742, size=500)
    alone = only(compared(was, now))
    assert alone.decision.level == pytest.approx(1 - PLAN.alpha)
    for pair in range(9):
        for root in (was, now):
            half(root, "gpt", 0.7, seeds=(0, 1), size=500, pair=f"p{pair}")
    found = compared(was, now)
    (bert,) = [one for one in found.changes if one.after.arm.key.family == "bert"]
    assert [one.word for one in found.changes].count(IDENTICAL) == 9
    assert bert.decision.level == pytest.approx(1 - PLAN.alpha / 10)
    assert bert.difference == alone.difference
    assert bert.decision.low < alone.decision.low
    low, high = (score(end, True) for end in (bert.decision.low, bert.decision.high))
    assert rows(told_of(found, ("was", "now")), "bert", f"[{low}, {high}]")


def test_what_cannot_be_answered_counts_as_asked(tmp_path):
    was, now = folders(tmp_path, 0.70, 0.80, size=500)
    half(was, "gpt", 0.6, size=500)
    half(now, "gpt", 0.9, size=500, sweep="smoke")  # the smaller p-value, if it were one
    gpt, bert = compared(was, now).changes
    assert (gpt.word, bert.word) == (NONE, BETTER)
    assert bert.decision.level == pytest.approx(1 - PLAN.alpha / 2)


def test_the_margin_is_that_of_the_plan_after(tmp_path):
    was, now = folders(tmp_path, 0.70, 0.76)
    narrow = replace(PLAN, embedded={"accuracy": 0.001})
    wide = replace(PLAN, embedded={"accuracy": 0.2})
    assert only(compared(was, now, narrow, wide)).word == BETTER
    found = compared(was, now, wide, narrow)
    assert only(found).word == UNCHANGED
    (margin,) = (one for one in found.plan if one.name == "plan.embedded.accuracy")
    assert (margin.before, margin.after) == ("0.001", "0.2")
    text = told_of(found, ("was", "now"))
    assert rows(text, "plan.embedded.accuracy", "0.001", "0.2", "the plan")
    assert "no change beyond .200" in text


# --- what needs no statistics -------------------------------------------------------------------


def test_a_copy_is_identical(tmp_path):
    was, now = folders(tmp_path, 0.7, 0.7)
    found = compared(was, now)
    assert (only(found).word, only(found).why) == (IDENTICAL, "")
    assert not found.plan + only(found).differences
    text = text_of(was, now)
    assert "**Nothing changed beyond the margins.** Of 1 model: 1 identical." in text
    assert "No fact on record differs between the two." in text


def test_identical_says_what_is_not_the_same(tmp_path):
    digests = {"checkpoint_digest": lambda of: record.digest(of.seed)}
    was, now = folders(tmp_path, 0.7, 0.7, before=digests, after={"checkpoint_digest": "1" * 64})
    assert (only(compared(was, now)).word, only(compared(was, now)).why) == (
        IDENTICAL,
        scores.OTHER_WEIGHTS,
    )
    for folder in record.folders(now):
        turn(folder, 600, "gold", "pred")
    one = only(compared(was, now))
    assert (one.word, one.why) == (IDENTICAL, scores.SAME_SCORES)


def turn(folder, examples, *names):
    """Turn these columns of the first examples round: 1 - x."""
    counts = record.read_counts(folder)
    columns = dict(counts.columns)
    for name in names:
        turned = [1 - one for one in columns[name][:examples]]
        columns[name] = [*turned, *columns[name][examples:]]
    record.write(folder, record.read(folder), replace(counts, columns=columns))


def test_one_other_answer_is_not_identical(tmp_path):
    was, now = folders(tmp_path, 0.7, 0.7)
    turn(next(record.folders(now)), 1, "correct", "pred")
    assert only(compared(was, now)).word == UNCHANGED


def test_one_run_tells_nothing_of_training(tmp_path):
    one = only(compared(*folders(tmp_path, 0.6, 0.9, seeds=(0,))))
    assert one.word == UNDETERMINED
    assert "one seed" in one.why


def test_one_run_on_other_examples_tells_nothing_either(tmp_path):
    after = {"data": lambda of: data(of, 600, digests=OTHER), "seeds": (0,)}
    one = only(compared(*folders(tmp_path, 0.6, 0.9, after=after)))
    assert (one.pairing, one.word) == (OTHER_EXAMPLES, UNDETERMINED)
    assert "one seed" in one.why


def test_alarms_void_a_change(tmp_path):
    was, now = folders(tmp_path, 0.7, 0.7)
    half(tmp_path / "now", "bert", 0.7, seeds=(6,))
    of = cell(family="bert", seed=6, task="classification")
    leave(was, of, share=0.99, size=600)  # more than anybody can know
    one = only(compared(was, now))
    assert one.word == NONE
    assert one.why.startswith("void: alarm")
    assert only(compared(now, was)).word == NONE


def test_smoke_answers_nothing(tmp_path):
    one = only(compared(*folders(tmp_path, 0.6, 0.9, after={"sweep": "smoke"})))
    assert (one.word, one.why) == (NONE, scores.TRIED)


def test_what_is_counted_otherwise_is_refused(tmp_path):
    other = {"metrics": ("entity_f1_conlleval",)}
    one = only(compared(*folders(tmp_path, 0.6, 0.9, task="ner", after=other)))
    assert one.word == NONE
    assert one.why == "refused: other headline metrics (entity_f1 and entity_f1_conlleval)"
    was, now = folders(
        tmp_path / "signed", 0.6, 0.9, after={"signatures": {"accuracy": "version:2"}}
    )
    one = only(compared(was, now))
    assert one.word == NONE
    assert one.why == "refused: counted in other ways (none and version:2)"
    assert one.difference.low is None


def test_runs_that_are_no_repetitions_are_refused(tmp_path):
    was, now = folders(tmp_path, 0.6, 0.9)
    of = cell(family="bert", seed=6, task="classification")
    leave(now, of, share=shares(of, 0.9), size=600, model=model(of, precision="bfloat16"))
    one = only(compared(was, now))
    assert (one.word, one.why) == (
        NONE,
        "refused: the runs after differ in model.precision",
    )
    assert math.isnan(one.difference.mean)
    assert rows(text_of(was, now), "refused: the runs after differ in model.precision")


def test_a_plan_without_a_margin_answers_nothing(tmp_path):
    none = replace(PLAN, embedded={"entity_f1": 0.1})
    one = only(compared(*folders(tmp_path, 0.6, 0.9), none))
    assert (one.word, one.why) == (NONE, "the plan has no margin for accuracy")


# --- what belongs together ----------------------------------------------------------------------


def configured(epochs):
    return {"config": {"train": {"epochs": epochs, "lr": 1e-3}}}


def test_another_machine_data_and_version_is_still_the_same_model(tmp_path):
    after = {"environment": HERE | {"cpu": "Xeon"}, "experiment_version": 2, "match": "twins"}
    one = only(compared(*folders(tmp_path, 0.7, 0.8, before={"environment": HERE}, after=after)))
    assert one.pairing == PAIRED
    told = {name: (before, after) for name, before, after in one.differences}
    level = "same data and size"
    assert told == {
        "hardware": ("EPYC", "Xeon"),
        "experiment version": ("1", "2"),
        "model.match": (f"{level}: families as published", f"{level}: twins"),
    }


def test_variants_go_with_their_like(tmp_path):
    was, now = tmp_path / "was", tmp_path / "now"
    for epochs in (5, 15):
        half(was, "bert", 0.7, seeds=range(2), **configured(epochs))
    half(now, "bert", 0.7, seeds=range(2), **configured(15))
    half(now, "bert", 0.7, seeds=range(2), **configured(30))
    found = compared(was, now)
    assert only(found).after.arm.variant == {"train.epochs": "15"}
    assert not only(found).differences
    assert [one.arm.variant["train.epochs"] for one in found.only_before] == ["5"]
    assert [one.arm.variant["train.epochs"] for one in found.only_after] == ["30"]


def test_a_setting_that_no_variant_stands_for_may_differ_and_is_told(tmp_path):
    was, now = folders(
        tmp_path, 0.7, 0.7, seeds=range(2), before=configured(5), after=configured(15)
    )
    assert only(compared(was, now)).differences == (("config.train.epochs", "5", "15"),)


def test_the_same_machine_is_nearer_than_another(tmp_path):
    was, now = tmp_path / "was", tmp_path / "now"
    for cpu in ("EPYC", "Xeon"):
        half(was / cpu, "bert", 0.7, seeds=range(2), environment=HERE | {"cpu": cpu})
    for cpu in ("Xeon", "ARM"):
        half(now / cpu, "bert", 0.8, seeds=range(2), environment=HERE | {"cpu": cpu})
    found = compared(was, now)
    pairs = [(one.before.group.key.hardware, one.after.group.key.hardware) for one in found.changes]
    assert sorted(pairs) == [("EPYC", "ARM"), ("Xeon", "Xeon")]


def test_where_several_would_do_none_is_chosen(tmp_path):
    was, now = tmp_path / "was", tmp_path / "now"
    for cpu in ("EPYC", "Xeon"):
        half(was / cpu, "bert", 0.7, seeds=range(2), environment=HERE | {"cpu": cpu})
    half(now, "bert", 0.8, seeds=range(2), environment=HERE | {"cpu": "ARM"})
    found = compared(was, now)
    assert not found.changes
    assert (len(found.only_before), len(found.only_after)) == (2, 1)
    text = text_of(was, now)
    assert "Nothing can be compared" in text
    alone = sections(text)["Not compared"]
    assert alone.count("only in was: classification, world, hardware") == 2
    assert "only in now: classification, world: bert" in alone


def test_what_is_in_one_folder_only_is_named_with_failures(tmp_path):
    was, now = folders(tmp_path, 0.7, 0.7, seeds=range(2))
    half(was, "bert", 0.7, seeds=range(2), task="ner")
    failed = Outcome("failed", "out of memory")
    of = cell(family="bert", task="ner", seed=1)
    leave(now, of, outcome=failed, data=None, model=None, training=None)
    found = compared(was, now)
    assert [one.group.key.task for one in found.only_before] == ["ner"]
    alone = sections(told_of(found, ("was", "now")))["Not compared"]
    name = "bert, mini, 0.66 M parameters, embedded"
    assert f"only in was: ner, world: {name} (1 failed there)" in alone


# --- answers ------------------------------------------------------------------------------------


def test_answers_side_by_side(tmp_path):
    was, now = folders(tmp_path, 0.60, 0.90)
    for root in (was, now):
        half(root, "gpt", 0.75)
        half(root, "gpt", 0.75, seeds=range(3), task="matching")
        half(root, "bert", 0.75, seeds=range(3), task="matching")
    half(was, "gpt", 0.7, seeds=range(3), task="ner")
    half(was, "bert", 0.7, seeds=range(3), task="ner")
    found = compared(was, now)
    told = {one.after.group.key.task: one for one in found.answers}
    assert set(told) == {"classification", "matching"}
    first = told["classification"]
    assert (first.before.answer, first.after.answer) == (GPT, BERT)
    assert [one.changed for one in found.answers] == [True, False]
    assert [one.group.key.task for one in found.only_asked_before] == ["ner"]
    text = told_of(found, ("was", "now"))
    assert (
        "**Answers that changed**: classification, world (gpt2 and bert; embedded, causal, "
        "bidirectional): GPT -> BERT." in text
    )
    assert "**Better**: classification, world, bert." in text
    (row,) = rows(sections(text)["Answers"], "classification")
    assert cells(row)[1:3] == ["GPT", "BERT"]
    assert cells(row)[-1] == "**changed**"
    assert "only in was: ner, world (gpt2 and bert" in sections(text)["Answers"]


def test_an_answer_that_went_says_why(tmp_path):
    was, now = folders(tmp_path, 0.6, 0.6, seeds=range(6))
    half(was, "gpt", 0.9, seeds=range(6))
    half(now, "gpt", 0.9, seeds=range(6), tuning={"trials": 99})
    text = text_of(was, now)
    (row,) = rows(sections(text)["Answers"], "classification")
    assert "no verdict (refused: the two sides differ in tuning.trials (99 and none))" in row
    assert rows(sections(text)["What differs"], "tuning.trials", "- |", "99", "gpt2")


# --- what differs -------------------------------------------------------------------------------


def test_every_fact_that_may_explain_a_change_is_named_with_both_values(tmp_path):
    before = {"environment": HERE, "tuning": {"trials": 8, "chosen": 1e-3, "holds_for": {"a": 1}}}
    after = {
        "environment": HERE | {"versions": {"torch": "2.7"}, "commit": "def", "load": 9.0},
        "tuning": {"trials": 16, "chosen": 5e-4, "holds_for": {"a": 2}},
        "plan": "f" * 64,
        "config": {"train": {"lr": 5e-4}},
        "model": lambda of: model(of, weights_digest="8" * 64),
        "data": lambda of: data(of, 600, digests=OTHER),
    }
    one = only(compared(*folders(tmp_path, 0.7, 0.7, before=before, after=after)))
    told = {name: (was, now) for name, was, now in one.differences}
    assert told.pop("config.seed")[1] == "-"
    assert told == {
        "environment.versions.torch": ("2.6", "2.7"),
        "environment.commit": ("abc", "def"),
        "tuning.trials": ("8", "16"),
        "tuning.chosen": ("0.001", "0.0005"),
        "plan on record": ("-", "f" * 12),
        "config.train.lr": ("0.001", "0.0005"),
        "config.train.epochs": ("15", "-"),
        "config.model.name": ("bert", "-"),
        "model.weights_digest": ("e" * 12, "8" * 12),
        "data.digests.test": ("c" * 12, "9" * 12),
    }


def test_runs_of_several_commits_show_all_of_them(tmp_path):
    was, now = tmp_path / "was", tmp_path / "now"
    half(was, "bert", 0.7, environment=lambda of: HERE | {"commit": f"c{of.seed % 2}"})
    half(now, "bert", 0.7, environment=HERE)
    assert only(compared(was, now)).differences == (("environment.commit", "c0 / c1", "abc"),)


def test_a_fact_of_all_models_is_told_once(tmp_path):
    was, now = tmp_path / "was", tmp_path / "now"
    for root, commit in ((was, "abc"), (now, "def")):
        for family in ("gpt", "bert"):
            half(root, family, 0.7, seeds=range(2), environment=HERE | {"commit": commit})
    (row,) = rows(sections(text_of(was, now))["What differs"], "environment.commit")
    assert cells(row) == ["environment.commit", "abc", "def", "all models"]


def test_a_fact_of_all_measurements_is_told_once(tmp_path):
    was, now = tmp_path / "was", tmp_path / "now"
    for root, cpu in ((was, "EPYC"), (now, "Xeon")):
        of = [measured.subject(measured.kept(root, cell(family=f))) for f in ("gpt", "bert")]
        facts = {"environment": {"machine": {"cpu": cpu}}}
        measured.keep(root, *(measured.probe(one, **facts) for one in of))
    text = sections(text_of(was, now))["What differs"]
    assert cells(rows(text, "machine.cpu")[0]) == [
        "machine.cpu",
        "EPYC",
        "Xeon",
        "all measurements",
    ]


# --- costs --------------------------------------------------------------------------------------


def probed(root, seconds=0.002, load=1.0, **facts):
    of = measured.subject(measured.kept(root, cell(family="bert")))
    series = [*measured.single(seconds, load=load), measured.offline(8, 400.0)]
    measured.keep(root, measured.probe(of, **{"series": series} | facts))


def cost_of(was, now):
    (one,) = compared(was, now).costs
    return one


def test_ratio_of_medians(tmp_path):
    probed(tmp_path / "was", 0.002)
    probed(tmp_path / "now", 0.004)
    one = cost_of(tmp_path / "was", tmp_path / "now")
    found = {row.name: row for row in one.timed}
    single = found["single stream/model"]
    assert single.quotient.ratio == pytest.approx(2.0)
    assert 1.9 < single.quotient.low < 2.0 < single.quotient.high < 2.1
    assert found["single stream/end to end"].quotient.ratio == pytest.approx(5 / 3, rel=0.01)
    assert found["offline"].quotient is None  # 12 batches
    text = text_of(tmp_path / "was", tmp_path / "now")
    seconds = sections(text)["Seconds"]
    assert costs.NOT_INTERLEAVED in seconds
    assert rows(seconds, "single stream/model", "2.000 [")
    assert rows(seconds, "offline (batch_size 8)", "refused: 12 of 20 samples")


def test_limits_of_a_ratio_by_hand():
    """Medians 2 [1, 16] and 4 [2, 16]: in powers of 2, 1 [0, 4] and 2 [1, 4]."""
    was, now = (
        timings.Percentile(0.5, 99, 20, 2.0, 1.0, 16.0),
        timings.Percentile(0.5, 99, 20, 4.0, 2.0, 16.0),
    )
    found = costs.quotient(was, now)
    expected = (2.0, 2 ** (1 - math.hypot(1, 3)), 2 ** (1 + math.hypot(2, 1)))
    assert tuple(found) == pytest.approx(expected)
    assert costs.quotient(was, replace(now, value=None)) is None
    assert costs.quotient(replace(was, low=0.0), now) is None


def test_limits_of_a_ratio_hold_what_they_promise():
    rng, inside = np.random.default_rng(3), 0
    for _ in range(400):
        was, now = (timings.percentile(np.exp(rng.normal(m, 0.3, 40)), 0.5) for m in (0.0, 0.5))
        found = costs.quotient(was, now)
        inside += found.low <= math.exp(0.5) <= found.high
    assert 0.94 <= inside / 400 <= 0.995


def test_foreign_load_on_either_day_counts_process_seconds(tmp_path):
    probed(tmp_path / "was", 0.002)
    probed(tmp_path / "now", 0.004, load=2.0)  # wall seconds; half of them are its own
    (row, *_) = cost_of(tmp_path / "was", tmp_path / "now").timed
    assert row.clock == timings.PROCESS
    assert row.quotient.ratio == pytest.approx(1.0)


def test_process_seconds_say_nothing_of_another_device(tmp_path):
    probed(tmp_path / "was", settings={"name": "quick", "device": "cuda"})
    probed(tmp_path / "now", load=2.0)
    one = cost_of(tmp_path / "was", tmp_path / "now")
    assert {row.clock for row in one.timed} == {timings.WALL}
    assert ("settings.device", "cuda", "cpu") in one.differences


def test_other_shapes_and_the_server_have_no_ratio(tmp_path):
    for name, size in (("was", 8), ("now", 32)):
        served = measured.rates(0, {5.0: True})
        probed(tmp_path / name, series=[measured.offline(size, 400.0, 30), *served])
    assert cost_of(tmp_path / "was", tmp_path / "now").timed == ()
    text = text_of(tmp_path / "was", tmp_path / "now")
    assert rows(sections(text)["Memory peaks"], "forward", "330.0", "1.000")


def test_peaks_side_by_side(tmp_path):
    probed(tmp_path / "was")
    more = [
        replace(one, peak_bytes=2 * one.peak_bytes, device={"allocated_peak": measured.MIB})
        for one in measured.stages()
    ]
    probed(tmp_path / "now", memory={"0": more})
    found = {one.stage: one for one in cost_of(tmp_path / "was", tmp_path / "now").peaks}
    assert (found["training step"].before, found["training step"].after) == (
        353 * measured.MIB,
        706 * measured.MIB,
    )
    assert "forward, device" not in found  # read on one day only
    text = text_of(tmp_path / "was", tmp_path / "now")
    assert rows(sections(text)["Memory peaks"], "training step", "353.0", "706.0", "2.000")


def raced(root, gpt_seconds, gated=True):
    sides = [measured.subject(one) for one in measured.pair(root)]
    series = measured.lane("same shape", (gpt_seconds, 0.002))
    if gated:
        series += measured.gate("same shape")
    measured.keep(root, measured.race(*sides, series))


def test_races_side_by_side(tmp_path):
    raced(tmp_path / "was", 0.001)
    raced(tmp_path / "now", 0.004)
    one = cost_of(tmp_path / "was", tmp_path / "now")
    (row,) = one.turns
    ratios = [math.exp(side.ratio.log) for side in (row.before, row.after)]
    assert ratios == pytest.approx([0.5, 2.0], rel=0.02)
    assert not one.timed
    (line,) = rows(sections(text_of(tmp_path / "was", tmp_path / "now"))["Races"], "same shape")
    assert "GPT faster by a factor of 2.0" in line
    assert "BERT faster by a factor of 2.0" in line


def test_a_scenario_that_one_race_lacks(tmp_path):
    raced(tmp_path / "was", 0.002, gated=False)
    sides = [measured.subject(one) for one in measured.pair(tmp_path / "now")]
    measured.keep(tmp_path / "now", measured.race(*sides, measured.lane("offline", (0.1, 0.1))))
    found = {row.name: row for row in cost_of(tmp_path / "was", tmp_path / "now").turns}
    assert found["offline"].before is None
    assert found["same shape"].after is None
    race = sections(text_of(tmp_path / "was", tmp_path / "now"))["Races"]
    (line,) = rows(race, "offline")
    assert cells(line)[3] == "-"
    assert float(cells(line)[4].split()[0]) == pytest.approx(1.0, abs=0.01)
    assert cells(line)[5:] == ["not raced", "noisy: undetermined"]
    (line,) = rows(race, "same shape")
    assert cells(line)[4:] == ["-", "noisy: undetermined", "not raced"]


def test_measurements_differ_in_machine_settings_and_flags(tmp_path):
    machine = measured.MACHINE | {"versions": {"torch": "3.0"}}
    after = {
        "environment": {"machine": machine, "before": {"load": 99.0}, "commit": "def"},
        "settings": {"name": "thorough", "device": "cpu"},
        "flags": ["foreign load"],
        "measurement_version": 2,
    }
    probed(tmp_path / "was")
    probed(tmp_path / "now", **after)
    one = cost_of(tmp_path / "was", tmp_path / "now")
    told = {name: (was, now) for name, was, now in one.differences}
    assert told == {
        "machine.versions.torch": ("2.13.0", "3.0"),
        "settings.name": ("quick", "thorough"),
        "commit": ("-", "def"),
        "flags": ("-", "foreign load"),
        "measurement version": ("1", "2"),
    }


def test_a_measurement_in_one_folder_is_named(tmp_path):
    probed(tmp_path / "was")
    measured.kept(tmp_path / "now", cell(family="bert"))
    found = compared(tmp_path / "was", tmp_path / "now")
    assert not found.costs
    assert len(found.only_measured_before) == 1
    text = told_of(found, ("was", "now"))
    alone = sections(text)["Not compared"]
    assert "only in was: probe of ner on world: bert (bidirectional)" in alone
    assert "Costs" not in sections(text)


# --- words --------------------------------------------------------------------------------------


def test_open_questions_are_no_sign_of_sameness(tmp_path):
    text = text_of(*folders(tmp_path, 0.80, 0.83, size=60))
    assert "**No change beyond the margins is known**, but not all can be told." in text
    assert "Of 1 model: 1 undetermined." in text
    assert "Nothing changed" not in text


def test_hostile_text_is_harmless(tmp_path):
    named = {"model": lambda of: model(of, description=HOSTILE)}
    before = named | {"environment": {"cpu": HOSTILE, HOSTILE: HOSTILE}}
    after = named | {"environment": {"cpu": HOSTILE + "2", HOSTILE: 3}}
    facts = {"seeds": range(3), "data": lambda of: data(of, 600, name=HOSTILE)}
    was, now = folders(tmp_path, 0.7, 0.8, before=before, after=after, **facts)
    for root, share, told in ((was, 0.5, before), (now, 0.9, after)):
        half(root, "gpt", share, called=HOSTILE, **facts | told)
    half(was, "gpt", 0.7, pair=HOSTILE, **facts | before)
    half(was, "bert", 0.7, pair=HOSTILE, **facts | before)
    assert compared(was, now).answers
    text = text_of(was, now, (HOSTILE, HOSTILE))
    assert "<script" not in text
    assert "\x1b" not in text
    assert not set(STEERING) & set(text)
    assert "http://" not in text
    assert sum(line.startswith("# ") for line in text.splitlines()) == 1
    assert_rectangular(text)


def test_everything_is_frozen(tmp_path):
    one = only(compared(*folders(tmp_path, 0.7, 0.8, seeds=range(2), size=50)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.word = BETTER


def test_the_command(tmp_path, capsys):
    was, now = folders(tmp_path, 0.7, 0.8, seeds=range(3))
    out = tmp_path / "changed.md"
    assert main([str(now), "--against", str(was), "--out", str(out)]) == 0
    assert out.read_text() == text_of(was, now, (str(was), str(now)))
    assert main([str(now), "--against", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
