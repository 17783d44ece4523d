"""Texts are written from left to right, each token after all before it.

Under `causal`, and `as_causal` of an encoder, the source is read from left to right too; under
`unilm` (Dong et al. 2019), and `prefix_lm` of a decoder, it is read both ways. Training asks for
every token of the target and its end; nothing of the source. As the chain rule holds, the
log-likelihood of a text is the sum over its tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from harness.backbones import masks
from harness.backbones.family import Backbone
from harness.contracts import InputError


@dataclass(frozen=True)
class Autoregressive:
    """`prefix`: is the source read both ways? `needs`: the mask that the family was built with."""

    name: str
    prefix: bool
    needs: str
    updates_factor: int = 1

    writes = True
    chain_rule = True
    length_weight = None

    @property
    def left_only(self) -> tuple[bool, bool]:
        """The target always; the source where it is no prefix."""
        return not self.prefix, True

    def bind(self, backbone: Backbone, writes: bool) -> Autoregressive:
        """Itself, where model and task go with it."""
        refuse(self.name, self.needs, backbone, writes)
        return self

    def allowed(self, real: Tensor, source: Tensor) -> Tensor:
        """[batch, length] twice -> [batch, from, to]."""
        return masks.prefix(real, source) if self.prefix else masks.causal(real)


CAUSAL = Autoregressive("causal", prefix=False, needs="causal")
UNILM = Autoregressive("unilm", prefix=True, needs="bidirectional")


def refuse(name: str, needs: str, backbone: Backbone, writes: bool) -> None:
    """Raise InputError where a mode that writes does not go with the task or the model."""
    if not writes:
        raise InputError(
            f"mode={name} writes texts, but this task asks for labels; try mode=native"
        )
    if backbone.mode != needs:
        raise InputError(
            f"mode={name} needs a {needs} model, but model={backbone.name} is {backbone.mode}; "
            "choose another mode or model"
        )
