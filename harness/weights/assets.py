"""What a model starts from: a tokenizer, and weights or none. Made once, found by content.

An asset is a folder in the hub's standard format (config.json, model.safetensors, tokenizer
files) plus `asset.json` with its digests. Three kinds: "embedded" (pretrained here on the
embedded corpus), "scratch" (a tokenizer alone; the body starts from random numbers) and a folder
that the user names.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness import record
from harness.contracts import InputError, Splits
from harness.examples import data
from harness.weights import released

VERSION = 2  # raise when the same recipe comes to mean another asset
FACTS = "asset.json"
PRETRAINING = "pretraining.json"  # beside weights that harness.pretrain made
ARCHITECTURE = "architecture"  # weights drawn at random, to be measured and never trained
TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt",
)  # fmt: skip
SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[EOS]")


@dataclass(frozen=True)
class Asset:
    """A finished asset. `pretraining` tells how the weights came about, None for scratch."""

    folder: str
    tokenizer_digest: str
    weights_digest: str
    pretraining: Mapping[str, Any] | None


def drawn(architecture: Mapping[str, Any], vocabulary: int) -> Asset:
    """What stands for an architecture without weights; there is no folder."""
    return Asset("", "none", record.digest([ARCHITECTURE, dict(architecture), vocabulary]), None)


@dataclass(frozen=True)
class Recipe:
    """All that determines an asset; its digest is the folder's name."""

    name: str
    kind: str  # "embedded", "scratch", "folder"
    objective: str
    architecture: Mapping[str, Any]
    mask_share: float | None
    vocabulary: Sequence[str] | None  # closed list of pieces, or None: train on `texts`
    vocabulary_size: int
    texts_digest: str  # what the tokenizer is trained on where there is no closed list
    pretraining: Mapping[str, Any] | None
    corpus_digest: str | None
    whole_words: bool = False  # split at blanks only, so that a text can be put together again
    path: str | None = None

    @property
    def key(self) -> str:
        """Short digest of the recipe."""
        return record.digest([VERSION, asdict(self)])[:16]

    def folder(self, cache: Path) -> Path:
        """Where the finished asset lies."""
        if self.path is not None:
            return Path(self.path)
        return cache / "models" / f"{self.name}-{self.kind}-{self.key}"


def recipe(
    backbone: Any,
    splits: Splits,
    pretraining: Mapping[str, Any],
    corpus: Callable[[], Sequence[Sequence[str]]],
    writes: bool = False,
) -> Recipe:
    """What `backbone` has to start from, given the data it will read.

    Raises InputError where the embedded weights meet words they were never taught, and for a
    folder that is no checkpoint, or one of another type.
    """
    embedded = backbone.weights == "embedded"
    if embedded and splits.vocabulary is None:
        raise InputError(
            f"the embedded {backbone.name} knows only the embedded world's words, "
            f"not those of data={splits.name}; add model.weights=scratch, or "
            "choose model=checkpoint model.path=/path/to/a/checkpoint"
        )
    path = None
    if backbone.weights not in ("embedded", "scratch"):
        path = str(_checkpoint(Path(backbone.weights), backbone.architecture["model_type"]))
    closed = splits.vocabulary is not None
    return Recipe(
        name=backbone.name if embedded or path else "tokenizer",
        kind="folder" if path else backbone.weights,
        objective=backbone.objective if embedded else "-",
        architecture=dict(backbone.architecture) if embedded else {},
        mask_share=getattr(backbone, "mask_share", None) if embedded else None,
        vocabulary=splits.vocabulary,
        vocabulary_size=0 if closed else backbone.vocabulary,
        texts_digest="" if closed else data.digest(splits.train),
        pretraining=dict(pretraining) if embedded else None,
        corpus_digest=record.digest([list(s) for s in corpus()]) if embedded else None,
        whole_words=writes and not closed,
        path=path,
    )


def ready(made: Recipe, cache: Path) -> Asset | None:
    """The finished asset, or None where it has yet to be made."""
    folder = made.folder(cache)
    if made.path is not None:
        return Asset(str(folder), *_digests(folder), pretraining_of(folder))
    if not (folder / FACTS).is_file():
        return None
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    if (facts["tokenizer_digest"], facts["weights_digest"]) != _digests(folder):
        shutil.rmtree(folder)  # damaged since: make it again
        return None
    return Asset(str(folder), **facts)


def pretraining_of(folder: Path) -> Mapping[str, Any] | None:
    """How the weights in a folder came about: what `harness.pretrain` says, or the hub's commit.

    None where nothing is known of them. Raises InputError where pretraining.json is damaged, or
    speaks of other weights.
    """
    path = folder / PRETRAINING
    if not path.is_file():
        return released.facts(folder)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        facts, weights = dict(told["facts"]), told["weights_sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: not what harness.pretrain writes ({error!r}); delete the file"
        ) from None
    if weights != record.weights_digest(folder):
        raise InputError(
            f"{path}: of other weights than model.safetensors beside it; delete the file, or put "
            "the weights back"
        )
    return facts


