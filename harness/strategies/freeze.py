"""The lowest layers stay as pretraining left them; the others are tuned with the answer layer."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from harness.backbones import layers
from harness.contracts import InputError
from harness.models.heads import Predictor, Writer
from harness.strategies import Passes


@dataclass(frozen=True)
class Freeze:
    """Leaves `share` of the layers, the lowest ones, as they are, and embeddings with them.

    A share of 0 is full fine-tuning. Where a language model's head is tied to the embeddings, it
    stays with them. Raises InputError for a share that is none.
    """

    share: float

    name = "freeze"

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise InputError(f"strategy.share={self.share}: expected a share of layers from 0 to 1")

    @property
    def passes(self) -> Passes:
        """Nothing is carried back into the layers that stay."""
        return Passes(3.0 - 2.0 * self.share)

    def check(self, body: nn.Module, writes: bool) -> None:
        """It goes with everything."""

    def adapt(self, model: Predictor | Writer, seed: int) -> None:
        """Mark what is trained."""
        model.requires_grad_(True)
        stack = layers.stack(model.body)
        count = round(self.share * len(stack))
        if count:
            for part in [*layers.below(model.body), *stack[:count]]:
                part.requires_grad_(False)

    def settle(self, model: Predictor | Writer) -> None:
        """Nothing was added."""
