"""The memory of one tuned model, stage by stage, and how cold it starts.

Measured in a process that is newly executed for it: a forked one would inherit its parent's peak.
`measure` starts that process, which is this module as a program. The program takes a pickle of our
own on its standard input and writes one stage a line, so that those before a crash are kept.

Every stage's `seconds` count from the parent's clock when it started the program (the clock is the
same for all processes of a machine), as a user waits for starting a program too; what reading the
memory itself took is left out.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from harness.measure import peaks
from harness.measure.stopwatch import Stopwatch

# Nothing else here: what is imported here counts as the bare interpreter's memory ("start").
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor, nn

    from harness.measure.nvml import Gpu
    from harness.measurement import Stage
    from harness.planning.setup import Place, Setup

STAGES = (
    "start",  # the interpreter, and the few modules above
    "imports",  # torch, transformers, ours; the examples
    "weights",  # the tuned model and its tokenizer
    "first answer",  # to one example
    "forward",  # a batch of inference, words in and answers out
    "training set-up",  # model, optimizer and examples as a training run holds them
    "training step",  # two updates on one batch
)

_USERS_MISTAKE = 2  # exit code
_PR_SET_PDEATHSIG = 1  # of prctl(2)


class Shape(NamedTuple):
    """Of inference: examples a batch, and tokens an example where there are no words to read."""

    batch_size: int = 32
    tokens: int = 128


def measure(
    setup: Setup,
    place: Place,
    shape: Shape = Shape(),  # noqa: B008 - it cannot change
    threads: int = 1,
    limit_seconds: float = 600.0,
) -> list[Stage]:
    """All of `STAGES`, in order. One that was not reached has no number, and says why.

    `shape` and the place's precision are of inference; training is as the cell's
    configuration says. The clock is no argument, as the program could not read another. Raises
    InputError where the cell has kept no tuned model.
    """
    import json
    import pickle
    import subprocess

    from harness.contracts import InputError
    from harness.measurement import Stage

    try:
        done = subprocess.run(
            [sys.executable, "-m", "harness.ledger", repr(Stopwatch().wall())],
            input=pickle.dumps((setup, place, tuple(shape))),
            capture_output=True,
            timeout=limit_seconds,
            env=_surroundings(threads),
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        written, why = late.stdout or b"", f"stopped after {limit_seconds:g} seconds"
    else:
        written, why = done.stdout, _last_words(done.returncode, done.stderr.decode())
        if done.returncode == _USERS_MISTAKE:
            raise InputError(why)
    lines = [line for line in written.decode().split("\n")[:-1] if line]
    found = [Stage(**json.loads(line)) for line in lines]
    missing = STAGES[len(found) :]
    return found + [Stage(name, None, None, None, why=why) for name in missing]


def held(model: nn.Module, optimizer: Any = None) -> dict[str, int]:
    """Exact bytes of a model, and of its gradients and the optimizer's state; shared tensors once.

    AdamW keeps two numbers for each that is trained (8 bytes in fp32), and one count a tensor.
    """
    parts = {"weights": _bytes(model.parameters()), "buffers": _bytes(model.buffers())}
    if optimizer is None:
        return parts
    state = [value for kept in optimizer.state.values() for value in kept.values()]
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    return parts | {"gradients": _bytes(gradients), "optimizer": _bytes(state)}


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum({one.data_ptr(): one.numel() * one.element_size() for one in tensors}.values())


def _surroundings(threads: int) -> dict[str, str]:
    """The parent's environment, but with `threads` threads whatever the parent's variables say."""
    from harness.measure.environment import THREAD_VARIABLES

    kept = {name: value for name, value in os.environ.items() if name not in THREAD_VARIABLES}
    counted = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    return kept | counted | {"OMP_WAIT_POLICY": "PASSIVE", "TOKENIZERS_PARALLELISM": "false"}


def _last_words(code: int, errors: str) -> str:
    if code < 0:
        hint = "; out of memory, or killed by hand" if -code == signal.SIGKILL else ""
        return f"the process was ended by {signal.Signals(-code).name}{hint}"
    lines = errors.strip().splitlines()
    return lines[-1] if lines else f"the process ended with exit code {code}"


class _Book:
    """Watches one stage after another, and writes each down when it ends."""

    def __init__(self, out: IO[str], since: float, stopwatch: Stopwatch) -> None:
        self.out, self.since, self.stopwatch = out, since, stopwatch
        self.device = "cpu"
        self.gpu: Gpu | str | None = None
        self.own = 0.0  # seconds spent in here
        self.begun = peaks.Reading(0, 0)  # a program's peak begins with it

    def move(self, device: str) -> None:
        """From the next stage on, work is done on this device."""
        from harness.measure import nvml

        if device != "cpu":
            self.device, self.stopwatch = device, Stopwatch.of(device)
            self.gpu = nvml.open_device(device)

    def close(
        self,
        name: str,
        parts: Mapping[str, int] | None = None,
        shape: Mapping[str, int] | None = None,
    ) -> None:
        """The stage has ended; the next one begins when this returns."""
        now = self.stopwatch.read().wall
        ended = peaks.end(self.begun)
        self.begun = peaks.begin()
        import json  # already the next stage's

        refused = self.gpu if isinstance(self.gpu, str) else None
        stage = {
            "name": name,
            "seconds": now - self.since - self.own,
            "resident_bytes": self.begun.resident,
            "peak_bytes": ended.peak,
            "device": _on_device(self.device, self.gpu),
            "parts": parts or {},
            "shape": shape or {},
            "why": "; ".join(filter(None, (ended.why, refused))) or None,
        }
        self.out.write(json.dumps(stage) + "\n")
        self.out.flush()
        self.own += self.stopwatch.read().wall - now


def _on_device(device: str, gpu: Gpu | str | None) -> dict[str, int | None]:
    """Bytes of the device that torch holds and held at most, and what the driver says of it.

    Unused blocks are then given back and the peaks forgotten. What the driver counts for the
    process beyond the reserved is its context.
    """
    if device == "cpu":
        return {}
    import torch

    told = None if isinstance(gpu, str) else gpu
    found: dict[str, int | None] = {
        "allocated": torch.cuda.memory_allocated(device),
        "allocated_peak": torch.cuda.max_memory_allocated(device),
        "reserved_peak": torch.cuda.max_memory_reserved(device),
        "nvml_process": told.own_bytes() if told else None,
        "nvml_device": told.used_bytes() if told else None,
    }
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    return found


def _live(book: _Book) -> None:
    """A model's life, after "start"."""
    import pickle
    from importlib import import_module

    setup, place, asked = pickle.load(sys.stdin.buffer)  # noqa: S301 - `measure` wrote it
    from harness import serving  # noqa: F401 - what the stages use
    from harness.cells import labelling, view, writing  # noqa: F401 - what the stages use

    backbone = view.parts_of(setup.config).backbone
    kind = backbone.architecture["model_type"].replace("-", "_")
    import_module(f"transformers.models.{kind}.modeling_{kind}")
    book.close("imports")
    book.move(place.device)
    _answering(book, setup, place, Shape(*asked))
    _training(book, setup, place.device, Shape(*asked))


