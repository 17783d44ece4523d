"""How many bits a language model needs for a token, and what it needs on a language that is known.

Surprisal is -log2 of the probability that a model gave to what stood there. A causal model is
asked left to right; a masked one with one word hidden at a time and all others in sight.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import logging as transformers_logging

from harness import pretrain
from harness.backbones import body as bodies
from harness.backbones.family import Backbone, Lesson, Specials
from harness.contracts import InputError
from harness.measure.stopwatch import Stopwatch
from harness.models import batching, encoding
from harness.models.encoding import UNBOUNDED, Encoded, Room
from harness.planning import configuration
from harness.pretrain import Pretraining
from harness.train import Progress
from harness.weights import assets

UNASKED = -100
CONTEXT = {"clm": "left", "mlm": "both"}
"""What each objective may see of a sequence: the words before the one asked for, or all others."""
TRAINED_ON, HELD_OUT = 0, 1  # streams of the source
_SEQUENCES = 8  # asked together


class Source(Protocol):
    """A language with known entropies; implemented by `tasks.markov.Source`."""

    @property
    def vocabulary(self) -> Sequence[str]:
        """Every piece of the language, special tokens first."""

    def entropies(self) -> Mapping[str, float]:
        """Bits per word: "unigram", and given each context."""

    def sample(self, count: int, stream: int) -> Sequence[Sequence[str]]:
        """Sequences of one length, as word lists; streams are independent."""

    def surprisals(self, sequences: Sequence[Sequence[str]], context: str) -> NDArray[np.float64]:
        """Bits that a perfect reader needs for each word with that context: [sequences, words]."""


@dataclass(frozen=True)
class Measured:
    """Bits per word of one model on held-out sequences: mean over sequences, and its error.

    `perfect` is what a perfect reader needs for the same words; `entropy` what it needs on
    average over the language, `unigram` what a reader without any context does.
    """

    objective: str
    bits: float
    se: float
    perfect: float
    entropy: float
    unigram: float
    words: int
    sequences: int
    pretraining: Mapping[str, Any]
    cpu_seconds: float
    wall_seconds: float


def bits(model: nn.Module, lesson: Lesson, allowed: Tensor) -> Tensor:
    """Surprisal of each token that is asked for, in bits: float64 [asked], row by row.

    `allowed` is [batch, from, to]. The model's own head is run whole, with whatever scaling its
    class does after it.
    """
    logits = bodies.forward(model, lesson.inputs, lesson.real, allowed).logits
    wanted = lesson.targets != UNASKED
    nats = nn.functional.cross_entropy(logits[wanted], lesson.targets[wanted], reduction="none")
    return nats.double() / math.log(2)


def job(argument: tuple[Mapping[str, Any], str, str], progress: Progress) -> dict[str, Any]:
    """One model of a calibration (conf/calibration.yaml), as a process of its own runs it.

    The argument is (configuration, name of the model, new folder for its weights). Raises
    InputError for what the configuration gets wrong.
    """
    config, name, folder = argument
    transformers_logging.disable_progress_bar()  # the command shows one display of its own
    source: Source = configuration.build(config["source"], "source")
    backbone: Backbone = configuration.build(config["models"][name], f"models.{name}")
    size = config["sequences"]
    corpus = functools.partial(source.sample, size["train"], TRAINED_ON)
    plan = Pretraining(corpus=corpus, **config["pretraining"])
    held_out = source.sample(size["held_out"], HELD_OUT)
    found = measure(backbone, source, plan, held_out, Path(folder), progress)
    return dataclasses.asdict(found)


def measure(
    backbone: Backbone,
    source: Source,
    plan: Pretraining,
    held_out: Sequence[Sequence[str]],
    folder: Path,
    progress: Progress,
) -> Measured:
    """Pretrain `backbone` in a new folder and ask it for the words of held-out sequences."""
    stopwatch = Stopwatch()
    started = stopwatch.read()
    assets.save_tokenizer(folder, source.vocabulary, [], 0)
    tokenizer = pretrain.load_tokenizer(folder)
    special = pretrain.specials(tokenizer)
    encoded = encoding.encode(held_out, tokenizer, backbone.frame(special), Room(UNBOUNDED))
    _refuse_longer(encoded, backbone)
    history = pretrain.pretrain(folder, backbone, plan, progress)
    means = _asked(backbone, folder, encoded, special)
    perfect = source.surprisals(held_out, CONTEXT[backbone.objective])
    entropies = source.entropies()
    spent = stopwatch.read() - started
    return Measured(
        objective=backbone.objective,
        bits=float(np.mean(means)),
        # words of one sequence depend on each other, sequences do not
        se=float(np.std(means, ddof=1) / math.sqrt(len(means))),
        perfect=float(perfect.mean()),
        entropy=entropies[CONTEXT[backbone.objective]],
        unigram=entropies["unigram"],
        words=perfect.size,
        sequences=len(means),
        pretraining=history,
        cpu_seconds=spent.cpu,
        wall_seconds=spent.wall,
    )


def _asked(backbone: Backbone, folder: Path, encoded: Encoded, special: Specials) -> list[float]:
    """Mean bits per word of each text, in order."""
    model = bodies.load_language_model(backbone.objective, folder, 0.0, 0.0).eval()
    means: list[float] = []
    count = len(encoded.lengths)
    with torch.inference_mode():
        for start in range(0, count, _SEQUENCES):
            chosen = np.arange(start, min(start + _SEQUENCES, count))
            lesson = QUESTIONS[backbone.objective](encoded, chosen, special)
            found = bits(model, lesson, backbone.allowed(lesson.real))
            means += found.view(len(chosen), -1).mean(1).tolist()
    return means


def _refuse_longer(encoded: Encoded, backbone: Backbone) -> None:
    longest, room = int(encoded.lengths.max()), backbone.architecture["max_position_embeddings"]
    if longest > room:
        raise InputError(
            f"source.length: a sequence is {longest} tokens with its special ones, but "
            f"{backbone.name} reads {room} at most; ask for shorter sequences"
        )


def next_words(encoded: Encoded, chosen: NDArray[np.int64], special: Specials) -> Lesson:
    """Every word but the first of the chosen texts, asked for at the word before it."""
    ids, real = batching.texts(encoded, chosen, special.pad)
    targets = torch.full_like(ids, UNASKED)
    for row, index in enumerate(chosen):
        places = encoded.positions(int(index), "first")[1:].astype(np.int64)
        targets[row, places - 1] = ids[row, places]
    return Lesson(ids, real, targets)


def hidden_words(encoded: Encoded, chosen: NDArray[np.int64], special: Specials) -> Lesson:
    """Every word with two neighbours, hidden in a copy of its text that shows all the others."""
    ids, real = batching.texts(encoded, chosen, special.pad)
    columns = [encoded.positions(int(index), "first")[1:-1].astype(np.int64) for index in chosen]
    row = torch.from_numpy(np.repeat(np.arange(len(chosen)), list(map(len, columns))))
    column = torch.from_numpy(np.concatenate(columns))
    inputs, copy = ids[row], torch.arange(len(row))
    targets = torch.full_like(inputs, UNASKED)
    targets[copy, column] = inputs[copy, column]
    inputs[copy, column] = special.mask
    return Lesson(inputs, real[row], targets)


QUESTIONS: Mapping[str, Callable[[Encoded, NDArray[np.int64], Specials], Lesson]] = {
    "clm": next_words,
    "mlm": hidden_words,
}
"""How each objective asks for the words of held-out texts."""
