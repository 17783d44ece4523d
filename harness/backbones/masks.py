"""Who may attend to whom: [batch, from, to], True where a position may look.

`real` is [batch, length], False at padding, on either side; `source` is [batch, length], True at
the positions of the input text where an output text follows it.
"""

from __future__ import annotations

import torch
from torch import Tensor


def causal(real: Tensor) -> Tensor:
    """Every position sees itself and what stands before it."""
    return real[:, None, :] & _earlier(real)


def both_ways(real: Tensor) -> Tensor:
    """Every position sees the whole text."""
    return real[:, None, :].expand(-1, real.shape[1], -1)


def prefix(real: Tensor, source: Tensor) -> Tensor:
    """The source is read both ways, the target left to right (Dong et al. 2019, UniLM)."""
    return real[:, None, :] & (source[:, None, :] | _earlier(real))


def blind_source(real: Tensor, source: Tensor) -> Tensor:
    """Both ways, but the source never sees the target (Ghazvininejad et al. 2019).

    What is computed of the source, the length of the target among it, then is the same in
    training, where a target stands there, and in decoding, where none does.
    """
    return both_ways(real) & ~(source[:, :, None] & ~source[:, None, :])


def _earlier(real: Tensor) -> Tensor:
    length = real.shape[1]
    return torch.ones(length, length, dtype=torch.bool, device=real.device).tril()
