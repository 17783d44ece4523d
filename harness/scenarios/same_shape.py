"""Both models read exactly as many tokens: what the two networks cost, words apart.

Tokens are drawn at random, as no text has the same number of them under two tokenizers, and the
time of a forward pass does not depend on which they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from harness.batching import Batch
from harness.contracts import Example
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
        rng = torch.Generator().manual_seed(self.seed)
        new = self.new if served.writes else None
        requests = [self.request(served, rng) for _ in examples]
        return [Call(lambda r=r: served.answer(r, new), r.work) for r in requests]  # type: ignore[misc]

    def request(self, served: Served, rng: torch.Generator) -> Request:
        """Tensors of the shape."""
        special = served.reader.specials
        shape = (self.batch_size, self.tokens)
        ids = torch.randint(special.count, special.vocabulary, shape, generator=rng)
        real = torch.ones(shape, dtype=torch.bool)
        work = {"examples": self.batch_size, "tokens": ids.numel(), "positions": ids.numel()}
        if served.writes:
            return Request(None, (ids.to(served.device), real.to(served.device)), (), work)
        read = range(self.tokens) if served.per_word else [0 if served.read_at == "cls" else -1]
        columns = torch.tensor([*read]).remainder(self.tokens).repeat(self.batch_size)
        rows = torch.arange(self.batch_size).repeat_interleave(len(read))
        batch = Batch(ids, real, rows, columns, torch.zeros_like(rows), torch.zeros_like(real))
        answers = [len(read)] * self.batch_size
        return Request(batch.to(served.device), None, answers, work)