def _answering(book: _Book, setup: Setup, place: Place, shape: Shape) -> None:
    from harness import serving
    from harness.scenarios.same_shape import SameShape

    served = serving.ready(setup, place)
    parts = held(served.model)
    book.close("weights", parts)
    for name, count in (("first answer", 1), ("forward", shape.batch_size)):
        if served.reads:
            request = served.read(served.examples[:count])
        else:
            request = SameShape(shape.tokens, batch_size=count).request(served)
        served.answer(request)
        book.close(name, parts, request.work)


def _training(book: _Book, setup: Setup, device: str, shape: Shape) -> None:
    """Two updates on one batch.

    Only the second holds the gradients of the last, the optimizer's state and its own activations
    together, as all later ones do.
    """
    from harness import train
    from harness.cells import view

    model, batch = _lesson(setup, device, shape)
    knobs = view.parts_of(setup.config).knobs
    descent = train.optimizer(model, knobs.lr, knobs.weight_decay, knobs.optimizer, knobs.momentum)
    book.close("training set-up", held(model))
    for _ in range(2):
        train.update(model, descent, [model.loss(batch)], knobs.clip_norm)
    size = {
        "examples": len(batch.ids) // batch.readings,
        "tokens": int(batch.real.sum()),
        "positions": batch.ids.numel(),
    }
    book.close("training step", held(model, descent), size)


def _lesson(setup: Setup, device: str, shape: Shape) -> tuple[Any, Any]:
    """A model that is about to be trained, and a batch.

    As `experiment` trains it, on training examples of mean length; an architecture on the shape.
    """
    from harness import serving
    from harness.cells import view
    from harness.cells.labelling import Labelling
    from harness.cells.work import Trainee
    from harness.cells.writing import Writing
    from harness.scenarios.same_shape import SameShape

    parts, asset = view.parts_of(setup.config), setup.foundation.asset
    if not setup.trains:
        served = serving.drawn(setup)
        batch = SameShape(shape.tokens, batch_size=shape.batch_size).lesson(served)
        return served.model.to(device).train(), batch.to(device)
    assert asset is not None
    work: Trainee = (Writing if parts.mode.writes else Labelling)(setup, asset, parts)
    parts.strategy.adapt(work.model, setup.cell.seed)
    words = work.lengths()
    typical = abs(words - words.mean()).argsort(kind="stable")[: parts.knobs.batch_size]
    return work.model.to(device).train(), work.batch(typical).to(device)


def _die_with_parent() -> None:
    """However the parent ends: it ignores Ctrl-C, which this process inherits, and may be killed.

    Linux only; elsewhere this process works to its end.
    """
    control = getattr(ctypes.CDLL(None), "prctl", None)
    if control is not None:
        control(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    """The program; returns its exit code."""
    _die_with_parent()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is not a stage
    book = _Book(out, float(sys.argv[1]), Stopwatch())
    book.close("start")
    from harness.contracts import InputError

    try:
        _live(book)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return _USERS_MISTAKE
    return 0


if __name__ == "__main__":
    sys.exit(main())
