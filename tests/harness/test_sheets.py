"""The report's tables as CSV, read back: what was planted, to the last digit, and no formula."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path

import measured
import numpy as np
import pytest
from adapting import strategy
from measured import MIB, architecture, gate, keep, kept, lane, pair, probe, race, rates, subject
from rendered import HOSTILE, STEERING
from synthetic import TRAINING, cell, data, leave
from test_label_curves import grown

from harness import plan
from harness.comparing import adaptation
from harness.comparing.aggregate import compare
from harness.comparing.comparison import Comparison
from harness.comparing.findings import Findings
from harness.comparing.label_curves import UPDATES, curves, flips
from harness.comparing.verdicts import verdicts
from harness.measurement import Stage
from harness.record import Outcome
from harness.report.sheets import sheets
from harness.statistics import timings

NAMES = (
    *("verdicts", "scores", "seeds", "differences", "slices", "training", "learning_curves"),
    *("searches", "adaptation", "label_curves", "label_flips"),
    *("efficiency", "races", "memory", "failures"),
)
LIMITS = ("mean", "low", "high", "se")
Rows = list[dict[str, str]]


def decided(comparison: Comparison) -> Findings:
    """A comparison with its verdicts by the default plan."""
    default = plan.default()
    return Findings(comparison, default, "as it is", verdicts(comparison, default))


def compared(root: Path) -> Findings:
    return decided(compare(root))


def tables(findings: Findings) -> dict[str, Rows]:
    found = {}
    for name, text in sheets(findings).items():
        rows = list(csv.reader(io.StringIO(text), strict=True))
        assert {len(row) for row in rows} == {len(rows[0])}, name
        assert len(set(rows[0])) == len(rows[0]), name
        found[name.removesuffix(".csv")] = [dict(zip(rows[0], r, strict=True)) for r in rows[1:]]
    return found


def where(rows: Rows, **facts: str) -> Rows:
    return [row for row in rows if all(row[name] == value for name, value in facts.items())]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Labels and texts, three seeds of each family, one body from scratch, one failure."""
    root = tmp_path_factory.mktemp("swept")
    for family in ("gpt", "bert"):
        for seed in range(3):
            leave(root, cell(family=family, seed=seed))
            leave(root, cell(family=family, seed=seed, task="generation"))
    leave(root, cell(family="gpt", weights="scratch"), share=0.3, training=None)
    gone = {"data": None, "model": None, "training": None}
    reason = {"outcome": Outcome("failed", "out of memory", "Traceback\n  RuntimeError: 2 GiB")}
    leave(root, cell(family="bert", seed=9), **reason, **gone)
    return compared(root)


@pytest.fixture(scope="module")
def read(swept: Findings) -> dict[str, Rows]:
    return tables(swept)


def test_every_table_is_there_with_its_header() -> None:
    empty = sheets(decided(Comparison(())))
    assert list(empty) == [f"{name}.csv" for name in NAMES]
    for name, text in empty.items():
        assert text.count("\n") == 1, name
        assert "," in text
    assert empty["failures.csv"].startswith("folder,task,data,model,family,pair,level,")


# --- what was trained ---------------------------------------------------------------------------


def test_scores_are_those_of_the_arms_to_the_last_digit(
    swept: Findings, read: dict[str, Rows]
) -> None:
    rows = iter(read["scores"])
    for group in swept.comparison.groups:
        for arm in group.arms:
            for score in arm.scores:
                row, estimate = next(rows), score.estimate
                assert (row["task"], row["model"], row["metric"]) == (
                    *(group.key.task, arm.key.model, score.meter.name),
                )
                assert float(row["mean"]) == estimate.mean
                for name in ("low", "high", "se", "df"):
                    value = getattr(estimate, name)
                    assert row[name] == ("" if value is None else repr(float(value))), name
                assert row["seeds"] == str(len(arm.runs))
                assert row["covers"] == estimate.covers
                assert row["note"] == (estimate.note or "")
    assert next(rows, None) is None


