"""The attention that every body uses: the mask is explicit, and what was read can be kept.

`transformers` lets an attention function be named; all its classes that are used here then call
this one, so the mask is never guessed and one key-value memory serves encoders and decoders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

NAME = "explicit"
KERNEL = "sdpa"  # what computes it, for the record


class Memory:
    """Keys and values of positions that were read before, per layer: [batch, heads, to, width].

    A forward pass appends after the first `used` positions. `keep` makes them permanent; what is
    not kept is overwritten by the next pass.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity, self.used = capacity, 0
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def extended(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values up to the end of the new ones."""
        if layer not in self._kept:
            room = (*key.shape[:2], self.capacity, key.shape[3])
            self._kept[layer] = (key.new_empty(room), value.new_empty(room))
        keys, values = self._kept[layer]
        end = self.used + key.shape[2]
        keys[:, :, self.used : end], values[:, :, self.used : end] = key, value
        return keys[:, :, :end], values[:, :, :end]

    def keep(self, count: int) -> None:
        """Make the next `count` positions permanent."""
        self.used += count

    def crop(self, length: int) -> None:
        """Forget all but the first `length` positions."""
        self.used = min(self.used, length)

    def select(self, rows: Tensor) -> None:
        """Go on with these rows of the batch, in this order; a row may be taken several times."""
        self._kept = {n: (k[rows], v[rows]) for n, (k, v) in self._kept.items()}


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    memory: Memory | None = None,
    above: tuple[int, Tensor | Mapping[str, Tensor]] | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Scaled-dot-product attention of `query` [batch, heads, from, width] under the mask given.

    `above` is (first, mask): another one for layers from `first` on, whose class must number them.
    """
    if above is not None and module.layer_idx >= above[0]:  # type: ignore[operator]
        attention_mask = _of_layer(module, above[1])
    if memory is not None:
        key, value = memory.extended(id(module), key, value)  # not all classes number layers
    out = nn.functional.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=attention_mask,
        dropout_p=dropout,
        scale=scaling,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    return out.transpose(1, 2), None


def _of_layer(module: nn.Module, mask: Tensor | Mapping[str, Tensor]) -> Tensor:
    """A layer's own mask, where layers of several kinds have their own."""
    if isinstance(mask, Tensor):
        return mask
    config: Any = module.config
    return mask[config.layer_types[module.layer_idx]]


def name() -> str:
    """The name under which `transformers` finds `attend`; registers it first."""
    AttentionInterface.register(NAME, attend)
    return NAME


def additive(allowed: Tensor, dtype: torch.dtype) -> Tensor:
    """[batch, from, to] -> [batch, 1, from, to] to add to scores, once for all layers.

    A position that may look nowhere (padding) looks at itself, which no real position sees:
    softmax over nothing is not a number.
    """
    seen, known = allowed.shape[1], allowed.shape[2]
    itself = torch.eye(seen, dtype=torch.bool, device=allowed.device)
    fallback = nn.functional.pad(itself, (known - seen, 0))
    mask = torch.zeros(allowed.shape, dtype=dtype, device=allowed.device)
    return mask.masked_fill_(~(allowed | fallback), float("-inf"))[:, None]
