"""Claims are judged by rule, whichever way they fall; what is void, partial or absent says so."""

import os
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from measured import MIB, architecture, gate, keep, lane, probe, race, stages
from rendered import HOSTILE, STEERING, assert_rectangular, cells, rows, sections
from synthetic import SLICES, TRAINING, cell, leave, model

from harness import plan
from harness.claims import (
    CLAIMS,
    DEPENDS,
    DIRECTION,
    EQUIVALENT,
    NOT_TESTED,
    PRELIMINARY,
    REVERSED,
    SUPPORTED,
    UNDETERMINED,
    cost,
    judge,
)
from harness.claims.context import apart, interaction
from harness.claims.cost import Times, ratio
from harness.claims.errors import less
from harness.claims.family import Asked, End, Evidence, Question, decide, evidence, judged
from harness.claims.finding import together
from harness.claims.gains import above_rule
from harness.claims.stability import spread_ratio
from harness.claims.target import NEVER, reached, target
from harness.comparing import findings
from harness.record import Evaluation, Outcome
from harness.report.claims import claims
from harness.statistics import decisions, stats
from harness.statistics.stats import Estimate

PLAN = plan.default()
WIDE = replace(PLAN, embedded={"accuracy": 0.2, "entity_f1": 0.2, "slot_error": 0.5})
ROOT = Path(__file__).parents[2]


def read(root, named=PLAN):
    return findings.find([root], named)


def found(root, claim, named=PLAN):
    return [one for one in judge(read(root, named)) if one.claim.id == claim]


def only(root, claim, named=PLAN):
    (one,) = found(root, claim, named)
    return one


def shares(of, share):
    """The same in all slices but those that nobody can know."""
    if of.task == "generation" or isinstance(share, dict):
        return share
    coins = {"none": 0.5, "vague": 0.5, "N": 0.45, "R": 0.45 if of.family == "gpt" else 0.85}
    return {name: coins.get(name, share) for name in SLICES[of.task]}


def pair(root, gpt, bert, seeds=5, size=600, lacking=(), **words):
    """Both halves of a pair; a share is a number, or made from the seed."""
    changes = {k: words.pop(k) for k in list(words) if k not in cell().__dataclass_fields__}
    for seed in range(seeds):
        for family, share in (("gpt", gpt), ("bert", bert)):
            of = cell(**{"family": family, "seed": seed, **words})
            if (family, seed) not in lacking:
                told = share(seed) if callable(share) else share
                extra = {k: v(family, seed) if callable(v) else v for k, v in changes.items()}
                if "facts" in extra:
                    extra["model"] = extra.pop("facts")
                leave(root, of, share=shares(of, told), size=size, **extra)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Many small files that need not outlive a power cut; a tenth of the resamples."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(cost, "DRAWS", 1000)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The same records for every test that asks for a key."""
    made = {}

    def build(key, write):
        if str(key) not in made:
            made[str(key)] = tmp_path_factory.mktemp("records")
            write(made[str(key)])
        return made[str(key)]

    return build


def estimate(mean, se, df=8.0):
    return Estimate(mean, 5, 100, se, mean - 2 * se, mean + 2 * se, df, stats.BOTH)


# --- the ledger ---------------------------------------------------------------------------------


def test_every_claim_is_there_once_and_says_what_it_needs():
    ids = [one.id for one in CLAIMS]
    assert len(set(ids)) == len(ids)
    assert {int(re.sub("[^0-9]", "", name)) for name in ids} == set(range(1, 17))
    for one in CLAIMS:
        assert all([one.sentence, one.hypothesis, one.measurement, one.rule])
        assert re.match(r"python -m harness\.(run|race) ", one.missing)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.id)
def test_what_to_run_names_choices_that_exist(claim):
    words = claim.missing.split()[3:]
    assert words
    several = any("," in word for word in words)
    assert several <= ("-m" in words)
    for word in words:
        name, _, value = word.partition("=")
        if (folder := ROOT / "conf" / name).is_dir():
            for choice in value.split(","):
                assert (folder / f"{choice}.yaml").is_file(), word


def test_no_records_of_a_pair_test_nothing_but_what_is_arithmetic(tmp_path):
    leave(tmp_path, cell(task="classification"), share=shares(cell(task="classification"), 0.8))
    judged_ = judge(read(tmp_path))
    tested = {one.claim.id for one in judged_ if one.status != NOT_TESTED}
    assert tested == {"C8", "C14"}
    assert {one.claim.id for one in judged_} == {one.id for one in CLAIMS}
    (ner,) = [one for one in judged_ if one.claim.id == "C3a"]
    assert ner.detail == ner.claim.missing


# --- several questions at once ------------------------------------------------------------------


def test_evidence_with_one_end_decides_as_decisions_do():
    grid = [
        estimate(mean, se) for mean in (-0.2, -0.05, 0.0, 0.03, 0.4) for se in (0.004, 0.02, 0.2)
    ]
    questions = [Question(str(i), evidence(one), 0.05) for i, one in enumerate(grid)]
    ours = [one.decision for one in decide(questions, 0.05)]
    theirs = decisions.decide(grid, [0.05] * len(grid))
    assert len({one.outcome for one in theirs}) == 4
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.outcome, mine.margin) == (other.outcome, other.margin)
        assert [mine.level, mine.low, mine.high, mine.detectable] == pytest.approx(
            [other.level, other.low, other.high, other.detectable]
        )


def test_an_open_end_leaves_its_side_undecided():
    end = End(1.0, 0.1, 9)
    above, below = Evidence(2.0, end, None), Evidence(0.5, None, end)
    assert [one.decision.outcome for one in decide([Question("", above, 0.1)], 0.05)] == ["above"]
    (one,) = decide([Question("", below, 0.1)], 0.05)
    assert (one.decision.outcome, one.status) == ("undetermined", UNDETERMINED)
    assert one.decision.low == -np.inf


