"""Statistics of timed samples: percentiles, throughput, and the ratio of two models in turn.

Reads series as they were taken and knows no file. What the samples cannot carry is refused with
what it would take; what was noise in the race of a model against itself gives no verdict.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats as distributions

from harness.measurement import Series
from harness.statistics import stats
from harness.statistics.stats import LEVEL, Estimate, Vector

WALL, PROCESS = "wall", "process"
SERVER = "server-like"
"""Series whose seconds hold waiting by design: they tell nothing of foreign load."""

BEYOND = 10
"""Samples that must be expected beyond a percentile: 20 for p50, 200 for p95, 1,000 for p99."""

FEWEST_BLOCKS = 5
FOREIGN_LOAD = 1.1
"""Wall seconds per process second above which something else was at work."""

GATE = 0.02
MARGIN = 0.10


@dataclass(frozen=True)
class Percentile:
    """A percentile with its 95 % interval, in the samples' unit; None where refused."""

    q: float
    samples: int
    needed: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Ratio:
    """Seconds of A over seconds of B as a natural logarithm: mean over blocks and its interval."""

    log: float
    low: float
    high: float
    blocks: int
    clock: str
    left_out: int = 0  # blocks in which the two did not do the same number of calls


class Capacity(NamedTuple):
    """Requests per second: the highest tried that kept the bound, the lowest that did not."""

    within: float | None
    missed: float | None


def enough(q: float) -> int:
    """Samples without which a percentile is refused."""
    return math.ceil(round(BEYOND / min(q, 1 - q), 6))


def percentile(samples: ArrayLike, q: float) -> Percentile:
    """The sample of rank ceil(q n), between two order statistics that cover the true one.

    Their ranks come from the binomial number of samples below it, whatever the distribution
    (David and Nagaraja 2003, Order Statistics, section 7.1). Samples count as independent.
    """
    values = np.sort(np.asarray(samples, np.float64))
    count, needed = len(values), enough(q)
    if count < needed:
        return Percentile(q, count, needed)
    below = distributions.binom(count, q)
    ranks = math.ceil(q * count - 1e-9), below.ppf((1 - LEVEL) / 2), below.ppf((1 + LEVEL) / 2) + 1
    at, low, high = (float(values[int(rank) - 1]) for rank in ranks)
    return Percentile(q, count, needed, at, low, high)


def seconds(series: Series, clock: str) -> Vector:
    """The samples on one of the two clocks."""
    taken = series.wall_seconds if clock == WALL else series.cpu_seconds
    return np.asarray(taken, np.float64)


def per_token(first: Series, whole: Series, clock: str) -> Vector:
    """Seconds per token after the first, (whole - first) / (n - 1), of texts with two or more."""
    tokens = np.asarray(whole.work.get("tokens", ()), np.float64)
    start, end = seconds(first, clock), seconds(whole, clock)
    if not len(tokens) == len(start) == len(end):
        return np.empty(0)
    several = tokens > 1
    spent: Vector = (end - start)[several] / (tokens[several] - 1)
    return spent


def rate(series: Series, what: str, clock: str) -> Estimate | None:
    """Work per second: total work over total seconds, with an interval over batches.

    The ratio estimator and its linearised error (Cochran 1977, Sampling Techniques, ch. 6);
    `what` is examples, words or tokens. None where that was not counted.
    """
    done, spent = series.work.get(what), seconds(series, clock)
    if not done or len(done) != len(spent) or spent.sum() <= 0:
        return None
    return stats.mean_interval(stats.linearise([done], [spent]))


def load_share(series: Series) -> float | None:
    """Wall over process seconds: 1 where nothing else was at work. None without process time."""
    spent = float(np.sum(series.cpu_seconds))
    return float(np.sum(series.wall_seconds)) / spent if spent > 0 else None


def clock_of(series: Iterable[Series], device: str) -> str:
    """The clock on which these are compared.

    Process seconds where the work is done by the processor and any series, or any block of one,
    shows foreign load; else wall seconds.
    """
    if not device.startswith("cpu"):
        return WALL
    shares = (share for one in series if not one.name.startswith(SERVER) for share in _shares(one))
    return PROCESS if any(share > FOREIGN_LOAD for share in shares) else WALL


