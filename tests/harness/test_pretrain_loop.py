"""One loop for both models: the same batches, and after a stop the same bits as without one."""

import errno
import json
import math
import shutil

import numpy as np
import pytest
import torch
from pretrained_text import folder_of, laid
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from harness import pretrain, train
from harness.contracts import InputError
from harness.corpora import blocks, lessons, pretrain_pair, pretraining
from harness.corpora.blocks import SEPARATOR
from harness.corpora.pretraining import Knobs, Learner, Orders
from harness.weights import checkpoints

NAMES = ("small_gpt2", "small_bert")


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    """A configuration and its blocks."""
    place = tmp_path_factory.mktemp("ground")
    return laid(folder_of(place / "text"), place / "out")


def orders(ground, out, name, **changed):
    """What the command would tell the process of a model."""
    config, text = ground
    command = pretrain_pair._Command({**config, "out": str(out), **changed}, (), 0.0)
    told = command._orders(name, blocks.told(text))
    return {**told, "text": str(text)}


def learner(ground, out, name, **changed):
    told = orders(ground, out, name, **changed)
    return Learner(Orders(**{**told, "knobs": Knobs(**told["knobs"])}))


def never():
    return False


def after(updates):
    """Ask to stop once it was asked so often: one look comes before each update."""
    looks = iter(range(updates + 1))
    return lambda: next(looks) == updates


def weights(out, name):
    return (out / name / "model.safetensors").read_bytes()


# --- batches and lessons --------------------------------------------------------------------------


def test_every_block_is_read_once_before_any_is_read_again():
    stream = lessons.batches(10, 4, 0)
    flat = np.concatenate([next(stream) for _ in range(10)])
    for epoch in range(4):
        assert sorted(flat[10 * epoch : 10 * epoch + 10]) == list(range(10))
    assert flat[:10].tolist() != flat[10:20].tolist()
    other = lessons.batches(10, 4, 1)
    assert np.concatenate([next(other) for _ in range(10)]).tolist() != flat.tolist()


def parts(ground, name):
    found = learner(ground, ground[1].parent / "none", name)
    return found.backbone, found.special, found.text


def test_both_read_the_same_text_in_their_own_frame(ground):
    rows = {}
    for name in NAMES:
        backbone, special, text = parts(ground, name)
        ids, real = lessons.framed(text.train[:40], backbone, special)
        before, after_, _ = backbone.frame(special)
        assert ids.shape == (40, 16)
        assert real.all()
        assert (ids[:, 0] == before[0]).all()
        assert (ids[:, -1] == after_[0]).all()
        ends = ids[:, 1:-1].numpy() == after_[0]
        assert np.array_equal(ends, text.train[:40] == SEPARATOR)
        assert ends.any()
        rows[name] = np.where(ends, SEPARATOR, ids[:, 1:-1].numpy())
    assert np.array_equal(rows["small_gpt2"], rows["small_bert"])


def test_a_decoder_is_asked_for_every_token_of_the_text_and_not_for_the_blocks_end(ground):
    backbone, special, text = parts(ground, "small_gpt2")
    rng = torch.Generator().manual_seed(0)
    lesson = lessons.lesson_of(text.train[:5], backbone, special, rng)
    expected = np.where(text.train[:5] == SEPARATOR, special.eos, text.train[:5])
    assert np.array_equal(lesson.targets[:, :-1].numpy(), expected)
    assert (lesson.targets[:, -1] == pretrain.UNASKED).all()
    assert lessons.asked_of(lesson) == 5 * 14


def test_an_encoder_is_asked_for_its_share_of_words(ground):
    backbone, special, text = parts(ground, "small_bert")
    rng = torch.Generator().manual_seed(0)
    lesson = lessons.lesson_of(text.train[:60], backbone, special, rng)
    asked = lesson.targets != pretrain.UNASKED
    ordinary = np.pad(text.train[:60] != SEPARATOR, ((0, 0), (1, 1)))
    assert not (asked.numpy() & ~ordinary).any()
    assert lessons.asked_of(lesson) / ordinary.sum() == pytest.approx(0.3, abs=0.05)


