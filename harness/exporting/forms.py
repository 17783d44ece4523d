"""A tuned model as a model of a class of `transformers`: which class, with which settings.

How its answer layers are set is told in `answer_layers`. What has no class raises Unsupported.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    GenerationConfig,
)

from harness.backbones.family import MEAN
from harness.cells.view import Parts
from harness.contracts import Unsupported
from harness.decoding import Decoding
from harness.exporting import answer_layers
from harness.models.heads import Predictor, Writer
from harness.modes.reading import Reading

_AUTO: Mapping[str, Any] = {
    "label": AutoModelForSequenceClassification,
    "tags": AutoModelForTokenClassification,
}


@dataclass(frozen=True)
class Form:
    """A model of a class of `transformers`, and what else ours is rebuilt from."""

    model: Any
    rest: Mapping[str, Tensor]  # the answer layer over the body as it lies in `model`


def needs_padding(shape: str) -> bool:
    """Whether the class finds the last token by comparing ids with the padding's."""
    return shape == "label"


def written(
    tuned: Predictor | Writer, parts: Parts, shape: str, classes: Sequence[str], tokenizer: Any
) -> Form:
    """The class's model that answers as `tuned` does. Raises Unsupported where there is none."""
    if isinstance(tuned, Writer):
        return _writing(tuned, parts.decoding, tokenizer)
    _refuse(parts, shape)
    body: Any = tuned.body
    kind = body.config.model_type
    config = _config(body.config, classes, tokenizer)
    fill = answer_layers.filled(kind, shape)
    if kind in answer_layers.NORMED:
        config.classifier_activation, config.classifier_bias = "linear", True
        config.classifier_pooling = "cls"
    if shape == "label":
        config.problem_type = "single_label_classification"
    elif tuned.head.bias is None:
        config.token_classification_bias = False
    model = _empty(_AUTO[shape], config, kind, shape)
    _take_body(model, body)
    with torch.no_grad():
        rest = fill(model, tuned)
    _grow(model, tokenizer)
    return Form(model, {name: tensor.contiguous() for name, tensor in rest.items()})


def _refuse(parts: Parts, shape: str) -> None:
    """Ways of reading that no class has."""
    backbone = parts.backbone
    if getattr(parts.mode, "both_orders", False):
        raise Unsupported(
            "it reads each pair in both orders and averages the logits, which no class does"
        )
    if not isinstance(parts.mode, Reading):
        raise Unsupported(
            f"it reads by the mode {parts.mode.name}, under a mask or over an input that no class "
            "of transformers has"
        )
    if parts.pooling == MEAN:
        raise Unsupported(
            "it reads the mean over the tokens of a text's words, and classes of transformers read "
            "one position (or, ModernBERT's, a mean that special tokens are part of)"
        )
    usual = {"bidirectional": "cls", "causal": "last"}[backbone.mode]
    if shape == "label" and backbone.pooling != usual:
        raise Unsupported(
            f"it answers at the position '{backbone.pooling}', where the classes of "
            f"{backbone.mode} models read '{usual}'"
        )


def _config(config: Any, classes: Sequence[str], tokenizer: Any) -> Any:
    new = copy.deepcopy(config)
    new.id2label = dict(enumerate(classes))
    new.label2id = {name: index for index, name in enumerate(classes)}
    if tokenizer.pad_token_id < new.vocab_size:  # else its row is still to come
        new.pad_token_id = tokenizer.pad_token_id
    return new


def _empty(auto: Any, config: Any, kind: str, shape: str) -> Any:
    """A model of the class whose weights are still to be set."""
    if type(config) not in auto._model_mapping:
        what = {"label": "sequence", "tags": "token"}[shape]
        raise Unsupported(f"transformers has no {what}-classification class for {kind}")
    with torch.random.fork_rng(devices=[]):
        return auto.from_config(config, attn_implementation="sdpa").eval()


def _take_body(model: Any, body: nn.Module) -> None:
    found = model.base_model.load_state_dict(body.state_dict(), strict=False)
    missing = [name for name in found.missing_keys if not name.startswith("pooler.")]
    if missing or found.unexpected_keys:
        named = ", ".join([*missing, *found.unexpected_keys][:3])
        raise Unsupported(f"{type(model).__name__} has another body (they differ in {named})")


def _grow(model: Any, tokenizer: Any) -> None:
    """A row of zeros for a padding token that the vocabulary did not have; nothing looks at it."""
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
        with torch.no_grad():
            model.get_input_embeddings().weight[rows:] = 0
    model.config.pad_token_id = tokenizer.pad_token_id


# --- texts ----------------------------------------------------------------------------------------


def _writing(tuned: Writer, decoding: Decoding, tokenizer: Any) -> Form:
    """A causal language model as it is, with the search that it was judged by."""
    mode: Any = tuned.mode
    if mode.name != "causal":
        raise Unsupported(
            f"it writes by the mode {mode.name} under a mask of its own, and generate() of "
            "transformers knows a causal mask only"
        )
    source: Any = tuned.model
    config = copy.deepcopy(source.config)
    config.pad_token_id = tokenizer.pad_token_id
    with torch.random.fork_rng(devices=[]):
        model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval()
    model.load_state_dict(source.state_dict())
    model.generation_config = _generation(decoding, tokenizer)
    return Form(model, {})


def _generation(decoding: Decoding, tokenizer: Any) -> GenerationConfig:
    sampled = decoding.search == "top_p"
    drawn = (
        {"top_p": decoding.top_p, "temperature": decoding.temperature, "top_k": 0}
        if sampled
        else {}
    )
    return GenerationConfig(
        max_new_tokens=decoding.max_new_tokens,
        do_sample=sampled,
        num_beams=decoding.beams if decoding.search == "beam" else 1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **drawn,
    )