def test_another_test_that_must_agree_has_a_say_on_the_sides_only():
    far, near = End(1.0, 0.1, 9), End(0.0, 0.01, 9)
    for agrees, outcome in ((0.01, "above"), (0.3, "undetermined")):
        (one,) = decide([Question("", Evidence(1.0, far, far, agrees), 0.1)], 0.05)
        assert one.decision.outcome == outcome
        assert one.status == (SUPPORTED if outcome == "above" else UNDETERMINED)
    (one,) = decide([Question("", Evidence(0.0, near, near, 0.9), 0.1)], 0.05)
    assert one.decision.outcome == "equivalent"
    (one,) = decide([Question("", Evidence(0.0, near, near, 0.9, equivalence=False), 0.1)], 0.05)
    assert one.decision.outcome == "undetermined"


def test_one_family_shares_its_error_and_barred_questions_are_not_asked():
    sure, close = evidence(estimate(1.0, 0.01)), evidence(estimate(0.2, 0.05))

    def asked(family, number, barred=""):
        more = tuple(Question(f"q{i}", close, 0.02, barred) for i in range(number))
        return Asked("C10a", "-", (family,), (Question("first", sure, 0.02), *more))

    levels = {}
    for name, one in {"four": asked("a", 3), "alone": asked("a", 3, "void: x")}.items():
        (decided, *_) = next(judged([one], PLAN)).decided
        levels[name] = decided.value.decision.level
    assert levels == {"four": pytest.approx(1 - 0.05 / 4), "alone": pytest.approx(0.95)}
    (first, _) = judged([asked("a", 0), asked("b", 0)], PLAN)
    assert first.decided[0].value.decision.level == pytest.approx(0.95)
    (first, _) = judged([asked("a", 0), asked("a", 0)], PLAN)
    assert first.decided[0].value.decision.level == pytest.approx(0.975)


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([SUPPORTED, SUPPORTED], SUPPORTED),
        ([REVERSED, REVERSED], REVERSED),
        ([SUPPORTED, REVERSED, UNDETERMINED], DEPENDS),
        ([EQUIVALENT, REVERSED], DEPENDS),
        ([SUPPORTED, UNDETERMINED], UNDETERMINED),
        ([SUPPORTED, DIRECTION], UNDETERMINED),
        ([DIRECTION, DIRECTION], DIRECTION),
    ],
)
def test_what_several_questions_say_together(statuses, whole):
    assert together(statuses) == whole


def test_secondary_claims_share_one_family_and_main_ones_do_not(tmp_path):
    pair(tmp_path, 0.6, 0.9, task="classification")
    pair(tmp_path, 0.6, 0.9, task="ner", model="t", pair="twin", level="twin")
    made = judge(read(tmp_path))
    named = {one.claim.id: one for one in made}
    assert named["C1"].decided[0].value.decision.level == pytest.approx(0.95)
    asked = [n.value for name in ("C5", "C7", "C10a", "C11") for n in named[name].decided]
    assert len(asked) >= 4
    levels = sorted(one.decision.level for one in asked)
    assert levels[-1] == pytest.approx(1 - 0.05 / len(asked))


# --- C1 to C4 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gpt", "bert", "named", "status"),
    [
        (0.6, 0.9, PLAN, SUPPORTED),
        (0.9, 0.6, PLAN, REVERSED),
        (0.75, 0.76, WIDE, EQUIVALENT),
        (0.75, 0.76, PLAN, UNDETERMINED),
        (0.6, 0.9, replace(PLAN, embedded={"accuracy": 0.21}), DIRECTION),
    ],
)
@pytest.mark.parametrize(("claim", "task"), [("C1", "classification"), ("C2", "matching")])
def test_labels_of_texts_and_pairs(kept, gpt, bert, named, status, claim, task):
    root = kept((gpt, bert, task), lambda root: pair(root, gpt, bert, task=task))
    one = only(root, claim, named)
    assert one.status == status
    assert one.flags == ()
    assert one.decided[0].label == "BERT's advantage"
    assert "embedded world, same data and size; pair mini" in one.scope


def test_the_claim_about_texts_is_the_other_way_round(tmp_path):
    pair(tmp_path, 0.95, 0.5, 3, 20, task="generation")
    one = only(tmp_path, "C4")
    assert one.status == SUPPORTED
    assert one.decided[0].value.mean > 0.2
    low, high = one.decided[0].value.decision.low, one.decided[0].value.decision.high
    assert low < one.decided[0].value.mean < high
    pair(tmp_path / "other", 0.5, 0.95, 3, 20, task="generation")
    assert only(tmp_path / "other", "C4").status == REVERSED


def test_a_metric_that_says_the_opposite_leaves_it_open(tmp_path):
    pair(tmp_path, 0.6, 0.9, task="classification")
    known = read(tmp_path)
    (verdict,) = known.verdicts
    why = ("another metric says the opposite: macro F1",)
    open_ = replace(verdict, answer="undetermined", why=why)
    (one,) = [f for f in judge(replace(known, verdicts=(open_,))) if f.claim.id == "C1"]
    assert (one.status, one.detail) == (UNDETERMINED, why[0])


def test_few_seeds_are_preliminary(tmp_path):
    pair(tmp_path, 0.6, 0.9, seeds=3, task="classification")
    one = only(tmp_path, "C1")
    assert (one.status, one.flags) == (SUPPORTED, (PRELIMINARY,))
    pair(tmp_path / "b", 0.6, 0.9, seeds=1, task="classification")
    one = only(tmp_path / "b", "C1")
    assert one.status == UNDETERMINED
    assert one.detail.startswith("one seed")


