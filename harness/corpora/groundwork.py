"""What the pretraining of a pair stands on, made once before it starts: text as blocks.

Everything that a user can get wrong about models, device and text is found here.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from harness import pretrain
from harness.backbones import body as bodies
from harness.backbones.family import Backbone, Specials
from harness.contracts import InputError
from harness.corpora import blocks, corpus
from harness.corpora.blocks import Cut
from harness.planning.configuration import build
from harness.train import Progress

_STAND_IN = Specials(0, 1, 2, 3, 4, 5, 6, 7)
_COPIES = 7
"""Of its weights, on disk, for each model: two states with two moments each, and the model."""


def lay(argument: tuple[Mapping[str, Any], str], progress: Progress) -> dict[str, Any]:
    """Check the models and make the blocks, or find them unchanged, in a folder.

    The argument is (configuration, folder). Returns the facts of the text, and parameters of each
    model. Raises InputError.
    """
    config, place = argument
    folder = Path(place)
    sides = {name: build(side, f"sides.{name}") for name, side in config["sides"].items()}
    _check(sides, config["device"])
    reading = corpus.reading_of(config)
    try:
        if (folder / blocks.FACTS).is_file():
            corpus.check_unchanged(reading, blocks.told(folder)["sha256"], str(folder.parent))
        else:
            text = corpus.read(reading)
            progress(0.2)
            cut = Cut(_room(sides, config["length"]), *_tokenizer(config))
            blocks.make(folder, text, cut, lambda share: progress(0.2 + 0.8 * share))
        facts = blocks.told(folder)
        parameters = _parameters(sides, folder)
        _check_disk(folder, parameters)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"out={config['out']}: cannot be written ({reason})") from None
    return {"text": facts, "parameters": parameters}


def _check(sides: Mapping[str, Backbone], device: str) -> None:
    families = sorted(side.family for side in sides.values())
    if families != ["bert", "gpt"]:
        told = ", ".join(f"{name} is a {side.family}" for name, side in sides.items())
        raise InputError(f"models: {told}; expected a decoder (gpt) and an encoder (bert)")
    if device != "cpu" and not torch.cuda.is_available():
        raise InputError(f"device={device}: torch sees no CUDA device here; use device=cpu")


def _tokenizer(config: Mapping[str, Any]) -> tuple[int, int, bool]:
    return config["vocabulary"], config["alphabet"], config["whole_words"]


def _room(sides: Mapping[str, Backbone], length: int) -> int:
    """Tokens of text in a block: what is left beside the special tokens of either model."""
    frames = [side.frame(_STAND_IN) for side in sides.values()]
    return length - max(len(frame.before) + len(frame.after) for frame in frames)


def _parameters(sides: Mapping[str, Backbone], folder: Path) -> dict[str, int]:
    special = pretrain.specials(pretrain.load_tokenizer(folder / blocks.TOKENIZER))
    found = {}
    for name, side in sides.items():
        try:
            with torch.device("meta"):
                model = bodies.new_language_model(side.objective, side.architecture, special, 0)
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"sides.{name}.architecture cannot be built: {error}") from None
        found[name] = sum(parameter.numel() for parameter in model.parameters())
    return found


def _check_disk(folder: Path, parameters: Mapping[str, int]) -> None:
    """Refuse now what would fail at a checkpoint."""
    needed = sum(parameters.values()) * 4 * _COPIES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"out={folder.parent.parent}: {free / 2**20:,.0f} MiB free, but models and "
            f"checkpoints need {needed / 2**20:,.0f}; make room, or choose another out=..."
        )
