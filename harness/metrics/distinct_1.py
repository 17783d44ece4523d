"""Distinct words per word, over all texts together: how varied they are (Li et al. 2016).

Falls with the number of texts, so it compares texts on the same inputs only. The columns count
the n-grams of each text that no earlier text had (nor it had before), whose sum is the number
of different n-grams.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.metrics import share

TITLE = "distinct-1"
COLUMNS = ("new_1_grams", "all_1_grams")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)
DESCRIPTIVE = True
NO_INTERVAL = (
    "what a text adds depends on the texts before it, so its share has no error of its own"
)


def count_all(texts: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """n-grams of each text, and how many of them are new, in the texts' order."""
    return counted(texts, 1)


def value(totals: Mapping[str, float]) -> float:
    """Different n-grams / all n-grams; 0 where there are none."""
    return share(*(totals[name] for name in COLUMNS))


def counted(texts: Sequence[Sequence[str]], length: int) -> dict[str, list[int]]:
    """The columns for n-grams of a length."""
    seen: set[tuple[str, ...]] = set()
    new, every = [], []
    for words in texts:
        grams = [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]
        before = len(seen)
        seen.update(grams)
        new.append(len(seen) - before)
        every.append(len(grams))
    return {f"new_{length}_grams": new, f"all_{length}_grams": every}