VOID = {"probes": {"claimed": "bidirectional", "right_change": 0.0, "tolerance": {"causal": 1e-6}}}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"lacking": {("bert", 1)}}, "does not count; incomplete: seed 1"),
        ({"sweep": "smoke"}, "smoke run"),
        ({"config": lambda f, _: {"train": {"epochs": 3 + (f == "gpt")}}}, "refused"),
    ],
)
def test_what_is_partial_void_or_unlike_supports_nothing(tmp_path, words, why):
    words = {"tuning": {"trials": 8}, **words}
    pair(tmp_path, 0.6, 0.9, task="classification", **words)
    made = {one.claim.id: one for one in judge(read(tmp_path))}
    assert made["C1"].status == UNDETERMINED
    assert re.search(why, made["C1"].detail)
    for name in ("C7", "C11", *([] if why == "refused" else ["C10a"])):
        assert made[name].status == UNDETERMINED, name
        assert not made[name].decided


def test_an_alarm_voids_every_claim_on_the_runs(tmp_path):
    """GPT knows what no causal reader can: slice R."""
    words = {"task": "ner", "model": "t", "pair": "twin", "level": "twin"}
    leak = dict.fromkeys(SLICES["ner"], 0.9) | {"N": 0.45, "R": 0.95}
    pair(tmp_path, leak, 0.9, tuning={"trials": 8}, **words)
    made = {one.claim.id: one for one in judge(read(tmp_path))}
    for name in ("C3a", "C5", "C7", "C11"):
        assert made[name].status == UNDETERMINED, name
        assert "void: alarm 1" in made[name].detail
    gpt, bert = made["C10a"].numbers[:2]
    assert "void" in gpt.value
    assert bert.value.status == SUPPORTED


def test_reading_both_orders_is_shown_and_decides_nothing(tmp_path):
    pair(tmp_path, 0.6, 0.9, task="matching")
    modes = {"gpt": "causal_both_orders", "bert": "bidirectional_both_orders"}  # as they name it
    for family, share in (("gpt", 0.9), ("bert", 0.6)):
        for seed in range(5):
            of = cell(task="matching", family=family, seed=seed, mode=modes[family])
            leave(tmp_path, of, share=shares(of, share), size=600)
    one = only(tmp_path, "C2")
    assert one.status == SUPPORTED
    (orders,) = [n for n in one.numbers if "both orders" in n.label]
    assert orders.value.mean < -0.1


def test_untrained_pairs_count_only_where_data_have_no_other(tmp_path):
    pair(tmp_path, 0.9, 0.6, task="classification", weights="scratch")
    assert "untrained bodies" in only(tmp_path, "C1").scope
    pair(tmp_path, 0.6, 0.9, task="classification")
    assert only(tmp_path, "C1").status == SUPPORTED


# --- C3b ----------------------------------------------------------------------------------------


def sees_right(root, modes, bert=0.8, **words):
    """BERT, a causal GPT, and a GPT in each mode: its share on test and its last dev score."""
    pair(root, 0.5, bert, task="ner", **words)
    for mode, (share, dev) in modes.items():
        last = replace(TRAINING.evaluations[-1], score=dev)
        log = replace(TRAINING, evaluations=(*TRAINING.evaluations[:-1], last))
        for seed in range(5):
            of = cell(task="ner", seed=seed, mode=mode)
            leave(root, of, share=shares(of, share), size=600, training=log, **words)


@pytest.mark.parametrize(
    ("modes", "status"),
    [  # BERT: .6
        ({"unmask": (0.4, 0.9), "echo": (0.9, 0.7)}, SUPPORTED),  # the best on dev, not on test
        ({"unmask": (0.4, 0.7), "echo": (0.9, 0.9)}, REVERSED),
    ],
)
def test_a_decoder_that_sees_to_the_right_is_chosen_on_dev(tmp_path, modes, status):
    sees_right(tmp_path, modes, bert=0.6)
    one = only(tmp_path, "C3b")
    assert one.status == status
    best = max(modes, key=lambda mode: modes[mode][1])
    (number,) = one.decided
    assert number.label == f"BERT's advantage over GPT in mode {best}"
    labels = [n.label for n in one.numbers]
    (other,) = set(modes) - {best}
    assert f"in mode {other}, not deciding" in labels
    for mode in modes:
        assert any(label.startswith(f"GPT in mode {mode} on slice R") for label in labels)


def test_who_sees_to_the_right_is_held_to_what_a_causal_reader_can(tmp_path):
    knows, guesses = (dict.fromkeys(SLICES["ner"], 0.9) | {"R": r} for r in (0.9, 0.45))
    sees_right(tmp_path, {"unmask": (knows, 0.9), "echo": (guesses, 0.8)})
    told = {n.label.split("slice R ")[-1] for n in only(tmp_path, "C3b").numbers}
    assert "(cap 0.500; beyond the 0.500 of a causal reader)" in told
    assert "(cap 0.500; not beyond the 0.500 of a causal reader)" in told


def test_unequal_trials_leave_a_decoder_that_sees_to_the_right_open(tmp_path):
    pair(tmp_path, 0.5, 0.8, task="ner", tuning={"trials": 8})
    for seed in range(5):
        of = cell(task="ner", seed=seed, mode="unmask")
        leave(tmp_path, of, share=shares(of, 0.6), size=600, tuning={"trials": 4})
    one = only(tmp_path, "C3b")
    assert one.status == UNDETERMINED
    assert "tuning.trials" in one.detail


def test_without_such_a_mode_it_is_not_tested(tmp_path):
    pair(tmp_path, 0.5, 0.8, task="ner")
    one = only(tmp_path, "C3b")
    assert one.status == NOT_TESTED
    assert "mode=unmask,unmask_top,echo" in one.detail


