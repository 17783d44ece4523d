"""Folders put together: what is one comparison, what is kept apart, and what is said of it."""

import os
from dataclasses import replace

import pytest
from synthetic import SLICES, cell, data, leave

from harness import plan
from harness.comparing import findings
from harness.comparing.findings import AFTER, BEFORE, LOST, NEVER, SEVERAL
from harness.comparing.verdicts import BERT, GPT, NONE, TIE, UNDETERMINED

PLAN = plan.default()
FIRST, SECOND = {"cpu": "EPYC", "commit": "abc"}, {"cpu": "Xeon", "commit": "abc"}
COINS = {"none": 0.5, "vague": 0.5, "N": 0.45}


@pytest.fixture(autouse=True)
def no_power_cut(monkeypatch):
    """Hundreds of records need not wait for the disk."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def side(root, family, share=0.7, seeds=range(4), size=500, task="classification", **facts):
    """One side's runs; what nobody can know is a coin. `facts` may be functions of the cell."""
    for seed in seeds:
        of = cell(family=family, task=task, seed=seed)
        told = {name: fact(of) if callable(fact) else fact for name, fact in facts.items()}
        right = {"R": 0.45} if family == "gpt" else {}
        chances = {name: (COINS | right).get(name, share) for name in SLICES[task]}
        leave(root, of, share=chances, size=size, **told)


def both(root, gpt=0.7, bert=0.7, **words):
    side(root, "gpt", gpt, **words)
    side(root, "bert", bert, **words)
    return root


def only(found):
    (one,) = found
    return one


# --- verdicts on records of known truth ---------------------------------------------------------


@pytest.mark.parametrize(
    ("gpt", "bert", "answer"),
    [(0.70, 0.80, BERT), (0.80, 0.70, GPT), (0.750, 0.752, TIE), (0.75, 0.79, UNDETERMINED)],
)
def test_the_answer_is_the_truth(tmp_path, gpt, bert, answer):
    """4,000 examples and 8 seeds, a margin of .02; two thirds of the examples can be known."""
    one = only(findings.find([both(tmp_path, gpt, bert, seeds=range(8), size=4000)]).verdicts)
    truth = (bert - gpt) * 2 / 3
    assert one.decision.margin == 0.02
    assert abs(one.advantage.mean - truth) < 3 * one.advantage.se
    assert one.answer == answer
    assert not one.preliminary
    assert (one.settled is not None) == (answer == UNDETERMINED)


def test_a_small_sample_of_the_same_truth_is_undetermined(tmp_path):
    one = only(findings.find([both(tmp_path, 0.750, 0.752, size=60)]).verdicts)
    assert one.answer == UNDETERMINED
    assert one.preliminary


# --- several machines ---------------------------------------------------------------------------


def test_halves_of_a_pair_from_two_folders_of_one_machine_are_a_pair(tmp_path):
    side(tmp_path / "one", "gpt", 0.6, environment=FIRST)
    side(tmp_path / "two", "bert", 0.9, environment=FIRST)
    found = findings.find([tmp_path / "one", tmp_path / "two"])
    assert only(found.verdicts).answer == BERT
    assert not found.comparison.warnings
    folders = {run.folder for run in found.comparison.runs}
    assert all(folder.startswith(str(tmp_path)) for folder in folders)  # which of the two
    assert len(folders) == found.comparison.records == 8


def test_the_same_runs_of_two_machines_are_kept_apart(tmp_path):
    both(tmp_path / "one", 0.9, 0.6, environment=FIRST)
    both(tmp_path / "two", 0.6, 0.9, environment=SECOND)
    found = findings.find([tmp_path / "one", tmp_path / "two"])
    groups = found.comparison.groups
    assert [dict(one.variant) for one in groups] == [{"hardware": "EPYC"}, {"hardware": "Xeon"}]
    assert [[arm.seeds for arm in one.arms] for one in groups] == 2 * [2 * [(0, 1, 2, 3)]]
    assert [one.answer for one in found.verdicts] == [GPT, BERT]
    assert len({one.family for one in found.verdicts}) == 2  # no machine pays for the other
    assert not found.comparison.warnings
    assert not any(one.missing for one in groups)


def test_halves_from_two_machines_are_refused_by_name(tmp_path):
    side(tmp_path / "one", "gpt", environment=FIRST)
    side(tmp_path / "two", "bert", environment=SECOND)
    found = findings.find([tmp_path / "one", tmp_path / "two"])
    assert not found.verdicts
    assert [one.missing for one in found.comparison.groups] == [
        (
            "mini, full: no finished BERT run (0 failed); "
            "refused: BERT runs that differ in hardware (Xeon)",
        ),
        (
            "mini, full: no finished GPT run (0 failed); "
            "refused: GPT runs that differ in hardware (EPYC)",
        ),
    ]


