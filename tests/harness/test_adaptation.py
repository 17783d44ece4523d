"""Ways of tuning side by side: what is kept, what it costs, what is refused, what diverged."""

import os
import re
from dataclasses import replace

import pytest
from adapting import SIZES, STRATEGIES, known, strategy, wider_pair
from rendered import HOSTILE, assert_rectangular, cells, rows, sections
from synthetic import cell, leave

from harness import plan, report, train
from harness.claims import (
    NOT_TESTED,
    REVERSED,
    SUPPORTED,
    UNDETERMINED,
    judge,
)
from harness.claims.pairing import leading
from harness.comparing import adaptation, costs, findings, steadiness
from harness.comparing.verdicts import PRIMARY, main
from harness.plots import retention
from harness.record import UNSUPPORTED, Outcome
from harness.report.adaptation import adaptation as shown

DIVERGED = Outcome("failed", "Diverged: the loss became nan; try a lower learning rate")
NOTHING = {"data": None, "model": None, "training": None, "evaluated": None, "metrics": ()}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Five ways of tuning; BERT's adapters had half of the trials."""
    root = tmp_path_factory.mktemp("several")
    strategy(root, "full", 0.9, 0.88)
    strategy(root, "freeze", 0.6, 0.87)
    strategy(root, "lora", 0.89, 0.86, trials={"gpt": 8, "bert": 4})
    strategy(root, "head_only", 0.57, 0.7)
    strategy(root, "prompt", 0.55, 0.54, seeds=range(1))
    return read(root)


def read(root):
    return findings.find([root], plan.default())


def lose(root, seed, lr=1e-3, **words):
    """A run that diverged."""
    of = cell(**({"task": "classification", "strategy": "full", "seed": seed} | words))
    config = {"train": {"lr": lr, "epochs": 15}, "strategy": {}, "seed": seed}
    leave(root, of, outcome=DIVERGED, config=config, **NOTHING)


def row(text, *names):
    (found,) = [cells(one) for one in rows(text) if cells(one)[:2] == list(names)]
    return found


# --- what is kept -------------------------------------------------------------------------------


def test_every_way_stands_in_its_order_with_what_it_keeps(several):
    (group,) = several.comparison.groups
    found = adaptation.adapted(group)
    assert [adaptation.way(one.arm.first) for one in found[::2]] == [
        "full", "freeze 50 %", "lora, rank 8", "head_only", "prompt, zero-shot",
    ]  # fmt: skip
    assert [one.arm.key.family for one in found] == ["gpt", "bert"] * 5
    kept = {(one.arm.key.strategy, one.arm.key.family): one for one in found}
    assert kept["full", "gpt"].retention.mean == 1
    assert kept["freeze", "gpt"].retention.mean == pytest.approx(0.25, abs=0.06)
    assert kept["lora", "gpt"].retention.mean == pytest.approx(0.975, abs=0.03)
    assert kept["prompt", "gpt"].retention.mean == pytest.approx(0.12, abs=0.12)
    assert "tuning.trials (8 and 4)" in kept["lora", "bert"].why
    assert kept["lora", "bert"].retention is None
    assert adaptation.trainable(kept["lora", "gpt"].arm) == (6_000, 6_000 / 660_000)


def test_one_way_of_tuning_is_no_page(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.88, seeds=range(2), size=300)
    found = read(tmp_path)
    assert adaptation.adapted(found.comparison.groups[0]) == []
    assert shown(found) == ""
    assert "Ways of tuning" not in report.render(found)


