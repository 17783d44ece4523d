"""A tuned model as a request finds it: words in, an answer out.

The one way from a kept checkpoint to answers outside training. What is timed elsewhere is built
from `Served.read` (tokenising and tensors) and `Served.answer` (the network, and its answer
brought back); both take any number of examples.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from harness import decoding, invocation, record
from harness.backbones import body as bodies
from harness.backbones.family import Frame, Specials
from harness.cells.view import Parts, Reader, parts_of, reader_of, reading
from harness.contracts import Example, InputError
from harness.measurement import Subject
from harness.models import batching, encoding
from harness.models.batching import Batch
from harness.models.encoding import Encoded
from harness.models.heads import Predictor, Writer
from harness.models.stretches import stretches
from harness.planning.setup import CPU, Place, Setup, used
from harness.record import Cell
from harness.weights.assets import ARCHITECTURE

_AT_ONCE = 32  # windows that go through the network together, whatever a text is long
_CLASSES = 2  # of an architecture's answer layer: as good as any

Answer = list[Any]
"""One entry an example: class indices, one a word or one in all, or the written words."""


@dataclass(frozen=True)
class Request:
    """Tensors of some examples, ready for the network; `work` says how much that is."""

    batch: Batch | None  # where answers are labels
    prompts: tuple[Tensor, Tensor] | None  # where they are texts
    answers: Sequence[int]  # how many labels each example gets
    work: Mapping[str, int]  # examples, words, tokens (real), positions (padding included)
    most: int | None = None  # rows of `batch` for the network at once; None: all


@dataclass(frozen=True)
class Served:
    """A model ready to answer. Reading an example here gives the tensors that evaluation gave."""

    subject: Subject
    parts: Parts
    model: Predictor | Writer
    reader: Reader
    examples: Sequence[Example]
    device: str = "cpu"
    per_word: bool = False  # labels are of words

    @property
    def writes(self) -> bool:
        """Answers are texts."""
        return self.parts.mode.writes

    @property
    def reads(self) -> bool:
        """It has a tokenizer, so words can be put to it."""
        return not isinstance(self.reader.tokenizer, _Ids)

    @property
    def iterations(self) -> int | None:
        """How often a text is filled in; None where tokens come one after another."""
        found: int | None = getattr(self.parts.mode, "iterations", None)
        return found

    @property
    def longest(self) -> int:
        """The most tokens that the model reads."""
        limit = bodies.positions(self.model.body)
        return self.parts.knobs.max_length if limit is None else limit

    @property
    def room_to_write(self) -> int:
        """The most tokens of a text that fit behind the longest prompt that is read."""
        frame = self.reader.frame
        return self.longest - self.reader.room.first - len(frame.before) - len(frame.between)

    def encoded(self, examples: Sequence[Example]) -> list[Encoded]:
        """Token ids, one entry a reading; nothing is cached."""
        texts = [example.words for example in examples]
        frame, room = self.reader.frame, self.reader.room
        if self.writes:
            edge = Frame(frame.before, frame.between)
            inputs = encoding.Room(room.first + len(frame.before) + len(frame.between))
            return [encoding.encode(texts, self.reader.tokenizer, edge, inputs)]
        if not any(example.second for example in examples):
            return [
                self.reader.repeated(encoding.encode(texts, self.reader.tokenizer, frame, room))
            ]
        other = [example.second for example in examples]
        orders = [(texts, other)]
        if getattr(self.parts.mode, "both_orders", False):
            orders.append((other, texts))
        return [
            self.reader.repeated(encoding.encode(one, self.reader.tokenizer, frame, room, two))
            for one, two in orders
        ]

    def read(self, examples: Sequence[Example]) -> Request:
        """Tokenise, and make the tensors on the device."""
        if self.per_word and self.parts.windows and (request := self._windowed(examples)):
            return request
        encoded = self.encoded(examples)
        chosen = np.arange(len(examples))
        work = {"examples": len(examples), "words": int(encoded[0].words.sum())}
        if self.writes:
            ids, real = batching.texts(encoded[0], chosen, self.reader.specials.pad, left=True)
            work |= {"tokens": int(real.sum()), "positions": ids.numel()}
            return Request(None, (ids.to(self.device), real.to(self.device)), (), work)
        counts = encoded[0].kept.tolist() if self.per_word else [1] * len(examples)
        unknown = [np.zeros(count, np.int64) for count in counts]
        batch = batching.stacked(
            [
                batching.collate(one, unknown, chosen, self.read_at, self.reader.specials.pad)
                for one in encoded
            ]
        )
        work |= {"tokens": int(batch.real.sum()), "positions": batch.ids.numel()}
        return Request(batch.to(self.device), None, counts, work)

    def _windowed(self, examples: Sequence[Example]) -> Request | None:
        """The windows of all texts, as in evaluation; None where each fits into one."""
        reader, pad = self.reader, self.reader.specials.pad
        texts = [example.words for example in examples]
        found = encoding.encode_windows(texts, reader.tokenizer, reader.frame, reader.room)
        if len(found.owners) == len(texts) and not found.shortened.any():
            return None
        found = replace(found, rows=reader.repeated(found.rows))
        counts = [len(text) for text in texts]
        unknown = [np.zeros(count, np.int64) for count in counts]
        read = stretches(found, unknown, self.read_at, pad, reader.room.total)
        batch = read.batch(np.arange(len(found.owners)))
        work = {"examples": len(texts), "words": sum(counts)}
        work |= {"tokens": int(batch.real.sum()), "positions": batch.ids.numel()}
        return Request(batch.to(self.device), None, counts, work, _AT_ONCE)

    @property
    def read_at(self) -> str:
        """The position that answers (see `batching.collate`)."""
        parts = self.parts
        return f"{parts.backbone.label_piece}_piece" if self.per_word else parts.pooling

    def answer(
        self,
        request: Request,
        tokens: int | None = None,
        heard: Callable[[], None] | None = None,
    ) -> Answer:
        """Run the network and bring its answer back to the host.

        Of texts, `tokens` asks for exactly so many of each, its end ignored; `heard` is called
        whenever another token of every text is there. Writing all at once, that is at the end.
        """
        with torch.inference_mode():
            if request.prompts is not None:
                return self._written(request.prompts, tokens, heard)
            assert request.batch is not None
            batches = [request.batch]
            if request.most is not None:
                batches = [*batching.sliced(request.batch, request.most)]
            flat = [label for one in batches for label in self.model(one).argmax(-1).tolist()]
        starts = np.cumsum([0, *request.answers]).tolist()
        return [tuple(flat[a:b]) for a, b in itertools.pairwise(starts)]

    def _written(
        self,
        prompts: tuple[Tensor, Tensor],
        tokens: int | None,
        heard: Callable[[], None] | None,
    ) -> Answer:
        assert isinstance(self.model, Writer)
        rng = torch.Generator(self.device).manual_seed(0)
        texts = decoding.write(
            self.model, *prompts, self.parts.decoding, self.reader.specials, rng, tokens, heard
        )
        if heard is not None and self.iterations is not None:
            heard()
        decode = self.reader.tokenizer.decode
        return [tuple(decode(t.ids, skip_special_tokens=True).split()) for t in texts]


def ready(setup: Setup, place: Place = CPU) -> Served:
    """The model of a cell, on a device: tuned, or drawn where only the architecture is meant."""
    if setup.config["model"]["weights"] == ARCHITECTURE:
        return drawn(setup, place)
    return tuned(setup, place)


def drawn(setup: Setup, place: Place = CPU) -> Served:
    """An architecture with random weights, for shapes only: it has no tokenizer and no examples."""
    parts = parts_of(setup.config)
    backbone, vocabulary = parts.backbone, parts.backbone.vocabulary
    specials = Specials(0, 1, 2, 3, 4, 5, 6, vocabulary)
    reader = reading(_Ids(), specials, parts)
    model: Predictor | Writer
    mode: Any = parts.mode
    if parts.mode.writes:
        language = bodies.new_language_model(
            backbone.objective, backbone.architecture, specials, setup.cell.seed
        )
        model = Writer(backbone, mode, language, parts.decoding.max_new_tokens, 0)
    else:
        body = bodies.new_body(backbone.architecture, specials, setup.cell.seed, 0.0, 0.0)
        model = Predictor(mode, body, _CLASSES, 0.0, 0)
    size = bodies.size(model.body)
    name = f"{setup.cell.model}, {setup.cell.pair}, {size.total / 1e6:.2f} M parameters"
    return Served(
        subject=subject_of(setup.cell, f"{name}, architecture only", None, None),
        parts=parts,
        model=model.to(place.device, getattr(torch, place.precision)).eval(),
        reader=reader,
        examples=setup.foundation.splits.test,
        device=place.device,
    )


class _Ids:
    """Stands for the tokenizer that an architecture does not have: ids as words."""

    def decode(self, ids: Sequence[int], skip_special_tokens: bool) -> str:
        return " ".join(map(str, ids))


def tuned(setup: Setup, place: Place = CPU) -> Served:
    """The kept checkpoint of a cell, on a device.

    Raises InputError where the cell has not kept one; says how to make it.
    """
    kept = record.read(setup.folder) if (setup.folder / record.RECORD).is_file() else None
    if kept is None or kept.checkpoint_digest is None:
        raise InputError(
            f"{setup.folder}: no tuned model was kept there; delete it and run {again(setup)}"
        )
    asset = setup.foundation.asset
    assert asset is not None
    parts = parts_of(setup.config)
    reader = reader_of(asset, parts, Path(setup.cache))
    folder = setup.folder / record.CHECKPOINT
    assert kept.data is not None
    assert kept.model is not None
    described = kept.model.description
    model = kept_model(parts, folder, len(kept.data.classes))
    splits = setup.foundation.splits
    return Served(
        subject=subject_of(kept.cell, described, kept.identity, kept.checkpoint_digest),
        parts=parts,
        model=_settled(model).to(place.device, getattr(torch, place.precision)).eval(),
        reader=reader,
        examples=getattr(splits, used(setup.cell.role)[-1]),
        device=place.device,
        per_word=parts.task.shape == "tags",
    )


def again(setup: Setup) -> str:
    """The command that makes a cell with its checkpoint."""
    words = invocation.words(setup.cell, setup.science)
    again = invocation.command(words | {"seed": str(setup.cell.seed), "checkpoint": "all"})
    return f"`{again}`"


def _settled(model: Predictor | Writer) -> Predictor | Writer:
    """The model with its weights in memory of its own.

    As loaded, they lie where the file has them, at odd addresses: on a CPU that made this model
    2 to 3 % slower than a copy of itself.
    """
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()
    return model


def subject_of(
    cell: Cell, description: str, identity: str | None, checkpoint: str | None
) -> Subject:
    """What a measurement says of a model."""
    return Subject(
        description=description,
        model=cell.model,
        family=cell.family,
        pair=cell.pair,
        level=cell.level,
        weights=cell.weights,
        task=cell.task,
        data=cell.data,
        mode=cell.mode,
        strategy=cell.strategy,
        cell=identity,
        checkpoint=checkpoint,
    )


def kept_model(parts: Parts, folder: Path, classes: int) -> Predictor | Writer:
    """The tuned model in a kept folder, for answering: body, and answer layer or length head."""
    mode: Any = parts.mode
    if parts.mode.writes:
        language = bodies.load_language_model(parts.backbone.objective, folder, 0.0, 0.0)
        writer = Writer(parts.backbone, mode, language, parts.decoding.max_new_tokens, 0)
        if writer.length is not None:
            writer.length.load_state_dict(load_file(folder / record.HEAD))
        return writer
    model = Predictor(mode, bodies.load_body(folder, 0.0, 0.0), classes, 0.0, 0)
    model.head.load_state_dict(load_file(folder / record.HEAD))
    return model
