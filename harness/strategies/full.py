"""Full fine-tuning: every parameter is trained."""

from __future__ import annotations

from dataclasses import dataclass

from harness.heads import Predictor, Writer


@dataclass(frozen=True)
class Full:
    """Trains body and head."""

    name = "full"

    def adapt(self, model: Predictor | Writer) -> None:
        """Mark what is trained."""
        model.requires_grad_(True)
