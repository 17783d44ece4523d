"""C5: whether BERT is better because it sees both sides: a difference of two differences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness.claims.family import Asked, Question, evidence
from harness.claims.finding import Number
from harness.claims.pairing import about, barred, few, secondary, uncertain
from harness.comparing.comparison import Clustered, Contrast
from harness.comparing.findings import Findings
from harness.comparing.verdicts import PRIMARY, Verdict
from harness.statistics import stats
from harness.statistics.stats import Estimate

RIGHT, LEFT = "R", "L"
"""Slices of the embedded world that a word to the right decides, and one to the left."""
TWIN = "twin"


def ask(findings: Findings) -> Iterator[Asked]:
    """One finding for each pair of twins; other pairs stand beside the first of its machine."""
    asked = [one for one in findings.verdicts if _fits(one)]
    others = [one for one in asked if one.contrast.gpt.first.cell.level != TWIN]
    for one in asked:
        if one.contrast.gpt.first.cell.level == TWIN:
            beside = [other for other in others if other.family[2:] == one.family[2:]]
            yield _asked(findings, one, beside)


def _fits(one: Verdict) -> bool:
    usual = one.family.kind == PRIMARY and not one.contrast.scratch
    return usual and one.group.embedded and one.group.key.task == "ner"


def _asked(findings: Findings, one: Verdict, beside: list[Verdict]) -> Asked:
    found = interaction(one.contrast)
    question = Question(
        "(BERT - GPT on R) - (BERT - GPT on L)",
        None if found is None else evidence(found),
        findings.plan.interaction,
        barred(one.contrast) or uncertain(found),
        preliminary=few(len(one.contrast.seeds), findings.plan),
    )
    numbers = [
        Number(f"BERT - GPT on {name}", one.contrast.slices[name])
        for name in (RIGHT, LEFT)
        if name in one.contrast.slices
    ]
    for other in beside:
        same = interaction(other.contrast)
        if same is not None and not barred(other.contrast):
            numbers.append(Number(f"pair {other.family.pair.pair}, not deciding", same))
    return Asked("C5", about([one]), secondary(one.family), (question,), tuple(numbers))


def interaction(contrast: Contrast) -> Estimate | None:
    """By how much BERT - GPT is larger on R than on L; None where a slice is missing."""
    values = contrast.slice_values
    if not {RIGHT, LEFT} <= values.keys():
        return None
    return stats.mean_interval(apart(values[RIGHT], values[LEFT]))


def apart(ours: Clustered, theirs: Clustered) -> stats.Matrix:
    """Runs x all clusters of two slices, whose mean is the first share minus the second.

    A cluster that both slices have (a name that occurs in both) is one unit. In a slice that
    does not have it, it stands at that slice's share: it has no weight there.
    """
    clusters = np.union1d(ours[0], theirs[0])
    spread: stats.Matrix = _over(clusters, *ours) - _over(clusters, *theirs)
    return spread


def _over(
    clusters: NDArray[np.int64], own: NDArray[np.int64], values: stats.Matrix
) -> stats.Matrix:
    share = values.mean(axis=1, keepdims=True)
    wide = np.repeat(share, len(clusters), axis=1)
    wide[:, np.searchsorted(clusters, own)] += (values - share) * len(clusters) / len(own)
    return wide
