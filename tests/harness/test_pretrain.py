"""The command: what is typed, what is refused, how it ends, and what can be started from it."""

import errno
import json
import shutil
import signal
import subprocess
import sys
from collections import namedtuple

import pytest
from cells import composed as cell_composed
from filelock import FileLock
from omegaconf import OmegaConf
from pretrained_text import TINY, folder_of, here

from harness import record
from harness.cells.isolate import Failed
from harness.contracts import InputError, Splits
from harness.corpora import groundwork, pretrain_pair, pretrain_settings
from harness.weights import assets

TWINS = ("small_twin_gpt", "small_twin_bert")


@pytest.fixture(autouse=True)
def one_process(monkeypatch):
    """Jobs run here, one after the other."""
    monkeypatch.setattr(pretrain_pair.isolate, "warm", lambda _: None)
    monkeypatch.setattr(pretrain_pair.pool, "run", here)


@pytest.fixture
def text(tmp_path):
    return folder_of(tmp_path / "novels")


def command(text, out, *typed):
    return pretrain_pair.main([f"text={text}", f"out={out}", *TINY, *typed])


def refused(capsys, *typed):
    """The message of a command that the user has to mend."""
    assert pretrain_pair.main(list(typed)) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


# --- what it makes --------------------------------------------------------------------------------


def test_both_models_are_made_of_the_same_text_and_tokenizer(text, tmp_path, capsys):
    out = tmp_path / "pair"
    assert command(text, out) == 0
    shown = capsys.readouterr().out
    told = [json.loads((out / n / "pretraining.json").read_text()) for n in NAMES]
    assert told[0]["text"] == told[1]["text"]
    same = ("tokens", "updates", "batch_size", "epochs", "lr", "seed", "match", "text")
    assert {k: told[0]["facts"][k] for k in same} == {k: told[1]["facts"][k] for k in same}
    tokenizers = {(out / name / "tokenizer.json").read_bytes() for name in NAMES}
    assert len(tokenizers) == 1
    assert "novels, 4 files (0 skipped, 0 of other names), 48 documents, 1,440 words" in shown
    assert "held out, by document: 5 documents" in shown
    assert "never compare" in shown
    assert f"model.weights={out / 'small_bert'}" in shown
    assert sorted(p.name for p in out.iterdir()) == ["pair-small", *sorted(NAMES)]
    assert not (out / "pair-small" / "stop").exists()


NAMES = ("small_gpt2", "small_bert")


def test_the_same_command_again_does_nothing(text, tmp_path, capsys):
    assert command(text, tmp_path / "pair") == 0
    before = {n: (tmp_path / "pair" / n / "model.safetensors").stat().st_mtime_ns for n in NAMES}
    capsys.readouterr()
    assert command(text, tmp_path / "pair") == 0
    assert "both models are there" in capsys.readouterr().out
    after = {n: (tmp_path / "pair" / n / "model.safetensors").stat().st_mtime_ns for n in NAMES}
    assert before == after


def test_only_the_model_that_is_missing_is_made_again(text, tmp_path):
    out = tmp_path / "pair"
    command(text, out)
    whole = (out / "small_bert" / "model.safetensors").read_bytes()
    kept = (out / "small_gpt2" / "model.safetensors").stat().st_mtime_ns
    shutil.rmtree(out / "small_bert")
    assert command(text, out) == 0
    assert (out / "small_bert" / "model.safetensors").read_bytes() == whole
    assert (out / "small_gpt2" / "model.safetensors").stat().st_mtime_ns == kept


def test_two_pairs_live_in_one_folder(text, tmp_path):
    out = tmp_path / "pairs"
    sizes = [f"sides.{n}.architecture.hidden_size=32" for n in TWINS]
    common = [one for one in TINY if not one.startswith("sides.")]
    twins = [f"text={text}", f"out={out}", *common, "models=small_twin_gpt,small_twin_bert"]
    assert command(text, out) == 0
    assert pretrain_pair.main([*twins, *sizes, "updates=2"]) == 0
    assert {p.name for p in out.iterdir()} == {"pair-small", "pair-small_twin", *NAMES, *TWINS}


