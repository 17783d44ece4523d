"""The report on speed, memory, energy and cost, from measurement files alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import measured
import pytest
from measured import MIB, gate, kept, lane, pair, probe, race, rates, subject
from rendered import HOSTILE, STEERING, assert_rectangular, cells, rows, sections, text_of
from synthetic import TRAINING, cell, leave

from harness import measurement
from harness.comparing.aggregate import compare
from harness.measure.stopwatch import Stopwatch
from harness.measurement import Measurement, Subject
from harness.record import Evaluation
from harness.report.__main__ import main
from harness.report.summary import MECHANISM
from harness.weights import assets


def architecture(family: str, task: str = "-", **changes: Any) -> Subject:
    """As the measuring half describes one."""
    base = replace(measured.architecture(family), weights=assets.ARCHITECTURE, task=task)
    return replace(base, description=f"{base.model}, base, architecture only", **changes)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pair on NER with probes and a race, and one whose architectures were raced."""
    root = tmp_path_factory.mktemp("full")
    gpt, bert = map(subject, pair(root))
    leave(root, cell(family="gpt", seed=1))
    server = [*rates(0, {10.0: True, 40.0: True, 80.0: False}), *rates(1, {10.0: True})]
    found = [
        *gate("same shape"),
        *lane("same shape", (0.0025, 0.0020)),
        *gate("single stream/end to end", apart=1.04),
        *lane("single stream/end to end", (0.0025, 0.0020)),
        *lane("offline", (0.0200, 0.0250)),
        *server,
    ]
    big = [*gate("same shape"), *lane("same shape", (0.100, 0.101))]
    measured.keep(
        root,
        probe(gpt),
        probe(bert, energy=[measured.joules(4000)], not_measured={}, series=measured.single()),
        race(gpt, bert, found),
        race(architecture("gpt"), architecture("bert"), big),
    )
    return text_of(root)


def row(box: str, name: str) -> list[str]:
    """The one row of a table that begins so, without its name."""
    (found,) = [one for one in rows(box, name) if cells(one)[0] == name]
    return cells(found)[1:]


def near(text: str, expected: float, share: float = 0.05) -> None:
    """An estimate and its interval: the first is near, the second holds it."""
    value, low, high = (
        float(n.replace(",", "")) for n in re.match(r"(\S+) \[(\S+), (\S+)\]", text).groups()
    )
    assert value == pytest.approx(expected, rel=share)
    assert low <= value <= high


def test_one_table_a_task(full: str) -> None:
    box = sections(full)["Efficiency: ner on world"]
    header = cells(rows(box, "0.66 M parameters")[0])
    assert header == ["", *(f"{m}, mini, 0.66 M parameters, embedded" for m in ("gpt2", "bert"))]
    gpt, bert = row(box, "quality")
    assert re.fullmatch(r"entity F1 \(strict IOB2\) \.\d{3} \[\.\d{3}, \.\d{3}\], 2 seeds", gpt)
    assert bert.endswith(", 1 seed")
    assert row(box, "measured weights")[0].startswith("seed 0 (")
    assert row(box, "kernel") == ["sdpa, float32"] * 2
    assert row(box, "measured by") == ["quick, on E1"] * 2
    assert row(box, "clock") == ["wall", "wall"]
    near(row(box, "p50, end to end, ms")[0], 3.0)
    near(row(box, "p95, end to end, ms")[0], 1.0 + 2.0 * 2.718 ** (1.645 * 0.05))
    near(row(box, "p50, model only, ms")[0], 2.0)
    assert row(box, "best batch size") == ["32", "not measured"]
    near(row(box, "examples / s")[0], 800.0)
    near(row(box, "words / s")[0], 7200.0)
    near(row(box, "real tokens / s")[0], 9600.0)
    assert row(box, "padding share")[0] == ".200"
    assert row(box, "peak memory, forward, MiB")[0] == "330.0 (30.0 above imports)"
    assert row(box, "peak memory, training step, MiB")[0] == "353.0 (53.0 above imports)"
    assert row(box, "cold start, s")[0] == "3.125"
    assert row(box, "training, CPU s")[0] == "18.4"
    energy = ["not measured: no counter", "offline: 150.0 gross, 100.0 net"]
    assert row(box, "energy per 1,000 examples, J") == energy


