"""Text as blocks of token ids of one length, on disk, once for both models of a pair.

Documents follow one another with a separator between them and are cut into blocks; each model
puts its own special tokens around a block and in place of a separator, so that both read the same
text at the same places. A folder of blocks appears whole:

    tokenizer/      in the hub's format
    train.npy       int32 [blocks, tokens], SEPARATOR between documents
    held_out.npy    the same; absent where nothing is held out
    text.json       what was read, made and dropped, with digests
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import record
from harness.contracts import InputError
from harness.corpora.corpus import Corpus
from harness.weights import assets

SEPARATOR = -1
FACTS, TOKENIZER = "text.json", "tokenizer"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
_CHARACTERS = 1_000_000  # a call to the tokenizer
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Cut:
    """How text becomes blocks.

    `tokens` are those of text in a block, without what a model adds. Characters that are not among
    the `alphabet` commonest ones of the training part are no pieces: words with them are unknown.
    `whole_words` splits at blanks only, so that a written text can be put together again.
    """

    tokens: int
    vocabulary: int
    alphabet: int
    whole_words: bool


@dataclass(frozen=True)
class Blocks:
    """A finished folder. Arrays are memory-mapped int32 [blocks, tokens]."""

    folder: Path
    train: NDArray[np.int32]
    held_out: NDArray[np.int32]  # no rows where nothing is held out
    facts: Mapping[str, Any]


def make(folder: Path, corpus: Corpus, cut: Cut, progress: Progress) -> None:
    """Train the tokenizer, cut, and put all of it into a new folder.

    Raises InputError where the text is too short for one block.
    """
    beside = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(beside, ignore_errors=True)  # what a killed command left
    beside.mkdir(parents=True)
    known, rare = _known(corpus.train, cut.alphabet)
    assets.save_tokenizer(
        beside / TOKENIZER, None, [[text] for text in known], cut.vocabulary, cut.whole_words
    )
    progress(0.5)
    encode, unknown = _encoder(beside / TOKENIZER)
    facts: dict[str, Any] = {**corpus.facts, "rare_characters": rare}
    parts = {"train": corpus.train, "held_out": corpus.held_out}
    for name, texts in parts.items():
        stream = _stream(texts, encode)
        facts[f"{name}_blocks"] = _cut(beside, name, stream, cut, unknown, corpus.facts)
        progress(0.95 if name == "train" else 1.0)
    facts["tokenizer_sha256"] = record.digest(
        [_sha256(beside / TOKENIZER / name) for name in TOKENIZER_FILES]
    )
    record.write_text(beside / FACTS, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    beside.rename(folder)


def load(folder: Path) -> Blocks:
    """Open a folder that `make` finished. Raises InputError for a damaged one."""
    facts = told(folder)
    train = _opened(folder / "train.npy", facts["train_blocks"])
    held_out = np.zeros((0, train.shape[1]), np.int32)
    if facts["held_out_blocks"]["blocks"]:
        held_out = _opened(folder / "held_out.npy", facts["held_out_blocks"])
    return Blocks(folder, train, held_out, facts)


def _opened(path: Path, facts: Mapping[str, Any]) -> NDArray[np.int32]:
    try:
        if _sha256(path) != facts["sha256"]:
            raise InputError(f"{path}: not as it was written; {_AGAIN}")
        found: NDArray[np.int32] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}; {_AGAIN}") from None
    return found


def told(folder: Path) -> dict[str, Any]:
    """What text.json says. Raises InputError where it cannot be read."""
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        return facts
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}/{FACTS}: {error}; {_AGAIN}") from None


_AGAIN = "delete the folder and the checkpoints beside it, and begin again"


def _known(texts: Sequence[str], alphabet: int) -> tuple[Sequence[str], int]:
    """The texts without their rare characters, and how many kinds of these there are.

    The tokenizer's trainer makes a piece of every character; some corpora have thousands.
    """
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(text)
    del seen[" "]
    common = sorted(seen, key=lambda character: (-seen[character], character))[:alphabet]
    rare = seen.keys() - set(common)
    if not rare:
        return texts, 0
    out = {ord(character): " " for character in rare}
    return [text.translate(out) for text in texts], len(rare)


def _encoder(folder: Path) -> tuple[Callable[[Sequence[str]], Iterator[list[int]]], int]:
    """A function from texts to ids, and the id of what is unknown.

    The names of special tokens are plain text where they stand in a text.
    """
    from tokenizers import Tokenizer

    backend: Any = Tokenizer.from_file(str(folder / TOKENIZER_FILES[0]))
    backend.encode_special_tokens = True

    def encode(texts: Sequence[str]) -> Iterator[list[int]]:
        for one in backend.encode_batch_fast(list(texts), add_special_tokens=False):
            yield one.ids

    return encode, int(backend.token_to_id(assets.SPECIALS[1]))


def _stream(
    texts: Sequence[str], encode: Callable[[Sequence[str]], Iterator[list[int]]]
) -> NDArray[np.int32]:
    """All texts behind one another, a separator between two: int32 [tokens]."""
    parts: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
    for chunk in _chunks(texts):
        flat: list[int] = []
        for ids in encode(chunk):
            flat += ids
            flat.append(SEPARATOR)
        parts.append(np.asarray(flat, np.int32))
    return np.concatenate(parts)[:-1]


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= _CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _cut(
    folder: Path,
    name: str,
    stream: NDArray[np.int32],
    cut: Cut,
    unknown: int,
    corpus: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the blocks of one part, and count them; the tokens of a last, short one are dropped."""
    blocks = len(stream) // cut.tokens
    if not blocks and (name == "train" or len(stream)):
        more = "add text" if name == "train" else "raise hold_out, or set hold_out=0"
        raise InputError(
            f"text={corpus['name']}: {name.replace('_', '-')} text of {len(stream)} tokens, too "
            f"short for one block of {cut.tokens}; {more}, or lower length"
        )
    kept = stream[: blocks * cut.tokens].reshape(blocks, cut.tokens)
    facts: dict[str, Any] = {
        "blocks": blocks,
        "tokens": int((kept != SEPARATOR).sum()),
        "separators": int((kept == SEPARATOR).sum()),
        "unknown": int((kept == unknown).sum()),
        "dropped": len(stream) - kept.size,
    }
    if blocks:
        np.save(folder / f"{name}.npy", kept, allow_pickle=False)
        facts["sha256"] = _sha256(folder / f"{name}.npy")
    return facts


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
