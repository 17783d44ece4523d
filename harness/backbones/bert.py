"""The encoder family: sees both sides of every position, was pretrained to fill gaps.

A text is framed as `[CLS] text [SEP]`, or as the tokenizer's own template says (RoBERTa's
`<s> one </s></s> other </s>`). One answer per example is read at [CLS]; one answer per
word at the word's first piece, as published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.backbones import masks
from harness.backbones.family import Frame, Lesson, Specials

MASK_SHARE = 0.8  # of the chosen positions; the rest keep the word or get a random one, half each
RANDOM_SHARE = 0.1  # (Devlin et al. 2019, section 3.1)


@dataclass(frozen=True)
class Bert:
    """An encoder as configured; `architecture` holds the arguments of its transformers config."""

    name: str
    pair: str
    match: str
    weights: str
    architecture: Mapping[str, Any]
    level: str = "as released"
    label_piece: str = "first"
    pooling: str = "cls"
    mode: str = "bidirectional"
    vocabulary: int = 8000
    mask_share: float = 0.3

    family = "bert"
    objective = "mlm"

    def frame(self, specials: Specials) -> Frame:
        """`[CLS] text [SEP]`, `[CLS] one [SEP] other [SEP]`; or what the tokenizer does itself."""
        if specials.template is not None:
            return specials.template
        return Frame([specials.cls], [specials.sep], [specials.sep])

    def added(self, specials: Specials) -> int:
        """None: `[CLS]` is the tokenizer's own."""
        return 0

    def allowed(self, real: Tensor) -> Tensor:
        """Who may attend to whom: [batch, from, to], True where a position may look.

        `real` is [batch, length], False at padding, on either side.
        """
        return masks.both_ways(real)

    def lesson(self, ids: Tensor, real: Tensor, specials: Specials, rng: torch.Generator) -> Lesson:
        """Gap filling: `mask_share` of the ordinary tokens are chosen, corrupted and asked for."""
        ordinary = real & (ids >= specials.count)
        chosen = (torch.rand(ids.shape, generator=rng) < self.mask_share) & ordinary
        fate = torch.rand(ids.shape, generator=rng)
        noise = torch.randint(specials.count, specials.vocabulary, ids.shape, generator=rng)
        inputs = torch.where(chosen & (fate < MASK_SHARE), specials.mask, ids)
        inputs = torch.where(chosen & (fate >= 1 - RANDOM_SHARE), noise, inputs)
        return Lesson(inputs, real, ids.masked_fill(~chosen, -100))
