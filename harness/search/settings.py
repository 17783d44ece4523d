"""What a search is: its space, effort and arms, read from conf/search/ and checked.

Every arm (model x task x data x mode x strategy) gets the same space and as many trials, by
construction; both families of a pair have to be among them.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from harness import record
from harness.contracts import InputError
from harness.planning import configuration, expansion
from harness.planning.expansion import Planned
from harness.search import space
from harness.search.space import Choice, Point, Space
from harness.searched import LABEL

QUASI_RANDOM, TPE = "quasi_random", "tpe"
SEARCHABLE = ("train.", "strategy.", "model.", "mode.")
OWN = ("trials", "seeds", "sampler", "sampler_seed", "space", "edge")
"""Keys of a search that are set without naming it: trials=4."""

_SET_BY_SEARCH = ("seed", "role", "checkpoint", "probe", "race", "sweep", "tuned")
_SETTINGS = ("model", "task", "data", "mode", "strategy", "train", "decoding", "pretraining")
_UNTUNED = ("~tuned", "~tuned@_global_")  # a trial stands on no earlier search


@dataclass(frozen=True)
class Edge:
    """What is done where the best point lies at an end of a range."""

    share: float
    factor: float
    trials: int
    extensions: int


@dataclass(frozen=True)
class Search:
    """One search, the same for all of its arms."""

    name: str
    version: int
    trials: int  # points for each arm, each with every seed
    seeds: tuple[int, ...]
    sampler: str
    sampler_seed: int
    space: Space
    edge: Edge

    @property
    def keys(self) -> tuple[str, ...]:
        """What is searched."""
        return tuple(one.key for one in self.space)

    @property
    def label(self) -> str:
        """The name that its records carry as their sweep; another space is another label."""
        parts = {one.key: one.told for one in self.space}
        told = [parts, self.seeds, self.sampler, self.sampler_seed]
        return f"{LABEL}{self.name} {record.digest(told)[:8]}"


@dataclass(frozen=True)
class Arm:
    """One way of using one model. `planned` holds its configuration without searched values."""

    planned: Planned

    @property
    def name(self) -> str:
        """For people, and for the file of what is chosen."""
        strategy = self.planned.choices["strategy"]
        return self.base if strategy == "full" else f"{self.base}-{strategy}"

    @property
    def base(self) -> str:
        """The same of full fine-tuning."""
        return "-".join(self.planned.choices[key] for key in ("data", "task", "model", "mode"))

    @property
    def rivals(self) -> tuple[str, ...]:
        """What it shares with the arms that stand beside it in a table, however they are tuned."""
        choices, model = self.planned.choices, self.planned.config["model"]
        kind = "folder" if configuration.from_folder(model) else model["weights"]
        return choices["data"], choices["task"], model["pair"], kind

    @property
    def partners(self) -> tuple[str, ...]:
        """What it shares with the arms of the other family that it is set against."""
        return *self.rivals, self.planned.choices["strategy"]

    def digest(self, search: Search) -> str:
        """Tells the same arm in other settings, or in another space, apart."""
        parts = {key: self.planned.config[key] for key in _SETTINGS}
        return record.digest([parts, search.label])[:8]

    def at(self, values: Mapping[str, Any]) -> Planned:
        """The cell with these values at these dotted keys. Raises InputError for unknown ones."""
        config = copy.deepcopy(dict(self.planned.config))
        for key, value in values.items():
            *groups, leaf = key.split(".")
            node: Any = config
            for group in groups:
                node = node.get(group) if isinstance(node, Mapping) else None
            if not isinstance(node, dict) or leaf not in node:
                raise InputError(
                    f"search.space.{key}: {self.name} has no such key; "
                    "`python -m harness.run --cfg job` shows all keys"
                )
            node[leaf] = value
        return Planned(config, self.planned.choices)


def parsed(node: Mapping[str, Any], taken: Mapping[int, str]) -> Search:
    """A search from its configuration. Raises InputError for the first value out of range.

    `taken` are seeds that reports are made of, with who uses them.
    """
    for name in ("name", "version", "arms", *OWN):
        if name not in node:
            raise InputError(f"search.{name}: not set; see conf/search/lr.yaml")
    _whole(node, "trials", 2)
    _whole(node, "sampler_seed", 0)
    _seeds(node["seeds"], taken)
    if node["sampler"] not in (QUASI_RANDOM, TPE):
        raise InputError(f"sampler={node['sampler']}: expected {QUASI_RANDOM} or {TPE}")
    found = space.parsed(node["space"], "search.space")
    for one in found:
        if not one.key.startswith(SEARCHABLE):
            raise InputError(
                f"search.space.{one.key}: cannot be searched; expected a key of "
                f"{', '.join(SEARCHABLE)} such as train.lr"
            )
    return Search(
        str(node["name"]),
        node["version"],
        node["trials"],
        tuple(node["seeds"]),
        node["sampler"],
        node["sampler_seed"],
        found,
        _edge(node["edge"]),
    )


def _whole(node: Mapping[str, Any], name: str, least: int, where: str = "") -> None:
    value = node.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{where}{name}={value}: expected a whole number from {least}")


def _seeds(seeds: Any, taken: Mapping[int, str]) -> None:
    if not isinstance(seeds, list) or not seeds:
        raise InputError(f"seeds={seeds}: expected a list, such as [1000,1001]")
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InputError(f"seeds={seeds}: expected whole numbers from 0")
        if seed in taken:
            raise InputError(
                f"seeds={seeds}: {seed} is a seed of {taken[seed]}, which reports; tuning needs "
                "seeds of its own, such as 1000"
            )
    if len(set(seeds)) < len(seeds):
        raise InputError(f"seeds={seeds}: the same seed twice")


def _edge(node: Mapping[str, Any]) -> Edge:
    _whole(node, "trials", 1, "edge.")
    _whole(node, "extensions", 0, "edge.")
    rules = (("share", 0.0, 0.5), ("factor", 1.0, 1000.0))
    for name, low, high in rules:
        value = node.get(name)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and low <= float(str(value)) < high and value != 1):
            raise InputError(f"edge.{name}={value}: expected a number between {low:g} and {high:g}")
    return Edge(node["share"], node["factor"], node["trials"], node["extensions"])


def reporting_seeds(sweeps: Path) -> dict[int, str]:
    """Seeds of cells that report, by the sweep that has them; 0 is that of a run without a word."""
    found = {0: "a single run"}
    for file in sorted(sweeps.glob("*.yaml")):
        body: Any = OmegaConf.to_container(OmegaConf.load(file))
        for block in body.get("cells") or ():
            if block.get("role") != ["tuning"]:
                for seed in block.get("seed") or ():
                    found.setdefault(seed, f"sweep={file.stem}")
    return found


def arms(
    search: Search, node: Mapping[str, Any], config: Mapping[str, Any], overrides: Sequence[str]
) -> list[Arm]:
    """The arms of a search, composed and checked. `overrides` narrow and set as in a sweep.

    Raises InputError for what cannot be searched, before anything runs.
    """
    for one in overrides:
        key = one.lstrip("+~").partition("=")[0]
        if key.partition("@")[0] in _SET_BY_SEARCH or key in search.keys:
            raise InputError(f"{key}: is set by the search; see conf/search/{search.name}.yaml")
    own = {"role": ["tuning"], "checkpoint": ["none"]}
    blocks = [{**own, **block} for block in node["arms"]]
    sweep = {"name": search.label, "retry": "never", "cells": blocks}
    whole = {"sweep": sweep, "probe": None, "race": None, "plan": config["plan"]}
    found = [Arm(one) for one in expansion.expand(whole, [*overrides, *_UNTUNED])]
    if not found:
        raise InputError("this search holds no arm; see `arms` in its file under conf/search/")
    _refuse(found)
    for arm in found:
        for point in _extremes(search):
            configuration.check(arm.at(point).config)
    return found


def _refuse(found: Sequence[Arm]) -> None:
    """Raise InputError for arms without an opponent, without a name, or twice."""
    families: dict[tuple[str, ...], set[str]] = defaultdict(set)
    names = set[str]()
    for arm in found:
        model = arm.planned.config["model"]
        if model.get("architecture", {}).get("model_type") == "auto":
            raise InputError(
                "model=checkpoint: what is searched for it has no file of its own; write "
                "conf/model/NAME.yaml with name: NAME, and search with model=NAME"
            )
        if model["weights"] == "architecture":
            raise InputError(f"{arm.name}: has no weights to train")
        if arm.name in names:
            raise InputError(f"{arm.name}: twice in this search, with different settings")
        names.add(arm.name)
        families[arm.partners].add(str(model["_target_"]))
    for partners, kinds in families.items():
        if len(kinds) < 2:
            alone = ", ".join(arm.name for arm in found if arm.partners == partners)
            raise InputError(
                f"{alone}: nothing of the other family is searched with it; name both models of a "
                "pair, as effort is only equal between two"
            )


def _extremes(search: Search) -> Iterator[Point]:
    """Points that together hold every choice and every end of a range, the furthest as well."""
    middle = {one.key: one.at(0.5) for one in search.space}
    for one in search.space:
        if isinstance(one, Choice):
            yield from ({**middle, one.key: value} for value in one.values)
            continue
        ends = [one.low, one.high]
        if one.log:
            for end in (space.LOW, space.HIGH):
                wide: Space = (one,)
                for _ in range(search.edge.extensions):
                    wide = space.widened(wide, space.Side(one.key, end), search.edge.factor)
                ends.append(getattr(wide[0], end))
        yield from ({**middle, one.key: end} for end in ends)
