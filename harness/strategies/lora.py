"""Low-rank adapters (LoRA, Hu et al. 2021): beside some weights W of the body, W + (alpha / r) B A.

A [rank, in] and B [out, rank] are trained, and the answer layer in full; all that pretraining has
made stays as it is, a language model's head included. B starts from 0, so training starts from the
body as it was. When training has ended B A is added to W: what is scored and kept has the layers of
a fully tuned model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from harness.contracts import InputError
from harness.models.heads import Predictor, Writer
from harness.strategies import Passes

USUAL = (
    *("query", "value"),  # BERT, RoBERTa, ELECTRA
    *("q_proj", "v_proj"),  # Llama and its like, ModernBERT's decoder
    *("q_lin", "v_lin"),  # DistilBERT
    *("c_attn", "Wqkv", "query_key_value"),  # GPT-2, ModernBERT, GPT-NeoX
)
"""Queries and values (as in that paper); with the keys where a body has all three in one matrix.

Either way rank x 4 widths are trained a layer, where values have as many heads as queries.
"""

_DRAWING = 5  # a stream of a training seed


@dataclass(frozen=True)
class Lora:
    """`targets` names linear layers of the body, as `USUAL` does; None: those of `USUAL` there.

    `alpha` / `rank` scales what is added; `dropout` is of what the adapters read. Raises InputError
    for values that are none.
    """

    rank: int
    alpha: float
    dropout: float
    targets: Sequence[str] | None = None

    name = "lora"
    passes = Passes(2.0)

    def __post_init__(self) -> None:
        for key, fits, expected in (
            ("rank", _whole(self.rank) and self.rank >= 1, "a whole number from 1"),
            ("alpha", _number(self.alpha) and self.alpha > 0, "a number above 0"),
            ("dropout", _number(self.dropout) and 0 <= self.dropout < 1, "a share below 1"),
            ("targets", _names(self.targets), "null, or a list of names such as [query,value]"),
        ):
            if not fits:
                raise InputError(f"strategy.{key}={getattr(self, key)}: expected {expected}")

    def check(self, body: nn.Module, writes: bool) -> None:
        """Raise InputError for targets that the body has not, or a rank that is none for them."""
        there = linear(body)
        known = ", ".join(dict.fromkeys(map(_last, there)))
        for name in self.targets or ():
            if name not in map(_last, there):
                raise InputError(
                    f"strategy.targets: no linear layer of a {_kind(body)} body is called "
                    f"{name!r}; there are: {known}"
                )
        if not self._chosen(there):
            raise InputError(
                f"strategy.targets: which layers of a {_kind(body)} body make queries and values "
                f"is not known; name some with strategy.targets=[...]; there are: {known}"
            )
        widest = min(min(there[name].weight.shape) for name in self._chosen(there))
        if self.rank > widest:
            raise InputError(
                f"strategy.rank={self.rank}: the smallest of the layers that are adapted is "
                f"{widest} wide; expected a rank from 1 to {widest}"
            )

    def adapt(self, model: Predictor | Writer, seed: int) -> None:
        """Freeze the body, put adapters into it, and train them and what is new."""
        from peft import LoraConfig, inject_adapter_in_model  # not needed to serve what was merged

        model.requires_grad_(False)
        there = linear(model.body)
        chosen = self._chosen(there)
        config = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,  # type: ignore[arg-type]  # any number will do
            lora_dropout=self.dropout,
            target_modules=chosen,
            fan_in_fan_out=any(isinstance(there[name], Conv1D) for name in chosen),
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(np.random.default_rng([seed, _DRAWING]).integers(2**62)))
            inject_adapter_in_model(config, model.body)
        model.train(model.training)  # the new modules too
        for layer in model.fresh:
            layer.requires_grad_(True)

    def settle(self, model: Predictor | Writer) -> None:
        """Add what was trained to the weights beside it, and take the adapters out."""
        from peft.tuners.lora import LoraLayer

        body: Any = model.body
        for name, layer in [*body.named_modules()]:
            if isinstance(layer, LoraLayer):
                layer.merge()
                body.set_submodule(name, layer.get_base_layer())
        del body.peft_config

    def _chosen(self, there: dict[str, Any]) -> list[str]:
        """Full names, as an ending may be that of a longer name."""
        return [name for name in there if _last(name) in (self.targets or USUAL)]


def linear(body: nn.Module) -> dict[str, Any]:
    """The linear layers of a body by their full names; GPT-2 has a class of its own for them."""
    return {n: m for n, m in body.named_modules() if isinstance(m, nn.Linear | Conv1D)}


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _kind(body: nn.Module) -> str:
    config: Any = body.config
    return str(config.model_type)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(value: Any) -> bool:
    if value is None:
        return True
    several: bool = isinstance(value, list | tuple) and len(value) > 0
    return several and all(isinstance(name, str) for name in value)
