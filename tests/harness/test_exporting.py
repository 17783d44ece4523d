"""A tuned model of each family answers as itself in the classes and pipelines of transformers."""

import dataclasses
from pathlib import Path

import made_checkpoints as made
import pytest
import torch
from cells import composed
from safetensors.torch import load_file
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    pipeline,
)

from harness import exporting, pretrain, record, serving
from harness.backbones import body as bodies
from harness.cells import view
from harness.cells.view import Reader, room_of
from harness.contracts import Example, Unsupported
from harness.decoding import Decoding
from harness.exporting import agreement, answer_layers, forms
from harness.kept import exported
from harness.models.heads import Predictor, Writer

CLASSES = ["O", "B-PER", "I-PER", "B-LOC"]
TEXTS = [Example(str(i), tuple(text.split()), 0) for i, text in enumerate(made.TEXTS[:6])]
PAIRS = [dataclasses.replace(e, second=TEXTS[-1 - i].words) for i, e in enumerate(TEXTS)]
SHAPES = {"classification": TEXTS, "matching": PAIRS, "ner": TEXTS, "generation": TEXTS}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    return {kind: made.make(kind, root / kind) for kind in made.KINDS}


def tuned(folder, task, *overrides):
    """A checkpoint with an answer layer of large random numbers, its bias among them."""
    parts = view.parts_of(
        composed(f"task={task}", "model=checkpoint", f"model.path={folder}", *overrides)
    )
    tokenizer = pretrain.load_tokenizer(folder)
    specials = pretrain.specials(tokenizer)
    frame = parts.backbone.frame(specials)
    torch.manual_seed(1)
    if parts.mode.writes:
        whole = bodies.load_language_model(parts.backbone.objective, folder, 0.0, 0.0)
        model = Writer(parts.backbone, parts.mode, whole, parts.decoding.max_new_tokens, 0)
    else:
        model = Predictor(parts.mode, bodies.load_body(folder, 0.0, 0.0), len(CLASSES), 0.0, 0)
        for parameter in model.head.parameters():
            torch.nn.init.normal_(parameter)
    return serving.Served(
        subject=None,
        parts=parts,
        model=model.eval(),
        reader=Reader(tokenizer, specials, frame, "", Path(), room_of(parts)),
        examples=(),
        per_word=parts.task.shape == "tags",
    )


def shares(served, examples):
    request = served.read(examples)
    with torch.inference_mode():
        return served.model(request.batch).softmax(-1), request.answers


def running(example):
    text = " ".join(example.words)
    return {"text": text, "text_pair": " ".join(example.second)} if example.second else text


CELLS = [
    (kind, task)
    for kind in made.KINDS
    for task in SHAPES
    if not (task == "generation" and kind in made.ENCODERS)
    and (kind, task) != ("ettin_decoder", "ner")
]


@pytest.mark.parametrize(("kind", "task"), CELLS)
def test_a_pipeline_on_the_folder_gives_the_same_answers(tmp_path, folders, kind, task):
    served, examples = tuned(folders[kind], task), SHAPES[task]
    before = {name: one.clone() for name, one in served.model.state_dict().items()}
    found = exporting.export(served, CLASSES, examples, tmp_path)
    assert found == exported.read(tmp_path)
    assert found.why_not is None
    assert found.agreement.same_answers == found.agreement.same_tokens == len(examples)
    assert found.pairs == (task == "matching")
    answer = pipeline(found.pipeline, model=str(tmp_path), device="cpu")
    assert type(answer.model).__name__ == found.architecture
    for size in (1, 4):
        _compare[found.pipeline](served, examples, answer, size)
    after = served.model.state_dict()
    assert all(torch.equal(one, after[name]) for name, one in before.items())


def _labels(served, examples, answer, size):
    wanted, _ = shares(served, examples)
    found = answer([running(e) for e in examples], batch_size=size, top_k=None)
    for row, scores in zip(wanted.tolist(), found, strict=True):
        assert scores[0]["label"] == CLASSES[row.index(max(row))]
        by_name = {one["label"]: one["score"] for one in scores}
        assert [by_name[name] for name in CLASSES] == pytest.approx(row, abs=1e-4)


