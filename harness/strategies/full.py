"""Full fine-tuning: every parameter is trained."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from harness.models.heads import Predictor, Writer
from harness.strategies import Passes


@dataclass(frozen=True)
class Full:
    """Trains body and head."""

    name = "full"
    passes = Passes(3.0)

    def check(self, body: nn.Module, writes: bool) -> None:
        """It goes with everything."""

    def adapt(self, model: Predictor | Writer, seed: int) -> None:
        """Mark what is trained."""
        model.requires_grad_(True)

    def settle(self, model: Predictor | Writer) -> None:
        """Nothing was added."""
