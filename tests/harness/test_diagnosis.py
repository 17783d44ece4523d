"""Errors by type, by kind, by confusion and by confidence: from integers on record to a section."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rendered import HOSTILE, STEERING, assert_rectangular, cells, rows, sections, text_of
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2
from sklearn.metrics import precision_recall_fscore_support
from synthetic import WORDS, cell, data, leave

from harness import diagnosis
from harness.comparing.aggregate import compare
from harness.comparing.comparison import Arm
from harness.comparing.shelf import Shelf
from harness.contracts import Counts, Example
from harness.diagnosis import MACRO, MICRO, Detail, Diagnosis, by_type, errors
from harness.diagnosis.confidence import SEEDS_ONLY, over_seeds
from harness.examples import mentions
from harness.metrics import entity_f1
from harness.record import NOBODY, CountTable
from harness.report import markdown
from harness.statistics import reliability, stats
from tasks.classification import Classification
from tasks.ner import Ner

KINDS = ("PER", "LOC", "creative-work")
CLASSES = ("O", *(f"{prefix}-{kind}" for kind in KINDS for prefix in "BI"))


def sweep(root: Path, seeds: int = 5, **words: Any) -> None:
    changes = words.pop("changes", {})
    for seed in range(seeds):
        for family in ("gpt", "bert"):
            leave(root, cell(family=family, seed=seed, **words), **changes)


def detail_of(counts: Counts, classes: Sequence[str] = ()) -> Detail:
    columns = {name: np.asarray(column) for name, column in counts.columns.items()}
    found = {name: np.asarray(column) for name, column in counts.mentions.items()}
    table = CountTable(columns, mentions=found, types=counts.types)  # type: ignore[arg-type]
    return diagnosis.detail(table, classes, Shelf().keep)


def diagnosed(*runs: Counts, classes: Sequence[str] = ()) -> Diagnosis:
    details = [detail_of(run, classes) for run in runs]
    found = diagnosis.diagnosed(details, range(len(runs)), None)
    assert found is not None
    return found


def tagged(rng: random.Random, length: int) -> tuple[str, ...]:
    tags: list[str] = []
    while len(tags) < length:
        kind = rng.choice(["", "", *KINDS])
        tags += [f"B-{kind}", *[f"I-{kind}"] * rng.randint(0, 2)] if kind else ["O"]
    return tuple(tags[:length])


def altered(rng: random.Random, tags: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(rng.choice(CLASSES) if rng.random() < 0.15 else tag for tag in tags)


def judged(seed: int, size: int = 150) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    rng, answers = random.Random(7), random.Random(seed)
    gold = [tagged(rng, rng.randint(1, 14)) for _ in range(size)]
    return gold, [altered(answers, tags) for tags in gold]


def counts_of(gold: Sequence[Sequence[str]], pred: Sequence[Sequence[str]]) -> Counts:
    examples = [Example(str(i), ("w",) * len(tags), tuple(tags)) for i, tags in enumerate(gold)]
    answers = [[CLASSES.index(tag) for tag in tags] for tags in pred]
    return Ner().judge(examples, answers, CLASSES)


# --- matching -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gold", "pred", "expected"),
    [
        ("a b", "a b", ["a=a", "b=b"]),
        ("1-3:PER", "1-3:LOC", ["1-3:PER=1-3:LOC"]),
        ("1-4:PER", "1-2:PER 2-4:LOC", ["=1-2:PER", "1-4:PER=2-4:LOC"]),  # more words in common
        ("1-3:PER", "1-2:LOC 2-3:PER", ["=1-2:LOC", "1-3:PER=2-3:PER"]),  # a tie: the same type
        ("1-3:PER", "1-2:LOC 2-3:LOC", ["1-3:PER=1-2:LOC", "=2-3:LOC"]),  # a tie: the earlier
        ("1-3:PER 3-5:PER", "2-4:PER", ["1-3:PER=2-4:PER", "3-5:PER="]),
        ("1-2:PER", "2-3:PER", ["1-2:PER=", "=2-3:PER"]),  # beside is not overlapping
        ("1-3:PER 3-6:PER", "2-6:PER", ["1-3:PER=", "3-6:PER=2-6:PER"]),
        ("", "", []),
    ],
)
def test_entities_find_their_partners(gold: str, pred: str, expected: list[str]) -> None:
    short = {"a": (0, 1, "LOC"), "b": (4, 6, "PER")}

    def span(text: str) -> mentions.Span:
        start, end, kind = text.replace(":", "-").split("-") if text not in short else short[text]
        return int(start), int(end), str(kind)

    def told(one: mentions.Span | None) -> str:
        names = {value: name for name, value in short.items()}
        return "" if one is None else names.get(one, f"{one[0]}-{one[1]}:{one[2]}")

    found = mentions.matched({span(t) for t in gold.split()}, {span(t) for t in pred.split()})
    assert [f"{told(one.gold)}={told(one.pred)}" for one in found] == expected


def test_every_entity_is_matched_once_and_right_ones_with_themselves() -> None:
    for gold, pred in zip(*judged(1), strict=True):
        wanted, given = entity_f1.spans(gold), entity_f1.spans(pred)
        found = mentions.matched(wanted, given)
        assert sorted(one.gold for one in found if one.gold) == sorted(wanted)
        assert sorted(one.pred for one in found if one.pred) == sorted(given)
        right = {one.gold for one in found if one.exact and one.gold == one.pred}
        assert right == wanted & given


def test_mentions_as_integers() -> None:
    counts = counts_of([["B-LOC", "I-LOC", "O", "B-PER"]], [["B-LOC", "O", "B-PER", "B-LOC"]])
    assert counts.types == KINDS
    assert counts.mentions == {
        "example": [0, 0, 0],
        "gold": [1, NOBODY, 0],
        "pred": [1, 0, 1],
        "exact": [0, 0, 1],
    }


# --- by type ------------------------------------------------------------------------------------


def test_scores_by_type_are_those_of_seqeval() -> None:
    gold, pred = judged(3)
    theirs = classification_report(
        [list(t) for t in gold], [list(t) for t in pred], mode="strict", scheme=IOB2,
        output_dict=True,
    )  # fmt: skip
    ours = {one.name: one for one in by_type(diagnosed(counts_of(gold, pred)))}
    names = {"micro avg": MICRO, "macro avg": MACRO}
    assert len(ours) == 5
    for name, expected in theirs.items():
        if name != "weighted avg":
            found = ours[names.get(name, name)]
            assert found.precision.mean == pytest.approx(expected["precision"])
            assert found.recall.mean == pytest.approx(expected["recall"])
            assert found.f1.mean == pytest.approx(expected["f1-score"])
            assert found.support == expected["support"]


def labelled(gold: Sequence[int], pred: Sequence[int], classes: int) -> Counts:
    task, names = Classification(), [str(i) for i in range(classes)]
    return task.judge([Example("x", ("w",), g) for g in gold], [(p,) for p in pred], names)


def test_scores_by_class_are_those_of_sklearn() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 4, 200).tolist()
    pred = [g if rng.random() < 0.7 else int(rng.integers(0, 4)) for g in gold]
    found = by_type(diagnosed(labelled(gold, pred, 4), classes="wxyz"))
    p, r, f, support = precision_recall_fscore_support(gold, pred)
    assert [one.name for one in found] == [*"wxyz", MICRO, MACRO]
    assert [one.precision.mean for one in found[:4]] == pytest.approx(p)
    assert [one.recall.mean for one in found[:4]] == pytest.approx(r)
    assert [one.f1.mean for one in found[:4]] == pytest.approx(f)
    assert [one.support for one in found[:4]] == support.tolist()
    assert found[5].f1.mean == pytest.approx(f.mean())
    right = sum(g == p for g, p in zip(gold, pred, strict=True)) / 200
    assert found[4].precision.mean == found[4].recall.mean == pytest.approx(right)


def test_several_seeds_are_means_and_never_one_sample() -> None:
    runs = [counts_of(*judged(seed)) for seed in range(4)]
    alone = [by_type(diagnosed(run)) for run in runs]
    together = by_type(diagnosed(*runs))
    for place, one in enumerate(together):
        for part in ("precision", "recall", "f1"):
            means = [getattr(scores[place], part).mean for scores in alone]
            found = getattr(one, part)
            assert found.mean == pytest.approx(np.mean(means))
            assert found.covers == stats.BOTH
            assert 0 <= found.low < found.mean < found.high <= 1
        assert one.answered == pytest.approx(np.mean([scores[place].answered for scores in alone]))


def only_arms(root: Path) -> tuple[Arm, ...]:
    (group,) = compare(root).groups
    return group.arms


@pytest.mark.parametrize("task", ["ner", "classification"])
def test_micro_f1_is_the_headline_with_its_interval(tmp_path: Path, task: str) -> None:
    sweep(tmp_path, 3, task=task)
    for arm in only_arms(tmp_path):
        assert arm.diagnosis is not None
        micro = next(one for one in by_type(arm.diagnosis) if one.name == MICRO)
        headline = arm.scores[0].estimate
        for part in ("mean", "low", "high", "se", "df"):
            assert getattr(micro.f1, part) == pytest.approx(getattr(headline, part)), part


def test_differences_by_type_are_paired(tmp_path: Path) -> None:
    sweep(tmp_path, 4)
    leave(tmp_path, cell(family="gpt", seed=9))  # without its like
    (group,) = compare(tmp_path).groups
    (contrast,) = group.contrasts
    gpt, bert = contrast.gpt.diagnosis, contrast.bert.diagnosis
    assert gpt is not None
    assert bert is not None
    found = diagnosis.f1_differences(gpt, bert)
    assert list(found) == ["PER", "LOC", MICRO, MACRO]
    assert contrast.difference is not None
    for part in ("mean", "low", "high", "seeds"):
        expected = getattr(contrast.difference, part)
        assert getattr(found[MICRO], part) == pytest.approx(expected)
    assert found[MACRO].mean == pytest.approx((found["PER"].mean + found["LOC"].mean) / 2)
    same = diagnosis.f1_differences(gpt, gpt)
    assert all(one.mean == 0 and one.low is None for one in same.values())
    turned = diagnosis.f1_differences(bert, gpt)
    assert turned["PER"].mean == -found["PER"].mean != 0


def test_what_was_not_judged_on_the_same_is_not_subtracted() -> None:
    gold, pred = judged(1)
    one, other = diagnosed(counts_of(gold, pred)), diagnosed(counts_of(gold[:9], pred[:9]))
    assert diagnosis.f1_differences(one, other) == {}
    assert diagnosis.error_differences(one, other) == {}
    later = replace(one, seeds=(7,))
    assert diagnosis.f1_differences(one, later) == {}


def test_rare_absent_and_unanswered_types() -> None:
    gold = [("B-LOC", "O")] * 30 + [("B-PER", "O")] * 9
    pred = [("B-LOC", "O")] * 20 + [("O", "O")] * 10 + [("B-PER", "O")] * 5 + [("O", "O")] * 4
    found = {one.name: one for one in by_type(diagnosed(counts_of(gold, pred)))}
    assert set(found) == {"LOC", "PER", MICRO, MACRO}  # creative-work is nowhere
    assert found["LOC"].recall.low is not None
    rare = found["PER"].recall
    assert (rare.mean, rare.low) == (pytest.approx(5 / 9), None)
    assert rare.note == "9 examples are too few for an interval"
    assert found[MACRO].f1.mean == pytest.approx((found["LOC"].f1.mean + found["PER"].f1.mean) / 2)
    pred[0] = ("B-creative-work", "O")
    invented = {one.name: one for one in by_type(diagnosed(counts_of(gold, pred)))}
    kind = invented["creative-work"]
    assert (kind.support, kind.answered) == (0, 1)
    assert (kind.precision.mean, kind.f1.mean) == (0, 0)
    assert np.isnan(kind.recall.mean)
    assert kind.recall.note == "the data have none"
    assert invented[MACRO].recall.mean == pytest.approx((19 / 30 + 5 / 9) / 2)
    silent = [("O", "O")] * 39
    found = {one.name: one for one in by_type(diagnosed(counts_of(gold, silent)))}
    assert np.isnan(found["LOC"].precision.mean)
    assert found["LOC"].precision.note == "nothing was answered so"
    assert found["LOC"].f1.mean == 0
    half = diagnosed(counts_of(gold, gold), counts_of(gold, silent))
    (location,) = (one for one in by_type(half) if one.name == "LOC")
    assert location.precision.mean == 0.5
    assert "1 runs in which nothing was answered so" in (location.precision.note or "")


def test_more_types_than_asked_for_are_not_counted_one_by_one() -> None:
    found = diagnosed(counts_of(*judged(1)))
    assert [one.name for one in by_type(found, 2)] == [MICRO, MACRO]
    assert by_type(found, 2) == by_type(found)[-2:]
    assert list(diagnosis.f1_differences(found, found, 2)) == [MICRO, MACRO]
    assert len(by_type(found, 3)) == 5


# --- kinds of errors ----------------------------------------------------------------------------


def test_planted_errors_are_counted_by_kind() -> None:
    gold = ["B-LOC I-LOC O O", "B-LOC I-LOC O O", "B-LOC I-LOC O O", "B-LOC I-LOC O O", "B-LOC O O"]
    pred = ["B-LOC I-LOC O O", "B-PER I-PER O O", "B-LOC O O O", "B-PER O O O", "O O B-LOC"]
    found = errors(diagnosed(counts_of([g.split() for g in gold], [p.split() for p in pred])))
    assert {one.name: one.per_run for one in found} == dict.fromkeys((one.name for one in found), 1)
    assert {one.name: one.share.mean for one in found} == pytest.approx(
        dict.fromkeys(("right", "type", "boundary", "boundary and type", "missed", "invented"), 0.2)
    )
    assert [one.of for one in found] == ["data"] * 5 + ["answers"]


def test_kinds_are_shares_that_add_up() -> None:
    runs = [counts_of(*judged(seed)) for seed in range(3)]
    found = {one.name: one for one in errors(diagnosed(*runs))}
    assert sum(one.share.mean for name, one in found.items() if name != "invented") == (
        pytest.approx(1)
    )
    (micro,) = (one for one in by_type(diagnosed(*runs)) if one.name == MICRO)
    assert found["right"].share.mean == pytest.approx(micro.recall.mean)
    assert found["right"].share.low == pytest.approx(micro.recall.low)
    assert all(one.share.covers == stats.BOTH for one in found.values())
    answered = sum(map(answers_of, runs)) / 3
    partners = sum(found[name].per_run for name in ("right", "type", "boundary"))
    partners += found["boundary and type"].per_run
    assert partners + found["invented"].per_run == pytest.approx(answered)
    shares = [1 - sum(g >= 0 for g, p in sides(run) if p >= 0) / answers_of(run) for run in runs]
    assert found["invented"].share.mean == pytest.approx(np.mean(shares))


def sides(counts: Counts) -> list[tuple[int, int]]:
    return list(zip(counts.mentions["gold"], counts.mentions["pred"], strict=True))


def answers_of(counts: Counts) -> int:
    return sum(counts.columns["pred"])


def test_differences_by_kind_are_paired() -> None:
    gold, _ = judged(1)
    runs = [counts_of(gold, judged(seed)[1]) for seed in range(6)]
    gpt, bert = diagnosed(*runs[:3]), diagnosed(*runs[3:])
    ours, theirs = ({one.name: one for one in errors(side)} for side in (gpt, bert))
    for name, found in diagnosis.error_differences(gpt, bert).items():
        assert found.mean == pytest.approx(theirs[name].share.mean - ours[name].share.mean)
        assert found.seeds == 3
        assert found.low is not None


def test_confusion_adds_up_to_data_and_answers() -> None:
    runs = [counts_of(*judged(seed)) for seed in range(2)]
    found = diagnosis.confusion(diagnosed(*runs))
    assert found is not None
    assert found.names == KINDS
    assert found.counts.shape == (4, 4)
    scores = {one.name: one for one in by_type(diagnosed(*runs))}
    assert found.counts[:3].sum(axis=1).tolist() == [scores[kind].support for kind in KINDS]
    answered = [scores[kind].answered for kind in KINDS]
    assert found.counts[:, :3].sum(axis=0).tolist() == pytest.approx(answered)
    kinds = {one.name: one.per_run for one in errors(diagnosed(*runs))}
    assert found.counts[:3, 3].sum() == pytest.approx(kinds["missed"])
    assert found.counts[3].sum() == pytest.approx(kinds["invented"])


def test_largest_confusions() -> None:
    gold, pred = [0, 0, 0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 0, 1, 2, 2]
    found = diagnosis.confusion(diagnosed(labelled(gold, pred, 3), classes="abc"))
    assert found is not None
    assert found.counts.tolist() == [[1, 2, 1], [1, 1, 0], [0, 0, 2]]
    assert found.largest(2) == [("a", "b", 2, 0.5), ("a", "c", 1, 0.25)]
    assert len(found.largest(10)) == 3  # what never happened is no confusion


# --- confidence ---------------------------------------------------------------------------------


def test_confidence_is_counted_in_bins_of_equal_width() -> None:
    levels = [0.0, 0.0666, 0.0667, 0.2, 0.5, 0.9333, 0.9334, 1.0]
    table = reliability.table([(1,)] * 8, [(1,)] * 8, [(one,) for one in levels])
    assert [k for k, count in enumerate(table["answers"]) for _ in range(count)] == [
        0, 0, 1, 3, 7, 13, 14, 14,
    ]  # fmt: skip
    assert sum(table["confidence"]) == round(sum(levels) * 10_000)
    assert table["right"] == table["answers"]
    assert all(len(column) == reliability.BINS for column in table.values())


def test_ignored_and_cut_answers_are_not_counted() -> None:
    table = reliability.table([(0, 2, 1)], [(0, 1, 1, 2)], [(0.9, 0.7, 0.6)], ignored=0)
    assert sum(table["answers"]) == 2
    assert sum(table["right"]) == 1
    assert sum(table["confidence"]) == 13_000


def sure(*tables: tuple[list[int], list[int], list[int]]) -> Diagnosis:
    details = [Detail(reliability=np.array(table)) for table in tables]
    found = diagnosis.diagnosed(details, range(len(tables)), None)
    assert found is not None
    return found


def test_calibration_error_by_hand() -> None:
    """Ten answers at .6 of which 9 are right, ten at .9 of which 6 are: errors do not cancel."""
    found = diagnosis.calibration(sure(([10, 10], [9, 6], [60_000, 90_000])))
    assert found is not None
    assert found.ece.mean == pytest.approx(0.3)
    assert found.gap.mean == pytest.approx(0.0)
    assert (found.ece.low, found.ece.note) == (None, "one seed: no interval over seeds")
    assert found.answers == 20
    first, last = found.bins
    assert (first.low, first.high, last.high) == (0, 0.5, 1)
    assert (first.answers, first.right, first.confidence) == (10, 0.9, 0.6)


def test_calibration_is_over_seeds_and_says_so() -> None:
    made = [([0, 100], [0, right], [0, 900_000]) for right in (80, 84, 88)]
    found = diagnosis.calibration(sure(*made, ([0, 0], [0, 0], [0, 0])))
    assert found is not None
    assert found.gap.mean == pytest.approx(0.06)
    reach = 4.302653 * 0.04 / 3**0.5  # t of 2 degrees of freedom, SD .04
    assert (found.gap.low, found.gap.high) == pytest.approx((0.06 - reach, 0.06 + reach), abs=1e-6)
    assert found.ece.low == 0  # cut at the least that there is
    assert (found.ece.covers, found.ece.df) == (SEEDS_ONLY, 2)
    assert found.left_out == 1
    assert (found.bins[1].answers, found.bins[1].right) == (300, 0.84)
    assert (found.bins[0].right, found.bins[0].confidence) == (None, None)
    assert diagnosis.calibration(sure(([0], [0], [0]))) is None
    assert over_seeds([0.5, 0.5], 9, (0, 1)).note == "no variation between seeds"


# --- records ------------------------------------------------------------------------------------


def aged(folder: Path) -> None:
    """Counts as they were written before there was a diagnosis."""
    path = folder / "counts.json"
    counts = json.loads(path.read_text())
    for name in ("mentions", "types", "reliability"):
        del counts[name]
    for name in ("words", "words_right"):
        counts["columns"].pop(name, None)
    rewrite(folder, counts)


def rewrite(folder: Path, counts: dict[str, Any]) -> None:
    (folder / "counts.json").write_text(json.dumps(counts))
    found = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps(found | {"counts_digest": None}))


def test_older_records_are_read_and_tell_what_they_hold(tmp_path: Path) -> None:
    for task in ("ner", "classification"):
        for family in ("gpt", "bert"):
            aged(leave(tmp_path, cell(family=family, task=task)))
    comparison = compare(tmp_path)
    assert not comparison.warnings
    labels, tags = comparison.groups
    assert all(arm.diagnosis is None and arm.scores for arm in tags.arms)
    for arm in labels.arms:
        assert arm.diagnosis is not None
        assert len(by_type(arm.diagnosis)) == 4
        assert diagnosis.calibration(arm.diagnosis) is None
    assert len([name for name in re_headings(text_of(tmp_path)) if name == "Diagnosis"]) == 1


def re_headings(text: str) -> Iterator[str]:
    return (line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))


def test_older_runs_of_an_arm_are_told(tmp_path: Path) -> None:
    sweep(tmp_path, 2)
    aged(leave(tmp_path, cell(family="gpt", seed=2)))
    leave(tmp_path, cell(family="bert", seed=2))
    box = sections(text_of(tmp_path))["Diagnosis"]
    assert "- entities by type of GPT: 2 of 3 runs have them on record" in box
    assert "of BERT:" not in box


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mentions": {"gold": [0] * 300}}, "expected"),
        ({"mentions": {"example": [0], "gold": [0], "pred": [0]}}, "column 'exact' is missing"),
        ({"mentions": {"example": [900]}, "cut": 1}, "example points outside its table"),
        ({"mentions": {}, "cut": 9}, "do not add up to column gold"),
        ({"types": ["PER"]}, "points outside its table"),
        ({"reliability": {"answers": [1], "right": [2], "confidence": [3]}}, "more right answers"),
        ({"reliability": {"answers": [1], "right": [0.5], "confidence": [3]}}, "integers"),
        ({"types": 3}, "left out"),
    ],
)
def test_damaged_parts_are_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    folder = leave(tmp_path, cell())
    counts = json.loads((folder / "counts.json").read_text())
    rest = change.pop("cut", None)
    if rest is not None:
        kept = {name: column[:rest] for name, column in counts["mentions"].items()}
        change = {"mentions": kept | change["mentions"]}
    elif "gold" in change.get("mentions", {}) and "pred" not in change["mentions"]:
        change = {"mentions": counts["mentions"] | change["mentions"]}
    rewrite(folder, counts | change)
    (warning,) = compare(tmp_path).warnings
    assert said in warning
    assert "counts.json" in warning


def test_labels_that_contradict_themselves_are_named(tmp_path: Path) -> None:
    folder = leave(tmp_path, cell(task="classification"))
    counts = json.loads((folder / "counts.json").read_text())
    for column, said in (([2] * 300, "points outside"), ([0] * 300, "do not add up to column")):
        rewrite(folder, counts | {"columns": counts["columns"] | {"pred": column}})
        (warning,) = compare(tmp_path).warnings
        assert said in warning


def test_equal_columns_are_kept_once(tmp_path: Path) -> None:
    sweep(tmp_path, 2, task="classification")
    found = [arm.diagnosis for arm in only_arms(tmp_path)]
    golds = {id(one.aligned.gold) for d in found if d for one in d.details if one.aligned}
    assert len(golds) == 1
    kinds = {one.aligned.pred.dtype for d in found if d for one in d.details if one.aligned}
    assert kinds == {np.dtype(np.int8)}


# --- the section --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("diagnosis")
    sweep(root)
    sweep(root, weights="scratch", changes={"share": 0.3})
    return text_of(root)


def test_a_pair_stands_side_by_side(full: str) -> None:
    box = sections(full)["Diagnosis"]
    assert rows(box, "| type | support | GPT F1 | BERT F1 | BERT - GPT |")
    first, second = rows(box, "| PER |")[:2]
    assert cells(first)[1] == "150"
    assert cells(first)[2].startswith(".")
    assert cells(first)[4].startswith("+.")
    assert [text[0] for text in cells(second)[1:]] == ["."] * 4
    assert "scratch" not in box
    assert box.count("exploratory") == 1


def test_each_number_stands_under_its_model(tmp_path: Path) -> None:
    sweep(tmp_path, 3)
    box = sections(text_of(tmp_path))["Diagnosis"]
    gpt, bert = only_arms(tmp_path)
    (contrast,) = compare(tmp_path).groups[0].contrasts
    (f1, ratios) = rows(box, "all (micro)")
    shown = [markdown.estimated(arm.scores[0].estimate) for arm in (gpt, bert)]
    assert contrast.difference is not None
    assert cells(f1)[2:] == [*shown, markdown.estimated(contrast.difference, True)]
    assert cells(ratios)[1:] == [shown[0], shown[0], shown[1], shown[1]]
    assert gpt.diagnosis is not None
    (location,) = (one for one in by_type(gpt.diagnosis) if one.name == "LOC")
    found_rows = [row for row in rows(box, "LOC") if cells(row)[0] == "LOC"]
    (_, of_location, confused) = found_rows[:3]
    parts = [location.precision, location.recall]
    assert cells(of_location)[1:3] == [markdown.estimated(part) for part in parts]
    found = diagnosis.confusion(gpt.diagnosis)
    assert found is not None
    shares = [float(text) for text in cells(confused)[1:]]
    assert shares == pytest.approx(found.counts[1].tolist(), abs=0.05)


def test_the_score_over_words_is_in_a_box_of_its_own(full: str) -> None:
    (line,) = (one for one in sections(full)["Diagnosis"].splitlines() if one.startswith(">"))
    assert line.startswith("> **Not comparable with entity F1:**")
    blind = (WORDS - 1) / WORDS
    assert f"O everywhere: {blind:.3f}".replace("0.", ".") in line
    assert "GPT .9" in line
    assert "BERT .9" in line


def test_kinds_confusion_and_confidence_are_told(full: str) -> None:
    box = sections(full)["Diagnosis"]
    (invented,) = rows(box, "| invented | answers |")
    assert len(cells(invented)) == 7
    assert rows(box, "| GPT: data, answers | PER | LOC | nothing |")
    nothing, _ = rows(box, "| nothing |")[1::2]
    assert cells(nothing)[-1] == ""
    assert "- GPT is over-confident: its confidence is ." in box
    (ece,) = rows(box, "| model | ECE |")
    assert cells(ece)[2] == "confidence - right"
    assert "Student's t" in box


def test_tables_fit_on_a_screen(full: str) -> None:
    assert_rectangular(full)
    lines = sections(full)["Diagnosis"].splitlines()
    assert max(len(line) for line in lines if line.startswith("|")) <= 120


def test_labels_have_classes_and_no_box(tmp_path: Path) -> None:
    sweep(tmp_path, 3, task="classification")
    box = sections(text_of(tmp_path))["Diagnosis"]
    assert rows(box, "| class | support |")
    assert rows(box, "| yes | 150 |")
    assert ">" not in box.replace("->", "")
    assert "missed" not in box
    assert "nothing" not in box
    assert "part of an entity" not in box


def test_written_texts_have_their_slots(tmp_path: Path) -> None:
    sweep(tmp_path, 3, task="generation")
    box = sections(text_of(tmp_path))["Diagnosis"]
    assert rows(box, "| outcome | share of | GPT count | GPT | BERT count | BERT | BERT - GPT |")
    kinds = [cells(row)[0] for row in rows(box, "| slots |")]
    assert kinds == ["missing", "added", "wrong"]
    assert "ECE" not in box
    assert "on added" in box  # why there is no interval
    for arm in only_arms(tmp_path):
        assert arm.diagnosis is not None
        shares = [one.share.mean for one in errors(arm.diagnosis)]
        assert sum(shares) == pytest.approx(arm.scores[0].estimate.mean)


def test_a_model_alone_is_diagnosed_too(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="bert"))
    leave(tmp_path, cell(family="bert", weights="scratch"))
    box = sections(text_of(tmp_path))["Diagnosis"]
    assert "BERT is **bert, mini, 0.66 M parameters, embedded**:" in box
    assert rows(box, "| type | support | BERT F1 |")
    assert "BERT - GPT" not in box
    assert "scratch" not in box
    assert "cannot be called over- or under-confident (one seed: no interval over seeds)" in box


def test_refused_pairs_have_no_difference_and_void_ones_say_so(tmp_path: Path) -> None:
    sweep(tmp_path / "a", 1)
    for family, epochs in (("gpt", 1), ("bert", 2)):
        leave(tmp_path / "b", cell(family=family), config={"train": {"epochs": epochs}})
    assert "BERT - GPT" in sections(text_of(tmp_path / "a"))["Diagnosis"]
    box = sections(text_of(tmp_path / "b"))["Diagnosis"]
    assert rows(box, "| type | support | GPT F1 | BERT F1 |")
    assert "BERT - GPT" not in box
    leave(tmp_path / "c", cell(family="gpt"), share=0.99, size=1000)
    leave(tmp_path / "c", cell(family="bert"), size=1000)
    assert "- void: alarm 1 (gpt2, seed 0)" in sections(text_of(tmp_path / "c"))["Diagnosis"]


def test_unpaired_seeds_are_told(tmp_path: Path) -> None:
    sweep(tmp_path, 2)
    leave(tmp_path, cell(family="gpt", seed=7))
    text = "- numbers are over all seeds of a model, differences over those of both"
    assert text in sections(text_of(tmp_path))["Diagnosis"]


def test_many_names_are_cut_to_the_largest_confusions(tmp_path: Path) -> None:
    names = (f"intent {HOSTILE}", *(f"intent {i}" for i in range(1, 77)))
    for family in ("gpt", "bert"):
        of = cell(family=family, task="classification")
        leave(tmp_path, of, data=data(of, 300, classes=names))
    box = sections(text_of(tmp_path))["Diagnosis"]
    assert len(rows(box, "intent")) == 4  # two a model: 0 for 1 and 1 for 0
    assert rows(box, "| GPT: data | answer | per run | share of the data's |")
    assert len(rows(box, "all (")) == 4
    assert "<script>" not in box
    assert_rectangular(box)


def test_hostile_names_do_no_harm(tmp_path: Path) -> None:
    for family in ("gpt", "bert"):
        for seed in range(2):
            of = cell(family=family, seed=seed, task="classification")
            leave(tmp_path, of, data=data(of, 300, classes=(HOSTILE, "yes" + STEERING)))
            folder = leave(tmp_path, cell(family=family, seed=seed))
            counts = json.loads((folder / "counts.json").read_text())
            rewrite(folder, counts | {"types": [HOSTILE, "LOC" + STEERING]})
    text = text_of(tmp_path)
    assert "<script>" not in text
    assert not set(STEERING) & set(text)
    assert text.count("&lt;script&gt;") > 8
    assert "http:" not in text
    assert_rectangular(text)
