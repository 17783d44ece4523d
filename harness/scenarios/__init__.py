"""What is timed of a model that is ready to answer: one scenario a file.

A scenario turns a model and some examples into calls, all of which stand on their own: a probe
takes them one after another, a race takes those of two models in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from harness.contracts import Example
from harness.serving import Served


class Call(NamedTuple):
    """Something to time, and how much work it is: examples, words, tokens, positions."""

    run: Callable[[], object]
    work: Mapping[str, int]


class Scenario(Protocol):
    """One way of asking. Each module of this package holds one or more."""

    @property
    def name(self) -> str:
        """A path of what is timed: "single stream/model"."""

    def fits(self, served: Served) -> bool:
        """Whether this way of asking makes sense for a model (a text has a first token)."""

    def calls(self, served: Served, examples: Sequence[Example]) -> list[Call]:
        """What is to be timed. The same examples give comparable calls of any two models."""
