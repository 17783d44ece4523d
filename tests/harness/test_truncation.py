"""What was not read is said wherever a score stands, and told before anything is trained."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from rendered import assert_rectangular, cells, rows, sections, text_of
from synthetic import cell, leave, model

from harness import plan
from harness.comparing import findings
from harness.contracts import Example, Splits
from harness.examples import doubts, inspection
from harness.examples.inspection import Room, inspect
from harness.report import made

NOTHING = {"cut_examples": 0, "cut_words": 0, "cut_units": 0, "cut_entities": 0}
GPT_CUT = {
    **{"cut_examples": 12, "cut_words": 345, "cut_units": 7, "cut_entities": 9},
    **{"train.cut_examples": 40, "train.cut_words": 1234, "train.cut_entities": 31},
    **{"dev.cut_examples": 0, "dev.cut_words": 0, "dev.cut_entities": 0},
}
BERT_WINDOWS = {**NOTHING, "windowed_examples": 20, "windows": 110}


def sweep(root: Path, gpt: Any = None, bert: Any = None, **words: Any) -> str:
    for seed in range(5):
        for family, cut in (("gpt", gpt), ("bert", bert)):
            leave(root, cell(family=family, seed=seed, **words), truncation=cut or NOTHING)
    return text_of(root)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    root = tmp_path_factory.mktemp("cut")
    return root, sweep(root, GPT_CUT, BERT_WINDOWS)


def test_both_sides_stand_under_the_scores(cut: tuple[Path, str]) -> None:
    scores = sections(cut[1])["Scores"]
    assert_rectangular(scores)
    below = scores[scores.index("examples cut") :]
    gpt, bert, other_gpt, other_bert = (
        cells(next(line for line in rows(below, f"{name}, mini", f"| {split} |")))
        for split in ("train", "test")
        for name in ("gpt2", "bert")
    )
    assert gpt[1:] == ["train", "40 of 1,000", "1,234 of 9,000", "31", "-", "-"]
    assert bert[1:] == ["train", "-", "-", "-", "-", "-"]  # the record says nothing of it
    assert other_gpt[1:] == ["test", "12 of 300", "345 of 4,000", "9", "-", "-"]
    assert other_bert[1:] == ["test", "0", "0", "0", "-", "20 in 110 windows"]
    assert not rows(below, "| dev |")  # where nothing was cut


def test_the_tables_of_the_first_page_do_not_hide_it(cut: tuple[Path, str]) -> None:
    text = cut[1]
    top = text.split("\n## ")[0]
    (sentence,) = [line for line in top.splitlines() if line.startswith("- **NER**")]
    assert "GPT: 12 of 300 inputs cut, 9 entities lost" in sentence
    assert "BERT: " not in sentence
    (row,) = rows(sections(text)["All comparisons"], "ner on world")
    gpt, bert = cells(row)[3:5]
    assert gpt.endswith("; 12 of 300 inputs cut, 9 entities lost")
    assert "cut" not in bert


def test_the_closing_section_names_every_split(cut: tuple[Path, str]) -> None:
    lines = [line for line in sections(cut[1])["Data"].splitlines() if "did not fit" in line]
    assert len(lines) == 2
    assert (
        "train: cut examples 40, cut words 1,234, cut entities 31; "
        "test: cut examples 12, cut words 345, cut entities 9, cut units 7" in lines[0]
    )
    assert "test: windowed examples 20, windows 110" in lines[1]


def test_the_sheet_of_scores_has_it(cut: tuple[Path, str]) -> None:
    files = made(findings.find([cut[0]], plan.default()), "report")
    table = csv.DictReader(files["report/tables/scores.csv"].decode().splitlines())
    found = {row["model"]: (row["cut_examples"], row["cut_entities"]) for row in table}
    assert found == {"gpt2": ("12", "9"), "bert": ("0", "0")}


def test_where_everything_fits_nothing_is_said(tmp_path: Path) -> None:
    text = sweep(tmp_path)
    assert "examples cut" not in text
    assert "inputs cut" not in text
    assert "did not fit" not in text


def test_older_records_without_entities_are_still_told(tmp_path: Path) -> None:
    older = {"cut_examples": 3, "cut_words": 5, "cut_units": 2}
    text = sweep(tmp_path, older, older, task="classification")
    (row,) = rows(sections(text)["All comparisons"], "classification on world")
    assert row.count("3 of 300 inputs cut |") == 2
    assert len(rows(sections(text)["Scores"], "| 3 of 300 | 5 of 4,000 | - | - | - |")) == 2


def test_inputs_and_references_of_texts(tmp_path: Path) -> None:
    found = {"cut_examples": 2, "cut_words": 4, "cut_references": 6, "train.cut_references": 1}
    for family in ("gpt", "bert"):
        leave(tmp_path, cell(task="generation", family=family), truncation=found)
    scores = sections(text_of(tmp_path))["Scores"]
    assert len(rows(scores, "| test | 2 of 60 | 4 of 4,000 | - | 6 | - |")) == 2
    assert len(rows(scores, "| train | - | - | - | 1 | - |")) == 2


def test_of_a_run_without_facts_the_counts_stand_alone(tmp_path: Path) -> None:
    of = cell(family="gpt")
    leave(tmp_path, of, truncation={"cut_examples": 3}, model=model(of, parameters={}))
    assert rows(sections(text_of(tmp_path))["Scores"], "| test | 3 of 300 | - | - | - | - |")


# --- before training ----------------------------------------------------------------------------


def tagged(name: str, length: int, *names: int) -> Example:
    words = tuple(f"w{i}" for i in range(length))
    tags = tuple("B-PER" if i in names else "O" for i in range(length))
    return Example(name, words, tags)


def splits() -> Splits:
    train = (tagged("1", 30, 2, 9, 10, 29), tagged("2", 8, 7), tagged("3", 10, 9))
    test = (tagged("4", 9, 3),)
    return Splits("toy", "ner", "files", train, test, test, ("PER",))


def test_losses_are_counted_at_both_rates() -> None:
    train = inspect(splits(), Room(10, None)).sides[0]
    assert train.cut == (1, 3)  # 13, 10.4 and 39 tokens at 1.3 a word
    assert train.lost_words == (20, 30 - 7 + 1 + 3)
    assert train.lost_entities == (2, 3 + 1 + 1)
    assert train.windowed == (0, 0)


def test_what_is_read_in_windows_loses_nothing() -> None:
    found = inspect(splits(), Room(10, None, windows=True))
    train = found.sides[0]
    assert (train.cut, train.lost_words, train.lost_entities) == ((0, 0), (0, 0), (0, 0))
    assert train.windowed == (1, 3)
    assert not [line for line in doubts.of(splits(), found) if "lose words" in line]
    cut = inspect(splits(), Room(10, None))
    assert [line for line in doubts.of(splits(), cut) if "lose words" in line]


def test_only_tags_are_read_in_windows() -> None:
    rooms = {t: inspection.room(12, 4, t, "windows") for t in ("ner", "classification", "matching")}
    assert [task for task, room in rooms.items() if room.windows] == ["ner"]
    assert not inspection.room(12, 4, "generation", "windows").windows
    assert not inspection.room(12, 4, "ner", "cut").windows