def test_the_ledger_of_memory(full: str) -> None:
    box = sections(full)["Memory"]
    found = {cells(one)[1]: cells(one)[2:] for one in rows(box, "gpt2, mini")}
    assert list(found) == [
        "start",
        "imports",
        "weights",
        "first answer",
        "forward",
        "training step",
    ]
    assert found["imports"][:3] == ["2.500", "300.0", "310.0"]
    assert found["imports"][3:] == ["-"] * 7
    # forward: 330 - 310 held before; a step: 353 - 311 - 12 of gradients and optimizer
    assert found["forward"][3:] == ["4.0", "-", "-", "-", "20.0", "-", "batch_size 32"]
    assert found["training step"][3:8] == ["4.0", "-", "4.0", "8.0", "30.0"]


def test_memory_that_a_probe_and_a_race_share_stands_once(tmp_path: Path) -> None:
    """They differ in what else they hold: a race has no counter that could be missing."""
    gpt, bert = map(subject, pair(tmp_path))
    memory = {"0": measured.stages(), "1": measured.stages()}
    measured.keep(
        tmp_path, probe(gpt), probe(bert), race(gpt, bert, gate("same shape"), memory=memory)
    )
    box = sections(text_of(tmp_path))["Memory"]
    assert len(rows(box, "| training step |")) == 2


def test_the_precision_is_the_measured_one(tmp_path: Path) -> None:
    of = subject(kept(tmp_path, cell()))
    place = {"name": "quick", "device": "cpu"}
    measured.keep(
        tmp_path,
        probe(of, settings={**place, "precision": "float32"}),
        probe(of, settings={**place, "precision": "bfloat16"}),
    )
    named = sections(text_of(tmp_path))
    kernels = row(named["Efficiency: ner on world"], "kernel")
    assert sorted(kernels) == ["sdpa, bfloat16 (quality float32)", "sdpa, float32"]
    told = re.findall(r"precision \w+", named["Measured on"])
    assert sorted(told) == ["precision bfloat16", "precision float32"]


def test_memory_on_a_device_and_stages_that_were_not_reached(tmp_path: Path) -> None:
    stages = measured.stages()
    before = replace(stages[3], device={"allocated": 4 * MIB, "allocated_peak": 6 * MIB})
    there = replace(stages[4], device={"allocated": 4 * MIB, "allocated_peak": 27 * MIB})
    gone = replace(stages[5], seconds=None, resident_bytes=None, peak_bytes=None, why="killed")
    memory = {"0": [*stages[:3], before, there, replace(gone, parts={})]}
    measured.keep(tmp_path, probe(subject(kept(tmp_path, cell())), memory=memory))
    named = sections(text_of(tmp_path))
    box = named["Efficiency: ner on world"]
    assert row(box, "peak memory, forward, MiB") == ["330.0 (30.0 above imports); device 27.0"]
    assert row(box, "peak memory, training step, MiB") == ["not measured: killed"]
    (forward,) = rows(named["Memory"], "| forward |")
    assert cells(forward)[9] == "23.0"  # of the device; the host's are 20
    (step,) = rows(named["Memory"], "| training step |")
    assert cells(step)[2:] == ["-"] * 9 + ["not measured: killed"]


def test_texts_have_rows_of_their_own(tmp_path: Path) -> None:
    gpt, bert = map(subject, pair(tmp_path, "generation"))
    natural, fixed = ([5, 9] * 20, [32] * 40)
    series = [
        *measured.single(count=40),
        *measured.texts("natural", natural, 0.010, 0.004),
        *measured.texts(32, fixed, 0.012, 0.005),
    ]
    other = replace(bert, mode="mask_predict", cell=None, checkpoint=None)
    measured.keep(tmp_path, *(probe(one, series=series) for one in (gpt, other)))
    box = sections(text_of(tmp_path))["Efficiency: generation on world"]
    assert cells(rows(box, "gpt2, mini")[0])[2].endswith("embedded, mask_predict")
    quality = row(box, "quality")
    assert quality[0].startswith("slot error rate (lower is better) .0")
    assert quality[1] == "no run on record has these weights"
    near(row(box, "p50, prefill, natural length, ms")[0], 5.0)
    near(row(box, "p50, first token, natural length, ms")[0], 10.0)
    near(row(box, "p50, whole text, 32 tokens, ms")[0], 12.0 + 31 * 5.0)
    near(row(box, "p50, per further token, natural length, ms")[0], 4.0)
    near(row(box, "p50, per further token, 32 tokens, ms")[0], 5.0)
    assert row(box, "p50, per further token, 32 tokens, ms")[1] == "all tokens at once"
    assert row(box, "p95, end to end, ms")[0] == "refused: 40 of 200 samples"