# --- C5 -----------------------------------------------------------------------------------------

TWIN = {"task": "ner", "model": "t", "pair": "twin", "level": "twin"}
BASE = {"U": 0.9, "N": 0.45, "G": 0.85}


@pytest.mark.parametrize(
    ("gpt", "bert", "named", "status"),
    [
        ({"R": 0.45, "L": 0.95}, {"R": 0.85, "L": 0.95}, PLAN, SUPPORTED),
        ({"R": 0.45, "L": 0.4}, {"R": 0.45, "L": 0.95}, PLAN, REVERSED),
        ({"R": 0.45, "L": 0.9}, {"R": 0.46, "L": 0.9}, replace(PLAN, interaction=0.4), EQUIVALENT),
        ({"R": 0.45, "L": 0.9}, {"R": 0.46, "L": 0.9}, PLAN, UNDETERMINED),
        (
            {"R": 0.45, "L": 0.95},
            {"R": 0.85, "L": 0.95},
            replace(PLAN, interaction=0.38),
            DIRECTION,
        ),
    ],
)
def test_whether_it_is_the_words_to_the_right(kept, gpt, bert, named, status):
    root = kept((gpt, bert), lambda to: pair(to, BASE | gpt, BASE | bert, size=450, **TWIN))
    one = only(root, "C5", named)
    assert one.status == status
    drawn = (bert["R"] - gpt["R"]) - (bert["L"] - gpt["L"])
    assert one.decided[0].value.mean == pytest.approx(drawn, abs=0.1)
    assert "twin" in one.scope


def test_other_pairs_are_shown_beside_twins_and_do_not_decide(tmp_path):
    gpt, bert = BASE | {"R": 0.45, "L": 0.95}, BASE | {"R": 0.85, "L": 0.95}
    pair(tmp_path, gpt, bert, task="ner")
    assert only(tmp_path, "C5").status == NOT_TESTED
    assert "model=twin_gpt,twin_bert" in only(tmp_path, "C5").detail
    pair(tmp_path, BASE | {"R": 0.45, "L": 0.4}, BASE | {"R": 0.45, "L": 0.95}, size=450, **TWIN)
    one = only(tmp_path, "C5")
    assert one.status == REVERSED
    (other,) = [n for n in one.numbers if n.label == "pair mini, not deciding"]
    assert other.value.mean == pytest.approx(0.4, abs=0.1)


def test_errors_add_where_it_is_unknown_how_they_go_together():
    one = less(estimate(0.5, 0.02), 0.1, 0.03)
    assert (one.mean, one.se, one.df) == pytest.approx((0.4, 0.05, 8.0))
    assert (one.low, one.high) == pytest.approx((0.4 - 2.306 * 0.05, 0.4 + 2.306 * 0.05), abs=1e-3)


def test_two_slices_that_share_clusters_are_set_apart_cluster_by_cluster():
    rng = np.random.default_rng(0)
    ours, theirs = np.arange(20), np.arange(10, 40)
    name = rng.normal(0, 0.3, 40)  # what makes a name hard in both slices
    right = 0.6 + name[ours] + rng.normal(0, 0.05, (5, 20))
    left = 0.1 + name[theirs] + rng.normal(0, 0.05, (5, 30))
    matrix = apart((ours, right), (theirs, left))
    assert matrix.shape == (5, 40)
    assert matrix.mean(axis=1) == pytest.approx(right.mean(axis=1) - left.mean(axis=1))
    alike = apart((ours, right), (ours, right - 0.5))
    assert stats.mean_interval(alike).mean == pytest.approx(0.5)
    assert np.ptp(alike) < 1e-9  # what both share leaves no error
    known = SimpleNamespace(slice_values={"R": (ours, right), "L": (theirs, left)})
    joint, (one, other) = interaction(known), map(stats.mean_interval, (right, left))
    assert joint.mean == pytest.approx(one.mean - other.mean)
    assert 0.4 < joint.se / (one.se + other.se) < 1


def test_the_interval_of_two_slices_apart_covers_what_it_should():
    rng = np.random.default_rng(1)
    ours, theirs, hits = np.arange(30), np.arange(20, 50), 0
    for _ in range(300):
        seed, name = rng.normal(0, 0.05, (5, 1)), rng.normal(0, 0.2, 50)
        right = 0.5 + seed + name[ours] + rng.normal(0, 0.1, (5, 30))
        left = 0.2 - seed + name[theirs] + rng.normal(0, 0.1, (5, 30))
        hits += not stats.mean_interval(apart((ours, right), (theirs, left))).excludes(0.3)
    assert 0.91 < hits / 300 < 0.99


# --- C7 -----------------------------------------------------------------------------------------


def log(reaches, looks=40, best=0.9):
    """A run that dev shows at its best from this look on, at the floor before; None: never."""
    found = [
        Evaluation(
            i, 100 * i, 1000 * i, 1.0 * i, 1.1 * i, best if reaches and i >= reaches else 0.5
        )
        for i in range(looks + 1)
    ]
    return replace(TRAINING, evaluations=tuple(found), best_step=looks)