def test_matched_by_predicted_tokens_the_encoder_goes_on_for_longer(ground, tmp_path, monkeypatch):
    told, rates, rate = {}, [], train.rate
    monkeypatch.setattr(train, "rate", lambda *given: rates.append(given) or rate(*given))
    for name in NAMES:
        rates.clear()
        found = learner(ground, tmp_path, name, match="loss_tokens", updates=40)
        assert found.updates == (40 if name == "small_gpt2" else pytest.approx(145, abs=8))
        assert found.learn(never, lambda _: None)
        told[name] = found.history
        steps = [(step, found.updates) for step in range(found.updates)]
        assert (
            list(dict.fromkeys(given[:2] for given in rates)) == steps
        )  # it ends with its own last
    ratio = told["small_bert"].asked / told["small_gpt2"].asked
    assert ratio == pytest.approx(1.0, abs=0.03)
    same = [learner(ground, tmp_path, name, updates=40).updates for name in NAMES]
    assert same == [40, 40]


# --- stopping and going on ------------------------------------------------------------------------


def finished(ground, out, name, **changed):
    ended = pretraining.job(orders(ground, out, name, **changed), lambda _: None)
    assert ended["status"] == "finished"
    return weights(out, name)


@pytest.mark.parametrize("name", NAMES)
def test_a_training_that_was_stopped_ends_with_the_same_bits(ground, tmp_path, name):
    whole = finished(ground, tmp_path / "whole", name)
    for stop in (3, 2, 0):  # 0: stopped before it has done anything
        one = learner(ground, tmp_path / "cut", name)
        assert not one.learn(after(stop), lambda _: None)
    assert checkpoints.updates_of(tmp_path / "cut" / "pair-small" / "states" / name) == 5
    assert not (tmp_path / "cut" / name).exists()
    assert finished(ground, tmp_path / "cut", name) == whole
    told = [
        json.loads((tmp_path / place / name / "pretraining.json").read_text())
        for place in ("whole", "cut")
    ]
    own = ("cpu_seconds", "wall_seconds")
    facts = [{k: v for k, v in one["facts"].items() if k not in own} for one in told]
    assert facts[0] == facts[1]
    assert told[0]["held_out"] == told[1]["held_out"]
    assert [(one["from"], one["to"]) for one in told[1]["stretches"]] == [(0, 3), (3, 5), (5, 8)]
    spent = [one["cpu_seconds"] for one in told[1]["stretches"]]
    assert told[1]["facts"]["cpu_seconds"] == sum(spent)
    assert not (tmp_path / "cut" / "pair-small" / "states" / name).exists()


def test_the_stop_file_ends_it_with_a_checkpoint(ground, tmp_path):
    told = orders(ground, tmp_path, "small_gpt2")
    stop = tmp_path / "pair-small" / "stop"

    def progress(share):
        if share >= 0.5:
            stop.parent.mkdir(parents=True, exist_ok=True)
            stop.touch()

    ended = pretraining.job(told, progress)
    assert (ended["status"], ended["step"], ended["updates"]) == ("stopped", 4, 8)
    assert ended["seconds_per_update"] > 0
    assert checkpoints.updates_of(tmp_path / "pair-small" / "states" / "small_gpt2") == 4


def test_checkpoints_come_by_the_clock_and_one_is_kept(ground, tmp_path):
    one = learner(ground, tmp_path, "small_bert", checkpoint_minutes=1)
    walls = iter(range(0, 100_000, 25))  # seconds: every third look is a minute later
    one.stopwatch = pretraining.Stopwatch(wall=lambda: next(walls))
    states = tmp_path / "pair-small" / "states" / "small_bert"
    seen = []
    one.learn(never, lambda _: seen.append([path.name for path in sorted(states.glob("*"))]))
    assert [] in seen
    assert all(len(names) <= 1 for names in seen)
    assert len({tuple(names) for names in seen}) > 2


