"""All examples are there at once, and only the total counts: batches of like length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.contracts import Example
from harness.models import batching
from harness.scenarios import Call
from harness.serving import Served


@dataclass(frozen=True)
class Offline:
    """Implements `Scenario`. Batches hold `batch_size` examples of mean length, by words.

    Planned on words, as in training, so two models get the same examples in the same batches.
    Tokenising is inside the timed call.
    """

    batch_size: int
    name: str = "offline"

    def fits(self, served: Served) -> bool:
        """Anything can be asked in batches."""
        return True

    def calls(self, served: Served, examples: Sequence[Example]) -> list[Call]:
        """One call a batch."""
        words = np.array([len(e.words) + len(e.second) for e in examples], np.int64)
        limit = batching.budget(words, self.batch_size)
        batches = [[examples[i] for i in b] for b in batching.in_order(words, limit)]
        return [
            Call(lambda b=b: served.answer(served.read(b)), served.read(b).work)  # type: ignore[misc]
            for b in batches
        ]
