"""One request at a time: the network alone, or from words to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.contracts import Example
from harness.scenarios import Call
from harness.serving import Served


@dataclass(frozen=True)
class Model:
    """Implements `Scenario`. Tensors are ready before the clock starts."""

    name: str = "single stream/model"

    def fits(self, served: Served) -> bool:
        """Anything can be asked one by one."""
        return True

    def calls(self, served: Served, examples: Sequence[Example]) -> list[Call]:
        """One call an example."""
        requests = [served.read([example]) for example in examples]
        return [Call(lambda r=r: served.answer(r), r.work) for r in requests]  # type: ignore[misc]


@dataclass(frozen=True)
class EndToEnd:
    """Implements `Scenario`. Tokenising and tensors are inside the timed call."""

    name: str = "single stream/end to end"

    def fits(self, served: Served) -> bool:
        """Anything can be asked one by one."""
        return True

    def calls(self, served: Served, examples: Sequence[Example]) -> list[Call]:
        """One call an example."""
        works = [served.read([example]).work for example in examples]
        return [
            Call(lambda e=e: served.answer(served.read([e])), work)  # type: ignore[misc]
            for e, work in zip(examples, works, strict=True)
        ]