def timed(root, gpt, bert, seeds=6, **words):
    """Runs whose target is reached at these looks, by seed."""
    looks = {"gpt": gpt, "bert": bert}
    pair(
        root, 0.8, 0.8, seeds, 300, task=words.pop("task", "classification"),
        training=lambda family, seed: log(looks[family][seed % len(looks[family])]), **words,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gpt", "bert", "named", "status"),
    [
        ([30, 31, 33], [9, 10, 11], PLAN, SUPPORTED),
        ([9, 10, 11], [30, 31, 33], PLAN, REVERSED),
        ([20, 21, 20], [20, 21, 20], replace(PLAN, cost_ratio=1.5), EQUIVALENT),
        ([10, 11, 10], [10, 11, 10], PLAN, UNDETERMINED),  # 9 to 10 looks each
        ([4, 30, 38], [5, 25, 37], PLAN, UNDETERMINED),
        ([20, 21, 20], [16, 16, 17], replace(PLAN, cost_ratio=1.4), DIRECTION),
    ],
)
def test_which_model_takes_longer_to_tune(kept, gpt, bert, named, status):
    root = kept((gpt, bert, "timed"), lambda to: timed(to, gpt, bert))
    one = only(root, "C7", named)
    assert one.status == status
    truth = np.log(np.median(gpt) / np.median(bert))
    assert one.decided[0].value.mean == pytest.approx(truth)
    assert one.decided[0].ratio
    (text,) = [n.value for n in one.numbers if isinstance(n.value, str)]
    assert f"examples {100 * np.median(gpt):,.0f} and" in text
    assert "41 looks" in text


def test_dev_looked_at_rarely_decides_nothing(tmp_path):
    """Reached at the second look or the first: 200 examples or 100, or nearly the same."""
    timed(tmp_path, [2], [1])
    one = only(tmp_path, "C7")
    assert one.status == UNDETERMINED
    assert one.decided[0].value.mean == pytest.approx(np.log(2))
    timed(tmp_path / "more", [8], [4])  # 7 to 8 of 3 to 4
    assert only(tmp_path / "more", "C7").status == SUPPORTED
    low, high = (
        getattr(only(tmp_path / "more", "C7").decided[0].value.decision, n) for n in ("low", "high")
    )
    assert (low, high) == pytest.approx((np.log(7 / 4), np.log(8 / 3)))


def test_flops_decide_and_not_examples(tmp_path):
    def costly(family, seed):
        of = cell(family=family, seed=seed, task="classification")
        return model(of, flops_per_token=(4e6 if family == "gpt" else 1e6))

    timed(tmp_path, [20, 21, 20], [20, 21, 20], facts=costly)
    one = only(tmp_path, "C7")
    assert one.status == SUPPORTED
    assert one.decided[0].value.mean == pytest.approx(np.log(4))


def test_runs_that_never_got_there_are_longer_than_any_other(tmp_path):
    timed(tmp_path, [None, 38, None], [9, 10, 9])  # GPT's median is censored
    one = only(tmp_path, "C7")
    (number,) = one.numbers[:1]
    assert one.status == SUPPORTED
    assert number.value.mean == number.value.decision.high == np.inf
    assert 1 < number.value.decision.low < np.log(40 / 9)
    assert "GPT reached the target in 2 of 6 runs" in str(one.numbers)
    timed(tmp_path / "both", [None, 38, None], [None, 9, None])
    one = only(tmp_path / "both", "C7")
    assert one.status == UNDETERMINED
    assert one.detail.startswith("no ratio of medians: GPT reached the target in 2 of 6 runs")


def test_a_censored_side_opens_its_end_alone():
    never = np.array([np.inf] * 6)
    early, late = np.full(6, 900.0), np.full(6, 4000.0)
    bert = Times(early, early + 100)
    found_ = ratio(Times(late, never), bert)
    assert found_.mean == np.inf
    assert found_.high is None
    assert found_.low.mean == pytest.approx(np.log(4))
    (one,) = decide([Question("", found_, 0.1)], 0.05)
    assert one.status == SUPPORTED
    both = ratio(Times(late, never), Times(late, never))
    assert both.high is None
    assert both.low is None


def test_tasks_that_answer_differently_make_it_depend_on_the_task(tmp_path):
    timed(tmp_path, [30, 31, 33], [9, 10, 11])
    timed(tmp_path, [9, 10, 11], [30, 31, 33], task="matching")
    one = only(tmp_path, "C7")
    assert one.status == DEPENDS
    assert {n.value.status for n in one.decided} == {SUPPORTED, REVERSED}


def test_resamples_are_many_and_always_the_same(monkeypatch):
    monkeypatch.undo()
    assert cost.resamples(3).shape == (10_000, 3)
    assert (cost.resamples(5) == cost.resamples(5)).all()


def test_resampled_medians_cover_the_truth_with_few_seeds():
    rng, hits = np.random.default_rng(3), 0
    for _ in range(150):
        at = np.ceil(10 * np.exp(rng.normal(0, 0.3, (2, 4))) * 10) / 10
        found_ = ratio(*(Times(side - 0.1, side) for side in at))
        low, high = found_.limits(0.05)
        hits += low <= 0 <= high
    assert hits >= 138  # 92 %; percentiles of the resamples would cover 1 - 2^-3 at best


def test_where_a_target_lies_and_when_it_was_reached(tmp_path):
    timed(tmp_path, [30], [10], seeds=2)
    (contrast,) = read(tmp_path).comparison.groups[0].contrasts
    goal = target(contrast)
    assert goal.score == pytest.approx(0.5 + 0.95 * 0.4)
    first = contrast.gpt.first
    there = reached(first, first.training, contrast.gpt, goal.score)
    assert (there.before.examples, there.at.examples) == (2900, 3000)
    assert there.at.flops == 3 * first.model.flops_per_token * 30_000
    assert reached(first, log(None), contrast.gpt, goal.score).at is NEVER
    worse = cell(task="matching", family="bert")
    for of, best in ((cell(task="matching"), 0.9), (worse, 0.7)):
        leave(tmp_path, of, shares(of, 0.8), 300, training=log(5, best=best))
    (contrast,) = read(tmp_path).comparison.groups[1].contrasts
    assert target(contrast).score == pytest.approx(0.5 + 0.95 * 0.2)  # what both reached


# --- C8 -----------------------------------------------------------------------------------------