def _shares(series: Series) -> Iterator[float]:
    if (share := load_share(series)) is not None:
        yield share
    wall, cpu = (_by_block(series, clock) for clock in (WALL, PROCESS))
    yield from (sum(wall[block]) / sum(cpu[block]) for block in wall if sum(cpu[block]) > 0)


def _by_block(series: Series, clock: str) -> dict[int, list[float]]:
    found: dict[int, list[float]] = defaultdict(list)
    for block, spent in zip(series.blocks, seconds(series, clock).tolist(), strict=False):
        found[block].append(spent)
    return found


def block_ratio(a: Series, b: Series, clock: str) -> Ratio | None:
    """A's seconds over B's: one log ratio of sums a block, and a t interval over blocks.

    A drift that both meet within a block cancels. None with fewer than 5 blocks.
    """
    ours, theirs = _by_block(a, clock), _by_block(b, clock)
    pairs = [(ours.get(block, []), theirs.get(block, [])) for block in sorted({*ours, *theirs})]
    logs = np.array([math.log(sum(x) / sum(y)) for x, y in pairs if _comparable(x, y)])
    count = len(logs)
    if count < FEWEST_BLOCKS:
        return None
    error = float(logs.std(ddof=1)) / math.sqrt(count)
    reach = float(distributions.t.ppf((1 + LEVEL) / 2, count - 1)) * error
    mean = float(logs.mean())
    return Ratio(mean, mean - reach, mean + reach, count, clock, len(pairs) - count)


def _comparable(x: Sequence[float], y: Sequence[float]) -> bool:
    return len(x) == len(y) and sum(x) > 0 and sum(y) > 0


def factor(ratio: Ratio) -> float:
    """How many times the slower side took as long as the faster: 1 or more."""
    return math.exp(abs(ratio.log))


def passes(gate: Ratio | None) -> bool:
    """Whether a model tied with its own copy, to within 2 %.

    Either its interval holds 1 and the ratio is within 2 %, or the whole interval is: a quiet
    machine sees differences of .5 %, which stand in the way of no verdict about 10 %.
    """
    if gate is None:
        return False
    limit = math.log1p(GATE)
    surely = max(-gate.low, gate.high) <= limit
    return surely or (abs(gate.log) <= limit and gate.low <= 0 <= gate.high)


def verdict(ratio: Ratio | None, gate: Ratio | None, margin: float = MARGIN) -> str:
    """What a ratio GPT / BERT says, in words; nothing where the gate failed or is missing."""
    if not passes(gate):
        return "noisy: undetermined"
    if ratio is None:
        return f"undetermined: fewer than {FEWEST_BLOCKS} blocks"
    if max(-ratio.low, ratio.high) <= math.log1p(margin):
        return f"equivalent within {margin:.0%}".replace("%", " %")
    if ratio.low <= 0 <= ratio.high:
        return "undetermined: difference smaller than noise"
    side = "GPT" if ratio.log < 0 else "BERT"
    return f"{side} faster by a factor of {factor(ratio):.2f}"


def capacity(tried: Iterable[Series]) -> Capacity:
    """The load that one side bore, from runs at several rates.

    A run kept the bound where a share `quantile` of its latencies, counted from the scheduled
    arrival, lies within `bound_seconds`, and its own shape does not say that it was given up.
    """
    within, missed = list[float](), list[float]()
    for one in tried:
        try:
            rate, bound, q = (
                float(one.shape[name]) for name in ("rate_per_second", "bound_seconds", "quantile")
            )
        except (KeyError, TypeError, ValueError):
            continue
        latencies = seconds(one, WALL)
        kept = len(latencies) > 0 and float((latencies <= bound).mean()) >= q
        (within if kept and one.shape.get("within") is not False else missed).append(rate)
    return Capacity(max(within, default=None), min(missed, default=None))
