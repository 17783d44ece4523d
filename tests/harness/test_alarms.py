from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import synthetic_texts
from synthetic import CAPS, TEXT_PROBES, TRAINING, answers, cell, data, made, table

from harness import alarms
from harness.record import Cell, CountTable, Record

GPT, BERT = cell(family="gpt"), cell(family="bert")
CLASSIFIED = cell(family="gpt", task="classification")
CAUSAL, BOTH_WAYS = (
    {"claimed": "causal", "left_only": [True, True]},
    {"claimed": "bidirectional", "left_only": [False, False]},
)
PROBES = CAUSAL | {"left_change": 0.0, "right_change": 0.3, "padding_change": 2e-7}
PROBES |= {"tolerance": {"causal": 1e-6, "padding": 1e-5}}


def rung(found: Record, counts: CountTable) -> list[tuple[str, str]]:
    return [(alarm.number, alarm.severity) for alarm in alarms.examine(found, counts)]


def one_slice(name: str, hits: int, units: int, names: int = 1) -> CountTable:
    """NER counts in which one slice got `hits` right and a thousand other entities none."""
    right = np.arange(units) < hits
    size = units + 1000
    tp = np.concatenate([right, np.zeros(1000, bool)]).astype(int)
    columns = {"tp": tp, "pred": np.ones(size, int), "gold": np.ones(size, int)}
    key = (np.arange(units) * names) // units  # hits fall on whole names
    part = {"example": np.arange(units), "slice": np.zeros(units, int), "key": key}
    part |= {"correct": right.astype(int), "marked": np.ones(units, int)}
    return table(columns, part, (name,), tuple(f"name{i}" for i in range(names)))


def run(of: Cell, **changes: Any) -> Record:
    return made(of, 1577, metrics=("entity_f1",), **changes)


@pytest.mark.parametrize("of", [GPT, BERT, CLASSIFIED, cell(family="bert", task="classification")])
def test_healthy_runs_are_silent(of: Cell) -> None:
    right = 0.45 if of.family == "gpt" else 0.85
    share = {"U": 0.9, "L": 0.95, "R": right, "N": 0.47, "G": 0.85}
    share |= {"lex": 0.9, "con": 0.8, "none": 0.5}
    for seed in range(5):
        counts = answers(of.task, share, 1500, seed)
        assert rung(made(of, 1500, probes=None), counts) == []


@pytest.mark.parametrize(
    "units, limit", [(100, 69), (200, 127), (500, 292), (577, 334), (1000, 560)]
)
def test_1_causal_reader_knows_what_stands_to_the_right(units: int, limit: int) -> None:
    assert rung(run(GPT), one_slice("R", limit, units)) == [("1", "void")]
    assert rung(run(GPT), one_slice("R", limit - 1, units)) == []


@pytest.mark.parametrize("of", [GPT, BERT])
def test_1_nobody_knows_what_nothing_decides(of: Cell) -> None:
    assert rung(run(of), one_slice("N", 334, 577)) == [("1", "void")]
    assert rung(run(of), one_slice("N", 333, 577)) == []


def test_1_sentence_without_polarity_words() -> None:
    counts = answers("classification", {"lex": 0.8, "con": 0.8, "none": 0.8}, 1500, 0)
    assert ("1", "void") in rung(made(CLASSIFIED, 1500), counts)


def test_1_holds_a_lower_cap_to_the_coin_too() -> None:
    first = data(GPT, 1577, reader="causal/first", caps=CAPS["causal/first"])
    assert rung(run(GPT, data=first), one_slice("R", 334, 577)) == [("1", "void")]
    assert rung(run(GPT, data=first), one_slice("R", 333, 577)) == []


def test_1_says_nothing_about_files_without_caps() -> None:
    plain = data(GPT, 1577, caps={})
    assert rung(run(GPT, data=plain), one_slice("R", 577, 577)) == []


def test_2_pretrained_bidirectional_reader_at_the_level_of_a_coin() -> None:
    # 334 is the smallest number that no coin explains: it shows use of the right context
    assert rung(run(BERT), one_slice("R", 333, 577)) == [("2", "void")]
    assert rung(run(BERT), one_slice("R", 334, 577)) == []
    assert rung(run(cell(family="bert", weights="scratch")), one_slice("R", 300, 577)) == []


