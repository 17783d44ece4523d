"""A label after every word: what reading a text costs while it is still being written.

A causal model keeps keys and values of what it has read and reads every word once. The tokens
that close a text it reads only where the answer stands on them, and forgets them again. A
bidirectional model reads the whole text anew after each word. The mask decides which, not the
family.

The comparison is about the network: either side tokenises each word once, when it arrives, and
keeps the ids of earlier words. A word that no longer fits is not read, as in truncation, and the
old answer stands; windows, in which evaluation reads a long text for tags, would wait for words
that have not come. Of a pair the first text is there from the start and the second arrives; where
a pair no longer fits, truncation would shorten the longer text, but what was read stays read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from harness.backbones.attention import Memory
from harness.backbones.family import MEAN, Frame
from harness.contracts import Example
from harness.models import encoding
from harness.models.batching import Batch
from harness.models.encoding import UNBOUNDED, Room
from harness.scenarios import Call
from harness.serving import Answer, Served


@dataclass(frozen=True)
class Streaming:
    """One call streams all words of one example; it returns what was answered after each."""

    name: str = "streaming"

    def fits(self, served: Served) -> bool:
        """Labels, each text read once and answered at a position.

        Of a second reading, old words follow new ones; a mean is not kept from word to word.
        """
        mode: Any = served.parts.mode
        once = not served.writes and not mode.both_orders and mode.copies == 1
        return once and served.read_at != MEAN

    def calls(self, served: Served, examples: Sequence[Example]) -> list[Call]:
        """One an example; `tokens` are those that go through the network, `steps` its answers."""
        return [_call(served, example) for example in examples]


def _call(served: Served, example: Example) -> Call:
    taken = list(steps(served, example))
    work = {
        "examples": 1,
        "words": len(example.words) + len(example.second),
        "tokens": sum(len(step.ids) for step in taken),
        "steps": len(taken),
    }
    return Call(partial(stream, served, example), work)


def stream(served: Served, example: Example) -> Answer:
    """All labels so far, as class indices, after each word."""
    memory = new_memory(served)
    emitted: list[tuple[int, ...]] = []
    labels: tuple[int, ...] = ()
    for step in steps(served, example):
        new = logits(served, step, memory).argmax(-1).tolist() if step.ids else []
        labels = (*labels[: step.standing], *new)
        emitted.append(labels)
    return emitted


class Step(NamedTuple):
    """One emission: what the network reads for it, and which answers stand in that."""

    ids: list[int]  # not read before, or forgotten; empty where nothing new fits
    segments: list[bool]  # of `ids`: True in the second text of a pair
    known: int  # positions that are kept from before
    kept: int  # of `ids`: positions to keep
    columns: list[int]  # of `ids`: where answers are read
    standing: int  # earlier answers that need not be read again


def steps(served: Served, example: Example) -> Iterator[Step]:
    """What is read after each word, tokenised when it is asked for."""
    text, causal = _Text(served, example), _causal(served)
    closing = served.reader.frame.after if not causal or served.read_at == "last" else []
    known = 0
    for number, word in enumerate(example.second or example.words):
        grown = text.add(word)
        columns = text.columns(len(closing))
        if number and not grown:
            yield Step([], [], known, 0, [], len(columns))
            continue
        ids = [*text.ids[known:], *closing]
        segments = [place >= text.second for place in range(known, known + len(ids))]
        kept = len(text.ids) - known if causal else 0
        standing = sum(column < known for column in columns)
        unread = [column - known for column in columns[standing:]]
        yield Step(ids, segments, known, kept, unread, standing)
        known += kept


def logits(served: Served, step: Step, memory: Memory | None) -> Tensor:
    """[answers, classes] of the answers that are read in this step."""
    batch = Batch(
        ids=torch.tensor([step.ids], device=served.device),
        real=torch.ones(1, step.known + len(step.ids), dtype=torch.bool, device=served.device),
        rows=torch.zeros(len(step.columns), dtype=torch.long, device=served.device),
        columns=torch.tensor(step.columns, dtype=torch.long, device=served.device),
        targets=torch.zeros(0, dtype=torch.long),
        segments=torch.tensor([step.segments], device=served.device),
    )
    with torch.inference_mode():
        found: Tensor = served.model(batch, memory)
    if memory is not None:
        memory.keep(step.kept)
    return found


def new_memory(served: Served) -> Memory | None:
    """What a causal model keeps of one text; None where everything is read again."""
    return Memory(served.reader.room.total) if _causal(served) else None


def _causal(served: Served) -> bool:
    return served.parts.mode.left_only[0]


class _Text:
    """A text of which words arrive: its ids so far, unclosed, and where each word stands."""

    def __init__(self, served: Served, example: Example) -> None:
        reader, frame = served.reader, served.reader.frame
        self.tokenizer, self.read_at = reader.tokenizer, served.read_at
        self.room = reader.room._replace(total=reader.room.total - len(frame.after))
        self.ids, self.second, self.full = list(frame.before), UNBOUNDED, False
        if example.second:
            opening = Frame(frame.before, frame.between)
            self.ids = self._encoded(example.words, opening, self.room)
            self.second = len(self.ids)
        self.first: list[int] = []
        self.last: list[int] = []

    def add(self, word: str) -> bool:
        """Take in one word, whole; False where it does not fit, nor any after it."""
        pieces = self._encoded([word], Frame([], []), Room(UNBOUNDED))
        self.full = self.full or len(self.ids) + len(pieces) > self.room.total
        if not self.full:
            self.first.append(len(self.ids))
            self.ids += pieces
            self.last.append(len(self.ids) - 1)
        return not self.full

    def columns(self, closing: int) -> list[int]:
        """Positions that answer (see `batching.collate`), where `closing` tokens follow."""
        if self.read_at == "cls":
            return [0]
        if self.read_at == "last":
            return [len(self.ids) + closing - 1]
        return self.first if self.read_at == "first_piece" else self.last

    def _encoded(self, words: Sequence[str], frame: Frame, room: Room) -> list[int]:
        ids: list[int] = encoding.encode([words], self.tokenizer, frame, room).ids.tolist()
        return ids
