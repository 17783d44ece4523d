"""From planned cells and what they stand on to setups, each with the identity of its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness import record, searched
from harness.examples import wording
from harness.planning import configuration
from harness.planning import setup as setups
from harness.planning.expansion import Planned
from harness.planning.setup import Foundation, Setup
from harness.weights.assets import Asset


def identified(
    planned: Sequence[Planned],
    foundations: Mapping[str, Foundation],
    here: Mapping[str, Any],
    decided: str,
) -> dict[str, tuple[Setup, Planned]]:
    """Cells by identity; the same cell planned twice is one cell."""
    found: dict[str, tuple[Setup, Planned]] = {}
    for one in planned:
        foundation = foundations[one.foundation]
        config = wording.settled(one.config, foundation.splits)
        science = configuration.scientific(config, foundation.writes, foundation.overlong)
        identity = setups.identify(science, foundation)
        keep = config["checkpoint"] == "all" or (
            config["checkpoint"] == "first" and config["seed"] == 0 and config["role"] == "result"
        )
        setup = Setup(
            config=config,
            science=science,
            foundation=foundation,
            cell=setups.cell_of(config, foundation, one.choices),
            identity=identity,
            results=config["results"],
            cache=config["cache"],
            keep_checkpoint=keep and not wording.untuned(config),
            environment=here,
            sweep=config["sweep"]["name"] if config["sweep"] else None,
            tuning=tuning(config, foundation.asset),
            plan=decided,
        )
        found.setdefault(identity, (setup, one))
    return found


def tuning(config: Mapping[str, Any], asset: Asset | None) -> Mapping[str, Any] | None:
    """The search behind the values, if these are the values, setting and weights of a search."""
    science = configuration.scientific(config, writes=False)
    weights = asset.weights_digest if asset and configuration.from_folder(config["model"]) else None
    flat = record.flatten(config)
    for tuning in searched.nodes(config["tuning"]):
        chosen = searched.values(tuning)
        used = all(key in flat and flat[key] == value for key, value in chosen.items())
        holds = tuning.get("holds_for") == configuration.searched(science, chosen)
        if chosen and used and holds and tuning.get("weights_digest") == weights:
            return tuning
    return None