def test_a_checkpoint_of_another_command_is_refused(ground, tmp_path):
    one = learner(ground, tmp_path, "small_gpt2")
    one.learn(after(1), lambda _: None)
    with pytest.raises(InputError, match="of another command or version"):
        learner(ground, tmp_path, "small_gpt2", lr=5e-4)
    with pytest.raises(InputError, match="of another command or version"):
        learner(ground, tmp_path, "small_gpt2", seed=1)


# --- checkpoints on disk --------------------------------------------------------------------------


def tensors(value):
    return {"weights.a": torch.full((3,), value), "rng": torch.Generator().get_state()}


def test_the_newest_whole_checkpoint_counts(tmp_path):
    assert checkpoints.latest(tmp_path) is None
    checkpoints.save(tmp_path, 9, tensors(9.0), {"step": 9})
    old = tmp_path / "step-00000002"  # half deleted when the process was killed
    old.mkdir()
    half = tmp_path / ".step-00000011.tmp"
    half.mkdir()
    (half / "state.safetensors").write_bytes(b"half")
    state = checkpoints.latest(tmp_path)
    assert state.told == {"step": 9}
    assert state.tensors["weights.a"].tolist() == [9.0] * 3
    checkpoints.save(tmp_path, 12, tensors(12.0), {"step": 12})
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000012"]


def test_a_full_disk_costs_no_checkpoint(tmp_path, monkeypatch):
    checkpoints.save(tmp_path, 1, tensors(1.0), {"step": 1})

    def full(made, path):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        checkpoints.save(tmp_path, 2, tensors(2.0), {"step": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
    assert checkpoints.latest(tmp_path).told == {"step": 1}


def test_a_full_disk_is_the_users_to_mend(ground, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    told = orders(ground, tmp_path, "small_gpt2")
    (tmp_path / "pair-small").mkdir()

    def progress(_):
        (tmp_path / "pair-small" / "stop").touch()

    with pytest.raises(InputError, match=r"No space left on device\); make room there"):
        pretraining.job(told, progress)


@pytest.mark.parametrize("name", ["state.safetensors", "state.json"])
def test_a_damaged_checkpoint_is_refused(tmp_path, name):
    checkpoints.save(tmp_path, 1, tensors(1.0), {"step": 1})
    path = tmp_path / "step-00000001" / name
    whole = bytearray(path.read_bytes())
    whole[-3] ^= 1
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"step-00000001: .*delete"):
        checkpoints.latest(tmp_path)


# --- what is measured, and what is left behind ----------------------------------------------------


def test_it_learns_and_the_curves_say_so(ground, tmp_path):
    one = learner(ground, tmp_path, "small_gpt2", updates=80, lr=1e-2)
    one.learn(never, lambda _: None)
    looks = one.history.held_out
    assert [look["update"] for look in looks] == [0, 20, 40, 60, 80]
    assert looks[-1]["tokens"] == 80 * 16 * 16 == one.history.tokens
    assert looks[0]["bits"] == pytest.approx(math.log2(one.special.vocabulary), abs=0.3)
    assert looks[-1]["bits"] < one._unigram_bits() - 0.3 < looks[0]["bits"]
    assert len(one.history.losses) == 80


def test_held_out_bits_are_those_of_the_model_asked_whole(ground, tmp_path):
    """The hub's class, with a mask of its own, asked for every token."""
    one = learner(ground, tmp_path, "small_gpt2")
    one._evaluate()
    rows = one.text.held_out[:6]
    ids, _ = lessons.framed(rows, one.backbone, one.special)
    one.model.save_pretrained(tmp_path / "model")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model").eval()
    with torch.inference_mode():
        logits = model(input_ids=ids).logits.log_softmax(-1)
    nats = -logits[:, :-2].gather(2, ids[:, 1:-1, None])
    expected = float(nats.double().mean()) / math.log(2)
    assert one.history.held_out[-1]["bits"] == pytest.approx(expected, rel=1e-5)


def test_unigram_bits_are_those_of_the_training_counts(ground, tmp_path):
    one = learner(ground, tmp_path, "small_gpt2")
    counts = np.ones(one.special.vocabulary)
    for token in np.where(one.text.train == SEPARATOR, one.special.eos, one.text.train).flat:
        counts[token] += 1
    asked = np.where(one.text.held_out == SEPARATOR, one.special.eos, one.text.held_out)[:6]
    expected = -np.log2(counts / counts.sum())[asked].mean()
    assert one._unigram_bits() == pytest.approx(expected, rel=1e-6)


def test_nothing_held_out_is_nothing_measured(tmp_path):
    found = laid(folder_of(tmp_path / "text"), tmp_path / "out", "hold_out=0")
    finished(found, tmp_path / "done", "small_bert")
    facts = json.loads((tmp_path / "done" / "small_bert" / "pretraining.json").read_text())["facts"]
    assert facts["held_out_bits"] is None
    assert facts["held_out_unigram_bits"] is None


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_is_what_the_hubs_classes_read(ground, tmp_path, name):
    finished(ground, tmp_path, name)
    folder = tmp_path / name
    kinds = {"small_gpt2": AutoModelForCausalLM, "small_bert": AutoModelForMaskedLM}
    model, report = kinds[name].from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert model.config.vocab_size == len(tokenizer)
    told = json.loads((folder / "pretraining.json").read_text())
    facts = told["facts"]
    assert facts["label"] == "pretrained here on text (2,048 tokens)"
    assert (facts["objective"], facts["updates"]) == (
        "clm" if name == "small_gpt2" else "mlm",
        8,
    )
    assert facts["tokens"] == 8 * 16 * 16
    if name == "small_gpt2":
        assert facts["loss_tokens"] == 8 * 16 * 14
    assert "never compare" in told["note"]
    assert told["configuration"]["model"]["weights"] == "scratch"
    assert str(tmp_path) not in json.dumps(told)
    assert folder.stat().st_mode & 0o700
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".tmp")] == []