def test_a_run_starts_from_the_folder(text, tmp_path):
    """What harness.run asks of a checkpoint, with the family's own network behind it."""
    out = tmp_path / "pair"
    command(text, out)
    for name in NAMES:
        config = cell_composed(f"model={name}", f"model.weights={out / name}")
        backbone = groundwork.build(config["model"], "model")
        splits = Splits("novels", "ner", "files", (), (), (), ())
        recipe = assets.recipe(backbone, splits, {}, list)
        asset = assets.ready(recipe, tmp_path)
        assert (recipe.kind, asset.folder) == ("folder", str(out / name))
        other = {"small_gpt2": "small_bert", "small_bert": "small_gpt2"}[name]
        config = cell_composed(f"model={other}", f"model.weights={out / name}")
        backbone = groundwork.build(config["model"], "model")
        with pytest.raises(InputError, match=r"choose the model=\.\.\. of that family"):
            assets.recipe(backbone, splits, {}, list)


# --- going on -------------------------------------------------------------------------------------


def test_a_changed_setting_is_refused_by_name(text, tmp_path, capsys):
    out = tmp_path / "pair"
    command(text, out, "minutes=1e-9")
    capsys.readouterr()
    for typed, told in (
        ("updates=9", "updates was 8, is 9"),
        ("sides.small_bert.mask_share=0.2", "sides.small_bert.mask_share was 0.3, is 0.2"),
        ("skip=SOURCE.md", "skip was [], is ['SOURCE.md']"),
        ("device=cuda", "device was cpu, is cuda"),
    ):
        error = refused(capsys, f"text={text}", f"out={out}", *TINY, typed)
        assert told in error
        assert "another out=..." in error
    assert command(text, out, "checkpoint_minutes=9", "workers=1") == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: (text / "text 1.txt").write_text("other"), "text 1.txt changed"),
        (lambda text: (text / "text 1.txt").unlink(), "text 1.txt is gone"),
        (lambda text: (text / "new.md").write_text("x"), "new.md was not there"),
    ],
)
def test_a_changed_text_is_refused_by_name(text, tmp_path, capsys, change, told):
    out = tmp_path / "pair"
    command(text, out, "minutes=1e-9")
    capsys.readouterr()
    change(text)
    assert told in refused(capsys, f"text={text}", f"out={out}", *TINY)


def test_models_of_another_text_are_not_taken_for_these(text, tmp_path, capsys):
    """Also where nothing is left to do."""
    out, other = tmp_path / "pair", tmp_path / "other"
    assert command(text, out) == 0
    shutil.copytree(text, other)
    (other / "text 1.txt").write_text("another text altogether\n" * 400, encoding="utf-8")
    told = refused(capsys, f"text={other}", f"out={out}", *TINY)
    assert "text 1.txt changed since this pretraining was begun" in told
    every = ", ".join(str(out / name) for name in ("pair-small", "small_gpt2", "small_bert"))
    assert f"delete {every} to begin again" in told
    for gone in (tmp_path / "nowhere", tmp_path / "empty"):
        if gone.name == "empty":
            gone.mkdir()
        assert f"text={gone}: " in refused(capsys, f"text={gone}", f"out={out}", *TINY)


def test_a_text_may_move(text, tmp_path):
    out = tmp_path / "pair"
    command(text, out, "minutes=1e-9")
    text.rename(tmp_path / "moved")
    assert command(tmp_path / "moved", out) == 0