def make(
    made: Recipe,
    cache: Path,
    texts: Sequence[Sequence[str]],
    build: Callable[[Path], Mapping[str, Any] | None],
) -> Asset:
    """Make an asset unless it is there; parallel callers wait for the first.

    `build` gets a folder with the tokenizer in it and adds weights; it returns what is to be
    remembered of the pretraining, or None where it adds none.
    """
    folder = made.folder(cache)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        finished = ready(made, cache)
        if finished is not None:
            return finished
        beside = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        # What a killed run left behind; nobody else is at work while we hold the lock.
        for litter in folder.parent.glob(f".{folder.name}.*.tmp"):
            shutil.rmtree(litter, ignore_errors=True)
        try:
            save_tokenizer(beside, made.vocabulary, texts, made.vocabulary_size, made.whole_words)
            history = build(beside)
            tokenizer, weights = _digests(beside)
            facts = {
                "tokenizer_digest": tokenizer,
                "weights_digest": weights,
                "pretraining": history,
            }
            record.write_text(beside / FACTS, json.dumps(facts, indent=1) + "\n")
            beside.rename(folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        return Asset(str(folder), **facts)  # type: ignore[arg-type]


LONGEST_WORD = 1000
"""Characters of a word that a tokenizer is trained on: the trainer's time grows with their square,
and WordPiece reads a longer piece than 100 as unknown anyway."""


def save_tokenizer(
    folder: Path,
    vocabulary: Sequence[str] | None,
    texts: Sequence[Sequence[str]],
    size: int,
    whole_words: bool = False,
) -> None:
    """Save a WordPiece tokenizer: over a closed vocabulary, or trained on `texts`.

    With `whole_words` only blanks separate words, so that decoding gives the text back;
    otherwise punctuation stands alone, as BERT has it.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    if vocabulary is not None:
        ids = {piece: index for index, piece in enumerate(vocabulary)}
        backend = Tokenizer(models.WordPiece(ids, unk_token="[UNK]"))
        backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    else:
        backend = _trained(texts, size, whole_words)
    backend.decoder = decoders.WordPiece(cleanup=False)
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token", "eos_token")
    PreTrainedTokenizerFast(
        tokenizer_object=backend, **dict(zip(names, SPECIALS, strict=True))
    ).save_pretrained(folder)


def _trained(texts: Sequence[Sequence[str]], size: int, whole_words: bool) -> Any:
    """A WordPiece tokenizer trained on texts, the same one every time.

    Left alone, the trainer numbers the pieces `##c` in the order of a hash map, and breaks ties
    between merges by those numbers. Naming them first, in order, settles both.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    kinds = {True: pre_tokenizers.WhitespaceSplit, False: pre_tokenizers.BertPreTokenizer}
    normalizer, splitter = normalizers.NFC(), kinds[whole_words]()
    readable = ([word for word in text if len(word) <= LONGEST_WORD] for text in texts)
    lines = [normalizer.normalize_str(" ".join(words)) for words in readable]
    inside = {
        character
        for line in lines
        for word, _ in splitter.pre_tokenize_str(line)
        for character in word[1:]
    }
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer, backend.pre_tokenizer = normalizer, splitter
    trainer = trainers.WordPieceTrainer(
        vocab_size=size,
        special_tokens=[*SPECIALS, *(f"##{character}" for character in sorted(inside))],
        show_progress=False,
    )
    backend.train_from_iterator(lines, trainer)
    # A fresh model over the same pieces: only the true special tokens stay special.
    plain = Tokenizer(models.WordPiece(backend.get_vocab(), unk_token="[UNK]"))
    plain.normalizer, plain.pre_tokenizer = normalizer, splitter
    return plain


def _checkpoint(folder: Path, model_type: str) -> Path:
    lacking = "config.json" if not (folder / "config.json").is_file() else ""
    lacking = lacking or released.lacking(folder)
    if not (lacking or released.has_tokenizer(folder)):
        lacking = "tokenizer.json"
    if lacking:
        raise InputError(_incomplete(folder, lacking))
    found = released.model_type(folder)
    if found != model_type:
        raise InputError(
            f"{folder}/config.json: model_type {found!r}, but this model is a {model_type!r}; "
            "choose the model=... of that family, or another folder"
        )
    return folder.resolve()


def _incomplete(folder: Path, name: str) -> str:
    """What is wrong with a folder that lacks a file, and what to do."""
    pickled = sorted(f.name for f in folder.glob("*.bin")) if folder.is_dir() else []
    if name == released.WEIGHTS[0] and pickled:
        return (
            f"{folder}: only {pickled[0]}, no {name}; pickled weights can run code, so they are "
            "not read: load them where you trust them and save_pretrained() writes safetensors"
        )
    known = released.origin(folder)
    if known is not None and name == released.WEIGHTS[0]:
        return (
            f"{known[0]} at {known[1]} has no {name}; choose a commit that has it with "
            "model.revision=... (for many models refs/pr/... on the hub), or convert it and give "
            "the folder with model.path=..."
        )
    return (
        f"model.weights={folder}: no {name} there; expected 'embedded', 'scratch' or a "
        "checkpoint folder with config.json, model.safetensors and tokenizer.json (those of the "
        "small_ and medium_ models are made by `python -m harness.pretrain text=FOLDER`)"
    )


def _digests(folder: Path) -> tuple[str, str]:
    """SHA-256 of the tokenizer's files and of the model's; "scratch" where there is no model."""
    tokenizer = _files_digest(folder, TOKENIZER)
    if released.lacking(folder):
        return tokenizer, "scratch"
    return tokenizer, _files_digest(folder, (*released.shards(folder), "config.json"))


def _files_digest(folder: Path, names: Sequence[str]) -> str:
    whole = hashlib.sha256()
    for name in names:
        if (folder / name).is_file():
            with (folder / name).open("rb") as stream:
                whole.update(hashlib.file_digest(stream, "sha256").digest())
    return whole.hexdigest()
