"""The model card says what the record says, in words and numbers that a report of the run has."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from cells import small_setup
from rendered import HOSTILE
from synthetic import cell, data, leave, model

from harness import experiment, record
from harness.comparing import aggregate
from harness.kept import card, exported
from harness.kept.exported import Agreement, Exported
from harness.report.markdown import interval, score

FORM = Exported(
    "BertForTokenClassification", "token-classification", None, Agreement(32, 30, 30, 2e-6)
)


def left(tmp_path, **changes):
    folder = leave(tmp_path, changes.pop("of", cell()), **changes)
    found = next(record.folders(tmp_path)) if folder is None else Path(folder)
    return record.read(found), record.read_counts(found)


def header(text):
    return yaml.safe_load(text.split("---\n")[1])


@pytest.mark.parametrize("task", ["ner", "classification", "generation"])
def test_scores_are_those_of_a_report_on_this_run(tmp_path, task):
    found, counts = left(tmp_path, of=cell(task=task))
    (group,) = aggregate.compare(tmp_path).groups
    text = card.text(found, counts, None)
    for one in group.arms[0].scores:
        (line,) = re.findall(rf"^\| {re.escape(one.meter.caption)} +\|.*$", text, re.MULTILINE)
        shown = score(one.estimate.mean)
        shown += f" {interval(one.estimate)}" if one.estimate.low is not None else ""
        assert shown in line
        assert line.rstrip("| ").endswith(score(one.majority))
    assert "one training seed" in text


def test_the_header_is_what_hubs_read(tmp_path):
    found, counts = left(tmp_path)
    told = header(card.text(found, counts, FORM))
    assert told == {
        "library_name": "transformers",
        "pipeline_tag": "token-classification",
        "tags": ["gpt-or-bert", "gpt2", "gpt", "ner"],
        "datasets": ["world"],
        "metrics": ["entity_f1", "entity_f1_conlleval"],
    }
    own = header(card.text(found, counts, Exported(None, None, "no class", None)))
    assert not {"library_name", "pipeline_tag", "license"} & set(own)


def test_facts_come_from_the_record(tmp_path):
    found, counts = left(tmp_path)
    text = card.text(found, counts, FORM)
    for fact in (
        found.model.description, found.identity, "1,000 examples", "18.4 CPU s", "150,000 tokens",
        "6.30e+11 floating-point", "lr 0.001", "30 of 30 training texts the same answers",
        "2 more become other tokens", "update 400", "not the ranking of released models",
        "a decoder (GPT)", "B-LOC",
    ):  # fmt: skip
        assert fact in text, fact


@pytest.mark.parametrize(
    ("tuning", "told"),
    [
        ({"trials": 8, "table": []}, "the rate is the best of 8 trials, scored on dev"),
        (None, "the rate was not searched for this setting"),
    ],
)
def test_how_the_rate_was_found_is_told(tmp_path, tuning, told):
    found, counts = left(tmp_path, tuning=tuning)
    assert told in card.text(found, counts, FORM)


@pytest.mark.parametrize(
    ("weights", "limit"),
    [("embedded", "embedded world"), ("scratch", "random numbers"), ("bert-base", None)],
)
def test_where_weights_come_from_limits_what_is_said(tmp_path, weights, limit):
    found, counts = left(tmp_path, of=cell(weights=weights))
    text = card.text(found, counts, FORM)
    assert ("embedded world" in text) == (weights == "embedded")
    assert limit is None or limit in text


def test_foreign_text_does_no_harm(tmp_path):
    found, counts = left(tmp_path)
    bad = replace(
        found,
        cell=cell(model=HOSTILE, data=HOSTILE, pair=HOSTILE),
        data=data(cell(), 300, name=HOSTILE, classes=[HOSTILE, "O"]),
        model=model(cell(), description=HOSTILE),
        environment={"cpu": HOSTILE, "versions": {"torch": HOSTILE}},
        unseen_classes=[HOSTILE],
    )
    text = card.text(bad, counts, replace(FORM, architecture=None, pipeline=None, why_not=HOSTILE))
    assert header(text)["datasets"] == [HOSTILE]
    odd = "films \N{GRINNING FACE}\n---\nlicense: mit"
    of_odd = card.text(replace(bad, cell=cell(data=odd)), counts, FORM)
    assert yaml.safe_load(re.split(r"(?m)^---$", of_odd)[1])["datasets"] == [odd]
    body = text.split("---\n", 2)[2]
    for harm in ("<script", "http://", "\u202e", "\x1b", "\n# top"):
        assert harm not in body
    assert not re.search(r"(?<!\\)\]\(", body)
    assert not set(text) & {"\x1b", "\u202e"}


CELLS = [
    ("classification", "bert", ()),
    ("matching", "gpt2", ()),
    ("ner", "gpt2", ()),
    ("ner", "bert", ()),
    ("generation", "gpt2", ("decoding.max_new_tokens=4",)),
]


@pytest.mark.parametrize(("task", "name", "more"), CELLS)
def test_the_code_on_the_card_runs_in_the_folder(
    tmp_path, shared_cache, monkeypatch, capsys, task, name, more
):
    torch.set_num_threads(1)
    setup = small_setup(tmp_path, shared_cache, f"model={name}", *more, task=task, keep=True)
    place = Path(experiment.execute(setup)) / record.CHECKPOINT
    text = (place / card.FILE).read_text(encoding="utf-8")
    assert text == card.text(
        record.read(place.parent), record.read_counts(place.parent), exported.read(place)
    )
    away = Path(shutil.copytree(place, tmp_path / "away"))
    monkeypatch.chdir(away)
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(compile(code, "card", "exec"), {})
    key = {"ner": "entity", "generation": "generated_text"}.get(task, "label")
    assert re.match(rf"\[\]|.*'{key}", capsys.readouterr().out)
    assert ('second="' in text) == (task == "matching")
