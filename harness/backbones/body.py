"""The network that both families share: `transformers` classes behind one small interface.

Nothing here knows a family. The attention mask is an explicit argument, so the same body can
be run under any mask; position ids are counted over real tokens, so padding may stand on
either side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM
from transformers import logging as transformers_logging

from harness.contracts import InputError

ATTENTION = "sdpa"
transformers_logging.disable_progress_bar()  # the sweep shows one of its own
_HIDDEN_DROPOUT = (
    "hidden_dropout_prob",
    "resid_pdrop",
    "embd_pdrop",
    "embedding_dropout",
    "mlp_dropout",
)
_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attn_pdrop", "attention_dropout")


@dataclass(frozen=True)
class Specials:
    """Ids of special tokens. Ordinary tokens are `count` <= id < `vocabulary`."""

    pad: int
    unk: int
    cls: int
    sep: int
    mask: int
    eos: int
    count: int
    vocabulary: int


class Lesson(NamedTuple):
    """One pretraining batch: inputs and real [batch, length], targets with -100 where unasked."""

    inputs: Tensor
    real: Tensor
    targets: Tensor


class Backbone(Protocol):
    """How a family reads. Implemented by `gpt.Gpt` and `bert.Bert`."""

    @property
    def name(self) -> str:
        """The model's name in configuration and reports."""

    @property
    def family(self) -> str:
        """Either "gpt" or "bert"."""

    @property
    def pair(self) -> str:
        """The pair this model belongs to."""

    @property
    def match(self) -> str:
        """How well the pair is matched, in words."""

    @property
    def weights(self) -> str:
        """One of "embedded", "scratch", or a folder in the hub's format."""

    @property
    def architecture(self) -> Mapping[str, Any]:
        """Arguments of the transformers config."""

    @property
    def label_piece(self) -> str:
        """Either "first" or "last": the piece of a word that carries the word's answer."""

    @property
    def pooling(self) -> str:
        """Either "cls" (first position) or "last" (last real one): carries an example's answer."""

    @property
    def mode(self) -> str:
        """What the family claims about its mask: "causal" or "bidirectional"."""

    @property
    def objective(self) -> str:
        """Either "clm" or "mlm"."""

    @property
    def vocabulary(self) -> int:
        """Pieces of a tokenizer trained on the spot, where the data brings none."""

    def frame(self, specials: Specials) -> tuple[list[int], list[int]]:
        """Ids before and after the text."""

    def allowed(self, real: Tensor) -> Tensor:
        """[batch, length] -> [batch, from, to], True where a position may look."""

    def lesson(self, ids: Tensor, real: Tensor, specials: Specials, rng: torch.Generator) -> Lesson:
        """A pretraining batch from whole texts."""


class Size(NamedTuple):
    """Parameters of a body. `embeddings` are token, position and segment tables."""

    total: int
    embeddings: int
    layers: int
    width: int


def configure(architecture: Mapping[str, Any], specials: Specials) -> Any:
    """The transformers config of an untrained body."""
    return AutoConfig.for_model(
        **architecture,
        vocab_size=specials.vocabulary,
        pad_token_id=specials.pad,
        bos_token_id=specials.eos,
        eos_token_id=specials.eos,
        cls_token_id=specials.cls,
        sep_token_id=specials.sep,
    )


def new_language_model(
    objective: str, architecture: Mapping[str, Any], specials: Specials, seed: int
) -> nn.Module:
    """An untrained body with its language-model head, drawn from `seed` alone."""
    config = configure(architecture, specials)
    prepare(config, 0.0, 0.0)
    auto = AutoModelForCausalLM if objective == "clm" else AutoModelForMaskedLM
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: nn.Module = auto.from_config(config, attn_implementation=ATTENTION)
    return model


def new_body(
    architecture: Mapping[str, Any], specials: Specials, seed: int, dropout: float, attention: float
) -> nn.Module:
    """An untrained body, drawn from `seed` alone."""
    config = configure(architecture, specials)
    prepare(config, dropout, attention)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = AutoModel.from_config(config, attn_implementation=ATTENTION)
    return without_pooler(body)


def load_body(folder: Path, dropout: float, attention: float) -> nn.Module:
    """A pretrained body from a folder in the hub's format (safetensors only)."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    prepare(config, dropout, attention)
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()  # the language-model head is left out on purpose
    try:
        body, report = AutoModel.from_pretrained(
            folder,
            output_loading_info=True,
            config=config,
            attn_implementation=ATTENTION,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
    finally:
        transformers_logging.set_verbosity(verbosity)
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise InputError(
            f"{folder}/model.safetensors lacks {len(missing)} tensors of this model "
            f"(the first: {missing[0]}); they would be random numbers, so it is refused"
        )
    return without_pooler(body)


def without_pooler(body: Any) -> nn.Module:
    """The body without BERT's pooling layer, which nothing here has trained."""
    if getattr(body, "pooler", None) is not None:
        body.pooler = None
    module: nn.Module = body
    return module


def prepare(config: Any, dropout: float, attention: float) -> None:
    """Set every dropout rate that this config knows, whatever it calls it; keep no cache."""
    config.use_cache = False
    for names, value in ((_HIDDEN_DROPOUT, dropout), (_ATTENTION_DROPOUT, attention)):
        for name in names:
            if hasattr(config, name):
                setattr(config, name, value)


def forward(model: nn.Module, ids: Tensor, real: Tensor, allowed: Tensor) -> Any:
    """Run a body or a language model under an explicit mask.

    ids, real: [batch, length]; allowed: [batch, from, to]. A padded position looks at itself,
    which no real position sees: softmax over nothing is not a number.
    """
    itself = torch.eye(ids.shape[1], dtype=torch.bool, device=ids.device)
    positions = (real.cumsum(1) - 1).clamp_min(0)
    return model(
        input_ids=ids,
        attention_mask=(allowed | itself)[:, None],
        position_ids=positions,
    )


def positions(body: nn.Module) -> int | None:
    """The longest text that a body can read, in tokens; None where it has no such limit."""
    limit = getattr(body.config, "max_position_embeddings", None)
    return None if limit is None else int(limit)


def size(body: nn.Module) -> Size:
    """Count parameters; shared tensors count once."""
    embeddings = {
        id(p): p.numel()
        for m in body.modules()
        if isinstance(m, nn.Embedding)
        for p in m.parameters()
    }
    total = sum(p.numel() for p in body.parameters())
    config: Any = body.config
    return Size(
        total, sum(embeddings.values()), int(config.num_hidden_layers), int(config.hidden_size)
    )
