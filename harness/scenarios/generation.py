"""Written texts, one at a time: the whole of one, and when its tokens come."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from harness.contracts import Example
from harness.measure.stopwatch import Reading, Stopwatch
from harness.models.heads import Writer
from harness.scenarios import Call
from harness.serving import Served

WHOLE = "generation/whole text"


@dataclass(frozen=True)
class WholeText:
    """Implements `Scenario`. From words to words; `tokens` asks for exactly so many of each."""

    tokens: int | None = None
    name: str = WHOLE

    def fits(self, served: Served) -> bool:
        """Only texts are written, and so many tokens must fit behind the longest prompt."""
        return served.writes and (self.tokens or 0) <= served.room_to_write

    def calls(self, served: Served, examples: Sequence[Example]) -> list[Call]:
        """One call a text. What it writes, and so how much, is the model's own affair."""
        return [
            Call(
                lambda e=e: served.answer(served.read([e]), self.tokens),  # type: ignore[misc]
                served.read([e]).work,
            )
            for e in examples
        ]


class Timeline(NamedTuple):
    """Readings of one text's clock: asked, tensors ready, then one a token.

    `heard` is empty where a search settles its tokens at the end only (beams). `tokens` written
    are None where they are not counted: neither asked for nor heard one by one.
    """

    asked: Reading
    ready: Reading
    heard: Sequence[Reading]
    done: Reading
    tokens: int | None
    work: Mapping[str, int]  # examples and words read, tokens written


def timeline(
    served: Served, example: Example, stopwatch: Stopwatch, tokens: int | None = None
) -> Timeline:
    """Write one text and note when each token was there.

    Writing all at once, every token is there at the end. The end of a text is a token too.
    """
    heard: list[Reading] = []
    asked = stopwatch.read()
    request = served.read([example])
    ready = stopwatch.read()
    served.answer(request, tokens, lambda: heard.append(stopwatch.read()))
    done = stopwatch.read()
    written = tokens or (len(heard) if heard and served.iterations is None else None)
    work = {name: amount for name, amount in request.work.items() if name in ("examples", "words")}
    work |= {} if written is None else {"tokens": written}
    return Timeline(asked, ready, heard, done, written, work)


def with_iterations(served: Served, iterations: int) -> Served:
    """The same weights, filling in so many times; for models that write all at once."""
    mode: Any = replace(served.parts.mode, iterations=iterations)  # type: ignore[type-var]
    model = copy.copy(served.model)
    assert isinstance(model, Writer)
    model.mode = mode
    return replace(served, model=model, parts=replace(served.parts, mode=mode))


SERIES: Mapping[str, Callable[[Timeline], Reading]] = {
    "generation/prefill": lambda t: t.heard[0] - t.ready,
    "generation/first token": lambda t: t.heard[0] - t.asked,
    WHOLE: lambda t: t.done - t.asked,
}
"""Spans of a timeline that are kept, by the name of their series; the last needs no token heard."""