def test_lower_is_better_keeps_as_much(tmp_path):
    """Error rates: 0 is best, the rule that writes nothing stands at 1."""
    for name, share in (("full", 0.95), ("freeze", 0.6)):
        for seed in range(3):
            of = cell(task="generation", seed=seed, strategy=name)
            config = {"train": {"lr": 1e-3}, "strategy": dict(STRATEGIES[name])}
            leave(tmp_path, of, share, 60, config=config, tuning={"trials": 8})
    (group,) = read(tmp_path).comparison.groups
    full, half = adaptation.adapted(group)
    assert full.arm.headline.lower_is_better
    assert 0.3 < half.retention.mean < 0.9
    (ours, whole) = (one.arm.scores[0] for one in (half, full))
    floor = whole.majority
    assert half.retention.mean == pytest.approx(
        (floor - ours.estimate.mean) / (floor - whole.estimate.mean), abs=0.02
    )


def test_another_optimizer_is_no_full_fine_tuning_to_measure_by(tmp_path):
    for optimizer, share, trials in (("adamw", 0.9, 8), ("sgd", 0.6, 4)):
        config = {"train": {"lr": 1e-3, "optimizer": optimizer}, "strategy": {}}
        strategy(
            tmp_path, "full", share, share, seeds=range(2), trials=trials, size=90, config=config
        )
    strategy(tmp_path, "head_only", 0.6, 0.6, seeds=range(2), size=90)
    found = {adaptation.way(one.arm.first): one for one in adaptation.adapted(
        read(tmp_path).comparison.groups[0]
    )}  # fmt: skip
    assert list(found) == ["full", "full, sgd", "head_only"]
    assert found["full"].retention.mean == 1
    refused = "refused: not as full fine-tuning in train.optimizer (adamw and sgd)"
    assert found["full, sgd"].why.startswith(refused)
    assert adaptation.frozen(found["full, sgd"].arm) is None


def test_untuned_answers_of_one_run_stand_for_all_seeds(several):
    (group,) = several.comparison.groups
    (one,) = [
        k for k in adaptation.adapted(group)
        if k.arm.key.strategy == "prompt" and k.arm.key.family == "gpt"
    ]  # fmt: skip
    assert one.seeds == (0, 1, 2, 3, 4)
    few = replace(one.arm.first, config={"strategy": {"shots": 4}})
    drawn = replace(one.arm, runs=(replace(one.arm.runs[0], record=few),))
    assert not adaptation.steady(drawn)
    assert adaptation.shared(drawn, one.full) == (0,)
    assert adaptation.way(few) == "prompt, 4 shots"


# --- the page -----------------------------------------------------------------------------------


def test_the_table_shows_scores_costs_trials_and_retention(several):
    text = shown(several)
    assert_rectangular(text + "\n")
    first, second = sections(text)["classification on world (test split)"].split(
        "with diverged runs"
    )
    found = row(first, "freeze 50 %", "bert (bidirectional)")
    assert found[3:5] == ["200,000", "30.3 %"]
    assert found[5] == "6.3e+11"  # 3 x 1.4e6 x 150,000
    assert found[6:8] == ["18.4", "8"]
    assert re.fullmatch(r"\.9\d\d \[\.9\d\d, (\.9\d\d|1\.\d+)\]", found[8])
    assert row(first, "full", "gpt2 (causal)")[8] == "1"
    refused = row(first, "lora, rank 8", "bert (bidirectional)")
    assert refused[7] == "4"
    assert refused[8].startswith("- (refused: ")
    assert "**Unequal trials: 8 behind 7 of 8 rows, 4 behind lora, rank 8 of bert." in first
    assert row(first, "prompt, zero-shot", "gpt2 (causal)")[5:8] == ["-", "-", "-"]
    assert row(second, "full", "gpt2 (causal)")[5] == "0 of 5"
    assert row(second, "full", "gpt2 (causal)")[7:] == [".020", ".760"]
    assert row(second, "prompt, zero-shot", "gpt2 (causal)")[5:] == ["-"] * 4


