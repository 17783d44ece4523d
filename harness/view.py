"""How a model sees a data set: what its configuration builds, and examples as tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from harness import batching, encoding, pretrain, train
from harness.assets import Asset
from harness.backbones import body as bodies
from harness.backbones.body import Backbone, Specials
from harness.batching import Batch
from harness.configuration import build
from harness.contracts import Example, InputError, Task
from harness.encoding import Encoded
from harness.strategies import Strategy


@dataclass(frozen=True)
class Parts:
    """What a configuration builds, besides data."""

    backbone: Backbone
    task: Task
    strategy: Strategy
    knobs: train.Training


def parts_of(config: Mapping[str, Any]) -> Parts:
    """Build what a cell needs besides data."""
    names = ("model", "task", "strategy", "train")
    return Parts(*(build(config[name], name) for name in names))


@dataclass(frozen=True)
class Reader:
    """How examples become tensors for this model: tokenizer, frame, where answers are read."""

    tokenizer: Any
    specials: Specials
    frame: tuple[list[int], list[int]]
    read_at: str
    key: str
    cache: Path
    max_length: int

    def encode(self, examples: Sequence[Example], digest: str) -> Encoded:
        """Token ids of a split, from the cache where they are there."""
        return encoding.cached(
            self.cache / "encoded",
            [self.key, digest],
            [e.words for e in examples],
            self.tokenizer,
            self.frame,
            self.max_length,
        )


@dataclass(frozen=True)
class Side:
    """One split as this model sees it."""

    examples: Sequence[Example]
    encoded: Encoded
    targets: Sequence[NDArray[np.int64]]
    reader: Reader

    @property
    def words(self) -> NDArray[np.int64]:
        """Words per example, before cutting: what batches are planned on."""
        return self.encoded.words.astype(np.int64)

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen examples."""
        reader = self.reader
        return batching.collate(
            self.encoded, self.targets, chosen, reader.read_at, reader.specials.pad
        )


def reader_of(asset: Asset, parts: Parts, cache: Path) -> Reader:
    """The reader that an asset's tokenizer and a model's habits make."""
    tokenizer = pretrain.load_tokenizer(Path(asset.folder))
    special = pretrain.specials(tokenizer)
    backbone = parts.backbone
    return Reader(
        tokenizer=tokenizer,
        specials=special,
        frame=backbone.frame(special),
        read_at=f"{backbone.label_piece}_piece" if parts.task.per_word else backbone.pooling,
        key=asset.tokenizer_digest,
        cache=cache,
        max_length=parts.knobs.max_length,
    )


def side_of(
    examples: Sequence[Example], digest: str, task: Task, classes: Sequence[str], reader: Reader
) -> Side:
    """One split, encoded, with its gold answers."""
    targets = [np.asarray(task.targets(e, classes), np.int64) for e in examples]
    return Side(examples, reader.encode(examples, digest), targets, reader)


def refuse_longer(max_length: int, body: nn.Module) -> None:
    """Raise InputError where texts may be longer than a body can read."""
    longest = bodies.positions(body)
    if longest is not None and max_length > longest:
        raise InputError(
            f"train.max_length={max_length}: this model reads at most {longest} tokens; "
            f"set train.max_length={longest} or less"
        )
