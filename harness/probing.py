"""One tuned model, measured by itself: latency, throughput, texts as they are written, memory.

Runs once per model, task and mode, on the kept checkpoint, alone on the machine. Which model is
faster is not decided here but in a race, where both take turns (`racing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness import measurement, serving
from harness.contracts import Example, InputError
from harness.measure import energy, environment, nvml, samples
from harness.measure.nvml import Gpu
from harness.measure.samples import WarmUp
from harness.measure.stopwatch import Stopwatch
from harness.measurement import Energy, Measurement, Series
from harness.planning.configuration import at_least, build
from harness.planning.setup import Order
from harness.scenarios import Call, generation, offline, server, single_stream, streaming
from harness.serving import Served
from harness.train import Progress

FOREIGN_LOAD = 1.1
"""Wall seconds per process second above which something else was at work (one thread)."""

ENOUGH_GAIN = 1.03
"""A batch size that is less than this much faster than half of it is the last one tried."""

_LEAST = {"requests": 1, "texts": 1, "fixed_tokens": 1, "offline_examples": 1, "batch_sizes": 1}
_LEAST |= {"memory_batch": 1, "streaming": 0}


@dataclass(frozen=True)
class Probe:
    """What is measured. `texts`: how many are written one at a time, at natural and fixed length.

    `server` and `streaming` are left out where null and 0; `energy_seconds` is the window of one
    reading of a device's counter.
    """

    name: str
    requests: int
    texts: int
    fixed_tokens: int
    offline_examples: int
    batch_sizes: Sequence[int]
    memory_batch: int
    warm_up: Mapping[str, Any]
    warm_up_texts: Mapping[str, Any]
    streaming: int = 0
    server: Mapping[str, Any] | None = None
    energy_seconds: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what cannot be done; InputError names the key."""
        at_least("probe", self, _LEAST)
        if not isinstance(self.batch_sizes, list) or not self.batch_sizes:
            raise InputError("probe.batch_sizes: expected one or more numbers from 1")
        if self.offline_examples < max(self.batch_sizes):
            raise InputError(
                f"probe.offline_examples={self.offline_examples}: expected as many as the largest "
                f"of probe.batch_sizes, {max(self.batch_sizes)}; raise the one or lower the other"
            )
        if self.energy_seconds <= 0:
            raise InputError(f"probe.energy_seconds={self.energy_seconds}: expected more than 0")
        for rule in (self.warm_up, self.warm_up_texts):
            WarmUp(**rule)
        if self.server is not None:
            server.Server(**self.server)


