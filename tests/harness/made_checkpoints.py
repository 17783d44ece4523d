"""Tiny checkpoints in the hub's format, as the released ones are laid out. Nothing is downloaded.

    make(kind, folder)         config.json, model.safetensors, tokenizer files; returns the folder
    KINDS, DECODERS, ENCODERS  what `make` knows
    TEXTS                      what the tokenizers are trained on

and the same folder as others leave it (each changes it in place and returns it):

    as_transformers_4(folder)  classes and dtype under the names of version 4
    as_transformers_5(folder)  the same under those of version 5 ("TokenizersBackend")
    without_tokenizer_json(folder)   vocab.txt, or vocab.json and merges.txt, alone
    in_half(folder, dtype)     weights in "bfloat16" or "float16"
    sharded(folder)            several safetensors files and their index
    without_head(folder)       the body's tensors alone

Weights are random, drawn from a seed: good for shapes and equalities, never for a score.
Every kind has the special tokens, templates and language-model head of its model on the hub.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer, WordPieceTrainer
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

TEXTS = [
    "The quick brown fox jumps over the lazy dog near the old stone bridge in Paris .",
    "Anna Smith from Berlin paid 300 dollars for a new bicycle , didn't she ?",
    "A film that is warm , funny and surprisingly wise about growing old .",
    "the service was slow and the food was cold ; we will not come back",
    "Near the river there is a cheap coffee shop called The Golden Palace .",
    "How do I change the address of my card ? It was lost in New York yesterday .",
] * 4

DECODERS = ("gpt2", "distilgpt2", "llama", "ettin_decoder")
ENCODERS = ("bert", "bert_cased", "distilbert", "roberta", "modernbert")
KINDS = (*DECODERS, *ENCODERS)

_WIDTH = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
_END = "<|endoftext|>"
_BERT = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_ROBERTA = ("<s>", "<pad>", "</s>", "<unk>")  # and <mask>, which stands last
_MODERN = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")


def make(kind, folder, seed=0):
    """A folder of one of `KINDS`, with random weights drawn from `seed`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    backend, settings = _TOKENIZERS[kind]()
    backend.save(str(folder / "tokenizer.json"))
    _write(folder / "tokenizer_config.json", settings)
    ids = {token: backend.token_to_id(token) for token in backend.get_vocab()}
    config = AutoConfig.for_model(**_architecture(kind, ids), vocab_size=len(ids))
    auto = AutoModelForCausalLM if kind in DECODERS else AutoModelForMaskedLM
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = auto.from_config(config)
        for parameter in model.parameters():  # biases and norms too, so that each one counts
            parameter.data += 0.1 * torch.randn(parameter.shape)
        padding = getattr(config, "pad_token_id", None)
        if padding is not None:
            model.get_input_embeddings().weight.data[padding] = 0.0
    model.save_pretrained(folder)
    return folder