def test_size_is_counted_on_record_and_read_from_a_fresh_process(tmp_path):
    big = {"total": 800_900, "non_embedding": 600_000, "head": 900, "trainable": 800_900}

    def sized(family, seed):
        of = cell(family=family, seed=seed, task="classification")
        return model(of, parameters=big) if family == "gpt" else model(of)

    pair(tmp_path, 0.8, 0.8, seeds=2, task="classification", facts=sized)
    whole, layers, recorded = found(tmp_path, "C8")
    assert (whole.status, layers.status) == (SUPPORTED, EQUIVALENT)
    assert recorded.status == DEPENDS
    assert [n.value.status for n in recorded.decided] == [SUPPORTED, EQUIVALENT]
    assert recorded.decided[0].value.mean == pytest.approx(np.log(800_000 / 659_100))


def held(extra, **device):
    """Stages whose training step peaks higher by so many MiB."""
    step = stages()[-1]
    peak = step.peak_bytes + extra * MIB
    return [*stages()[:-1], replace(step, peak_bytes=peak, device=device, shape={"examples": 32})]


@pytest.mark.parametrize(("extra", "status"), [(0, EQUIVALENT), (20, SUPPORTED), (-20, REVERSED)])
def test_memory_is_judged_above_what_importing_took(tmp_path, extra, status):
    sides = [replace(architecture(family), task="ner") for family in ("gpt", "bert")]
    keep(tmp_path, *(
        replace(probe(side), identity=str(i) * 64, memory={"0": held(extra if i == 0 else 0)})
        for i, side in enumerate(sides)
    ))  # fmt: skip
    (one,) = [f for f in found(tmp_path, "C8") if f.part.startswith("memory")]
    statuses = {n.label.split(" (")[0]: n.value.status for n in one.decided}
    assert statuses["ner, peak of training step, batch of 32"] == status
    assert statuses["ner, weights"] == EQUIVALENT
    mean = next(n.value.mean for n in one.decided if "training" in n.label)
    assert mean == pytest.approx(np.log((53 + extra) / 53))


def test_readings_that_disagree_decide_nothing(tmp_path):
    gpt, bert = (replace(architecture(family), task="ner") for family in ("gpt", "bert"))
    for number, extra in enumerate((0, 30)):
        one = replace(probe(gpt), identity=str(number) * 64, memory={"0": held(extra)})
        keep(tmp_path, one)
    keep(tmp_path, replace(probe(bert), identity="b" * 64, memory={"0": held(0)}))
    (one,) = [f for f in found(tmp_path, "C8") if f.part.startswith("memory")]
    assert one.status == UNDETERMINED


def test_memory_of_a_device_counts_where_one_is_used(tmp_path):
    for family, peak in (("gpt", 200 * MIB), ("bert", 100 * MIB)):
        of = replace(architecture(family), task="ner")
        memory = {"0": held(0, allocated_peak=peak)}
        keep(tmp_path, replace(probe(of), identity=family[0] * 64, memory=memory))
    (one,) = [f for f in found(tmp_path, "C8") if f.part.startswith("memory")]
    (step,) = [n for n in one.decided if "training" in n.label]
    assert "on the device" in step.label
    assert step.value.mean == pytest.approx(np.log(2))


# --- C9 -----------------------------------------------------------------------------------------


def raced(root, *series, gpt="ner", identity=""):
    sides = [replace(architecture(family), task=gpt) for family in ("gpt", "bert")]
    one = race(*sides, series)
    keep(root, replace(one, identity=(identity or one.identity)))


@pytest.mark.parametrize(
    ("seconds", "named", "status"),
    [
        ((0.002, 0.003), PLAN, SUPPORTED),
        ((0.003, 0.002), PLAN, REVERSED),
        ((0.002, 0.00202), PLAN, EQUIVALENT),
        ((0.002, 0.0024), replace(PLAN, cost_ratio=1.2), DIRECTION),
    ],
)
@pytest.mark.parametrize(
    ("claim", "name", "task"),
    [
        ("C9a", "same shape", "ner"),
        ("C9b", "generation/T=4", "generation"),
        ("C9c", "streaming", "ner"),
    ],
)
def test_each_question_about_speed_has_its_own_answer(
    tmp_path, seconds, named, status, claim, name, task
):
    raced(tmp_path, *lane(name, seconds), *gate(name), gpt=task)
    made = {c: only(tmp_path, c, named) for c in ("C9a", "C9b", "C9c")}
    assert made.pop(claim).status == status
    assert {one.status for one in made.values()} == {NOT_TESTED}


def test_where_texts_are_written_shapes_are_no_question_of_their_own(tmp_path):
    names = ("same shape", "generation/fixed length", "generation/T=10")
    every = [one for name in names for one in (*lane(name, (0.002, 0.003)), *gate(name))]
    raced(tmp_path, *every, gpt="generation")
    assert only(tmp_path, "C9a").status == NOT_TESTED
    labels = [n.label for n in only(tmp_path, "C9b").decided]
    assert labels == [
        "generation (BERT as causal), fixed length",
        "generation (BERT as causal), T=10",
    ]


@pytest.mark.parametrize("gates", [[], gate("same shape", apart=1.2)])
def test_without_a_tie_with_its_copy_nothing_is_faster(tmp_path, gates):
    raced(tmp_path, *lane("same shape", (0.002, 0.003)), *gates)
    one = only(tmp_path, "C9a")
    assert one.status == UNDETERMINED
    assert "noisy" in one.detail
    assert not one.decided


