"""Each family as it was built: labels under its own mask, texts in its strongest usual way."""

from __future__ import annotations

from dataclasses import dataclass

from harness.backbones.family import Backbone
from harness.contracts import InputError
from harness.modes import Mode
from harness.modes.autoregressive import CAUSAL, UNILM
from harness.modes.reading import Reading
from harness.planning.configuration import PIECES, WORDS


@dataclass(frozen=True)
class Native:
    """A decoder writes from left to right; an encoder as `unilm`, its source read both ways.

    `labels` of words are trained where they are read ("words"), or piece by piece ("pieces").
    Raises InputError for another value.
    """

    name: str
    labels: str = WORDS

    def __post_init__(self) -> None:
        if self.labels not in (WORDS, PIECES):
            raise InputError(f"mode.labels={self.labels}: expected {WORDS} or {PIECES}")

    def bind(self, backbone: Backbone, writes: bool) -> Mode:
        """The mode for this model and kind of task."""
        if not writes:
            return Reading(self.name, by_piece=self.labels == PIECES).bind(backbone, writes)
        if self.labels == PIECES:
            raise InputError("mode.labels=pieces is for tags (task=ner); this task writes texts")
        return (CAUSAL if backbone.mode == "causal" else UNILM).bind(backbone, writes)
