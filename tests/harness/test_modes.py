"""Ways to let a decoder see the words to the right, and what each claims."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cells import composed, small_setup
from test_backbones import BERT, GLU, GPT, SPECIALS, TEXTS, TINY, predictor, probed

from harness import alarms, experiment, record, serving
from harness.backbones import body as bodies
from harness.backbones import masks
from harness.backbones.family import Frame
from harness.contracts import InputError
from harness.models import encoding
from harness.models.encoding import Encoded
from harness.modes.echo import Echo
from harness.modes.unmask import Unmask
from harness.planning import configuration

ALL, TOP, ECHO = Unmask("unmask", 1.0), Unmask("unmask_top", 0.5), Echo("echo")


@pytest.mark.parametrize(("mode", "left_moves"), [(ALL, True), (TOP, True), (ECHO, False)])
def test_probes_see_what_a_mode_claims(mode, left_moves):
    seen = probed(predictor(GPT, mode=mode))
    assert seen["claimed"] == mode.name
    assert seen["left_only"] == mode.left_only == (not left_moves, not left_moves)
    assert (seen["left_change"] > 1e-3) == left_moves
    assert seen["right_change"] > 1e-3
    assert seen["padding_change"] <= 1e-5


DECODERS = {
    "gpt2": {"n_inner": 64, **TINY},
    "gpt_neox": {"intermediate_size": 64, **TINY},
    "llama": {"intermediate_size": 64, "num_key_value_heads": 1, **TINY},
    "mistral": {"intermediate_size": 64, "num_key_value_heads": 1, "sliding_window": 3, **TINY},
    "qwen2": {"intermediate_size": 64, "num_key_value_heads": 1, **TINY},
    "qwen3": {"intermediate_size": 64, "num_key_value_heads": 1, "head_dim": 16, **TINY},
    "olmo2": {"intermediate_size": 64, "num_key_value_heads": 1, **TINY},
    "modernbert-decoder": {**GLU, "global_attn_every_n_layers": 2, "local_attention": 6},
}


@pytest.mark.parametrize("kind", DECODERS)
def test_each_layer_sees_as_it_is_told(kind):
    """Below `above` all is as under the causal mask; from there on the other mask holds."""
    architecture = {"model_type": kind, **DECODERS[kind], "num_hidden_layers": 4}
    body = bodies.new_body(architecture, SPECIALS, 0, 0.0, 0.0).eval()
    ids = torch.tensor([TEXTS[3]])
    real = torch.ones_like(ids, dtype=torch.bool)

    def run(allowed, above=None):
        into = []
        layers = next(m for m in body.modules() if isinstance(m, torch.nn.ModuleList))
        hooks = [
            layer.register_forward_pre_hook(
                lambda _, got, kw: into.append((got or (kw["hidden_states"],))[0]), with_kwargs=True
            )
            for layer in layers
        ]
        with torch.inference_mode():
            out = bodies.forward(body, ids, real, allowed, above=above).last_hidden_state
        for hook in hooks:
            hook.remove()
        assert len(into) == 4
        return [*into, out]

    causal, both = masks.causal(real), masks.both_ways(real)
    plain, lifted = run(causal), run(both)
    mixed = run(causal, (2, both))
    for n in range(3):
        assert torch.equal(mixed[n], plain[n])
    assert (mixed[3] - plain[3]).abs().max() > 1e-4
    assert (mixed[4] - lifted[4]).abs().max() > 1e-4
    for above, same in (((0, both), lifted), ((4, both), plain)):
        for got, wanted in zip(run(causal, above), same, strict=True):
            assert torch.equal(got, wanted)


def made(*texts):
    """Encoded texts whose words are of one to three pieces, framed by 5."""
    frame, rng = Frame([5], [5], [3]), np.random.default_rng(0)
    growing = encoding.Growing()
    for words in texts:
        growing.add(frame.before, [rng.integers(6, 60, n).tolist() for n in words])
        growing.close(frame.after, None)
    return growing.encoded([len(words) for words in texts])


def test_an_echo_is_the_text_again_and_its_words_are_those_of_the_second_copy():
    one = made([1, 2, 1], [3], [])
    two = encoding.echoed(one, 1)
    for n in range(3):
        text = one.ids[one.offsets[n] : one.offsets[n + 1]].tolist()
        assert two.ids[two.offsets[n] : two.offsets[n + 1]].tolist() == [*text, *text[1:]]
        for piece in ("first", "last"):
            here, there = (e.positions(n, piece) for e in (one, two))
            flat = two.ids[two.offsets[n] :]
            assert flat[there].tolist() == one.ids[one.offsets[n] :][here].tolist()
            assert (there - here == len(text) - 1).all()
    assert (two.kept == one.kept).all()
    assert two.pieces == one.pieces
    assert (two.second == two.lengths).all()
    assert isinstance(two, Encoded)


def test_an_answer_of_an_echo_depends_on_the_words_to_its_right(tmp_path, shared_cache):
    """Under the causal mask alone it does not."""
    for mode, sees in (("native", False), ("echo", True), ("unmask", True)):
        setup = small_setup(
            tmp_path, shared_cache, "model=gpt2", f"mode={mode}", task="ner", keep=True
        )
        found = record.read(Path(experiment.execute(setup)))
        assert found.data.reader == ("bidirectional/last" if sees else "causal/last")
        counts = record.read_counts(setup.folder)
        assert not [a for a in alarms.examine(found, counts) if a.number == "11"]
        served = serving.tuned(setup)
        example = max(served.examples, key=lambda e: len(e.words))
        changed = replace(example, words=(*example.words[:-1], "zzz"))
        with torch.inference_mode():
            before, after = (served.model(served.read([e]).batch)[0] for e in (example, changed))
        assert ((before - after).abs().max() > 1e-4) == sees


def test_twice_the_tokens_are_counted(tmp_path, shared_cache):
    logs = {}
    for mode in ("native", "echo"):
        setup = small_setup(tmp_path, shared_cache, "model=gpt2", f"mode={mode}", task="ner")
        logs[mode] = record.read(Path(experiment.execute(setup))).training
    assert logs["echo"].loss_tokens == logs["native"].loss_tokens
    rows = logs["native"].examples
    assert logs["echo"].tokens == 2 * logs["native"].tokens - rows  # the first token stands once


@pytest.mark.parametrize("mode", ["unmask", "unmask_top", "echo"])
def test_only_a_decoder_that_labels_needs_them(mode):
    choice = configuration.build(composed(f"mode={mode}")["mode"], "mode")
    with pytest.raises(InputError, match=f"mode={mode} lets a decoder see .* choose mode=native"):
        choice.bind(BERT, writes=False)
    with pytest.raises(InputError, match=f"mode={mode} reads labels, but this task asks for texts"):
        choice.bind(GPT, writes=True)