def test_a_machine_that_is_not_on_record_is_one_of_its_own(tmp_path):
    side(tmp_path / "one", "gpt", environment=FIRST)
    side(tmp_path / "two", "bert", environment={"python": "3.12"})
    found = findings.find([tmp_path / "one", tmp_path / "two"])
    assert not found.verdicts
    assert "hardware (unknown processor)" in found.comparison.groups[0].missing[0]


def test_copies_on_one_machine_count_once_and_the_newest_does(tmp_path):
    both(tmp_path / "old", 0.9, 0.6, environment=FIRST, finished_at="2026-01-01T00:00:00Z")
    both(tmp_path / "new", 0.6, 0.9, environment=FIRST, finished_at="2026-02-01T00:00:00Z")
    for roots in (["old", "new"], ["new", "old"]):
        found = findings.find([tmp_path / name for name in roots])
        group = only(found.comparison.groups)
        assert [arm.seeds for arm in group.arms] == 2 * [(0, 1, 2, 3)]
        assert only(found.verdicts).answer == BERT
        assert all("/new/" in run.folder for run in found.comparison.runs)
        assert len(found.comparison.warnings) == 8
        assert all(
            "/old/" in text and "/new/" in text and "are the same run" in text
            for text in found.comparison.warnings
        )


def test_a_folder_named_twice_changes_nothing_but_warnings(tmp_path):
    both(tmp_path / "one", 0.6, 0.9)
    once, twice = (findings.find([tmp_path / "one"] * times) for times in (1, 2))
    assert only(once.verdicts).advantage == only(twice.verdicts).advantage
    assert (len(once.comparison.warnings), len(twice.comparison.warnings)) == (0, 8)


# --- what is no pair, or half of one ------------------------------------------------------------


def test_data_of_one_name_with_other_digests_are_told_apart(tmp_path):
    other = {"train": "a" * 64, "dev": "b" * 64, "test": "9" * 64}

    def drawn_otherwise(of):
        return {"model": {"name": of.model}, "data": {"seed": 1}, "seed": of.seed}

    both(tmp_path / "one", 0.9, 0.6)
    facts = {"data": lambda of: data(of, 500, digests=other), "config": drawn_otherwise}
    both(tmp_path / "two", 0.6, 0.9, **facts)
    found = findings.find([tmp_path / "one", tmp_path / "two"])
    told = {one.group.variant["test digest"]: one.answer for one in found.verdicts}
    assert told == {"cccccccc": GPT, "99999999": BERT}
    assert not found.comparison.warnings


def test_halves_on_other_data_are_refused_by_name(tmp_path):
    other = {"train": "1" * 64, "dev": "b" * 64, "test": "9" * 64}
    side(tmp_path / "one", "gpt")
    side(tmp_path / "two", "bert", data=lambda of: data(of, 500, digests=other))
    found = findings.find([tmp_path / "one", tmp_path / "two"])
    assert not found.verdicts
    assert [dict(one.variant) for one in found.comparison.groups] == [
        {"test digest": "99999999", "train digest": "11111111"},
        {"test digest": "cccccccc", "train digest": "aaaaaaaa"},
    ]
    refused = [one.missing[0].partition("; ")[2] for one in found.comparison.groups]
    assert refused == [
        "refused: GPT runs that differ in digests (of test, train)",
        "refused: BERT runs that differ in digests (of test, train)",
    ]


def test_unequal_trials_are_refused_by_name(tmp_path):
    side(tmp_path / "one", "gpt", 0.6, tuning={"trials": 8})
    side(tmp_path / "two", "bert", 0.9, tuning={"trials": 80})
    one = only(findings.find([tmp_path / "one", tmp_path / "two"]).verdicts)
    assert one.contrast.refused == ("tuning.trials (8 and 80)",)
    assert one.answer == NONE
    assert one.why == ("refused: the two sides differ in tuning.trials (8 and 80)",)
    assert (one.advantage, one.decision, one.winner) == (None, None, None)


def test_a_missing_half_is_named(tmp_path):
    side(tmp_path / "one", "gpt")
    side(tmp_path / "two", "gpt", task="ner")
    side(tmp_path / "two", "bert", task="ner")
    found = findings.find([tmp_path / "one", tmp_path / "two"])
    named = {one.key.task: one.missing for one in found.comparison.groups}
    assert named == {
        "classification": ("mini, full: no finished BERT run (0 failed)",),
        "ner": (),
    }
    assert only(found.verdicts).group.key.task == "ner"


def test_seeds_of_one_side_are_left_out_and_named(tmp_path):
    side(tmp_path / "one", "gpt", 0.6, seeds=range(5))
    side(tmp_path / "two", "gpt", 0.6, seeds=(5, 6))
    side(tmp_path / "two", "bert", 0.9, seeds=range(1, 6))
    one = only(findings.find([tmp_path / "one", tmp_path / "two"]).verdicts)
    assert one.contrast.seeds == (1, 2, 3, 4, 5)
    assert one.advantage.seeds == 5
    assert one.answer == BERT
    assert one.contrast.incomplete == ("seeds 0, 6: no finished run of bert (bidirectional)",)
    assert one.why == ("incomplete: seeds 0, 6: no finished run of bert (bidirectional)",)


