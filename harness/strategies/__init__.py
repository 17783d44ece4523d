"""Which parameters are tuned, one strategy a file. A strategy knows no family and no task."""

from __future__ import annotations

from typing import Protocol

from harness.heads import Predictor, Writer


class Strategy(Protocol):
    """Implemented by the files beside this one."""

    def adapt(self, model: Predictor | Writer) -> None:
        """Mark what is trained, and add what the strategy trains besides."""
