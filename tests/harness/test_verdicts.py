"""Verdicts: which question belongs to which family, and what bars an answer."""

from dataclasses import replace

import pytest
from synthetic import CAPS, SLICES, TRAINING, cell, data, leave

from harness import plan
from harness.comparing import findings, mismatch, verdicts
from harness.comparing.verdicts import BERT, GPT, NONE, PRIMARY, SECONDARY, TIE, UNDETERMINED
from harness.record import Evaluation

PLAN = plan.default()


def judged(root, named=PLAN):
    return findings.find([root], named).verdicts


def pair(root, gpt, bert, seeds=5, size=1000, **words):
    """Both halves of a pair, right with the given shares."""
    changes = {k: words.pop(k) for k in list(words) if k not in cell().__dataclass_fields__}
    for seed in range(seeds):
        for family, share in (("gpt", gpt), ("bert", bert)):
            of = cell(family=family, seed=seed, **words)
            leave(root, of, share=shares(of, share), size=size, **changes)


def shares(of, share):
    """The same in all slices but those that nobody can know."""
    if of.task == "generation":
        return share
    coins = {"none": 0.5, "vague": 0.5, "N": 0.45, "R": 0.45 if of.family == "gpt" else 0.85}
    return {name: coins.get(name, share) for name in SLICES[of.task]}


@pytest.mark.parametrize(
    ("gpt", "bert", "answer"), [(0.6, 0.9, BERT), (0.9, 0.6, GPT), (0.7, 0.72, UNDETERMINED)]
)
def test_who_is_better(tmp_path, gpt, bert, answer):
    pair(tmp_path, gpt, bert, task="classification")
    (found,) = judged(tmp_path)
    assert found.answer == answer
    assert not found.preliminary
    assert found.advantage.mean == pytest.approx((bert - gpt) * 2 / 3, abs=0.05)


def test_a_wide_margin_makes_a_tie_of_the_same_records(tmp_path):
    pair(tmp_path, 0.7, 0.72, task="classification")
    wide = replace(PLAN, embedded={"accuracy": 0.2})
    (found,) = judged(tmp_path, wide)
    assert found.answer == TIE


def test_lower_is_better_turns_the_advantage_round(tmp_path):
    pair(tmp_path, 0.95, 0.5, size=60, task="generation")
    (found,) = judged(tmp_path)
    assert found.contrast.difference.mean > 0  # BERT makes more errors
    assert found.advantage.mean == -found.contrast.difference.mean
    assert found.advantage.low == -found.contrast.difference.high
    assert found.answer == GPT


def test_texts_are_set_against_the_better_way_on_dev(tmp_path):
    for seed in range(5):
        leave(tmp_path, cell(task="generation", seed=seed))
        for mode, dev in (("unilm", 0.5), ("mask_predict", 0.1)):
            log = replace(TRAINING, evaluations=[Evaluation(400, 1, 1, 1.0, 1.0, dev)])
            of = cell(family="bert", task="generation", mode=mode, seed=seed)
            leave(tmp_path, of, training=log)
    kinds = {one.contrast.bert.key.mode: one.family.kind for one in judged(tmp_path)}
    assert kinds == {"mask_predict": PRIMARY, "unilm": SECONDARY}  # less is better on dev


def setting(of, **train):
    return {"model": {"name": of.model}, "train": {"lr": 1e-3, "epochs": 15} | train}


SEARCHED = {"chosen": 1e-3, "trials": 8, "metric": "accuracy"}


def test_of_several_settings_the_searched_one_is_the_main_question(tmp_path):
    for seed in range(3):
        for family in ("gpt", "bert"):
            of = cell(family=family, seed=seed, task="classification")
            leave(tmp_path, of, tuning=SEARCHED, config=setting(of))
            leave(tmp_path, of, config=setting(of, dropout=0.0))
    found = {one.contrast.gpt.variant["train.dropout"]: one for one in judged(tmp_path)}
    assert {name: one.family.kind for name, one in found.items()} == {
        "-": PRIMARY,
        "0.0": SECONDARY,
    }