def test_scores_say_what_they_are_of(read: dict[str, Rows]) -> None:
    (row,) = where(read["scores"], model="bert", task="ner", metric="entity_f1")
    expected = {
        "data": "world", "source": "embedded", "split": "test", "experiment_version": "1",
        "hardware": "unknown processor", "family": "bert", "pair": "mini",
        "level": "same data and size", "weights": "embedded", "mode": "bidirectional",
        "strategy": "full", "settings": "", "apart": "", "lower_is_better": "False", "units": "300",
        "majority": "0.0",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    for slot in where(read["scores"], metric="slot_error"):
        assert slot["lower_is_better"] == "True"
    (scratch,) = where(read["scores"], weights="scratch", metric="entity_f1")
    assert (scratch["seeds"], scratch["covers"]) == ("1", "examples only")


def test_seeds_hold_one_row_per_run_and_metric(swept: Findings, read: dict[str, Rows]) -> None:
    (arm,) = [
        a for g in swept.comparison.groups for a in g.arms if g.key.task == "ner" and a.native
    ][:1]
    rows = where(read["seeds"], task="ner", model="gpt2", weights="embedded", metric="entity_f1")
    assert [row["seed"] for row in rows] == ["0", "1", "2"]
    assert [float(row["value"]) for row in rows] == list(arm.scores[0].per_seed)
    assert [row["folder"] for row in rows] == [run.folder for run in arm.runs]
    count = sum(len(a.scores) * len(a.runs) for g in swept.comparison.groups for a in g.arms)
    assert len(read["seeds"]) == count


def test_runs_that_do_not_belong_together_have_a_reason_and_no_score(tmp_path: Path) -> None:
    for seed in (0, 1):
        of = cell(seed=seed)
        leave(tmp_path, of, data=data(of, 300, classes=("O", f"B-{seed}")))
    found = tables(compared(tmp_path))
    (row,) = found["scores"]
    assert row["note"] == "refused: runs differ in data.classes"
    assert (row["metric"], row["seeds"], row["mean"]) == ("entity_f1", "2", "")
    assert not found["seeds"]
    assert len(found["training"]) == 2


def test_differences_are_bert_minus_gpt(read: dict[str, Rows]) -> None:
    means = {
        (row["task"], row["metric"], row["model"]): float(row["mean"])
        for row in where(read["scores"], weights="embedded")
    }
    rows = [row for row in read["differences"] if not row["slice"]]
    assert {row["metric"] for row in rows} >= {"entity_f1", "entity_f1_conlleval", "slot_error"}
    for row in rows:
        bert, gpt = (means[row["task"], row["metric"], model] for model in ("bert", "gpt2"))
        assert float(row["bert_minus_gpt_mean"]) == pytest.approx(bert - gpt, abs=1e-9)
        assert (row["gpt_model"], row["bert_model"]) == ("gpt2", "bert")
    (ner,) = where(rows, metric="entity_f1")
    mean, low, high, error = (float(ner[f"bert_minus_gpt_{n}"]) for n in LIMITS)
    assert low < 0.05 < mean < high
    assert 0 < error < mean - low
    assert (ner["headline"], ner["seeds"], ner["gpt_mode"]) == ("True", "3", "causal")
    (slots,) = where(rows, metric="slot_error")
    assert float(slots["bert_minus_gpt_mean"]) > 0  # more errors, in the metric's own unit
    assert slots["lower_is_better"] == "True"


def test_differences_of_slices_stand_below_those_of_the_whole(
    swept: Findings, read: dict[str, Rows]
) -> None:
    (contrast,) = [c for g in swept.comparison.groups for c in g.contrasts if g.key.task == "ner"]
    rows = [row for row in where(read["differences"], task="ner") if row["slice"]]
    assert [row["slice"] for row in rows] == list(contrast.slices)
    assert {row["metric"] for row in rows} == {"share of units right"}
    means = [float(row["bert_minus_gpt_mean"]) for row in rows]
    assert means == [one.mean for one in contrast.slices.values()]


def test_refused_and_incomplete_differences_say_why(tmp_path: Path) -> None:
    leave(tmp_path, cell(), config={"train": {"lr": 1e-3, "epochs": 15}, "seed": 0})
    leave(tmp_path, cell(family="bert"), config={"train": {"lr": 1e-3, "epochs": 3}, "seed": 0})
    (row,) = tables(compared(tmp_path))["differences"]
    assert row["refused"] == "train.epochs (15 and 3)"
    assert row["bert_minus_gpt_mean"] == row["seeds"] == ""
    alone = tmp_path / "alone"
    leave(alone, cell())
    leave(alone, cell(family="bert"))
    leave(alone, cell(seed=4))
    row = tables(compared(alone))["differences"][0]
    assert row["incomplete"] == "seed 4: no finished run of bert (bidirectional)"
    assert row["seeds"] == "1"


def test_slices_have_caps(read: dict[str, Rows]) -> None:
    rows = where(read["slices"], task="ner", model="gpt2", weights="embedded")
    caps = {row["slice"]: row["cap"] for row in rows}
    assert caps == {"U": "1.0", "L": "1.0", "R": "0.5", "N": "0.5", "G": "1.0"}
    assert {row["units_per_run"] for row in rows} == {"60"}
    (right,) = where(rows, slice="R")
    assert float(right["low"]) < 0.45 < float(right["high"])
    assert right["marked_share"] == "1.0"


def test_training_and_learning_curves(read: dict[str, Rows]) -> None:
    rows = where(read["training"], task="ner", model="bert")
    assert [row["seed"] for row in rows] == ["0", "1", "2"]
    expected = {
        "steps": "400", "examples": "12800", "tokens": "150000", "loss_tokens": "90000",
        "padding_share": "0.11", "cpu_seconds": "18.4", "wall_seconds": "16.2",
        "best_step": "400", "stopped_early": "False", "dev_metric": "entity_f1",
        "dev_score_before": "0.02", "dev_score_best": "0.76", "sweep": "default",
    }  # fmt: skip
    assert {name: rows[0][name] for name in expected} == expected
    curve = where(read["learning_curves"], task="ner", model="bert", seed="1")
    looks = [(row["step"], row["tokens"], row["cpu_seconds"], row["dev_score"]) for row in curve]
    assert looks == [
        ("0", "0", "0.0", "0.02"),
        ("200", "75000", "9.0", "0.71"),
        ("400", "150000", "18.0", "0.76"),
    ]


def test_a_run_without_a_log_leaves_empty_fields(read: dict[str, Rows]) -> None:
    (row,) = where(read["training"], weights="scratch")
    assert (row["steps"], row["dev_score_best"], row["seed"]) == ("", "", "0")
    assert not where(read["learning_curves"], weights="scratch")
    assert TRAINING.steps == 400  # the others have one


def test_failures_in_one_line(read: dict[str, Rows]) -> None:
    (row,) = read["failures"]
    assert row["reason"] == "out of memory"
    assert row["error"] == "Traceback RuntimeError: 2 GiB"
    assert (row["model"], row["seed"], row["role"]) == ("bert", "9", "result")


# --- what was searched and adapted --------------------------------------------------------------


@pytest.fixture(scope="module")
def adapting_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three ways of tuning; BERT's adapters had half of the trials, prompts none."""
    root = tmp_path_factory.mktemp("adapting")
    strategy(root, "full", 0.9, 0.88, seeds=range(2), size=300)
    strategy(root, "freeze", 0.7, 0.87, seeds=range(2), size=300, settings={"share": 0.25})
    trials = {"gpt": 8, "bert": 4}
    strategy(root, "lora", 0.89, 0.86, seeds=range(2), size=300, trials=trials)
    strategy(root, "prompt", 0.55, 0.54, seeds=range(1), size=300)
    return root


def test_ways_of_tuning_with_what_they_keep_and_cost(adapting_root: Path) -> None:
    found = compared(adapting_root)
    rows = tables(found)["adaptation"]
    (group,) = found.comparison.groups
    kept = adaptation.adapted(group)
    assert [row["tuned"] for row in rows] == [adaptation.way(one.arm.first) for one in kept]
    for row, one in zip(rows, kept, strict=True):
        score = one.arm.scores[0].estimate
        assert float(row["score"]) == score.mean
        assert row["score_low"] == ("" if score.low is None else repr(float(score.low)))
        if one.retention is None:
            assert (row["retention"], row["note"]) == ("", one.why)
        else:
            assert float(row["retention"]) == one.retention.mean
            assert row["retention_seeds"] == "2"
    (quarter,) = where(rows, tuned="freeze 25 %", model="gpt2")
    low, mean, high = (float(quarter[f"retention{end}"]) for end in ("_low", "", "_high"))
    assert low < mean < high
    assert mean == pytest.approx(0.5, abs=0.1)
    assert (quarter["tuned_parameters"], quarter["trials"]) == ("200000", "8")
    assert float(quarter["tuned_share"]) == 200_000 / 660_000
    assert float(quarter["training_flops"]) == 3 * 1.4e6 * 150_000
    assert float(quarter["training_seconds"]) == 18.4
    (unequal,) = where(rows, tuned="lora, rank 8", model="bert")
    assert (unequal["trials"], unequal["retention"]) == ("4", "")
    assert "tuning.trials (8 and 4)" in unequal["note"]
    (asked,) = where(rows, strategy="prompt", model="bert")
    names = ("training_flops", "training_seconds", "trials")
    assert [asked[name] for name in names] == [""] * 3
    assert asked["tuned_parameters"] == "0"


def test_trials_stand_one_run_a_row_with_what_was_chosen(tmp_path: Path) -> None:
    values = ({"train.lr": 1e-3, "strategy.rank": 8}, {"train.lr": 0.02, "strategy.rank": 8})
    table = [
        {"trial": at, "values": one, "seed": seed, "score": None if at and seed == 1 else 0.1234}
        for at, one in enumerate(values)
        for seed in (1, 2)
    ]
    node = {"search": "=mine", "metric": "entity_f1", "trials": 2, "table": table}
    leave(tmp_path, cell(), tuning=node | {"chosen": values[1]})
    leave(tmp_path, cell(family="bert"), tuning=node | {"chosen": values[0], "table": table[:2]})
    rows = tables(compared(tmp_path))["searches"]
    gpt, bert = (where(rows, family=family) for family in ("gpt", "bert"))
    assert [(row["trial"], row["seed"], row["dev_score"], row["failed"]) for row in gpt] == [
        *(("0", "1", "0.1234", "False"), ("0", "2", "0.1234", "False")),
        *(("1", "1", "", "True"), ("1", "2", "0.1234", "False")),
    ]
    assert [row["chosen"] for row in gpt] == ["False", "False", "True", "True"]
    assert gpt[2]["point"] == "strategy.rank=8; train.lr=0.02"
    assert [row["chosen"] for row in bert] == ["True", "True"]
    assert {row["equal_trials"] for row in rows} == {"False"}
    assert (gpt[0]["search"], gpt[0]["where"]) == ("'=mine", "behind the results")
    assert (gpt[0]["trials"], bert[0]["trials"], bert[0]["mode"]) == ("2", "1", "bidirectional")
    (one,) = {row["metric"] for row in rows}
    assert one == "entity_f1"


def test_trials_alone_do_not_say_what_was_chosen(tmp_path: Path) -> None:
    for rate in (1e-4, 1e-3):
        config = {"train": {"lr": rate}, "seed": 0}
        leave(tmp_path, cell(role="tuning"), config=config, evaluated="dev")
    rows = tables(compared(tmp_path))["searches"]
    assert [row["point"] for row in rows] == ["train.lr=0.0001", "train.lr=0.001"]
    assert {(row["chosen"], row["where"]) for row in rows} == {("", "trials of this folder")}


def test_label_curves_and_where_they_cross(tmp_path: Path) -> None:
    scores = {"gpt": {250: 0.8, 1000: 0.6}, "bert": {250: 0.4, 1000: 0.9}}
    comparison = grown(tmp_path, scores, seeds=range(3), size=120)
    (curve,) = curves(comparison)
    found = tables(decided(comparison))
    rows = found["label_curves"]
    assert [(row["labels"], row["epochs"], row["seeds"]) for row in rows] == [
        ("250", "32", "3"), ("1000", "8", "3"),
    ]  # fmt: skip
    for row, point in zip(rows, curve.points, strict=True):
        assert float(row["bert_advantage"]) == point.advantage.mean
        assert float(row["bert_advantage_low"]) == point.advantage.low
        assert float(row["gpt_score"]) == point.contrast.gpt.scores[0].estimate.mean
        assert float(row["bert_score_high"]) == point.contrast.bert.scores[0].estimate.high
    assert [row["ahead"] for row in rows] == ["GPT", "BERT"]
    assert (rows[0]["pace"], rows[0]["metric"], rows[0]["pair"]) == (UPDATES, "entity_f1", "mini")
    (turn,), (row,) = flips(curve), found["label_flips"]
    assert [float(row[name]) for name in ("at_labels", "low", "high")] == [
        turn.at, turn.low, turn.high,
    ]  # fmt: skip
    told = [row[name] for name in ("first", "then", "after", "before", "shown", "split")]
    assert told == ["GPT", "BERT", "250", "1000", "True", "test"]


# --- what was measured --------------------------------------------------------------------------


def test_latencies_and_rates_in_seconds(tmp_path: Path) -> None:
    gpt, bert = pair(tmp_path)
    few = [*measured.single(count=100), measured.offline(32, 800.0)]
    keep(tmp_path, probe(subject(gpt)), probe(subject(bert), series=few))
    rows = tables(compared(tmp_path))["efficiency"]
    (model,) = where(rows, model="gpt2", series="single stream/model")
    taken = measured.single()[0].wall_seconds
    exact = timings.percentile(taken, 0.95)
    assert float(model["p50_seconds"]) == timings.percentile(taken, 0.5).value
    assert [float(model[f"p95_seconds{end}"]) for end in ("", "_low", "_high")] == [
        *(exact.value, exact.low, exact.high),
    ]
    assert float(model["mean_seconds"]) == pytest.approx(np.mean(taken))
    assert (model["samples"], model["clock"], model["measured_by"]) == ("200", "wall", "quick")
    (short,) = where(rows, model="bert", series="single stream/model")
    assert short["p95_seconds"] == short["p95_seconds_low"] == ""
    assert float(short["p50_seconds"]) > 0
    (batches,) = where(rows, model="gpt2", series="offline", shape='{"batch_size":32}')
    assert float(batches["examples_per_second"]) == pytest.approx(800, rel=0.05)
    low, high = (float(batches[f"tokens_per_second{end}"]) for end in ("_low", "_high"))
    assert low < 12 * float(batches["examples_per_second"]) < high


def test_foreign_load_moves_to_the_process_clock_but_not_a_server(tmp_path: Path) -> None:
    gpt, _ = pair(tmp_path)
    loaded = [*measured.single(load=2.0), *rates(0, {20.0: True})]
    keep(tmp_path, probe(subject(gpt), series=loaded))
    rows = tables(compared(tmp_path))["efficiency"]
    (model,) = where(rows, series="single stream/model")
    assert model["clock"] == "process"
    assert float(model["p50_seconds"]) == pytest.approx(0.001, rel=0.02)
    assert float(model["wall_per_cpu_second"]) == pytest.approx(2.0)
    (server,) = where(rows, series="server-like/rate")
    assert (server["clock"], float(server["p50_seconds"])) == ("wall", 0.01)
    assert '"rate_per_second":20.0' in server["shape"]


def test_races_are_gpt_over_bert_beside_their_gate(tmp_path: Path) -> None:
    gpt, bert = map(subject, pair(tmp_path))
    shapes = ({"length": 8}, {"length": 8})
    copies = [replace(one, shape=one.shape | {"length": 8}) for one in gate("generation", seed=3)]
    found = [
        *lane("same shape", (0.001, 0.002)), *gate("same shape", seed=1),
        *lane("offline", (0.001, 0.002), seed=4), *gate("offline", 1.5, seed=2),
        *lane("generation", (0.003, 0.002), shapes=shapes), *copies,
        *lane("alone", (0.001, 0.001))[:1], *rates(0, {20.0: True}),
    ]  # fmt: skip
    keep(tmp_path, race(gpt, bert, found))
    rows = tables(compared(tmp_path))["races"]
    assert [row["scenario"] for row in rows] == ["same shape", "offline", "generation", "alone"]
    good, noisy, longer, alone = rows
    ratio, low, high = (float(good[f"gpt_per_bert_seconds{e}"]) for e in ("", "_low", "_high"))
    assert low < ratio < high
    assert ratio == pytest.approx(0.5, rel=0.01)
    gated = [float(good[f"gate{end}"]) for end in ("_low", "", "_high")]
    assert gated == sorted(gated)
    assert gated[1] == pytest.approx(1.0, rel=0.01)
    assert (good["gate_passed"], good["blocks"], good["blocks_left_out"]) == ("True", "10", "0")
    assert good["verdict"] == "GPT faster by a factor of 2.00"
    assert float(good["bert_seconds_per_call"]) == pytest.approx(0.002, rel=0.01)
    assert (noisy["gate_passed"], noisy["verdict"]) == ("False", "noisy: undetermined")
    assert float(noisy["gpt_per_bert_seconds"]) == pytest.approx(0.5, rel=0.01)
    assert float(longer["gpt_per_bert_seconds"]) == pytest.approx(1.5, rel=0.01)
    assert (longer["shape"], longer["gate_passed"]) == ('{"length":8}', "True")
    assert alone["verdict"] == "only one side was raced"
    assert alone["gpt_per_bert_seconds"] == alone["bert_seconds_per_call"] == ""
    assert (good["gpt_model"], good["bert_model"], good["task"]) == ("gpt2", "bert", "ner")


def test_memory_has_one_row_a_reading(tmp_path: Path) -> None:
    gpt, _ = pair(tmp_path)
    lost = Stage("training step", None, None, None, {"allocated": None}, why="no room")
    stages = [*measured.stages()[:-1], lost]
    keep(tmp_path, probe(subject(gpt), memory={"0": stages}))
    rows = tables(compared(tmp_path))["memory"]
    forward = {row["quantity"]: row["bytes"] for row in where(rows, stage="forward")}
    assert forward == {
        "resident": str(311 * MIB),
        "peak": str(330 * MIB),
        "weights": str(4 * MIB),
        "activations and rest": str(20 * MIB),
    }
    assert {row["seconds_since_start"] for row in where(rows, stage="forward")} == {"3.5"}
    gone = where(rows, stage="training step")
    assert [(row["quantity"], row["bytes"]) for row in gone] == [
        ("resident", ""), ("peak", ""), ("device allocated", ""), ("activations and rest", ""),
    ]  # fmt: skip
    assert {row["why"] for row in gone} == {"no room"}


def test_a_model_without_weights_has_no_task(tmp_path: Path) -> None:
    keep(tmp_path, probe(architecture("gpt")))
    row = tables(compared(tmp_path))["efficiency"][0]
    assert (row["weights"], row["task"], row["data"], row["checkpoint"]) == (
        *("architecture", "", "", ""),
    )


# --- harm ---------------------------------------------------------------------------------------

FORMULAS = [
    "=HYPERLINK(1)",
    "+1+cmd|x",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "  =1",
    "\N{FULLWIDTH EQUALS SIGN}1",
    "\u202e=1",
]


@pytest.mark.parametrize("text", [HOSTILE, *FORMULAS, '"a","b"\r\n=c', "x,y;z\ttab"])
def test_no_text_becomes_a_formula_or_a_column(tmp_path: Path, text: str) -> None:
    of = cell(model=text, pair=text, data=text)
    leave(tmp_path, of, data=data(of, 300, classes=("O", text)))
    broken = {"outcome": Outcome("failed", text, text), "data": None, "model": None}
    leave(tmp_path / "b", cell(family="bert"), training=None, sweep=text, **broken)
    taken = [replace(one, name=text, shape={text: text}) for one in measured.single()]
    stages = [replace(one, name=text, why=text, device={text: 1}) for one in measured.stages()]
    words = {"series": taken, "memory": {"0": stages}, "settings": {"name": text, "device": text}}
    keep(tmp_path, probe(subject(kept(tmp_path, cell()), description=text, mode=text), **words))
    found = sheets(compared(tmp_path))
    assert any(len(one.splitlines()) > 1 for one in found.values())
    for name, written in found.items():
        for row in csv.reader(io.StringIO(written), strict=True):
            for value in row:
                harmless(value, name)
        assert not set(written) & set(STEERING)
        assert all(character == "\n" or character.isprintable() for character in written)
    (failed,) = tables(compared(tmp_path))["failures"]
    seen = failed["reason"].removeprefix("'")
    assert seen.startswith(text.strip()[:1]) or seen.startswith("\N{REPLACEMENT CHARACTER}")


def harmless(value: str, name: str) -> None:
    if value[:1] in tuple("=+-@\t\r\N{FULLWIDTH EQUALS SIGN}"):
        assert math.isfinite(float(value)), (name, value)  # a number is one


def test_numbers_are_no_formulas(read: dict[str, Rows]) -> None:
    """A negative number keeps its sign and stays a number."""
    values = [row["bert_minus_gpt_mean"] for row in read["differences"]]
    assert any(value.startswith("-") for value in values)
    assert all(math.isfinite(float(value)) for value in values if value)


def test_verdicts_hold_what_decided_them_and_what_bars_them(tmp_path: Path) -> None:
    for seed in range(3):
        for family in ("gpt", "bert"):
            leave(tmp_path, cell(family=family, task="classification", seed=seed), size=600)
    told = compared(tmp_path)
    (row,) = tables(told)["verdicts"]
    (one,) = told.verdicts
    assert one.decision is not None
    assert float(row["deciding_low"]) == one.decision.low
    assert (row["answer"], row["preliminary"], row["void"]) == (one.answer, "True", "")
    assert row["plan"] == plan.default().digest
    leave(tmp_path, cell(family="gpt", task="classification", seed=1), share=0.99, size=600)
    (tmp_path / "void").mkdir()
    for seed in range(2):
        for family in ("gpt", "bert"):
            of = cell(family=family, task="classification", seed=seed)
            leave(tmp_path / "void", of, share=0.95, size=1000)  # also where only a coin could tell
    (row,) = tables(compared(tmp_path / "void"))["verdicts"]
    assert row["answer"] == "no verdict"
    assert row["void"].startswith("alarm 1")
    assert row["deciding_low"] == ""
