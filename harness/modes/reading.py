"""Labels are read off hidden states under the family's own mask."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from harness.backbones.family import Backbone
from harness.contracts import InputError
from harness.record import BOTH_ORDERS, BY_PIECE


@dataclass(frozen=True)
class Reading:
    """One pass over the text; `both_orders` also reads a pair the other way round.

    The logits of the two orders are averaged, in training as in use (Radford et al. 2018,
    section 3.3); tokens and time count twice. `by_piece` lays the labels of words on pieces in
    training (`models.piecewise`), and changes no answer's place. `pooling` is where one answer an
    example is read; None: where the family does. `backbone` is there once it is bound.
    """

    name: str
    both_orders: bool = False
    by_piece: bool = False
    backbone: Backbone | None = None
    pooling: str | None = None

    writes = chain_rule = False
    updates_factor = copies = 1

    def bind(self, backbone: Backbone, writes: bool) -> Reading:
        """Named for the mask of the model."""
        refuse_texts("both_orders", writes)
        pooled = "" if self.pooling is None else f"_{self.pooling}"
        name = backbone.mode + pooled + (BOTH_ORDERS if self.both_orders else "")
        name += BY_PIECE if self.by_piece else ""
        return replace(self, name=name, backbone=backbone)

    @property
    def view(self) -> str:
        """How far an answer sees: "causal" or "bidirectional"."""
        assert self.backbone is not None
        return self.backbone.mode

    @property
    def left_only(self) -> tuple[bool, bool]:
        """As the family's mask says."""
        return self.view == "causal", self.view == "causal"

    def allowed(self, real: Tensor) -> Tensor:
        """[batch, length] -> [batch, from, to]."""
        assert self.backbone is not None
        return self.backbone.allowed(real)

    def above(self, real: Tensor, layers: int) -> None:
        """All layers see alike."""


def refuse_texts(name: str, writes: bool) -> None:
    """Raise InputError where a mode that reads labels is asked to write."""
    if writes:
        raise InputError(
            f"mode={name} reads labels, but this task asks for texts; choose mode=native"
        )


def refuse_encoder(name: str, backbone: Backbone) -> None:
    """Raise InputError where a mode is a remedy that an encoder does not need."""
    if backbone.mode != "causal":
        raise InputError(
            f"mode={name} lets a decoder see the words to the right, but model={backbone.name} "
            f"is {backbone.mode} already; choose mode=native"
        )
