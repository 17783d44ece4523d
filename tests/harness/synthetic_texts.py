"""Made-up texts with an exact judgement, as a model of known ability writes them.

A text has a name and three slots; each slot is told with a given probability, and otherwise left
out or told wrong in equal parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.contracts import Counts, Example, Splits, Unit, Written
from tasks.generation import Generation

TASK = Generation()
VALUES = {
    "food": ("thai", "greek", "french"),
    "area": ("north", "south", "centre"),
    "price": ("low", "fair", "high"),
}
FRAMES = (
    "{name} serves {food} food in the {area} at a {price} price .",
    "in the {area} there is {name} with {food} dishes for a {price} price .",
)
EVERY = {value for values in VALUES.values() for value in values}


def grade(example: Example, words: Sequence[str]) -> Mapping[str, int]:
    """Which slots are missing, wrong or added: every value is one of its slot's only."""
    wanted, said = set(example.words) & EVERY, set(words) & EVERY
    missing = wrong = 0
    for values in VALUES.values():
        right, told = wanted & set(values), said & set(values)
        missing += int(not told)
        wrong += int(bool(told) and not told & right)
    added = len(said) - (len(VALUES) - missing)
    counts = {"missing": missing, "wrong": wrong, "added": added, "slots": len(VALUES)}
    copied, ends = example.words[1] in words, bool(words) and words[-1] == "."
    return counts | {"name_copied": int(copied), "grammatical": int(ends)}


def example(row: int, rng: np.random.Generator) -> Example:
    facts = {slot: str(rng.choice(values)) for slot, values in VALUES.items()}
    name = f"name{row}"
    words = ["name", name, *(word for fact in facts.items() for word in fact)]
    references = tuple(frame.format(name=name, **facts) for frame in FRAMES)
    part = ("short", "long")[row % 2]
    return Example(f"test:{row}", tuple(words), references, (Unit(part, 0, len(words), ""),))


def splits(size: int) -> Splits:
    """Training texts from one stream, test texts from another; no dev."""
    rng = np.random.default_rng(11)
    train = tuple(example(row, rng) for row in range(20))
    test = tuple(example(row, rng) for row in range(size))
    graded = ("slot_error", "name_copied", "grammatical")
    return Splits("world", TASK.name, "embedded", train, (), test, (), grade=grade, metrics=graded)


def write(example: Example, share: float, rng: np.random.Generator) -> Written:
    """A text that tells each slot with a probability; one in a hundred is cut off."""
    frame = FRAMES[int(rng.integers(len(FRAMES)))]
    told = {slot: example.words[example.words.index(slot) + 1] for slot in VALUES}
    for slot, values in VALUES.items():
        if rng.random() >= share:
            told[slot] = "" if rng.random() < 0.5 else str(rng.choice(values))
    words = frame.format(name=example.words[1], **told).split()
    cut = rng.random() < 0.01
    return Written(tuple(words[:-1]) if cut else tuple(words), bool(cut))


def written(share: float, size: int, seed: int) -> tuple[Counts, list[dict[str, Any]]]:
    """Counts of one run, and the lines that people read."""
    data, rng = splits(size), np.random.default_rng([seed, 7])
    answers = [write(one, share, rng) for one in data.test]
    rows = [
        {
            "id": one.id,
            "words": list(one.words),
            "references": list(one.target),  # type: ignore[arg-type]
            "text": answer.text,
            "cut_off": answer.cut_off,
            "slices": [list(unit) for unit in one.units],
        }
        for one, answer in zip(data.test, answers, strict=True)
    ]
    return TASK.judge(data.test, answers, data), rows


def majority(size: int) -> dict[str, int]:
    """Summed counts of the text that ignores its input."""
    data = splits(size)
    columns = TASK.judge(data.test, TASK.majority(data), data).columns
    return {name: sum(column) for name, column in columns.items()}
