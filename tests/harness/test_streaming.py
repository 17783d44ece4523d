"""What is streamed is what evaluation answers, and what is counted is what was read."""

from dataclasses import replace

import pytest
import torch
from cells import small_setup

from harness import experiment, serving
from harness.backbones.bert import Bert
from harness.backbones.gpt import Gpt
from harness.models.encoding import Room
from harness.scenarios import streaming
from harness.scenarios.streaming import Streaming

CASES = [
    ("gpt2", "classification"),
    ("bert", "classification"),
    ("gpt2", "ner"),
    ("bert", "ner"),
    ("gpt2", "matching"),
    ("bert", "matching"),
]
SINGLE = [case for case in CASES if case[1] != "matching"]
SAME = 1e-4


def tuned(place, cache, *overrides, task):
    """A small kept model; its answer layer is drawn anew and centred, so that answers differ."""
    setup = small_setup(place, cache, *overrides, task=task, keep=True)
    experiment.execute(setup)
    served = serving.tuned(setup)
    head = served.model.head
    with torch.no_grad():
        head.weight.normal_(0.0, 1.0, generator=torch.Generator().manual_seed(1))
        head.bias -= served.model(served.read(served.examples[:20]).batch).mean(0)
    return served


@pytest.fixture(scope="module")
def kept(tmp_path_factory, shared_cache):
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("kept")
    return {
        (model, task): tuned(place / model / task, shared_cache, f"model={model}", task=task)
        for model, task in CASES
    }


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def prefixes(example):
    """What has arrived after each word."""
    key = "second" if example.second else "words"
    words = getattr(example, key)
    return [replace(example, **{key: words[: n + 1]}) for n in range(len(words))]


def from_scratch(served, example):
    """Label and logits of every prefix, each read by itself."""
    requests = [served.read([prefix]) for prefix in prefixes(example)]
    with torch.inference_mode():
        logits = [served.model(request.batch) for request in requests]
    return [served.answer(request)[0] for request in requests], logits


def streamed_logits(served, example):
    memory, found = streaming.new_memory(served), []
    known = torch.zeros(0, served.model.head.out_features)
    for step in streaming.steps(served, example):
        new = [streaming.logits(served, step, memory)] if step.ids else []
        known = torch.cat([known[: step.standing], *new])
        found.append(known)
    return found


def agree(served, example):
    labels, logits = from_scratch(served, example)
    assert streaming.stream(served, example) == labels
    for ours, theirs in zip(streamed_logits(served, example), logits, strict=True):
        assert ours.shape == theirs.shape
        assert not len(ours) or (ours - theirs).abs().max() < SAME
    return labels


def long_text(served, count):
    """So many words, of examples in a row."""
    words = [word for example in served.examples for word in example.words]
    return replace(served.examples[0], words=tuple(words[:count]))


def within(served, tokens):
    """So much room, beyond which texts are cut: words that arrive later are not gone back to."""
    parts = replace(served.parts, knobs=replace(served.parts.knobs, long="cut"))
    return replace(served, parts=parts, reader=replace(served.reader, room=Room(tokens)))


@pytest.mark.parametrize(("model", "task"), CASES)
def test_every_emission_is_what_evaluation_answers(kept, model, task):
    served = kept[model, task]
    emitted = [agree(served, example) for example in served.examples[:6]]
    last = [labels[-1] for labels in emitted]
    assert served.answer(served.read(served.examples[:6])) == last
    assert len({label for labels in emitted for one in labels for label in one}) > 1


@pytest.mark.parametrize("model", ["twin_gpt", "twin_bert"])
def test_the_twins_stream_too(tmp_path, shared_cache, model):
    """Rotary positions: keys that were kept must have been turned for where they stand."""
    served = tuned(tmp_path, shared_cache, f"model={model}", task="classification")
    assert agree(served, served.examples[0])


@pytest.mark.parametrize("room", [128, 24, 3, 2])
@pytest.mark.parametrize(("model", "task"), SINGLE)
def test_a_text_that_is_too_long_is_cut_as_in_evaluation(kept, model, task, room):
    served = within(kept[model, task], room)
    example = long_text(served, room + 2)
    encoded = served.encoded([example])[0]
    assert encoded.kept[0] < len(example.words)
    labels = agree(served, example)
    cut = int(encoded.kept[0])
    assert labels[cut:] == [labels[-1]] * (len(example.words) - cut)


