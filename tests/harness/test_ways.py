"""GPT beside BERT, one row a way of tuning, and what was asked untuned among them."""

import os
from dataclasses import replace

import pytest
from adapting import STRATEGIES, strategy
from rendered import assert_rectangular, cells, rows
from synthetic import cell, data, leave

from harness import plan
from harness.claims import judge
from harness.comparing import findings
from harness.plots import retention
from harness.record import UNSUPPORTED, Outcome
from harness.report.adaptation import adaptation as shown
from harness.report.markdown import estimated

FOLDERS = {"gpt": "/models/a_gpt", "bert": "/models/a_bert"}
GPU = {"gpu": "NVIDIA H100", "python": "3.12.3"}
NOTHING = {"data": None, "model": None, "training": None, "evaluated": None, "metrics": ()}
SIZE = 600


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


def read(root):
    return findings.find([root], plan.default())


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


def test_a_prompt_of_another_pair_stays_apart(tmp_path):
    left(tmp_path, "full", 0.9, 0.8, weights=FOLDERS)
    asked(tmp_path)
    assert len(read(tmp_path).comparison.groups) == 2


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
