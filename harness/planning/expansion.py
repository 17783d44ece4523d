"""What a sweep holds: from a configuration to planned cells.

A named sweep is a union of products: each block of `cells` lists values per key, and every
combination is one cell. The first key varies slowest and the model comes last, so that the two
models of a pair alternate and a drift of the machine favours neither.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra import compose
from omegaconf import OmegaConf, open_dict

from harness import record

_SHARED = ("sweep", "probe", "race", "plan")  # of the command as a whole, not of a cell
_FOUNDATION = ("model", "task", "data", "pretraining", "role", "mode", "strategy")
_ROOM = ("max_length", "long")  # of training: whether texts fit


@dataclass(frozen=True)
class Planned:
    """One cell as composed: the whole configuration, and the choices of its groups."""

    config: Mapping[str, Any]
    choices: Mapping[str, str]

    @property
    def foundation(self) -> str:
        """Cells with the same text share data, tokenizer, starting weights, and what fits."""
        train = self.config["train"]
        room = {"train": {key: train.get(key) for key in _ROOM}}
        return record.canonical({key: self.config[key] for key in _FOUNDATION} | room)

    @property
    def label(self) -> str:
        """Short name for progress displays."""
        names = [self.choices[key] for key in ("task", "data", "model", "mode", "strategy")]
        return " ".join([*names, self.config["model"]["weights"]])


def expand(config: Mapping[str, Any], overrides: Sequence[str]) -> Iterator[Planned]:
    """The cells of a named sweep. What the user set on the command line narrows an axis."""
    given = dict(o.lstrip("+~").split("=", 1) for o in overrides if "=" in o)
    kept = [o for o in overrides if re.split(r"[.=@]", o.lstrip("+~"))[0] not in _SHARED]
    seen: set[str] = set()
    for block in _meant(config["sweep"]["cells"], given):
        axes = {
            key: [given[key]] if key in given else _several(values) for key, values in block.items()
        }
        for values in itertools.product(*axes.values()):
            pairs = zip(axes, values, strict=True)
            chosen = [f"{k}={_typed(v)}" for k, v in pairs if k not in given]
            planned = _compose([*kept, *chosen], config)
            text = record.canonical(planned.config)
            if text not in seen:
                seen.add(text)
                yield planned


def _meant(
    blocks: Sequence[Mapping[str, Any]], given: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """Blocks that hold what the user asked for; a value that no block holds goes for all."""
    for block in blocks:
        others = (
            key
            for key, value in given.items()
            if key in block
            and not _holds(block, key, value)
            and any(_holds(other, key, value) for other in blocks)
        )
        if next(others, None) is None:
            yield block


def _holds(block: Mapping[str, Any], key: str, value: str) -> bool:
    return key in block and value in map(_typed, _several(block[key]))


def _typed(value: object) -> str:
    """A YAML value as Hydra's command line writes it."""
    if value is None:
        return "null"
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _several(values: object) -> list[object]:
    return list(values) if isinstance(values, list) else [values]


def _compose(overrides: list[str], config: Mapping[str, Any]) -> Planned:
    composed = compose("config", overrides=overrides, return_hydra_config=True)
    choices = {str(k): str(v) for k, v in composed.hydra.runtime.choices.items()}
    with open_dict(composed):
        del composed["hydra"]
    plain: Any = OmegaConf.to_container(composed, resolve=True)
    return Planned({**plain, **{key: config.get(key) for key in _SHARED}}, choices)