def _tags(served, examples, answer, size):
    wanted, counts = shares(served, examples)
    rows = iter(wanted.tolist())
    found = answer([running(e) for e in examples], batch_size=size, ignore_labels=[])
    for example, pieces, count in zip(examples, found, counts, strict=True):
        assert count == len(example.words)
        text, start = running(example), 0
        for word in example.words:
            start = text.index(word, start)
            end = start + len(word)
            inside = [p for p in pieces if start <= p["start"] + _blank(text, p) < end]
            piece = inside[0 if served.read_at == "first_piece" else -1]
            row = next(rows)
            assert piece["entity"] == CLASSES[row.index(max(row))]
            assert piece["score"] == pytest.approx(max(row), abs=1e-4)
            start = end


def _blank(text, piece):
    """Some tokenizers count the blank before a word to its first piece."""
    return int(text[piece["start"] : piece["start"] + 1] == " ")


def _written(served, examples, answer, size):
    wanted = [" ".join(words) for words in served.answer(served.read(examples))]
    found = answer([running(e) for e in examples], batch_size=size, return_full_text=False)
    assert [" ".join(one[0]["generated_text"].split()) for one in found] == wanted
    assert len(set(wanted)) > 1


_compare = {
    "text-classification": _labels,
    "token-classification": _tags,
    "text-generation": _written,
}


@pytest.mark.parametrize("kind", made.KINDS)
def test_the_folder_is_what_serving_rebuilds_the_model_from(tmp_path, folders, kind):
    served = tuned(folders[kind], "classification")
    exporting.export(served, CLASSES, TEXTS, tmp_path)
    wanted, _ = shares(served, TEXTS)
    served.model.body = bodies.load_body(tmp_path, 0.0, 0.0)
    head = served.model.head
    served.model.head = torch.nn.Linear(
        head.in_features, head.out_features, bias=head.bias is not None
    )
    served.model.head.load_state_dict(load_file(tmp_path / record.HEAD))
    assert shares(served, TEXTS)[0] == pytest.approx(wanted, abs=1e-5)


def test_blanks_and_pairs_are_read_as_words_are(tmp_path, folders):
    for kind in ("gpt2", "roberta", "llama", "bert"):
        served = tuned(folders[kind], "matching")
        exporting.export(served, CLASSES, PAIRS, tmp_path / kind)
        tokenizer = AutoTokenizer.from_pretrained(tmp_path / kind)
        ids = served.encoded(PAIRS[:1])[0].ids.tolist()
        one, other = (" \t ".join(words) + "  " for words in (PAIRS[0].words, PAIRS[0].second))
        found = tokenizer(one, other)
        assert found["input_ids"] == ids
        assert ("token_type_ids" in found) == (kind == "bert")
        if kind == "bert":
            second = served.encoded(PAIRS[:1])[0].second[0]
            assert found["token_type_ids"] == [0] * second + [1] * (len(ids) - second)


def test_padding_has_a_token_of_its_own_only_where_the_class_looks_for_it(tmp_path, folders):
    old = len(pretrain.load_tokenizer(folders["gpt2"]))
    for task, size in (("classification", old + 1), ("ner", old), ("generation", old)):
        served = tuned(folders["gpt2"], task)
        exporting.export(served, CLASSES, TEXTS, tmp_path / task)
        assert AutoConfig.from_pretrained(tmp_path / task).vocab_size == size


def test_electra_goes_through_gelu(tmp_path, folders):
    config = AutoConfig.for_model(
        "electra", vocab_size=300, hidden_size=32, embedding_size=32, num_hidden_layers=1,
        num_attention_heads=4, intermediate_size=64, max_position_embeddings=64, pad_token_id=0,
    )  # fmt: skip
    AutoModelForMaskedLM.from_config(config).save_pretrained(tmp_path / "electra")
    for file in folders["bert"].glob("tokenizer*"):
        (tmp_path / "electra" / file.name).write_bytes(file.read_bytes())
    served = tuned(tmp_path / "electra", "classification")
    found = exporting.export(served, CLASSES, TEXTS, tmp_path / "out")
    assert found.architecture == "ElectraForSequenceClassification"