def test_quality_is_of_the_run_whose_weights_were_measured(tmp_path: Path) -> None:
    """Two cells of one training answer differently; another training is another model."""
    good = kept(tmp_path, cell(), share=0.9)
    same = kept(tmp_path, cell(), share=0.2, config={"decoding": "other"})
    assert good.checkpoint_digest == same.checkpoint_digest
    measured.keep(tmp_path, probe(subject(good)), probe(subject(same)))
    qualities = row(sections(text_of(tmp_path))["Efficiency: ner on world"], "quality")
    assert sorted(re.search(r"\) (\.\d)", text).group(1) for text in qualities) == [".1", ".8"]
    strange = probe(subject(good, checkpoint="0" * 64))
    measured.keep(tmp_path, replace(strange, identity="f" * 64))
    box = sections(text_of(tmp_path))["Efficiency: ner on world"]
    assert "no run on record has these weights" in row(box, "quality")


def test_void_runs_lend_no_quality(tmp_path: Path) -> None:
    of = kept(tmp_path, cell(family="gpt"), share=0.99, size=1000)
    measured.keep(tmp_path, probe(subject(of)))
    (quality,) = row(sections(text_of(tmp_path))["Efficiency: ner on world"], "quality")
    assert "1 seed; void: alarm 1 (gpt2, seed 0)" in quality


def test_foreign_load_is_told_and_leaves_process_seconds(tmp_path: Path) -> None:
    busy = probe(
        subject(kept(tmp_path, cell())),
        series=[*measured.single(load=1.5), measured.offline(8, 400.0)],
        flags=["foreign load: 1.42 wall seconds per process second"],
    )
    measured.keep(tmp_path, busy)
    named = sections(text_of(tmp_path))
    box = named["Efficiency: ner on world"]
    assert row(box, "clock") == ["process"]
    near(row(box, "p50, model only, ms")[0], 2.0 / 1.5)
    assert "embedded: foreign load: 1.42 wall seconds per process second\n" in named["Doubts"]
    assert "single stream/model 1.50, single stream/end to end 1.50\n" in named["Doubts"]
    assert "offline 1" not in named["Doubts"]
    assert "energy not measured: no counter" in named["Doubts"]


def test_a_reason_is_told_once(tmp_path: Path) -> None:
    gpt, bert = map(subject, pair(tmp_path))
    load = "foreign load: 1.42 wall seconds per process second"
    measured.keep(
        tmp_path,
        probe(gpt, flags=["not steady", "not steady", load], not_measured={"energy": "none"}),
        probe(bert, flags=[load], not_measured={"energy": "none", "imports": "none"}),
        probe(replace(bert, mode="unilm"), not_measured={"energy": "none", "imports": "none"}),
        race(gpt, bert, lane("x", (1.0, 1.0)), flags=["not steady"]),
    )
    gpt2, bert_ = (f"{one}, mini, 0.66 M parameters, embedded" for one in ("gpt2", "bert"))
    probed = [f"probe, ner on world, {one}" for one in (gpt2, bert_)]
    lines = sections(text_of(tmp_path))["Doubts"].strip().splitlines()
    shared = {text: names for text, _, names in (one.partition("): ") for one in lines)}
    assert {one for one in shared if one.endswith(load)} == {f"- {one}: {load}" for one in probed}
    assert "- energy not measured: none (3 measurements: every probe)" in lines
    raced = f"race, ner on world, {gpt2} against {bert_}"
    assert {*shared["- not steady (2 measurements"].split("; ")} == {probed[0], raced}
    assert "gpt2" not in shared["- imports not measured: none (2 measurements"]
    assert len(lines) == 5


def test_throughput_of_a_few_batches_says_so(tmp_path: Path) -> None:
    for count, family in ((3, "gpt"), (1, "bert")):
        of = subject(kept(tmp_path, cell(family=family)))
        measured.keep(tmp_path, probe(of, series=[measured.offline(8, 400.0, count)]))
    rate = row(sections(text_of(tmp_path))["Efficiency: ner on world"], "examples / s")
    assert [text.partition(" ")[2] for text in rate] == [
        "(no interval: 3 batches)",
        "(no interval: 1 batch)",
    ]


