"""Configuration to objects: what a `_target_` may name, and one clear message when it does not fit.

No configuration object goes further than this; everything below takes plain values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate

from harness.contracts import InputError
from harness.examples import wording
from harness.examples.windows import CUT, RULE, WINDOWS
from harness.searched import LEARNING_RATE
from harness.weights import released

ADAMW, SGD = "adamw", "sgd"
FLOAT32, BFLOAT16 = "float32", "bfloat16"
CPU = "cpu"
WORDS, PIECES = "words", "pieces"
"""What labels of words are laid on in training (mode.labels)."""

ALLOWED = ("harness.", "tasks.")  # and there, only what the named module itself defines
LOADERS = ("load", "corpus")  # functions that a configuration may call, besides classes
_LATER = {
    "optimizer": ADAMW,
    "momentum": 0.9,
    "accumulation": 1,
    "device": CPU,
    "precision": FLOAT32,
}
"""Knobs of training that there was no choice of at first, and what it was."""

_AS_BEFORE = (
    ("data", "train_share", (None, 1)),
    ("mode", "labels", (WORDS,)),
    ("pretraining", "match", ("updates",)),
)
"""Choices elsewhere that there were not, and the values under which a run is what it was."""

_NOT_SCIENCE = {  # names and places: what they name enters by its digest
    "train": ("long", *_LATER),  # recorded where they tell a run from those before the choice
    "data": (
        "path",
        "folder",
        "hub",
        "revision",
        "train",
        "dev",
        "test",
        "test_note",
        "together",
    ),
    "model": ("match", "pair", "level", "path", "revision"),
}

LONG_TEXTS = "long_texts"
"""Of a recorded model: how it reads texts that do not fit, where that is in windows."""


def build(node: Mapping[str, Any], key: str) -> Any:
    """Call a node's `_target_` with the node's own keys. Raises InputError, naming `key`."""
    for target in targets(node):
        if not _ours(target):
            raise InputError(
                f"{key}: _target_ {target!r} is not allowed; it may name only classes and loaders "
                "that a module of harness or tasks defines itself"
            )
    try:
        return instantiate(dict(node), _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, InputError):
            raise cause from None
        if isinstance(cause, TypeError | ImportError | AttributeError | ValueError):
            raise InputError(f"{key}: {cause}; see `--cfg job` for what it was given") from None
        raise


def _ours(target: str) -> bool:
    """Does a module of ours define this itself? What it merely imports is out of reach."""
    module, _, name = target.rpartition(".")
    if not target.startswith(ALLOWED):
        return False
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        return False
    return getattr(found, "__module__", None) == module and (
        isinstance(found, type) or name in LOADERS
    )


def targets(node: object) -> Iterator[str]:
    """Every `_target_` in a configuration node, however deep."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield str(node["_target_"])
        for value in node.values():
            yield from targets(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from targets(value)


def searched(science: Mapping[str, Any], keys: Iterable[str] = (LEARNING_RATE,)) -> dict[str, Any]:
    """What searched values (by their dotted keys) hold for.

    The scientific configuration, less what a search varies (these keys, seed), what it may
    economise on (the data), and where it computes.
    """
    passed_over = (*_NOT_SCIENCE["model"], LONG_TEXTS)  # follows from the data
    model = {k: v for k, v in science["model"].items() if k not in passed_over}
    kept = {"train": science["train"], "model": model, "strategy": science["strategy"]}
    kept |= {"mode": science["mode"]}
    return {**_without(kept, {*keys, "train.device"}), "pretraining": science.get("pretraining")}


def _without(node: Mapping[str, Any], keys: Iterable[str], prefix: str = "") -> dict[str, Any]:
    return {
        name: _without(value, keys, f"{prefix}{name}.") if isinstance(value, Mapping) else value
        for name, value in node.items()
        if f"{prefix}{name}" not in keys
    }


def scientific(config: Mapping[str, Any], writes: bool, overlong: bool = False) -> dict[str, Any]:
    """The part of a configuration that can change a result.

    How texts are decoded matters only where answers are texts (`writes`). A folder of weights is
    named by its content's digest elsewhere, so its path is left out. Whether words are
    tagged in texts that do not fit (`overlong`) is up to the model's tokenizer as well, so that
    they are read in windows stands with the model; that they are cut by wish stands with the
    training. Where every text fits, neither says anything: the run is the same.
    """
    keys = ("model", "task", "data", "strategy", "train", "mode")
    chosen = {key: _of_science(key, config[key]) for key in keys}
    chosen["train"] |= _later(config["train"])
    if wording.untuned(config):
        chosen["train"] = {"max_length": config["train"]["max_length"]}  # nothing is trained
    if writes:
        chosen["decoding"] = config["decoding"]
    if from_folder(config["model"]):
        chosen["model"] |= {"weights": "folder", "name": model_name(config["model"])}
    if config["model"]["weights"] == "embedded":
        chosen["pretraining"] = _of_science("pretraining", config["pretraining"])
    if overlong and config["train"].get("long", WINDOWS) == CUT:
        chosen["train"]["long"] = CUT
    elif overlong:
        chosen["model"][LONG_TEXTS] = RULE
    return {**chosen, "seed": config["seed"], "role": config["role"]}


def _of_science(key: str, node: Mapping[str, Any]) -> dict[str, Any]:
    """A group without names and places, and without choices that leave a run what it was."""
    usual = {
        name for group, name, before in _AS_BEFORE if group == key and node.get(name) in before
    }
    return {k: v for k, v in node.items() if k not in _NOT_SCIENCE.get(key, ()) and k not in usual}


def _later(train: Mapping[str, Any]) -> dict[str, Any]:
    """Knobs that are not as they were before there was a choice; of devices, their kind."""
    found = {k: train[k] for k, before in _LATER.items() if train.get(k, before) != before}
    if train.get("optimizer") != SGD:
        found.pop("momentum", None)
    if "device" in found:
        found["device"] = found["device"].partition(":")[0]
    return found


def from_folder(model: Mapping[str, Any]) -> bool:
    """Whether a model starts from weights that others, or `harness.pretrain`, have made."""
    return model["weights"] not in ("embedded", "scratch", "architecture")


def model_name(model: Mapping[str, Any]) -> str:
    """A model's name; of a checkpoint that was given none, its folder's or the end of its id."""
    return str(model["name"] or released.named(str(model.get("path"))))


def at_least(key: str, settings: object, least: Mapping[str, int]) -> None:
    """Raise InputError for the first attribute that is no whole number from its least.

    Of a list, every entry is looked at.
    """
    for name, low in least.items():
        value = getattr(settings, name)
        each = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(one, int) and one >= low for one in each):
            raise InputError(f"{key}.{name}={value}: expected a number from {low}")


