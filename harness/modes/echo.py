"""Labels of a decoder that reads its input twice and answers on the second copy.

Every word of the second copy has the whole first one to its left (Springer et al. 2024), so an
answer sees both sides under the mask that the weights were made with. Tokens and time count
twice, and half as many words fit.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from harness.backbones import masks
from harness.backbones.family import Backbone
from harness.modes.reading import refuse_encoder, refuse_texts


@dataclass(frozen=True)
class Echo:
    """The text, its end, and the text again."""

    name: str

    writes = chain_rule = both_orders = False
    updates_factor = 1
    copies = 2
    view = "bidirectional"
    left_only = (True, True)  # of tokens; the first copy is what an answer sees to its right

    def bind(self, backbone: Backbone, writes: bool) -> Echo:
        """Itself, where model and task go with it."""
        refuse_texts(self.name, writes)
        refuse_encoder(self.name, backbone)
        return self

    def allowed(self, real: Tensor) -> Tensor:
        """[batch, length] -> [batch, from, to]."""
        return masks.causal(real)

    def above(self, real: Tensor, layers: int) -> None:
        """All layers see alike."""
