"""Examples as prompts: solved examples, then the question, cut to what the model can read.

Words are tokenised one by one, each with the blank before it where a tokenizer has that, so no
token lies across the edge of a text and a label: a label has the same tokens in every prompt and in
every solved example.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from harness import record
from harness.backbones import body as bodies
from harness.cells.view import Parts, Reader, Side, reader_of, refuse_longer
from harness.contracts import Example, InputError, Splits, Unsupported
from harness.examples import data, wording
from harness.examples.wording import LABEL, SECOND, TEXT, Wording
from harness.models import encoding
from harness.models.encoding import Encoded, Growing, Room
from harness.models.scoring import Asked, Scorer
from harness.planning.setup import Setup
from harness.quoting import shown
from harness.strategies.prompt import Prompt
from harness.weights.assets import ARCHITECTURE, Asset

_DRAWING = 5  # a stream of a cell's seed that nothing else draws from

Pieces = list[list[int]]
"""Tokens of each word of a text."""


@dataclass(frozen=True)
class Prompts:
    """How a cell asks: template and labels as tokens, and the solved examples, in their order."""

    reader: Reader
    words: Wording
    tokens: Mapping[str, list[int]]  # of each word of the template
    labels: Sequence[list[int]]
    reads_on: bool  # what stands after the label is read: an encoder does
    shots: Sequence[Example] = ()

    @property
    def after(self) -> list[int]:
        """Tokens of a question after the label's place."""
        return [*self._literal(self.words.after), *self.reader.frame.after] if self.reads_on else []

    @property
    def space(self) -> int:
        """Tokens that all texts of a prompt share, its solved examples' and its own.

        Every label has the room of the longest one, so the space is the same whatever is drawn.
        """
        longest = max(map(len, self.labels))
        question = len(self.reader.frame.before) + len(self._literal(self.words.before))
        question += longest + len(self.after)
        solved = len(self._literal(self.words.before + self.words.after)) + longest
        return self.reader.room.total - question - len(self.shots) * solved

    def of(self, examples: Sequence[Example]) -> tuple[Encoded, Encoded]:
        """Prompts without their label, and the solved examples by themselves, which are in each.

        A solved example takes its even share of the room at most, the question what is left. Texts
        lose whole words from their ends, of a pair whichever has more of them; template and labels
        lose nothing. Raises InputError where there is no room for a word of each.
        """
        even = self.space // (len(self.shots) + 1)
        if even < 1:
            raise InputError(
                f"strategy.shots={len(self.shots)}: template, labels and solved examples leave no "
                f"room for the texts within train.max_length={self.reader.room.total}; raise "
                "the one or lower the other"
            )
        solved = Growing()
        for shot, texts in zip(self.shots, self._texts(self.shots), strict=True):
            self._add(solved, texts, Room(even))
            solved.close([*self.labels[_gold(shot)], *self._literal(self.words.after)], None)
        before = [*self.reader.frame.before, *solved.ids]
        shots = solved.encoded([_size(shot) for shot in self.shots])
        left = Room(self.space - shots.pieces)
        growing = Growing()
        for texts in self._texts(examples):
            growing.add(before, [])
            self._add(growing, texts, left)
            growing.close(self.after, None)
        return growing.encoded([_size(example) for example in examples]), shots

    def _literal(self, words: Iterable[str]) -> list[int]:
        """Tokens of the template's own words."""
        return [token for word in words for token in self.tokens.get(word, ())]

    def _texts(self, examples: Sequence[Example]) -> Iterable[Mapping[str, Pieces]]:
        one = encoding.pieces([e.words for e in examples], self.reader.tokenizer)
        other = encoding.pieces([e.second for e in examples], self.reader.tokenizer)
        return ({TEXT: a, SECOND: b} for a, b in zip(one, other, strict=True))

    def _add(self, growing: Growing, texts: Mapping[str, Pieces], room: Room) -> None:
        """A template up to its label, with its texts cut to `room` tokens."""
        kept = dict(zip(texts, encoding.fit(texts[TEXT], texts[SECOND], room), strict=True))
        for word in self.words.before:
            if word in texts:
                growing.add([], texts[word][: kept[word]])
            else:
                growing.add(self.tokens[word], [])


@dataclass(frozen=True)
class Prepared:
    """What answering by prompting needs: the model, and the split that it is scored on.

    `shots` are the solved examples, for what was cut off them; `plain` the training texts as other
    strategies read them, for what a record says of model and data.
    """

    model: Scorer
    side: Side
    shots: Side
    plain: Encoded


def prepared(
    setup: Setup, asset: Asset, parts: Parts, reader: Reader, classes: Sequence[str]
) -> Prepared:
    """A cell, ready to answer. Raises InputError and Unsupported as `prompts_of` does."""
    splits, strategy = setup.foundation.splits, parts.strategy
    assert isinstance(strategy, Prompt)
    examples = data.part(splits, "test")
    shots = drawn(splits.train, strategy.shots, setup.cell.seed)
    prompts = replace(prompts_of(parts, reader, splits), shots=shots)
    rows, solved = prompts.of(examples)

    def side(of: Sequence[Example], encoded: Encoded) -> Side:
        targets = [np.asarray(parts.task.targets(e, classes), np.int64) for e in of]
        return Side(of, [encoded], targets, "last", reader.specials.pad)

    return Prepared(
        Scorer(
            _mode(parts), _language_model(setup, asset, parts, reader), asked(prompts, strategy)
        ),
        side(examples, rows),
        side(shots, solved),
        _plain(setup, reader),
    )


