"""How a text is written: one token after another, or all at once and corrected.

Prompts are padded on the left, so that every row's next token stands in the same column. With
the memory on, keys and values of what was read are kept; off, everything is read again for each
token. Both give the same tokens, and so does any batch size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from harness.backbones.attention import Memory
from harness.backbones.family import Specials
from harness.contracts import InputError
from harness.models.heads import Writer

SEARCHES = ("greedy", "beam", "top_p")
_NEVER = -1  # the id of no token: a text that does not end by itself


@dataclass(frozen=True)
class Decoding:
    """`max_new_tokens` counts the end; `cache` keeps what was read."""

    search: str
    max_new_tokens: int
    cache: bool
    beams: int = 1
    top_p: float = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be done; InputError names the key."""
        fits = {
            "search": (self.search in SEARCHES, f"one of {', '.join(SEARCHES)}"),
            "max_new_tokens": (self.max_new_tokens >= 2, "a whole number from 2"),
            "beams": (self.beams >= 1, "a whole number from 1"),
            "top_p": (0 < self.top_p <= 1, "a share above 0, up to 1"),
            "temperature": (self.temperature > 0, "a number above 0"),
        }
        for key, (fit, expected) in fits.items():
            if not fit:
                raise InputError(f"decoding.{key}={getattr(self, key)}: expected {expected}")


class Tokens(NamedTuple):
    """One written text: its tokens without the end, and whether the end is missing."""

    ids: list[int]
    cut_off: bool


class _State:
    """What has been read of a batch so far; asks the model for what comes next."""

    def __init__(self, writer: Writer, ids: Tensor, real: Tensor, room: int, cache: bool) -> None:
        self.writer, self.ids, self.real, self.sources = writer, ids, real, ids.shape[1]
        self.memory = Memory(ids.shape[1] + room) if cache else None

    def logits(self, new: int) -> Tensor:
        """[batch, vocabulary] of the token after the last one; the last `new` are yet unread."""
        source = torch.arange(self.ids.shape[1], device=self.ids.device) < self.sources
        source = source.expand(len(self.ids), -1)
        unread = self.ids if self.memory is None else self.ids[:, -new:]
        hidden = self.writer.hidden(unread, self.real, source, self.memory)
        if self.memory is not None:
            self.memory.keep(new)
        return self.writer.logits(hidden[:, -1])

    def add(self, tokens: Tensor) -> None:
        self.ids = torch.cat([self.ids, tokens[:, None]], 1)
        self.real = torch.cat([self.real, torch.ones_like(tokens, dtype=torch.bool)[:, None]], 1)

    def select(self, rows: Tensor) -> None:
        self.ids, self.real = self.ids[rows], self.real[rows]
        if self.memory is not None:
            self.memory.select(rows)


def write(
    writer: Writer,
    ids: Tensor,
    real: Tensor,
    decoding: Decoding,
    specials: Specials,
    rng: torch.Generator,
    exactly: int | None = None,
    heard: Callable[[], None] | None = None,
) -> list[Tokens]:
    """Texts for prompts [batch, length] that are padded on the left, in the order of the rows.

    For measuring, `exactly` asks for so many tokens of each text, its end ignored, and `heard` is
    called after each token of a stepwise search.
    """
    end, knobs = _end(writer, specials), decoding
    if exactly is not None:
        end, knobs = _NEVER, replace(decoding, max_new_tokens=exactly)
    if getattr(writer.mode, "iterations", None) is not None:
        return _corrected(writer, ids, real, specials, knobs, exactly)
    if decoding.search == "beam":
        return _beam(writer, ids, real, knobs, end)
    chosen = _greedy if decoding.search == "greedy" else _sampler(decoding, rng)
    return _stepwise(writer, ids, real, knobs, end, chosen, heard or (lambda: None))


def _end(writer: Writer, specials: Specials) -> int:
    return writer.backbone.frame(specials).after[0]


def _greedy(logits: Tensor) -> Tensor:
    return logits.argmax(-1)


def _sampler(decoding: Decoding, rng: torch.Generator) -> Callable[[Tensor], Tensor]:
    def draw(logits: Tensor) -> Tensor:
        shares, tokens = (logits / decoding.temperature).softmax(-1).sort(-1, descending=True)
        outside = shares.cumsum(-1) - shares >= decoding.top_p  # the first one always stays
        place = torch.multinomial(shares.masked_fill(outside, 0.0), 1, generator=rng)
        return tokens.gather(-1, place)[:, 0]

    return draw


def _stepwise(
    writer: Writer,
    ids: Tensor,
    real: Tensor,
    decoding: Decoding,
    end: int,
    choose: Callable[[Tensor], Tensor],
    heard: Callable[[], None],
) -> list[Tokens]:
    state = _State(writer, ids, real, decoding.max_new_tokens, decoding.cache)
    ended = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
    new = ids.shape[1]
    for _ in range(decoding.max_new_tokens):
        tokens = choose(state.logits(new)).masked_fill(ended, end)
        state.add(tokens)
        ended |= tokens == end
        new = 1
        heard()
        if bool(ended.all()):
            break
    return [_until(row, end) for row in state.ids[:, ids.shape[1] :].tolist()]


def _until(tokens: list[int], end: int) -> Tokens:
    length = tokens.index(end) if end in tokens else None
    return Tokens(tokens[:length], length is None)


class _Hypothesis(NamedTuple):
    score: float  # mean log-probability of a token, the end included
    tokens: Tokens


