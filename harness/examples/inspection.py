"""What can be counted in labelled examples before anything is trained. Knows no file and no model.

Words are what stands between blanks; tokens are not known yet, so what will be cut is estimated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.contracts import Example, InputError, Splits
from harness.examples.data import parts
from harness.examples.windows import CUT, WINDOWS
from harness.metrics import entity_f1

TOKENS_PER_WORD = 1.3
"""Rule of thumb for a tokenizer's pieces of English; the training run measures it."""


RATES = (1.0, TOKENS_PER_WORD)
"""Tokens a word: the least, and the rule of thumb."""


class Room(NamedTuple):
    """Tokens that fit: of what is read, and of what is written (of labels nothing is)."""

    read: int
    written: int | None
    windows: bool = False  # what does not fit is read in windows: no word is lost


class Lengths(NamedTuple):
    """Words per text."""

    median: int
    p95: int
    longest: int


@dataclass(frozen=True)
class Side:
    """One split.

    `cut` counts examples that will lose words: surely, at a token a word, and probably, at
    `TOKENS_PER_WORD`; `lost_words` and `lost_entities` (of inputs) count what goes with them, and
    `windowed` the examples that will be read in windows instead. `counts` holds one number per
    label: examples, or entities of that type. `repeats` are examples that read like an earlier one
    of the split, `torn` those whose text also stands there with another answer. `written` are the
    lengths of reference texts.
    """

    name: str
    examples: int
    words: Lengths
    written: Lengths | None
    references: int
    cut: tuple[int, int]
    counts: tuple[int, ...]
    repeats: int
    torn: int
    outside: float | None  # share of words in no entity; None where words carry no tags
    lost_words: tuple[int, int] = (0, 0)
    lost_entities: tuple[int, int] = (0, 0)
    windowed: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Inspection:
    """All splits that hold something, train first."""

    task: str
    labels: tuple[str, ...]
    sides: tuple[Side, ...]


def room(max_length: int, max_new_tokens: int, task: str, long: str = CUT) -> Room:
    """What fits beside the special tokens: three where there are two texts, else two.

    RoBERTa's pairs have a fourth, so one token less than this; what is surely cut is so still.
    `long` is `train.long`; only tagged texts are ever read in windows.
    Raises InputError where nothing would be left for an input.
    """
    if task == "generation":
        if not isinstance(max_new_tokens, int) or not 1 <= max_new_tokens < max_length - 3:
            raise InputError(
                f"decoding.max_new_tokens={max_new_tokens}: expected a number from 1 that leaves "
                f"room for an input within train.max_length={max_length}"
            )
        return Room(max_length - max_new_tokens - 3, max_new_tokens - 1)
    windows = task == "ner" and long == WINDOWS
    return Room(max_length - (3 if task == "matching" else 2), None, windows)


def inspect(splits: Splits, fits: Room) -> Inspection:
    """Count everything once."""
    sides = (
        _side(name, examples, splits.labels, fits)
        for name, examples in parts(splits).items()
        if examples
    )
    return Inspection(splits.task, splits.labels, tuple(sides))


def share(count: int, side: Side) -> float:
    """Of all labels, or entities, of a split."""
    return count / max(1, sum(side.counts))


def entities(example: Example) -> set[tuple[int, int, str]]:
    """Entities of a tagged sentence as (start, end, type)."""
    assert not isinstance(example.target, int)
    return entity_f1.spans(example.target)


def _side(name: str, examples: Sequence[Example], labels: Sequence[str], fits: Room) -> Side:
    read = [len(example.words) + len(example.second) for example in examples]
    texts = _references(examples) if not labels else []
    written = [[len(text.split()) for text in several] for several in texts]
    flat = [n for several in written for n in several]
    longest = [max(several) for several in written] or [0] * len(read)
    limit = fits.written or 0
    sure, likely = (
        sum(n * r > fits.read or m * r > limit for n, m in zip(read, longest, strict=True))
        for r in RATES
    )
    lost = [_lost(examples, read, fits, rate) for rate in RATES]
    repeats, torn = _repeats(examples)
    return Side(
        name=name,
        examples=len(examples),
        words=_lengths(read),
        written=_lengths(flat) if flat else None,
        references=len(flat),
        cut=(0, 0) if fits.windows else (sure, likely),
        counts=_counts(examples, labels),
        repeats=repeats,
        torn=torn,
        outside=_outside(examples) if labels else None,
        lost_words=(lost[0][0], lost[1][0]),
        lost_entities=(lost[0][1], lost[1][1]),
        windowed=(sure, likely) if fits.windows else (0, 0),
    )


def _lost(
    examples: Sequence[Example], read: Sequence[int], fits: Room, rate: float
) -> tuple[int, int]:
    """Words and entities of inputs that are cut at so many tokens a word."""
    if fits.windows:
        return 0, 0
    kept, tagged = int(fits.read / rate), fits.written is None
    words = sum(max(0, count - kept) for count in read)
    gone = [
        end > kept
        for example in (examples if tagged else ())
        if not isinstance(example.target, int) and len(example.target) > kept
        for _, end, _ in entities(example)
    ]
    return words, sum(gone)


def _references(examples: Sequence[Example]) -> list[tuple[str, ...]]:
    return [e.target for e in examples if not isinstance(e.target, int)]


def _lengths(counts: Sequence[int]) -> Lengths:
    """By nearest rank: each is the length of a text that is there."""
    ordered = sorted(counts)
    last = len(ordered) - 1
    return Lengths(ordered[last // 2], ordered[-(-95 * last // 100)], ordered[last])


def _counts(examples: Sequence[Example], labels: Sequence[str]) -> tuple[int, ...]:
    seen: Counter[str] = Counter()
    for example in examples if labels else ():
        if isinstance(example.target, int):
            seen[labels[example.target]] += 1
        else:
            seen.update(kind for _, _, kind in entities(example))
    return tuple(seen[label] for label in labels)


def _outside(examples: Sequence[Example]) -> float | None:
    tags = [tag for e in examples if not isinstance(e.target, int) for tag in e.target]
    return tags.count("O") / len(tags) if tags else None


def _repeats(examples: Sequence[Example]) -> tuple[int, int]:
    """Examples that read like an earlier one, and those that read like one with another answer."""
    answers: dict[object, Counter[object]] = {}
    for example in examples:
        answers.setdefault((example.words, example.second), Counter())[example.target] += 1
    torn = sum(each.total() for each in answers.values() if len(each) > 1)
    return len(examples) - len(answers), torn