def test_blocks_of_a_command_that_did_not_get_far_are_made_again(text, tmp_path):
    out = tmp_path / "pair"
    command(text, out, "minutes=1e-9")
    (out / "pair-small" / "command.json").unlink()  # killed just before it was written
    pieces = out / "pair-small" / "text" / "tokenizer" / "tokenizer.json"
    assert len(json.loads(pieces.read_text())["model"]["vocab"]) > 100
    assert command(text, out, "vocabulary=100") == 0
    assert json.loads((out / "small_bert" / "config.json").read_text())["vocab_size"] == 100


def test_minutes_that_are_over_leave_a_way_to_go_on(text, tmp_path, capsys):
    out = tmp_path / "pair of mine"
    assert command(text, out, "minutes=1e-9") == 3
    shown = capsys.readouterr().out
    assert "small_gpt2: stopped after 0 of 8 updates" in shown
    assert "go on with: python -m harness.pretrain" in shown
    assert f"'out={out}'" in shown
    assert not (out / "small_gpt2").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_asks_for_checkpoints_and_the_same_command_goes_on(
    text, tmp_path, monkeypatch, capsys, number, code
):
    whole, out = tmp_path / "whole", tmp_path / "cut"
    before = signal.getsignal(signal.SIGINT)  # ignored, where the tests run in the background
    command(text, whole)
    monkeypatch.setattr(pretrain_pair.pool, "run", lambda jobs, *_: here(jobs, interrupt=number))
    assert command(text, out) == code
    told = capsys.readouterr()
    assert "small_gpt2: stopped after 4 of 8 updates, about 0 min left" in told.out
    assert "stopping" in told.err
    assert not (out / "small_gpt2").exists()
    monkeypatch.setattr(pretrain_pair.pool, "run", here)
    assert command(text, out) == 0
    for name in NAMES:
        files = [place / name / "model.safetensors" for place in (whole, out)]
        assert files[0].read_bytes() == files[1].read_bytes()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_signal_ends_at_once(tmp_path):
    with pretrain_pair._heeding(tmp_path / "stop") as caught:
        signal.raise_signal(signal.SIGINT)
        assert caught == [signal.SIGINT]
        assert (tmp_path / "stop").exists()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert not (tmp_path / "stop").exists()


# --- failures -------------------------------------------------------------------------------------


def failing(monkeypatch, name, failure):
    def run(jobs, *rest):
        for job in jobs:
            if job.name == name:
                yield job, failure
            else:
                yield from here([job])

    monkeypatch.setattr(pretrain_pair.pool, "run", run)


@pytest.mark.parametrize("mistake", [True, False])
def test_a_model_that_fails_does_not_stop_the_other(text, tmp_path, monkeypatch, capsys, mistake):
    failing(monkeypatch, "small_gpt2", Failed("broken", "last line", users_mistake=mistake))
    assert command(text, tmp_path / "pair") == (2 if mistake else 1)
    told = capsys.readouterr()
    assert "failed: small_gpt2: broken\nlast line\n" in told.err
    assert "small_bert: 8 updates" in told.out
    assert (tmp_path / "pair" / "small_bert" / "pretraining.json").is_file()


def test_what_breaks_before_training_is_no_mistake_of_the_user(text, tmp_path, monkeypatch, capsys):
    failing(monkeypatch, "text", Failed("ended by SIGKILL"))
    assert command(text, tmp_path / "pair") == 1
    assert "failed: text: ended by SIGKILL" in capsys.readouterr().err
    assert not (tmp_path / "pair" / "pair-small" / "command.json").exists()


def test_a_folder_in_use_is_refused(text, tmp_path, capsys):
    place = tmp_path / "pair" / "pair-small"
    place.mkdir(parents=True)
    with FileLock(place / ".lock"):
        told = refused(capsys, f"text={text}", f"out={tmp_path / 'pair'}", *TINY)
    assert "another command is at work" in told