def test_batches_that_disagree_make_it_depend_and_one_shape_says_so(tmp_path):
    other = "same shape, batch of 32"
    single = [*lane("same shape", (0.002, 0.003)), *gate("same shape")]
    raced(tmp_path / "one", *single)
    assert "batches of one only" in only(tmp_path / "one", "C9a").flags[0]
    raced(tmp_path / "two", *single, *lane(other, (0.003, 0.002), seed=1), *gate(other))
    one = only(tmp_path / "two", "C9a")
    assert (one.status, one.flags) == (DEPENDS, ())
    assert [n.label for n in one.decided] == ["ner", "ner, batch of 32"]


def test_speed_from_words_to_answer_is_shown_and_decides_nothing(tmp_path):
    name = "single stream/end to end"
    raced(
        tmp_path, *lane("same shape", (0.002, 0.003)), *gate("same shape"),
        *lane(name, (0.003, 0.002)), *gate(name),
    )  # fmt: skip
    one = only(tmp_path, "C9a")
    assert one.status == SUPPORTED
    (beside,) = one.numbers[1:]
    assert beside.label == f"ner, {name}, not deciding"
    assert beside.value.mean == pytest.approx(np.log(2 / 3), abs=0.02)
    assert beside.value.low < beside.value.mean < beside.value.high


# --- C10 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "named", "status"),
    [
        (0.9, PLAN, SUPPORTED),
        (0.2, PLAN, REVERSED),
        (0.5, WIDE, EQUIVALENT),
        (0.5, PLAN, UNDETERMINED),
    ],
)
def test_tuned_models_against_a_rule_that_reads_nothing(kept, share, named, status):
    root = kept(share, lambda to: pair(to, share, share, task="classification"))
    one = only(root, "C10a", named)
    assert one.status == status
    assert [n.label for n in one.decided] == ["classification, GPT", "classification, BERT"]
    (looked, _) = [n for n in one.numbers if "dev" in n.label]
    assert looked.value.mean == pytest.approx(0.74)
    assert looked.value.se is None


def test_the_error_of_the_rule_is_in_the_interval(tmp_path):
    pair(tmp_path, 0.9, 0.9, task="classification")
    arm = read(tmp_path).comparison.groups[0].arms[0]
    own = arm.scores[0].estimate
    found_ = above_rule(arm, 0.5)
    assert found_.mean == pytest.approx(own.mean - 0.5)
    assert found_.se == pytest.approx(own.se + 0.5 / 600**0.5)


@pytest.mark.parametrize(("before", "status"), [(0.55, SUPPORTED), (0.99, REVERSED)])
def test_pretrained_bodies_against_untrained_ones(tmp_path, before, status):
    pair(tmp_path, 0.8, 0.8, task="classification")
    assert only(tmp_path, "C10b").status == NOT_TESTED
    pair(tmp_path, before, before, task="classification", weights="scratch")
    one = only(tmp_path, "C10b")
    assert one.status == status
    assert len(one.decided) == 2


def test_one_untrained_run_is_shown_and_decides_nothing(tmp_path):
    pair(tmp_path, 0.8, 0.8, task="classification")
    pair(tmp_path, 0.55, 0.55, seeds=1, task="classification", weights="scratch")
    one = only(tmp_path, "C10b")
    assert one.status == UNDETERMINED
    assert one.detail.startswith("one seed")
    assert one.numbers[0].value.mean > 0.1
    pair(tmp_path, 0.55, 0.55, seeds=3, task="classification", weights="scratch")
    one = only(tmp_path, "C10b")  # the others of the pretrained body are no loss
    assert (one.status, one.flags) == (SUPPORTED, (PRELIMINARY,))


def test_what_pretraining_brought_either_side_is_shown_and_not_judged(tmp_path):
    pair(tmp_path, 0.9, 0.7, task="classification")
    pair(tmp_path, 0.5, 0.6, task="classification", weights="scratch")
    one = only(tmp_path, "C13")
    assert one.status == NOT_TESTED
    (number,) = one.numbers
    assert number.value.mean == pytest.approx((0.1 - 0.4) * 2 / 3, abs=0.08)
    assert "not deciding" in number.label


# --- C11 ----------------------------------------------------------------------------------------


def spread(by, middle=0.75):
    """Shares by seed about a middle."""
    return lambda seed: middle + by * (-1) ** seed * (1 + seed % 3) / 3


@pytest.mark.parametrize(
    ("gpt", "bert", "seeds", "status"),
    [
        (0.2, 0.0, 12, SUPPORTED),
        (0.0, 0.2, 12, REVERSED),
        (0.05, 0.05, 12, UNDETERMINED),
        (0.05, 0.0, 5, UNDETERMINED),
    ],
)
def test_which_model_differs_more_from_seed_to_seed(tmp_path, gpt, bert, seeds, status):
    pair(
        tmp_path, spread(gpt), spread(bert), seeds, task="classification", tuning={"trials": 8}
    )  # fmt: skip
    one = only(tmp_path, "C11")
    assert one.status == status
    assert "Brown-Forsythe" in one.numbers[1].value


def test_spread_is_judged_at_searched_rates_only(tmp_path):
    pair(tmp_path, spread(0.2), spread(0.0), 6, task="classification")
    one = only(tmp_path, "C11")
    assert one.status == UNDETERMINED
    assert "not searched" in one.detail


def test_failed_runs_are_those_near_the_rule_that_reads_nothing(tmp_path):
    def fails(seed):
        return dict.fromkeys(SLICES["classification"], 0.5) if seed < 3 else 0.9

    pair(tmp_path, fails, 0.9, 6, size=900, task="classification", tuning={"trials": 8})
    text = only(tmp_path, "C11").numbers[1].value
    assert re.search(r"failed runs [23] of 6 and 0 of 6 \(Fisher p = 0\.", text)


