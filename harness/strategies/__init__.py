"""Which parameters are tuned, one strategy a file. A strategy knows no family and no task."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import nn

from harness.models.heads import Predictor, Writer


class Passes(NamedTuple):
    """What training takes, in forward passes over the training split: for forecasts.

    A record counts what its model really took (`harness.cells.facts`).
    """

    each: float  # of an epoch; 3 where everything is tuned
    once: float = 0.0  # before the first epoch


class Strategy(Protocol):
    """Implemented by the files beside this one."""

    @property
    def passes(self) -> Passes:
        """What training takes."""

    def check(self, body: nn.Module, writes: bool) -> None:
        """Look at a body, which may be shapes alone, before anything is trained.

        `writes` is True where answers are texts. Raises InputError for a setting that does not fit
        the body, Unsupported where the combination makes no sense.
        """

    def adapt(self, model: Predictor | Writer, seed: int) -> None:
        """Mark what is trained, and add what the strategy trains besides, drawn from `seed`."""

    def settle(self, model: Predictor | Writer) -> None:
        """Training has ended: leave the layers that the model had before."""
