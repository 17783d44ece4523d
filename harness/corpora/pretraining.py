"""Pretraining of one model on blocks of text, as a process of its own runs it.

A loop that was stopped goes on from its last checkpoint as if it had not been: on a CPU to the
same bits.
"""

from __future__ import annotations

import math
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness import pretrain, train
from harness.backbones import body as bodies
from harness.backbones.family import Backbone, Lesson
from harness.contracts import InputError
from harness.corpora import blocks, lessons, pretrained
from harness.corpora.pretrained import History
from harness.measure.stopwatch import Stopwatch
from harness.planning import configuration
from harness.train import Progress
from harness.weights import checkpoints

FINISHED, STOPPED = "finished", "stopped"


@dataclass(frozen=True)
class Knobs:
    """How long and how fast, the same for both models of a pair.

    `batch` counts blocks. `match` is "updates", or "loss_tokens": then an objective that asks for
    fewer tokens gets more updates. `evaluations` are looks at `held_out_blocks` blocks.
    """

    updates: int
    batch: int
    match: str
    lr: float
    warmup_share: float
    weight_decay: float
    clip_norm: float
    seed: int
    device: str
    precision: str
    evaluations: int
    held_out_blocks: int


@dataclass(frozen=True)
class Orders:
    """What the process of one model is told: plain values, so that it travels."""

    name: str
    model: Mapping[str, Any]  # its configuration
    text: str  # folder of blocks
    states: str  # folder of its training states
    out: str  # folder that the finished model becomes
    identity: str  # digest of all that determines the weights
    stop: str  # file: once it is there, leave a state and end
    every_seconds: float  # between two states
    environment: Mapping[str, Any]
    knobs: Knobs


