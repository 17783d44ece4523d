"""The same tokens with and without a memory, alone and in a batch, and as transformers writes."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from harness import decoding
from harness.backbones import body as bodies
from harness.backbones.bert import Bert
from harness.backbones.family import Specials
from harness.backbones.gpt import Gpt
from harness.contracts import InputError
from harness.decoding import Decoding
from harness.models.heads import Writer
from harness.modes.autoregressive import CAUSAL, UNILM
from harness.modes.mask_predict import MaskPredict

SPECIALS = Specials(pad=0, unk=1, cls=2, sep=3, mask=4, eos=5, count=6, vocabulary=60)
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "initializer_range": 0.3,  # an untrained model that does not always say the same
}
GLU = {"intermediate_size": 48, "global_attn_every_n_layers": 1, **TINY}
FAMILIES = {
    "gpt2": (Gpt, {"model_type": "gpt2", "n_inner": 64, **TINY}),
    "bert": (Bert, {"model_type": "bert", "intermediate_size": 64, **TINY}),
    "twin_gpt": (Gpt, {"model_type": "modernbert-decoder", **GLU}),
    "twin_bert": (Bert, {"model_type": "modernbert", **GLU}),
}
MASK_PREDICT = MaskPredict("mask_predict", 4, 3, 0.1, 4)
CASES = [
    ("gpt2", CAUSAL),
    ("twin_gpt", CAUSAL),
    ("bert", UNILM),
    ("twin_bert", UNILM),
    ("bert", MASK_PREDICT),
    ("twin_bert", MASK_PREDICT),
]
IDS = [f"{name}-{mode.name}" for name, mode in CASES]
GREEDY = Decoding("greedy", 12, cache=True)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def writer(name, mode, seed=0):
    family, architecture = FAMILIES[name]
    backbone = family(name, "p", "", "scratch", architecture)
    model = bodies.new_language_model(backbone.objective, architecture, SPECIALS, seed)
    made = Writer(backbone, mode, model, 12, seed).eval()
    if made.length is not None:
        torch.nn.init.normal_(made.length.weight, generator=torch.Generator().manual_seed(seed))
    return made


def prompts(count=16, seed=1):
    """Left-padded inputs of many lengths."""
    rng = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, 12, (count,), generator=rng)
    ids = torch.randint(6, 60, (count, int(lengths.max())), generator=rng)
    real = torch.arange(ids.shape[1]) >= ids.shape[1] - lengths[:, None]
    return ids.masked_fill(~real, SPECIALS.pad), real


def write(made, ids, real, how=GREEDY, seed=0):
    rng = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        return decoding.write(made, ids, real, how, SPECIALS, rng)


@pytest.mark.parametrize(("name", "mode"), CASES, ids=IDS)
@pytest.mark.parametrize("search", ["greedy", "beam"])
def test_memory_and_batch_change_nothing(name, mode, search):
    made, (ids, real) = writer(name, mode), prompts()
    how = Decoding(search, 12, cache=True, beams=3)
    kept = write(made, ids, real, how)
    read_again = write(made, ids, real, Decoding(search, 12, cache=False, beams=3))
    alone = [
        write(made, row[mask][None], mask[mask][None], how)[0]
        for row, mask in zip(ids, real, strict=True)
    ]
    assert kept == read_again == alone
    assert len({tuple(text.ids) for text in kept}) > 8  # the texts do differ


@pytest.mark.parametrize("name", ["gpt2", "twin_gpt"])
def test_transformers_writes_the_same(name, tmp_path):
    """Against the library's own attention, masks, cache and generation loop."""
    made, (ids, real) = writer(name, CAUSAL), prompts()
    made.model.save_pretrained(tmp_path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager").eval()
    written = theirs.generate(
        ids, attention_mask=real.long(), max_new_tokens=12, do_sample=False, use_cache=True,
        eos_token_id=SPECIALS.eos, pad_token_id=SPECIALS.pad,
    )  # fmt: skip
    for ours, row in zip(write(made, ids, real), written[:, ids.shape[1] :].tolist(), strict=True):
        ended = row.index(SPECIALS.eos) if SPECIALS.eos in row else len(row)
        assert ours.ids == row[:ended]
        assert ours.cut_off == (SPECIALS.eos not in row)


def test_a_beam_finds_more_probable_texts():
    made, (ids, real) = writer("twin_gpt", CAUSAL), prompts()
    with torch.no_grad():
        made.model.decoder.bias[SPECIALS.eos] = 3.0  # texts that end
    greedy = write(made, ids, real)
    wide = write(made, ids, real, Decoding("beam", 12, True, beams=8))

    def score(row, text):
        whole = torch.tensor([[*ids[row][real[row]].tolist(), *text.ids, SPECIALS.eos]])
        start, mask = int(real[row].sum()), torch.ones_like(whole, dtype=torch.bool)
        with torch.inference_mode():
            logits = made.logits(made.hidden(whole, mask, mask))[0].log_softmax(-1)
        steps = logits[start - 1 : -1].gather(-1, whole[0, start:, None])
        return float(steps.mean())

    ended = [i for i in range(16) if not (greedy[i].cut_off or wide[i].cut_off)]
    assert len(ended) > 8
    better = [score(i, wide[i]) - score(i, greedy[i]) for i in ended]
    assert min(better) > -0.05
    assert sum(better) / len(better) > 0.05


def test_top_p_draws_from_the_top_and_repeats_with_its_seed():
    made, (ids, real) = writer("gpt2", CAUSAL), prompts()
    narrow = Decoding("top_p", 12, True, top_p=1e-6)
    assert write(made, ids, real, narrow) == write(made, ids, real)
    wide = Decoding("top_p", 12, True, top_p=0.9)
    assert write(made, ids, real, wide) == write(made, ids, real, wide)
    assert write(made, ids, real, wide, seed=0) != write(made, ids, real, wide, seed=1)


def test_a_text_ends_at_the_end_or_is_cut_off():
    made, (ids, real) = writer("gpt2", CAUSAL), prompts()
    for text in write(made, ids, real):
        assert SPECIALS.eos not in text.ids
        assert len(text.ids) == 12 if text.cut_off else len(text.ids) < 12


def test_mask_predict_writes_as_many_tokens_as_its_length_head_says():
    made, (ids, real) = writer("bert", MASK_PREDICT), prompts()
    torch.nn.init.zeros_(made.length.weight)
    with torch.no_grad():
        made.length.bias.copy_(-torch.arange(12.0).sub(4).abs())  # 5 tokens, then 4 or 6
    for text in write(made, ids, real):
        assert 4 <= len(text.ids) <= 6
        assert SPECIALS.mask not in text.ids


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"search": "gready"}, "decoding.search=gready"),
        ({"max_new_tokens": 1}, "decoding.max_new_tokens=1"),
        ({"top_p": 0.0}, r"decoding.top_p=0\.0"),
    ],
)
def test_mistakes_are_named(changes, said):
    with pytest.raises(InputError, match=said):
        Decoding(**{"search": "greedy", "max_new_tokens": 8, "cache": True, **changes})