def test_weights_are_named_by_their_digest(ground, tmp_path):
    finished(ground, tmp_path, "small_bert")
    import hashlib

    folder = tmp_path / "small_bert"
    told = json.loads((folder / "pretraining.json").read_text())
    whole = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert told["weights_sha256"] == whole


def test_bfloat16_computes_low_and_keeps_float32(ground, tmp_path):
    low, full = (
        finished(ground, tmp_path / p, "small_gpt2", precision=p) for p in ("bfloat16", "float32")
    )
    assert low != full
    kept = load_file(tmp_path / "bfloat16" / "small_gpt2" / "model.safetensors")
    assert {tensor.dtype for tensor in kept.values()} == {torch.float32}


def test_a_loss_that_is_no_number_says_what_to_do(ground, tmp_path, monkeypatch):
    one = learner(ground, tmp_path, "small_gpt2")
    monkeypatch.setattr(pretrain, "loss_of", lambda *_: torch.tensor(math.nan))
    with pytest.raises(train.Diverged, match="update 1 is no number; lower lr"):
        one._update(np.arange(16))


def test_twins_start_from_the_same_numbers(tmp_path):
    names = ("small_twin_gpt", "small_twin_bert")
    sizes = [f"sides.{n}.architecture.hidden_size=32" for n in names]
    typed = ["models=small_twin_gpt,small_twin_bert", *sizes]
    text = folder_of(tmp_path / "text")
    from pretrained_text import TINY

    from harness.corpora import groundwork, pretrain_settings

    common = [one for one in TINY if not one.startswith("sides.")]
    config = pretrain_settings.composed([f"text={text}", f"out={tmp_path}", *common, *typed])
    place = tmp_path / "blocks"
    groundwork.lay((config, str(place)), lambda _: None)
    gpt, bert = (learner((config, place), tmp_path, name) for name in names)
    drawn = {name: p for name, p in gpt.model.named_parameters() if "embeddings" in name}
    assert drawn
    for name, one in drawn.items():
        assert torch.equal(one, dict(bert.model.named_parameters())[name])
    shutil.rmtree(place)
