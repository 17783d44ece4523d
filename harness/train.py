"""One plain training loop, the same for every model, task and strategy.

Steps are fixed by data, batch size and epochs, never by seconds, so a busy machine changes how
long a run takes and nothing else.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from harness.examples.windows import WINDOWS
from harness.measure.stopwatch import Stopwatch
from harness.models.batching import Batch, budget, plan
from harness.planning.configuration import ADAMW, BFLOAT16, CPU, FLOAT32, SGD
from harness.record import Evaluation, TrainLog

LOSS_WINDOW = 10
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Training:
    """The knobs of fine-tuning. `batch_size` counts examples of mean length (see batching).

    `patience` is counted in training examples without a better dev score; null never stops early.
    `long` says how texts that do not fit are read where every word gets an answer: in windows, or
    cut. `accumulation` cuts a batch into so many parts whose gradients add up: the same updates in
    less memory. `precision` is what training steps compute in (bfloat16: autocast, the weights stay
    float32); dev and test are always answered in float32, as the kept model answers.
    """

    lr: float
    epochs: int
    batch_size: int
    warmup_share: float
    weight_decay: float
    clip_norm: float
    dropout: float
    attention_dropout: float
    max_length: int
    patience: int | None
    long: str = WINDOWS
    optimizer: str = ADAMW  # or "sgd", with `momentum`
    momentum: float = 0.9
    accumulation: int = 1
    device: str = CPU  # "cpu", "cuda", "cuda:1"
    precision: str = FLOAT32  # or "bfloat16"


class Diverged(Exception):
    """The loss is no number. The run is a result (it failed), not an accident to hide."""


class OutOfMemory(Exception):
    """The device's memory was not enough; says what to change."""