def check(config: Mapping[str, Any]) -> None:
    """Raise InputError for the first value out of range, naming its key."""
    checkpoint = config["model"].get("path") is not None
    if checkpoint:
        _check_texts(config["model"])
    for key, (kind, fits, expected) in _RANGES.items():
        if checkpoint and key in ("model.vocabulary", "model.weights"):
            continue  # the checkpoint brings its own
        if key == "model.vocabulary" and "vocabulary" not in config["model"]:
            continue  # the family has a default
        value: Any = config
        for part in key.split("."):
            if not isinstance(value, Mapping) or part not in value:
                raise InputError(f"{key}: not set; expected {expected}")
            value = value[part]
        if isinstance(value, bool) or not isinstance(value, kind) or not fits(value):
            raise InputError(f"{key}={value}: expected {expected}")


def _check_texts(model: Mapping[str, Any]) -> None:
    """Raise InputError for a checkpoint whose path, name or commit is no text."""
    for key in ("path", "name", "revision"):
        value = model[key]
        if not isinstance(value, str) and (key == "path" or value is not None):
            raise InputError(f"model.{key}={value}: expected a text; put it in quotes")


_NUMBER = (int, float)
_DEVICE = (str, lambda v: bool(re.fullmatch(r"cpu|cuda(:\d+)?", v)), "cpu, cuda or cuda:1")
_PRECISION = (str, lambda v: v in (FLOAT32, BFLOAT16), f"{FLOAT32} or {BFLOAT16}")
_RANGES: dict[str, tuple[Any, Callable[[Any], bool], str]] = {
    "model.weights": (str, lambda v: bool(v), "embedded, scratch, architecture or a folder"),
    "model.vocabulary": (int, lambda v: v >= 100, "a whole number from 100"),
    "device": _DEVICE,
    "precision": _PRECISION,
    "results": (str, lambda v: bool(v), "a folder"),
    "cache": (str, lambda v: bool(v), "a folder"),
    "pretraining.updates": (int, lambda v: v >= 1, "a whole number from 1"),
    "pretraining.batch_size": (int, lambda v: v >= 1, "a whole number from 1"),
    "pretraining.lr": (_NUMBER, lambda v: 0 < v < 1, "a number between 0 and 1, such as 1e-3"),
    "pretraining.corpus.size": (int, lambda v: v >= 1, "a whole number from 1"),
    "seed": (int, lambda v: v >= 0, "a whole number from 0"),
    "role": (str, lambda v: v in ("result", "tuning"), "result or tuning"),
    "checkpoint": (str, lambda v: v in ("first", "all", "none"), "first (seed 0), all or none"),
    "workers": ((int, type(None)), lambda v: v is None or v >= 1, "a number from 1, or null"),
    "time_limit_minutes": (_NUMBER, lambda v: v > 0, "a number above 0"),
    "train.lr": (_NUMBER, lambda v: 0 < v < 1, "a number between 0 and 1, such as 1e-3"),
    "train.epochs": (int, lambda v: v >= 1, "a whole number from 1"),
    "train.batch_size": (int, lambda v: v >= 1, "a whole number from 1"),
    "train.warmup_share": (_NUMBER, lambda v: 0 <= v <= 1, "a share from 0 to 1"),
    "train.weight_decay": (_NUMBER, lambda v: v >= 0, "a number from 0"),
    "train.clip_norm": (_NUMBER, lambda v: v > 0, "a number above 0"),
    "train.dropout": (_NUMBER, lambda v: 0 <= v < 1, "a share from 0 to below 1"),
    "train.attention_dropout": (_NUMBER, lambda v: 0 <= v < 1, "a share from 0 to below 1"),
    "train.max_length": (int, lambda v: v >= 4, "a whole number from 4"),
    "train.long": (str, lambda v: v in (WINDOWS, CUT), f"{WINDOWS} or {CUT}"),
    "train.patience": ((int, type(None)), lambda v: v is None or v >= 1, "examples, or null"),
    "train.optimizer": (str, lambda v: v in (ADAMW, SGD), f"{ADAMW} or {SGD}"),
    "train.momentum": (_NUMBER, lambda v: 0 <= v < 1, "a share from 0 to below 1"),
    "train.accumulation": (int, lambda v: v >= 1, "a whole number from 1"),
    "train.device": _DEVICE,
    "train.precision": _PRECISION,
}
