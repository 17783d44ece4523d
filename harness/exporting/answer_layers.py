"""The function that was tuned, written into the layers that a class of `transformers` has.

Every model here answers by one linear layer, logits = W h + b, on the last hidden state h of the
position that answers. The library's classes put other layers there. Each function below sets those
layers so that together they compute W h + b, up to the rounding of 32-bit floats:

- tanh (BERT, RoBERTa): between 2^-k and 2^k, with k so large that tanh is linear there
- ReLU, GELU (DistilBERT, ELECTRA): after a shift that makes every coordinate positive, taken back
  in the bias
- no bias (GPT-2, GPT-NeoX): the bias moves into the last LayerNorm's, as W (h + x) = W h + b
- LayerNorm (ModernBERT and its decoder): on inputs so small that only its epsilon counts, where it
  is linear; logits are read as differences from a coordinate that is always 0

Whether it came out right is for `agreement` to say. What has no form raises Unsupported.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from harness.contracts import Unsupported
from harness.models.heads import Predictor

_LINEAR = 2.0**-13
"""Below this tanh(x) is x for 32-bit floats (the next term is x^3 / 3), and a variance that is its
square is nothing beside an epsilon of 1."""

_GELU_IS_LINEAR = 6.0
"""From here on GELU(x) is x for 32-bit floats: the share of a normal variable above it is 1e-9."""

Fill = Callable[[Any, Predictor], Mapping[str, Tensor]]
"""Sets the class's layers; returns our own answer layer, over the body as it is left there."""


def filled(kind: str, shape: str) -> Fill:
    """What sets the layers of the class for a model_type; "label" and "tags" are the shapes."""
    if kind in NORMED:
        return _through_norm
    if shape == "tags":
        return _plain
    return _LABEL.get(kind, _scored)


def _head(tuned: Predictor) -> tuple[Tensor, Tensor]:
    """W [classes, width] and b [classes]."""
    weight = tuned.head.weight
    bias = tuned.head.bias
    return weight, weight.new_zeros(len(weight)) if bias is None else bias


def _plain(model: Any, tuned: Predictor) -> Mapping[str, Tensor]:
    """The class has the same layer, under one of two names."""
    layer = getattr(model, "classifier", None) or getattr(model, "score", None)
    if not isinstance(layer, nn.Linear):
        raise Unsupported(f"{type(model).__name__} answers by more than one linear layer")
    _set(layer, *_head(tuned))
    return tuned.head.state_dict()


def _set(layer: nn.Linear, weight: Tensor, bias: Tensor) -> None:
    if layer.weight.shape != weight.shape or (layer.bias is None and bool(bias.any())):
        raise Unsupported("the class's answer layer has another shape, or no bias")
    layer.weight.copy_(weight)
    if layer.bias is not None:
        layer.bias.copy_(bias)


def _bert(model: Any, tuned: Predictor) -> Mapping[str, Tensor]:
    norm = model.bert.encoder.layer[-1].output.LayerNorm
    return _through_tanh(model.bert.pooler.dense, model.classifier, norm, tuned)


def _roberta(model: Any, tuned: Predictor) -> Mapping[str, Tensor]:
    norm = model.base_model.encoder.layer[-1].output.LayerNorm
    return _through_tanh(model.classifier.dense, model.classifier.out_proj, norm, tuned)


def _through_tanh(
    dense: nn.Linear, last: nn.Linear, norm: Any, tuned: Predictor
) -> Mapping[str, Tensor]:
    """W 2^k tanh(2^-k h) + b. Powers of two are exact, and the bound on h is certain."""
    weight, bias = _head(tuned)
    small = _power_below(_LINEAR / float(_bound(norm).max()))
    dense.weight.copy_(small * torch.eye(dense.in_features))
    dense.bias.zero_()
    _set(last, weight / small, bias)
    return tuned.head.state_dict()


def _distilbert(model: Any, tuned: Predictor) -> Mapping[str, Tensor]:
    norm = model.distilbert.transformer.layer[-1].output_layer_norm
    return _shifted(model.pre_classifier, model.classifier, _bound(norm), tuned)


def _electra(model: Any, tuned: Predictor) -> Mapping[str, Tensor]:
    norm = model.electra.encoder.layer[-1].output.LayerNorm
    shift = _bound(norm) + _GELU_IS_LINEAR
    return _shifted(model.classifier.dense, model.classifier.out_proj, shift, tuned)


