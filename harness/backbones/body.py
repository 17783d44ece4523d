"""The network that both families share: `transformers` classes behind one small interface.

Nothing here knows a family. The attention mask is an explicit argument, so the same body can
be run under any mask; position ids are counted over real tokens, so padding may stand on
either side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM
from transformers import logging as transformers_logging

from harness.backbones import attention, places, twin
from harness.backbones.attention import Memory
from harness.backbones.family import Specials
from harness.contracts import InputError
from harness.weights import released

_HIDDEN_DROPOUT = (
    "hidden_dropout_prob",
    "resid_pdrop",
    "embd_pdrop",
    "embedding_dropout",
    "mlp_dropout",
    "hidden_dropout",
    "dropout",
)
_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attn_pdrop", "attention_dropout")
transformers_logging.disable_progress_bar()  # the sweep shows one of its own
_LANGUAGE_MODELS = {"clm": AutoModelForCausalLM, "mlm": AutoModelForMaskedLM}
_OBJECTIVES = {"gpt": "clm", "bert": "mlm"}


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
    objective: str,
    architecture: Mapping[str, Any],
    specials: Specials,
    seed: int,
    dropout: float = 0.0,
    attention_dropout: float = 0.0,
) -> nn.Module:
    """An untrained body with its language-model head, drawn from `seed` alone.

    `objective` is "clm" (next token) or "mlm" (hidden token).
    """
    draw = _draw(_LANGUAGE_MODELS[objective], _LANGUAGE_MODELS["mlm"])
    return draw(architecture, specials, seed, dropout, attention_dropout)


def new_body(
    architecture: Mapping[str, Any], specials: Specials, seed: int, dropout: float, attention: float
) -> nn.Module:
    """An untrained body, drawn from `seed` alone."""
    draw = _draw(AutoModel, AutoModel)
    return without_pooler(draw(architecture, specials, seed, dropout, attention))


def _draw(auto: Any, drawn_with: Any) -> Callable[..., nn.Module]:
    """A function that draws a model of `auto`; a twin is drawn as its other side."""

    def draw(
        architecture: Mapping[str, Any], specials: Specials, seed: int, hidden: float, probs: float
    ) -> nn.Module:
        kind = architecture["model_type"]
        model = _seeded(auto, architecture, specials, seed, hidden, probs)
        if kind in twin.DRAWN_AS:
            other = {**architecture, "model_type": twin.DRAWN_AS[kind]}
            pattern = _seeded(drawn_with, other, specials, seed, hidden, probs)
            model.load_state_dict(twin.as_decoder(pattern.state_dict()))
        return model

    return draw


def _seeded(
    auto: Any,
    architecture: Mapping[str, Any],
    specials: Specials,
    seed: int,
    hidden: float,
    probs: float,
) -> nn.Module:
    config = configure(architecture, specials)
    prepare(config, hidden, probs)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: nn.Module = auto.from_config(config, attn_implementation=attention.name())
    return model


def load_body(folder: Path, dropout: float, attention: float) -> nn.Module:
    """A pretrained body from a folder in the hub's format (safetensors only).

    Some files keep a table that body and head share under the head's name alone: those are read
    with the head, which is then left away.
    """
    body, lacking = _read(AutoModel, folder, dropout, attention)
    kind = body.config.model_type
    if lacking and kind in released.FAMILIES["gpt"] + released.FAMILIES["bert"]:
        auto = _LANGUAGE_MODELS[_OBJECTIVES[released.family(kind)]]
        whole, still = _read(auto, folder, dropout, attention)
        if not still:
            return without_pooler(body_of(whole))
    return without_pooler(_complete(body, lacking, folder))


def load_language_model(
    objective: str, folder: Path, dropout: float, attention: float
) -> nn.Module:
    """A pretrained body with its language-model head, from a folder in the hub's format."""
    return _complete(*_read(_LANGUAGE_MODELS[objective], folder, dropout, attention), folder)


