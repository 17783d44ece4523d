from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rendered import HOSTILE, STEERING, assert_rectangular, cells, rows, sections, text_of
from synthetic import cell, data, leave, model

from harness.record import Outcome
from harness.report import markdown
from harness.report.__main__ import main
from harness.report.summary import MECHANISM
from harness.statistics.stats import EXAMPLES_ONLY, Estimate


def sweep(root: Path, seeds: int = 5, **words: Any) -> None:
    changes = words.pop("changes", {})
    for seed in range(seeds):
        for family in ("gpt", "bert"):
            leave(root, cell(family=family, seed=seed, **words), **changes)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Both tasks, a control, a failure, tuning, a single adapted run."""
    root = tmp_path_factory.mktemp("full")
    tuned = {"trials": 8, "chosen": 1e-3, "edge": True, "table": []}
    tuned["table"] = [{"lr": 1e-3, "seed": 1000, "score": 0.8}, {"lr": 3e-4, "score": None}]
    sweep(root, task="classification", changes={"tuning": tuned})
    sweep(root, changes={"size": 3000})
    sweep(root, weights="scratch", changes={"share": 0.3, "size": 3000})
    leave(root, cell(family="gpt", mode="unmask"), size=3000)
    for rate in (1e-3, 3e-4):
        config = {"train": {"lr": rate}, "seed": 1000}
        of = cell(family="bert", seed=1000, role="tuning")
        leave(root, of, config=config, evaluated="dev")
    gone = {"data": None, "model": None, "training": None}
    leave(root, cell(family="bert", seed=9), outcome=Outcome("failed", "out of memory"), **gone)
    return text_of(root)


def test_first_screen(full: str) -> None:
    top = full.split("\n## ")[0]
    assert top.startswith("# GPT or BERT, for which task?\n")
    (answer,) = rows(top, "**BERT**")
    task, chosen, _, _, advantage, _, sure = cells(answer)
    assert (task, chosen, sure) == ("NER", "**BERT**", "5 seeds")
    assert re.fullmatch(r"\+\.\d{3} \[\+\.\d{3}, \+\.\d{3}\]", advantage)
    assert "Choose **BERT** for NER. Undetermined: classification." in top
    assert "- **NER** (embedded world, same data and size): choose **BERT**: its entity F1" in top
    assert "failed runs: 1" in top
    assert "scratch" not in top
    assert len(rows(top, "|")) == 4  # header, rule and two tasks: it fits on a screen


def test_all_comparisons(full: str) -> None:
    top = sections(full)["All comparisons"]
    (headline,) = rows(top, "ner on world", "entity F1", "BERT better |")
    task, metric, match, gpt, bert, difference, reading = cells(headline)
    assert task == "ner on world (test split)"
    assert (metric, match) == ("entity F1 (strict IOB2)", "same data and size")
    assert re.fullmatch(
        r"gpt2, mini, 0\.66 M parameters, embedded: \.\d{3} \[\.\d{3}, \.\d{3}\]", gpt
    )
    assert bert.startswith("bert, mini, 0.66 M parameters, embedded: .")
    assert re.fullmatch(r"\+\.\d{3} \[\+\.\d{3}, \+\.\d{3}\]", difference)
    assert reading == "BERT better"
    assert rows(top, "classification on world", "undetermined")
    (adapted,) = rows(top, "unmask")
    assert "undetermined (one seed: these runs only)" in adapted
    assert "scratch" not in top


def test_every_chapter_of_embedded_scores_says_what_it_shows(full: str) -> None:
    chapters = re.split(r"^##? (.*)$", full, flags=re.MULTILINE)
    named = dict(zip(chapters[1::2], chapters[2::2], strict=True))
    scored = [name for name in named if name.endswith("on world (test split)")]
    assert len(scored) >= 2
    for name in ("GPT or BERT, for which task?", "Tuning", *scored):
        assert named[name].count(MECHANISM) == 1, name


def test_files_are_not_called_embedded(tmp_path: Path) -> None:
    for family in ("gpt", "bert"):
        of = cell(family=family)
        leave(tmp_path, of, data=data(of, 300, source="files", caps={}))
    assert MECHANISM not in text_of(tmp_path)


def test_tables_are_aligned(full: str) -> None:
    assert_rectangular(full)


def test_controls_and_slices(full: str) -> None:
    named = sections(full)
    (control, twins) = rows(named["Controls"], "gpt2, mini, 0.66 M parameters, embedded |")
    assert cells(control)[2] == ".000"
    assert cells(control)[3].endswith(" SE")
    assert cells(control)[4] == ".020"
    assert cells(twins)[1] == "seeds 0, 1, 2, 3, 4"
    assert re.fullmatch(r"\+\.\d{3} \[\+\.\d{3}, \+\.\d{3}\]", cells(twins)[3])
    assert cells(twins)[4] == "scratch worse"
    box = named["Slices"]
    assert "what the best reader of this kind scores there" in box
    head = "| slice | cap (causal) | GPT | cap (bidirectional) | BERT | BERT - GPT |"
    first = box[: box.index("scratch")]
    assert rows(first, head)
    assert "GPT is **gpt2, mini, 0.66 M parameters, embedded**; BERT is **bert, mini" in first
    right, behind = rows(first, "| R |")
    assert cells(right)[1::2][:2] == [".500", "1.000"]
    assert re.fullmatch(r"\+\.\d{3} \[\+\.\d{3}, \+\.\d{3}\]", cells(right)[-1])
    assert cells(behind)[1:3] == ["600", "30"]
    assert cells(behind)[-2:] == ["1.000", "1.000"]
    adapted = rows(box, "| R | gpt2, mini, 0.66 M parameters, embedded, unmask |")
    assert [cells(row)[-1] for row in adapted][:1] == ["1.000"]
    assert len(adapted) == 2  # its score, and its difference from BERT


def test_control_on_one_seed_says_so(tmp_path: Path) -> None:
    sweep(tmp_path)
    leave(tmp_path, cell(family="gpt", weights="scratch"), share=0.3)
    (twins,) = rows(sections(text_of(tmp_path))["Controls"], "seed 0 only")
    assert cells(twins)[3].endswith(r"]\*")
    assert cells(twins)[4] == "scratch worse"


def test_control_that_is_void_or_refused(tmp_path: Path) -> None:
    sweep(tmp_path, 1, changes={"size": 1000})
    leave(tmp_path, cell(family="gpt", weights="scratch"), share=0.99, size=1000)
    other = {"train": {"lr": 1.0}}
    leave(tmp_path, cell(family="bert", weights="scratch"), size=1000, config=other)
    box = sections(text_of(tmp_path))["Controls"]
    assert rows(box, "seed 0 only", "void: alarm 1 (gpt2, seed 0)")
    assert rows(box, "refused: runs differ in", "train.lr (0.001 and 1.0)")


def test_a_pair_fits_on_a_screen(tmp_path: Path) -> None:
    sweep(tmp_path, 1, changes={"size": 1000})
    for family in ("gpt", "bert"):
        leave(tmp_path, cell(family=family, weights="scratch"), share=0.3, size=1000)
    named = sections(text_of(tmp_path))
    for name in ("Scores", "Differences", "Controls", "Slices"):
        lines = [line for line in named[name].splitlines() if line.startswith("|")]
        assert lines
        assert max(map(len, lines)) <= 120, name
    table = rows(named["Differences"], "BERT - GPT", "reading")
    assert len(table) == 2  # pretrained and scratch, each below the names of its models
    assert named["Differences"].count("GPT is **") == 2


def test_slices_without_interval_say_why_below(tmp_path: Path) -> None:
    sweep(tmp_path, 1, changes={"size": 40})
    assert "- no interval for GPT on U" in sections(text_of(tmp_path))["Slices"]


def test_controls_alone_are_shown_as_the_result(tmp_path: Path) -> None:
    sweep(tmp_path, 2, weights="scratch", task="classification")
    text = text_of(tmp_path)
    shown = sections(text)["All comparisons"]
    assert rows(shown, "classification on world", "scratch", "preliminary")
    assert "marked" not in sections(text)["Slices"]


def test_both_ways_of_counting_entities_are_shown(full: str) -> None:
    scores = sections(full)["Scores"]
    assert "\nentity F1 (strict IOB2):\n" in scores
    assert "\nentity F1 (conlleval):\n" in scores


def test_fairness_names_what_was_unequal(full: str) -> None:
    box = sections(full)["Fairness"]
    assert rows(box, "ner", "learning rate not tuned")
    assert rows(box, "classification", "tuned, 8 trials, at the edge of the grid")
    assert rows(box, "last", "causal")
    assert "No mismatch found in 4 pairs." in box
    assert "Compared were the two sides of each pair: kind of weights, task" in box


def test_unequal_search_is_refused_and_named(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="gpt"), tuning={"trials": 8})
    leave(tmp_path, cell(family="bert"))
    text = text_of(tmp_path)
    (row,) = rows(sections(text)["All comparisons"], "ner on world")
    assert cells(row)[-1] == "refused: the two sides differ in tuning.trials (8 and none)"
    box = sections(text)["Fairness"]
    assert "are not compared, they differ in tuning.trials (8 and none)" in box
    assert "No mismatch" not in box


def test_untuned_rates_are_named(tmp_path: Path) -> None:
    for family, rate in (("gpt", 1e-3), ("bert", 5e-4)):
        leave(tmp_path, cell(family=family), config={"train": {"lr": rate}})
    box = sections(text_of(tmp_path))["Fairness"]
    assert "differ in untuned learning rates (0.001 and 0.0005)" in box


def test_a_half_alone_is_not_called_fair(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="gpt"))
    box = sections(text_of(tmp_path))["Fairness"]
    assert "No pair to compare." in box
    assert "mismatch" not in box


def test_alarms_say_what_could_be_checked(tmp_path: Path) -> None:
    probes = {
        "left_only": [True, True],
        "left_change": 0.0,
        "right_change": 0.1,
        "padding_change": 0.0,
    }
    probes |= {"tolerance": {"causal": 1e-6, "padding": 1e-5}}
    of = cell(family="gpt")
    leave(tmp_path, of, data=data(of, 300, source="files", caps={}), probes=probes)
    leave(tmp_path, cell(family="bert", data="other"))
    box = sections(text_of(tmp_path))["Alarms"]
    able = "collapse to one answer; a causality probe against the model's claim; a padding probe; "
    able += "training that never beat the fresh head."
    assert f"- ner, world, checked for: {able} Not checked for: answers that" in box
    assert "- ner, other, checked for: answers that the reader cannot know; " in box
    assert "None rang of the alarms that could." in box


def test_sizes_that_differ_are_named(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="gpt"))
    of = cell(family="bert")
    pretrained = {"objective": "mlm", "loss_tokens": 10}
    leave(tmp_path, of, model=model(of, fertility=1.9, pretraining=pretrained))
    assert "differ in tokens per word (1.21 and 1.9)" in sections(text_of(tmp_path))["Fairness"]


def test_tuning_tables(full: str) -> None:
    box = sections(full)["Tuning"]
    assert "8 trials by the dev split's accuracy, chosen learning rate 0.001, at the edge" in box
    assert rows(box, "0.001", ".800 (1)")
    assert "trials of this folder" in box


def test_failures_and_environment(full: str) -> None:
    named = sections(full)
    assert rows(
        named["Failures and missing runs"],
        "out of memory",
        "bert, mini, embedded",
        "| 9 |".strip("| "),
    )
    assert rows(named["Environment"], "torch.threads", "| 1 ")
    assert "\npython -m harness.run sweep=default\n" in named["To reproduce"]


def test_runs_outside_a_sweep_have_their_own_commands(tmp_path: Path) -> None:
    for seed in (0, 2):
        leave(tmp_path, cell(family="gpt", seed=seed), sweep=None)
    leave(tmp_path, cell(family="gpt", weights="scratch", seed=3), sweep=None)
    leave(tmp_path, cell(family="bert"), sweep="quick")
    leave(tmp_path, cell(family="bert", data="rm -rf /; true"), sweep=None)
    box = sections(text_of(tmp_path))["To reproduce"]
    assert "\npython -m harness.run -m model=gpt2 task=ner data=world seed=0,2\n" in box
    assert " model=gpt2 task=ner data=world model.weights=scratch seed=3\n" in box
    assert "\npython -m harness.run sweep=quick\n" in box
    assert "rm -rf" not in box
    assert "settings cannot be typed: 1." in box


def test_places_that_no_record_keeps_are_left_to_the_reader(tmp_path: Path) -> None:
    own = {"_target_": "tasks.files.own.load", "name": None, "text": "body", "label": "stars"}
    hub = {"_target_": "tasks.hub.load.load", "name": "hub_sst2", "text": "sentence"}
    any_one = {"architecture": {"model_type": "auto"}}
    leave(tmp_path, cell(data="reviews one"), sweep=None, config={"data": own})
    leave(tmp_path, cell(data="hub_sst2"), sweep=None, config={"data": hub})
    leave(tmp_path, cell(model="tiny", weights="tiny"), sweep=None, config={"model": any_one})
    box = sections(text_of(tmp_path))["To reproduce"]
    files = "data=files data.path=... data.text=body data.label=stars seed=0\n"
    assert f" model=gpt2 task=ner {files}" in box
    assert " model=gpt2 task=ner data=hub_sst2 seed=0\n" in box
    assert " model=checkpoint model.path=... model.name=tiny task=ner data=world seed=0\n" in box
    assert "`...` stands for a path on your machine" in box
    assert "cannot be typed" not in box


def test_void_runs_void_the_reading(tmp_path: Path) -> None:
    sweep(tmp_path, 3, changes={"size": 1000})
    leave(tmp_path, cell(family="gpt", seed=1), share=0.99, size=1000)
    text = text_of(tmp_path)
    (row,) = rows(sections(text)["All comparisons"], "ner on world")
    assert cells(row)[-1].startswith("void: alarm 1 (gpt2, seed 1)")
    assert rows(sections(text)["Alarms"], "| void", "seed 1", "can only guess")


def test_smoke_runs_get_no_verdict(tmp_path: Path) -> None:
    sweep(tmp_path, changes={"sweep": "smoke"})
    (row,) = rows(sections(text_of(tmp_path))["All comparisons"], "ner on world")
    assert cells(row)[-1] == "no verdict: smoke run: it tries the pipeline and answers nothing"


def test_three_seeds_are_preliminary(tmp_path: Path) -> None:
    sweep(tmp_path, 3, changes={"size": 3000})
    (row,) = rows(sections(text_of(tmp_path))["All comparisons"], "ner on world")
    assert cells(row)[-1] == "preliminary (3 seeds): BERT better"


def test_missing_half(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="gpt"))
    text = text_of(tmp_path)
    (row,) = rows(sections(text)["All comparisons"], "ner on world")
    assert cells(row)[-3:] == ["-", "-", "missing half"]
    assert "no finished BERT run (0 failed)" in text


def test_refused_runs_are_shown_by_field(tmp_path: Path) -> None:
    sweep(tmp_path, 2)
    of = cell(family="gpt", seed=3)
    leave(tmp_path, of, model=model(of, vocabulary=1, tokenizer_digest="0"))
    text = text_of(tmp_path)
    assert "refused: the two sides differ in gpt2: model.tokenizer_digest" in text


def test_nothing_finished(tmp_path: Path) -> None:
    gone = {"data": None, "model": None, "training": None}
    leave(tmp_path, cell(family="gpt"), outcome=Outcome("failed", None, "Traceback"), **gone)
    text = text_of(tmp_path)
    assert "No pair of models has results yet" in text
    assert "Traceback" in text


def test_facts_that_are_missing_are_dashes(tmp_path: Path) -> None:
    of = cell(family="gpt")
    bare = {"training": None, "majority": None, "truncation": None, "finished_at": None}
    leave(tmp_path, of, model=model(of, pretraining={}, parameters={}), **bare)
    leave(tmp_path, cell(family="bert"), model=None, **bare)
    assert rows(text_of(tmp_path), "bert, mini, embedded", "| - |")


def test_two_pairs_of_a_task_are_a_row_each(tmp_path: Path) -> None:
    sweep(tmp_path)
    sweep(tmp_path, pair="twin", level="twin", match="one body, two masks")
    top = sections(text_of(tmp_path))["All comparisons"]
    found = [cells(row) for row in rows(top, "ner on world")]
    assert [row[2] for row in found] == ["same data and size", "twin"]
    assert [", twin, " in row[3] for row in found] == [False, True]
    assert "mini (same data and size: families as published), twin (twin: one body, two" in top


# --- foreign text -------------------------------------------------------------------------------


def test_hostile_text_does_no_harm(tmp_path: Path) -> None:
    for family in ("gpt", "bert"):
        of = cell(family=family, match=HOSTILE, data=HOSTILE)
        leave(
            tmp_path,
            of,
            model=model(of, description=f"{family} {HOSTILE}", pretraining={"objective": HOSTILE}),
            data=data(of, 300, classes=("O", HOSTILE), warnings=(HOSTILE,)),
            unseen_classes=(HOSTILE,),
            environment={HOSTILE: HOSTILE},
            sweep=HOSTILE,
        ).rename(tmp_path / family)
    outcome = Outcome("failed", HOSTILE, HOSTILE)
    gone = {"data": None, "model": None, "training": None}
    leave(tmp_path, cell(seed=1), outcome=outcome, **gone).rename(tmp_path / "failed")
    text = text_of(tmp_path)
    assert "<" not in text
    assert "http:" not in text
    assert not re.search(r"(?<!\\)\]\(", text)
    assert not set(text) & set(STEERING)
    assert all(character == "\n" or character.isprintable() for character in text)
    fences = re.findall(r"^```$|(?<!`)`[\w ,./=<>-]+`(?!`)", text, flags=re.MULTILINE)
    assert text.count("`") - text.count("\\`") == sum(one.count("`") for one in fences)
    assert "\n# top" not in text
    assert_rectangular(text)


def test_ordinary_text_stays_readable() -> None:
    assert markdown.escape("bert-base-uncased, F1 (strict)") == "bert-base-uncased, F1 (strict)"
    assert markdown.escape("cut_words") == "cut_words"
    assert markdown.escape("Zürich, 東京, שלום") == "Zürich, 東京, שלום"
    assert markdown.escape("a\n b\t c") == "a b c"


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, sign, text",
    [
        (0.8123, False, ".812"),
        (1.0, False, "1.000"),
        (0.0, False, ".000"),
        (-0.0461, True, "-.046"),
        (0.0461, True, "+.046"),
        (None, False, "-"),
        (float("nan"), False, "-"),
    ],
)
def test_scores(value: float | None, sign: bool, text: str) -> None:
    assert markdown.score(value, sign) == text


def test_intervals_over_examples_only_are_starred() -> None:
    estimate = Estimate(0.8, 1, 99, 0.02, 0.76, 0.84, 98, EXAMPLES_ONLY)
    assert markdown.estimated(estimate) == r".800 [.760, .840]\*"


def test_no_interval_says_why() -> None:
    assert markdown.estimated(Estimate(0.8, 1, 2, note="too few")) == ".800 (no interval: too few)"


# --- the command --------------------------------------------------------------------------------


def test_command_writes_beside_the_records(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep(tmp_path, 2)
    assert main([str(tmp_path)]) == 0
    first = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out == f"{tmp_path / 'report.md'}\n"
    assert main([str(tmp_path), "--out", str(tmp_path / "deep" / "other.md")]) == 0
    other = (tmp_path / "deep" / "other.md").read_text(encoding="utf-8")
    assert other == first.replace("report/", "other/").replace("report.html", "other.html")
    for place in re.findall(r"\]\((other[^)]*)\)", other):
        assert (tmp_path / "deep" / place).is_file(), place
    assert (tmp_path / "deep" / "other.html").read_text(encoding="utf-8").startswith("<!doctype")
    assert (tmp_path / "deep" / "other" / "tables" / "scores.csv").is_file()


@pytest.mark.parametrize("there", [True, False])
def test_command_without_records(
    tmp_path: Path, there: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path if there else tmp_path / "none"
    assert main([str(folder)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "make sweep" in message
    assert not (tmp_path / "report.md").exists()


def test_command_that_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave(tmp_path, cell(family="gpt"))
    (tmp_path / "file").write_text("")
    assert main([str(tmp_path), "--out", str(tmp_path / "file" / "report.md")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("name", ["all.txt", "there"])
def test_command_with_an_out_that_is_no_page(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(tmp_path, cell(family="gpt"))
    (tmp_path / "there").mkdir()
    assert main([str(tmp_path), "--out", str(tmp_path / name)]) == 2
    assert "expected a markdown file" in capsys.readouterr().err


def test_pictures_stand_in_the_chapter_of_their_machine(tmp_path: Path) -> None:
    for seed in range(2):
        leave(tmp_path / "a", cell(seed=seed), environment={"cpu": "AAA"})
        for family in ("gpt", "bert"):
            leave(tmp_path / "b", cell(family=family, seed=seed), environment={"cpu": "BBB"})
    assert main([str(tmp_path)]) == 0
    alone, both = (tmp_path / "report" / f"ner-world{end}.md" for end in ("", "-2"))
    assert "hardware AAA" in alone.read_text(encoding="utf-8")
    assert "![" not in alone.read_text(encoding="utf-8")
    text = both.read_text(encoding="utf-8")
    for place in re.findall(r"\]\((figures/[^)]*)\)", text):
        assert (tmp_path / "report" / place).is_file()
    assert text.count("![") >= 2


def test_report_needs_neither_torch_nor_tasks() -> None:
    code = (
        "import sys, harness.report.__main__;"
        "print([m for m in ('torch', 'transformers', 'tasks', 'datasets', 'hydra')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