def test_answers_by_prompts_are_said_not_to_be_measured(several):
    (group,) = several.comparison.groups
    for arm in group.arms:
        found = costs.costs(arm, None, None)
        asked = arm.key.strategy == "prompt"
        told = ("not measured: asked by a prompt", "") if asked else ("not measured", costs.FIRST)
        assert (found[costs.P95].why, found[costs.P95].remedy) == told
        assert (found[costs.TRAINING] == costs.Cost(0.0, 0.0, 0.0)) == asked
    named = sections(report.render(several))
    (line,) = [one for one in named["Efficiency"].splitlines() if one.startswith("Not measured: ")]
    assert line.startswith("Not measured: gpt2, mini, 0.66 M parameters, embedded, prompt; bert")
    assert "lora" not in line


def test_settings_tell_two_arms_of_one_way_apart(tmp_path):
    strategy(tmp_path, "head_only", 0.6, 0.6, seeds=range(2), size=90)
    for dropout in (0.1, 0.0):
        train = {"lr": 1e-3, "epochs": 15, "dropout": dropout}
        config = {"train": train, "strategy": {}}
        strategy(tmp_path, "full", 0.9, 0.9, seeds=range(2), size=90, config=config)
    text = shown(read(tmp_path))
    for names in (f"full, train.dropout={dropout}" for dropout in (0.1, 0.0)):
        assert len(rows(text, f"| {names} |", "gpt2 (causal)")) == 2  # scores, seeds
    assert len(rows(text, "| head_only |", "gpt2 (causal)")) == 2


def test_equal_trials_say_nothing(tmp_path):
    for name in ("full", "head_only"):
        strategy(tmp_path, name, 0.9, 0.8, seeds=range(2), size=300)
    assert "Unequal" not in shown(read(tmp_path))


def test_what_makes_no_sense_is_a_dash_with_its_reason(tmp_path):
    for name in ("full", "lora"):
        strategy(tmp_path, name, 0.9, 0.8, seeds=range(2), size=300)
    of = cell(task="classification", strategy="head_only")
    leave(tmp_path, of, outcome=Outcome(UNSUPPORTED, HOSTILE), config={}, **NOTHING)
    text = shown(read(tmp_path))
    assert_rectangular(text + "\n")
    found = row(text, "head_only", "gpt2 (causal)")
    assert found[2:9] == ["-"] * 7
    (reason,) = [line for line in text.splitlines() if line.startswith("- gpt2: ")]
    assert "script" in reason
    assert "<script>" not in text


def test_the_page_is_there_with_its_picture(several):
    page = report.render(several, list(retention.pictures(several)))
    assert "## Ways of tuning" in page
    assert "figures/retention-classification-world-mini.svg" in page


# --- the picture --------------------------------------------------------------------------------


def test_an_ablation_and_another_mode_have_no_place_in_the_picture(tmp_path):
    plain = {"lr": 1e-3, "epochs": 15, "dropout": 0.1}
    for name, settings in (("full", {}), ("freeze", {"share": 0.5})):
        config = {"train": plain, "strategy": settings}
        strategy(tmp_path, name, 0.9, 0.8, seeds=range(2), size=300, config=config)
    ablated = {"train": {**plain, "dropout": 0.0}, "strategy": {}}
    strategy(tmp_path, "full", 0.5, 0.5, seeds=range(2), size=300, config=ablated, trials=None)
    for seed in range(2):
        other = cell(task="classification", seed=seed, mode="causal_mean")
        leave(tmp_path, other, known(0.6), 300, config={"train": plain, "strategy": {}})
    (panel,) = retention.panels(read(tmp_path).comparison.groups[0])
    assert panel.retained
    assert [[mark.way for mark in line.marks] for line in panel.lines] == [
        ["full", "freeze 50 %"],
        ["full", "freeze 50 %"],
    ]


def test_pairs_that_were_tuned_in_one_way_are_left_out(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.8, seeds=range(2), size=300)
    for seed in range(2):  # another way, of another pair
        other = cell(task="classification", seed=seed, model="g9", pair="p9", strategy="lora")
        leave(tmp_path, other, known(0.6), 300, config={"train": {"lr": 1e-3}, "strategy": {}})
    assert adaptation.adapted(read(tmp_path).comparison.groups[0]) == []


