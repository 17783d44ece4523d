"""Texts are written all at once and then corrected: hidden tokens, filled in parallel.

After Ghazvininejad et al. 2019. Training hides a random number of target tokens and asks for
them; the length of the target is asked of the source alone, which never sees the target. Writing
starts from hidden tokens alone and repeats: fill in all, hide the least certain ones again, fewer
each time. Several lengths are tried, and the surest text is taken. There is no chain rule here,
so no likelihood of a text.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from harness.backbones import masks
from harness.backbones.family import Backbone
from harness.modes.autoregressive import refuse


@dataclass(frozen=True)
class MaskPredict:
    """`iterations` of filling in, `length_beam` lengths tried; `length_weight` of its loss."""

    name: str
    iterations: int
    length_beam: int
    length_weight: float
    updates_factor: int

    writes = True
    chain_rule = False
    left_only = (False, False)

    def bind(self, backbone: Backbone, writes: bool) -> MaskPredict:
        """Itself, where model and task go with it."""
        refuse(self.name, "bidirectional", backbone, writes)
        return self

    def allowed(self, real: Tensor, source: Tensor) -> Tensor:
        """[batch, length] twice -> [batch, from, to]."""
        return masks.blind_source(real, source)
