"""Checkpoints that others made read here exactly as in their own classes, or are refused."""

import json

import made_checkpoints as made
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoTokenizer,
)

from harness import pretrain
from harness.backbones import body as bodies
from harness.backbones import checkpoint
from harness.backbones.attention import Memory
from harness.contracts import InputError
from harness.models import encoding
from harness.models.encoding import UNBOUNDED, Room
from harness.weights import assets, released

TOLERANCE = 1e-5
LENGTHS = (24, 17, 9)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("released")
    return {kind: made.make(kind, root / kind) for kind in made.KINDS}


@pytest.fixture
def fresh(tmp_path, folders):
    """A folder of one kind that a test may change."""

    def copied(kind):
        place = tmp_path / kind
        place.mkdir()
        for file in folders[kind].iterdir():
            (place / file.name).write_bytes(file.read_bytes())
        return place

    return copied


def backbone(folder, model_type="auto"):
    where = str(folder)
    return checkpoint.load(None, "p", "m", "", where, where, None, {"model_type": model_type})


def rows(low=8, high=230):
    rng = torch.Generator().manual_seed(0)
    return [torch.randint(low, high, (length,), generator=rng) for length in LENGTHS]


def padded(texts, side, pad):
    ids = torch.full((len(texts), max(map(len, texts))), pad)
    real = torch.zeros(ids.shape, dtype=torch.bool)
    for row, text in enumerate(texts):
        first = 0 if side == "right" else ids.shape[1] - len(text)
        ids[row, first : first + len(text)] = text
        real[row, first : first + len(text)] = True
    return ids, real


@torch.no_grad()
def worst(folder, family_of=backbone):
    """The largest difference from transformers' own class, unpadded; over both sides' padding."""
    plain = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
    model, family, found = bodies.load_body(folder, 0.0, 0.0).eval(), family_of(folder), 0.0
    plain.eval()
    for side in ("right", "left"):
        ids, real = padded(rows(), side, 3)
        hidden = bodies.forward(model, ids, real, family.allowed(real)).last_hidden_state
        for row, text in enumerate(rows()):
            wanted = plain(text[None]).last_hidden_state[0]
            found = max(found, (hidden[row][real[row]] - wanted).abs().max().item())
    return found


@pytest.mark.parametrize("kind", made.KINDS)
def test_hidden_states_are_those_of_the_models_own_class(kind, folders):
    assert worst(folders[kind]) < TOLERANCE


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 300}
SMALL |= {"intermediate_size": 64, "max_position_embeddings": 64}
WINDOW = {"sliding_window": 4, "use_sliding_window": True, "max_window_layers": 1}
OTHERS = {
    "gpt_neox": {},
    "mistral": {"sliding_window": 4, "num_key_value_heads": 2},
    "olmo2": {"num_key_value_heads": 2},
    "qwen2": {"num_key_value_heads": 2, **WINDOW},
    "qwen3": {"num_key_value_heads": 2, "head_dim": 8, **WINDOW},
    "electra": {"embedding_size": 16},
    "xlm-roberta": {"pad_token_id": 1},
}
FIRST = {made_kind: made_kind for made_kind in made.KINDS} | {"ettin_decoder": "modernbert-decoder"}


def test_every_known_type_is_tried():
    tried = {*OTHERS, *FIRST.values()} - {"distilgpt2", "bert_cased"}
    assert tried == {kind for kinds in released.FAMILIES.values() for kind in kinds}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_known_types_too(kind, tmp_path):
    config = AutoConfig.for_model(kind, **(SMALL | {"pad_token_id": 0} | OTHERS[kind]))
    torch.manual_seed(0)
    model = AutoModel.from_config(config)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    model.save_pretrained(tmp_path)
    assert worst(tmp_path) < TOLERANCE
    auto = AutoModelForCausalLM if released.family(kind) == "gpt" else AutoModelForMaskedLM
    language = auto.from_config(config)
    language.save_pretrained(tmp_path)
    assert head_apart(tmp_path) < TOLERANCE


@torch.no_grad()
def head_apart(folder):
    family = backbone(folder)
    auto = AutoModelForCausalLM if family.objective == "clm" else AutoModelForMaskedLM
    plain = auto.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    model = bodies.load_language_model(family.objective, folder, 0.0, 0.0).eval()
    ids, real = padded(rows(), "left", 3)
    hidden = bodies.forward(bodies.body_of(model), ids, real, family.allowed(real))
    logits = bodies.vocabulary_logits(model, hidden.last_hidden_state)
    return max(
        (logits[row][real[row]] - plain(text[None]).logits[0]).abs().max().item()
        for row, text in enumerate(rows())
    )


