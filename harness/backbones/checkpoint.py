"""A model from a checkpoint folder: its family is found from the folder's own config.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import AutoConfig

from harness.backbones.bert import Bert
from harness.backbones.gpt import Gpt
from harness.contracts import InputError
from harness.weights import released

AUTO = "auto"  # the model_type of a configuration that takes any
_OF_TOKENIZER = (
    "vocab_size", "pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id",
)  # fmt: skip


def load(
    name: str | None,
    pair: str,
    match: str,
    level: str,
    path: str,
    weights: str,
    revision: str | None,
    architecture: Mapping[str, Any],
) -> Gpt | Bert:
    """The family's habits for the checkpoint at `path`; its tensors are loaded elsewhere.

    `weights` is what records call it, always `path`; `architecture` holds the model_type that is
    expected, "auto" for any known one. Raises InputError.
    """
    if weights != path:
        raise InputError(f"model.weights={weights}: a checkpoint is named by model.path=...")
    if path in ("embedded", "scratch", "architecture"):
        raise InputError(f"model.path={path}: a word with a meaning; write ./{path} for a folder")
    folder = released.located(path, revision)
    kind = released.model_type(folder)
    expected = architecture["model_type"]
    if expected not in (AUTO, kind):
        raise InputError(
            f"{folder}/config.json: model_type {kind!r}, but this model is a {expected!r}; "
            "choose model=checkpoint, which takes any, or another folder"
        )
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise InputError(f"{folder}/config.json: cannot be read: {error}") from None
    made = Gpt if released.family(kind) == "gpt" else Bert
    return made(
        name=name or released.named(path),
        pair=pair,
        match=match,
        level=level,
        weights=str(folder),
        architecture=_shape(config),
        vocabulary=int(config.vocab_size),
    )


def _shape(config: Any) -> dict[str, Any]:
    """Arguments that build the same network, without what its tokenizer decides."""
    told = {k: v for k, v in config.to_dict().items() if k not in _OF_TOKENIZER}
    return {"model_type": config.model_type, **told}
