"""Tokenizers and weights: made the same every time, refused where they are not what they claim."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cells import composed, small_setup
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from harness import experiment, pretrain, record
from harness.backbones.family import Frame
from harness.cells import foundation
from harness.contracts import InputError
from harness.models import encoding
from harness.models.encoding import Room
from harness.weights import assets

TRAIN = """
import sys
from pathlib import Path
from harness.weights.assets import save_tokenizer
text = "the quick brown foxes jumped over lazy dogs while seven wizards hexed quiet zebras"
texts = [text.split()[i:] + text.split()[:i] for i in range(12)]
save_tokenizer(Path(sys.argv[1]), None, texts, 90)
print((Path(sys.argv[1]) / "tokenizer.json").read_text())
"""


def test_a_trained_tokenizer_is_the_same_in_every_process(tmp_path):
    texts = {
        subprocess.run(
            [sys.executable, "-c", TRAIN, str(tmp_path / str(n))],
            capture_output=True, text=True, check=True,
        ).stdout
        for n in range(3)
    }  # fmt: skip
    assert len(texts) == 1
    special = [t["content"] for t in json.loads(texts.pop())["added_tokens"]]
    assert special == list(assets.SPECIALS)


@pytest.fixture
def checkpoint(tmp_path, shared_cache):
    """A folder in the hub's format: the embedded pair's own, copied."""
    laid = small_setup(tmp_path, shared_cache, "model=gpt2").foundation
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes(
            (shared_cache / "models" / laid.asset.folder / name).read_bytes()
        )
    return folder


def test_a_folder_of_weights_is_used_and_named(tmp_path, shared_cache, checkpoint):
    setup = small_setup(tmp_path, shared_cache, "model=gpt2", f"model.weights={checkpoint}")
    kept = record.read(Path(experiment.execute(setup)))
    assert kept.cell.weights == "checkpoint"
    assert "from checkpoint" in kept.model.description
    assert str(checkpoint.parent) not in json.dumps(kept.config)
    tampered = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps({**tampered, "n_head": 2}))
    again = small_setup(tmp_path, shared_cache, "model=gpt2", f"model.weights={checkpoint}")
    assert again.identity != setup.identity


def test_a_folder_of_the_other_family_is_refused(tmp_path, checkpoint):
    config = composed("task=ner", "model=bert", f"model.weights={checkpoint}")
    with pytest.raises(InputError, match=r"model_type 'gpt2', but this model is a 'bert'"):
        foundation.lay((config, str(tmp_path), True))


def test_missing_tensors_are_refused_not_drawn(tmp_path, shared_cache, checkpoint):
    tensors = load_file(checkpoint / "model.safetensors")
    kept = {name: t for name, t in tensors.items() if ".h.1." not in name}
    assert len(kept) < len(tensors)
    save_file(kept, checkpoint / "model.safetensors", metadata={"format": "pt"})
    setup = small_setup(tmp_path, shared_cache, "model=gpt2", f"model.weights={checkpoint}")
    with pytest.raises(InputError, match="lacks"):
        experiment.execute(setup)


def test_a_damaged_asset_is_made_again(tmp_path):
    setup = small_setup(tmp_path, tmp_path / "cache", "model=bert")
    weights = Path(setup.foundation.asset.folder) / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100] + bytes(100))
    again = small_setup(tmp_path, tmp_path / "cache", "model=bert")
    assert again.foundation.asset == setup.foundation.asset or (
        again.foundation.asset.weights_digest == setup.foundation.asset.weights_digest
    )
    assert weights.read_bytes() == whole


def test_byte_level_words_keep_the_space_before_them(tmp_path):
    """GPT-2's tokenizer: a pre-split word must not look like the middle of another."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(["the cat sat on the mat"] * 50, trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|endoftext|>", unk_token="<|endoftext|>"
    ).save_pretrained(tmp_path)
    tokenizer = pretrain.load_tokenizer(tmp_path)
    special = pretrain.specials(tokenizer)
    assert special.pad == special.eos  # no pad token: the mask alone tells padding
    encoded = encoding.encode(
        [["the", "cat"]], tokenizer, Frame([special.eos], [special.eos]), Room(20)
    )
    inner = encoded.ids[1:-1].tolist()
    assert tokenizer.convert_ids_to_tokens(inner) == tokenizer.tokenize(" the cat")
    assert tokenizer.convert_ids_to_tokens(inner)[0].startswith("\u0120")


def told_of(folder, weights):
    facts = {"objective": "clm", "tokens": 12, "label": "pretrained here on novels (12 tokens)"}
    told = {"facts": facts, "weights_sha256": weights}
    (folder / assets.PRETRAINING).write_text(json.dumps(told))


def test_a_pretraining_here_travels_into_the_record(tmp_path, shared_cache, checkpoint):
    told_of(checkpoint, record.weights_digest(checkpoint))
    setup = small_setup(tmp_path, shared_cache, "model=gpt2", f"model.weights={checkpoint}")
    kept = record.read(Path(experiment.execute(setup)))
    assert kept.model.pretraining["tokens"] == 12
    assert kept.model.description.endswith("pretrained here on novels (12 tokens)")


@pytest.mark.parametrize("told", ["other", None])
def test_a_pretraining_of_other_weights_is_refused(tmp_path, shared_cache, checkpoint, told):
    told_of(checkpoint, told)
    if told is None:
        (checkpoint / assets.PRETRAINING).write_text("[]")
    with pytest.raises(InputError, match=r"pretraining\.json: .*delete the file"):
        small_setup(tmp_path, shared_cache, "model=gpt2", f"model.weights={checkpoint}")