@pytest.mark.parametrize(("model", "task"), SINGLE)
def test_nothing_is_read_behind_a_word_that_did_not_fit(kept, model, task):
    """Though a shorter one would still fit."""
    served = within(kept[model, task], 6)
    words = [word for example in kept[model, "ner"].examples for word in example.words]
    pieces = {word: len(served.reader.tokenizer.tokenize(word)) for word in words}
    short = next(word for word, count in pieces.items() if count == 1)
    long = next(word for word, count in pieces.items() if count > 1)
    example = replace(served.examples[0], words=(short, short, short, long, short))
    assert served.encoded([example])[0].kept.tolist() == [3]
    labels = agree(served, example)
    assert labels[2] == labels[3] == labels[4]


@pytest.mark.parametrize("task", ["classification", "ner"])
@pytest.mark.parametrize("piece", ["first", "last"])
@pytest.mark.parametrize("pooling", ["cls", "last"])
def test_wherever_a_causal_model_is_read(kept, task, piece, pooling):
    served = kept["gpt2", task]
    backbone = replace(served.parts.backbone, label_piece=piece, pooling=pooling)
    served = replace(served, parts=replace(served.parts, backbone=backbone))
    agree(served, long_text(served, 20))


@pytest.mark.parametrize("model", ["gpt2", "bert"])
def test_a_pair_that_no_longer_fits_keeps_its_answer(kept, model):
    served = kept[model, "matching"]
    example = served.examples[0]
    first = int(served.encoded([replace(example, second=example.second[:2])])[0].lengths[0])
    labels = streaming.stream(within(served, first), example)
    assert labels[:2] == streaming.stream(served, example)[:2]
    assert labels[2:] == [labels[1]] * (len(example.second) - 2)
    assert len(labels) > 2


@pytest.mark.parametrize(("model", "task"), CASES)
def test_tokens_are_those_that_went_through_the_network(kept, model, task):
    served, passed = kept[model, task], []
    hook = served.model.body.register_forward_pre_hook(
        lambda _, __, given: passed.append(given["input_ids"].numel()), with_kwargs=True
    )
    try:
        for example in (*served.examples[:3], long_text(served, 130)):
            passed.clear()
            (call,) = Streaming().calls(served, [example])
            assert not passed  # nothing is answered before it is timed
            emitted = call.run()
            assert call.work["tokens"] == sum(passed)
            words = example.second or example.words
            assert call.work["steps"] == len(emitted) == len(words)
            assert call.work["words"] == len(example.words) + len(example.second)
            assert call.work["examples"] == 1
    finally:
        hook.remove()


@pytest.mark.parametrize("task", ["classification", "ner"])
def test_one_side_reads_a_text_once_the_other_again_and_again(kept, task):
    example = kept["gpt2", task].examples[0]
    works = {}
    for model in ("gpt2", "bert"):
        served = kept[model, task]
        works[model] = Streaming().calls(served, [example])[0].work["tokens"]
        lengths = [int(served.encoded([one])[0].lengths[0]) for one in prefixes(example)]
        if model == "bert":
            assert works[model] == sum(lengths)
        else:
            closings = len(lengths) if task == "classification" else 0
            assert works[model] == lengths[-1] - 1 + closings
    assert works["gpt2"] < works["bert"] / 2


@pytest.mark.parametrize(("model", "kind"), [("bert", Bert), ("gpt2", Gpt)])
def test_the_mask_decides_and_not_the_family(kept, model, kind):
    """Names that lie change nothing: neither what is answered nor how much is read."""

    class Liar(kind):
        family = "gpt" if kind is Bert else "bert"

    served = kept[model, "classification"]
    backbone = Liar(**vars(served.parts.backbone))
    lying = replace(served, parts=replace(served.parts, backbone=backbone))
    assert lying.parts.backbone.family != served.parts.backbone.family
    agree(lying, served.examples[0])
    works = [Streaming().calls(s, served.examples[:1])[0].work for s in (served, lying)]
    assert works[0] == works[1]


def test_what_cannot_be_streamed_says_so(kept):
    served = kept["gpt2", "matching"]
    assert Streaming().fits(served)
    mode = replace(served.parts.mode, both_orders=True)
    assert not Streaming().fits(replace(served, parts=replace(served.parts, mode=mode)))


def test_texts_are_not_streamed(tmp_path, shared_cache):
    setup = small_setup(tmp_path, shared_cache, "data.test_size=8", task="generation", keep=True)
    experiment.execute(setup)
    assert not Streaming().fits(serving.tuned(setup))
