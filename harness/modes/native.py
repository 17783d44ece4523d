"""Each family as it was built: labels under its own mask, texts in its strongest usual way."""

from __future__ import annotations

from dataclasses import dataclass

from harness.backbones.family import Backbone
from harness.modes import Mode
from harness.modes.autoregressive import CAUSAL, UNILM
from harness.modes.reading import Reading


@dataclass(frozen=True)
class Native:
    """A decoder writes from left to right; an encoder as `unilm`, its source read both ways."""

    name: str

    def bind(self, backbone: Backbone, writes: bool) -> Mode:
        """The mode for this model and kind of task."""
        if not writes:
            return Reading(self.name).bind(backbone, writes)
        return (CAUSAL if backbone.mode == "causal" else UNILM).bind(backbone, writes)