def test_the_picture_draws_what_is_kept(several):
    (panel,) = retention.panels(several.comparison.groups[0])
    assert panel.retained
    gpt, bert = panel.lines
    assert [mark.way for mark in bert.marks] == [
        "full", "freeze 50 %", "head_only", "prompt, zero-shot",
    ]  # fmt: skip
    assert [mark.tuned for mark in gpt.marks] == [SIZES[n] for n in STRATEGIES]
    (one,) = retention.pictures(several)
    (axes,) = one.figure.axes
    assert axes.get_xscale() == "log"
    points = [line for line in axes.lines if line.get_gid() == "way"]
    assert len(points) == 7  # nothing tuned has no place on a log axis
    heights = sorted(float(line.get_ydata()[0]) for line in points)
    means = sorted(m.found.mean for line in panel.lines for m in line.marks if m.tuned)
    assert heights == pytest.approx(means)
    assert {line.get_marker() for line in points} == {"o", "s"}
    words = " ".join(text.get_text() for text in axes.texts)
    assert all(name in words for name in ("GPT: gpt2", "BERT: bert", "prompt, zero-shot", "50 %"))


def test_scores_are_drawn_where_shares_are_refused(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.88, seeds=range(2))
    strategy(tmp_path, "freeze", 0.6, 0.87, seeds=range(2), trials={"gpt": 8, "bert": 4})
    found = read(tmp_path)
    assert "Not measured: " not in sections(report.render(found))["Efficiency"]
    (panel,) = retention.panels(found.comparison.groups[0])
    assert not panel.retained
    (one,) = retention.pictures(found)
    assert retention.SCORED in one.caption
    (axes,) = one.figure.axes
    assert axes.get_ylabel() == "accuracy"


# --- runs that diverged -------------------------------------------------------------------------


def test_the_reason_of_a_run_begins_as_the_exception_is_called():
    assert train.Diverged.__name__ == steadiness.DIVERGED


def test_a_diverged_run_counts_as_the_rule_that_reads_nothing(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.88, seeds=range(4))
    strategy(tmp_path, "freeze", 0.9, 0.87, seeds=range(4))
    lose(tmp_path, 7)
    lose(tmp_path / "elsewhere", 2)  # which finished here
    lose(tmp_path, 8, lr=0.5)  # another arm's
    lose(tmp_path, 9, role="tuning")
    found = read(tmp_path)
    (group,) = found.comparison.groups
    (arm,) = [a for a in group.arms if (a.key.strategy, a.key.family) == ("full", "gpt")]
    assert steadiness.diverged(arm, found.comparison.failures) == (7,)
    told = steadiness.steadiness(arm, found.comparison.failures)
    mean = arm.scores[0].estimate.mean
    assert (told.finished, told.diverged, told.failed, told.runs) == (4, 1, 1, 5)
    assert told.mean == pytest.approx(mean)
    assert told.with_diverged == pytest.approx((4 * mean + 0.5) / 5)
    text = shown(found)
    assert len(rows(text, "| full", "gpt2 (causal)", "1 of 5 (1 diverged)")) == 1
    assert len(rows(text, "| full", "gpt2 (causal)", "1 of 1 (1 diverged)")) == 1
    chapter = report.render(found)
    assert "1 of 5 runs diverged; each counted as the rule that ignores the input" in chapter
    assert "every run diverged" in chapter  # the arm at lr=0.5


def test_a_run_that_was_stopped_from_outside_is_no_result_of_the_model(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.88, seeds=range(2), size=300)
    lose(tmp_path, 7)
    of = cell(task="classification", strategy="full", seed=8)
    killed = Outcome("failed", "the process was ended by SIGKILL; out of memory")
    config = {"train": {"lr": 1e-3, "epochs": 15}, "strategy": {}, "seed": 8}
    leave(tmp_path, of, outcome=killed, config=config, **NOTHING)
    found = read(tmp_path)
    (group,) = found.comparison.groups
    assert steadiness.diverged(group.arms[0], found.comparison.failures) == (7,)