def _beam(writer: Writer, ids: Tensor, real: Tensor, decoding: Decoding, end: int) -> list[Tokens]:
    """The best of `beams` texts kept side by side; a finished one keeps its score per token."""
    width, count = decoding.beams, len(ids)
    state = _State(writer, ids, real, decoding.max_new_tokens, decoding.cache)
    scores = torch.full((count, width), float("-inf"), device=ids.device)
    scores[:, 0] = 0.0
    state.select(torch.arange(count, device=ids.device).repeat_interleave(width))
    finished: list[list[_Hypothesis]] = [[] for _ in range(count)]
    new = ids.shape[1]
    for length in range(1, decoding.max_new_tokens + 1):
        steps = state.logits(new).log_softmax(-1).view(count, width, -1)
        vocabulary = steps.shape[-1]
        totals, places = (scores[..., None] + steps).flatten(1).topk(2 * width, -1)
        rows, tokens = places // vocabulary, places % vocabulary
        _collect(finished, state.ids, rows, tokens, totals, end, ids.shape[1], width)
        alive = totals.masked_fill(tokens == end, float("-inf"))
        scores, best = alive.topk(width, -1)
        base = torch.arange(count, device=ids.device)[:, None] * width
        state.select((rows.gather(1, best) + base).flatten())
        state.add(tokens.gather(1, best).flatten())
        new = 1
        if all(len(f) >= width and _settled(f, scores[i], length) for i, f in enumerate(finished)):
            break
    written = state.ids[:, ids.shape[1] :].view(count, width, -1)
    return [_best(finished[i], written[i, 0].tolist()) for i in range(count)]


def _collect(
    finished: list[list[_Hypothesis]],
    ids: Tensor,
    rows: Tensor,
    tokens: Tensor,
    totals: Tensor,
    end: int,
    start: int,
    width: int,
) -> None:
    """Take in the texts that end now, if they stand among the best `width`."""
    length = ids.shape[1] - start + 1
    for i, kept in enumerate(finished):
        for place in range(width):
            if int(tokens[i, place]) == end and torch.isfinite(totals[i, place]):
                text = ids[i * width + int(rows[i, place]), start:].tolist()
                kept.append(_Hypothesis(float(totals[i, place]) / length, Tokens(text, False)))
        kept.sort(key=lambda one: -one.score)
        del kept[width:]


def _settled(finished: list[_Hypothesis], scores: Tensor, length: int) -> bool:
    """No text that is still alive would overtake the best finished one if it ended now."""
    return finished[0].score >= float(scores.max()) / length


def _best(finished: list[_Hypothesis], alive: list[int]) -> Tokens:
    return finished[0].tokens if finished else Tokens(alive, True)


# --- all at once ----------------------------------------------------------------------------------


def _corrected(
    writer: Writer,
    ids: Tensor,
    real: Tensor,
    specials: Specials,
    decoding: Decoding,
    exactly: int | None,
) -> list[Tokens]:
    """Mask-predict: try the likeliest lengths, fill in all, hide the least certain, repeat."""
    mode, longest = writer.mode, decoding.max_new_tokens
    tries = min(int(getattr(mode, "length_beam", 1)), longest)
    memory = Memory(ids.shape[1] + longest) if decoding.cache else None
    hidden = writer.hidden(ids, real, torch.ones_like(real), memory)
    first = real.long().argmax(1)  # padding stands on the left
    lengths = writer.lengths(hidden[torch.arange(len(ids)), first]).topk(tries, -1).indices + 1
    if exactly is not None:
        lengths = torch.full_like(lengths, exactly)
    rows = torch.arange(len(ids), device=ids.device).repeat_interleave(tries)
    if memory is not None:
        memory.keep(ids.shape[1])
        memory.select(rows)
    filled = _fill(writer, ids[rows], real[rows], lengths.flatten(), specials.mask, memory)
    scores = filled[0].view(-1, tries)
    texts = filled[1].view(len(ids), tries, -1)
    best = scores.argmax(1)
    return [
        Tokens(texts[i, best[i], : int(lengths[i, best[i]])].tolist(), cut_off=False)
        for i in range(len(ids))
    ]


def _fill(
    writer: Writer, ids: Tensor, real: Tensor, lengths: Tensor, mask: int, memory: Memory | None
) -> tuple[Tensor, Tensor]:
    """Mean log-probability of a token [rows], and tokens [rows, longest], after all iterations."""
    iterations = int(getattr(writer.mode, "iterations", 1))
    inside = torch.arange(int(lengths.max()), device=ids.device) < lengths[:, None]
    texts = torch.full(inside.shape, mask, device=ids.device)
    sure = torch.zeros(inside.shape, device=ids.device)
    whole, source = torch.cat([real, inside], 1), torch.zeros_like(torch.cat([real, inside], 1))
    source[:, : ids.shape[1]] = True
    for turn in range(iterations):
        unread = texts if memory is not None else torch.cat([ids, texts], 1)
        hidden = writer.hidden(unread, whole, source, memory)[:, -texts.shape[1] :]
        logits = writer.logits(hidden)
        logits[..., mask] = float("-inf")  # an answer, not another question
        found, tokens = logits.log_softmax(-1).max(-1)
        hidden_now = (texts == mask) & inside
        texts, sure = torch.where(hidden_now, tokens, texts), torch.where(hidden_now, found, sure)
        again = (lengths * (iterations - 1 - turn)) // iterations  # how many to hide next
        order = sure.masked_fill(~inside, float("inf")).argsort(dim=-1, stable=True).argsort(-1)
        if turn + 1 < iterations:
            texts = torch.where((order < again[:, None]) & inside, mask, texts)
    return (sure * inside).sum(1) / lengths, texts