def test_environments_are_told_apart_by_what_lasts(tmp_path: Path) -> None:
    of = subject(kept(tmp_path, cell()))
    later = {**measured.ENVIRONMENT, "before": {"load": 0.5}, "after": {"load": 0.5}}
    other = {"machine": {**measured.MACHINE, "cpu": "Xeon"}}
    found = [probe(of, environment=e) for e in (measured.ENVIRONMENT, later, other)]
    measured.keep(tmp_path, *(replace(one, identity=f"{i}" * 64) for i, one in enumerate(found)))
    named = sections(text_of(tmp_path))
    lines = named["Measured on"].strip().splitlines()
    assert lines[:3] == [
        "- **E1** (2 measured): cpu EPYC; cores_usable 2; torch 2.13.0; device cpu; unknown: gpu",
        "  - before: load 0.25 to 0.5",
        "  - after: load 0.5 to 1.5",
    ]
    assert lines[3].startswith("- **E2** (1 measured): cpu Xeon")
    assert len(lines) == 4
    by = row(named["Efficiency: ner on world"], "measured by")
    assert by == ["quick, on E1", "quick, on E1", "quick, on E2"]


def test_architectures_stand_apart(full: str, tmp_path: Path) -> None:
    leave(tmp_path, cell())
    measured.keep(tmp_path, probe(architecture("gpt")))
    name = "Efficiency: architecture only, quality not measured"
    box = sections(text_of(tmp_path))[name]
    assert not rows(box, "quality")
    assert not rows(box, "training, CPU s")
    near(row(box, "p50, model only, ms")[0], 2.0)
    assert rows(
        sections(full)["Race: architecture only, quality not measured"], "equivalent within 10 %"
    )


def test_memory_of_architectures_comes_from_their_race(tmp_path: Path) -> None:
    """GPT's is told once though it raced twice; of BERT as a writer nothing was read."""
    gpt, bert = (architecture(family, "classification") for family in ("gpt", "bert"))
    writer = replace(bert, mode="unilm")
    stages = measured.stages()
    larger = [replace(one, parts={name: 2 * size for name, size in one.parts.items()})
              for one in stages]  # fmt: skip
    measured.keep(
        tmp_path,
        race(gpt, bert, lane("x", (1.0, 1.0)), memory={"0": stages, "1": larger}),
        race(gpt, writer, lane("x", (1.0, 1.0)), memory={"0": stages}),
    )
    named = sections(text_of(tmp_path))
    assert "No model was measured by itself" in named["Efficiency"]
    box = named["Architectures"]
    assert "architecture only, quality not measured" in box
    peaks = ["330.0 (30.0 above imports)", "353.0 (53.0 above imports)"]
    lines = [cells(one) for one in rows(box, "architecture only")]
    assert lines == [
        ["gpt2-124M, base, architecture only, causal", "classification", "4.0", *peaks],
        ["bert-110M, base, architecture only, causal", "classification", "8.0", *peaks],
        ["bert-110M, base, architecture only, unilm", "classification", *["not measured"] * 3],
    ]
    box = named["Memory"]
    assert "classification, architecture only, quality not measured:" in box
    assert len(rows(box, "gpt2-124M")) == len(rows(box, "bert-110M")) == len(stages)
    (step,) = rows(box, "bert-110M", "| training step |")
    assert cells(step)[5:10] == ["8.0", "-", "8.0", "16.0", str(353.0 - 311 - 24)]
    assert "Race: classification, architecture only, quality not measured" in named


def test_models_that_raced_are_no_architectures(full: str, tmp_path: Path) -> None:
    names = [cells(one)[0] for one in rows(sections(full)["Architectures"], "base")]
    assert names == [
        f"{one}, base, architecture only, causal" for one in ("gpt2-124M", "bert-110M")
    ]
    measured.keep(tmp_path, race(*map(subject, pair(tmp_path)), lane("x", (1.0, 1.0))))
    named = sections(text_of(tmp_path))
    assert not {"Architectures", "Memory"} & set(named)


def test_measurements_need_no_run(tmp_path: Path) -> None:
    measured.keep(tmp_path, probe(architecture("gpt")))
    assert main([str(tmp_path)]) == 0
    page = tmp_path / "report" / "efficiency.md"
    assert "architecture only" in page.read_text(encoding="utf-8")


