"""Labels of a decoder whose mask is lifted while it is tuned, in all layers or in the upper ones.

After Li et al. 2023 (LS-LLaMA) and, layer by layer, Dukic and Snajder 2024. The weights learnt
under a causal mask; what is read off them after tuning has seen both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from harness.backbones import masks
from harness.backbones.family import Backbone
from harness.modes.reading import refuse_encoder, refuse_texts


@dataclass(frozen=True)
class Unmask:
    """`share` of the layers, the uppermost ones, see both sides; the others stay causal."""

    name: str
    share: float

    writes = chain_rule = both_orders = False
    updates_factor = copies = 1
    view = "bidirectional"
    left_only = (False, False)

    def bind(self, backbone: Backbone, writes: bool) -> Unmask:
        """Itself, where model and task go with it."""
        refuse_texts(self.name, writes)
        refuse_encoder(self.name, backbone)
        return self

    def allowed(self, real: Tensor) -> Tensor:
        """[batch, length] -> [batch, from, to], of the lowest layer."""
        return masks.both_ways(real) if self.share == 1 else masks.causal(real)

    def above(self, real: Tensor, layers: int) -> tuple[int, Tensor] | None:
        """The first layer that sees both sides, where that is not the lowest, and its mask."""
        return (
            None if self.share == 1 else (round(layers * (1 - self.share)), masks.both_ways(real))
        )
