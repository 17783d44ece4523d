"""Beside transformers' own `generate`: the same tokens, and the CPU time that they cost.

Run with `-s` to see the table. Ratios are of process time, interleaved; they are printed, not
asserted: only the tokens are.
"""

from __future__ import annotations

import time

import pytest
import torch
from transformers import AutoModelForCausalLM

from harness import decoding
from harness.backbones import body as bodies
from harness.backbones.family import Specials
from harness.backbones.gpt import Gpt
from harness.decoding import Decoding
from harness.models.heads import Writer
from harness.modes.autoregressive import CAUSAL

ROUNDS, PROMPT, NEW = 5, 16, 32
SPECIALS = Specials(pad=0, unk=1, cls=2, sep=3, mask=4, eos=5, count=6, vocabulary=4000)
ARCHITECTURE = {
    "model_type": "gpt2",
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "n_inner": 1024,
    "max_position_embeddings": 128,
    "initializer_range": 0.2,  # texts that differ, though nothing was trained
}


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 16])
def test_the_same_tokens_as_generate(tmp_path, size, capsys):
    torch.set_num_threads(1)
    backbone = Gpt("gpt2", "p", "", "scratch", ARCHITECTURE)
    model = bodies.new_language_model("clm", ARCHITECTURE, SPECIALS, 0)
    ours = Writer(backbone, CAUSAL, model, NEW, 0).eval()
    model.save_pretrained(tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="sdpa").eval()
    rng = torch.Generator().manual_seed(0)
    seconds: dict[str, list[float]] = {"ours": [], "ours, no memory": [], "generate": []}
    for _ in range(ROUNDS):
        lengths = torch.randint(PROMPT // 2, PROMPT + 1, (size,), generator=rng)
        ids = torch.randint(6, 4000, (size, PROMPT), generator=rng)
        real = torch.arange(PROMPT) >= PROMPT - lengths[:, None]
        texts = {}
        for name, cache in (("ours", True), ("ours, no memory", False)):
            how = Decoding("greedy", NEW, cache)
            start = time.process_time()
            with torch.inference_mode():
                texts[name] = decoding.write(ours, ids, real, how, SPECIALS, rng)
            seconds[name].append(time.process_time() - start)
        start = time.process_time()
        written = theirs.generate(
            ids, attention_mask=real.long(), max_new_tokens=NEW, do_sample=False,
            eos_token_id=SPECIALS.eos, pad_token_id=SPECIALS.pad,
        )  # fmt: skip
        seconds["generate"].append(time.process_time() - start)
        rows = [row[: row.index(5)] if 5 in row else row for row in written[:, PROMPT:].tolist()]
        assert [text.ids for text in texts["ours"]] == rows
        assert texts["ours"] == texts["ours, no memory"]
    with capsys.disabled():
        for name, spent in seconds.items():
            ratios = " ".join(f"{s / o:.2f}" for s, o in zip(spent, seconds["ours"], strict=True))
            print(f"\nbatch {size}, {NEW} new tokens, {name}: CPU time x ours {ratios}", end="")