def test_embedded_quality_says_what_it_shows(full: str) -> None:
    chapter = full.split("\n## Efficiency\n")[1].split("\n## ")[0]
    assert chapter.count(MECHANISM) == 1


def test_nothing_measured_says_how(tmp_path: Path) -> None:
    leave(tmp_path, cell())
    named = sections(text_of(tmp_path))
    assert "python -m harness.run ... probe=quick" in named["Efficiency"]
    assert "python -m harness.race" in named["Which is faster"]


# --- races --------------------------------------------------------------------------------------


def test_each_scenario_has_its_gate_and_its_own_verdict(full: str) -> None:
    box = sections(full)["Race: ner on world"]
    assert "GPT is **gpt2, mini" in box
    assert "race quick, on E1:" in box
    shape, stream, batch = (
        dict(zip(cells(rows(box, "verdict")[0]), cells(rows(box, f"| {name} |")[0]), strict=True))
        for name in ("same shape", "single stream/end to end", "offline")
    )
    near(shape["GPT / BERT"], 1.25, 0.01)
    near(shape["A/A"], 1.0, 0.01)
    assert "failed" not in shape["A/A"]
    assert (shape["clock"], shape["blocks"]) == ("wall", "10")
    assert (shape["GPT, ms a call"], shape["BERT, ms a call"]) == ("2.498", "2.001")
    assert re.fullmatch(r"BERT faster by a factor of 1\.2[45]", shape["verdict"])
    assert stream["A/A"].endswith(", failed")
    assert stream["verdict"] == "noisy: undetermined"
    near(batch["GPT / BERT"], 0.8, 0.01)
    assert (batch["A/A"], batch["verdict"]) == ("-", "noisy: undetermined")


def test_every_question_has_its_answer_in_words_and_there_is_no_overall_one(full: str) -> None:
    box = sections(full)["Which is faster"]
    assert box.count(". ") + 1 <= 5
    assert "there is no overall one" in box
    assert not rows(full, "overall")
    box = sections(full)["Race: ner on world"]
    (line,) = re.findall(r"^At the same shape.*$", box, flags=re.MULTILINE)
    assert re.fullmatch(
        r"At the same shape: BERT faster by a factor of 1\.2[45]\. "
        r"From words to answer, one by one: undetermined \(noisy\)\. "
        r"Offline: undetermined \(noisy\)\.",
        line,
    )


def test_questions_of_one_kind_share_a_sentence(tmp_path: Path) -> None:
    gpt, bert = map(subject, pair(tmp_path, "generation"))
    found = {
        "same shape": 1.0,
        "same shape, batch of 32": 2.0,
        "generation/fixed length": 1.0,
        "generation/T=4": 0.5,
        "generation/T=10": 4.0,
        "streaming": 1.05,
        "new": 4.0,
    }
    series = [s for name, ratio in found.items() for s in gate(name) + lane(name, (ratio, 1.0))]
    few = [*gate("offline"), *lane("offline", (1.0, 1.0), blocks=4)]
    wide = [*gate("x/y"), *lane("x/y", (1.0, 1.01), noise=0.9)]
    measured.keep(tmp_path, race(gpt, bert, [*series, *few, *wide]))
    box = sections(text_of(tmp_path))["Race: generation on world"]
    (line,) = re.findall(r"^At the same shape.*$", box, flags=re.MULTILINE)
    assert line == (
        "At the same shape: equivalent within 10 %; batch of 32: BERT faster by a factor of 2.00. "
        "Per written text, fixed length: equivalent within 10 %; filled in T times, T = 4: GPT "
        "faster by a factor of 2.00; filled in T times, T = 10: BERT faster by a factor of 4.00. "
        "A label after every word: equivalent within 10 %. new: BERT faster by a factor of 4.00. "
        "Offline: undetermined (fewer than 5 blocks). "
        "x/y: undetermined (difference smaller than noise). "
        "One by one and offline, each model wrote texts of its own length."
    )


def test_servers_have_rates_and_no_verdict(full: str) -> None:
    box = sections(full)["Race: ner on world"]
    assert "- GPT: 40.00 (p95 within 50.00 ms; missed at 80.00)\n" in box
    assert "- BERT: 10.00 (p95 within 50.00 ms; none missed it)\n" in box
    assert not rows(box, "server-like")