def test_2_needs_enough_units() -> None:
    assert rung(run(BERT), one_slice("R", 20, 60)) == []


@pytest.mark.parametrize("mode", ["unmask", "echo"])
def test_3_adaptation_without_effect_is_a_warning(mode: str) -> None:
    of = cell(family="gpt", mode=mode)
    both = data(of, 1577, reader="bidirectional/last", caps=CAPS["bidirectional/first"])
    assert rung(run(of, data=both), one_slice("R", 300, 577)) == [("3", "warning")]
    assert rung(run(of, data=both), one_slice("R", 400, 577)) == []


def test_4_first_piece_reader_may_trade_one_slice_for_another() -> None:
    first = data(GPT, 1577, reader="causal/first", caps=CAPS["causal/first"])
    assert rung(run(GPT, data=first), one_slice("U", 400, 400)) == []


def test_4_first_piece_reader_above_its_cap_as_a_whole() -> None:
    first = data(GPT, 1577, reader="causal/first", caps={"all": 0.67})
    assert rung(run(GPT, data=first), one_slice("L", 577, 577)) == []
    counts = answers("ner", 0.8, 1500, 0)
    assert rung(made(GPT, 1500, data=first), counts) == [("4", "void")]


def test_other_readers_are_held_to_their_cap_in_every_slice() -> None:
    # .516 + 3.7 sqrt(.516 .484 / 400) + .005 = .6135
    low = data(GPT, 1577, caps={"U": 0.516})
    assert rung(run(GPT, data=low), one_slice("U", 246, 400)) == [("cap", "void")]
    assert rung(run(GPT, data=low), one_slice("U", 245, 400)) == []


