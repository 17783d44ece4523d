"""Cells whose answers are labels and whose model is not tuned: it is asked in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from harness.backbones import body as bodies
from harness.cells import facts, labelling, prompting
from harness.cells.view import Parts, reader_of
from harness.cells.work import Conclusion
from harness.models.encoding import Encoded
from harness.models.scoring import Scorer
from harness.planning.setup import Setup, used
from harness.weights.assets import Asset


class Asking:
    """Implements `work.Work`. Dev is never looked at: nothing is chosen by it."""

    def __init__(self, setup: Setup, asset: Asset, parts: Parts) -> None:
        self.parts, self.splits = parts, setup.foundation.splits
        self.reader = reader_of(asset, parts, Path(setup.cache))
        self.classes: Sequence[str] = parts.task.classes(self.splits)
        self.metrics: Sequence[str] = parts.task.metrics(self.splits)
        self.scored = used(setup.cell.role)[-1]
        self.prepared = prompting.prepared(setup, asset, parts, self.reader, self.classes)

    @property
    def model(self) -> Scorer:
        """The pretrained model with its own head."""
        return self.prepared.model

    @property
    def body(self) -> nn.Module:
        """The network without its head."""
        return self.model.body

    @property
    def training(self) -> Encoded:
        """The training texts without prompts: what other strategies would be tuned on."""
        return self.prepared.plain

    def conclude(self) -> Conclusion:
        """Answers to the split that the cell is scored on; what was cut off solved examples too."""
        read = {self.scored: self.prepared.side, "shots": self.prepared.shots}
        found = labelling.concluded(self, self.prepared.side, read, self.scored)
        return replace(found, answering=self._answering())

    def _answering(self) -> Mapping[str, float]:
        """What an answer takes, the mean over the examples; FLOPs as in `facts`, head included."""
        lengths = self.prepared.side.encoded[0].lengths
        work = self.model.asked.work(float(lengths.mean()))
        size = bodies.size(self.body)
        flops = facts.forward_flops(size, float(lengths.mean())) * work["tokens"]
        head = 2.0 * size.width * self.reader.specials.vocabulary * work["asked"]
        return {"tokens": work["tokens"], "passes": work["passes"], "flops": flops + head}