@pytest.mark.parametrize("kind", made.KINDS)
def test_the_head_gives_the_whole_models_logits(kind, folders):
    assert head_apart(folders[kind]) < TOLERANCE


@pytest.mark.parametrize("kind", made.KINDS)
def test_what_is_remembered_is_what_would_be_read_again(kind, folders):
    model, family = bodies.load_body(folders[kind], 0.0, 0.0).eval(), backbone(folders[kind])
    ids, real = padded(rows(), "left", 3)
    causal = torch.ones(ids.shape[1], ids.shape[1]).tril().bool() & real[:, None, :]
    memory, cut = Memory(ids.shape[1]), 14
    with torch.no_grad():
        whole = bodies.forward(model, ids, real, causal).last_hidden_state
        bodies.forward(model, ids[:, :cut], real[:, :cut], causal[:, :cut, :cut], memory=memory)
        memory.keep(cut)
        rest = bodies.forward(model, ids[:, cut:], real, causal[:, cut:], memory=memory)
    assert (rest.last_hidden_state - whole[:, cut:]).abs()[real[:, cut:]].max() < TOLERANCE
    assert family.name == kind


# --- words to ids ---------------------------------------------------------------------------------


def reader(folder):
    tokenizer = pretrain.load_tokenizer(folder)
    special = pretrain.specials(tokenizer)
    return tokenizer, special, backbone(folder).frame(special)


def encoded(folder, one, other=None):
    tokenizer, _, frame = reader(folder)
    seconds = None if other is None else [other]
    return encoding.encode([one], tokenizer, frame, Room(UNBOUNDED), seconds)


@pytest.mark.parametrize("kind", made.ENCODERS)
def test_an_encoder_frames_texts_as_its_tokenizer_does(kind, folders):
    one, other = ["The", "fox", "paid"], ["in", "Paris"]
    theirs = AutoTokenizer.from_pretrained(folders[kind])
    if kind in ("roberta", "modernbert"):
        theirs.backend_tokenizer.pre_tokenizer.add_prefix_space = True
    both = theirs(" ".join(one), " ".join(other))["input_ids"]
    assert encoded(folders[kind], one, other).ids.tolist() == both
    assert encoded(folders[kind], one).ids.tolist() == theirs(" ".join(one))["input_ids"]


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        ("gpt2", ("<|endoftext|>", "<|endoftext|>", "<|endoftext|>")),
        ("llama", ("<s>", "</s>", "</s>")),
        ("ettin_decoder", ("[CLS]", "[SEP]", "[SEP]")),
    ],
)
def test_a_decoder_starts_as_its_tokenizer_does_and_ends_every_text(kind, frame, folders):
    tokenizer, special, found = reader(folders[kind])
    assert [tokenizer.convert_ids_to_tokens(ids) for ids in found] == [[token] for token in frame]
    assert found.after == [special.eos]


@pytest.mark.parametrize("kind", made.KINDS)
def test_words_keep_their_blanks_and_come_back(kind, folders):
    words = made.TEXTS[0].split()
    tokenizer, _, _ = reader(folders[kind])
    found = encoded(folders[kind], words)
    running = tokenizer(" " * (kind in ("gpt2", "roberta")) + " ".join(words))["input_ids"]
    inner = [i for i in found.ids.tolist() if i not in tokenizer.all_special_ids]
    assert inner == [i for i in running if i not in tokenizer.all_special_ids]
    text = tokenizer.decode(found.ids.tolist(), skip_special_tokens=True)
    assert text.split()[:4] == [
        w.lower() if kind in ("bert", "distilbert") else w for w in words[:4]
    ]


@pytest.mark.parametrize("kind", made.KINDS)
def test_strange_words_are_read(kind, folders):
    words = ["The", "x" * 500, "\u00ad", "\u4f60\u597d\U0001f98a", "fox"]
    _, special, _ = reader(folders[kind])
    found = encoded(folders[kind], words)
    assert len(found.first) == len(words)
    assert all(found.last >= found.first)
    assert found.ids.max() < special.vocabulary
    assert found.ids.min() >= 0


def test_special_tokens_need_not_come_first(folders):
    _, special, _ = reader(folders["gpt2"])
    assert (special.pad, special.eos, special.count) == (420, 420, 0)
    _, special, _ = reader(folders["bert"])
    assert special.count == 5


