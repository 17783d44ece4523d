"""Which answered entity stands for which gold one: a one-to-one matching within a sentence.

Equal spans go together first, whatever their types; then overlapping ones, the largest overlap
first. What finds no partner was missed (gold) or invented (answered). Knows no model and no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import NamedTuple

from harness.record import NOBODY

OUTSIDE = "O"
"""The tag of a word that is part of no entity."""

Span = tuple[int, int, str]
"""First word, the word after the last, type."""


class Match(NamedTuple):
    """A gold entity, the answered one that stands for it, or both."""

    gold: Span | None
    pred: Span | None

    @property
    def exact(self) -> bool:
        """True where first and last word agree, whatever the types."""
        return self.gold is not None and self.pred is not None and self.gold[:2] == self.pred[:2]


def matched(gold: Set[Span], pred: Set[Span]) -> list[Match]:
    """Every entity of a sentence once, in the order of their words.

    Greedy: equal spans, then overlapping ones by words in common; in a tie those of one type, then
    the earlier gold entity, then the earlier answered one.
    """
    found = list[Match]()
    open_gold, open_pred = set(gold), set(pred)
    for one, other in sorted(_candidates(gold, pred), key=_preference):
        if one in open_gold and other in open_pred:
            open_gold.remove(one)
            open_pred.remove(other)
            found.append(Match(one, other))
    found += [Match(one, None) for one in open_gold] + [Match(None, one) for one in open_pred]
    return sorted(found, key=_place)


def columns(matches: Sequence[Sequence[Match]], types: Sequence[str]) -> dict[str, list[int]]:
    """The `mentions` of `contracts.Counts`: integers of all matches, sentence by sentence."""
    index = {name: place for place, name in enumerate(types)}
    rows = [(row, one) for row, sentence in enumerate(matches) for one in sentence]
    return {
        "example": [row for row, _ in rows],
        "gold": [_index(one.gold, index) for _, one in rows],
        "pred": [_index(one.pred, index) for _, one in rows],
        "exact": [int(one.exact) for _, one in rows],
    }


def _candidates(gold: Set[Span], pred: Set[Span]) -> Iterator[tuple[Span, Span]]:
    return ((one, other) for one in gold for other in pred if _shared(one, other) > 0)


def _preference(pair: tuple[Span, Span]) -> tuple[bool, int, bool, Span, Span]:
    one, other = pair
    return one[:2] != other[:2], -_shared(one, other), one[2] != other[2], one, other


def _shared(one: Span, other: Span) -> int:
    """Words that both hold; 0 or less where they lie apart."""
    return min(one[1], other[1]) - max(one[0], other[0])


def _place(match: Match) -> tuple[Span, bool]:
    """By the first word of what there is, gold first."""
    if match.gold is not None:
        return match.gold, False
    assert match.pred is not None  # a match has at least one side
    return match.pred, True


def _index(span: Span | None, index: Mapping[str, int]) -> int:
    return NOBODY if span is None else index[span[2]]
