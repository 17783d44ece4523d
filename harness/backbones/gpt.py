"""The decoder family: reads left to right, answers where it has seen the most.

A text is framed as `<eos> text <eos>`. GPT-2 has one special token for both ends, and its
pretraining starts every text with it. A tokenizer that starts texts in another way (Llama's `<s>`,
Ettin's `[CLS]`) keeps to it; one with no such token starts with the end of the text before, which
is what stood there in pretraining. One answer per example is read at the last real token,
found by the attention mask and never by comparing ids with the padding id; one answer per word
is read at the word's last piece, because at the first piece a causal reader has not seen the
word yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.backbones import masks
from harness.backbones.family import Frame, Lesson, Specials


@dataclass(frozen=True)
class Gpt:
    """A decoder as configured; `architecture` holds the arguments of its transformers config."""

    name: str
    pair: str
    match: str
    weights: str
    architecture: Mapping[str, Any]
    level: str = "as released"
    label_piece: str = "last"
    pooling: str = "last"
    mode: str = "causal"
    vocabulary: int = 8000

    family = "gpt"
    objective = "clm"

    def frame(self, specials: Specials) -> Frame:
        """`<eos> text <eos>`, `<eos> one <sep> other <eos>`; `<bos>` before where there is one.

        Without a separator of its own (GPT-2, Llama) `<eos>` stands between: every decoder has
        it as one token, and no text contains it, as a text may contain any line break or word.
        """
        start = [specials.eos if specials.bos is None else specials.bos]
        if specials.template is not None and specials.template.before:
            start = specials.template.before
        return Frame(start, [specials.eos], [specials.sep])

    def added(self, specials: Specials) -> int:
        """The one that starts a text, as GPT-2's tokenizer puts none; Llama's puts its own."""
        own = specials.template is not None and bool(specials.template.before)
        return 0 if own else 1

    def allowed(self, real: Tensor) -> Tensor:
        """Who may attend to whom: [batch, from, to], True where a position may look.

        `real` is [batch, length], False at padding, on either side.
        """
        return masks.causal(real)

    def lesson(self, ids: Tensor, real: Tensor, specials: Specials, rng: torch.Generator) -> Lesson:
        """Next-token prediction on every real position: nothing is drawn."""
        inputs, targets = ids[:, :-1], ids[:, 1:]
        return Lesson(inputs, real[:, :-1], targets.masked_fill(~real[:, 1:], -100))
