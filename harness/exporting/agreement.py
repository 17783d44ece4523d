"""Whether a folder, read back by `transformers` alone, answers as the model that was tuned.

Asked with running text, so that the tokenizer, its frame, the padding, the class and the labels are
all in the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoTokenizer

from harness.contracts import Example, Unsupported
from harness.kept.exported import Agreement
from harness.serving import Served

TEXTS = 32
TOLERANCE = 1e-4
"""Of logits, as a share of the largest one: what other layers and kernels round differently."""


def checked(served: Served, place: Path, kind: Any, examples: Sequence[Example]) -> Agreement:
    """Compare on examples that fit. Raises Unsupported where the folder gives other answers."""
    tokenizer = AutoTokenizer.from_pretrained(place, local_files_only=True, trust_remote_code=False)
    model = kind.from_pretrained(
        place, local_files_only=True, use_safetensors=True, dtype=torch.float32
    ).eval()
    asked, same = _readable(served, tokenizer, examples)
    if not asked:
        raise Unsupported("none of the first training texts fits, so nothing could be compared")
    if len(same) * 2 <= asked:
        raise Unsupported(
            f"its tokenizer reads running text otherwise than word by word: {asked - len(same)} of "
            f"{asked} training texts become other tokens"
        )
    with torch.inference_mode():
        compare = _written if served.writes else _labelled
        return replace(compare(served, model, tokenizer, same), texts=asked)


def _readable(
    served: Served, tokenizer: Any, examples: Sequence[Example]
) -> tuple[int, list[Example]]:
    """How many of the first examples fit, if need be cut, and those that become the same tokens."""
    asked, same = 0, []
    for example in examples[:TEXTS]:
        encoded = served.encoded([example])[0]
        kept = int(encoded.kept[0])
        if not example.second and 0 < kept < encoded.words[0]:  # its beginning will do
            example = replace(example, words=example.words[:kept])
            encoded = served.encoded([example])[0]
        if np.array_equal(encoded.kept, encoded.words):
            asked += 1
            ids = _tokens(tokenizer, [example])["input_ids"][0]
            if ids == encoded.ids.tolist():
                same.append(example)
    return asked, same


def _tokens(tokenizer: Any, examples: Sequence[Example], **more: Any) -> Any:
    texts = [" ".join(example.words) for example in examples]
    if examples[0].second:
        return tokenizer(texts, [" ".join(example.second) for example in examples], **more)
    return tokenizer(texts, **more)


def _labelled(served: Served, model: Any, tokenizer: Any, examples: Sequence[Example]) -> Agreement:
    request = served.read(examples)
    assert request.batch is not None
    wanted = served.model(request.batch)
    found = model(**_tokens(tokenizer, examples, padding=True, return_tensors="pt")).logits
    if served.per_word:
        found = found[request.batch.rows, request.batch.columns]
    scale = float(wanted.abs().max())
    difference = float((found - wanted).abs().max()) / max(scale, 1e-12)
    same = _same(wanted, found, request.answers, scale)
    if not difference <= TOLERANCE or same < len(examples):
        raise Unsupported(
            f"as a {type(model).__name__} it gives other answers: logits differ by up to "
            f"{difference:.1e} of the largest, labels of {len(examples) - same} of "
            f"{len(examples)} training texts"
        )
    return Agreement(len(examples), len(examples), same, difference)


def _same(wanted: Tensor, found: Tensor, answers: Sequence[int], scale: float) -> int:
    """Examples whose labels are the same; where two are equally likely, either will do."""
    chosen = found.argmax(-1, keepdim=True)
    fits = (wanted.max(-1).values - wanted.gather(-1, chosen)[:, 0]) <= TOLERANCE * scale
    return sum(bool(part.all()) for part in torch.split(fits, list(answers)))


def _written(served: Served, model: Any, tokenizer: Any, examples: Sequence[Example]) -> Agreement:
    """Token by token the most probable one; a search by beams or by lot has rules of its own."""
    greedy = replace(served.parts.decoding, search="greedy")
    plain = replace(served, parts=replace(served.parts, decoding=greedy))
    wanted = [" ".join(words) for words in plain.answer(plain.read(examples))]
    same = sum(a == b for a, b in zip(wanted, _generated(model, tokenizer, examples), strict=True))
    if same < len(examples):
        raise Unsupported(
            f"generate() of transformers writes other texts for {len(examples) - same} of "
            f"{len(examples)} training examples"
        )
    return Agreement(len(examples), len(examples), same, None)


def _generated(model: Any, tokenizer: Any, examples: Sequence[Example]) -> list[str]:
    inputs = _tokens(tokenizer, examples, padding=True, return_tensors="pt")
    settings = {"do_sample": False, "num_beams": 1, "top_p": 1.0, "temperature": 1.0, "top_k": 50}
    ids = model.generate(**inputs, **settings)[:, inputs["input_ids"].shape[1] :]
    return [
        " ".join(text.split()) for text in tokenizer.batch_decode(ids, skip_special_tokens=True)
    ]
