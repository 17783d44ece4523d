"""Full fine-tuning: every parameter is trained."""

from __future__ import annotations

from dataclasses import dataclass

from harness.heads import Predictor


@dataclass(frozen=True)
class Full:
    """Trains body and head."""

    name = "full"

    def adapt(self, predictor: Predictor) -> None:
        """Mark what is trained."""
        predictor.requires_grad_(True)
