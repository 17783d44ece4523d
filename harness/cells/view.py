"""How a model sees a data set: what its configuration builds, and examples as tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness import pretrain, train
from harness.backbones import body as bodies
from harness.backbones.family import Backbone, Frame, Specials
from harness.contracts import Example, InputError, LabelTask, Splits
from harness.decoding import Decoding
from harness.examples import data
from harness.examples.windows import WINDOWS
from harness.models import batching, encoding, piecewise
from harness.models.batching import Batch
from harness.models.encoding import Encoded, Room, Windowed
from harness.models.stretches import Stretches, stretches
from harness.modes import Mode
from harness.planning.configuration import build
from harness.strategies import Strategy
from harness.weights.assets import Asset


@dataclass(frozen=True)
class Parts:
    """What a configuration builds, besides data."""

    backbone: Backbone
    task: Any  # a LabelTask or a TextTask
    strategy: Strategy
    knobs: train.Training
    mode: Mode
    decoding: Decoding

    @property
    def windows(self) -> bool:
        """Texts that do not fit are read in windows: where every word gets an answer."""
        return self.task.shape == "tags" and self.knobs.long == WINDOWS

    @property
    def pooling(self) -> str:
        """Where one answer an example is read: as the mode says, else where the family does."""
        mode: Any = self.mode
        return getattr(mode, "pooling", None) or self.backbone.pooling


def parts_of(config: Mapping[str, Any]) -> Parts:
    """Build what a cell needs besides data."""
    names = ("model", "task", "strategy", "train", "mode", "decoding")
    backbone, task, strategy, knobs, choice, decoding = (build(config[n], n) for n in names)
    mode = choice.bind(backbone, task.shape == "text")
    if getattr(mode, "by_piece", False):
        piecewise.check(task.shape, strategy.passes.each > 0)
    return Parts(backbone, task, strategy, knobs, mode, decoding)


@dataclass(frozen=True)
class Reader:
    """How examples become tensors for this model: tokenizer, frame, room, cache."""

    tokenizer: Any
    specials: Specials
    frame: Frame
    key: str
    cache: Path
    room: Room
    copies: int = 1  # times a text stands in its row: answers are read on the last one

    def repeated(self, encoded: Encoded) -> Encoded:
        """Rows as the model reads them."""
        if self.copies == 1:
            return encoded
        return encoding.echoed(encoded, len(self.frame.before))

    def encode(
        self,
        kind: str,
        digest: str,
        texts: Sequence[Sequence[str]],
        seconds: Sequence[Sequence[str]] | None = None,
    ) -> Encoded:
        """Token ids of the texts of a split, from the cache where they are there.

        `kind` says which texts of the split these are.
        """
        encoding.space_of(self.room, self.frame, seconds is not None)
        place, key = self.cache / "encoded", [self.key, digest, kind]
        return self.repeated(
            encoding.cached(place, key, texts, self.tokenizer, self.frame, self.room, seconds)
        )

    def windowed(self, digest: str, texts: Sequence[Sequence[str]]) -> Windowed:
        """Windows over the texts of a split, from the same cache."""
        place, key = self.cache / "encoded", [self.key, digest, "texts"]
        found = encoding.cached_windows(place, key, texts, self.tokenizer, self.frame, self.room)
        return replace(found, rows=self.repeated(found.rows))


def reader_of(asset: Asset, parts: Parts, cache: Path) -> Reader:
    """The reader that an asset's tokenizer and a model's habits make."""
    tokenizer = pretrain.load_tokenizer(Path(asset.folder))
    special = pretrain.specials(tokenizer)
    return reading(tokenizer, special, parts, asset.tokenizer_digest, cache)


def reading(
    tokenizer: Any, specials: Specials, parts: Parts, key: str = "", cache: Path = Path()
) -> Reader:
    """A tokenizer beside a model's habits; without a `key` nothing is cached."""
    frame, copies = parts.backbone.frame(specials), getattr(parts.mode, "copies", 1)
    return Reader(tokenizer, specials, frame, key, cache, room_of(parts), copies)