def test_gate_and_ratio_share_a_clock(tmp_path: Path) -> None:
    """Load on the copies alone: wall time would fail the gate, process time does not."""
    gpt, bert = map(subject, pair(tmp_path))
    noisy = [gate("offline", load=[1.5] * 10)[0], gate("offline")[1]]
    found = [*noisy, *lane("offline", (0.8, 1.0))]
    measured.keep(tmp_path, race(gpt, bert, found))
    (line,) = rows(sections(text_of(tmp_path))["Race: ner on world"], "| offline |")
    assert cells(line)[5:] == ["process", "10", "GPT faster by a factor of 1.25"]
    measured.keep(tmp_path, race(gpt, bert, found, settings={"name": "q", "device": "cuda"}))
    lines = rows(sections(text_of(tmp_path))["Race: ner on world"], "| offline |")
    assert sorted(cells(one)[5] for one in lines) == ["process", "wall"]
    assert sorted(cells(one)[7] for one in lines)[1] == "noisy: undetermined"


def test_scenarios_of_other_shapes_are_not_mixed(tmp_path: Path) -> None:
    gpt, bert = map(subject, pair(tmp_path))
    wide, narrow = ({"tokens": 64}, {"tokens": 8})
    found = [*gate("x"), *lane("x", (1.0, 2.0), shapes=(wide, narrow))]
    measured.keep(tmp_path, race(gpt, bert, found))
    lines = rows(sections(text_of(tmp_path))["Race: ner on world"], "| x |")
    assert [cells(one)[-1] for one in lines] == ["only one side was raced"] * 2


# --- training cost ------------------------------------------------------------------------------


def learning(*scores: float) -> tuple[Evaluation, ...]:
    """A dev score an epoch of 1,000 examples, 10,000 tokens and 2 s."""
    return tuple(
        Evaluation(100 * i, 1000 * i, 10_000 * i, 2.0 * i, 2.5 * i, score)
        for i, score in enumerate(scores)
    )


def trained(root: Path, family: str, seed: int, *scores: float, **words: object) -> None:
    log = replace(TRAINING, evaluations=learning(*scores))
    changes = {"majority": None} if words.get("task") != "generation" else {}
    leave(root, cell(family=family, seed=seed, **words), training=log, **changes)


def test_cost_in_all_and_to_a_target(tmp_path: Path) -> None:
    for seed in (0, 1, 2):
        trained(tmp_path, "gpt", seed, 0.10, 0.50, 0.70, 0.80)
        trained(tmp_path, "bert", seed, 0.00, 0.80, 0.85, 0.90)
    named = sections(text_of(tmp_path))
    (gpt,) = rows(named["Training cost"], "gpt2, mini")
    flops = f"{3 * 1.4e6 * 150_000:.2e}"
    assert cells(gpt)[2:] == ["12,800", "150,000", flops, "18.4", "16.2"]
    assert "money" not in named["Training cost"]
    box = named["To a target"]
    # the worse side's best is .80, the floor the better fresh head: .10 + .95 x .70
    assert "Target: entity F1 (strict IOB2) .765; floor: .100, the better fresh head on dev" in box
    flops = f"{3 * 1.4e6 * 30_000:.2e}"
    assert row(box, "GPT") == ["3 of 3 runs", "3,000", "30,000", flops, "6.0", "7.5"]
    assert row(box, "BERT")[:3] == ["3 of 3 runs", "1,000", "10,000"]


def test_runs_that_never_got_there_count_as_longer_than_any(tmp_path: Path) -> None:
    for seed, best in enumerate((0.90, 0.90, 0.60)):
        trained(tmp_path, "gpt", seed, 0.0, 0.5, best)
        trained(tmp_path, "bert", seed, 0.0, (0.9, 0.5, 0.5)[seed], (0.9, 0.9, 0.6)[seed])
    box = sections(text_of(tmp_path))["To a target"]
    assert "Target: entity F1 (strict IOB2) .760;" in box
    assert row(box, "GPT")[:2] == ["2 of 3 runs", "2,000"]
    assert row(box, "BERT")[:2] == ["2 of 3 runs", "2,000"]
    trained(tmp_path, "gpt", 3, 0.0, 0.5, 0.5)
    trained(tmp_path, "gpt", 4, 0.0, 0.5, 0.5)
    box = sections(text_of(tmp_path))["To a target"]
    assert row(box, "GPT") == ["2 of 5 runs", *["not reached"] * 5]


