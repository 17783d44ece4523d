"""One label a text, read off the mean of its words' last hidden states (Reimers & Gurevych 2019).

The mask is the family's own, so each state has seen what it sees in any mode; a decoder's mean
takes in states that have seen the beginning of the text alone.

Averaged is every token of a word, of both texts of a pair, and no special token: these are the
same places in both families, and places that either pretraining asked something of. A special
token's state would say nothing of the kind: no gap was ever filled at [CLS] and [SEP], and what a
decoder begins with has seen no text at all. (A text without words is averaged over what is there.)
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.backbones.family import MEAN, Backbone
from harness.contracts import Unsupported
from harness.modes import Mode
from harness.modes.reading import Reading


@dataclass(frozen=True)
class Mean:
    """Either family; `both_orders` reads a pair twice, and averages each reading by itself."""

    name: str
    both_orders: bool = False

    def bind(self, backbone: Backbone, writes: bool) -> Reading:
        """A way of reading, named for the mask of the model; `refuse` says what it does not do."""
        return Reading(self.name, self.both_orders, pooling=MEAN).bind(backbone, writes=False)


def refuse(mode: Mode, shape: str) -> None:
    """Raise Unsupported where a mode averages a text, but answers are not one an example."""
    reasons = {
        "tags": "words are tagged one by one, each at a token of its own",
        "text": "a text is written token by token",
    }
    if getattr(mode, "pooling", None) == MEAN and shape in reasons:
        raise Unsupported(
            f"mode=mean reads one label off all words of a text, but {reasons[shape]}; choose "
            "mode=native"
        )
