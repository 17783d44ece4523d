"""Two models in one process, taking turns: which is faster, and by how much.

Blocks of A B B A and B A A B in turn, so a drift of the machine and the first look at new examples
meet both sides alike; each block gives one ratio.
Before each race the first model races a copy of itself: what that shows is the noise, and where
it shows a difference there is no verdict.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from harness import measurement, probing, serving
from harness.measure import environment, nvml, samples
from harness.measure.samples import WarmUp
from harness.measure.stopwatch import Stopwatch
from harness.measurement import Measurement, Series
from harness.planning.configuration import at_least, build
from harness.planning.setup import Order
from harness.scenarios import Call, Scenario, generation, offline, server, single_stream
from harness.scenarios.same_shape import SameShape
from harness.scenarios.streaming import Streaming
from harness.serving import Served
from harness.train import Progress

GATE = "A/A/"
_TURNS = ((0, 1, 1, 0), (1, 0, 0, 1))

_LEAST = {"blocks": 5, "requests": 1, "texts": 1, "batch_size": 1, "batch_texts": 1, "batches": 1}
_LEAST |= {"shape_tokens": 1, "shape_batches": 1, "new_tokens": 1, "iterations": 1}


@dataclass(frozen=True)
class Race:
    """How a race is run: `requests`, or `texts` of models that write, in each turn of a block.

    Offline a turn is `batches` of `batch_size` (of `batch_texts`). Shapes are `shape_tokens` long
    in batches of each of `shape_batches`; `new_tokens` are written where the length is fixed.
    `iterations`: how often a model that writes all at once fills in, each a race of its own.
    """

    name: str
    blocks: int
    requests: int
    texts: int
    batch_size: int
    batch_texts: int
    batches: int
    shape_tokens: int
    shape_batches: Sequence[int]
    new_tokens: int
    warm_up: Mapping[str, Any]
    warm_up_texts: Mapping[str, Any]
    iterations: Sequence[int]
    streaming: bool
    server: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be done; InputError names the key."""
        at_least("race", self, _LEAST)
        for rule in (self.warm_up, self.warm_up_texts):
            WarmUp(**rule)
        if self.server is not None:
            server.Server(**self.server)