def test_runs_near_the_rule_are_failed_ones(tmp_path):
    strategy(tmp_path, "full", lambda seed: 0.5 if seed < 2 else 0.9, 0.9, size=1800)
    (group,) = read(tmp_path).comparison.groups
    told = steadiness.steadiness(group.arms[0], ())
    assert (told.near_floor, told.failed) == (2, 2)
    assert told.low < 0.55 < 0.7 < told.high
    assert told.sd > 0.1


def test_the_stability_claim_counts_diverged_runs(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.88, seeds=range(6))
    lose(tmp_path, 7)
    (one,) = [f for f in judge(read(tmp_path)) if f.claim.id == "C11"]
    assert "failed runs 1 of 7 and 0 of 6" in str(one.numbers)


# --- before and after ---------------------------------------------------------------------------


def only(found, claim):
    (one,) = [f for f in judge(found) if f.claim.id == claim]
    return one


def test_tuning_is_set_against_no_tuning_and_a_linear_probe(several):
    for claim, gpt in (("C10c", 0.9 - 0.55), ("C10d", 0.9 - 0.57)):
        one = only(several, claim)
        assert one.status == SUPPORTED
        assert [n.label for n in one.decided] == ["classification, GPT", "classification, BERT"]
        assert one.decided[0].value.mean == pytest.approx(gpt * 2 / 3, abs=0.05)


def test_a_probe_that_is_better_reverses_it(tmp_path):
    strategy(tmp_path, "full", 0.7, 0.7)
    assert only(read(tmp_path), "C10d").status == NOT_TESTED
    strategy(tmp_path, "head_only", 0.8, 0.8)
    assert only(read(tmp_path), "C10d").status == REVERSED


def test_the_pair_that_was_probed_is_asked(tmp_path):
    wider_pair(tmp_path)
    strategy(tmp_path, "full", 0.9, 0.9)
    strategy(tmp_path, "head_only", 0.6, 0.6)
    assert only(read(tmp_path), "C10d").status == SUPPORTED


def test_a_probe_with_other_trials_is_refused(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.9)
    strategy(tmp_path, "head_only", 0.6, 0.6, trials=2)
    one = only(read(tmp_path), "C10d")
    assert (one.status, one.decided) == (UNDETERMINED, ())
    assert "tuning.trials" in one.detail


def test_solved_examples_are_shown_and_do_not_decide(tmp_path):
    strategy(tmp_path, "full", 0.9, 0.9)
    strategy(
        tmp_path, "prompt", 0.6, lambda s: 0.6 + 0.01 * s, settings={"shots": 4, "score": "pmi"}
    )
    one = only(read(tmp_path), "C10c")
    assert one.status == NOT_TESTED
    assert len(one.numbers) == 2
    assert "prompt, 4 shots, not deciding" in one.numbers[0].label


# --- main questions -----------------------------------------------------------------------------


def test_other_ways_of_tuning_are_no_main_questions_where_full_is_on_record(several, tmp_path):
    assert [one.family.pair.strategy for one in main(several.verdicts)] == ["full"]
    assert {one.family.kind for one in several.verdicts if one.family.pair.strategy == "lora"} == {
        "secondary"
    }
    strategy(tmp_path, "freeze", 0.9, 0.8, seeds=range(2), size=300)
    found = read(tmp_path)
    assert [one.family.kind for one in found.verdicts] == [PRIMARY]
    (one,) = [f for f in judge(found) if f.claim.id == "C1"]
    assert "freeze 50 %" in one.scope
    assert [family.pair.strategy for family in leading(found)] == ["freeze"]
