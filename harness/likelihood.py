"""Command: bits per byte of a text under a causal language model.

    python -m harness.likelihood CHECKPOINT FILE [--max-length N]

CHECKPOINT is a local folder in the hub's format. FILE is plain text, read as one document, or
`.jsonl` with one {"text": ...} a line. One JSON line is printed. Bits are counted
per byte of the text itself, so models with different tokenizers may be compared by them.

Long documents are read in windows by the convention of lm-evaluation-harness
(`loglikelihood_rolling`): the first starts with the end-of-text token, each asks for as many new
tokens as the model reads, and a last one that is shorter is filled up with what stands before
it. The text is tokenised as the checkpoint's tokenizer does it, without special tokens.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

from harness.backbones import body as bodies
from harness.backbones import masks
from harness.contracts import InputError
from harness.corpora import rolling
from harness.corpora.rolling import Reader


def documents(path: Path) -> list[str]:
    """The texts of a file, byte for byte. Raises InputError for one that cannot be read whole."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; expected a text file or .jsonl") from None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: not UTF-8 ({error.reason}); convert the file") from None
    if path.suffix == ".jsonl":
        lines = enumerate(text.split("\n"), 1)
        found = [_document(line, f"{path}:{number}") for number, line in lines if line.strip()]
    else:
        found = [text] if text else []
    if not found:
        raise InputError(f"{path}: no text in it; expected at least one document")
    return found


def _document(line: str, place: str) -> str:
    expected = 'expected {"text": "..."} on a line of its own'
    try:
        value = json.loads(line)
    except ValueError as error:
        raise InputError(f"{place}: not JSON ({error}); {expected}") from None
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise InputError(f'{place}: no "text" there; {expected}')
    if not text:
        raise InputError(f"{place}: the text is empty; leave the line out")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(
            f"{place}: half of a surrogate pair, which is no text; {expected}"
        ) from None
    return text


def load(folder: Path, max_length: int | None) -> Reader:
    """A checkpoint, ready to read. Raises InputError for one that bits per byte do not fit."""
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{folder}: no config.json there; expected a local checkpoint folder with config.json, "
            "model.safetensors and the tokenizer's files"
        )
    try:
        config: Any = AutoConfig.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        _refuse_masked(folder, config)
        tokenizer: Any = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        model = _model(folder, config)
    except (OSError, ValueError, SafetensorError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{folder}: cannot be loaded ({told})") from None
    start = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    if start is None:
        raise InputError(f"{folder}: the tokenizer names no token to start from (bos_token)")
    return Reader(model, tokenizer, start, _longest(folder, model, max_length))


def _refuse_masked(folder: Path, config: Any) -> None:
    if config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        raise InputError(
            f"{folder}: a {config.model_type}; bits per byte are defined under a causal mask only; "
            "a masked model has a pseudo-perplexity, another quantity"
        )


def _model(folder: Path, config: Any) -> nn.Module:
    """The model, which has read two tokens under the mask: some take none but their own."""
    ids = torch.zeros(1, 2, dtype=torch.long)
    real = torch.ones_like(ids, dtype=torch.bool)
    try:
        model = bodies.load_language_model("clm", folder, 0.0, 0.0).eval()
        with torch.inference_mode():
            bodies.forward(model, ids, real, masks.causal(real))
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        told = textwrap.shorten(f"{type(error).__name__}: {error}", 200)
        raise InputError(
            f"{folder}: a {config.model_type} cannot be read under an explicit mask ({told})"
        ) from None
    return model


def _longest(folder: Path, model: Any, asked: int | None) -> int:
    """Tokens per window: what was asked for, or all that the model can read."""
    room, config = bodies.positions(model), model.config
    longest = asked or room
    if longest is None:
        raise InputError(f"{folder}/config.json sets no limit of length; choose --max-length N")
    if room is not None and longest > room:
        raise InputError(f"--max-length {longest}: this model reads {room} tokens at most")
    sight = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None)
    if sight is not None and (kinds is None or "sliding_attention" in kinds) and longest > sight:
        raise InputError(
            f"{folder}: some layers see {sight} tokens at a time, and a plain causal mask would "
            f"show them more; choose --max-length {sight} or less"
        )
    return int(longest)


def main(arguments: Sequence[str] | None = None) -> int:
    """Load, read, print; returns the exit code."""
    given = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    try:
        texts = documents(given.file)
        found = rolling.measure(load(given.checkpoint, given.max_length), texts)
    except InputError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return 130
    if found.unknown:
        sys.stderr.write(
            f"warning: {found.unknown} of {found.tokens} tokens are the unknown token; what they "
            "stand for was not predicted, so these bits per byte are too few\n"
        )
    sys.stdout.write(json.dumps(found.told()) + "\n")
    return 0


def _length(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m harness.likelihood",
        description=(__doc__ or "").removeprefix("Command: ").replace("bits", "Bits", 1),
        epilog="exit codes: 0 measured, 2 a mistake in the command or the files",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", type=Path, help="folder of a causal language model")
    parser.add_argument("file", type=Path, help="plain text, or .jsonl")
    parser.add_argument(
        "--max-length",
        type=_length,
        metavar="N",
        help="tokens that the model is given at once (default: all that it can read)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