def room_of(parts: Parts) -> Room:
    """Tokens that fit. Raises InputError where nothing would be left for an input."""
    longest, written, special = parts.knobs.max_length, parts.decoding.max_new_tokens, 3
    mode: Any = parts.mode
    if not mode.writes:
        return Room(longest if mode.copies == 1 else (longest + 1) // 2)
    if longest - written - special < 1:
        raise InputError(
            f"decoding.max_new_tokens={written} leaves no room for an input within "
            f"train.max_length={longest}; lower the one or raise the other"
        )
    return Room(longest, longest - written - special, written - 1)


Batches = Callable[[NDArray[np.int64]], Batch]
Predict = Callable[
    [NDArray[np.int64], Batches], tuple[list[tuple[int, ...]], list[tuple[float, ...]]]
]


@dataclass(frozen=True)
class Side:
    """One split as a model that gives labels sees it; `encoded` holds one entry a reading.

    `stretches` is there where a text did not fit and is read in windows; `encoded` is then what
    cutting would have left.
    """

    examples: Sequence[Example]
    encoded: Sequence[Encoded]
    targets: Sequence[NDArray[np.int64]]
    read_at: str
    pad: int
    stretches: Stretches | None = None

    @property
    def rows(self) -> Encoded:
        """What is read, as token ids: examples in their own order, or windows over them."""
        return self.encoded[0] if self.stretches is None else self.stretches.windowed.rows

    @property
    def words(self) -> NDArray[np.int64]:
        """Words per training row, before cutting: what batches are planned on."""
        if self.stretches is not None:
            return self.stretches.words
        return self.encoded[0].words.astype(np.int64)

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen training rows, every reading of them."""
        if self.stretches is not None:
            return self.stretches.lesson(chosen)
        made = [
            batching.collate(one, self.targets, chosen, self.read_at, self.pad)
            for one in self.encoded
        ]
        return batching.stacked(made)

    def answered(self, predict: Predict) -> tuple[list[tuple[int, ...]], list[tuple[float, ...]]]:
        """Answers and their probabilities per example, in order.

        `predict` is told the words of each row, and makes batches of chosen rows.
        """
        if self.stretches is None:
            return predict(self.words, self.batch)
        answers, confidences = predict(self.stretches.widths, self.stretches.batch)
        return self.stretches.joined(answers), self.stretches.joined(confidences)


def side_of(
    examples: Sequence[Example],
    digest: str,
    task: LabelTask,
    classes: Sequence[str],
    reader: Reader,
    read_at: str,
    both_orders: bool,
    windows: bool = False,
) -> Side:
    """One split, encoded, with its gold answers; `windows` reads in windows what does not fit."""
    targets = [np.asarray(task.targets(e, classes), np.int64) for e in examples]
    one = [e.words for e in examples]
    if any(e.second for e in examples):
        other = [e.second for e in examples]
        encoded = [reader.encode("pairs", digest, one, other)]
        if both_orders:
            encoded.append(reader.encode("turned", digest, other, one))
        return Side(examples, encoded, targets, read_at, reader.specials.pad)
    if both_orders:
        raise InputError("mode=both_orders reads pairs, but these examples are single texts")
    side = Side(
        examples, [reader.encode("texts", digest, one)], targets, read_at, reader.specials.pad
    )
    if not windows or side.encoded[0].fit:
        return side
    found = reader.windowed(digest, one)
    longest = reader.room.total  # words, as a word has at least one token: the same for all models
    return replace(side, stretches=stretches(found, targets, read_at, side.pad, longest))


def overlong(
    parts: Parts, asset: Asset, splits: Splits, digests: Mapping[str, str], cache: Path
) -> bool:
    """Whether words are to be tagged in some text that does not fit."""
    if parts.task.shape != "tags":
        return False
    reader = reader_of(asset, parts, cache)
    every = data.parts(splits).items()
    return not all(
        reader.encode("texts", digests[name], [e.words for e in examples]).fit
        for name, examples in every
        if examples
    )


@dataclass(frozen=True)
class Pages:
    """One split as a model that writes sees it.

    `rows` are (input, reference) pairs, as many as there are references; `owners` names the
    example of each. `sources` are the inputs alone, as they stand before an answer.
    """

    examples: Sequence[Example]
    rows: Encoded
    owners: NDArray[np.int64]
    sources: Encoded
    pad: int

    def prompts(self, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Token ids and real positions [batch, length] of inputs, padded on the left."""
        return batching.texts(self.sources, chosen, self.pad, left=True)

    def next_tokens(self, chosen: NDArray[np.int64]) -> Batch:
        """Rows in which every token of the target, its end included, is asked for."""
        ids, real = batching.texts(self.rows, chosen, self.pad)
        segments = batching.segments(self.rows, chosen, ids.shape[1])
        asked = (segments & real)[:, 1:]
        rows, columns = asked.nonzero(as_tuple=True)
        return Batch(ids, real, rows, columns, ids[:, 1:][asked], segments)

    def hidden_tokens(self, chosen: NDArray[np.int64], mask: int, rng: torch.Generator) -> Batch:
        """Rows of whose targets a random number of tokens is hidden, at least one, and asked."""
        ids, real = batching.texts(self.rows, chosen, self.pad)
        segments = batching.segments(self.rows, chosen, ids.shape[1])
        target = segments & real
        lengths = target.sum(1)
        count = (torch.rand(len(ids), generator=rng) * lengths).long() + 1  # 1 to all, alike
        noise = torch.rand(ids.shape, generator=rng).masked_fill(~target, 2.0)
        asked = (noise.argsort(1).argsort(1) < count[:, None]) & target
        rows, columns = asked.nonzero(as_tuple=True)
        return Batch(ids.masked_fill(asked, mask), real, rows, columns, ids[asked], segments)


def pages_of(
    examples: Sequence[Example], digest: str, reader: Reader, ends: bool, room: Room
) -> Pages:
    """One split, encoded; `ends` says whether the end of a text is written too."""
    owners = [i for i, e in enumerate(examples) for _ in _references(e)]
    references = [text.split() for e in examples for text in _references(e)]
    before, after, between = reader.frame
    kinds = {True: "rows", False: "rows without end"}
    rows = Reader(
        reader.tokenizer,
        reader.specials,
        Frame(before, after if ends else [], between),
        reader.key,
        reader.cache,
        room,
    )
    alone = Reader(
        reader.tokenizer,
        reader.specials,
        Frame(before, between),
        reader.key,
        reader.cache,
        Room(room.first + len(before) + len(between)),
    )
    return Pages(
        examples,
        rows.encode(kinds[ends], digest, [examples[i].words for i in owners], references),
        np.asarray(owners, np.int64),
        alone.encode("sources", digest, [e.words for e in examples]),
        reader.specials.pad,
    )


def _references(example: Example) -> Sequence[str]:
    if isinstance(example.target, int):
        raise InputError(f"example {example.id}: expected reference texts; use data=... with texts")
    return example.target


def refuse_longer(max_length: int, body: nn.Module) -> None:
    """Raise InputError where texts may be longer than a body can read."""
    longest = bodies.positions(body)
    if longest is not None and max_length > longest:
        raise InputError(
            f"train.max_length={max_length}: this model reads at most {longest} tokens; "
            f"set train.max_length={longest} or less"
        )
