"""Does a model do what its mode claims? Tried on the tuned model itself, in every run.

Causality: change one token; outputs to its left must not move under a causal mask, and must
move under a bidirectional one. Padding: a text alone, in a batch padded on the right, and in a
batch padded on the left must give the same outputs. Where a text is written about a source, the
source must not see it: what is computed of the source would be another thing when writing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from harness.backbones.family import Specials
from harness.cells.view import Pages
from harness.models import batching
from harness.models.heads import Predictor, Writer
from harness.models.scoring import Scorer
from harness.modes import Mode

TOLERANCE = {"causal": 1e-6, "padding": 1e-5}
_TEXTS = 4
_PADDING = 5


def labels(
    predictor: Predictor | Scorer, texts: list[list[int]], specials: Specials, mode: Mode
) -> dict[str, Any]:
    """Largest changes of hidden states that the two probes saw, over a few texts.

    `texts` are whole encoded texts, special tokens included; those of at least four tokens are
    used. Values are absolute differences of fp32 hidden states.
    """
    predictor.eval()
    used = [text for text in texts if len(text) >= 4][:_TEXTS]
    left, right, padding = [0.0], [0.0], [0.0]
    with torch.inference_mode():
        for text in used:
            ids = torch.tensor([text])
            alone = _hidden(predictor, ids)
            spot = len(text) // 2
            changed = ids.clone()
            changed[0, spot] = _another(text[spot], specials)
            moved = (_hidden(predictor, changed) - alone).abs()[0]
            left.append(float(moved[:spot].max()))
            right.append(float(moved[spot + 1 :].max()))
            padding += [_padded(predictor, ids, alone, specials.pad, side) for side in (0, 1)]
    return {
        "claimed": mode.name,
        "left_only": mode.left_only,
        "texts": len(used),
        "left_change": max(left),
        "right_change": max(right),
        "padding_change": max(padding),
        "tolerance": TOLERANCE,
    }


class _Moved(NamedTuple):
    """Largest changes of outputs when a token of the source, and one of the target, is changed."""

    source_left: float
    target_left: float
    source: float  # by the target: must be nothing


def texts(writer: Writer, pages: Pages, specials: Specials, mode: Mode) -> dict[str, Any]:
    """The same for a model that writes: largest changes that were seen, over a few rows.

    Values are absolute differences of fp32 hidden states, and of the logits of the target's
    length where that is predicted.
    """
    writer.eval()
    lengths = pages.rows.lengths
    long = [i for i in range(len(lengths)) if _parts(pages, i)[0] >= 4 <= _parts(pages, i)[1]]
    used = np.asarray(long[:_TEXTS], np.int64)
    moved, padding = [_Moved(0.0, 0.0, 0.0)], [0.0]
    with torch.inference_mode():
        for index in used:
            ids, real = batching.texts(pages.rows, np.array([index]), specials.pad)
            second = batching.segments(pages.rows, np.array([index]), ids.shape[1])
            moved.append(_moved(writer, ids, ~second, specials))
            alone = writer.hidden(ids, real, ~second)
            padding += [
                _padded_row(writer, ids, second, alone, specials.pad, side) for side in (0, 1)
            ]
    return {
        "claimed": mode.name,
        "left_only": mode.left_only,
        "texts": len(used),
        "source_left_change": max(one.source_left for one in moved),
        "target_left_change": max(one.target_left for one in moved),
        "source_from_target": max(one.source for one in moved),
        "padding_change": max(padding),
        "tolerance": TOLERANCE,
    }


def _parts(pages: Pages, index: int) -> tuple[int, int]:
    """Tokens of source and target of one row."""
    second = int(pages.rows.second[index])
    return second, int(pages.rows.lengths[index]) - second


def _moved(writer: Writer, ids: Tensor, source: Tensor, specials: Specials) -> _Moved:
    real = torch.ones_like(source)
    start, end = int(source.sum()), ids.shape[1]
    plain = _with_length(writer, ids, real, source)
    one, other = start // 2, (start + end) // 2
    by_source, by_target = (
        (_with_length(writer, _changed(ids, spot, specials), real, source), spot)
        for spot in (one, other)
    )
    return _Moved(
        source_left=_distance(plain[0][:, :one], by_source[0][0][:, :one]),
        target_left=_distance(plain[0][:, start:other], by_target[0][0][:, start:other]),
        source=max(
            _distance(plain[0][:, :start], by_target[0][0][:, :start]),
            _distance(plain[1], by_target[0][1]),
        ),
    )


def _with_length(
    writer: Writer, ids: Tensor, real: Tensor, source: Tensor
) -> tuple[Tensor, Tensor]:
    """Hidden states, and the length prediction (the first state where there is none)."""
    hidden = writer.hidden(ids, real, source)
    return hidden, hidden[:, 0] if writer.length is None else writer.lengths(hidden[:, 0])


def _changed(ids: Tensor, spot: int, specials: Specials) -> Tensor:
    changed = ids.clone()
    changed[0, spot] = _another(int(ids[0, spot]), specials)
    return changed


def _distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max()) if one.numel() else 0.0


def _padded_row(
    writer: Writer, ids: Tensor, second: Tensor, alone: Tensor, pad: int, side: int
) -> float:
    """Change of a row's outputs when it is padded: side 0 on the right, 1 on the left."""
    length, start = ids.shape[1], _PADDING if side else 0
    batch = torch.full((2, length + _PADDING), pad)
    real = torch.zeros_like(batch, dtype=torch.bool)
    source = torch.ones_like(real)
    batch[0, start : start + length], real[0, start : start + length] = ids[0], True
    source[0, start : start + length] = ~second[0]
    batch[1, :], real[1, :] = ids[0, 1], True  # a longer neighbour
    hidden = writer.hidden(batch, real, source)[0, start : start + length]
    return _distance(hidden, alone[0])


def _hidden(predictor: Predictor | Scorer, ids: Tensor, real: Tensor | None = None) -> Tensor:
    return predictor.represent(
        ids, torch.ones_like(ids, dtype=torch.bool) if real is None else real
    )


def _another(token: int, specials: Specials) -> int:
    """Some other ordinary token."""
    return specials.count + (token + 1 - specials.count) % (specials.vocabulary - specials.count)


def _padded(
    predictor: Predictor | Scorer, ids: Tensor, alone: Tensor, pad: int, side: int
) -> float:
    """Change of the text's outputs when it is padded: side 0 on the right, 1 on the left."""
    length = ids.shape[1]
    start = _PADDING if side else 0
    batch = torch.full((2, length + _PADDING), pad)
    real = torch.zeros_like(batch, dtype=torch.bool)
    batch[0, start : start + length] = ids[0]
    real[0, start : start + length] = True
    batch[1, :] = ids[0, 1]  # a longer neighbour
    real[1, :] = True
    hidden = _hidden(predictor, batch, real)[0, start : start + length]
    return float((hidden - alone[0]).abs().max())