# --- the plan -----------------------------------------------------------------------------------


def files(root):
    return {path: path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_changed_plan_decides_anew_and_touches_no_record(tmp_path):
    both(tmp_path, 0.70, 0.75, seeds=range(5), size=1000, plan=PLAN.digest)
    plan.write(tmp_path, PLAN)
    before = files(tmp_path)
    wide = replace(PLAN, name="wide", embedded=PLAN.embedded | {"accuracy": 0.2})
    first, second = findings.find([tmp_path]), findings.find([tmp_path], wide)
    assert (first.standing, second.standing) == (BEFORE, AFTER)
    assert (first.plan, second.plan) == (PLAN, wide)
    assert only(second.verdicts).answer == TIE
    assert only(first.verdicts).answer != TIE
    assert only(first.verdicts).advantage == only(second.verdicts).advantage
    assert files(tmp_path) == before


def test_a_plan_that_the_runs_name_stands_as_fixed_before(tmp_path):
    mine = replace(PLAN, name="mine", embedded=PLAN.embedded | {"accuracy": 0.15})
    both(tmp_path, plan=mine.digest)
    plan.write(tmp_path, mine)
    found = findings.find([tmp_path])
    assert (found.plan, found.standing) == (mine, BEFORE)
    assert only(found.verdicts).decision.margin == 0.15
    assert findings.find([tmp_path], mine).standing == BEFORE  # named, but no other


def test_without_a_plan_on_record_nothing_was_fixed(tmp_path):
    found = findings.find([both(tmp_path)])
    assert (found.plan, found.standing) == (PLAN, NEVER)


def test_a_plan_of_some_runs_says_of_how_many(tmp_path):
    side(tmp_path, "gpt", plan=PLAN.digest)
    side(tmp_path, "bert")
    plan.write(tmp_path, PLAN)
    assert findings.find([tmp_path]).standing == f"{BEFORE} of 4 of 8 runs"
    assert findings.find([tmp_path], PLAN).standing == AFTER


def test_folders_with_two_plans_say_so(tmp_path):
    other = replace(PLAN, name="other", alpha=0.01)
    both(tmp_path / "one", plan=PLAN.digest)
    both(tmp_path / "two", seeds=(7,), plan=other.digest)
    for name, one in (("one", PLAN), ("two", other)):
        plan.write(tmp_path / name, one)
    found = findings.find([tmp_path / "one", tmp_path / "two"])
    assert (found.plan, found.standing) == (PLAN, SEVERAL.format(2))


def test_a_plan_that_was_lost_or_altered_is_not_believed(tmp_path):
    mine = replace(PLAN, name="mine", embedded=PLAN.embedded | {"accuracy": 0.15})
    both(tmp_path, plan=mine.digest)
    assert findings.find([tmp_path]).standing == LOST.format(mine.digest[:10])
    plan.write(tmp_path, mine)
    place = tmp_path / plan.FOLDER / f"{mine.digest}.json"
    place.write_text(place.read_text().replace("0.15", "0.45"))
    found = findings.find([tmp_path])
    assert (found.plan, found.standing) == (PLAN, LOST.format(mine.digest[:10]))


def test_the_plan_of_one_folder_serves_the_runs_of_another(tmp_path):
    mine = replace(PLAN, name="mine", alpha=0.01)
    side(tmp_path / "one", "gpt", plan=mine.digest)
    side(tmp_path / "two", "bert", plan=mine.digest)
    plan.write(tmp_path / "one", mine)
    found = findings.find([tmp_path / "two", tmp_path / "one"])
    assert (found.plan, found.standing) == (mine, BEFORE)


# --- what is not the same on one machine --------------------------------------------------------


def test_halves_of_other_versions_are_told_as_unequal(tmp_path):
    for family, version, threads in (("gpt", "2.6", "1"), ("bert", "2.7", "1")):
        facts = FIRST | {"versions": {"torch": version, "numpy": "2"}, "threads": threads}
        share = 0.6 if family == "gpt" else 0.9
        side(tmp_path / family, family, share, environment=facts)
    one = only(findings.find([tmp_path / "gpt", tmp_path / "bert"]).verdicts)
    assert one.answer == BERT
    assert one.why == ("unequal: versions.torch (2.6 and 2.7)",)


def test_one_machine_under_two_spellings_is_one(tmp_path):
    both(tmp_path / "one", environment=FIRST)
    both(tmp_path / "two", environment=FIRST | {"cpu": " EPYC "})
    found = findings.find([tmp_path / "one", tmp_path / "two"])
    assert only(found.verdicts).answer != NONE
    assert len(found.comparison.warnings) == 8
