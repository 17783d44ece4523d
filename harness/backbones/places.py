"""Where tokens stand, and how far a layer sees: what a released model works out by itself.

Every class of transformers does this from a flat mask; here the mask is given, so these rules are
given with it. Knows no family: the network's own configuration decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from harness.backbones import attention

_FULL, _SLIDING = "full_attention", "sliding_attention"
_AFTER_PADDING = ("roberta", "xlm-roberta")
"""Types that keep a row of the table for padding and count from the one after it."""

_EVERY_LAYER = ("mistral",)  # one window for all layers, where there is one at all


def counted(real: Tensor) -> Tensor:
    """[batch, length]: how many real tokens stand before each one."""
    return (real.cumsum(1) - 1).clamp_min(0)


def first(config: Any) -> int:
    """The position id of a text's first token."""
    return int(config.pad_token_id) + 1 if config.model_type in _AFTER_PADDING else 0


def longest(config: Any) -> int | None:
    """Tokens that a network can read; None where it has no such limit."""
    limit = getattr(config, "max_position_embeddings", None)
    return None if limit is None else int(limit) - first(config)


def seen(
    config: Any, allowed: Tensor, places: Tensor, dtype: torch.dtype
) -> Tensor | Mapping[str, Tensor]:
    """What to add to scores under `allowed` [batch, from, to], for all layers or by their kind.

    `places` [batch, to] are positions; the last ones are those of `from`. A layer with a window
    never sees beyond it, as in the model's own class: both ways (Warner et al. 2024) the distance
    is at most half the local attention, left to right the window holds the token itself.
    """
    kinds = getattr(config, "layer_types", None) or ()
    window = getattr(config, "sliding_window", None)
    everywhere = config.model_type in _EVERY_LAYER and window is not None
    if not everywhere and _SLIDING not in kinds:
        return attention.additive(allowed, dtype)
    apart = (places[:, -allowed.shape[1] :, None] - places[:, None, :]).abs()
    reach = int(window or 0) - (config.model_type != "modernbert")
    near = attention.additive(allowed & (apart <= reach), dtype)
    if everywhere:
        return near
    return {_FULL: attention.additive(allowed, dtype), _SLIDING: near}