def test_equal_spread_is_rarely_called_unequal():
    """At most 5 % with long tails, where resamples alone are wrong in up to 15 %."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(150):
        gpt, bert = -np.exp(rng.normal(size=(2, 10)))
        (one,) = decide([Question("", spread_ratio(gpt, bert), 0.0)], 0.05)
        wrong += one.decision.outcome != "undetermined"
    assert wrong <= 10


def test_spreads_can_be_alike_from_ten_seeds_only():
    rng = np.random.default_rng(0)
    for seeds, outcome in ((8, "undetermined"), (10, "equivalent")):
        scores = rng.normal(0.8, 0.01, seeds)
        (one,) = decide([Question("", spread_ratio(scores, scores + 0.1), 0.1)], 0.05)
        assert one.decision.outcome == outcome
    assert spread_ratio(scores[:3], scores[3:6]).low is None  # resamples of one score only


# --- C12 ----------------------------------------------------------------------------------------


def climbing(root, gpt, bert=(0.7, 0.7, 0.7), sizes=(100_000, 300_000, 900_000), **words):
    for number, size in enumerate(sizes):

        def sized(family, seed, size=size):
            of = cell(family=family, seed=seed, task="classification")
            return model(of, parameters=dict.fromkeys(("total", "non_embedding"), size))

        def named(family, seed, number=number):
            return {"model": {"layers": number + 1}, "train": {"epochs": 4}, "seed": seed}

        pair(
            root,
            gpt[number],
            bert[number],
            task="classification",
            facts=sized,
            config=named,
            **words,
        )


@pytest.mark.parametrize(
    ("gpt", "status"),
    [
        ((0.55, 0.7, 0.85), SUPPORTED),
        ((0.85, 0.7, 0.55), REVERSED),
        ((0.7, 0.7, 0.73), UNDETERMINED),
    ],
)
def test_a_ladder_of_sizes(tmp_path, gpt, status):
    climbing(tmp_path, gpt, seeds=3)
    one = only(tmp_path, "C12")
    assert one.status == status
    assert one.decided[0].value.mean == pytest.approx((gpt[2] - gpt[0]) * 2 / 3, abs=0.06)
    assert "0.100 to 0.900 M parameters (3 sizes)" in one.decided[0].label
    (bert,) = one.numbers[1:]
    assert bert.value.mean == pytest.approx(0, abs=0.06)


def test_two_sizes_or_nearly_the_same_are_no_ladder(tmp_path):
    climbing(tmp_path, (0.55, 0.7, 0.85), sizes=(100_000, 300_000, 301_000), seeds=3, size=300)
    assert only(tmp_path, "C12").status == NOT_TESTED


def test_sizes_that_were_trained_differently_are_no_ladder(tmp_path):
    climbing(tmp_path, (0.55, 0.7, 0.85), sizes=(100_000, 300_000), seeds=3, size=300)
    of = cell(task="classification")
    for seed in range(3):
        for family in ("gpt", "bert"):
            one = cell(task="classification", family=family, seed=seed)
            big = model(one, parameters=dict.fromkeys(("total", "non_embedding"), 900_000))
            config = {"model": {"layers": 3}, "train": {"epochs": 9}, "seed": seed}
            leave(tmp_path, one, shares(of, 0.85), 300, model=big, config=config)
    assert only(tmp_path, "C12").status == NOT_TESTED


# --- the section --------------------------------------------------------------------------------


def test_the_table_has_every_claim_and_the_entries_their_rule(tmp_path):
    pair(tmp_path, 0.6, 0.9, seeds=3, task="classification")
    text = claims(read(tmp_path))
    assert_rectangular(text + "\n")
    ids = [cells(row)[0] for row in rows(text) if cells(row)[0].startswith("C")]
    assert list(dict.fromkeys(ids)) == [one.id for one in CLAIMS]
    (row,) = rows(text, "C1 ")
    assert "**supported, preliminary**" in row
    assert re.search(
        r"BERT's advantage: \+\.\d{3} \[\+\.\d{3}, \+\.\d{3}\] \(95 %\) against \.020", row
    )
    (row,) = rows(text, "C6 ")
    assert "**not tested**" in row
    parts = sections(text)
    entry = parts["C1: BERT is better at classifying texts."]
    assert all(word in entry for word in ("Hypothesis: ", "Measurement: ", "Rule: "))
    assert (
        "to test it: `python -m harness.run -m seed=0,1,2,3,4 task=ner model=gpt2,bert`"
        in parts["C3a: BERT is better at finding named entities."]
    )
    assert len(rows(parts["Lines of business"], "not tested")) == 4


def test_ratios_are_shown_as_ratios_and_open_ends_as_open(tmp_path):
    raced(tmp_path, *lane("same shape", (0.002, 0.003)), *gate("same shape"))
    text = claims(read(tmp_path))
    (row,) = rows(text, "C9a ")
    assert re.search(r"ner: 1\.[45]\d? \[1\.\d+, 1\.\d+\] \(95 %\) against 1\.1", row)
    timed(tmp_path / "t", [10], [None, 30, 31])
    assert "[open, 0." in claims(read(tmp_path / "t"))


def test_text_from_records_does_no_harm(tmp_path):
    description = replace(model(cell()), description=HOSTILE + STEERING)
    pair(
        tmp_path, 0.6, 0.9, 2, task="ner", pair=HOSTILE[:40], data=HOSTILE[:60], level="twin",
        facts=description,
    )  # fmt: skip
    text = claims(read(tmp_path))
    assert_rectangular(text + "\n")
    assert "<script>" not in text
    assert not re.search(r"(?<!\\)\]\(http", text)
    assert not set(STEERING) & set(text)


def test_failed_runs_are_no_evidence(tmp_path):
    pair(tmp_path, 0.6, 0.9, task="classification", lacking={("gpt", 4)})
    leave(tmp_path, cell(seed=4, task="classification"), outcome=Outcome("failed", "diverged"))
    assert only(tmp_path, "C1").status == UNDETERMINED
