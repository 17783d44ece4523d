"""ROUGE-L: F-measure of the longest common subsequence with the best reference (Lin 2004).

Counted by the library `rouge-score`, without stemming; the mean over texts. Its tokens are runs
of a to z and 0 to 9 in lower case: texts in another script score 0. Columns hold millionths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from harness.metrics import share

TITLE = "ROUGE-L"
COLUMNS = ("rouge_l_millionths", "total")
LOWER_IS_BETTER = False
LIMITS = (0.0, 1.0)

_WHOLE = 1_000_000


def count(words: Sequence[str], references: Sequence[str]) -> dict[str, int]:
    """The F-measure of one text, in millionths."""
    best = _scorer().score_multi(list(references), " ".join(words))["rougeL"].fmeasure
    return {"rouge_l_millionths": round(_WHOLE * float(best))}


def value(totals: Mapping[str, float]) -> float:
    """The mean over texts; 0 where nothing was judged."""
    return share(totals["rouge_l_millionths"] / _WHOLE, totals["total"])


def ratio(columns: Mapping[str, Sequence[int]]) -> tuple[Sequence[float], Sequence[float]]:
    """Numerator and denominator per text."""
    return columns["rouge_l_millionths"], [_WHOLE * total for total in columns["total"]]


def signature(references: Sequence[Sequence[str]]) -> str:
    """The settings and the version of the library."""
    from importlib.metadata import version

    numbers = {len(texts) for texts in references}
    refs = numbers.pop() if len(numbers) == 1 else "var"
    return f"nrefs:{refs}|multi:best|measure:F1|stemmer:no|rouge-score:{version('rouge-score')}"


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], use_stemmer=False)
