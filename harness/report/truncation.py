"""What of the inputs a model did not read: said beside scores and in answers.

The two sides of a pair may cut differently, as their tokenizers make different pieces of the same
words, so every number stands under the name of its model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.comparing.comparison import Arm, Group
from harness.report.markdown import NONE, count, escape, table

CUT = ("cut_examples", "cut_words", "cut_entities", "cut_references")
WINDOWS = ("windowed_examples", "windows")
SPLITS = ("train", "dev", "test")
SHOTS = "shots"  # solved examples in a prompt, as if they were a split
INTRODUCTION = (
    "What did not fit (`train.max_length`, of texts also `decoding.max_new_tokens`), by model and "
    "split. Words that were cut are answered O and their entities are missed, so a score here is "
    "of reading less as well; other labels and texts were given without the words that were cut. A "
    "text that was read in windows has every word answered; a word longer than a whole window is "
    "then read by its first pieces and counts as cut."
)
HEADER = ["model", "split", "examples cut", "words cut", "entities lost", "references cut"]
HEADER += ["read in windows"]


def counts(arm: Arm) -> dict[str, dict[str, int]]:
    """Split -> what -> how many, of one run; the most of any run where they differ."""
    found: dict[str, dict[str, int]] = {name: {} for name in SPLITS}
    scored = arm.first.evaluated or SPLITS[-1]
    for run in arm.runs:
        for name, number in (run.record.truncation or {}).items():
            split, _, what = name.rpartition(".")
            here = found.setdefault(split or scored, {})
            here[what] = max(number, here.get(what, 0))
    return found


def scored(arm: Arm) -> dict[str, int]:
    """The same of the split that scores are of."""
    return counts(arm).get(arm.first.evaluated or SPLITS[-1], {})


def brief(arm: Arm) -> str:
    """What a score is of where inputs were cut: "12 of 300 inputs cut"; else nothing."""
    cut = scored(arm).get("cut_examples", 0)
    lost = scored(arm).get("cut_entities", 0)
    if not cut:
        return ""
    data = arm.first.data
    text = f"{_of(cut, data.sizes if data else {}, _split(arm))} inputs cut"
    return f"{text}, {lost:,} entities lost" if lost else text


def shown(group: Group) -> str:
    """The paragraph under the scores of a group; empty where everything fit in every model."""
    rows = [row for arm in group.arms for row in _rows(group, arm)]
    if not rows:
        return ""
    return f"{INTRODUCTION}\n\n{table(HEADER, rows, 'llrrrrr')}"


def _rows(group: Group, arm: Arm) -> Iterator[list[str]]:
    """Of splits of which any model read less, so that the other side's zeros stand beside it."""
    found = counts(arm)
    for split in (*SPLITS, SHOTS):
        if any(any(counts(other).get(split, {}).values()) for other in group.arms):
            yield [escape(arm.description), split, *_numbers(arm, split, found.get(split, {}))]


def _numbers(arm: Arm, split: str, found: Mapping[str, int]) -> list[str]:
    data = arm.first.data
    examples, words, entities, references = (found.get(name) for name in CUT)
    windows = NONE
    if found.get("windowed_examples"):
        windows = f"{found['windowed_examples']:,} in {found.get('windows', 0):,} windows"
    return [
        _of(examples, data.sizes if data else {}, split),
        _of(words, data.words if data else {}, split),
        count(entities),
        count(references),
        windows,
    ]


def _of(number: int | None, sizes: Mapping[str, int], split: str) -> str:
    if number is None:
        return NONE
    whole = sizes.get(split)
    return f"{number:,} of {whole:,}" if number and whole is not None else f"{number:,}"


def _split(arm: Arm) -> str:
    return arm.first.evaluated or SPLITS[-1]


def told(arm: Arm) -> str:
    """One line of an arm: split by split, only what is not nothing."""
    parts = []
    for split, found in counts(arm).items():
        names = {name: name.replace("_", " ") for name in (*CUT, "cut_units", *WINDOWS)}
        said = [f"{text} {found[name]:,}" for name, text in names.items() if found.get(name)]
        if said:
            parts.append(f"{escape(split)}: {', '.join(said)}")
    return "; ".join(parts)