def _architecture(kind, ids):
    end = ids.get(_END)
    gpt2 = {"model_type": "gpt2", "n_inner": 64, "max_position_embeddings": 64}
    gpt2 |= {"bos_token_id": end, "eos_token_id": end, **_WIDTH}
    bert = {"model_type": "bert", "intermediate_size": 64, "max_position_embeddings": 64}
    bert |= {"pad_token_id": 0, **_WIDTH}
    distilbert = {"model_type": "distilbert", "dim": 32, "n_layers": 2, "n_heads": 4}
    distilbert |= {"hidden_dim": 64, "max_position_embeddings": 64, "pad_token_id": 0}
    roberta = {"model_type": "roberta", "intermediate_size": 64, "max_position_embeddings": 66}
    roberta |= {"type_vocab_size": 1, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    modern = {"intermediate_size": 48, "max_position_embeddings": 64, "local_attention": 8}
    modern |= {"num_hidden_layers": 4, "hidden_size": 32, "num_attention_heads": 4}
    for role, token in {"pad": 3, "bos": 1, "eos": 2, "cls": 1, "sep": 2}.items():
        modern[f"{role}_token_id"] = ids.get(_MODERN[token])
    llama = {"model_type": "llama", "intermediate_size": 48, "max_position_embeddings": 64}
    llama |= {"num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2, **_WIDTH}
    return {
        "gpt2": gpt2,
        "distilgpt2": {**gpt2, "num_hidden_layers": 1},
        "llama": {**llama, "tie_word_embeddings": False},
        "ettin_decoder": {"model_type": "modernbert-decoder", **modern},
        "bert": bert,
        "bert_cased": bert,
        "distilbert": distilbert,
        "roberta": {**roberta, **_WIDTH},
        "modernbert": {"model_type": "modernbert", **modern},
    }[kind]


def _byte_level(specials, size=420, first=True):
    """Byte-level BPE; `first` says whether the special tokens have the first ids or the last."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=size,
        special_tokens=list(specials) if first else [],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(TEXTS, trainer)
    if not first:
        _append(backend, specials)
    return backend


def _append(backend, specials):
    """Special tokens at the end of the vocabulary, and in the model's own list as on the hub."""
    state = json.loads(backend.to_str())
    for token in specials:
        state["model"]["vocab"].setdefault(token, len(state["model"]["vocab"]))
    changed = Tokenizer.from_str(json.dumps(state))
    changed.add_special_tokens(list(specials))
    backend.model = changed.model
    backend.add_special_tokens(list(specials))


def _gpt2():
    backend = _byte_level([_END], first=False)
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    return backend, {"model_max_length": 64}


def _roberta():
    backend = _byte_level(_ROBERTA)
    _append(backend, ["<mask>"])
    ids = {token: backend.token_to_id(token) for token in _ROBERTA}
    backend.post_processor = processors.RobertaProcessing(
        ("</s>", ids["</s>"]), ("<s>", ids["<s>"]), trim_offsets=True, add_prefix_space=False
    )
    return backend, {"model_max_length": 64}


def _modern():
    backend = _byte_level([], size=400)
    backend.normalizer = normalizers.NFC()
    _append(backend, [_END, *_MODERN])
    backend.post_processor = _template("[CLS]", "[SEP]", backend)
    names = ("unk_token", "cls_token", "sep_token", "pad_token", "mask_token")
    return backend, {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 64,
        **dict(zip(names, _MODERN, strict=True)),
    }


def _template(before, after, backend):
    named = [(token, backend.token_to_id(token)) for token in (before, after)]
    return processors.TemplateProcessing(
        single=f"{before} $A {after}",
        pair=f"{before} $A {after} $B:1 {after}:1",
        special_tokens=named,
    )


def _word_piece(lower):
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=lower)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    trainer = WordPieceTrainer(vocab_size=300, special_tokens=list(_BERT), show_progress=False)
    backend.train_from_iterator(TEXTS, trainer)
    state = json.loads(backend.to_str())
    plain = Tokenizer(models.WordPiece(state["model"]["vocab"], unk_token="[UNK]"))
    for part in ("normalizer", "pre_tokenizer", "decoder"):
        setattr(plain, part, getattr(backend, part))
    plain.add_special_tokens(list(_BERT))
    plain.post_processor = _template("[CLS]", "[SEP]", plain)
    return plain, {"do_lower_case": lower, "model_max_length": 64}


def _llama():
    """As SentencePiece has it: a blank is part of the word after it, unknown letters are bytes."""
    specials = ["<unk>", "<s>", "</s>"]
    backend = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    trainer = BpeTrainer(
        vocab_size=560,
        special_tokens=[*specials, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    splitting = Tokenizer(models.BPE())
    splitting.pre_tokenizer = pre_tokenizers.Metaspace()
    splitting.train_from_iterator(TEXTS, trainer)
    state = json.loads(splitting.to_str())["model"]
    merges = [tuple(merge) for merge in state["merges"]]
    backend.model = models.BPE(
        state["vocab"], merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True
    )
    backend.add_special_tokens(specials)
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)]
    )
    names = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    more = {"add_bos_token": True, "add_eos_token": False, "legacy": False, "pad_token": None}
    return backend, {"tokenizer_class": "LlamaTokenizerFast", **names, **more}


