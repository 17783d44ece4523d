"""Claim C13: what more text brings either model, over its untrained twin."""

import os
from dataclasses import replace

import pytest
from synthetic import cell, leave, model
from test_claims import PLAN, WIDE, found, only, pair, read

from harness.claims import EQUIVALENT, NOT_TESTED, REVERSED, SUPPORTED, UNDETERMINED
from harness.claims.corpora import corpora, gain
from harness.comparing.comparison import FULL
from harness.record import Outcome
from harness.report.claims import claims
from harness.statistics import stats

SIZES = (1250, 5000, 20000)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


def config(size=None, lr=1e-3, updates=4000):
    """A configuration by family and seed."""
    told = {"corpus": {"size": size, "seed": 0}, "updates": updates}
    return lambda *_: {
        "model": {"name": "m"},
        "train": {"lr": lr, "epochs": 8},
        **({"pretraining": told} if size else {}),
    }


def pretrained(root, size, gpt, bert, **words):
    pair(root, gpt, bert, config=config(size, words.pop("lr", 1e-3)), **words)


UNTAUGHT = {"U": 0.5, "L": 0.5, "R": 0.45, "N": 0.45, "G": 0.2}
"""Right answers of an untrained body by slice: it knows no name that only the corpus has."""


def scratch(root, **words):
    told = config(lr=words.pop("lr", 1e-3))
    pair(root, UNTAUGHT, UNTAUGHT, config=told, weights="scratch", **words)


def ladder(root, *scores, **words):
    """Shares of GPT and BERT on each corpus; both have the same untrained twins."""
    for size, (gpt, bert) in zip(SIZES, scores, strict=False):
        pretrained(root, size, gpt, bert, **words)
    scratch(root, **words)


@pytest.mark.parametrize(
    ("largest", "named", "status"),
    [
        ((0.6, 0.9), PLAN, SUPPORTED),
        ((0.9, 0.6), PLAN, REVERSED),
        ((0.8, 0.8), replace(WIDE, embedded={"entity_f1": 0.3}), EQUIVALENT),
        ((0.8, 0.69), PLAN, UNDETERMINED),
    ],
)
def test_the_largest_corpus_decides_whichever_way_it_falls(tmp_path, largest, named, status):
    ladder(tmp_path, (0.7, 0.6), (0.7, 0.7), largest)
    one = only(tmp_path, "C13", named)
    assert one.status == status
    (number,) = one.decided
    assert number.label == "ner, gain of BERT - gain of GPT on 20,000 sentences"


def test_what_smaller_corpora_say_is_shown_and_decides_nothing(tmp_path):
    ladder(tmp_path, (0.9, 0.5), (0.9, 0.5), (0.6, 0.95))
    one = only(tmp_path, "C13")
    assert one.status == SUPPORTED
    labels = [n.label for n in one.numbers[1:]]
    assert labels == [
        f"ner, {what} on {size:,} sentences, not deciding"
        for what, sizes in (
            ("gain of BERT - gain of GPT", SIZES[:2]),
            ("gain of GPT", SIZES),
            ("gain of BERT", SIZES),
        )
        for size in sizes
    ]
    apart, *_ = one.numbers[1:]
    assert apart.value.mean < -0.1
    gains = {n.label.split(",")[1]: n.value.mean for n in one.numbers[3:]}
    assert gains[" gain of GPT on 1"] > 0.1


def test_gains_are_paired_by_seed_and_example(tmp_path):
    ladder(tmp_path, (0.7, 0.6), (0.7, 0.7), (0.6, 0.9))
    findings = read(tmp_path)
    (group,) = findings.comparison.groups
    first = next(c for c in group.contrasts if not c.scratch and not c.refused)
    steps = corpora(group, first)
    assert [step.size for step in steps] == list(SIZES)
    step = steps[-1]
    seeds = (0, 1, 2, 3, 4)
    g, b = gain(step.gpt, seeds), gain(step.bert, seeds)
    together = stats.mean_interval(b - g)
    mean = {arm.key: arm.scores[0].estimate.mean for arm in step.arms}
    assert len(mean) == 4
    twin = {k.family: m for k, m in mean.items() if k.weights == "scratch"}
    trained = {k.family: m for k, m in mean.items() if k.weights != "scratch"}
    wanted = trained["bert"] - twin["bert"] - (trained["gpt"] - twin["gpt"])
    assert together.mean == pytest.approx(wanted, abs=1e-9)
    number = only(tmp_path, "C13").decided[0]
    assert number.value.mean == pytest.approx(wanted, abs=1e-9)
    low, high = number.value.decision.low, number.value.decision.high
    assert (low + high) / 2 == pytest.approx(wanted, abs=1e-9)
    assert high > together.high or high == pytest.approx(together.high)  # Holm's level