def test_a_space_goes_before_words_that_a_pattern_splits_first(fresh):
    folder = fresh("modernbert")
    state = json.loads((folder / "tokenizer.json").read_text())
    pattern = {"type": "Split", "pattern": {"Regex": r" ?\p{L}+| ?[^\s\p{L}]+"}}
    state["pre_tokenizer"] = {
        "type": "Sequence",
        "pretokenizers": [
            {**pattern, "behavior": "Isolated", "invert": False},
            {**state["pre_tokenizer"], "use_regex": False},
        ],
    }
    (folder / "tokenizer.json").write_text(json.dumps(state))
    tokenizer, _, _ = reader(folder)
    pieces = tokenizer(["Paris", "didn't"], is_split_into_words=True, add_special_tokens=False)
    whole = "".join(tokenizer.convert_ids_to_tokens(pieces["input_ids"]))
    assert whole == "\u0120Paris\u0120didn't"


def test_a_tokenizer_with_no_end_is_refused(fresh):
    folder = fresh("modernbert")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["sep_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(InputError, match="no eos_token and no sep_token"):
        reader(folder)


# --- as others leave a folder ---------------------------------------------------------------------


def answer(folder):
    """Ids of a text, and what the body makes of them."""
    found = encoded(folder, made.TEXTS[1].split(), ["Paris", "won't"])
    ids = torch.from_numpy(found.ids.astype(np.int64))[None]
    real = torch.ones_like(ids, dtype=torch.bool)
    model = bodies.load_body(folder, 0.0, 0.0).eval()
    with torch.no_grad():
        hidden = bodies.forward(model, ids, real, backbone(folder).allowed(real))
    return ids, hidden.last_hidden_state


OLD = [made.as_transformers_4, made.as_transformers_5, made.sharded]


@pytest.mark.parametrize("kind", made.KINDS)
@pytest.mark.parametrize("change", OLD, ids=lambda c: c.__name__)
def test_a_folder_reads_the_same_however_it_was_saved(kind, change, folders, fresh):
    folder = change(fresh(kind))
    assets._checkpoint(folder, released.model_type(folder))
    for mine, theirs in zip(answer(folder), answer(folders[kind]), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("kind", ["gpt2", "distilgpt2", "bert", "bert_cased", "roberta"])
def test_vocabulary_files_alone_will_do(kind, folders, fresh):
    folder = made.without_tokenizer_json(fresh(kind))
    assert answer(folder)[0].tolist() == answer(folders[kind])[0].tolist()
    before, _ = assets._digests(folder)
    with next(folder.glob("vocab.*")).open("a") as stream:
        stream.write("\n")
    assert assets._digests(folder)[0] != before


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_read_as_float32(dtype, fresh):
    model = bodies.load_body(made.in_half(fresh("roberta"), dtype), 0.0, 0.0)
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_the_names_of_the_first_bert_are_known(folders, fresh):
    folder = fresh("bert")
    tensors = load_file(folder / "model.safetensors")
    old = {
        n.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): t
        for n, t in tensors.items()
    }
    assert old.keys() != tensors.keys()
    save_file(old, folder / "model.safetensors", metadata={"format": "pt"})
    assert torch.equal(answer(folder)[1], answer(folders["bert"])[1])
    assert head_apart(folder) < TOLERANCE


def test_a_table_kept_under_the_heads_name_is_found(folders, fresh):
    folder = fresh("modernbert")
    tensors = load_file(folder / "model.safetensors")
    tensors["decoder.weight"] = tensors.pop("model.embeddings.tok_embeddings.weight")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert torch.equal(answer(folder)[1], answer(folders["modernbert"])[1])


def test_damaged_weights_are_named_and_what_is_wrong(fresh):
    folder = fresh("bert")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"weights cannot be read .*they are damaged"):
        bodies.load_body(folder, 0.0, 0.0)
    folder = fresh("gpt2")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"n_inner": 8}))
    with pytest.raises(InputError, match=r"weights cannot be read .*config\.json describes"):
        bodies.load_body(folder, 0.0, 0.0)


def test_a_body_without_its_head_reads_but_does_not_write(fresh):
    folder = made.without_head(fresh("bert"))
    bodies.load_body(folder, 0.0, 0.0)
    with pytest.raises(InputError, match=r"lacks 6 tensors .*cls\.predictions"):
        bodies.load_language_model("mlm", folder, 0.0, 0.0)
    folder = made.without_head(fresh("gpt2"))  # as on the hub: its head is its table
    assert head_apart(folder) < TOLERANCE