def test_a_folder_that_cannot_be_made_is_refused(text, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    told = refused(capsys, f"text={text}", f"out={tmp_path / 'file'}", *TINY)
    assert "cannot be written" in told


def test_models_of_another_origin_are_left_alone(text, tmp_path, capsys):
    (tmp_path / "pair" / "small_bert").mkdir(parents=True)
    told = refused(capsys, f"text={text}", f"out={tmp_path / 'pair'}", *TINY)
    assert "small_bert is there already, and not from this command" in told


def test_a_disk_without_room_is_told_before_training(text, tmp_path, monkeypatch, capsys):
    usage = namedtuple("usage", "total used free")(10**9, 10**9, 1000)
    monkeypatch.setattr(groundwork.shutil, "disk_usage", lambda _: usage)
    told = refused(capsys, f"text={text}", f"out={tmp_path / 'pair'}", *TINY)
    assert "0 MiB free" in told
    assert f"out={tmp_path / 'pair'}:" in told


def test_a_disk_that_fills_while_reading_is_told(text, tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(groundwork.blocks.np, "save", full)
    told = refused(capsys, f"text={text}", f"out={tmp_path / 'pair'}", *TINY)
    assert "cannot be written (No space left on device)" in told


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["out=x"], "text: not set; expected a folder of text files"),
        (["text=/no/such/place"], "text=/no/such/place: no such folder"),
        (["text=x", "updats=9"], "updats: there is no such key (did you mean updates?)"),
        (["text=x", "nonsense"], "'nonsense': expected key=value"),
        (["text=x", "models=small_gpt,small_bert"], "did you mean small_gpt2?"),
        (["text=x", "models=small_gpt2"], "expected a decoder and an encoder of one pair"),
        (["text=x", "models=small_gpt2,small_gpt2"], "expected a decoder and an encoder"),
        (["text=x", "models=small_gpt2,bert"], "small_gpt2 is of the pair small, bert is of the"),
        (["text=x", "models=[small_gpt2,twin_bert]"], "expected both models of one pair"),
        (["text=x", "length=129"], "small_gpt2 reads 128 tokens at most"),
        (["text=x", "length=7"], "length=7: expected a whole number of tokens from 8"),
        (["text=x", "batch_tokens=300", "length=512"], "expected one block at least"),
        (["text=x", "updates=0"], "updates=0: expected a whole number from 1"),
        (["text=x", "updates=2.5"], "updates=2.5: expected a whole number from 1"),
        (["text=x", "updates=true"], "updates=True: expected a whole number from 1"),
        (["text=x", "hold_out=1"], "hold_out=1: expected a share from 0 to below 1"),
        (["text=x", "hold_out_by=line"], "hold_out_by=line: expected file, document or null"),
        (["text=x", "lr=2"], "lr=2: expected a number between 0 and 1"),
        (["text=x", "match=tokens"], "match=tokens: expected updates or loss_tokens"),
        (["text=x", "precision=float16"], "precision=float16: expected float32 or bfloat16"),
        (["text=x", "device=gpu"], "device=gpu: expected cpu, cuda or cuda:1"),
        (["text=x", "minutes=0"], "minutes=0: expected a number above 0, or null"),
        (["text=x", "whole_words=1"], "whole_words=1: expected true or false"),
        (["text=x", "files=[]"], "files=[]: expected patterns of names"),
        (["text=x", "sides.small_bert.mask=1"], "mask"),
    ],
)
def test_a_mistake_in_the_command_is_one_message(capsys, tmp_path, monkeypatch, typed, told):
    monkeypatch.setenv("GPT_OR_BERT_PRETRAINED", str(tmp_path / "out"))
    assert told in refused(capsys, *typed)


def test_two_of_one_family_are_refused(text, tmp_path, capsys):
    typed = [
        "sides.small_bert._target_=harness.backbones.gpt.Gpt",
        "~sides.small_bert.mask_share",
    ]
    told = refused(capsys, f"text={text}", f"out={tmp_path / 'pair'}", *TINY, *typed)
    assert "small_gpt2 is a gpt, small_bert is a gpt; expected a decoder (gpt) and an" in told


