"""A body with an answer layer on top: what is fine-tuned and what answers.

A `Predictor` has a new linear layer and gives classes; a `Writer` has its language-model head and
gives tokens.
"""

from __future__ import annotations

from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from harness.backbones import body as bodies
from harness.backbones.attention import Memory
from harness.backbones.family import Backbone
from harness.models.batching import Batch


class Reads(Protocol):
    """What a predictor needs to know of its mode."""

    def allowed(self, real: Tensor) -> Tensor:
        """[batch, length] -> [batch, from, to]."""

    def above(self, real: Tensor, layers: int) -> tuple[int, Tensor] | None:
        """The first layer that sees otherwise, and how; None where all `layers` see alike."""


class Predictor(nn.Module):
    """Body -> the positions that answer, or a mean of several -> dropout -> linear.

    What differs between families and modes is which positions the batch names, and the mask.
    """

    def __init__(
        self, mode: Reads, body: nn.Module, classes: int, dropout: float, seed: int
    ) -> None:
        super().__init__()
        self.mode = mode
        self.body = body
        self.dropout = nn.Dropout(dropout)
        size = bodies.size(body)
        self.layers = size.layers
        # The head of both models of a pair starts from the same numbers where shapes agree.
        self.head = new_linear(size.width, classes, seed, bias=_keeps_bias(body))
        self.extracts = False  # the body stays as it is and only makes features: no dropout in it

    @property
    def fresh(self) -> list[nn.Module]:
        """What pretraining has not made."""
        return [self.head]

    def train(self, mode: bool = True) -> Self:
        """As of any module; a body that only makes features is always as in use."""
        super().train(mode)
        if self.extracts:
            self.body.eval()
        return self

    def represent(
        self,
        ids: Tensor,
        real: Tensor,
        segments: Tensor | None = None,
        memory: Memory | None = None,
    ) -> Tensor:
        """Last hidden states [batch, from, width].

        ids, segments [batch, from]; real [batch, to]: without a memory `to` is `from`, with one
        the positions that it keeps come first.
        """
        allowed = self.mode.allowed(real)[:, -ids.shape[1] :]
        above = self.mode.above(real, self.layers)
        seen = bodies.forward(self.body, ids, real, allowed, segments, memory, above)
        hidden: Tensor = seen.last_hidden_state
        return hidden

    def forward(self, batch: Batch, memory: Memory | None = None) -> Tensor:
        """Logits [answers, classes]; several readings of the same examples are averaged."""
        states = self.features(batch, memory) if batch.features is None else batch.features
        logits: Tensor = self.head(self.dropout(states))
        return logits.view(batch.readings, -1, logits.shape[-1]).mean(0)

    def features(self, batch: Batch, memory: Memory | None = None) -> Tensor:
        """Last hidden states of the positions that answer, [readings * answers, width].

        Where the batch says so, their mean over each row's averaged tokens.
        """
        hidden = self.represent(batch.ids, batch.real, batch.segments, memory)
        if batch.averaged is None:
            return hidden[batch.rows, batch.columns]
        taken = batch.averaged.to(hidden.dtype)
        return (taken[:, None] @ hidden)[:, 0] / taken.sum(1, keepdim=True)

    def loss(self, batch: Batch) -> Tensor:
        """Mean cross-entropy of the answers."""
        return nn.functional.cross_entropy(self(batch), batch.targets)


class Writing(Protocol):
    """What a writer needs to know of its mode."""

    @property
    def length_weight(self) -> float | None:
        """How much the loss of the length counts; None where the length is not predicted."""

    def allowed(self, real: Tensor, source: Tensor) -> Tensor:
        """[batch, length] twice -> [batch, from, to]."""


class Writer(nn.Module):
    """A language model under a mode's mask, with a length head where the mode predicts lengths."""

    def __init__(
        self, backbone: Backbone, mode: Writing, model: nn.Module, longest: int, seed: int
    ) -> None:
        super().__init__()
        self.backbone, self.mode, self.model = backbone, mode, model
        width = bodies.size(bodies.body_of(model)).width
        self.length = None if mode.length_weight is None else new_linear(width, longest, seed)

    @property
    def body(self) -> nn.Module:
        """The network without its head."""
        return bodies.body_of(self.model)

    @property
    def fresh(self) -> list[nn.Module]:
        """What pretraining has not made."""
        return [] if self.length is None else [self.length]

    def hidden(
        self,
        ids: Tensor,
        real: Tensor,
        source: Tensor,
        memory: Memory | None = None,
    ) -> Tensor:
        """Last hidden states [batch, from, width].

        ids [batch, from]; real, source [batch, to]: without a memory `to` is `from`, with one the
        positions that it keeps come first.
        """
        allowed = self.mode.allowed(real, source)[:, -ids.shape[1] :]
        segments = ~source[:, -ids.shape[1] :]
        seen = bodies.forward(self.body, ids, real, allowed, segments, memory)
        hidden: Tensor = seen.last_hidden_state
        return hidden

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., width] -> [..., vocabulary]."""
        return bodies.vocabulary_logits(self.model, hidden)

    def forward(self, batch: Batch) -> Tensor:
        """Logits [answers, vocabulary] at the positions that the batch names."""
        return self._both(batch)[0]

    def loss(self, batch: Batch) -> Tensor:
        """Mean cross-entropy of the tokens asked for, and of the length where it is predicted."""
        logits, hidden = self._both(batch)
        loss = nn.functional.cross_entropy(logits, batch.targets)
        if self.length is None or self.mode.length_weight is None:
            return loss
        lengths = (_target(batch) & batch.real).sum(1)
        asked = nn.functional.cross_entropy(self.lengths(hidden[:, 0]), lengths - 1)
        return loss + self.mode.length_weight * asked

    def lengths(self, first: Tensor) -> Tensor:
        """Logits of the target's length, from the source's first position [batch, width]."""
        assert self.length is not None
        logits: Tensor = self.length(first)
        return logits

    def _both(self, batch: Batch) -> tuple[Tensor, Tensor]:
        hidden = self.hidden(batch.ids, batch.real, ~_target(batch))
        return self.logits(hidden[batch.rows, batch.columns]), hidden


def _target(batch: Batch) -> Tensor:
    if batch.segments is None:
        raise ValueError("a batch for writing must tell the target from the source")
    return batch.segments


def new_linear(width: int, classes: int, seed: int, bias: bool = True) -> nn.Linear:
    """An answer layer drawn from `seed` alone: weights from N(0, 0.02), a bias of 0 or none."""
    layer: Any = nn.utils.skip_init(nn.Linear, width, classes, bias=bias)  # type: ignore[no-untyped-call]
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        layer.weight.normal_(0.0, 0.02, generator=rng)
        if bias:
            layer.bias.zero_()
    linear: nn.Linear = layer
    return linear


_WITHOUT_BIAS = ("llama", "mistral", "olmo2", "qwen2", "qwen3")
"""model_type of decoders whose last norm only scales (RMSNorm) and whose classes in `transformers`
answer by a layer without a bias: there is no place that a learnt bias could be written to."""


def _keeps_bias(body: nn.Module) -> bool:
    config: Any = body.config
    return config.model_type not in _WITHOUT_BIAS
