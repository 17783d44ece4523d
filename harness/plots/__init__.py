"""Figures of a report: `figures` draws them in their order, `rendered` makes files of them.

Reads findings and writes nothing. matplotlib is imported when the first figure is drawn, never
through pyplot, and its settings are as before when a figure is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from harness.comparing.findings import Findings
from harness.plots import (
    calibration,
    effort,
    forest,
    labels,
    latency,
    learning,
    memory,
    pretraining,
    retention,
    slices,
    tradeoff,
    types,
)
from harness.plots.picture import Picture, rendered

__all__ = ["Picture", "figures", "rendered"]


def figures(findings: Findings) -> Iterator[Picture]:
    """Every figure that there is something to draw for, each under a name of its own."""
    names = Counter[str]()
    for one in _all(findings):
        names[one.name] += 1
        times = names[one.name]
        yield one if times == 1 else replace(one, name=f"{one.name}-{times}")


def _all(findings: Findings) -> Iterator[Picture]:
    yield from forest.pictures(findings)
    yield from slices.pictures(findings)
    yield from types.pictures(findings)
    yield from calibration.pictures(findings)
    yield from learning.pictures(findings)
    yield from tradeoff.pictures(findings)
    yield from latency.pictures(findings)
    yield from memory.pictures(findings)
    yield from pretraining.pictures(findings)
    yield from effort.pictures(findings)
    yield from labels.pictures(findings)
    yield from retention.pictures(findings)