def test_of_settings_alike_in_that_the_one_with_most_seeds_is(tmp_path):
    for seed in range(4):
        for family in ("gpt", "bert"):
            of = cell(family=family, seed=seed, task="classification")
            leave(tmp_path, of, config=setting(of))
            for rate in (0.1, 0.2) if seed < 3 else ():
                leave(tmp_path, of, config=setting(of, dropout=rate))
    kinds = {one.contrast.gpt.variant["train.dropout"]: one.family.kind for one in judged(tmp_path)}
    assert kinds == {"-": PRIMARY, "0.1": SECONDARY, "0.2": SECONDARY}


def test_settings_that_nothing_tells_apart_are_main_questions_all(tmp_path):
    for seed in range(3):
        for family in ("gpt", "bert"):
            of = cell(family=family, seed=seed, task="classification")
            leave(tmp_path, of, config=setting(of))
            leave(tmp_path, of, config=setting(of, dropout=0.2))
    assert [one.family.kind for one in judged(tmp_path)] == [PRIMARY, PRIMARY]


def test_a_metric_that_says_the_opposite_leaves_it_open(tmp_path, monkeypatch):
    pair(tmp_path, 0.6, 0.9, task="classification")
    monkeypatch.setattr(verdicts, "contradicted", lambda *_: "BLEU")
    (found,) = judged(tmp_path)
    assert found.answer == UNDETERMINED
    assert "BLEU" in found.why[0]


def test_contradiction_by_another_metric_that_ranks(tmp_path):
    pair(tmp_path, 0.6, 0.9, size=60, task="generation")
    (found,) = judged(tmp_path)
    contrast, name = found.contrast, "bleu"
    other = contrast.others[name]
    assert not verdicts.contradicted(contrast, BERT)
    turned = replace(other, mean=-other.mean, low=-other.high, high=-other.low)
    against = replace(contrast, others={**contrast.others, name: turned})
    assert verdicts.contradicted(against, BERT)
    assert not verdicts.contradicted(against, UNDETERMINED)


def test_one_seed_is_these_runs_and_no_method(tmp_path):
    pair(tmp_path, 0.5, 0.9, seeds=1, task="classification")
    (found,) = judged(tmp_path)
    assert (found.answer, found.why) == (UNDETERMINED, (verdicts.ONE_RUN,))


def test_few_seeds_are_preliminary(tmp_path):
    pair(tmp_path, 0.5, 0.9, seeds=3, task="classification")
    (found,) = judged(tmp_path)
    assert found.preliminary
    assert not judged(tmp_path, replace(PLAN, fewest_seeds=3))[0].preliminary


def test_a_smoke_run_answers_nothing(tmp_path):
    pair(tmp_path, 0.5, 0.9, task="classification", sweep="smoke")
    (found,) = judged(tmp_path)
    assert found.answer == NONE
    assert "smoke" in found.why[0]


def test_an_alarm_voids(tmp_path):
    for seed in range(5):
        leave(tmp_path, cell(family="bert", seed=seed))
        share = dict.fromkeys(("U", "L", "R", "N", "G"), 0.9)  # R without its context
        leave(tmp_path, cell(seed=seed), share=share)
    (found,) = judged(tmp_path)
    assert found.answer == NONE
    assert found.why[0].startswith("void: alarm 1 (gpt2, seeds 0, 1")


def test_unequal_trials_are_refused(tmp_path):
    for seed in range(5):
        leave(tmp_path, cell(task="classification", seed=seed), tuning={"trials": 8})
        of = cell(family="bert", task="classification", seed=seed)
        leave(tmp_path, of, tuning={"trials": 16})
    (found,) = judged(tmp_path)
    assert found.answer == NONE
    assert found.why[0].startswith("refused: the two sides differ in tuning.trials (8 and 16)")


def test_families_are_by_pair_kind_and_weights(tmp_path):
    pair(tmp_path, 0.6, 0.9, task="classification")
    pair(tmp_path, 0.6, 0.9, task="matching")
    pair(tmp_path, 0.6, 0.9, task="classification", weights="scratch", seeds=2)
    pair(tmp_path, 0.6, 0.9, task="classification", pair="twin", seeds=2)
    families = {}
    for one in judged(tmp_path):
        families.setdefault(one.family, []).append(one.group.key.task)
    assert sorted(map(len, families.values())) == [1, 1, 2]
    assert all(family.kind == PRIMARY for family in families)


