"""Labels are read off hidden states under the family's own mask."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.backbones.family import Backbone
from harness.contracts import InputError

_BOTH = "_both_orders"


@dataclass(frozen=True)
class Reading:
    """One pass over the text; `both_orders` also reads a pair the other way round.

    The logits of the two orders are averaged, in training as in use (Radford et al. 2018,
    section 3.3); tokens and time count twice.
    """

    name: str
    both_orders: bool = False

    writes = chain_rule = False
    updates_factor = 1

    def bind(self, backbone: Backbone, writes: bool) -> Reading:
        """Named for the mask of the model."""
        if writes:
            raise InputError(
                "mode=both_orders reads labels, but this task asks for texts; choose mode=native"
            )
        return replace(self, name=backbone.mode + (_BOTH if self.both_orders else ""))