def test_no_gpu_is_told_before_the_text_is_read(tmp_path, monkeypatch, capsys, text):
    monkeypatch.setattr(groundwork.torch.cuda, "is_available", lambda: False)
    told = refused(capsys, f"text={text}", f"out={tmp_path}", *TINY, "device=cuda")
    assert "torch sees no CUDA device here" in told


# --- what is typed --------------------------------------------------------------------------------


def test_folders_and_lists_are_taken_as_they_stand():
    typed = ["text=it's here, (old)=x/[a]", "out=b c", "skip=SOURCE.md,x/*", "strip=^#.{1,3}$"]
    config = pretrain_settings.composed(typed)
    assert config["text"] == "it's here, (old)=x/[a]"
    assert config["out"] == "b c"
    assert config["skip"] == ["SOURCE.md", "x/*"]
    assert config["strip"] == ["^#.{1,3}$"]
    assert pretrain_settings.composed(["text=x", "strip=['a','b']"])["strip"] == ["a", "b"]


def test_a_value_of_a_model_can_be_set_and_its_place_is_no_setting(monkeypatch):
    one = pretrain_settings.composed(["text=x", "sides.small_bert.mask_share=0.15"])
    assert one["sides"]["small_bert"]["mask_share"] == 0.15
    monkeypatch.setenv("GPT_OR_BERT_PRETRAINED", "/elsewhere")
    other = pretrain_settings.composed(["text=y", "sides.small_bert.mask_share=0.15"])
    assert pretrain_settings.settled(one) == pretrain_settings.settled(other)
    assert other["out"] == "/elsewhere"


def test_the_order_of_the_models_is_no_setting():
    orders = ("small_gpt2,small_bert", "small_bert,small_gpt2")
    one, other = (pretrain_settings.composed(["text=x", f"models={typed}"]) for typed in orders)
    assert pretrain_settings.settled(one) == pretrain_settings.settled(other)


def test_every_key_is_checked():
    keys = set(OmegaConf.load(pretrain_settings.CONF / "pretrain.yaml"))
    assert keys == {*pretrain_settings._RANGES, "models"}


def test_the_pairs_are_matched():
    for pair, names in (("small", NAMES), ("small_twin", TWINS)):
        sides = [cell_composed(f"model={name}")["model"] for name in names]
        assert {side["pair"] for side in sides} == {pair}
        assert [side["name"] for side in sides] == list(names)
        for key in ("match", "level", "vocabulary"):
            assert sides[0][key] == sides[1][key]
        own = ("model_type", "n_inner", "intermediate_size", "activation_function")
        shapes = [{k: v for k, v in side["architecture"].items() if k not in own} for side in sides]
        assert shapes[0] == shapes[1]
        assert shapes[0]["hidden_size"] == 256
        assert shapes[0]["num_hidden_layers"] == 4
        inner = [
            side["architecture"].get("n_inner", side["architecture"].get("intermediate_size"))
            for side in sides
        ]
        assert inner[0] == inner[1]


def test_help_shows_the_keys_without_torch():
    code = (
        "import sys, runpy; sys.argv[1:] = ['--help']\n"
        "try: runpy.run_module('harness.pretrain', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end: print(end.code, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("0 False\n")
    for key in (*pretrain_settings._RANGES, "exit codes"):
        assert key in done.stdout


def test_records_can_keep_the_facts(text, tmp_path):
    """The facts are a record's `pretraining`: flat, and free of places on this machine."""
    command(text, tmp_path / "pair")
    told = json.loads((tmp_path / "pair" / "small_bert" / "pretraining.json").read_text())
    facts = told["facts"]
    assert not [name for name, value in facts.items() if isinstance(value, dict)]
    assert str(tmp_path) not in record.canonical(told)
    assert facts["label"].startswith("pretrained here on novels (")