def test_who_asks_more_must_be_surer(tmp_path):
    pair(tmp_path, 0.6, 0.9, task="classification")
    (alone,) = judged(tmp_path)
    pair(tmp_path, 0.7, 0.72, task="matching", seeds=3)
    beside = next(one for one in judged(tmp_path) if one.group.key.task == "classification")
    assert beside.decision.level > alone.decision.level


def test_what_is_barred_counts_as_asked(tmp_path):
    pair(tmp_path, 0.6, 0.9, task="classification")
    (alone,) = judged(tmp_path)
    pair(tmp_path, 0.6, 0.9, task="matching", sweep="smoke")
    beside = next(one for one in judged(tmp_path) if one.group.key.task == "classification")
    assert beside.decision.level > alone.decision.level


def test_a_task_outside_the_plan_is_secondary(tmp_path):
    pair(tmp_path, 0.6, 0.9, task="classification")
    (found,) = judged(tmp_path, replace(PLAN, primary=["ner"]))
    assert found.family.kind == SECONDARY


def test_without_a_margin_there_is_no_verdict(tmp_path):
    pair(tmp_path, 0.6, 0.9, task="classification")
    (found,) = judged(tmp_path, replace(PLAN, embedded={}))
    assert found.answer == NONE
    assert "embedded.accuracy" in found.why[0]


def test_real_data_have_margins_of_their_own(tmp_path):
    real = {"data": replace(data(cell(task="classification"), 1000), source="files", caps={})}
    pair(tmp_path, 0.6, 0.9, task="classification", **{"data": "sst2"})
    folder = tmp_path / "real"
    for seed in range(5):
        for family, share in (("gpt", 0.6), ("bert", 0.9)):
            of = cell(family=family, task="classification", seed=seed)
            leave(folder, of, share=shares(of, share), size=1000, **real)
    margins = {one.group.key.source: one.decision.margin for one in judged(tmp_path)}
    assert margins == {"embedded": 0.02, "files": 0.01}


# --- plans of records ---------------------------------------------------------------------------


def test_the_plan_of_the_records_decides(tmp_path):
    wide = replace(PLAN, name="wide", embedded={"accuracy": 0.2})
    plan.write(tmp_path, wide)
    pair(tmp_path, 0.7, 0.72, task="classification", plan=wide.digest)
    found = findings.find([tmp_path])
    assert (found.plan.name, found.standing) == ("wide", findings.BEFORE)
    assert found.verdicts[0].answer == TIE
    again = findings.find([tmp_path], PLAN)
    assert (again.verdicts[0].answer, again.standing) == (UNDETERMINED, findings.AFTER)
    assert findings.find([tmp_path], wide).standing == findings.BEFORE


def test_records_without_a_plan_say_so(tmp_path):
    pair(tmp_path, 0.7, 0.72, task="classification", seeds=2)
    assert findings.find([tmp_path]).standing == findings.NEVER


def test_a_plan_that_got_lost_or_several(tmp_path):
    pair(tmp_path, 0.7, 0.72, task="classification", seeds=2, plan="f" * 64)
    found = findings.find([tmp_path])
    assert found.plan.digest == PLAN.digest
    assert "ffffffffff" in found.standing
    plan.write(tmp_path, PLAN)
    pair(tmp_path, 0.7, 0.72, task="matching", seeds=3, plan=PLAN.digest)
    assert findings.find([tmp_path]).standing == findings.SEVERAL.format(2)


# --- scope --------------------------------------------------------------------------------------


def test_scope_is_the_level_until_sizes_are_apart(tmp_path):
    pair(tmp_path, 0.6, 0.9, task="classification", seeds=2)
    (found,) = judged(tmp_path)
    told = mismatch.scope(found.group, found.contrast)
    assert told == "embedded world, same data and size"
    bigger = replace(found.contrast.bert.first.model, fertility=1.4)
    record = replace(found.contrast.bert.first, model=bigger)
    runs = tuple(replace(run, record=record) for run in found.contrast.bert.runs)
    apart = replace(found.contrast, bert=replace(found.contrast.bert, runs=runs))
    assert mismatch.scope(found.group, apart) == "embedded world, these checkpoints"
    sizes = {one.name: one for one in mismatch.sizes(apart)}
    assert sizes["tokens per word"].apart
    assert not sizes["vocabulary"].apart


def test_caps_of_the_synthetic_world_are_what_alarms_know():
    assert CAPS["causal/last"]["R"] == 0.5  # else the alarm above would not ring
