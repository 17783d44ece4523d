"""The body is a fixed feature extractor: nothing but the answer layer is trained.

The body stays as pretraining left it and reads as it does in use, without dropout, so it has to
read every text once only (`harness.models.features`); each epoch is then one of a linear layer.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from harness.contracts import Unsupported
from harness.models.heads import Predictor, Writer
from harness.strategies import Passes

NO_TEXTS = (
    "strategy=head_only trains a new answer layer on a fixed body, but texts are written by the "
    "language model's own head, which was pretrained with that body and mostly is its table of "
    "embeddings: there is no new layer to train; choose another strategy, such as lora"
)


@dataclass(frozen=True)
class HeadOnly:
    """Trains the answer layer of a predictor."""

    name = "head_only"
    passes = Passes(each=0.0, once=1.0)

    def check(self, body: nn.Module, writes: bool) -> None:
        """Raise Unsupported where answers are texts."""
        if writes:
            raise Unsupported(NO_TEXTS)

    def adapt(self, model: Predictor | Writer, seed: int) -> None:
        """Mark what is trained. Raises Unsupported for a model that writes."""
        if isinstance(model, Writer):
            raise Unsupported(NO_TEXTS)
        model.requires_grad_(False)
        model.head.requires_grad_(True)
        model.extracts = True
        model.train(model.training)

    def settle(self, model: Predictor | Writer) -> None:
        """Nothing was added."""