def asked(prompts: Prompts, strategy: Prompt) -> Asked:
    """What all prompts of a cell share."""
    nothing, _ = prompts.of([Example("", (), 0)])
    return Asked(
        labels=prompts.labels,
        empty=nothing.ids.tolist(),
        after=len(prompts.after),
        mask=prompts.reader.specials.mask if prompts.reads_on else None,
        score=strategy.score,
    )


def drawn(train: Sequence[Example], count: int, seed: int) -> tuple[Example, ...]:
    """So many solved examples out of the training ones, in a random order; `seed` decides alone.

    Labels take turns, in a random order, so that none has two more than another as long as it has
    examples left. Raises InputError where there are fewer examples than asked for.
    """
    if count > len(train):
        raise InputError(
            f"strategy.shots={count}: there are {len(train):,} training examples to draw from"
        )
    rng = random.Random(record.digest([seed, _DRAWING]))
    left: dict[int, list[Example]] = {}
    for example in train:
        left.setdefault(_gold(example), []).append(example)
    for examples in left.values():
        rng.shuffle(examples)
    turns = sorted(left)
    rng.shuffle(turns)
    found: list[Example] = []
    while len(found) < count:
        found += [left[label].pop() for label in turns if left[label]]
    found = found[:count]
    rng.shuffle(found)
    return tuple(found)


def check(parts: Parts, splits: Splits, asset: Asset | None) -> None:
    """Refuse, before it is run, a cell that cannot be answered by prompting.

    Without an `asset` its tokenizer is not asked yet. Raises InputError for a mistake and
    Unsupported where the combination makes no sense. Another strategy is none of its business.
    """
    if isinstance(parts.strategy, Prompt):
        try:
            _check(parts, parts.strategy, splits, asset)
        except Unsupported as reason:
            raise Unsupported(f"strategy=prompt: {reason}") from None


def _check(parts: Parts, strategy: Prompt, splits: Splits, asset: Asset | None) -> None:
    if parts.backbone.weights == ARCHITECTURE:
        raise Unsupported("an architecture without weights knows no answer")
    wording.refuse(parts.task, parts.mode, parts.backbone.family, strategy, splits)
    if asset is not None and not parts.mode.writes:
        prompts = prompts_of(parts, reader_of(asset, parts, Path()), splits)
        shots = drawn(splits.train, strategy.shots, 0)
        replace(prompts, shots=shots).of(splits.test[:1])  # is there room?


def prompts_of(parts: Parts, reader: Reader, splits: Splits) -> Prompts:
    """Template and labels as this model's tokens, without solved examples yet.

    Raises Unsupported where the tokenizer has no mask token to ask an encoder with, or does not
    know a word of the template or a label; InputError where two labels become the same tokens, or
    the template holds a special token.
    """
    strategy, reads_on = parts.strategy, parts.backbone.family == "bert"
    assert isinstance(strategy, Prompt)
    if reads_on and reader.tokenizer.mask_token_id is None:
        raise Unsupported(f"the tokenizer of {parts.backbone.name} has no mask token")
    words = wording.wording(strategy.template, strategy.words, splits)
    fields = (TEXT, SECOND, LABEL)
    plain = [word for word in (*words.before, *words.after) if word not in fields]
    tokens = {word: _tokens([word], reader) for word in plain}
    labels = [_tokens(label, reader) for label in words.labels]
    for index, label in enumerate(labels):
        if label in labels[:index]:
            one, other = (splits.labels[k] for k in (labels.index(label), index))
            raise InputError(
                f"labels {shown(one)} and {shown(other)} become the same tokens for "
                f"{parts.backbone.name}; give them other words with strategy.words"
            )
    return Prompts(reader, words, tokens, labels, reads_on)


def _tokens(words: Sequence[str], reader: Reader) -> list[int]:
    """Of words of a template or a label."""
    tokenizer = reader.tokenizer
    (found,) = encoding.pieces([words], tokenizer)
    special = set(tokenizer.all_special_ids)
    for word, tokens in zip(words, found, strict=True):
        if tokenizer.unk_token_id in tokens and tokenizer.unk_token != word:
            raise Unsupported(
                f"the tokenizer does not know {shown(word)!r}, and prompts are asked in words that "
                "the model knows (strategy.template, strategy.words)"
            )
        if special & set(tokens):
            raise InputError(
                f"{shown(word)!r} is a special token of this model; it cannot stand in "
                "strategy.template or strategy.words"
            )
    return [token for tokens in found for token in tokens]


def _mode(parts: Parts) -> Any:
    """The mode, which reads labels: `wording.refuse` lets no other one through."""
    return parts.mode


def _language_model(setup: Setup, asset: Asset, parts: Parts, reader: Reader) -> nn.Module:
    backbone = parts.backbone
    if backbone.weights == "scratch":
        model = bodies.new_language_model(
            backbone.objective, backbone.architecture, reader.specials, setup.cell.seed
        )
    else:
        model = bodies.load_language_model(backbone.objective, Path(asset.folder), 0.0, 0.0)
    refuse_longer(parts.knobs.max_length, bodies.body_of(model))
    return model


def _plain(setup: Setup, reader: Reader) -> Encoded:
    """The training texts without a prompt, from the cache where another strategy left them."""
    train, digest = setup.foundation.splits.train, setup.foundation.digests["train"]
    one, other = [e.words for e in train], [e.second for e in train]
    if any(other):
        return reader.encode("pairs", digest, one, other)
    return reader.encode("texts", digest, one)


def _gold(example: Example) -> int:
    """Its label, which `Task.targets` has looked at or will."""
    assert isinstance(example.target, int)
    return example.target


def _size(example: Example) -> int:
    return len(example.words) + len(example.second)
