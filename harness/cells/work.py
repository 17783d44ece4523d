"""What one cell works on, whatever its answers are.

Implemented by `labelling` and `writing`, and by `asking` where nothing is trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from harness.cells.view import Reader
from harness.contracts import Counts
from harness.models.batching import Batch
from harness.models.encoding import Encoded
from harness.models.heads import Predictor, Writer
from harness.record import Likelihood


@dataclass(frozen=True)
class Conclusion:
    """What is kept of a tuned model's answers to one split."""

    counts: Counts
    rows: Sequence[Mapping[str, Any]]  # one per example, for people
    probes: Mapping[str, Any]
    truncation: Mapping[str, int]
    majority: Mapping[str, int]  # summed columns of the rule that ignores the input
    unseen_classes: Sequence[str] = ()
    signatures: Mapping[str, str] = field(default_factory=dict)
    likelihood: Likelihood | None = None
    answering: Mapping[str, float] | None = None
    """What an answer takes where it is not one pass over a text, means over the examples: `tokens`
    that go through the body, `passes` of it, and `flops`."""


class Work(Protocol):
    """A model with the data that it is judged on."""

    @property
    def model(self) -> nn.Module:
        """What answers."""

    @property
    def body(self) -> nn.Module:
        """The network without its answer layer."""

    @property
    def reader(self) -> Reader:
        """How its examples become tensors."""

    @property
    def metrics(self) -> Sequence[str]:
        """Modules of `harness.metrics`, headline first."""

    @property
    def classes(self) -> Sequence[str]:
        """What answer indices mean; empty where answers are texts."""

    @property
    def training(self) -> Encoded:
        """The training examples as token ids."""

    def conclude(self) -> Conclusion:
        """Answers to the split that the cell is scored on; the model is then on the CPU."""


class Trainee(Work, Protocol):
    """A model that is tuned first."""

    @property
    def model(self) -> Predictor | Writer:
        """What is tuned, and answers."""

    def lengths(self) -> NDArray[np.int64]:
        """Words per training row: what batches are planned on."""

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen training rows."""

    def score_dev(self) -> float:
        """The headline metric on the dev split."""


def truncations(counted: Mapping[str, Mapping[str, int]], scored: str) -> dict[str, int]:
    """What did not fit, of every split that was read; the split that is scored has no prefix."""
    found = dict(counted[scored])
    for name, counts in counted.items():
        if name != scored:
            found |= {f"{name}.{what}": count for what, count in counts.items()}
    return found
