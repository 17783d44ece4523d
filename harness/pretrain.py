"""Pretraining of the embedded pair: one corpus, one order, two objectives.

Both models of a pair read the same sentences in the same batches; what differs is what the
backbone's `lesson` asks of them. A decoder is asked for every token and an encoder for a share of
them, so either both take as many updates, or both get as many tokens with a loss: then the encoder
goes on through the same batches. It is lengthened and the decoder is not cut short, so that neither
learns less than by equal updates; with fewer `updates`, the decoder's, the encoder keeps those.

`python -m harness.pretrain` pretrains a pair on a text of your own:
harness/corpora/pretrain_pair.py.
"""

from __future__ import annotations

if __name__ == "__main__":  # nothing below is needed to start the command
    import runpy

    runpy.run_module("harness.corpora.pretrain_pair", run_name="__main__", alter_sys=True)
    raise SystemExit

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoTokenizer

from harness import train
from harness.backbones import body as bodies
from harness.backbones.family import Backbone, Frame, Lesson, Specials
from harness.contracts import InputError
from harness.measure.stopwatch import Stopwatch
from harness.models import batching, encoding
from harness.models.encoding import UNBOUNDED, Room
from harness.train import Progress
from harness.weights import assets
from harness.weights.assets import Asset, Recipe

LOSS_WINDOW = 50
UNASKED = -100
UPDATES, LOSS_TOKENS = "updates", "loss_tokens"
"""What two models of a pair are given as many of in pretraining."""


@dataclass(frozen=True)
class Pretraining:
    """How long and how fast. `corpus` makes the sentences, as word lists, when called.

    `match` is "updates", or "loss_tokens": then an objective that asks for fewer tokens gets more
    than `updates`. Raises InputError for another word.
    """

    corpus: Callable[[], Sequence[Sequence[str]]]
    updates: int
    batch_size: int
    lr: float
    warmup_share: float
    weight_decay: float
    clip_norm: float
    seed: int
    match: str = UPDATES

    def __post_init__(self) -> None:
        if self.match not in (UPDATES, LOSS_TOKENS):
            raise InputError(f"pretraining.match={self.match}: expected {UPDATES} or {LOSS_TOKENS}")

    def knobs(self) -> dict[str, Any]:
        """All settings, for the recipe; the corpus enters by its digest.

        As before there was a choice of `match` where it is that of then.
        """
        known = {k: v for k, v in vars(self).items() if k != "corpus"}
        return {k: v for k, v in known.items() if (k, v) != ("match", UPDATES)}

    def about(self, backbone: Backbone) -> float:
        """Updates of this model as far as can be told without its text.

        Raises InputError for an encoder that would never be asked for as many tokens.
        """
        share = getattr(backbone, "mask_share", 1.0)
        if self.match == UPDATES:
            return self.updates
        if not 0 < share <= 1:
            raise InputError(
                f"model.mask_share={share}: expected a share above 0, up to 1, with "
                f"pretraining.match={LOSS_TOKENS}"
            )
        return self.updates / share


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of an asset; never remote code. Raises InputError where it cannot be read.

    A byte-level tokenizer (GPT-2's) writes the space before a word into the word's first piece;
    pre-split words need it put back, or every word looks like the middle of another.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
        state = json.loads(tokenizer.backend_tokenizer.to_str())
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError) as error:
        raise InputError(f"{folder}: its tokenizer cannot be read: {error}") from None
    if _with_spaces(state):
        changed = Tokenizer.from_str(json.dumps(state))
        tokenizer.backend_tokenizer.normalizer = changed.normalizer
        tokenizer.backend_tokenizer.pre_tokenizer = changed.pre_tokenizer
    return tokenizer


def _with_spaces(state: dict[str, Any]) -> bool:
    """Put the space back in a tokenizer's state; True where it is one that writes spaces.

    A byte-level step that comes first does it itself; after another step (Llama 3, Qwen 2 split
    by a pattern first) it would do so inside words, so the text is given the space before all.
    """
    before = state.get("pre_tokenizer") or {}
    steps = before.get("pretokenizers", [before])
    kinds = [step.get("type") for step in steps]
    if "ByteLevel" in kinds:
        if kinds[0] == "ByteLevel":
            steps[0]["add_prefix_space"] = True
        else:
            first = [state["normalizer"]] if state.get("normalizer") else []
            space = {"type": "Prepend", "prepend": " "}
            state["normalizer"] = {"type": "Sequence", "normalizers": [*first, space]}
        return True
    if kinds[0] == "Metaspace":
        steps[0]["prepend_scheme"] = "always"
        return True
    return False


def specials(tokenizer: Any) -> Specials:
    """Ids of the special tokens; a family that lacks one uses its end-of-text token.

    Raises InputError for a tokenizer with no token that ends a text.
    """
    if tokenizer.eos_token_id is None and tokenizer.sep_token_id is None:
        raise InputError(
            f"{tokenizer.name_or_path}: its tokenizer has no eos_token and no sep_token, so no "
            "text has an end; name one in tokenizer_config.json"
        )
    eos = _first(tokenizer.eos_token_id, tokenizer.sep_token_id)
    ids = set(tokenizer.all_special_ids)
    return Specials(
        pad=_first(tokenizer.pad_token_id, eos),
        unk=_first(tokenizer.unk_token_id, eos),
        cls=_first(tokenizer.cls_token_id, tokenizer.bos_token_id, eos),
        sep=_first(tokenizer.sep_token_id, eos),
        mask=_first(tokenizer.mask_token_id, eos),
        eos=eos,
        count=len(ids) if ids == set(range(len(ids))) else 0,
        vocabulary=len(tokenizer),
        bos=tokenizer.bos_token_id,
        template=_template(tokenizer),
    )


