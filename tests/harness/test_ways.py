"""GPT beside BERT, one row a way of tuning, and what was asked untuned among them."""

import os
from dataclasses import replace

import pytest
from adapting import STRATEGIES, strategy
from rendered import assert_rectangular, cells, rows
from synthetic import cell, data, leave, model

from harness import plan
from harness.claims import judge
from harness.comparing import findings
from harness.plots import retention
from harness.record import UNSUPPORTED, Outcome
from harness.report import appendix
from harness.report.adaptation import adaptation as shown
from harness.report.answer import answer
from harness.report.markdown import estimated
from harness.report.summary import summary

FOLDERS = {"gpt": "/models/a_gpt", "bert": "/models/a_bert"}
GPU = {"gpu": "NVIDIA H100", "python": "3.12.3"}
NOTHING = {"data": None, "model": None, "training": None, "evaluated": None, "metrics": ()}
SIZE = 600
LORA = ["lora, rank 8", "gpt2 (causal)"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


def read(*roots):
    return findings.find(roots, plan.default())


def labels(count):
    """Data facts of a training split of so many examples; dev and test are always the same."""
    base = data(cell(task="classification"), SIZE)
    digests = {**base.digests, "train": f"{count:064d}"}
    return replace(base, digests=digests, sizes={**base.sizes, "train": count})


def left(root, name, gpt, bert, count=100, **words):
    words = {"environment": GPU, "data": labels(count), "size": SIZE, **words}
    strategy(root, name, gpt, bert, **words)


def asked(root, count=5000, **words):
    """A prompt on the processor of the machine, with all the training data that nobody read."""
    left(root, "prompt", 0.55, 0.54, count, environment={"cpu": "Xeon"}, seeds=range(1), **words)


def beside(text, name):
    """A row of the table of both families."""
    (found,) = [one for one in map(cells, rows(text)) if one[0] == name and len(one) == 8]
    return found


def test_both_families_stand_in_one_table_with_their_difference(tmp_path):
    for name, gpt, bert in (("full", 0.9, 0.8), ("freeze", 0.7, 0.78)):
        left(tmp_path, name, gpt, bert, weights=FOLDERS)
    found = read(tmp_path)
    (group,) = found.comparison.groups
    text = shown(found)
    assert_rectangular(text + "\n")
    table = [one[0] for one in map(cells, rows(text)) if len(one) == 8]
    assert table[2:] == ["full", "freeze 50 %"]
    for name in ("full", "freeze"):
        (one,) = [c for c in group.contrasts if c.gpt.key.strategy == name]
        row = beside(text, "full" if name == "full" else "freeze 50 %")
        assert row[2:4] == [estimated(arm.scores[0].estimate) for arm in (one.gpt, one.bert)]
        assert row[4] == estimated(one.difference, True)
    assert beside(text, "full")[5:] == ["GPT better", "1", "1"]
    assert beside(text, "freeze 50 %")[1] == "30.3 %"


def test_a_folder_of_weights_for_each_is_one_pair(tmp_path):
    for name, gpt, bert in (("full", 0.9, 0.9), ("freeze", 0.6, 0.88)):
        left(tmp_path, name, gpt, bert, weights=FOLDERS)
    found = read(tmp_path)
    (panel,) = retention.panels(found.comparison.groups[0])
    assert [line.family for line in panel.lines] == ["gpt", "bert"]
    (claim,) = [one for one in judge(found) if one.claim.id == "C6"]
    assert len(claim.decided) == 2  # BERT against its gain, and BERT against GPT


def test_a_prompt_joins_what_was_trained_on_other_labels_and_another_machine(tmp_path):
    left(tmp_path, "full", 0.9, 0.8)
    asked(tmp_path)
    found = read(tmp_path)
    (group,) = found.comparison.groups
    assert (group.key.hardware, group.labels, dict(group.variant)) == ("NVIDIA H100", 100, {})
    row = beside(shown(found), "prompt, zero-shot")
    assert float(row[6].split()[0]) == pytest.approx(0.125, abs=0.1)  # .05 of .40
    assert "-" not in row[6:]


def test_a_prompt_with_solved_examples_read_labels_and_stays_apart(tmp_path):
    left(tmp_path, "full", 0.9, 0.8)
    asked(tmp_path, settings={**STRATEGIES["prompt"], "shots": 4})
    assert len(read(tmp_path).comparison.groups) == 2


def test_a_prompt_beside_several_sizes_of_training_data_stays_apart(tmp_path):
    for count in (100, 200):
        config = {"train": {"lr": 1e-3}, "strategy": {}, "data": {"train_limit": count}}
        left(tmp_path, "full", 0.9, 0.8, count, config=config)
    asked(tmp_path)
    assert len(read(tmp_path).comparison.groups) == 3


def test_a_prompt_on_several_machines_stays_apart(tmp_path):
    left(tmp_path / "one", "full", 0.9, 0.8)
    asked(tmp_path / "one")
    left(tmp_path / "two", "prompt", 0.55, 0.54, 5000, seeds=range(1))
    groups = read(tmp_path / "one", tmp_path / "two").comparison.groups
    assert len(groups) == 3
    assert not [arm for group in groups for arm in group.arms if arm.refused]


def test_labels_that_a_prompt_never_saw_are_no_other_treatment(tmp_path):
    for name in ("full", "prompt"):
        seeds, limit = (range(5), 100) if name == "full" else (range(1), None)
        config = {"train": {"lr": 1e-3}, "strategy": {}, "data": {"train_limit": limit}}
        left(tmp_path, name, 0.9, 0.8, limit or 5000, config=config, seeds=seeds)
    text = shown(read(tmp_path))
    assert "Trained on 100 examples" in text
    assert "refused" not in text


def test_the_trained_say_how_many_examples_there_were(tmp_path):
    left(tmp_path, "sgd", 0.9, 0.8)  # its name stands behind that of prompts
    asked(tmp_path)
    (group,) = read(tmp_path).comparison.groups
    assert group.arms[0].untrained
    assert group.labels == 100


def test_a_difference_needs_no_gain_to_divide_by(tmp_path):
    left(tmp_path, "full", 0.51, 0.51)
    left(tmp_path, "lora", 0.8, 0.8)
    every = [r for r in map(cells, rows(shown(read(tmp_path)))) if len(r) == 10]
    (found,) = [r for r in every if r[:2] == LORA]
    assert found[8].startswith("- (undefined")
    assert float(found[9].split()[0]) == pytest.approx(0.19, abs=0.04)


def test_shares_of_parameters_that_differ_are_both_told(tmp_path):
    for family, sizes in (("gpt", 6_000), ("bert", 300_000)):
        for name, tuned in (("full", 660_000), ("lora", sizes)):
            of = cell(task="classification", family=family, strategy=name)
            facts = replace(model(of), parameters={"total": 660_000, "trainable": tuned})
            leave(tmp_path, of, 0.8, size=SIZE, model=facts, config={"strategy": {}})
    assert beside(shown(read(tmp_path)), "lora")[1] == "0.909 % / 45.5 %"


def test_a_half_that_makes_no_sense_is_not_missed(tmp_path):
    left(tmp_path, "full", 0.9, 0.8)
    left(tmp_path, "prompt", 0.55, None)
    assert read(tmp_path).comparison.groups[0].missing
    of = cell(task="classification", family="bert", strategy="prompt")
    leave(tmp_path, of, outcome=Outcome(UNSUPPORTED, "it cannot"), config={}, **NOTHING)
    found = read(tmp_path)
    assert not found.comparison.groups[0].missing
    text = shown(found)
    assert beside(text, "prompt, zero-shot")[3:6] == ["-"] * 3
    assert "- bert: it cannot" in text.splitlines()


def test_another_mode_that_makes_no_sense_hides_no_failure(tmp_path):
    left(tmp_path, "full", 0.9, None)
    of = cell(task="classification", family="bert", mode="mean")
    leave(tmp_path, of, outcome=Outcome(UNSUPPORTED, "it cannot"), config={}, **NOTHING)
    assert read(tmp_path).comparison.groups[0].missing
    (row,) = rows(summary(read(tmp_path)), "classification on world (test split)")
    assert cells(row)[-1] == "missing half"


def test_the_page_says_what_its_numbers_rest_on(tmp_path):
    left(tmp_path, "full", 0.9, 0.8, tuning={"trials": 4})
    left(tmp_path, "lora", 0.8, 0.8, tuning={"trials": 4, "edges": ["train.lr high"]})
    asked(tmp_path)
    found = read(tmp_path)
    text = shown(found)
    assert "Trained on 100 examples, the same for every seed" in text
    assert "Floor: .500, by the rule that ignores the input." in text
    assert "Unequal" not in text
    table = {tuple(one[:2]): one for one in map(cells, rows(text)) if len(one) == 10}
    lora, full = (table[way, "gpt2 (causal)"] for way in ("lora, rank 8", "full"))
    assert [row[7] for row in (lora, full)] == ["4 (best at an end)", "4"]
    assert full[9] == "-"
    assert float(lora[9].split()[0]) == pytest.approx(-0.07, abs=0.03)  # two thirds of .1


def test_what_is_refused_is_no_dash(tmp_path):
    left(tmp_path, "full", 0.9, 0.8)
    left(tmp_path, "lora", 0.8, 0.8, trials={"gpt": 8, "bert": 4})
    row = beside(shown(read(tmp_path)), "lora, rank 8")
    assert float(row[6].split()[0]) > 0.5
    assert row[7] == "see below"


def test_the_other_side_makes_no_sense_in_the_summary_too(tmp_path):
    left(tmp_path, "prompt", 0.55, None)
    (row,) = rows(summary(read(tmp_path)), "classification on world (test split)")
    assert cells(row)[-1] == "missing half"
    of = cell(task="classification", family="bert", strategy="prompt")
    leave(tmp_path, of, outcome=Outcome(UNSUPPORTED, "it cannot"), config={}, **NOTHING)
    (row,) = rows(summary(read(tmp_path)), "classification on world (test split)")
    assert cells(row)[-1] == "the other side makes no sense"


def test_a_search_and_the_device_are_part_of_the_command(tmp_path):
    left(tmp_path, "full", 0.9, 0.8, tuning={"trials": 4, "search": "small"}, sweep="wide")
    asked(tmp_path, sweep="wide")
    box = appendix.commands(read(tmp_path).comparison)
    assert "python -m harness.tune search=small device=cuda " in box
    assert "\npython -m harness.run sweep=wide device=cuda\n" in box


def test_what_is_true_of_some_models_is_said_of_them(tmp_path):
    twice = replace(labels(100), warnings=("2 of 600 test examples are also in train",))
    left(tmp_path, "full", 0.9, 0.8, data=twice)
    (line,) = data_lines(tmp_path)
    assert line == "- classification, world: 2 of 600 test examples are also in train"
    left(tmp_path, "lora", 0.9, 0.8)
    (line,) = data_lines(tmp_path)
    assert line.startswith(
        "- classification, world: gpt2, mini, 0.66 M parameters, embedded and bert"
    )


def data_lines(root):
    text = appendix.data(read(root).comparison)
    return [line for line in text.splitlines() if "also in train" in line]


def test_the_first_screen_names_the_ways_that_have_another_answer(tmp_path):
    left(tmp_path, "full", 0.85, 0.85)
    for name, gpt, bert in (("freeze", 0.9, 0.6), ("lora", 0.9, 0.7), ("head_only", 0.7, 0.7)):
        left(tmp_path, name, gpt, bert)
    (line,) = [t for t in answer(read(tmp_path)).splitlines() if t.startswith("- **")]
    assert "; GPT is better under freeze 50 % and under lora, rank 8" in line
    left(tmp_path / "other", "full", 0.9, 0.6)
    left(tmp_path / "other", "freeze", 0.9, 0.6)
    (line,) = [t for t in answer(read(tmp_path / "other")).splitlines() if t.startswith("- **")]
    assert " is better under" not in line
