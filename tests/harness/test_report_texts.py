from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rendered import HOSTILE, STEERING, assert_rectangular, cells, rows, sections, text_of
from synthetic import TRAINING, cell, leave

from harness import record
from harness.report.__main__ import main


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three modes of writing, one of them on one seed and trained for longer; a control."""
    root = tmp_path_factory.mktemp("texts")
    for mode, seeds in (("causal", 5), ("unilm", 5), ("mask_predict", 1)):
        family = "gpt" if mode == "causal" else "bert"
        longer = {"training": replace(TRAINING, examples=51_200)} if seeds == 1 else {}
        for seed in range(seeds):
            of = cell(family=family, task="generation", mode=mode, seed=seed)
            leave(root, of, share={"causal": 0.95, "unilm": 0.7}.get(mode), **longer)
    leave(root, cell(family="gpt", task="generation", weights="scratch"), share=0.3)
    return text_of(root)


def test_who_is_better_where_less_is_better(texts: str) -> None:
    first = rows(sections(texts)["All comparisons"], "generation on world")
    assert [cells(row)[1] for row in first] == 2 * ["slot error rate (lower is better)"]
    usual, other = map(cells, first)
    assert usual[-2].startswith("+.")
    assert usual[-1] == "GPT better"
    assert "causal: ." in usual[3]
    assert "unilm: ." in usual[4]
    assert "mask_predict: ." in other[4]
    told = "undetermined (one seed: these runs only); unpaired seeds left out"
    assert other[-1] == told


def test_controls_where_less_is_better(texts: str) -> None:
    box = sections(texts)["Controls"]
    assert "Scores are slot error rate (lower is better)." in box
    control, twins = rows(box, "| gpt2, mini, 0.66 M parameters, embedded, causal |")
    assert cells(control)[3].startswith("+")
    assert cells(twins)[3].startswith("-.")
    assert cells(twins)[4] == "scratch worse"


def test_scores_of_texts_headline_first_and_looks_apart(texts: str) -> None:
    named = sections(texts)
    captions = re.findall(r"^([^\n|]+):$", named["Scores"], flags=re.MULTILINE)
    assert captions[0] == "slot error rate (lower is better)"
    assert captions[1:6] == ["name copied", "grammatical", "BLEU", "chrF2", "ROUGE-L"]
    assert "distinct" not in named["Scores"]
    assert "- BLEU: nrefs:2\\|case:mixed\\|eff:no\\|tok:13a" in named["Scores"]
    head, *described = rows(named["Texts"].split("Bits per byte")[0], "|")[:5]
    looks = ["repetition (4-grams)", "distinct-1", "distinct-2", "empty", "cut off"]
    assert cells(head) == ["model", *looks]
    assert len(described) == 4


def test_a_report_without_texts_shows_none_of_the_data(tmp_path: Path) -> None:
    kept = leave(tmp_path, cell(task="generation"))
    lines = (kept / record.PREDICTIONS).read_text(encoding="utf-8").splitlines()
    rows_ = [json.loads(line) for line in lines]
    inputs = [" ".join(row["words"]) for row in rows_]
    told = {True: [], False: []}
    for quoted, arguments in ((True, []), (False, ["--no-texts"])):
        out = tmp_path / f"{quoted}" / "report.md"
        assert main([str(tmp_path), "--out", str(out), *arguments]) == 0
        texts = [f.read_text("utf-8") for f in out.parent.rglob("*.*") if f.suffix != ".png"]
        told[quoted] = [line for line in inputs if any(line in text for text in texts)]
    assert told[True] == inputs[:3]
    assert told[False] == []


def test_bleu_is_shown_on_its_own_scale(texts: str) -> None:
    scores = sections(texts)["Scores"]
    part = scores[scores.index("BLEU:") : scores.index("chrF2:")]
    (row,) = rows(part, "unilm")
    assert re.fullmatch(r"\d\d\.\d\d", cells(row)[1])
    assert re.fullmatch(r"\[\d\d\.\d\d, \d\d\.\d\d\]", cells(row)[2])
    (beside,) = rows(sections(texts)["Differences"].split("GPT is **")[1], "| BLEU |")
    assert re.fullmatch(r"-\d+\.\d\d", cells(beside)[1])
    assert cells(beside)[3] == "GPT"


def test_a_metric_that_says_the_opposite_is_told(tmp_path: Path) -> None:
    for seed in range(5):
        for family, share in (("gpt", 0.6), ("bert", 0.9)):
            of = cell(family=family, task="generation", seed=seed)
            folder = leave(tmp_path, of, share=share)
            if family == "bert":
                spoiled(folder, lambda columns: columns.update(chrf_matched_1=[0] * 60))
                spoiled(folder, lambda columns: columns.update(chrf_matched_2=[0] * 60))
    (row,) = rows(sections(text_of(tmp_path))["All comparisons"], "generation on world")
    assert cells(row)[-1] == "undetermined (another metric says the opposite: chrF2)"


def spoiled(folder: Path, change: Any) -> None:
    """Change the counts of a run, and say so nowhere."""
    counts, found = record.read_counts(folder), record.read(folder)
    columns = dict(counts.columns)
    change(columns)
    record.write(folder, found, replace(counts, columns=columns))


def test_bits_per_byte_are_of_the_chain_rule_alone(texts: str) -> None:
    box = sections(texts)["Texts"]
    assert "never comparable with a pseudo-perplexity" in box
    (causal,) = rows(box, "embedded, causal |", "1.007")
    assert cells(causal)[1:] == ["1.007", "1.007 1.007 1.007 1.007 1.007"]
    (parallel,) = rows(box, "mask_predict", "no chain rule")
    assert cells(parallel)[1] == "-"


def test_the_mode_is_part_of_a_command_where_it_is_not_the_usual_one(tmp_path: Path) -> None:
    for mode in ("unilm", "mask_predict"):
        leave(tmp_path, cell(family="bert", task="generation", mode=mode), sweep=None)
    both = cell(family="bert", task="matching", mode="bidirectional_both_orders")
    leave(tmp_path, both, sweep=None, config={"mode": {"name": "both_orders"}})
    box = sections(text_of(tmp_path))["To reproduce"]
    assert "harness.run model=bert task=generation data=world seed=0\n" in box
    assert "harness.run model=bert task=generation data=world mode=mask_predict seed=0\n" in box
    assert "harness.run model=bert task=matching data=world mode=both_orders seed=0\n" in box


def test_searches_of_two_modes_are_told_apart_and_say_what_is_better(tmp_path: Path) -> None:
    for mode in ("unilm", "mask_predict"):
        of = cell(family="bert", task="generation", mode=mode, seed=1000, role="tuning")
        leave(tmp_path, of, evaluated="dev")
    box = sections(text_of(tmp_path))["Tuning"]
    assert "trials of this folder by the dev split's slot error rate (lower is better)." in box
    assert rows(box, "embedded, unilm: dev score", "embedded, mask_predict: dev score")


def test_samples_stand_beside_a_reference(texts: str) -> None:
    box = sections(texts)["Samples"]
    assert box.count("**test:") == 3
    assert box.count("- first of 2 references: ") == 3
    assert box.count("embedded, mask_predict: ") == 3
    assert "scratch" not in box
    assert "(untrained bodies left out)" in box
    assert "**test:0** (short): name name0 food " in box


def test_samples_that_are_missing_leave_no_section(tmp_path: Path) -> None:
    folder = leave(tmp_path, cell(family="gpt", task="generation"))
    (folder / "predictions.jsonl").unlink()
    text = text_of(tmp_path)
    assert "### Samples" not in text
    assert "### Texts" in text


def test_hostile_samples_do_no_harm(tmp_path: Path) -> None:
    folder = leave(tmp_path, cell(family="gpt", task="generation"))
    row = {"id": HOSTILE, "words": [HOSTILE], "references": [HOSTILE], "text": HOSTILE * 9}
    row |= {"cut_off": True, "slices": [[HOSTILE, 0, 1, ""]]}
    empty = {"id": "b", "words": ["a"], "references": ["c"], "text": " ", "cut_off": False}
    lines = "".join(json.dumps(one) + "\n" for one in (row, empty))
    (folder / "predictions.jsonl").write_text(lines)
    box = sections(text_of(tmp_path))["Samples"]
    assert "<" not in box
    assert "http:" not in box
    assert not set(box) & set(STEERING)
    assert "\n# top" not in box
    assert "... (cut off)" in box
    assert "causal: (empty)" in box


def test_match_shows_level_sizes_and_what_is_apart(texts: str) -> None:
    box = sections(texts)["Match"]
    usual, other = box.split("GPT is **")[1:]
    assert "Pair mini, same data and size: families as published." in usual
    names = [cells(row)[0] for row in rows(usual, "|")][2:]
    assert names == [
        "non-embedding parameters",
        "total parameters",
        "vocabulary",
        "tokens per word",
        "FLOPs per token",
        "pretraining updates",
        "pretraining tokens",
        "pretraining loss tokens",
        "training examples seen",
        "training tokens seen",
    ]
    assert "apart" not in usual
    assert "Sizes as above, but for:" in other
    (seen,) = rows(other, "training examples seen")
    assert cells(seen)[1:] == ["12,800", "51,200", "4.00", "apart"]
    assert "differ in training examples seen (12,800 and 51,200)" in sections(texts)["Fairness"]


def test_probes_of_texts_are_named(texts: str) -> None:
    (row,) = rows(sections(texts)["Fairness"], "mask_predict", "source left 0.3")
    told = "source left 0.3, target left 0.3, source from target 0, padding 2e-07"
    assert cells(row)[-1] == told


def test_tables_of_texts_are_aligned_and_narrow(texts: str) -> None:
    assert_rectangular(texts)
    named = sections(texts)
    for name in ("Scores", "Controls", "Slices", "Texts", "Match"):
        lines = [line for line in named[name].splitlines() if line.startswith("|")]
        assert lines
        assert max(map(len, lines)) <= 140, name