@pytest.mark.parametrize("lacks", ["third size", "third size of GPT", "twins"])
def test_three_sizes_of_both_with_twins_or_it_is_not_tested(tmp_path, lacks):
    scores = [(0.7, 0.6), (0.7, 0.7), (0.6, 0.9)]
    if lacks == "twins":
        for size, (gpt, bert) in zip(SIZES, scores, strict=True):
            pretrained(tmp_path, size, gpt, bert)
    else:
        ladder(tmp_path, *scores[:2])
    if lacks == "third size of GPT":
        alone = {("gpt", seed) for seed in range(5)}
        pretrained(tmp_path, SIZES[2], 0.6, 0.9, lacking=alone)
    one = only(tmp_path, "C13")
    assert one.status == NOT_TESTED
    assert one.detail.startswith("python -m harness.run")
    assert len(one.numbers) == (0 if lacks == "twins" else 2)


def test_another_treatment_is_no_other_corpus(tmp_path):
    """A corpus that was read for fewer updates does not count as a third size."""
    ladder(tmp_path, (0.7, 0.6), (0.7, 0.7))
    pair(tmp_path, 0.6, 0.9, config=config(SIZES[2], updates=2000))
    assert only(tmp_path, "C13").status == NOT_TESTED


def test_a_twin_that_was_tuned_otherwise_is_refused(tmp_path):
    for size, (gpt, bert) in zip(SIZES, [(0.7, 0.6), (0.7, 0.7), (0.6, 0.9)], strict=True):
        pretrained(tmp_path, size, gpt, bert)
    scratch(tmp_path, lr=1e-2)
    one = only(tmp_path, "C13")
    assert (one.status, one.decided) == (UNDETERMINED, ())
    assert "refused: GPT and its untrained twin differ in train.lr" in one.detail


def test_more_seeds_of_one_corpus_are_no_loss(tmp_path):
    ladder(tmp_path, (0.7, 0.6), (0.7, 0.7))
    pretrained(tmp_path, SIZES[2], 0.6, 0.9, seeds=8)
    one = only(tmp_path, "C13")
    assert (one.status, one.flags) == (SUPPORTED, ())
    beside = [n for n in one.numbers[1:] if "20,000" in n.label]
    assert {n.value.seeds for n in beside} == {5}


def test_a_seed_that_diverged_leaves_it_open(tmp_path):
    ladder(tmp_path, (0.7, 0.6), (0.7, 0.7))
    pretrained(tmp_path, SIZES[2], 0.6, 0.9, lacking={("gpt", 3)})
    of = cell(seed=3)
    lost = {"outcome": Outcome("failed", "Diverged: the loss became nan"), "training": None}
    leave(tmp_path, of, config=config(SIZES[2])(), model=model(of), **lost)
    one = only(tmp_path, "C13")
    assert one.status == UNDETERMINED
    assert "incomplete: training diverged on seed 3" in one.detail


def test_seeds_that_neither_side_has_all_of_leave_it_open(tmp_path):
    ladder(tmp_path, (0.7, 0.6), (0.7, 0.7))
    gone = {(family, 0) for family in ("gpt", "bert")}
    pretrained(tmp_path, SIZES[2], 0.6, 0.9, seeds=6, lacking=gone)
    assert "incomplete: seed 0 on one side only" in only(tmp_path, "C13").detail


def test_one_seed_is_shown_and_decides_nothing(tmp_path):
    ladder(tmp_path, (0.7, 0.6), (0.7, 0.7), (0.6, 0.9), seeds=1)
    one = only(tmp_path, "C13")
    assert (one.status, one.decided) == (UNDETERMINED, ())
    assert one.detail.startswith("one seed")


def test_few_seeds_are_preliminary(tmp_path):
    ladder(tmp_path, (0.6, 0.6), (0.7, 0.7), (0.55, 0.95), seeds=3)
    one = only(tmp_path, "C13")
    assert (one.status, one.flags) == (SUPPORTED, ("preliminary",))


def test_it_is_asked_once_however_many_sizes_are_main_questions(tmp_path):
    """Without a search behind one of them every size is a main question of its own."""
    ladder(tmp_path, (0.7, 0.6), (0.7, 0.7), (0.6, 0.9))
    assert len([v for v in read(tmp_path).verdicts if v.family.pair.strategy == FULL]) == 4
    (one,) = found(tmp_path, "C13")
    assert len(one.decided) == 1


def test_the_page_says_which_corpus_decides(tmp_path):
    ladder(tmp_path, (0.7, 0.6), (0.7, 0.7), (0.6, 0.9))
    text = claims(read(tmp_path))
    assert "The claim is about much text: the largest corpus decides" in text
    assert "gain of BERT on 1,250 sentences, not deciding" in text
