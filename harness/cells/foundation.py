"""What cells share, made before any of them starts: data, tokenizer, starting weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from harness import pretrain
from harness.backbones import body as bodies
from harness.backbones.family import Specials
from harness.cells import prompting
from harness.cells.view import Parts, overlong, parts_of, refuse_longer, room_of
from harness.contracts import InputError, Splits, Unsupported
from harness.examples import data
from harness.examples.windows import windows
from harness.modes import mean
from harness.planning.configuration import build
from harness.planning.setup import Foundation, used
from harness.train import Progress
from harness.weights import assets, released
from harness.weights.assets import Asset

TOKENS_PER_WORD = 1.3  # of English, until a tokenizer is asked
SPECIAL = 2  # tokens about a text


def lay(
    argument: tuple[Mapping[str, Any], str, bool], progress: Progress = lambda _: None
) -> Foundation:
    """Load the data and make, or only cost, the tokenizer and weights of a model on it.

    The argument is (configuration, cache folder, make). Everything that a user can get wrong
    about data and model raises InputError here, before any cell starts.
    """
    config, cache, make = argument
    _fetch(config["model"], Path(cache), make, progress)
    parts = parts_of(config)
    room_of(parts)
    _check_measuring(config)
    splits: Splits = build(config["data"], "data")
    data.check(splits, parts.task.name)
    for name in used(config["role"]):
        data.part(splits, name)
    parts.task.metrics(splits)  # what a task cannot judge in these data is said now
    pretraining = build(config["pretraining"], "pretraining")
    backbone = parts.backbone
    if backbone.weights == assets.ARCHITECTURE:
        stand_in = assets.drawn(backbone.architecture, backbone.vocabulary)
        return replace(_cost(parts, splits, stand_in, pretraining), epoch_flops=0.0, once_flops=0.0)
    if not (make or backbone.weights in ("embedded", "scratch") or _whole(backbone.weights)):
        return _cost(parts, splits, None, pretraining)  # a dry run downloads no weights
    recipe = assets.recipe(
        backbone, splits, pretraining.knobs(), pretraining.corpus, parts.mode.writes
    )
    texts = _texts(splits, parts.mode.writes)
    asset = assets.ready(recipe, Path(cache))
    if asset is not None and recipe.path is not None:
        _check_tokenizer(Path(asset.folder))
    costed = _cost(parts, splits, asset, pretraining)
    if costed.unsupported is not None:
        return costed
    if asset is None and make:
        asset = pretrain.prepare(recipe, backbone, pretraining, texts, Path(cache), progress)
        costed = replace(costed, asset=asset, asset_flops=0.0)
    if asset is None:
        return costed
    long = overlong(parts, asset, splits, costed.digests, Path(cache))
    return replace(costed, overlong=long, unsupported=_senseless(parts, splits, asset))


def _fetch(model: Mapping[str, Any], cache: Path, make: bool, progress: Progress) -> None:
    """Bring a model from the hub here, once; for a dry run, what it takes to know its size."""
    if model.get("path") is not None:
        told = released.fetch(model["path"], model["revision"], cache / "locks", make, progress)
        released.model_type(told)


def _whole(weights: str) -> bool:
    """Whether a folder lacks nothing; one that is not from the hub is asked for all at once."""
    return released.origin(Path(weights)) is None or released.complete(Path(weights))


def _check_tokenizer(folder: Path) -> None:
    """Raise InputError for a tokenizer that does not go with the network beside it."""
    special, table = pretrain.specials(pretrain.load_tokenizer(folder)), bodies.outline(folder)
    known: Any = table.config
    if special.vocabulary > known.vocab_size:
        raise InputError(
            f"{folder}: its tokenizer has {special.vocabulary:,} tokens, the model a table of "
            f"{known.vocab_size:,}; they are not of one checkpoint"
        )


def _check_measuring(config: Mapping[str, Any]) -> None:
    """Refuse now what would only be refused after all training."""
    for key in ("probe", "race"):
        if config.get(key):
            build(config[key], key)
    for key, device in (("device", config["device"]), ("train.device", config["train"]["device"])):
        if device != "cpu" and not torch.cuda.is_available():
            raise InputError(f"{key}={device}: torch sees no CUDA device here; use {key}=cpu")


def _texts(splits: Splits, writes: bool) -> list[tuple[str, ...]]:
    """All that training reads, as word lists: inputs, second texts, and references once each."""
    texts = [text for e in splits.train for text in (e.words, e.second) if text]
    if writes:
        texts += [tuple(t.split()) for e in splits.train for t in e.target]  # type: ignore[union-attr]
    return texts


def _cost(
    parts: Parts,
    splits: Splits,
    asset: Asset | None,
    pretraining: pretrain.Pretraining,
) -> Foundation:
    """Sizes and floating-point operations, exact enough for a progress bar."""
    vocabulary = len(splits.vocabulary or ()) or parts.backbone.vocabulary
    stand_in = Specials(0, 1, 2, 3, 4, 5, 6, vocabulary)
    try:
        body = _outline(parts, stand_in)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"model.architecture cannot be built: {error}") from None
    refuse_longer(parts.knobs.max_length, body)
    size = bodies.size(body)
    texts = _texts(splits, parts.mode.writes)
    readings = 1 + getattr(parts.mode, "both_orders", False)
    weights, passes = size.total - size.embeddings, parts.strategy.passes
    pass_flops = 2.0 * weights * _tokens(parts, texts) * readings
    new = asset is None and parts.backbone.weights == "embedded"
    sentence = TOKENS_PER_WORD * sum(map(len, texts)) / max(1, len(splits.train))
    step_flops = 6.0 * weights * sentence * pretraining.batch_size  # forward and backward
    return Foundation(
        splits=splits,
        digests={name: data.digest(split) for name, split in data.parts(splits).items()},
        asset=asset,
        family=parts.backbone.family,
        mode=parts.mode.name,
        writes=parts.mode.writes,
        epoch_flops=pass_flops * parts.mode.updates_factor * passes.each,
        asset_flops=step_flops * pretraining.about(parts.backbone) if new else 0.0,
        once_flops=pass_flops * passes.once,
        unsupported=_senseless(parts, splits, asset, body),
    )


def _tokens(parts: Parts, texts: Sequence[Sequence[str]]) -> float:
    """Of one pass over texts: of one that does not fit all of its windows, or what is not cut."""
    copies = getattr(parts.mode, "copies", 1)
    room = max(1, room_of(parts).total - SPECIAL)
    sizes = [TOKENS_PER_WORD * len(text) for text in texts]
    short = sum(size for size in sizes if size <= room)
    long = [round(size) for size in sizes if size > room]
    if not parts.windows:
        return copies * (short + room * len(long))
    found = (one for size in long for one in windows([1] * size, room))
    return copies * (short + sum(one.end - one.start for one in found))


def _senseless(
    parts: Parts, splits: Splits, asset: Asset | None, body: torch.nn.Module | None = None
) -> str | None:
    """Why a strategy or mode makes no sense with this model, task and data; None where it does.

    Its tokenizer is asked where there is an asset. Raises InputError where its settings do not
    fit.
    """
    try:
        if body is not None:
            parts.strategy.check(body, parts.mode.writes)
        mean.refuse(parts.mode, parts.task.shape)
        prompting.check(parts, splits, asset)
    except Unsupported as reason:
        return str(reason)
    return None


def _outline(parts: Parts, stand_in: Specials) -> torch.nn.Module:
    """The body that will be trained, shapes alone: as the folder says where there is one."""
    folder = Path(parts.backbone.weights)
    if (folder / "config.json").is_file():
        return bodies.outline(folder)
    with torch.device("meta"):
        return bodies.new_body(parts.backbone.architecture, stand_in, 0, 0.0, 0.0)
