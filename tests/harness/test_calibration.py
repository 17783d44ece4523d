"""Held against a language of known entropy: both objectives learn it, and nobody goes below."""

import dataclasses
import functools
import json

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from harness import calibration, pretrain
from harness.backbones import masks
from harness.backbones.bert import Bert
from harness.backbones.gpt import Gpt
from harness.cells.isolate import Done, Failed
from harness.contracts import InputError
from harness.corpora import surprisal
from harness.models import encoding
from harness.models.encoding import UNBOUNDED, Room
from harness.pretrain import Pretraining
from harness.weights import assets
from tasks.markov import Source

SOURCE = Source(states=8, length=10)
HELD_OUT = SOURCE.sample(200, surprisal.HELD_OUT)
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "max_position_embeddings": 16,
    "initializer_range": 0.2,
}
GPT = Gpt("gpt2", "mini", "", "embedded", {"model_type": "gpt2", "n_inner": 64, **TINY})
BERT = Bert("bert", "mini", "", "embedded", {"model_type": "bert", "intermediate_size": 64, **TINY})


class Leaky(Gpt):
    """A decoder whose mask shows the words that it is asked for."""

    def allowed(self, real):
        return masks.both_ways(real)


def learnt(folder, backbone, updates, source=SOURCE, held_out=HELD_OUT):
    plan = Pretraining(
        corpus=functools.partial(source.sample, 2000, surprisal.TRAINED_ON),
        updates=updates,
        batch_size=32,
        lr=1e-2,
        warmup_share=0.1,
        weight_decay=0.01,
        clip_norm=1.0,
        seed=0,
    )
    return surprisal.measure(backbone, source, plan, held_out, folder / "new", lambda _: None)


@pytest.mark.parametrize(("backbone", "near"), [(GPT, 0.08), (BERT, 0.25)], ids=["gpt", "bert"])
def test_bits_fall_towards_the_entropy_and_not_below(tmp_path, backbone, near):
    found = learnt(tmp_path, backbone, updates=400)
    entropies = SOURCE.entropies()
    assert found.entropy == entropies["left" if backbone is GPT else "both"]
    assert found.bits < found.unigram - 0.5
    assert found.perfect < found.bits < found.perfect + near
    judged = calibration.judge("model", dataclasses.asdict(found))
    assert judged.alarm is None
    assert found.bits >= judged.low
    assert (found.sequences, found.words) == (200, 200 * (9 if backbone is GPT else 8))


def test_a_causal_model_that_sees_its_answers_rings_alarm_6(tmp_path):
    leaky = Leaky(GPT.name, GPT.pair, "", "embedded", GPT.architecture)
    judged = calibration.judge("leaky", dataclasses.asdict(learnt(tmp_path, leaky, updates=100)))
    assert judged.alarm is not None
    assert "leaky, a word given the words before it" in judged.alarm
    assert judged.verdict == "leaks"


def test_a_model_that_has_not_learnt_is_told_so(tmp_path):
    judged = calibration.judge("new", dataclasses.asdict(learnt(tmp_path, BERT, updates=1)))
    assert judged.verdict == "too many bits"


def test_a_language_longer_than_the_model_reads_is_refused(tmp_path):
    source = Source(states=8, length=15)
    with pytest.raises(InputError, match=r"17 tokens .* gpt2 reads 16"):
        learnt(tmp_path, GPT, 1, source, source.sample(2, 1))


def lesson(folder, backbone, ask):
    assets.save_tokenizer(folder, SOURCE.vocabulary, [], 0)
    tokenizer = pretrain.load_tokenizer(folder)
    special = pretrain.specials(tokenizer)
    encoded = encoding.encode(HELD_OUT[:2], tokenizer, backbone.frame(special), Room(UNBOUNDED))
    return ask(encoded, np.arange(2), special), encoded.ids.reshape(2, 12), special


def test_each_word_is_hidden_alone(tmp_path):
    asked, ids, special = lesson(tmp_path, BERT, surprisal.hidden_words)
    assert asked.inputs.shape == (2 * 8, 12)
    for copy, (inputs, targets) in enumerate(zip(asked.inputs, asked.targets, strict=True)):
        row, place = copy // 8, 2 + copy % 8  # the first word stands at 1
        whole = torch.from_numpy(ids[row].astype(np.int64))
        assert inputs[place] == special.mask
        assert (inputs != whole).sum() == 1
        assert targets[place] == whole[place]
        assert (targets != surprisal.UNASKED).sum() == 1