def execute(order: Order, progress: Progress = lambda _: None) -> str:
    """Race two tuned models and write the file; returns its path."""
    settings: Race = build(order.settings, "race")
    gpu, stopwatch = nvml.open_device(order.place.device), Stopwatch.of(order.place.device)
    before = environment.state(gpu)
    gpt, bert = (serving.ready(setup, order.place) for setup in order.setups)
    with samples.no_garbage_collection():
        series = raced(gpt, bert, settings, stopwatch, progress)
    found = Measurement(
        kind="race",
        identity=order.identity,
        subjects=[gpt.subject, bert.subject],
        settings={**order.settings, **asdict(order.place)},
        environment={"machine": environment.machine(gpu), **order.setups[0].environment}
        | {"before": before, "after": environment.state(gpu)},
        series=series,
        memory={str(place): stages for place, stages in enumerate(order.memory) if stages},
        flags=probing.flags(series, stopwatch),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    measurement.write(Path(order.file), found)
    return order.file


def raced(
    gpt: Served,
    bert: Served,
    settings: Race,
    stopwatch: Stopwatch,
    progress: Progress = lambda _: None,
) -> list[Series]:
    """Every race of two models, each with its gate, and the load tests of both."""
    gpt, double, bert = (replace(one, model=copy.deepcopy(one.model)) for one in (gpt, gpt, bert))
    todo = list(_races(gpt, bert, settings))
    series: list[Series] = []
    for done, (scenario, name, other) in enumerate(todo):
        rule = WarmUp(**(settings.warm_up_texts if gpt.writes else settings.warm_up))
        copies = turns(scenario, GATE + name, (gpt, double), settings, stopwatch, rule)
        series += [
            replace(one, subject=0, shape={**one.shape, "copy": number})
            for number, one in enumerate(copies)
        ]
        series += turns(scenario, name, (gpt, other), settings, stopwatch, rule)
        progress((done + 1) / len(todo))
    if settings.server is not None:
        load = server.Server(**settings.server)
        for subject, served in enumerate((gpt, bert)):
            rng = np.random.default_rng(0)  # both meet the same arrivals
            tried = server.load_test(served, served.examples, load, stopwatch, rng)
            series += [replace(one, subject=subject) for one in tried]
    return series


def _races(gpt: Served, bert: Served, settings: Race) -> Iterator[tuple[Scenario, str, Served]]:
    """What is raced, under which name, against whom."""
    yield from _shapes(gpt, bert, settings)
    if not gpt.reads:
        return
    scenarios: list[Scenario] = [single_stream.EndToEnd()]
    if gpt.writes:
        scenarios.append(generation.WholeText(settings.new_tokens, "generation/fixed length"))
    scenarios.append(offline.Offline(_batch(gpt, settings)))
    if settings.streaming:
        scenarios.append(Streaming())
    for scenario in scenarios:
        if scenario.fits(gpt) and scenario.fits(bert):
            yield scenario, scenario.name, bert
    if bert.iterations is not None:
        for count in settings.iterations:
            text = generation.WholeText(settings.new_tokens)
            yield text, f"generation/T={count}", generation.with_iterations(bert, count)


def _shapes(gpt: Served, bert: Served, settings: Race) -> Iterator[tuple[Scenario, str, Served]]:
    """Requests of a shape, where it fits into both models."""
    for size in settings.shape_batches:
        shape = SameShape(settings.shape_tokens, settings.new_tokens, size)
        if shape.fits(gpt) and shape.fits(bert):
            yield shape, "same shape" if size == 1 else f"same shape, batch of {size}", bert


def turns(
    scenario: Scenario,
    name: str,
    sides: tuple[Served, Served],
    settings: Race,
    stopwatch: Stopwatch,
    rule: WarmUp,
) -> list[Series]:
    """Blocks of A B B A and B A A B over the same examples; one series a side."""
    examples = probing.some(sides[0].examples, _examples(scenario, sides[0], settings))
    calls = [scenario.calls(served, examples) for served in sides]
    warmed = [samples.warm_up(one[0].run, stopwatch, rule) for one in calls]
    wall: list[list[float]] = [[], []]
    cpu: list[list[float]] = [[], []]
    blocks: list[list[int]] = [[], []]
    done: list[list[Mapping[str, int]]] = [[], []]
    for block in range(settings.blocks):
        for side in _TURNS[block % 2]:
            chosen = share(calls[side], block, settings.blocks)
            spent = samples.take([call.run for call in chosen], stopwatch)
            wall[side] += spent[0]
            cpu[side] += spent[1]
            blocks[side] += [block] * len(chosen)
            done[side] += [call.work for call in chosen]
    return [
        Series(
            name=name,
            subject=side,
            wall_seconds=wall[side],
            cpu_seconds=cpu[side],
            work=probing.works(done[side]),
            blocks=blocks[side],
            warm_up=warmed[side].calls,
            steady=warmed[side].steady,
        )
        for side in (0, 1)
    ]


def _examples(scenario: Scenario, served: Served, settings: Race) -> int:
    """How many examples a race takes: so many for each block, or a few batches for all blocks."""
    if isinstance(scenario, offline.Offline):
        return settings.batches * scenario.batch_size
    return settings.blocks * (settings.texts if served.writes else settings.requests)


def _batch(served: Served, settings: Race) -> int:
    return settings.batch_texts if served.writes else settings.batch_size


def share(calls: Sequence[Call], block: int, blocks: int) -> Sequence[Call]:
    """The calls of one block: its own part of them, or all where there are fewer than blocks.

    Spread, not cut, as calls may be sorted by length.
    """
    return calls[block::blocks] if len(calls) >= blocks else calls
