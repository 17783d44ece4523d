"""One IOB2 tag per word: its classes, its gold answers, and how answers are judged.

Gold and answers are read as entities twice: strictly (the headline) and as conlleval reads
them. What lies between is how many illegal tags a model emits. Words are counted besides, O
included, as much-quoted reports do: a number that must not be compared with an entity score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.contracts import Counts, Example, InputError, Splits
from harness.examples import mentions
from harness.examples.data import Judged, unit_columns
from harness.examples.mentions import OUTSIDE, Span
from harness.metrics import entity_f1, entity_f1_conlleval

Spans = set[Span]


@dataclass(frozen=True)
class Ner:
    """Implements `contracts.LabelTask` for named entities."""

    name: str = "ner"

    @property
    def shape(self) -> str:
        """Every word gets an answer."""
        return "tags"

    def metrics(self, splits: Splits) -> tuple[str, ...]:
        """Strict entity F1 is the headline, conlleval's reading stands beside it."""
        return ("entity_f1", "entity_f1_conlleval")

    def classes(self, splits: Splits) -> tuple[str, ...]:
        """O first, then B- and I- of each entity type."""
        return (OUTSIDE, *(f"{prefix}-{kind}" for kind in splits.labels for prefix in "BI"))

    def targets(self, example: Example, classes: Sequence[str]) -> tuple[int, ...]:
        """The gold class index of each word."""
        index = {tag: position for position, tag in enumerate(classes)}
        try:
            return tuple(index[tag] for tag in _gold(example))
        except KeyError as error:
            raise InputError(
                f"example {example.id}: tag {error} is not one of {', '.join(classes)}; "
                "correct the tag, or train on data that has it"
            ) from None

    def judge(
        self, examples: Sequence[Example], answers: Sequence[Sequence[int]], classes: Sequence[str]
    ) -> Counts:
        """Entities found, answered and wanted, under both readings, and matched strictly.

        Words beyond the end of an answer were cut off before the model and count as O. A unit
        is correct if exactly its entity was found, and marked if an entity of any type was
        found at exactly its place. `words` are all words, `words_right` those with the right tag.
        """
        gold = [_gold(example) for example in examples]
        pred = [_tags(a, len(g), classes) for a, g in zip(answers, gold, strict=True)]
        wanted, strict = ([entity_f1.spans(tags) for tags in side] for side in (gold, pred))
        columns = _columns(wanted, strict, "") | _words(gold, pred)
        lenient = [entity_f1_conlleval.spans(tags) for tags in pred]
        gold_lenient = [entity_f1_conlleval.spans(tags) for tags in gold]
        columns |= _columns(gold_lenient, lenient, "_conlleval")
        units, slices, keys = unit_columns(
            judged
            for row, example in enumerate(examples)
            for judged in _judged(row, example, strict[row])
        )
        matches = [mentions.matched(g, p) for g, p in zip(wanted, strict, strict=True)]
        types = _types(classes)
        return Counts(columns, units, slices, keys, mentions.columns(matches, types), types)

    def majority(self, splits: Splits) -> list[tuple[int, ...]]:
        """O for every word: most words are outside any entity."""
        return [(0,) * len(example.words) for example in splits.test]


def _gold(example: Example) -> tuple[str, ...]:
    if isinstance(example.target, int) or len(example.target) != len(example.words):
        raise InputError(
            f"example {example.id}: expected one tag for each of {len(example.words)} words, "
            f"got {example.target!r}; use data=... with ner examples"
        )
    return example.target


def _tags(answer: Sequence[int], length: int, classes: Sequence[str]) -> list[str]:
    if len(answer) > length:
        raise ValueError(f"{len(answer)} answers for {length} words")
    return [classes[index] for index in answer] + [OUTSIDE] * (length - len(answer))


def _columns(gold: Sequence[Spans], pred: Sequence[Spans], suffix: str) -> dict[str, Sequence[int]]:
    return {
        f"tp{suffix}": [len(g & p) for g, p in zip(gold, pred, strict=True)],
        f"pred{suffix}": [len(p) for p in pred],
        f"gold{suffix}": [len(g) for g in gold],
    }


def _words(
    gold: Sequence[Sequence[str]], pred: Sequence[Sequence[str]]
) -> dict[str, Sequence[int]]:
    pairs = [list(zip(g, p, strict=True)) for g, p in zip(gold, pred, strict=True)]
    return {
        "words": [len(pair) for pair in pairs],
        "words_right": [sum(g == p for g, p in pair) for pair in pairs],
    }


def _types(classes: Sequence[str]) -> tuple[str, ...]:
    """Entity types in the order of their tags."""
    return tuple(dict.fromkeys(tag.partition("-")[2] for tag in classes if tag != OUTSIDE))


def _judged(row: int, example: Example, found: Spans) -> list[Judged]:
    types: Mapping[tuple[int, int], str] = {(start, end): kind for start, end, kind in found}
    tags = _gold(example)
    return [
        Judged(
            row,
            unit,
            correct=types.get((unit.start, unit.end)) == tags[unit.start].partition("-")[2],
            marked=(unit.start, unit.end) in types,
        )
        for unit in example.units
    ]