def outline(folder: Path) -> nn.Module:
    """The body of a checkpoint without numbers: shapes alone."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    with torch.device("meta"):
        return without_pooler(AutoModel.from_config(config))


def _read(
    auto: Any, folder: Path, dropout: float, attention_dropout: float
) -> tuple[Any, list[str]]:
    """A model, and the names of its tensors that the folder lacks."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    prepare(config, dropout, attention_dropout)
    try:
        with _quiet():  # a head that is not asked for is left out on purpose
            model, report = auto.from_pretrained(
                folder,
                output_loading_info=True,
                config=config,
                attn_implementation=attention.name(),
                dtype=torch.float32,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
    except (SafetensorError, RuntimeError) as error:
        told = " ".join(str(error).split())[:200]
        raise InputError(
            f"{folder}: its weights cannot be read ({told}); they are damaged, or not those that "
            "its config.json describes"
        ) from None
    return model, sorted(name for name in report["missing_keys"] if "pooler." not in name)


def _complete(model: Any, lacking: list[str], folder: Path) -> nn.Module:
    """The model. Raises InputError where tensors of it were not there."""
    if lacking:
        raise InputError(
            f"{folder}/model.safetensors lacks {len(lacking)} tensors of this model "
            f"(the first: {lacking[0]}); they would be random numbers, so it is refused"
        )
    loaded: nn.Module = model
    return loaded


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings of `transformers`."""
    verbosity = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)


def without_pooler(body: Any) -> nn.Module:
    """The body without BERT's pooling layer, which nothing here has trained."""
    if getattr(body, "pooler", None) is not None:
        body.pooler = None
    module: nn.Module = body
    return module


def prepare(config: Any, dropout: float, attention: float) -> None:
    """Set every dropout rate that this config knows, whatever it calls it."""
    for names, value in ((_HIDDEN_DROPOUT, dropout), (_ATTENTION_DROPOUT, attention)):
        for name in names:
            if hasattr(config, name):
                setattr(config, name, value)


def forward(
    model: nn.Module,
    ids: Tensor,
    real: Tensor,
    allowed: Tensor,
    segments: Tensor | None = None,
    memory: Memory | None = None,
    above: tuple[int, Tensor] | None = None,
) -> Any:
    """Run a body or a language model under an explicit mask.

    ids [batch, from]; real [batch, to]; allowed [batch, from, to]; segments [batch, from], True
    in the second text of a pair. Without a memory `to` is `from`; with one, the positions that
    it keeps come first. Position ids count real tokens, so padding may stand on either side.
    `above` is (first, allowed): another mask for the layers from `first` on, counted from 0.
    """
    config: Any = model.config
    counted, dtype = places.counted(real), next(model.parameters()).dtype
    extra: dict[str, Any] = {"use_cache": False}  # the library's own; ours is `memory`
    if memory is not None:
        extra["memory"] = memory
    if above is not None:
        extra["above"] = above[0], places.seen(config, above[1], counted, dtype)
    if segments is not None and _tells_segments(model):
        extra["token_type_ids"] = segments.long()
    return model(
        input_ids=ids,
        attention_mask=places.seen(config, allowed, counted, dtype),
        position_ids=counted[:, -ids.shape[1] :] + places.first(config),
        **extra,
    )


_HEADS = {
    "distilbert": ("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"),
}
"""Language-model heads whose modules are not applied in the order in which they are defined."""


def vocabulary_logits(model: nn.Module, hidden: Tensor) -> Tensor:
    """What the head of a language model makes of its body's hidden states [..., width].

    Asked only for the positions that matter: a head is as dear as several layers.
    """
    config: Any = model.config
    body = body_of(model)
    names = _HEADS.get(config.model_type) or [
        name for name, part in model.named_children() if part is not body
    ]
    for name in names:
        hidden = getattr(model, name)(hidden)
    return hidden


def body_of(model: nn.Module) -> nn.Module:
    """The body of a language model."""
    body: Any = model.base_model
    inner: nn.Module = body
    return inner


def head_is_trained(model: nn.Module) -> bool:
    """Whether the table that makes logits is trained; often it is that of the embeddings."""
    language: Any = model
    return bool(language.get_output_embeddings().weight.requires_grad)


def _tells_segments(model: nn.Module) -> bool:
    """Whether this network has a table for the two texts of a pair."""
    config: Any = model.config
    return int(getattr(config, "type_vocab_size", 0)) > 1


def positions(body: nn.Module) -> int | None:
    """The longest text that a body can read, in tokens; None where it has no such limit."""
    return places.longest(body.config)


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
