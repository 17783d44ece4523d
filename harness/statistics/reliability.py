"""How sure a model was of its answers, and how often it was right: integers by bin of confidence.

The confidence of an answer is the probability that the model gave it. Bins have equal width, so
they mean the same for every run and their counts can be added (Guo et al. 2017, On calibration of
modern neural networks, draw the same diagram). Knows no model and no file.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.record import CONFIDENCE_UNITS

BINS = 15
"""Bin k holds confidences from k/15 up to, without it, (k + 1)/15; the last one also 1."""


def table(
    answers: Sequence[Sequence[int]],
    gold: Sequence[Sequence[int]],
    confidences: Sequence[Sequence[float]],
    ignored: int | None = None,
) -> dict[str, list[int]]:
    """The `reliability` of `contracts.Counts`: per bin `answers`, `right` and `confidence`.

    Answers and gold are class indices, one or several an example; gold beyond the end of an answer
    was never asked. Answers of the class `ignored` are left out: of tags O, which is most words
    and would hide all others.
    """
    counted, right, sure = [0] * BINS, [0] * BINS, [0] * BINS
    for given, wanted, levels in zip(answers, gold, confidences, strict=True):
        for answer, target, level in zip(given, wanted, levels, strict=False):
            if answer != ignored:
                units = round(level * CONFIDENCE_UNITS)
                place = min(units * BINS // CONFIDENCE_UNITS, BINS - 1)
                counted[place] += 1
                right[place] += int(answer == target)
                sure[place] += units
    return {"answers": counted, "right": right, "confidence": sure}
