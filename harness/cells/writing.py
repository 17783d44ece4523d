"""Cells whose answers are texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from harness import decoding, train
from harness.backbones import body as bodies
from harness.cells import probes
from harness.cells.view import Pages, Parts, Reader, pages_of, reader_of, refuse_longer, room_of
from harness.cells.work import Conclusion, truncations
from harness.contracts import Counts, Written
from harness.examples import data
from harness.models import batching
from harness.models.batching import Batch
from harness.models.encoding import Encoded
from harness.models.heads import Writer
from harness.planning.setup import Setup, used
from harness.record import Likelihood
from harness.weights.assets import Asset

_HIDING, _DRAWING = 3, 4  # streams of a training seed, besides those of training itself


class Writing:
    """Implements `work.Work`."""

    classes: Sequence[str] = ()

    def __init__(self, setup: Setup, asset: Asset, parts: Parts) -> None:
        self.parts, self.splits, self.seed = parts, setup.foundation.splits, setup.cell.seed
        room = room_of(parts)
        self.reader = reader_of(asset, parts, Path(setup.cache))
        self.metrics: Sequence[str] = parts.task.metrics(self.splits)
        self.scored = used(setup.cell.role)[-1]
        self.pages = {
            name: pages_of(
                data.part(self.splits, name),
                setup.foundation.digests[name],
                self.reader,
                parts.mode.chain_rule,
                room,
            )
            for name in used(setup.cell.role)
        }
        self.model = _writer(setup, asset, parts, self.reader)
        self._hiding = torch.Generator().manual_seed(_stream(self.seed, _HIDING))

    @property
    def body(self) -> nn.Module:
        """The network without its answer layer."""
        return self.model.body

    @property
    def training(self) -> Encoded:
        """The training rows as token ids."""
        return self.pages["train"].rows

    def lengths(self) -> NDArray[np.int64]:
        """Words per training row, input and reference together."""
        return self.pages["train"].rows.words.astype(np.int64)

    def batch(self, chosen: NDArray[np.int64]) -> Batch:
        """Tensors of the chosen training rows, with what the mode asks of them."""
        return self._batch(self.pages["train"], chosen)

    def _batch(self, pages: Pages, chosen: NDArray[np.int64]) -> Batch:
        if self.parts.mode.chain_rule:
            return pages.next_tokens(chosen)
        return pages.hidden_tokens(chosen, self.reader.specials.mask, self._hiding)

    def score_dev(self) -> float:
        """The headline metric on the dev split."""
        pages = self.pages["dev"]
        score: float = self.parts.task.headline(pages.examples, self.written(pages), self.splits)
        return score

    def written(self, pages: Pages) -> list[Written]:
        """A text for each example of a split."""
        words = pages.sources.words.astype(np.int64)
        limit = 4 * batching.budget(words, self.parts.knobs.batch_size)
        answers: dict[int, Written] = {}
        device = train.where(self.model)
        rng = torch.Generator(device).manual_seed(_stream(self.seed, _DRAWING))
        with torch.inference_mode():
            for chosen in batching.in_order(words, limit):
                ids, real = pages.prompts(chosen)
                tokens = decoding.write(
                    self.model,
                    ids.to(device),
                    real.to(device),
                    self.parts.decoding,
                    self.reader.specials,
                    rng,
                )
                answers |= dict(zip(chosen.tolist(), map(self._read, tokens), strict=True))
        return [answers[i] for i in range(len(pages.examples))]

    def _read(self, tokens: decoding.Tokens) -> Written:
        text: str = self.reader.tokenizer.decode(tokens.ids, skip_special_tokens=True)
        return Written(tuple(text.split()), tokens.cut_off)

    def conclude(self) -> Conclusion:
        """Texts for the split that the cell is scored on; the model is then on the CPU."""
        pages, task = self.pages[self.scored], self.parts.task
        answers = self.written(pages)
        counts: Counts = task.judge(pages.examples, answers, self.splits)
        likelihood = self._likelihood(pages) if self.parts.mode.chain_rule else None
        self.model.to("cpu")  # where probes compute as their tolerance was set, and exports
        return Conclusion(
            counts=counts,
            rows=_rows(pages, answers),
            probes=probes.texts(self.model, pages, self.reader.specials, self.parts.mode),
            truncation=truncations(
                {name: truncation(side) for name, side in self.pages.items()}, self.scored
            ),
            majority=self._majority(),
            signatures=task.signatures(self.splits),
            likelihood=likelihood,
        )

    def _majority(self) -> dict[str, int]:
        if not self.splits.test:
            return {}
        texts = self.parts.task.majority(self.splits)
        counts = self.parts.task.judge(self.splits.test, texts, self.splits)
        return {name: sum(column) for name, column in counts.columns.items()}

    def _likelihood(self, pages: Pages) -> Likelihood:
        """Of every reference given its input, its end included, in bits."""
        words, nats = pages.rows.words.astype(np.int64), 0.0
        limit = 4 * batching.budget(words, self.parts.knobs.batch_size)
        with torch.inference_mode():
            for chosen in batching.in_order(words, limit):
                batch = pages.next_tokens(chosen).to(train.where(self.model))
                nats += float(
                    torch.nn.functional.cross_entropy(
                        self.model(batch), batch.targets, reduction="sum"
                    )
                )
        texts = [" ".join(t.split()) for e in pages.examples for t in e.target]  # type: ignore[union-attr]
        size = sum(len(text.encode()) for text in texts)
        return Likelihood(bits=nats / math.log(2), bytes=size, texts=len(texts))


def _writer(setup: Setup, asset: Asset, parts: Parts, reader: Reader) -> Writer:
    backbone, knobs, seed = parts.backbone, parts.knobs, setup.cell.seed
    rates = (knobs.dropout, knobs.attention_dropout)
    if backbone.weights == "scratch":
        model = bodies.new_language_model(
            backbone.objective, backbone.architecture, reader.specials, seed, *rates
        )
    else:
        model = bodies.load_language_model(backbone.objective, Path(asset.folder), *rates)
    refuse_longer(knobs.max_length, bodies.body_of(model))
    return Writer(backbone, parts.mode, model, parts.decoding.max_new_tokens, seed)  # type: ignore[arg-type]


def _stream(seed: int, purpose: int) -> int:
    return int(np.random.default_rng([seed, purpose]).integers(2**62))


def truncation(pages: Pages) -> dict[str, int]:
    """Inputs that did not fit, and references that did not."""
    lost = pages.sources.words - pages.sources.kept
    references = (pages.rows.words - pages.rows.kept) - lost[pages.owners]
    return {
        "cut_examples": int((lost > 0).sum()),
        "cut_words": int(lost.sum()),
        "cut_references": int((references > 0).sum()),
    }


def _rows(pages: Pages, answers: Sequence[Written]) -> list[dict[str, Any]]:
    """One row per example, for people."""
    return [
        {
            "id": example.id,
            "words": list(example.words),
            "references": list(example.target) if not isinstance(example.target, int) else [],
            "text": answer.text,
            "cut_off": answer.cut_off,
            "slices": [list(unit) for unit in example.units],
        }
        for example, answer in zip(pages.examples, answers, strict=True)
    ]
