"""One interface to chance, so that the program that draws sentences can also be enumerated.

A generator is written once against `Choice`. Given a `Sampler` it draws one sentence; given to
`enumerate_paths` it runs through every sequence of picks with its exact probability. What is
computed from the paths is therefore true of the sentences, whatever the generator says.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Choice(Protocol):
    """Where a generator takes its decisions from."""

    def pick(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """Decide something that the answer may depend on."""

    def nuisance(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """Decide something that, given all that is seen, says nothing about the answer."""


class Sampler:
    """Draws every decision at random."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pick(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """Draw one option. Uses `random()` alone, whose stream Python promises to keep."""
        if weights is None:
            return options[int(self._rng.random() * len(options))]
        point = self._rng.random() * math.fsum(weights)
        for option, weight in zip(options, weights, strict=True):
            point -= weight
            if point < 0:
                return option
        return _possible(options, weights)[-1][0]  # rounding can leave the point at the very end

    def nuisance(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """Draw one option."""
        return self.pick(options, weights)


class _Replay:
    """Follows a script of option indices, then takes the first option; keeps what it saw."""

    def __init__(self, script: Sequence[int]) -> None:
        self._script = script
        self.taken: list[int] = []
        self.widths: list[int] = []
        self.probability = 1.0

    def pick(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        depth = len(self.taken)
        index = self._script[depth] if depth < len(self._script) else 0
        self.taken.append(index)
        if weights is None:
            self.widths.append(len(options))
            self.probability /= len(options)
            return options[index]
        possible = _possible(options, weights)
        option, weight = possible[index]
        self.widths.append(len(possible))
        self.probability *= weight / math.fsum(weights)
        return option

    def nuisance(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        del weights  # a nuisance is not enumerated, so its shares are not needed
        return options[0]


def enumerate_paths(program: Callable[[Choice], T]) -> Iterator[tuple[float, T]]:
    """Every path of picks with its probability and result, nuisances held at their first option.

    The program is run again from the start for each path, depth first: it must decide by its
    choice alone.
    """
    script: list[int] = []
    while True:
        replay = _Replay(script)
        result = program(replay)
        yield replay.probability, result
        script, widths = replay.taken, replay.widths
        while script and script[-1] + 1 == widths[len(script) - 1]:
            script.pop()
        if not script:
            return
        script[-1] += 1


def stream(*purpose: str | int) -> Sampler:
    """An independent sampler for each purpose; equal purposes give equal streams."""
    # A text seed is hashed with SHA-512 by the generator itself, the same in every process.
    return Sampler(random.Random("/".join(str(part) for part in purpose)))


def distinct(
    draw: Callable[[Sequence[int]], int], options: Sequence[T], count: int
) -> tuple[T, ...]:
    """`count` different options in random order; `draw` is a choice's `pick` or `nuisance`."""
    pool = list(options)
    for place in range(count):
        other = draw(range(place, len(pool)))
        pool[place], pool[other] = pool[other], pool[place]
    return tuple(pool[:count])


def _possible(options: Sequence[T], weights: Sequence[float]) -> list[tuple[T, float]]:
    """The options that can happen at all, with their weights."""
    return [(o, w) for o, w in zip(options, weights, strict=True) if w > 0]
