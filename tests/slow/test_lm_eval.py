"""Beside lm-evaluation-harness, on the same checkpoint and documents: the same bits per byte.

Set GPT_OR_BERT_LM_EVAL to a python that has `lm_eval` installed (`pip install "lm-eval[hf]"` in an
environment of its own); without it the test is skipped.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

READS = 128
TASK = """\
task: written_here
dataset_path: json
dataset_kwargs:
  data_files:
    test: {data}
output_type: loglikelihood_rolling
test_split: test
doc_to_text: ""
doc_to_target: "{{{{text}}}}"
should_decontaminate: false
metric_list:
  - metric: word_perplexity
  - metric: byte_perplexity
  - metric: bits_per_byte
metadata:
  version: 1.0
"""


def documents():
    """Texts from one token to several windows, with all kinds of blanks and letters."""
    rng = random.Random(0)
    syllables = ("ka", "lo", "mi", "tu", "ren", "é", "ß", "猫", "—")
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(300)]
    blanks = (" ", " ", " ", "  ", "\n", "\t", ".\n\n")
    texts = ["x", " begins and ends with a blank \n"]
    for length in (3, 40, 90, 200, 400, 800):
        texts.append("".join(w + rng.choice(blanks) for w in rng.choices(words, k=length)))
    return texts


def checkpoint(folder, texts):
    """A small GPT-2 that has seen the texts a few times, so that it is no uniform guesser."""
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(texts, vocab_size=600, special_tokens=["<|endoftext|>"])
    PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=bpe.get_vocab_size(), n_positions=READS, n_embd=64, n_layer=2, n_head=2,
        bos_token_id=0, eos_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    ids = torch.tensor(bpe.encode("".join(texts)).ids)
    descent = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for start in range(0, len(ids) - READS, READS // 2):
        piece = ids[start : start + READS][None]
        model(input_ids=piece, labels=piece).loss.backward()
        descent.step()
        descent.zero_grad()
    model.save_pretrained(folder)
    return folder


def theirs(python, folder, model):
    (folder / "written_here.yaml").write_text(TASK.format(data=folder / "texts.jsonl"))
    subprocess.run(
        [python, "-m", "lm_eval", "run", "--model", "hf", "--model_args",
         f"pretrained={model},dtype=float32,max_length={READS}", "--tasks", "written_here",
         "--include_path", folder, "--device", "cpu", "--batch_size", "8",
         "--output_path", folder / "out"],
        check=True, capture_output=True, cwd=folder,
        env={**os.environ, "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(folder / "home")},
    )  # fmt: skip
    (found,) = (folder / "out").rglob("results*.json")
    return json.loads(found.read_text())["results"]["written_here"]


@pytest.mark.slow
def test_bits_per_byte_are_those_of_lm_eval(tmp_path, capsys):
    python = os.environ.get("GPT_OR_BERT_LM_EVAL")
    if not python:
        pytest.skip("set GPT_OR_BERT_LM_EVAL to a python that has lm_eval installed")
    texts = documents()
    data = tmp_path / "texts.jsonl"
    data.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts), encoding="utf-8")
    model = checkpoint(tmp_path / "model", texts)
    done = subprocess.run(
        [sys.executable, "-m", "harness.likelihood", model, data],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    ours, other = json.loads(done.stdout), theirs(python, tmp_path, model)
    with capsys.disabled():
        print(f"\nbits per byte: ours {ours['bits_per_byte']}, "
              f"lm_eval {other['bits_per_byte,none']}")  # fmt: skip
    assert ours["tokens"] > 10 * READS
    for name in ("bits_per_byte", "byte_perplexity"):
        assert ours[name] == pytest.approx(other[f"{name},none"], rel=1e-6)
    assert ours["word_perplexity"] == pytest.approx(other["word_perplexity,none"], rel=1e-5)
