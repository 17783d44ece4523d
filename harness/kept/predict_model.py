"""A kept folder as something that answers texts. Needs the record and the folder, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from transformers import AutoTokenizer

from harness import pretrain, record
from harness.backbones.bert import Bert
from harness.backbones.gpt import Gpt
from harness.cells.view import Parts, reading
from harness.contracts import Example, InputError
from harness.kept import exported
from harness.kept.predict_lines import Asked
from harness.kept.predict_words import Word
from harness.metrics import entity_f1
from harness.models import batching
from harness.planning.configuration import build
from harness.record import Record
from harness.serving import Served, kept_model, subject_of

Divide = Callable[[str], list[Word]]
Answer = dict[str, Any]
_DIGITS = 6  # of a probability
_GREEDY = {
    "_target_": "harness.decoding.Decoding",
    "search": "greedy",
    "max_new_tokens": 32,
    "cache": True,
}
"""Stands where answers are labels, so that nothing is written."""


@dataclass(frozen=True)
class Answering:
    """A tuned model that answers texts as people type them; `divide` makes words of them."""

    served: Served
    classes: Sequence[str]
    pairs: bool
    divide: Divide

    def answers(self, asked: Sequence[Asked], batch_size: int) -> list[Answer]:
        """One answer a text, in order. Texts of like length go through the network together."""
        words = [self.divide(one.text) for one in asked]
        found: list[Answer] = [self._empty(one) for one in asked]
        there = [i for i, some in enumerate(words) if some and self._whole(asked[i])]
        there.sort(key=lambda i: len(words[i]))
        for start in range(0, len(there), batch_size):
            chosen = there[start : start + batch_size]
            examples = [_example(words[i], asked[i]) for i in chosen]
            for i, answer in zip(chosen, self._answered(examples), strict=True):
                found[i] = self._told(asked[i], words[i], answer)
        return found

    def _whole(self, one: Asked) -> bool:
        return not self.pairs or bool((one.second or "").split())

    def _empty(self, one: Asked) -> Answer:
        """What is said of a text without words."""
        key = "output" if self.served.writes else "label"
        nothing: Answer = {"entities": []} if self.served.per_word else {key: None}
        which = "text" if self._whole(one) or not one.text.strip() else "second"
        return {**_named(one), **nothing, "reason": f"no words in {which}"}

    def _answered(self, examples: Sequence[Example]) -> list[Answer]:
        with torch.inference_mode():
            if self.served.writes:
                return self._written(examples)
            return (self._tagged if self.served.per_word else self._labelled)(examples)

    def _labelled(self, examples: Sequence[Example]) -> list[Answer]:
        served = self.served
        encoded = served.encoded(examples)
        chosen, unknown = np.arange(len(examples)), [np.zeros(1, np.int64)] * len(examples)
        pad = served.reader.specials.pad
        batch = batching.stacked(
            [batching.collate(one, unknown, chosen, served.read_at, pad) for one in encoded]
        )
        shares = served.model(batch).softmax(-1)
        lost = (encoded[0].words - encoded[0].kept).tolist()
        return [
            {**self._label(row), **_cut(n)} for row, n in zip(shares.tolist(), lost, strict=True)
        ]

    def _label(self, shares: Sequence[float]) -> Answer:
        best = int(np.argmax(shares))
        scores = {name: round(p, _DIGITS) for name, p in zip(self.classes, shares, strict=True)}
        return {
            "label": self.classes[best],
            "score": round(shares[best], _DIGITS),
            "scores": scores,
        }

    def _tagged(self, examples: Sequence[Example]) -> list[Answer]:
        """One (tag, probability) for each word that was read."""
        request = self.served.read(examples)
        assert request.batch is not None
        batches = [request.batch]
        if request.most is not None:
            batches = [*batching.sliced(request.batch, request.most)]
        flat = torch.cat([self.served.model(one).softmax(-1) for one in batches])
        shares, best = flat.max(-1)
        tags = [self.classes[i] for i in best.tolist()]
        pairs, start = [*zip(tags, shares.tolist(), strict=True)], 0
        found: list[Answer] = []
        for example, count in zip(examples, request.answers, strict=True):
            lost = len(example.words) - count
            found.append({"tags": pairs[start : start + count], **_cut(lost)})
            start += count
        return found

    def _written(self, examples: Sequence[Example]) -> list[Answer]:
        encoded = self.served.encoded(examples)[0]
        lost = (encoded.words - encoded.kept).tolist()
        texts = self.served.answer(self.served.read(examples))
        return [{"output": " ".join(t), **_cut(n)} for t, n in zip(texts, lost, strict=True)]

    def _told(self, one: Asked, words: Sequence[Word], answer: Answer) -> Answer:
        tags = answer.pop("tags", None)
        if tags is None:
            return {**_named(one), **answer}
        return {**_named(one), "entities": [*_entities(one.text, words, tags)], **answer}


def _named(one: Asked) -> Answer:
    return {"text": one.text} if one.second is None else {"text": one.text, "second": one.second}


def _example(words: Sequence[Word], one: Asked) -> Example:
    second = tuple((one.second or "").split())
    return Example("", tuple(word.text for word in words), 0, second=second)


def _cut(words: int) -> Answer:
    return {"cut_words": words} if words else {}


def _entities(
    text: str, words: Sequence[Word], tags: Sequence[tuple[str, float]]
) -> Iterator[Answer]:
    """Entities as they are scored (strict IOB2), by their characters; the mean of their words."""
    spans = entity_f1.spans([tag for tag, _ in tags])
    for first, last, kind in sorted(spans):
        start, end = words[first].start, words[last - 1].end
        sure = float(np.mean([share for _, share in tags[first:last]]))
        place = {"type": kind, "start": start, "end": end, "text": text[start:end]}
        yield {**place, "score": round(sure, _DIGITS)}


# --- from a folder --------------------------------------------------------------------------------


def load(folder: Path, found: Record, divide: Divide) -> Answering:
    """The tuned model of a finished run. Raises InputError where its folder is not whole."""
    place = folder / record.CHECKPOINT
    _check(place, found)
    parts = _parts(found)
    try:
        form = exported.read(place)
        if form and form.settings not in (None, exported.settings_digest(place)):
            raise InputError(
                f"{place}: {_changed(place)}; put it back, or delete the run's folder and run it "
                "again"
            )
        served = _served(place, found, parts, standard=form is not None)
    except (OSError, ValueError, RuntimeError, SafetensorError, record.RecordError) as error:
        raise InputError(f"{place}: cannot be loaded ({' '.join(str(error).split())})") from None
    pairs = form.pairs if form is not None else found.cell.task == "matching"
    classes = found.data.classes if found.data is not None else ()
    return Answering(served, classes, pairs, divide)


def _changed(place: Path) -> str:
    """Which of the settings, as far as one can tell: there is one digest for all."""
    gone = [name for name in exported.SETTINGS if not (place / name).is_file()]
    if gone:
        return f"gone: {', '.join(gone)}"
    return f"one of {', '.join(exported.SETTINGS)} is not as it was written"


def _check(place: Path, found: Record) -> None:
    try:
        same = record.weights_digest(place) == found.checkpoint_digest
    except OSError as error:
        raise InputError(f"{place}: no tuned model there ({error.strerror})") from None
    if not same:
        raise InputError(
            f"{place}: other weights than the record says; put them back, or delete the run's "
            "folder and run it again"
        )


def _parts(found: Record) -> Parts:
    """What the record's configuration builds; the backbone without its checkpoint's own files."""
    config = found.config
    backbone = _backbone(found)
    task, strategy, knobs, choice = (
        build(config[name], name) for name in ("task", "strategy", "train", "mode")
    )
    decoding = build(config.get("decoding", _GREEDY), "decoding")
    mode = choice.bind(backbone, task.shape == "text")
    return Parts(backbone, task, strategy, knobs, mode, decoding)


def _backbone(found: Record) -> Gpt | Bert:
    kind: type[Gpt] | type[Bert] = Gpt if found.cell.family == "gpt" else Bert
    model: Mapping[str, Any] = found.config["model"]
    known = {field.name for field in fields(kind)}
    named = {"name": found.cell.model, "pair": found.cell.pair, "match": found.cell.match}
    given = {k: v for k, v in model.items() if k in known}
    return kind(**{"weights": "", **given, **named})


def _served(place: Path, found: Record, parts: Parts, standard: bool) -> Served:
    tokenizer = _tokenizer(place, standard)
    specials = pretrain.specials(tokenizer)
    reader = reading(tokenizer, specials, parts)
    model = kept_model(parts, place, len(found.data.classes) if found.data is not None else 0)
    described = found.model.description if found.model else found.cell.model
    return Served(
        subject=subject_of(found.cell, described, found.identity, found.checkpoint_digest),
        parts=parts,
        model=model.eval(),
        reader=reader,
        examples=(),
        per_word=parts.task.shape == "tags",
    )


def _tokenizer(place: Path, standard: bool) -> Any:
    """As it was saved; one that was kept before folders were standard ones still lacks blanks."""
    if not standard:
        return pretrain.load_tokenizer(place)
    return AutoTokenizer.from_pretrained(place, local_files_only=True, trust_remote_code=False)