def _shifted(
    dense: nn.Linear, last: nn.Linear, shift: Tensor, tuned: Predictor
) -> Mapping[str, Tensor]:
    """W f(h + s) + (b - W s), where f(x) is x, as every coordinate of h + s is large enough."""
    weight, bias = _head(tuned)
    dense.weight.copy_(torch.eye(len(shift)))
    dense.bias.copy_(shift)
    taken = weight.double() @ dense.bias.double()
    _set(last, weight, (bias.double() - taken).float())
    return tuned.head.state_dict()


def _bound(norm: Any) -> Tensor:
    """[width], what the absolute values of a LayerNorm's output stay below.

    One of d numbers with mean 0 and variance 1 is at most sqrt(d - 1).
    """
    reach = math.sqrt(len(norm.weight) - 1) * norm.weight.detach().abs()
    bound: Tensor = reach + norm.bias.detach().abs() + 1e-3
    return bound


def _power_below(value: float) -> float:
    return 2.0 ** math.floor(math.log2(value))


def _gpt2(model: Any, tuned: Predictor) -> Mapping[str, Tensor]:
    return _moved_bias(model, model.transformer.ln_f, tuned)


def _gpt_neox(model: Any, tuned: Predictor) -> Mapping[str, Tensor]:
    return _moved_bias(model, model.gpt_neox.final_layer_norm, tuned)


def _moved_bias(model: Any, norm: Any, tuned: Predictor) -> Mapping[str, Tensor]:
    """W (h + x) with W x = b, x the shortest such vector; it joins the last norm's bias."""
    weight, bias = _head(tuned)
    shift = torch.linalg.pinv(weight.double()) @ bias.double()
    if not torch.allclose(weight.double() @ shift, bias.double(), atol=1e-5):
        raise Unsupported(
            f"the class has no bias, and that of {len(bias)} classes does not fit into a body of "
            f"width {weight.shape[1]}"
        )
    norm.bias += shift.float()
    _set(model.score, weight, torch.zeros_like(bias))
    return {"weight": weight, "bias": torch.zeros_like(bias)}


def _scored(model: Any, tuned: Predictor) -> Mapping[str, Tensor]:
    """A class whose layer has no bias, for a model that was tuned without one."""
    if not isinstance(getattr(model, "score", None), nn.Linear):
        raise Unsupported(f"how {type(model).__name__} answers is not known to this version")
    _set(model.score, *_head(tuned))
    return tuned.head.state_dict()


def _through_norm(model: Any, tuned: Predictor) -> Mapping[str, Tensor]:
    """s W h in the first coordinates, 0 in the others; LayerNorm; differences from the last one.

    With s so small that the variance is nothing beside epsilon, LayerNorm only takes the mean off
    and divides by sqrt(epsilon), and of a difference the mean is gone.
    """
    weight, bias = _head(tuned)
    classes, width = weight.shape
    if classes >= width:
        raise Unsupported(f"{classes} classes do not fit through a layer of width {width}")
    head, epsilon = model.head, float(model.config.norm_eps)
    norm = model.base_model.final_norm
    longest = math.sqrt(width) * float(norm.weight.abs().max())
    longest += 0.0 if norm.bias is None else float(norm.bias.norm())
    largest = longest * float(weight.norm(dim=1).max()) + 1e-12
    small = _power_below(_LINEAR * math.sqrt(epsilon) / largest)
    head.dense.weight.zero_()
    head.dense.weight[:classes] = small * weight
    head.dense.bias.zero_()
    head.norm.weight.fill_(1.0)
    if head.norm.bias is not None:
        head.norm.bias.zero_()
    read = torch.zeros_like(weight)
    read[:, :classes] = torch.eye(classes)
    read[:, -1] -= 1.0
    _set(model.classifier, read * (math.sqrt(epsilon) / small), bias)
    return tuned.head.state_dict()


NORMED = ("modernbert", "modernbert-decoder")
_LABEL: Mapping[str, Fill] = {
    "bert": _bert,
    "roberta": _roberta,
    "xlm-roberta": _roberta,
    "distilbert": _distilbert,
    "electra": _electra,
    "gpt2": _gpt2,
    "gpt_neox": _gpt_neox,
}