@pytest.mark.parametrize(
    ("kind", "task", "overrides", "said"),
    [
        ("ettin_decoder", "ner", (), "no token-classification class for modernbert-decoder"),
        ("bert", "generation", (), "unilm"),
        ("bert", "matching", ("mode=both_orders",), "both orders"),
        ("bert", "classification", ("mode=mean",), "mean over the tokens of a text's words"),
        ("modernbert", "matching", ("mode=mean",), "mean that special tokens are part of"),
    ],
)
def test_what_no_class_expresses_is_kept_and_says_so(
    tmp_path, folders, kind, task, overrides, said
):
    served = tuned(folders[kind], task, *overrides)
    found = exporting.export(served, CLASSES, SHAPES[task], tmp_path)
    assert said in found.why_not
    assert found.architecture is found.pipeline is found.agreement is None
    assert (tmp_path / record.BODY).is_file()
    assert (tmp_path / record.HEAD).is_file() == (task != "generation")


def test_a_position_that_the_class_does_not_read_is_refused(folders):
    served = tuned(folders["bert"], "classification")
    backbone = dataclasses.replace(served.parts.backbone, pooling="last")
    parts = dataclasses.replace(served.parts, backbone=backbone)
    with pytest.raises(Unsupported, match="'last', where the classes of bidirectional"):
        forms.written(served.model, parts, "label", CLASSES, served.reader.tokenizer)


def test_a_folder_that_answers_otherwise_is_not_left_as_one(tmp_path, folders, monkeypatch):
    """The check is what stands between a wrong form and the user."""
    monkeypatch.setitem(answer_layers._LABEL, "bert", lambda _, tuned: tuned.head.state_dict())
    served = tuned(folders["bert"], "classification")
    found = exporting.export(served, CLASSES, TEXTS, tmp_path)
    assert found.architecture is None
    assert "gives other answers" in found.why_not
    assert AutoConfig.from_pretrained(tmp_path).architectures == ["BertModel"]


def test_a_tokenizer_that_reads_running_text_otherwise_is_refused(tmp_path, folders):
    served = tuned(folders["bert"], "classification")
    exporting.export(served, CLASSES, TEXTS, tmp_path)
    odd = [dataclasses.replace(e, words=("\u00ad", *e.words)) for e in TEXTS]  # read as unknown
    kind = AutoModelForSequenceClassification
    mixed = agreement.checked(served, tmp_path, kind, [*TEXTS, *odd[:2]])
    assert (mixed.texts, mixed.same_tokens, mixed.same_answers) == (8, 6, 6)
    with pytest.raises(Unsupported, match="6 of 6 training texts become other tokens"):
        agreement.checked(served, tmp_path, kind, odd)


def test_how_texts_are_searched_for_goes_with_the_folder(tmp_path, folders):
    for search, wanted in (
        ("greedy", {"do_sample": False, "num_beams": 1}),
        ("beam", {"do_sample": False, "num_beams": 4}),
        ("top_p", {"do_sample": True, "top_p": 0.9, "num_beams": 1}),
    ):
        served = tuned(folders["gpt2"], "generation", f"decoding={search}")
        assert isinstance(served.parts.decoding, Decoding)
        exporting.export(served, (), TEXTS, tmp_path / search)
        write = pipeline("text-generation", model=str(tmp_path / search), device="cpu")
        config = write.model.generation_config
        assert {name: getattr(config, name) for name in wanted} == wanted
        assert config.max_new_tokens == served.parts.decoding.max_new_tokens


def test_a_damaged_export_is_named(tmp_path):
    assert exported.read(tmp_path) is None
    for text, said in (("{}", "format None"), ('{"format": 1}', "agreement"), ("x", "damaged")):
        (tmp_path / exported.FILE).write_text(text)
        with pytest.raises(record.RecordError, match=said):
            exported.read(tmp_path)
