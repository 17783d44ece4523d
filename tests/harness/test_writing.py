"""Cells whose answers are texts, and cells on pairs: small enough to run in seconds."""

import json
from pathlib import Path

import pytest
import torch
from cells import composed, small_setup

from harness import alarms, experiment, record
from harness.backbones import masks
from harness.cells import foundation, probes
from harness.contracts import InputError
from harness.modes.mask_predict import MaskPredict

WAYS = [
    ("gpt2", "native", "causal"),
    ("bert", "native", "unilm"),
    ("bert", "mask_predict", "mask_predict"),
    ("twin_gpt", "causal", "causal"),
    ("twin_bert", "unilm", "unilm"),
    ("gpt2", "prefix_lm", "prefix_lm"),
    ("bert", "as_causal", "as_causal"),
]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def cell(tmp_path, cache, model, mode, *overrides, task="generation", keep=False):
    wanted = (f"model={model}", f"mode={mode}", "data.train_size=64", *overrides)
    return small_setup(tmp_path, cache, *wanted, task=task, keep=keep)


def done(setup):
    folder = Path(experiment.execute(setup))
    rows = [json.loads(line) for line in (folder / record.PREDICTIONS).open(encoding="utf-8")]
    return record.read(folder), record.read_counts(folder), rows


@pytest.mark.parametrize(("model", "mode", "name"), WAYS, ids=lambda value: str(value))
def test_a_cell_that_writes_leaves_a_whole_record(tmp_path, shared_cache, model, mode, name):
    setup = cell(tmp_path, shared_cache, model, mode, keep=True)
    kept, counts, rows = done(setup)
    assert kept.cell.mode == name
    assert kept.outcome.status == "finished"
    assert kept.metrics[0] == "slot_error"
    assert all(len(column) == 60 for column in counts.columns.values())
    assert [row["id"] for row in rows] == [e.id for e in setup.foundation.splits.test]
    assert sum(row["cut_off"] for row in rows) == sum(counts.columns["cut_off"])
    assert "version:" in kept.signatures["bleu"]
    assert not [a for a in alarms.examine(kept, counts) if a.number in ("11", "13")]
    assert (kept.likelihood is None) == (name == "mask_predict")
    factor = setup.config["mode"].get("updates_factor", 1)
    assert (factor > 1) == (name == "mask_predict")
    assert kept.training.examples == 64 * factor
    assert len(kept.training.evaluations) == 2
    assert (Path(setup.folder) / record.CHECKPOINT / "model.safetensors").is_file()


def test_the_likelihood_is_that_of_every_token_of_every_reference(tmp_path, shared_cache):
    setup = cell(tmp_path, shared_cache, "gpt2", "native")
    kept, _, rows = done(setup)
    texts = [text for row in rows for text in row["references"]]
    assert kept.likelihood.texts == len(texts)
    assert kept.likelihood.bytes == sum(len(text.encode()) for text in texts)
    assert 0 < kept.likelihood.bits / kept.likelihood.bytes < 8


@pytest.mark.parametrize("mode", ["native", "mask_predict"])
def test_the_same_seed_writes_the_same_bytes(tmp_path, shared_cache, mode):
    files = []
    for place in ("a", "b"):
        folder = Path(experiment.execute(cell(tmp_path / place, shared_cache, "bert", mode)))
        files.append([(folder / n).read_bytes() for n in (record.COUNTS, record.PREDICTIONS)])
    assert files[0] == files[1]


def test_a_source_that_sees_the_target_rings(tmp_path, shared_cache, monkeypatch):
    """Length would leak in training and be wrong when writing."""
    monkeypatch.setattr(MaskPredict, "allowed", lambda _, real, __: masks.both_ways(real))
    kept, counts, _ = done(cell(tmp_path, shared_cache, "bert", "mask_predict"))
    assert kept.probes["source_from_target"] > probes.TOLERANCE["causal"]
    assert [a.severity for a in alarms.examine(kept, counts) if a.number == "13"] == ["void"]


def test_decoding_counts_where_texts_are_written_and_nowhere_else(tmp_path, shared_cache):
    beam = "decoding=beam"
    one, other = (cell(tmp_path, shared_cache, "gpt2", "native", *o) for o in ((), (beam,)))
    assert one.identity != other.identity
    assert experiment.execute(other)
    one, other = (small_setup(tmp_path, shared_cache, *o, task="ner") for o in ((), (beam,)))
    assert one.identity == other.identity


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("model=gpt2", "mode=unilm", "task=generation"), "needs a bidirectional model"),
        (("model=bert", "mode=causal", "task=generation"), "needs a causal model"),
        (("model=bert", "mode=unilm", "task=ner"), "asks for labels"),
        (("model=bert", "mode=both_orders", "task=generation"), "asks for texts"),
        (("task=generation", "decoding.max_new_tokens=126"), "leaves no room"),
        (("task=generation", "decoding.search=gready"), "decoding.search=gready"),
    ],
)
def test_ways_that_do_not_fit_are_refused_in_words(tmp_path, shared_cache, overrides, said):
    config = composed("pretraining.updates=12", "pretraining.corpus.size=400", *overrides)
    with pytest.raises(InputError, match=said):
        foundation.lay((config, str(shared_cache), True))


@pytest.mark.parametrize("model", ["gpt2", "bert"])
@pytest.mark.parametrize("mode", ["native", "both_orders"])
def test_a_cell_on_pairs(tmp_path, shared_cache, model, mode):
    setup = cell(tmp_path, shared_cache, model, mode, task="matching")
    kept, counts, rows = done(setup)
    assert kept.data.caps["all"] < 1
    assert not [a for a in alarms.examine(kept, counts) if a.number == "11"]
    assert kept.training.examples == 64
    assert rows[0]["second"] == list(setup.foundation.splits.test[0].second)
    if mode == "both_orders":
        assert kept.cell.mode.endswith("both_orders")
        once, _, _ = done(cell(tmp_path, shared_cache, model, "native", task="matching"))
        assert kept.training.tokens == 2 * once.training.tokens
