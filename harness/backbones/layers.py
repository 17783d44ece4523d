"""The layers of a body, found by its structure: no class calls them alike."""

from __future__ import annotations

from typing import Any

from torch import nn


def stack(body: nn.Module) -> nn.ModuleList:
    """The layers, lowest first: the one list of as many modules as the configuration has layers."""
    config: Any = body.config
    count = int(config.num_hidden_layers)
    found = [m for m in body.modules() if isinstance(m, nn.ModuleList) and len(m) == count]
    if len(found) != 1:
        raise ValueError(f"{type(body).__name__}: {len(found)} lists of {count} layers, expected 1")
    return found[0]


def below(body: nn.Module) -> list[nn.Module]:
    """What stands below the layers: tables of tokens and positions, and a norm of theirs."""
    layers = stack(body)
    return [
        part
        for part in body.children()
        if not any(inner is layers for inner in part.modules())
        and any(isinstance(inner, nn.Embedding) for inner in part.modules())
    ]
