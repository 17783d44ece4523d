"""How measured quantities look: sizes, times, rates. What has no number says so."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.measurement import Energy, Series
from harness.report.markdown import NONE, escape, is_number, shorten
from harness.statistics import timings
from harness.statistics.stats import FEWEST_UNITS, Estimate
from harness.statistics.timings import Percentile

MIB = 2**20


def figure(value: float | None) -> str:
    """A positive quantity with three or more digits that count."""
    if value is None or not math.isfinite(value):
        return NONE
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3
    return f"{value:,.{digits}f}"


def mib(size_bytes: float | None) -> str:
    """Bytes as MiB."""
    return NONE if size_bytes is None else f"{size_bytes / MIB:,.1f}"


def unmeasured(why: str | None) -> str:
    """That something was not measured, and why where that is on record."""
    return f"not measured: {escape(shorten(why))}" if why else "not measured"


def milliseconds(found: Percentile) -> str:
    """1.23 [1.20, 1.31], or how many samples it would take."""
    if found.value is None or found.low is None or found.high is None:
        return f"refused: {found.samples:,} of {found.needed:,} samples"
    at, low, high = (figure(1000 * value) for value in (found.value, found.low, found.high))
    return f"{at} [{low}, {high}]"


def throughput(found: Estimate) -> str:
    """800.0 [790.0, 810.0], or why there is no interval over batches."""
    if found.low is None or found.high is None:
        few = f"{found.units} {'batch' if found.units == 1 else 'batches'}"
        why = few if found.units < FEWEST_UNITS else "no variation"
        return f"{figure(found.mean)} (no interval: {why})"
    return f"{figure(found.mean)} [{figure(found.low)}, {figure(found.high)}]"


def per_thousand(window: Energy) -> str:
    """Joules of a thousand examples, gross and net; empty where examples were not counted."""
    thousands = window.work.get("examples", 0) / 1000
    if not thousands:
        return ""
    gross, net = window.gross_joules / thousands, window.net_joules / thousands
    return f"{escape(window.name)}: {figure(gross)} gross, {figure(net)} net"


def borne(tried: Sequence[Series]) -> str:
    """The highest rate within the bound, and the lowest beyond it."""
    within, missed = timings.capacity(tried)
    bounds = dict.fromkeys(
        f"p{100 * one.shape['quantile']:.4g} within {figure(1000 * one.shape['bound_seconds'])} ms"
        for one in tried
        if all(is_number(one.shape.get(name)) for name in ("quantile", "bound_seconds"))
    )
    text = "none of those tried" if within is None else figure(within)
    beyond = "none missed it" if missed is None else f"missed at {figure(missed)}"
    return f"{text} ({'; '.join([*bounds, beyond])})"
