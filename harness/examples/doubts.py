"""What looks wrong in labelled examples, in words. Suspicions only: nothing here stops a run.

Texts are never quoted: they are named by where they stand, labels by their shortened name.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence

from harness.contracts import Example, Splits
from harness.examples.data import parts
from harness.examples.inspection import Inspection, share
from harness.quoting import fraction, listed, shown

SKEWED = 0.8  # share of one class from which accuracy says little
REPEATED = 0.1
FEW = 5  # training examples of a class
SMALL = 100  # examples to score on
LEAK = 0.5  # share of texts that hold their own label
SAMPLE = 2_000  # training texts to look for labels in
MANY = 20  # numbers as labels
LONG = 20  # times as many characters as the longest but 5 %
PAGE = 10_000  # characters, below which no text is called long
WIDE = 20  # characters a word
UNKNOWN = 100  # characters from which WordPiece reads a word as unknown

_MISSING = {"nan", "null", "none", "na", "n/a", "-", "?", "unknown", "#n/a", "undefined"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def of(splits: Splits, found: Inspection) -> list[str]:
    """Everything that looks wrong, the gravest first."""
    doubts = [*_absent(splits), *_unseen(found), *_texts(splits), *_repeats(found)]
    if found.labels and splits.task != "ner":
        doubts += [*_labels(found), *_balance(found), *_leak(splits)]
    return [*doubts, *_sizes(found)]


def _absent(splits: Splits) -> Iterator[str]:
    for name, examples in parts(splits).items():
        if not examples:
            yield f"there are no {name} examples, which a run needs: name a file, data.{name}=..."


def _unseen(found: Inspection) -> Iterator[str]:
    train, *others = found.sides
    for side in others:
        pairs = zip(found.labels, train.counts, side.counts, strict=True)
        new = [label for label, before, here in pairs if here and not before]
        if new:
            yield f"{side.name} asks for what train never has: {listed(new, 10)}"
    scarce = [label for label, n in zip(found.labels, train.counts, strict=True) if 0 < n < FEW]
    if scarce:
        yield f"fewer than {FEW} training examples of: {listed(scarce, 10)}"


def _labels(found: Inspection) -> Iterator[str]:
    labels, examples = found.labels, found.sides[0].examples
    if 2 * len(labels) > examples:
        yield (
            f"{len(labels):,} different labels in {examples:,} training examples: is data.label "
            "an id, a date or a text?"
        )
    measured = len(labels) > MANY or any("." in label for label in labels)
    if measured and all(map(_NUMBER.fullmatch, labels)):
        yield (
            f"the {len(labels):,} labels are numbers: they are learnt as names of classes, without "
            "their order (there is no regression here)"
        )
    folded: dict[str, list[str]] = {}
    for label in labels:
        folded.setdefault(" ".join(label.lower().split()), []).append(label)
    same = [f"'{name}'" for several in folded.values() if len(several) > 1 for name in several]
    if same:
        yield f"labels that differ in case or blanks only: {listed(same, 10)}; merge: data.labels"
    missing = [label for label in labels if label.strip().lower() in _MISSING]
    if missing:
        yield f"a label that looks like a missing value: {listed(missing)}"


def _balance(found: Inspection) -> Iterator[str]:
    train = found.sides[0]
    most = max(train.counts)
    if share(most, train) >= SKEWED:
        label = found.labels[train.counts.index(most)]
        yield (
            f"one label, '{shown(label)}', is {fraction(share(most, train))} of train: always "
            "answering it is hard to beat in accuracy, so look at macro F1 and Matthews correlation"
        )


def _leak(splits: Splits) -> Iterator[str]:
    """Texts that hold the words of their own label, and not as often those of another one."""
    names = {k: _parts(label) for k, label in enumerate(splits.labels) if _telling(label)}
    some = splits.train[:: -(-len(splits.train) // SAMPLE)]
    own: list[bool] = []
    others: list[bool] = []
    for example in some:
        words = {part for word in (*example.words, *example.second) for part in _parts(word)}
        for k, name in names.items():
            (own if k == example.target else others).append(words.issuperset(name))
    if 2 * len(own) < len(some):
        return
    rate, chance = (sum(held) / max(1, len(held)) for held in (own, others))
    if rate >= LEAK and rate >= 2 * chance:
        yield f"{fraction(rate)} of the training texts hold their own label's words: a giveaway?"


def _telling(label: str) -> bool:
    """A label that is no accident in a text: not a digit, not a very short word."""
    return any(len(part) > 2 for part in _parts(label))


def _parts(word: str) -> list[str]:
    """Letters and digits that stand together, in lower case."""
    return [part for part in re.split(r"[\W_]+", word.lower()) if part]


def _texts(splits: Splits) -> Iterator[str]:
    every = [example for examples in parts(splits).values() for example in examples]
    if splits.task != "ner" and statistics.median(len(e.words) for e in every) == 1:
        yield "most texts are one word: is data.text the right column?"
    yield from _blanks(every)
    sizes = [sum(map(len, e.words + e.second)) for e in every]
    longest = max(sizes)
    if longest > max(PAGE, LONG * sorted(sizes)[95 * len(sizes) // 100]):
        yield (
            f"{shown(every[sizes.index(longest)].id)} is {longest:,} characters long and will be "
            "cut: was a quote or a line end lost there?"
        )


def _blanks(every: Sequence[Example]) -> Iterator[str]:
    """Blanks between words are taken for granted everywhere here."""
    widths = (sum(map(len, e.words)) / len(e.words) for e in every)
    if statistics.median(widths) > WIDE:
        yield (
            f"most texts have more than {WIDE} characters a word: words are what stands between "
            "blanks, and texts are cut by whole words (a language without blanks needs some first)"
        )
    solid = sum(any(map(_solid, e.words + e.second)) for e in every)
    if solid:
        yield (
            f"{solid:,} examples hold a run of more than {UNKNOWN} letters or digits: to a "
            "tokenizer that is trained here it is one unknown word"
        )


def _solid(word: str) -> bool:
    return len(word) > UNKNOWN and any(len(part) > UNKNOWN for part in _parts(word))


def _repeats(found: Inspection) -> Iterator[str]:
    if any(side.repeats > REPEATED * side.examples for side in found.sides):
        told = ", ".join(f"{s.name} {s.repeats:,} of {s.examples:,}" for s in found.sides)
        yield f"many examples read like an earlier one of their split ({told})"
    torn = ", ".join(f"{side.name} {side.torn:,}" for side in found.sides if side.torn)
    if torn and found.labels:
        yield f"examples of one split that read alike but have different answers: {torn}"


def _sizes(found: Inspection) -> Iterator[str]:
    small = [side for side in found.sides[1:] if side.examples < SMALL]
    if small:
        told = ", ".join(f"{side.name} {side.examples}" for side in small)
        yield f"few examples to score on ({told}): only large differences can be told apart"
    cut = [side for side in found.sides if side.cut[1] > REPEATED * side.examples]
    if cut:
        told = ", ".join(f"{s.name} about {fraction(s.cut[1] / s.examples)}" for s in cut)
        where = "decoding.max_new_tokens or " if found.task == "generation" else ""
        yield f"many examples will lose words ({told}): raise {where}train.max_length"