def test_targets_where_less_is_better(tmp_path: Path) -> None:
    words = {"task": "generation"}
    trained(tmp_path, "gpt", 0, 1.2, 0.30, 0.05, **words)
    trained(tmp_path, "bert", 0, 1.4, 0.20, 0.10, **words)
    box = sections(text_of(tmp_path))["To a target"]
    found = re.search(r"Target: slot error rate \(lower is better\) (\S+); floor: (\S+), the", box)
    goal, floor = map(float, found.groups())
    assert "the rule that ignores the input, on the test split." in box
    assert 0.3 < floor < 1.0
    assert goal == pytest.approx(floor + 0.95 * (0.10 - floor), abs=0.001)
    assert row(box, "GPT")[:2] == ["1 of 1 runs", "2,000"]
    assert row(box, "BERT")[:2] == ["1 of 1 runs", "2,000"]


def test_a_fresh_head_that_beats_the_rule_is_the_floor(tmp_path: Path) -> None:
    words = {"task": "generation"}
    trained(tmp_path, "gpt", 0, 0.25, 0.05, **words)
    trained(tmp_path, "bert", 0, 0.30, 0.10, **words)
    box = sections(text_of(tmp_path))["To a target"]
    assert "floor: .250, the better fresh head on dev" in box
    assert row(box, "GPT")[:2] == ["1 of 1 runs", "1,000"]


def test_no_target_where_a_side_stayed_at_the_floor(tmp_path: Path) -> None:
    trained(tmp_path, "gpt", 0, 0.5, 0.9)
    trained(tmp_path, "bert", 0, 0.2, 0.5)
    assert "No target: a side never left the floor" in sections(text_of(tmp_path))["To a target"]


def test_no_target_for_sides_that_are_not_compared(tmp_path: Path) -> None:
    trained(tmp_path, "gpt", 0, 0.0, 0.9)
    leave(tmp_path, cell(family="bert"), tuning={"trials": 8})
    box = sections(text_of(tmp_path))["To a target"]
    assert "refused: the two sides differ in tuning.trials (none and 8)." in box
    assert not rows(box, "GPT")