def optimizer(
    model: nn.Module, lr: float, weight_decay: float, kind: str = ADAMW, momentum: float = 0.0
) -> torch.optim.Optimizer:
    """AdamW, or SGD with momentum, over what is trainable; biases and norms do not decay."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.dim() > 1], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.dim() <= 1], "weight_decay": 0.0},
    ]
    if kind == SGD:
        return torch.optim.SGD(groups, lr=lr, momentum=momentum, fused=True)
    return torch.optim.AdamW(groups, lr=lr, fused=True)


def rate(step: int, steps: int, warmup_share: float) -> float:
    """Share of the peak learning rate: linear warm-up, then linear decay to 0 after the end."""
    warmup = max(1, math.ceil(warmup_share * steps))
    if step < warmup:
        return (step + 1) / warmup
    return (steps - step) / max(1, steps - warmup)


def update(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    parts: Iterable[torch.Tensor],
    clip_norm: float,
) -> float:
    """One step of gradient descent on the sum of `parts`; returns that sum.

    A part's gradient is taken before the next part is made, so one at a time is in memory. Raises
    Diverged where a part is no number.
    """
    optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for loss in parts:
        value = float(loss.detach())
        if not math.isfinite(value):
            raise Diverged(f"the loss became {value}; try a lower learning rate (train.lr)")
        loss.backward()  # type: ignore[no-untyped-call]
        total += value
    nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
    optimizer.step()
    return total


def _losses(
    loss_of: Callable[[Batch], torch.Tensor], batches: Sequence[Batch], knobs: Training
) -> Iterator[torch.Tensor]:
    """The loss of a batch that was cut into these, each weighed by what it asks for."""
    asked = sum(len(batch.targets) for batch in batches)
    low, kind = knobs.precision == BFLOAT16, torch.device(knobs.device).type
    for batch in batches:
        if not len(batch.targets):
            continue
        with torch.autocast(kind, torch.bfloat16, enabled=low):
            loss = loss_of(batch.to(knobs.device))
        yield loss * (len(batch.targets) / asked)


def train(
    model: nn.Module,
    loss_of: Callable[[Batch], torch.Tensor],
    words: NDArray[np.int64],
    batch_of: Callable[[NDArray[np.int64]], Batch],
    score_dev: Callable[[], float],
    knobs: Training,
    seed: int,
    stopwatch: Stopwatch,
    progress: Progress,
    lower_is_better: bool = False,
    rounds: int = 1,
) -> TrainLog:
    """Tune `model` in place; it ends with the weights of its best dev evaluation.

    `words` are the lengths of the training examples, `batch_of` makes the tensors of chosen
    ones, `loss_of` says what they cost, `score_dev` scores the model as it is. An epoch goes
    `rounds` times through the examples before dev is looked at. Everything random comes from
    `seed`.
    """
    order = np.random.default_rng([seed, 1])
    limit = budget(words, knobs.batch_size)
    epochs = [
        [batch for _ in range(rounds) for batch in plan(words, limit, order)]
        for _ in range(knobs.epochs)
    ]
    steps = sum(len(epoch) for epoch in epochs)
    model.to(knobs.device)
    log = _Log(model, score_dev, stopwatch, -1.0 if lower_is_better else 1.0)
    log.evaluate()
    descent = optimizer(model, knobs.lr, knobs.weight_decay, knobs.optimizer, knobs.momentum)
    torch.manual_seed(seed)  # dropout draws from torch's own generator
    for epoch in epochs:
        model.train()
        for chosen in epoch:
            for group in descent.param_groups:
                group["lr"] = knobs.lr * rate(log.steps, steps, knobs.warmup_share)
            cut = np.array_split(chosen, min(knobs.accumulation, len(chosen)))
            batches = [batch_of(part) for part in cut]
            losses = _losses(loss_of, batches, knobs)
            log.note(update(model, descent, losses, knobs.clip_norm), batches)
            progress(log.steps / steps)
        log.evaluate()
        if knobs.patience is not None and log.examples - log.best_examples >= knobs.patience:
            break
    return log.close(stopped_early=log.steps < steps)


def untrained(model: nn.Module) -> TrainLog:
    """The log of a model that is used as it came: nothing was spent, and dev never looked at."""
    model.requires_grad_(False).eval()
    return TrainLog(
        steps=0,
        examples=0,
        tokens=0,
        loss_tokens=0,
        padding_share=0.0,
        loss_window=LOSS_WINDOW,
        losses=[],
        evaluations=[],
        best_step=0,
        stopped_early=False,
        cpu_seconds=0.0,
        wall_seconds=0.0,
    )


class _Log:
    """What happened so far, and the best weights seen."""

    def __init__(
        self,
        model: nn.Module,
        score_dev: Callable[[], float],
        stopwatch: Stopwatch,
        sign: float,
    ) -> None:
        self.model, self.score_dev, self.stopwatch, self.sign = model, score_dev, stopwatch, sign
        self.steps = self.examples = self.tokens = self.padded = self.answers = 0
        self.losses: list[float] = []
        self.evaluations: list[Evaluation] = []
        self.best_score = -math.inf  # signed: the higher the better
        self.best_step = self.best_examples = 0
        self.best: dict[str, torch.Tensor] = {}
        self.started = stopwatch.read()
        self.evaluating = stopwatch.zero()

    def note(self, loss: float, batches: Sequence[Batch]) -> None:
        self.steps += 1
        for batch in batches:
            self.examples += batch.examples
            self.tokens += int(batch.real.sum())
            self.padded += batch.ids.numel()
            self.answers += len(batch.targets)
        self.losses.append(loss)

    def evaluate(self) -> None:
        before = self.stopwatch.read()
        self.model.eval()
        with torch.inference_mode():
            score = self.score_dev()
        spent = before - self.started - self.evaluating
        self.evaluations.append(
            Evaluation(self.steps, self.examples, self.tokens, spent.cpu, spent.wall, score)
        )
        if self.sign * score > self.best_score:
            self.best_score = self.sign * score
            self.best_step, self.best_examples = self.steps, self.examples
            self.best = copy.deepcopy(self.model.state_dict())
        self.evaluating += self.stopwatch.read() - before

    def close(self, stopped_early: bool) -> TrainLog:
        spent = self.stopwatch.read() - self.started - self.evaluating
        self.model.load_state_dict(self.best)
        self.model.eval()
        return TrainLog(
            steps=self.steps,
            examples=self.examples,
            tokens=self.tokens,
            loss_tokens=self.answers,
            padding_share=1 - self.tokens / max(1, self.padded),
            loss_window=LOSS_WINDOW,
            losses=window_means(self.losses),
            evaluations=self.evaluations,
            best_step=self.best_step,
            stopped_early=stopped_early,
            cpu_seconds=spent.cpu,
            wall_seconds=spent.wall,
        )


def where(model: nn.Module) -> str:
    """The device that a model is on; one without parameters is anywhere."""
    first = next(model.parameters(), None)
    return "cpu" if first is None else str(first.device)


def window_means(losses: Sequence[float], window: int = LOSS_WINDOW) -> list[float]:
    """Means of consecutive windows; the last may be shorter."""
    return [round(float(np.mean(losses[i : i + window])), 5) for i in range(0, len(losses), window)]


def predict(
    model: nn.Module,
    batches: Iterable[NDArray[np.int64]],
    batch_of: Callable[[NDArray[np.int64]], Batch],
    count: int,
    heard: Callable[[NDArray[np.int64], torch.Tensor], None] | None = None,
) -> tuple[list[tuple[int, ...]], list[tuple[float, ...]]]:
    """Answers and their probabilities for `count` examples, in the examples' order.

    `heard` gets each batch's examples with the logits that their answers were made of.
    """
    answers: list[tuple[int, ...]] = [()] * count
    confidences: list[tuple[float, ...]] = [()] * count
    model.eval()
    device = where(model)
    with torch.inference_mode():
        for chosen in batches:
            batch = batch_of(chosen).to(device)
            logits = model(batch)
            if heard is not None:
                heard(chosen, logits)
            probability, answer = logits.softmax(-1).max(-1)
            rows = batch.rows[: len(answer)]  # of the first reading
            per_example = torch.bincount(rows, minlength=len(chosen)).tolist()
            for index, some, sure in zip(
                chosen, answer.split(per_example), probability.split(per_example), strict=True
            ):
                answers[index] = tuple(some.tolist())
                confidences[index] = tuple(round(p, 4) for p in sure.tolist())
    return answers, confidences
