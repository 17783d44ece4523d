"""What a family tells of itself: how it frames a text, who sees whom, what it learns by.

`gpt` and `bert` implement `Backbone`; `body` is the network that both share and knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

MEAN = "mean"
"""Pooling over the tokens of a text's words, which a mode may ask of either family."""


class Frame(NamedTuple):
    """Ids before a text, after it, and between the two texts of a pair."""

    before: list[int]
    after: list[int]
    between: list[int] = []  # noqa: RUF012 - read only


@dataclass(frozen=True)
class Specials:
    """Ids of special tokens. Ordinary tokens are `count` <= id < `vocabulary`.

    Where special tokens do not come first (GPT-2's stands last), `count` is 0 and some of those
    are special. `bos` and `template` are what the tokenizer itself puts before a text and around
    texts; None where it says nothing.
    """

    pad: int
    unk: int
    cls: int
    sep: int
    mask: int
    eos: int
    count: int
    vocabulary: int
    bos: int | None = None
    template: Frame | None = None


class Lesson(NamedTuple):
    """One pretraining batch: inputs and real [batch, length], targets with -100 where unasked."""

    inputs: Tensor
    real: Tensor
    targets: Tensor


class Backbone(Protocol):
    """How a family reads. Implemented by `gpt.Gpt` and `bert.Bert`."""

    @property
    def name(self) -> str:
        """The model's name in configuration and reports."""

    @property
    def family(self) -> str:
        """Either "gpt" or "bert"."""

    @property
    def pair(self) -> str:
        """The pair this model belongs to."""

    @property
    def match(self) -> str:
        """How well the pair is matched, in words."""

    @property
    def level(self) -> str:
        """How well the pair is matched: "as released", "same data and size", "twin"."""

    @property
    def weights(self) -> str:
        """One of "embedded", "scratch", or a folder in the hub's format."""

    @property
    def architecture(self) -> Mapping[str, Any]:
        """Arguments of the transformers config."""

    @property
    def label_piece(self) -> str:
        """Either "first" or "last": the piece of a word that carries the word's answer."""

    @property
    def pooling(self) -> str:
        """Either "cls" (first position) or "last" (last real one): carries an example's answer."""

    @property
    def mode(self) -> str:
        """What the family claims about its mask: "causal" or "bidirectional"."""

    @property
    def objective(self) -> str:
        """Either "clm" or "mlm"."""

    @property
    def vocabulary(self) -> int:
        """Pieces of a tokenizer trained on the spot, where the data brings none."""

    def frame(self, specials: Specials) -> Frame:
        """Ids around a text and between two; what ends a text also ends a written one."""

    def added(self, specials: Specials) -> int:
        """Tokens that `frame` puts before a text and a tokenizer of the family would not."""

    def allowed(self, real: Tensor) -> Tensor:
        """[batch, length] -> [batch, from, to], True where a position may look."""

    def lesson(self, ids: Tensor, real: Tensor, specials: Specials, rng: torch.Generator) -> Lesson:
        """A pretraining batch from whole texts."""