def test_a_cap_of_errors_is_a_floor() -> None:
    # 60 texts of 3 slots: .3 - 3.7 sqrt(.3 .7 / 180) - .005 = .1686
    of = cell(family="bert", task="generation")
    floor = data(of, 60, caps={"all": 0.3})
    for wrong, rings in ((30, True), (31, False), (180, False)):
        column = [3] * (wrong // 3) + [wrong % 3] + [0] * (59 - wrong // 3)
        columns = {"missing": [0] * 60, "added": [0] * 60, "wrong": column[:60], "slots": [3] * 60}
        found = rung(made(of, 60, data=floor), CountTable(columns))
        assert found == ([("cap", "void")] if rings else []), wrong


def test_a_cap_of_what_is_no_share_is_not_held_to_a_binomial_limit() -> None:
    of = cell(family="bert", task="generation")
    low = made(of, 60, data=data(of, 60, caps={"all": 1.0}), metrics=("bleu",))
    assert rung(low, CountTable(dict(synthetic_texts.written(0.9, 60, 0)[0].columns))) == []


def test_any_reader_above_its_cap() -> None:
    counts = answers("ner", {"U": 1.0, "L": 1.0, "R": 0.5, "N": 0.5, "G": 1.0}, 1500, 1)
    low = data(GPT, 1500, caps={"all": 0.6, "U": 0.8})
    assert rung(made(GPT, 1500, data=low), counts) == [("cap", "void"), ("cap", "void")]


def test_5_counts_names_not_mentions() -> None:
    scratch = cell(family="gpt", weights="scratch")
    # 28 names: .25 + 3.7 x .0818 = .553
    assert rung(run(scratch), one_slice("G", 168, 280, names=28)) == [("5", "void")]
    assert rung(run(scratch), one_slice("G", 150, 280, names=28)) == []
    assert rung(run(GPT), one_slice("G", 280, 280, names=28)) == []


def test_collapsed_tagger() -> None:
    counts = one_slice("U", 0, 577)
    counts = replace(counts, columns={**counts.columns, "pred": [0] * 1577})
    assert rung(run(BERT), counts) == [("collapsed", "warning")]


def test_collapsed_tagger_is_not_taken_for_a_causal_one() -> None:
    counts = one_slice("R", 0, 577)
    counts = replace(counts, columns={**counts.columns, "pred": [0] * 1577})
    assert rung(run(BERT), counts) == [("collapsed", "warning")]


def test_collapsed_classifier() -> None:
    counts = answers("classification", 0.5, 300, 0)
    columns = {**counts.columns, "pred": [1] * 300}
    assert rung(made(CLASSIFIED), replace(counts, columns=columns)) == [("collapsed", "warning")]


def test_collapsed_classifier_without_answers_on_record() -> None:
    columns = {"correct": [1, 0] * 150, "total": [1] * 300}
    assert rung(made(CLASSIFIED), CountTable(columns)) == [("collapsed", "warning")]
    columns["correct"][1] = 1
    assert rung(made(CLASSIFIED), CountTable(columns)) == []


@pytest.mark.parametrize(
    "seen, rings",
    [
        (CAUSAL, False),
        ({"left_change": 1e-3}, True),
        (BOTH_WAYS, True),
        (BOTH_WAYS | {"left_change": 0.2}, False),
        ({"padding_change": 1e-3}, True),
        ({"padding_change": 1e-3, "tolerance": {"padding": 1e-2}}, False),
        ({"padding_change": 1e-3, "tolerance": None}, False),
        ({"left_change": 1e-3, "tolerance": {"padding": 1e-5}}, False),
        (BOTH_WAYS | {"tolerance": {}}, False),
        ({"right_change": 0.0}, True),
        ({"left_change": None, "padding_change": None}, False),
        (BOTH_WAYS | {"right_change": 0.0, "texts": 0}, True),
        ({"left_only": None, "left_change": 1.0}, False),
        ({"left_only": [False, False]}, True),
    ],
)
def test_11_probes_contradict_the_claim(seen: dict[str, Any], rings: bool) -> None:
    counts = one_slice("L", 500, 577)
    found = rung(run(GPT, probes={**PROBES, **seen}), counts)
    assert found == ([("11", "void")] if rings else [])


def test_records_of_before_a_mode_said_so_itself_are_held_to_its_name() -> None:
    old = {name: value for name, value in PROBES.items() if name != "left_only"}
    counts = one_slice("L", 500, 577)
    assert rung(run(GPT, probes=old), counts) == []
    assert rung(run(GPT, probes=old | {"left_change": 1e-3}), counts) == [("11", "void")]
    assert rung(run(GPT, probes=old | {"claimed": "new", "left_change": 1e-3}), counts) == []


TEXTS = CountTable(dict(synthetic_texts.written(0.9, 20, 0)[0].columns))


@pytest.mark.parametrize("mode, source, target", [("causal", 0.0, 0.0), ("unilm", 0.2, 0.0)])
def test_11_and_13_are_silent_where_texts_are_written_as_claimed(
    mode: str, source: float, target: float
) -> None:
    of = cell(task="generation", mode=mode)
    moved = {"source_left_change": source, "target_left_change": target, "claimed": mode}
    moved["left_only"] = [not source, True]
    assert rung(made(of, 20, probes={**TEXT_PROBES, **moved}), TEXTS) == []


@pytest.mark.parametrize(
    "mode, seen, number",
    [
        ("causal", {"source_left_change": 1e-3}, "11"),
        ("causal", {"target_left_change": 1e-3}, "11"),
        ("causal", {"source_from_target": 1e-3}, "13"),
        ("causal", {"padding_change": 1e-3}, "11"),
        ("unilm", {"source_left_change": 0.0}, "11"),
        ("unilm", {"target_left_change": 0.2}, "11"),
        ("unilm", {"source_from_target": 0.2}, "13"),
        ("mask_predict", {"source_left_change": 0.0}, "11"),
        ("mask_predict", {"target_left_change": 0.0}, "11"),
        ("mask_predict", {"source_from_target": 1e-5}, "13"),
        ("mask_predict", {"texts": 0}, "11"),
    ],
)
def test_11_and_13_of_written_texts(mode: str, seen: dict[str, Any], number: str) -> None:
    of = cell(family="gpt" if mode == "causal" else "bert", task="generation", mode=mode)
    healthy = made(of, 20).probes
    assert healthy is not None
    assert rung(made(of, 20), TEXTS) == []
    assert rung(made(of, 20, probes={**healthy, **seen}), TEXTS) == [(number, "void")]


def test_what_can_be_checked_of_written_texts() -> None:
    of = cell(family="bert", task="generation")
    able = ["collapse to one answer", *PROBED, "a target that leaks into its source", TRAINED]
    assert alarms.checks(made(of, 20), TEXTS) == able
    assert alarms.checks(made(of, 20, probes=None), TEXTS) == [able[0], TRAINED]


@pytest.mark.parametrize("same, rings", [([1, 1, 1], True), ([1, 1, 0], False), ([1], False)])
def test_collapsed_writer(same: list[int], rings: bool) -> None:
    of = cell(family="bert", task="generation")
    columns = {name: [1] * len(same) for name in TEXTS.columns} | {"same_as_first": same}
    found = rung(made(of, len(same), probes=None), CountTable(columns))
    assert found == ([("collapsed", "warning")] if rings else [])


def test_1_nobody_knows_what_a_vague_second_sentence_means() -> None:
    of = cell(family="bert", task="matching")
    share = {"same": 0.8, "changed": 0.8}
    assert rung(made(of, 1500), answers("matching", share | {"vague": 0.5}, 1500, 0)) == []
    found = rung(made(of, 1500), answers("matching", share | {"vague": 0.7}, 1500, 0))
    assert found == [("1", "void")]


def test_6_no_reader_needs_fewer_bits_than_the_source_has() -> None:
    assert alarms.below_entropy(2.94, 0.01, 2.935, "left to right") is None
    assert alarms.below_entropy(2.906, 0.01, 2.935, "left to right") is None
    alarm = alarms.below_entropy(2.904, 0.01, 2.935, "left to right")
    assert alarm is not None
    assert (alarm.number, alarm.severity) == ("6", "void")
    assert alarm.message.startswith(
        "left to right: 2.904 bits (SE 0.010), but the source has 2.935"
    )


def test_a_fresh_head_that_was_never_beaten_is_no_tuned_model() -> None:
    counts = one_slice("L", 500, 577)
    assert rung(run(GPT, training=replace(TRAINING, best_step=0)), counts) == [
        ("fresh head", "warning")
    ]
    assert rung(run(GPT, training=TRAINING), counts) == []
    assert TRAINED not in alarms.checks(run(GPT, training=None), counts)


def test_runs_without_units_are_fine() -> None:
    columns = {"correct": [1, 1, 0, 1], "total": [1] * 4}
    assert rung(made(CLASSIFIED, 4), CountTable(columns)) == []


WHOLE = ["answers that the reader cannot know", "scores above the cap", "collapse to one answer"]
TRAINED = "training that never beat the fresh head"
PROBED = ["a causality probe against the model's claim", "a padding probe"]


@pytest.mark.parametrize(
    "of, changes, able",
    [
        (GPT, {"probes": PROBES}, [*WHOLE, *PROBED]),
        (GPT, {"probes": {**PROBES, "tolerance": None}}, WHOLE),
        (GPT, {"probes": {**PROBES, "texts": 0}}, WHOLE),
        (GPT, {"probes": {**PROBES, "left_only": "causal"}}, [*WHOLE, PROBED[1]]),
        (GPT, {}, WHOLE),
        (BERT, {}, ["use of the words to the right", *WHOLE[1:]]),
        (GPT, {"data": data(GPT, 1577, caps={})}, WHOLE[2:]),
    ],
)
def test_what_can_be_checked_is_known(of: Cell, changes: dict[str, Any], able: list[str]) -> None:
    assert alarms.checks(run(of, **changes), one_slice("R", 300, 577)) == [*able, TRAINED]


def test_what_can_be_checked_without_slices_and_caps() -> None:
    columns = {"correct": [1, 1, 0, 1], "total": [1] * 4}
    files = made(CLASSIFIED, 4, data=data(CLASSIFIED, 4, caps={}), probes=PROBES)
    assert alarms.checks(files, CountTable(columns)) == ["collapse to one answer", *PROBED, TRAINED]
    assert alarms.checks(replace(files, majority=None), CountTable(columns)) == [*PROBED, TRAINED]


def test_names_can_be_checked_without_pretraining_only() -> None:
    counts = one_slice("G", 150, 280, names=28)
    assert "names that leak into labelled data" not in alarms.checks(run(GPT), counts)
    scratch = run(cell(family="gpt", weights="scratch"))
    assert "names that leak into labelled data" in alarms.checks(scratch, counts)
