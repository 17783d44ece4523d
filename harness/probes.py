"""Does a model do what its mode claims? Tried on the tuned model itself, in every run.

Causality: change one token; outputs to its left must not move under a causal mask, and must
move under a bidirectional one. Padding: a text alone, in a batch padded on the right, and in a
batch padded on the left must give the same outputs.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.backbones.body import Specials
from harness.heads import Predictor

TOLERANCE = {"causal": 1e-6, "padding": 1e-5}
_TEXTS = 4
_PADDING = 5


def probe(predictor: Predictor, texts: list[list[int]], specials: Specials) -> dict[str, Any]:
    """Largest changes of hidden states that the two probes saw, over a few texts.

    `texts` are whole encoded texts, special tokens included; those of at least four tokens are
    used. Values are absolute differences of fp32 hidden states.
    """
    predictor.eval()
    used = [text for text in texts if len(text) >= 4][:_TEXTS]
    left, right, padding = [0.0], [0.0], [0.0]
    with torch.inference_mode():
        for text in used:
            ids = torch.tensor([text])
            alone = _hidden(predictor, ids)
            spot = len(text) // 2
            changed = ids.clone()
            changed[0, spot] = _another(text[spot], specials)
            moved = (_hidden(predictor, changed) - alone).abs()[0]
            left.append(float(moved[:spot].max()))
            right.append(float(moved[spot + 1 :].max()))
            padding += [_padded(predictor, ids, alone, specials.pad, side) for side in (0, 1)]
    return {
        "claimed": predictor.backbone.mode,
        "texts": len(used),
        "left_change": max(left),
        "right_change": max(right),
        "padding_change": max(padding),
        "tolerance": TOLERANCE,
    }


def _hidden(predictor: Predictor, ids: Tensor, real: Tensor | None = None) -> Tensor:
    return predictor.represent(
        ids, torch.ones_like(ids, dtype=torch.bool) if real is None else real
    )


def _another(token: int, specials: Specials) -> int:
    """Some other ordinary token."""
    return specials.count + (token + 1 - specials.count) % (specials.vocabulary - specials.count)


def _padded(predictor: Predictor, ids: Tensor, alone: Tensor, pad: int, side: int) -> float:
    """Change of the text's outputs when it is padded: side 0 on the right, 1 on the left."""
    length = ids.shape[1]
    start = _PADDING if side else 0
    batch = torch.full((2, length + _PADDING), pad)
    real = torch.zeros_like(batch, dtype=torch.bool)
    batch[0, start : start + length] = ids[0]
    real[0, start : start + length] = True
    batch[1, :] = ids[0, 1]  # a longer neighbour
    real[1, :] = True
    hidden = _hidden(predictor, batch, real)[0, start : start + length]
    return float((hidden - alone[0]).abs().max())