def test_each_word_but_the_first_is_asked_for_at_the_one_before_it(tmp_path):
    asked, ids, _ = lesson(tmp_path, GPT, surprisal.next_words)
    assert np.array_equal(asked.inputs.numpy(), ids)
    assert np.array_equal(asked.targets[:, 1:10].numpy(), ids[:, 2:11])
    assert (asked.targets[:, [0, 10, 11]] == surprisal.UNASKED).all()


def measured(bits, objective="clm", se=0.01):
    spent = {"cpu_seconds": 1.0, "wall_seconds": 1.0}
    return {
        "objective": objective,
        "bits": bits,
        "se": se,
        "perfect": 2.9,
        "entropy": 2.9,
        "unigram": 4.8,
        **spent,
    }


@pytest.mark.parametrize(
    ("bits", "objective", "verdict"),
    [
        (2.86, "clm", "leaks"),
        (2.88, "clm", "as it should be"),
        (2.99, "clm", "as it should be"),
        (3.01, "clm", "too many bits"),
        (3.01, "mlm", "as it should be"),
        (3.09, "mlm", "too many bits"),
    ],
)
def test_the_verdict_at_the_edges_of_the_band(bits, objective, verdict):
    assert calibration.judge("m", measured(bits, objective)).verdict == verdict


def answering(monkeypatch, outcome_of):
    monkeypatch.setattr(calibration.isolate, "warm", lambda _: None)
    monkeypatch.setattr(
        calibration.pool, "run", lambda jobs, *_: ((job, outcome_of(job)) for job in jobs)
    )


def test_the_command_trains_judges_and_keeps(tmp_path, monkeypatch, capsys):
    """The job itself, run in this process: what the pool would send it."""
    answering(monkeypatch, lambda job: Done(surprisal.job(job.argument, lambda _: None)))
    short = ["pretraining.updates=2", "sequences.train=40", "sequences.held_out=3"]
    assert calibration.main([*short, f"results={tmp_path}"]) == 1
    shown = capsys.readouterr().out
    kept = json.loads((tmp_path / calibration.FILE).read_text())
    assert set(kept["models"]) == {"gpt2", "bert"}
    for finding in kept["models"].values():
        assert finding["verdict"] == "too many bits"
        assert f"{finding['measured']['bits']:.3f}" in shown
        assert finding["measured"]["pretraining"]["updates"] == 2
    assert kept["environment"]["versions"]["torch"]
    assert "all other words" in shown


def test_the_command_says_0_when_both_are_where_they_should_be(tmp_path, monkeypatch, capsys):
    answering(monkeypatch, lambda _: Done(measured(2.95)))
    assert calibration.main([f"results={tmp_path}"]) == 0
    assert "alarm" not in capsys.readouterr().out
    answering(monkeypatch, lambda _: Done(measured(1.0)))
    assert calibration.main([f"results={tmp_path}"]) == 1
    assert "alarm 6: gpt2" in capsys.readouterr().out


def test_a_model_that_fails_is_no_mistake_of_the_user(tmp_path, monkeypatch, capsys):
    answering(monkeypatch, lambda _: Failed("the loss became nan"))
    assert calibration.main([f"results={tmp_path}"]) == 1
    assert "gpt2: the loss became nan" in capsys.readouterr().err
    assert not (tmp_path / calibration.FILE).exists()


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("pretraining.update=3", "pretraining.update"),
        ("pretraining.updates=0", "expected a whole number from 1"),
        ("sequences.held_out=1", "expected a whole number from 2"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_mistake_in_the_command_is_one_message(typed, told, capsys):
    assert calibration.main([typed]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert told in error
    assert error.count("\n") == 1


def test_the_models_are_the_families_of_the_comparison():
    models = calibration.composed([])["models"]
    assert {name: model["_target_"] for name, model in models.items()} == {
        name: OmegaConf.load(calibration.CONF / "model" / f"{name}.yaml")["_target_"]
        for name in ("gpt2", "bert")
    }
    size = [models[n]["architecture"] for n in ("gpt2", "bert")]
    for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "initializer_range"):
        assert size[0][key] == size[1][key]