def job(argument: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Train to the end, or until asked to stop; says how far it came.

    The argument holds the fields of `Orders`. Raises InputError where a state cannot be written,
    or is another command's.
    """
    orders = Orders(**{**argument, "knobs": Knobs(**argument["knobs"])})
    signals: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    stop = Path(orders.stop)
    try:
        learner = Learner(orders)
        finished = learner.learn(lambda: bool(signals) or stop.exists(), progress)
        if finished:
            learner.finish()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"out={Path(orders.out).parent}: cannot be written ({reason}); make room there, and "
            "the same command goes on from the last checkpoint"
        ) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    return {"status": FINISHED if finished else STOPPED, **learner.told()}


class Learner:
    """A model with what changes while it is trained: optimizer, random generator, history."""

    def __init__(self, orders: Orders) -> None:
        self.orders, knobs = orders, orders.knobs
        self.backbone: Backbone = configuration.build(orders.model, f"sides.{orders.name}")
        self.text = blocks.load(Path(orders.text))
        tokenizer = pretrain.load_tokenizer(self.text.folder / blocks.TOKENIZER)
        self.special = pretrain.specials(tokenizer)
        self.updates = lessons.updates_of(
            self.backbone, knobs.updates, knobs.match, self.text.facts
        )
        self.model: Any = bodies.new_language_model(
            self.backbone.objective, self.backbone.architecture, self.special, knobs.seed
        ).to(knobs.device)
        self.descent = train.optimizer(self.model, knobs.lr, knobs.weight_decay)
        self.rng = torch.Generator().manual_seed(knobs.seed)
        self.history = self._taken_up() or History()
        self.first = self.history.step
        self.stopwatch = Stopwatch.of(knobs.device)
        self.began = self.stopwatch.read()
        self.ready = self.began.wall

    def _taken_up(self) -> History | None:
        """Go on from the newest state; None where there is none."""
        state = checkpoints.latest(Path(self.orders.states))
        if state is None:
            return None
        if state.told["identity"] != self.orders.identity:
            raise InputError(
                f"{self.orders.states}: the checkpoint there is of another command or version; "
                "delete it to begin this model again, or choose another out=..."
            )
        checkpoints.put_back(state.tensors, self.model, self.descent, self.rng)
        return pretrained.taken_up(state.told)

    def learn(self, stopped: Callable[[], bool], progress: Progress) -> bool:
        """Train to the end (True), or until `stopped()`, with a state left behind (False)."""
        knobs, history = self.orders.knobs, self.history
        stream = lessons.batches(len(self.text.train), knobs.batch, knobs.seed)
        for _ in range(history.step):
            next(stream)
        saved = self.ready = self.stopwatch.wall()
        while history.step < self.updates:
            asked = stopped()
            if asked or self.stopwatch.wall() - saved > self.orders.every_seconds:
                self._save()
                saved = self.stopwatch.wall()
            if asked:
                return False
            if not history.held_out:
                self._evaluate()  # before any learning
                self.ready = self.stopwatch.wall()
            self._update(next(stream))
            if self._looks():
                self._evaluate()
            progress((history.step - self.first) / (self.updates - self.first))
        return True

    def _looks(self) -> bool:
        """Whether it is time to look at the held-out blocks."""
        every = max(1, self.updates // self.orders.knobs.evaluations)
        return self.history.step % every == 0 or self.history.step == self.updates

    def _update(self, chosen: NDArray[np.int64]) -> None:
        """One step of gradient descent on these blocks."""
        knobs, history = self.orders.knobs, self.history
        share = train.rate(history.step, self.updates, knobs.warmup_share)
        for group in self.descent.param_groups:
            group["lr"] = knobs.lr * share
        lesson = lessons.lesson_of(self.text.train[chosen], self.backbone, self.special, self.rng)
        self.model.train()
        try:
            value = train.update(self.model, self.descent, [self._loss(lesson)], knobs.clip_norm)
        except train.Diverged:
            raise train.Diverged(
                f"the loss of update {history.step + 1} is no number; lower lr, in another out=..."
            ) from None
        history.step += 1
        history.losses.append(value)
        history.tokens += len(chosen) * lessons.length_of(self.text, self.backbone, self.special)
        history.asked += lessons.asked_of(lesson)

    def _loss(self, lesson: Lesson) -> Tensor:
        """Mean nats of what is asked for, computed on the device and in the precision wanted."""
        device = torch.device(self.orders.knobs.device)
        low = self.orders.knobs.precision == "bfloat16"
        there = Lesson(*(tensor.to(device) for tensor in lesson))
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            return pretrain.loss_of(self.model, self.backbone, there)

    def _held_out(self) -> list[Lesson]:
        count, seed = self.orders.knobs.held_out_blocks, self.orders.knobs.seed
        found = lessons.held_out(self.text, count, self.backbone, self.special, seed)
        return [lesson for lesson in found if lessons.asked_of(lesson)]

    def _evaluate(self) -> None:
        """Bits per token asked for of the held-out blocks."""
        nats, asked = 0.0, 0
        self.model.eval()
        with torch.inference_mode():
            for lesson in self._held_out():
                count = lessons.asked_of(lesson)
                nats += float(self._loss(lesson)) * count
                asked += count
        bits = nats / asked / math.log(2) if asked else None
        history = self.history
        history.held_out.append({"update": history.step, "tokens": history.tokens, "bits": bits})

    def _unigram_bits(self) -> float | None:
        """The same of a reader that knows how common each token is, and nothing else."""
        nats = lessons.unigram_nats(self.text, self.backbone, self.special)
        wanted = [one.targets[one.targets != pretrain.UNASKED] for one in self._held_out()]
        return float(nats[torch.cat(wanted)].mean()) / math.log(2) if wanted else None

    def _stretch(self) -> dict[str, Any]:
        spent = self.stopwatch.read() - self.began
        return {
            "from": self.first,
            "to": self.history.step,
            "cpu_seconds": spent.cpu,
            "wall_seconds": spent.wall,
            "environment": dict(self.orders.environment),
        }

    def _save(self) -> None:
        if self.history.step > self.first:
            told = pretrained.kept(self.history, self.orders.identity, self._stretch())
            tensors = checkpoints.taken(self.model, self.descent, self.rng)
            checkpoints.save(Path(self.orders.states), self.history.step, tensors, told)

    def told(self) -> dict[str, Any]:
        """How far it came and how fast, for who started it."""
        done, seconds = self.history.step - self.first, self.stopwatch.wall() - self.ready
        return {
            "step": self.history.step,
            "updates": self.updates,
            "seconds_per_update": seconds / done if done else None,
        }

    def finish(self) -> None:
        """Put the model in its folder, and delete its training states."""
        knobs, text = self.orders.knobs, self.text
        self.history.stretches.append(self._stretch())
        settings = {
            "objective": self.backbone.objective,
            "mask_share": getattr(self.backbone, "mask_share", None),
            "updates": self.updates,
            "batch_size": knobs.batch,
            "block_tokens": self.text.train.shape[1],
            "epochs": self.updates * knobs.batch / len(text.train),
            **{name: getattr(knobs, name) for name in ("match", "lr", "seed", "precision")},
        }
        told = pretrained.facts(self.history, text.facts, settings, self._unigram_bits())
        asked_for = {"model": dict(self.orders.model), "training": asdict(knobs)}
        out = Path(self.orders.out)
        pretrained.write(out, self.model.to("cpu"), text, told, self.history, asked_for)
        shutil.rmtree(self.orders.states, ignore_errors=True)
