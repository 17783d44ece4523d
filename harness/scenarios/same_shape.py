"""Both models read exactly as many tokens: what the two networks cost, words apart.

Tokens are drawn at random, as no text has the same number of them under two tokenizers, and the
time of a forward pass does not depend on which they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from harness.backbones.family import MEAN
from harness.contracts import Example
from harness.models.batching import Batch
from harness.scenarios import Call
from harness.serving import Request, Served


@dataclass(frozen=True)
class SameShape:
    """Implements `Scenario`. One request of `tokens`; `new` more are written where texts are."""

    tokens: int
    new: int = 32
    batch_size: int = 1
    seed: int = 0
    name: str = "same shape"

    def fits(self, served: Served) -> bool:
        """Whether the shape fits into the model."""
        return self.tokens + (self.new if served.writes else 0) <= served.longest

    def calls(self, served: Served, examples: Sequence[Example]) -> list[Call]:
        """As many calls as there are examples, whose words do not matter."""
        new = self.new if served.writes else None
        requests = [self.request(served, number) for number in range(len(examples))]
        return [Call(lambda r=r: served.answer(r, new), r.work) for r in requests]  # type: ignore[misc]

    def request(self, served: Served, number: int = 0) -> Request:
        """Tensors of the shape; another `number` draws other tokens."""
        ids, real = self._drawn(served, number)
        work = {"examples": self.batch_size, "tokens": ids.numel(), "positions": ids.numel()}
        if served.writes:
            return Request(None, (ids.to(served.device), real.to(served.device)), (), work)
        batch = self._batch(served, ids, real)
        answers = [len(batch.rows) // self.batch_size] * self.batch_size
        return Request(batch.to(served.device), None, answers, work)

    def lesson(self, served: Served) -> Batch:
        """A training batch of the shape; of texts the second half is the target."""
        ids, real = self._drawn(served, 0)
        if not served.writes:
            return self._batch(served, ids, real)
        target = torch.zeros_like(real)
        target[:, self.tokens // 2 :] = True
        rows, columns = target[:, 1:].nonzero(as_tuple=True)
        return Batch(ids, real, rows, columns, ids[:, 1:][target[:, 1:]], target)

    def _drawn(self, served: Served, number: int) -> tuple[Tensor, Tensor]:
        rng = torch.Generator().manual_seed(self.seed + number)
        special = served.reader.specials
        shape = (self.batch_size, self.tokens)
        ids = torch.randint(special.count, special.vocabulary, shape, generator=rng)
        return ids, torch.ones(shape, dtype=torch.bool)

    def _batch(self, served: Served, ids: Tensor, real: Tensor) -> Batch:
        """Asked at every token, or once an example, at one token or all, as the model answers."""
        read = range(self.tokens) if served.per_word else [0 if served.read_at == "cls" else -1]
        averaged = real if served.read_at == MEAN else None
        columns = torch.tensor([*read]).remainder(self.tokens).repeat(self.batch_size)
        rows = torch.arange(self.batch_size).repeat_interleave(len(read))
        made = Batch(ids, real, rows, columns, torch.zeros_like(rows), torch.zeros_like(real))
        return replace(made, averaged=averaged)