def _template(tokenizer: Any) -> Frame | None:
    """What the tokenizer puts around a text and between two; None where that is nothing."""
    read = tokenizer("a", "a")
    ids, owners = read["input_ids"], read.sequence_ids()
    if None not in owners or not {0, 1} <= set(owners):
        return None
    one, other = owners.index(0), owners.index(1)
    ended = one + owners.count(0)
    return Frame(ids[:one], ids[other + owners.count(1) :], ids[ended:other])


def _first(*ids: int | None) -> int:
    return next(i for i in ids if i is not None)


def prepare(
    recipe: Recipe,
    backbone: Backbone,
    pretraining: Pretraining,
    texts: Sequence[Sequence[str]],
    cache: Path,
    progress: Progress,
) -> Asset:
    """Make the asset of `recipe`, pretraining it where it is an embedded one."""

    def build(folder: Path) -> Mapping[str, Any] | None:
        if recipe.kind != "embedded":
            return None
        return pretrain(folder, backbone, pretraining, progress)

    return assets.make(recipe, cache, texts, build)


def pretrain(
    folder: Path, backbone: Backbone, plan: Pretraining, progress: Progress
) -> dict[str, Any]:
    """Pretrain on the corpus with the tokenizer in `folder`, and save the weights there."""
    tokenizer = load_tokenizer(folder)
    special = specials(tokenizer)
    corpus = plan.corpus()
    encoded = encoding.encode(corpus, tokenizer, backbone.frame(special), Room(UNBOUNDED))
    model = bodies.new_language_model(backbone.objective, backbone.architecture, special, plan.seed)
    stopwatch = Stopwatch()
    started = stopwatch.read()
    updates = updates_of(encoded, backbone, plan, special)
    history = _descend(model, encoded, backbone, plan, updates, special, progress)
    spent = stopwatch.read() - started
    model.save_pretrained(folder)  # type: ignore[operator]
    return {
        "objective": backbone.objective,
        "sentences": len(corpus),
        "updates": updates,
        "match": plan.match,
        "batch_size": plan.batch_size,
        "lr": plan.lr,
        "seed": plan.seed,
        **history,
        "cpu_seconds": spent.cpu,
        "wall_seconds": spent.wall,
    }


def _descend(
    model: nn.Module,
    encoded: encoding.Encoded,
    backbone: Backbone,
    plan: Pretraining,
    updates: int,
    special: Specials,
    progress: Progress,
) -> dict[str, Any]:
    descent = train.optimizer(model, plan.lr, plan.weight_decay)
    rng = torch.Generator().manual_seed(plan.seed)
    losses: list[float] = []
    tokens = asked = 0
    model.train()
    for step, chosen in enumerate(islice(_batches(encoded, plan), updates)):
        for group in descent.param_groups:
            group["lr"] = plan.lr * train.rate(step, updates, plan.warmup_share)
        ids, real = batching.texts(encoded, chosen, special.pad)
        lesson = backbone.lesson(ids, real, special, rng)
        loss = loss_of(model, backbone, lesson)
        losses.append(train.update(model, descent, [loss], plan.clip_norm))
        tokens += int(real.sum())
        asked += _asked(lesson)
        progress((step + 1) / updates)
    curve = train.window_means(losses, LOSS_WINDOW)
    return {
        "tokens": tokens,
        "loss_tokens": asked,
        "loss_window": LOSS_WINDOW,
        "losses": curve,
        "final_loss": curve[-1],
    }


def loss_of(model: nn.Module, backbone: Backbone, lesson: Lesson) -> Tensor:
    """Mean cross-entropy, in nats, of what a lesson asks for: a scalar with its gradient."""
    allowed = backbone.allowed(lesson.real)
    seen = bodies.forward(bodies.body_of(model), lesson.inputs, lesson.real, allowed)
    wanted = lesson.targets != UNASKED
    logits = bodies.vocabulary_logits(model, seen.last_hidden_state[wanted])
    return nn.functional.cross_entropy(logits, lesson.targets[wanted])


def updates_of(
    encoded: encoding.Encoded, backbone: Backbone, plan: Pretraining, special: Specials
) -> int:
    """Updates of this model: `plan.updates`, or those by which it is asked for as many tokens.

    As many as a decoder in `plan.updates`: of every text all tokens but the first. What an encoder
    will be asked for is drawn here as in training, so it ends with the first update at which the
    tokens are as many.
    """
    if plan.about(backbone) == plan.updates:
        return plan.updates
    first = islice(_batches(encoded, plan), plan.updates)
    left = sum(int((encoded.lengths[chosen] - 1).sum()) for chosen in first)
    rng, updates = torch.Generator().manual_seed(plan.seed), 0
    for chosen in _batches(encoded, plan):
        ids, real = batching.texts(encoded, chosen, special.pad)
        left -= _asked(backbone.lesson(ids, real, special, rng))
        updates += 1
        if left <= 0:
            break
    return updates


def _asked(lesson: Lesson) -> int:
    return int((lesson.targets != UNASKED).sum())


def _batches(encoded: encoding.Encoded, plan: Pretraining) -> Iterator[NDArray[np.int64]]:
    """The corpus again and again, in batches without end."""
    order = np.random.default_rng([plan.seed, 2])
    limit = batching.budget(encoded.kept, plan.batch_size)
    while True:
        yield from batching.plan(encoded.kept, limit, order)