_TOKENIZERS = {
    "gpt2": _gpt2,
    "distilgpt2": _gpt2,
    "llama": _llama,
    "ettin_decoder": _modern,
    "bert": lambda: _word_piece(True),
    "bert_cased": lambda: _word_piece(False),
    "distilbert": lambda: _word_piece(True),
    "roberta": _roberta,
    "modernbert": _modern,
}


# --- the same folder as others leave it -----------------------------------------------------------

_FAST = {
    "gpt2": "GPT2TokenizerFast",
    "bert": "BertTokenizerFast",
    "roberta": "RobertaTokenizerFast",
}
_FAST |= {"bert": "BertTokenizerFast", "distilbert": "DistilBertTokenizerFast"}
_FAST |= {"llama": "LlamaTokenizerFast"}


def as_transformers_4(folder):
    """`torch_dtype`, and the tokenizer's class under its old name."""
    config = _read(folder / "config.json")
    config["torch_dtype"] = config.pop("dtype", "float32")
    config["transformers_version"] = "4.57.0"
    _write(folder / "config.json", config)
    settings = _read(folder / "tokenizer_config.json")
    settings["tokenizer_class"] = _FAST.get(config["model_type"], "PreTrainedTokenizerFast")
    _write(folder / "tokenizer_config.json", settings)
    return folder


def as_transformers_5(folder):
    """`dtype`, and the tokenizer named "TokenizersBackend": its tokenizer.json says it all."""
    settings = _read(folder / "tokenizer_config.json")
    settings |= {"tokenizer_class": "TokenizersBackend", "backend": "tokenizers"}
    kind = _read(folder / "config.json")["model_type"]
    if kind == "gpt2":
        settings |= {"bos_token": _END, "eos_token": _END, "unk_token": _END}
    if kind in ("bert", "distilbert"):
        settings |= {f"{token.strip('[]').lower()}_token": token for token in _BERT}
    if kind == "roberta":
        names = ("bos_token", "pad_token", "eos_token", "unk_token")
        settings |= dict(zip(names, _ROBERTA, strict=True))
        settings |= {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
    _write(folder / "tokenizer_config.json", settings)
    return folder


def without_tokenizer_json(folder):
    """The files that tokenizers had before tokenizer.json."""
    state = _read(folder / "tokenizer.json")
    vocabulary = dict(state["model"]["vocab"])
    for token in state["added_tokens"]:
        vocabulary.setdefault(token["content"], token["id"])
    if state["model"]["type"] == "WordPiece":
        ordered = sorted(vocabulary, key=vocabulary.get)
        (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in ordered), "utf-8")
    else:
        _write(folder / "vocab.json", vocabulary)
        merges = "".join(f"{' '.join(merge)}\n" for merge in state["model"]["merges"])
        (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}", "utf-8")
    (folder / "tokenizer.json").unlink()
    return folder


def in_half(folder, dtype="bfloat16"):
    """Floating-point weights in 16 bits."""
    return _saved(folder, lambda tensors: {n: t.to(_dtype(dtype)) for n, t in tensors.items()})


def without_head(folder):
    """The body's tensors under the names of the body alone."""
    prefixes = ("transformer.", "bert.", "distilbert.", "roberta.", "model.")

    def body(tensors):
        kept = {}
        for name, tensor in tensors.items():
            prefix = next((p for p in prefixes if name.startswith(p)), None)
            if prefix is not None:
                kept[name.removeprefix(prefix)] = tensor
        return kept

    return _saved(folder, body)


def sharded(folder):
    """Two files of tensors and the index that says which is where."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    where = {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        file = f"model-{number:05d}-of-00002.safetensors"
        save_file({n: tensors[n] for n in part}, folder / file, metadata={"format": "pt"})
        where |= dict.fromkeys(part, file)
    (folder / "model.safetensors").unlink()
    size = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": size}, "weight_map": where}
    _write(folder / "model.safetensors.index.json", index)
    return folder


def _dtype(name):
    return getattr(torch, name)


def _saved(folder, change):
    tensors = change(load_file(folder / "model.safetensors"))
    whole = {name: tensor.clone().contiguous() for name, tensor in tensors.items()}
    save_file(whole, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def _read(path):
    return json.loads(path.read_text("utf-8"))


def _write(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
