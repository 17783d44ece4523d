"""What the best of n trials is expected to score. Pure functions of scores."""

from __future__ import annotations

import math
from collections.abc import Sequence


def expected_best(scores: Sequence[float], lower_is_better: bool = False) -> list[float]:
    """The expected best of n of these N scores, drawn without replacement, for n = 1 to N.

    With v(1) <= ... <= v(N) the scores in order,

        E_n = sum over i from n to N of C(i - 1, n - 1) / C(N, n) * v(i),

    as v(i) is the maximum of a draw where it is in it and the other n - 1 are among the i - 1
    below it. Where lower is better, the same of the minimum. Read as an estimate for other trials
    of the same sampler it is unbiased (a U-statistic), for independent trials.

    Source: J. Dodge et al. (2019), "Show Your Work: Improved Reporting of Experimental Results",
    EMNLP, whose draws are with replacement; without: R. Tang et al. (2020), "Showing Your Work
    Doesn't Always Work", ACL. Infinite scores (a failed trial of a metric without a worst value)
    stay infinite as long as a draw may hold nothing else. Raises ValueError for NaN.
    """
    if any(math.isnan(one) for one in scores):
        raise ValueError("a score is NaN")
    sign = -1.0 if lower_is_better else 1.0
    ordered = sorted(sign * one for one in scores)
    size = len(ordered)
    return [
        0.0  # so that nought has no sign
        + sign
        * sum(
            math.comb(rank - 1, drawn - 1) / math.comb(size, drawn) * ordered[rank - 1]
            for rank in range(drawn, size + 1)
        )
        for drawn in range(1, size + 1)
    ]
