"""How likely a language model finds each label in a prompt, untuned.

A decoder is asked by the chain rule: log P(label | prompt) is the sum of the log-probabilities of
the label's tokens, each after the prompt and the label's tokens before it.

An encoder is asked by pseudo-log-likelihood, left to right within the label: the prompt has as many
mask tokens in the label's place as the label has tokens, and each token is asked for with the
label's tokens before it in sight and those from it on still masked. For a label of one word that is
PLL-word-l2r of Kauf and Ivanova 2023 ("A better way to do masked language model scoring"), who
found that the later pieces of a word give the earlier ones away and make long words look likely
(as in Salazar et al. 2020); so do the later words of a label, hence one rule for all of it. The sum
is log P(label | prompt, its length), by the chain rule too: how many masks there are is told, not
asked, and what that alone is worth to a label is what "pmi" takes off. What stands after the label
is read.
All masked at once would be cheaper, but tokens of one label would be guessed without one another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from harness.backbones import body as bodies
from harness.backbones.attention import Memory
from harness.models.batching import Batch
from harness.models.heads import Reads


class Wanted(NamedTuple):
    """A token that is asked for, and the place of its label among the others."""

    label: int
    token: int


@dataclass(frozen=True)
class Asked:
    """What all prompts of a cell share.

    labels[k] are the tokens of label k. `empty` is the prompt without a text. `after` counts the
    tokens of a prompt that stand after the label's place. `mask` is the mask token; None asks from
    left to right. `score` is as in `strategies.prompt`.
    """

    labels: Sequence[Sequence[int]]
    empty: Sequence[int]
    after: int
    mask: int | None
    score: str

    @property
    def gaps(self) -> Mapping[tuple[int, ...], list[Wanted]]:
        """What an encoder reads in the label's place, and the tokens asked for at the first mask.

        Labels of as many tokens that begin alike share it.
        """
        assert self.mask is not None
        found: dict[tuple[int, ...], list[Wanted]] = defaultdict(list)
        for index, label in enumerate(self.labels):
            for known, token in enumerate(label):
                filled = (*label[:known], *[self.mask] * (len(label) - known))
                found[filled].append(Wanted(index, token))
        return found

    def work(self, prompt: float) -> dict[str, float]:
        """What one answer to a prompt of so many tokens takes, the empty text left aside.

        `tokens` go through the body, `asked` are positions whose vocabulary is scored, `passes`
        calls of the body.
        """
        if self.mask is None:
            more = [len(label) - 1 for label in self.labels]
            passes = 1 + sum(count > 0 for count in more)
            return {"tokens": prompt + sum(more), "asked": 1 + sum(more), "passes": passes}
        gaps = self.gaps
        tokens = sum(prompt + len(filled) for filled in gaps)
        return {"tokens": tokens, "asked": len(gaps), "passes": len(gaps)}


class Scorer(nn.Module):
    """A language model with its own head, under a mode's mask; nothing is added to it."""

    def __init__(self, mode: Reads, model: nn.Module, asked: Asked) -> None:
        super().__init__()
        self.mode, self.model, self.asked = mode, model, asked
        self._base: Tensor | None = None

    @property
    def body(self) -> nn.Module:
        """The network without its head."""
        return bodies.body_of(self.model)

    def represent(self, ids: Tensor, real: Tensor, memory: Memory | None = None) -> Tensor:
        """Last hidden states [batch, from, width].

        ids [batch, from]; real [batch, to]: without a memory `to` is `from`, with one the
        positions that it keeps come first.
        """
        allowed = self.mode.allowed(real)[:, -ids.shape[1] :]
        hidden: Tensor = bodies.forward(
            self.body, ids, real, allowed, memory=memory
        ).last_hidden_state
        return hidden

    def forward(self, batch: Batch) -> Tensor:
        """Scores [batch, labels], whose softmax is the confidence; padding may stand anywhere."""
        found = self.likelihoods(batch.ids, batch.real)
        if self.asked.score == "mean":
            return found / torch.tensor([len(label) for label in self.asked.labels]).to(found)
        return found - self.base() if self.asked.score == "pmi" else found

    def base(self) -> Tensor:
        """Log-likelihoods [1, labels] after an empty text; read once."""
        if self._base is None:
            ids = torch.tensor([self.asked.empty], device=next(self.model.parameters()).device)
            self._base = self.likelihoods(ids, torch.ones_like(ids, dtype=torch.bool))
        return self._base

    def likelihoods(self, ids: Tensor, real: Tensor) -> Tensor:
        """Log-likelihood of each label in each prompt, in nats: [batch, labels].

        ids, real [batch, length]: prompts without their label.
        """
        if self.asked.mask is None:
            return self._next(ids, real)
        return self._filled(ids, real)

    def _next(self, ids: Tensor, real: Tensor) -> Tensor:
        """By the chain rule. A prompt is read once, and its keys and values kept for all labels."""
        longest = max(map(len, self.asked.labels))
        memory = Memory(ids.shape[1] + longest - 1) if longest > 1 else None
        rows = torch.arange(len(ids), device=ids.device)
        hidden = self.represent(ids, real, memory)
        first = self._log_shares(hidden[rows, _last(real)])
        if memory is not None:
            memory.keep(ids.shape[1])
        found = [
            first[:, label[0]] + self._rest(torch.tensor(label).to(ids), real, memory)
            for label in self.asked.labels
        ]
        return torch.stack(found, 1)

    def _rest(self, label: Tensor, real: Tensor, memory: Memory | None) -> Tensor:
        """Of a label's tokens after its first one, which is read now: [batch]."""
        known, wanted = label[:-1].expand(len(real), -1), label[1:].expand(len(real), -1)
        if not known.shape[1]:
            return torch.zeros(len(real), device=real.device)
        whole = torch.cat([real, torch.ones_like(known, dtype=torch.bool)], 1)
        shares = self._log_shares(self.represent(known, whole, memory))
        return shares.gather(-1, wanted[..., None])[..., 0].sum(1)

    def _filled(self, ids: Tensor, real: Tensor) -> Tensor:
        """By filling the gap, left to right."""
        place = _last(real) + 1 - self.asked.after
        rows = torch.arange(len(ids), device=ids.device)
        found = torch.zeros(len(ids), len(self.asked.labels), device=ids.device)
        for filled, wanted in self.asked.gaps.items():
            fill = torch.tensor(filled).to(ids)
            hidden = self.represent(*opened(ids, real, place, fill))
            shares = self._log_shares(hidden[rows, place + filled.index(self.asked.mask)])
            for label, token in wanted:
                found[:, label] += shares[:, token]
        return found

    def _log_shares(self, hidden: Tensor) -> Tensor:
        """[..., width] -> log-probabilities [..., vocabulary]."""
        return bodies.vocabulary_logits(self.model, hidden).log_softmax(-1)


def opened(ids: Tensor, real: Tensor, place: Tensor, fill: Tensor) -> tuple[Tensor, Tensor]:
    """Prompts [batch, length] with `fill` put in before position place[row] of each row."""
    count, wide = len(fill), ids.shape[1] + len(fill)
    column = torch.arange(wide, device=ids.device).expand(len(ids), -1)
    here = place[:, None]
    inside = (column >= here) & (column < here + count)
    source = torch.where(column < here, column, column - count).clamp(0, ids.shape[1] - 1)
    filled = ids.gather(1, source).masked_scatter(inside, fill.repeat(len(ids)))
    return filled, real.gather(1, source) | inside


def _last(real: Tensor) -> Tensor:
    """Position of the last real token of each row, on whichever side the padding stands."""
    return real.long().cumsum(1).argmax(1)
