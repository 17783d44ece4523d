"""One set of initial weights for both sides of the pair `twin`.

ModernBERT and its decoder are one body under two names: the encoder keeps queries, keys and
values in one matrix, the decoder in three. The decoder is drawn as the encoder is, and renamed,
so that before training the two differ in nothing but the mask.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

DRAWN_AS = {"modernbert-decoder": "modernbert"}
"""model_type -> the type whose draw gives its initial weights."""


def as_decoder(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """ModernBERT's tensors under the names that ModernBertDecoder gives them."""
    renamed: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if ".Wqkv." in name:
            for part, piece in zip("qkv", tensor.chunk(3), strict=True):
                renamed[name.replace("Wqkv", f"{part}_proj")] = piece.clone()
        else:
            renamed["lm_" + name if name.startswith("head.") else name] = tensor
    return renamed