def test_money_only_with_a_price(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gpt, _ = pair(tmp_path)
    measured.keep(tmp_path, probe(subject(gpt)))
    assert main([str(tmp_path), "--price-per-hour", "36"]) == 0
    page = tmp_path / "report" / "efficiency.md"
    named = sections(page.read_text(encoding="utf-8"))
    (first,), (second,) = (rows(named["Training cost"], one) for one in ("gpt2,", "bert,"))
    run, answers = cells(first)[-2:]
    assert run == f"{36 * 18.4 / 3600:.3g}"
    assert float(answers) == pytest.approx(36 * 1e6 / 800 / 3600, rel=0.05)
    assert cells(second)[-1] == "not measured"
    assert len(row(named["To a target"], "GPT")) == 7
    for wrong in ("free", "0", "-1", "nan", "inf"):
        with pytest.raises(SystemExit, match="2"):
            main([str(tmp_path), f"--price-per-hour={wrong}"])
        assert "expected a price above 0" in capsys.readouterr().err


# --- files --------------------------------------------------------------------------------------


def spoilt(text: str) -> Callable[[Path], object]:
    return lambda place: place.write_text(text, encoding="utf-8")


def replaced(**changes: object) -> Callable[[Path], object]:
    def spoil(place: Path) -> None:
        measurement.write(place, replace(measurement.read(place), **changes))

    return spoil


one_series = measured.single()[0]
DAMAGE = {
    "damaged": spoilt("{"),
    "expected a JSON object": spoilt("[]"),
    "format 99": replaced(format=99),
    "kind 'probe' with 2 subjects": replaced(subjects=[architecture("gpt")] * 2),
    "kind 'other' with 1 subjects": replaced(kind="other"),
    "samples of 'single stream/model'": replaced(
        series=[replace(one_series, cpu_seconds=one_series.cpu_seconds[:-1])]
    ),
    "are incomplete or no times": replaced(series=[replace(one_series, wall_seconds=[-1.0] * 200)]),
    "incomplete": replaced(series=[replace(one_series, subject=1)]),
}


@pytest.mark.parametrize("words", DAMAGE)
def test_damaged_measurements_are_warnings(tmp_path: Path, words: str) -> None:
    of = subject(kept(tmp_path, cell()))
    (place,) = measured.keep(tmp_path, probe(of))
    (good,) = measured.keep(tmp_path, replace(probe(of), identity="f" * 64))
    DAMAGE[words](place)
    found = compare(tmp_path)
    assert len(found.measurements) == 1
    assert [place.name in text and words in text for text in found.warnings] == [True]
    assert good != place
    assert "warnings about record folders: 1" in text_of(tmp_path)


def test_series_without_samples_are_no_damage(tmp_path: Path) -> None:
    """A model may have written no token at all."""
    empty = [*measured.single(), *measured.texts("natural", [], 0.01, 0.01)]
    measured.keep(tmp_path, probe(subject(kept(tmp_path, cell())), series=empty))
    box = sections(text_of(tmp_path))["Efficiency: ner on world"]
    assert row(box, "p50, whole text, natural length, ms") == ["refused: 0 of 20 samples"]


def test_copies_of_a_measurement_count_once(tmp_path: Path) -> None:
    found = probe(subject(kept(tmp_path, cell())))
    newer = replace(found, finished_at="2026-02-02T00:00:00+00:00", flags=["newer"])
    measured.keep(tmp_path / "a", newer)
    measured.keep(tmp_path / "b", found)
    merged = compare(tmp_path)
    assert [one.flags for one in merged.measurements] == [["newer"]]
    assert "is there 2 times; the last one is used" in merged.warnings[0]


def test_hostile_text_does_no_harm(tmp_path: Path) -> None:
    gpt, bert = (
        replace(subject(one), description=HOSTILE, task=HOSTILE, data=HOSTILE, checkpoint=HOSTILE)
        for one in pair(tmp_path)
    )
    shape = {"length": [HOSTILE], "batch_size": HOSTILE, "rate_per_second": HOSTILE}
    series = [replace(one, name=HOSTILE, shape=shape) for one in measured.single()]
    series += [replace(one, shape=shape) for one in measured.texts(HOSTILE, [3] * 20, 0.1, 0.1)]
    series += [replace(one, shape=shape) for one in rates(0, {1.0: True})]
    series += [replace(measured.offline(8, 10.0), shape=shape)]
    stages = [replace(one, name=HOSTILE, why=HOSTILE, device={HOSTILE: 1}, shape={HOSTILE: 1})
              for one in measured.stages()]  # fmt: skip
    words = {
        "settings": {"name": HOSTILE, "device": "cpu"},
        "environment": {HOSTILE: HOSTILE, "before": {HOSTILE: HOSTILE}, "after": HOSTILE},
        "not_measured": {"energy": HOSTILE, HOSTILE: HOSTILE},
        "flags": [HOSTILE],
    }
    energy = [replace(measured.joules(10), name=HOSTILE)]
    raced = [replace(one, name=HOSTILE, shape=shape) for one in lane("x", (1.0, 1.0))]
    measured.keep(
        tmp_path,
        probe(gpt, series=series, memory={"0": stages}, **words),
        probe(bert, energy=energy),
        race(gpt, bert, raced, **words),
    )
    chapters = text_of(tmp_path).split("\n## Efficiency\n")[1].split("\n## Fairness\n")[0]
    assert "alert" in chapters
    assert "<" not in chapters
    assert "http:" not in chapters
    assert not re.search(r"(?<!\\)\]\(", chapters)
    assert not set(chapters) & set(STEERING)
    assert all(character == "\n" or character.isprintable() for character in chapters)
    assert chapters.count("`") == chapters.count("\\`")
    assert "\n# top" not in chapters
    assert_rectangular(chapters)


def test_tables_are_aligned(full: str) -> None:
    assert_rectangular(full)


@pytest.mark.slow
def test_fifty_series_of_a_thousand_samples_are_read_quickly(tmp_path: Path) -> None:
    many = [
        replace(measured.single(count=1000)[0], name=f"scenario {number}") for number in range(50)
    ]
    measured.keep(tmp_path, large(tmp_path, many))
    stopwatch = Stopwatch()
    before = stopwatch.read()
    text = text_of(tmp_path)
    spent = stopwatch.read() - before
    assert len(rows(text, "p50, scenario ")) == 50
    assert spent.cpu < 3.0


def large(root: Path, series: list[measurement.Series]) -> Measurement:
    return probe(subject(kept(root, cell())), series=series)
