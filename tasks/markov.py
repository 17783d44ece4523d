"""A language whose entropy is known: a Markov chain over a few made-up words.

What a perfect reader of it needs per word follows from the table of transitions alone, so a
language model that is trained on its sequences can be held against a theorem: nobody needs fewer
bits than the entropy, and whoever has learnt the language needs hardly more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.contracts import InputError
from harness.weights.assets import SPECIALS


@dataclass(frozen=True)
class Source:
    """A stationary chain. Each row of its table is one draw from Dirichlet(`concentration`).

    The smaller the concentration, the fewer words usually follow a word. Raises InputError for a
    chain that cannot be drawn.
    """

    states: int = 32
    concentration: float = 0.15
    length: int = 32  # words per sequence
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("states", 2), ("length", 3), ("seed", 0)):
            if getattr(self, name) < least:
                raise InputError(f"source.{name}={getattr(self, name)}: expected {least} or more")
        if not self.concentration > 0:
            raise InputError(
                f"source.concentration={self.concentration}: expected a number above 0"
            )

    @cached_property
    def transitions(self) -> NDArray[np.float64]:
        """[states, states]: how probable each word (column) is after each word (row)."""
        rng = np.random.default_rng(self.seed)
        return rng.dirichlet(np.full(self.states, self.concentration), self.states)

    @cached_property
    def stationary(self) -> NDArray[np.float64]:
        """[states]: how probable each word is at any place of a sequence."""
        flow = np.vstack([self.transitions.T - np.eye(self.states), np.ones(self.states)])
        shares: NDArray[np.float64] = np.linalg.lstsq(flow, np.eye(self.states + 1)[-1])[0]
        shares = np.clip(shares, 0, None)  # what rounding put below zero
        normal: NDArray[np.float64] = shares / shares.sum()
        return normal

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """Every piece of the language: special tokens first, then one piece per word."""
        return (*SPECIALS, *self._words)

    @property
    def _words(self) -> tuple[str, ...]:
        return tuple(f"w{state:02d}" for state in range(self.states))

    def entropies(self) -> dict[str, float]:
        """Bits per word: knowing nothing ("unigram"), the word to the left, both neighbours.

        Given its neighbours, a word of a chain does not depend on the rest of the sequence, so
        "left" bounds every causal reader and "both" every reader that sees all other words
        (Cover and Thomas 2006, section 2.5: the chain rule for H(x, y, z) - H(x, z)).
        """
        one = self.stationary
        unigram = _bits(one)
        left = _bits(one[:, None] * self.transitions) - unigram
        apart = _bits(one[:, None] * (self.transitions @ self.transitions))
        return {"unigram": unigram, "left": left, "both": unigram + 2 * left - apart}

    def sample(self, count: int, stream: int) -> list[tuple[str, ...]]:
        """`count` sequences as word lists; two streams are independent of each other."""
        rng = np.random.default_rng([self.seed, stream])
        steps = np.cumsum(np.vstack([self.transitions, self.stationary]), axis=1)
        states = np.full((count, self.length + 1), self.states)  # the last row starts a sequence
        for place in range(self.length):
            reached = steps[states[:, place]] / steps[states[:, place], -1:]
            states[:, place + 1] = (rng.random((count, 1)) >= reached).sum(1)
        words = np.array(self._words)
        return [tuple(row) for row in words[states[:, 1:]].tolist()]

    def surprisals(self, sequences: Sequence[Sequence[str]], context: str) -> NDArray[np.float64]:
        """Bits that a perfect reader needs for each word that has the context: [sequences, words].

        `context` is "left" (all words but the first) or "both" (all but the first and the last).
        """
        place = {word: state for state, word in enumerate(self._words)}
        states = np.array([[place[word] for word in sequence] for sequence in sequences])
        step = self.transitions
        before, here, after = states[:, :-2], states[:, 1:-1], states[:, 2:]
        probable: NDArray[np.float64] = step[states[:, :-1], states[:, 1:]]
        if context == "both":
            probable = step[before, here] * step[here, after] / (step @ step)[before, after]
        return -np.log2(probable)


def _bits(shares: NDArray[np.float64]) -> float:
    """Entropy of a distribution of any shape, in bits."""
    positive = shares[shares > 0]
    return float(-(positive * np.log2(positive)).sum())
