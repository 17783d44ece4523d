"""A body with a linear answer layer on top: what is fine-tuned and what predicts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.backbones import body as bodies
from harness.backbones.body import Backbone
from harness.batching import Batch


class Predictor(nn.Module):
    """Body -> the positions that answer -> dropout -> linear.

    Native reading of both families: the difference lies in which positions the batch names and
    in the backbone's mask.
    """

    def __init__(
        self, backbone: Backbone, body: nn.Module, classes: int, dropout: float, seed: int
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.body = body
        width = bodies.size(body).width
        self.dropout = nn.Dropout(dropout)
        self.head: nn.Linear = nn.utils.skip_init(nn.Linear, width, classes)  # type: ignore[no-untyped-call]
        # The head of both models of a pair starts from the same numbers where shapes agree.
        rng = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.head.weight.normal_(0.0, 0.02, generator=rng)
            self.head.bias.zero_()

    def represent(self, ids: Tensor, real: Tensor) -> Tensor:
        """Last hidden states [batch, length, width]."""
        hidden: Tensor = bodies.forward(
            self.body, ids, real, self.backbone.allowed(real)
        ).last_hidden_state
        return hidden

    def forward(self, batch: Batch) -> Tensor:
        """Logits [answers, classes]."""
        hidden = self.represent(batch.ids, batch.real)[batch.rows, batch.columns]
        logits: Tensor = self.head(self.dropout(hidden))
        return logits
