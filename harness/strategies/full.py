"""Full fine-tuning: every parameter is trained."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Full:
    """Trains body and head."""

    name = "full"

    def adapt(self, model: nn.Module) -> None:
        """Mark what is trained."""
        model.requires_grad_(True)