def execute(order: Order, progress: Progress = lambda _: None) -> str:
    """Measure one tuned model and write the file; returns its path."""
    settings: Probe = build(order.settings, "probe")
    (setup,) = order.setups
    gpu = nvml.open_device(order.place.device)
    before = environment.state(gpu)
    served = serving.tuned(setup, order.place)
    stopwatch = Stopwatch.of(order.place.device)
    with samples.no_garbage_collection():
        series = list(measured(served, settings, stopwatch, progress))
    joules = _energy(served, settings, series, stopwatch, gpu)
    found = Measurement(
        kind="probe",
        identity=order.identity,
        subjects=[served.subject],
        settings={**order.settings, **asdict(order.place)},
        environment={"machine": environment.machine(gpu), **setup.environment}
        | {"before": before, "after": environment.state(gpu)},
        series=series,
        memory={str(place): stages for place, stages in enumerate(order.memory)},
        energy=[] if isinstance(joules, str) else [joules],
        not_measured={"energy": joules} if isinstance(joules, str) else {},
        flags=flags(series, stopwatch),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    measurement.write(Path(order.file), found)
    return order.file


def measured(
    served: Served, settings: Probe, stopwatch: Stopwatch, progress: Progress = lambda _: None
) -> Sequence[Series]:
    """Every series of a probe, in the order of its settings."""
    warm_up = settings.warm_up_texts if served.writes else settings.warm_up
    rule, series = WarmUp(**warm_up), list[Series]()
    if served.writes and not generation.WholeText(settings.fixed_tokens).fits(served):
        raise InputError(
            f"probe.fixed_tokens={settings.fixed_tokens}: {served.subject.model} has room for "
            f"{served.room_to_write} tokens behind a prompt; ask for no more than that"
        )
    one_by_one = settings.texts if served.writes else settings.requests
    chosen = some(served.examples, one_by_one)
    for scenario in (single_stream.Model(), single_stream.EndToEnd()):
        series.append(timed(scenario.name, scenario.calls(served, chosen), stopwatch, rule))
    progress(0.3)
    series += ladder(served, settings, stopwatch)
    progress(0.6)
    if served.writes:
        for tokens in (None, settings.fixed_tokens):
            series += written(served, chosen, stopwatch, tokens)
    words = streaming.Streaming()
    if settings.streaming and words.fits(served):
        texts = some(served.examples, settings.streaming)
        series.append(timed(words.name, words.calls(served, texts), stopwatch, rule))
    progress(0.9)
    if settings.server is not None:
        load, rng = server.Server(**settings.server), np.random.default_rng(0)
        series += server.load_test(served, served.examples, load, stopwatch, rng)
    return series


def some(examples: Sequence[Example], count: int) -> list[Example]:
    """So many examples, spread over all of them; where there are fewer, again from the start."""
    places = np.linspace(0, len(examples), count, endpoint=False).astype(int)
    if count > len(examples):
        places = np.arange(count) % len(examples)
    return [examples[i] for i in places]


def timed(
    name: str,
    calls: Sequence[Call],
    stopwatch: Stopwatch,
    rule: WarmUp,
    shape: Mapping[str, Any] | None = None,
) -> Series:
    """Samples of calls, one each, after warming up on the first."""
    warmed = samples.warm_up(calls[0].run, stopwatch, rule)
    wall, cpu = samples.take([call.run for call in calls], stopwatch)
    return Series(
        name=name,
        subject=0,
        wall_seconds=wall,
        cpu_seconds=cpu,
        work=works([call.work for call in calls]),
        shape=shape or {},
        warm_up=warmed.calls,
        steady=warmed.steady,
    )


def works(each: Sequence[Mapping[str, int]]) -> dict[str, list[int]]:
    """Work per sample in columns."""
    return {name: [one[name] for one in each] for name in (each[0] if each else {})}


def ladder(served: Served, settings: Probe, stopwatch: Stopwatch) -> Sequence[Series]:
    """Offline, at growing batch sizes, until one brings no more or memory ends."""
    examples, found, best = some(served.examples, settings.offline_examples), list[Series](), 0.0
    for size in settings.batch_sizes:
        scenario = offline.Offline(size)
        calls = scenario.calls(served, examples)
        try:
            calls[-1].run()  # the widest batch: warm
            wall, cpu = samples.take([call.run for call in calls], stopwatch)
        except torch.OutOfMemoryError:
            break
        shape, done = {"batch_size": size}, works([call.work for call in calls])
        found.append(Series(scenario.name, 0, wall, cpu, done, shape=shape, warm_up=1))
        speed = len(examples) / sum(wall if stopwatch.on_device else cpu)
        if speed < best * ENOUGH_GAIN:
            break
        best = speed
    return found


def written(
    served: Served, examples: Sequence[Example], stopwatch: Stopwatch, tokens: int | None
) -> list[Series]:
    """When the first token of a text was there, and the last."""
    generation.timeline(served, examples[0], stopwatch, tokens)
    lines = [generation.timeline(served, e, stopwatch, tokens) for e in examples]
    done, shape = works([line.work for line in lines]), {"length": tokens or "natural"}
    spans = {
        name: [span(line) for line in lines]
        for name, span in generation.SERIES.items()
        if name == generation.WHOLE or all(line.heard for line in lines)
    }
    return [
        Series(name, 0, [r.wall for r in each], [r.cpu for r in each], done, shape=shape, warm_up=1)
        for name, each in spans.items()
    ]


def flags(series: Sequence[Series], stopwatch: Stopwatch) -> list[str]:
    """What makes the samples doubtful, in words."""
    found = [f"{one.name}: not steady after {one.warm_up} calls" for one in series if _loose(one)]
    if not stopwatch.on_device:
        timed_ones = [one for one in series if not one.name.startswith("server-like")]
        wall = sum(sum(one.wall_seconds) for one in timed_ones)
        cpu = sum(sum(one.cpu_seconds) for one in timed_ones)
        if cpu and wall / cpu > FOREIGN_LOAD:
            found.append(f"foreign load: {wall / cpu:.2f} wall seconds per process second")
    return found


def _loose(one: Series) -> bool:
    return one.steady is False


def _energy(
    served: Served,
    settings: Probe,
    series: Sequence[Series],
    stopwatch: Stopwatch,
    gpu: Gpu | str,
) -> Energy | str:
    """Joules of offline batches, again and again; or why there is no figure.

    Of the largest batches that were timed: they are warm, and known to fit into memory.
    """
    if isinstance(gpu, str):
        return gpu
    size = max((one.shape["batch_size"] for one in series if one.name == "offline"), default=None)
    if size is None:
        return "no batch fitted into the device's memory"
    calls = offline.Offline(size).calls(served, some(served.examples, settings.offline_examples))
    name = f"offline, batches of {size}"
    return energy.measure(name, calls, gpu, stopwatch, settings.energy_seconds)
