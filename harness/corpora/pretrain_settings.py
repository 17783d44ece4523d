"""Settings of `python -m harness.pretrain`: from what is typed to plain values that make sense.

A folder of results belongs to one command: what could change the weights must stay the same when
it goes on, and what differs is named.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness import record
from harness.contracts import InputError
from harness.corpora.corpus import DOCUMENT, DOCUMENTS, FILE
from harness.quoting import listed, shown

CONF = Path(__file__).parents[2] / "conf"
VERSION = 1  # raise when the same settings come to mean other weights
COMMAND = "command.json"
SIDES = "sides"
_PLACES = ("text", "out")
_LISTS: Mapping[str, Callable[[str], list[str]]] = {
    "models": lambda typed: [one.strip() for one in typed.split(",")],
    "files": lambda typed: typed.split(","),
    "skip": lambda typed: typed.split(","),
    "strip": lambda typed: [typed],  # commas belong to regular expressions
}
_FREE = (*_PLACES, "minutes", "checkpoint_minutes", "workers")  # may differ when it goes on


def composed(typed: Sequence[str]) -> dict[str, Any]:
    """conf/pretrain.yaml with what was typed, and `sides`: the two models' configurations.

    Any value of a model can be set as sides.NAME.KEY. Raises InputError for a wrong key or value.
    """
    literal, rest = _told_apart(typed)
    models = literal.get("models") or _models_of(rest)
    _check_models(models)
    groups = [f"+model@{SIDES}.{name}={name}" for name in models]
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose("pretrain", overrides=[*groups, *rest])
            OmegaConf.update(config, "models", models)
            plain: Any = OmegaConf.to_container(config, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{told}; the keys are those of conf/pretrain.yaml") from None
    found: dict[str, Any] = {**plain, **literal}
    _check(found)
    for side in found[SIDES].values():
        side["weights"] = "scratch"  # where they would lie is no part of how they are made
    _check_pair(found)
    return found


def _told_apart(typed: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Values that are taken as they stand, whatever is in them, and the rest for Hydra."""
    literal: dict[str, Any] = {}
    rest: list[str] = []
    for one in typed:
        key, equals, value = one.partition("=")
        if not equals and not one.startswith("~"):
            raise InputError(f"{shown(one)!r}: expected key=value; --help shows the keys")
        _check_key(key)
        if key in _PLACES:
            literal[key] = value
        elif key in _LISTS and not value.startswith("["):
            literal[key] = _LISTS[key](value)
        else:
            rest.append(one)
    return literal, rest


def _check_key(key: str) -> None:
    root = re.split(r"[.@]", key.lstrip("+~"))[0]
    keys = [*_default(), SIDES]
    if root not in keys:
        raise InputError(
            f"{shown(key)}: there is no such key{_near(root, keys)}; the keys are those of "
            "conf/pretrain.yaml"
        )


def _default() -> dict[str, Any]:
    plain: Any = OmegaConf.to_container(OmegaConf.load(CONF / "pretrain.yaml"), resolve=False)
    found: dict[str, Any] = plain
    return found


def _models_of(rest: Sequence[str]) -> list[str]:
    """What was typed as models=[one,other], or the default."""
    given = [one.partition("=")[2].strip("[]") for one in rest if one.startswith("models=")]
    return _LISTS["models"](given[-1]) if given else list(_default()["models"])


def _check_models(models: Sequence[str]) -> None:
    known = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
    for name in models:
        if name not in known:
            raise InputError(
                f"models={shown(name)}: there is no such model{_near(name, known)}; choose two of "
                f"{listed(known, 50)}"
            )
    if len(models) != 2 or models[0] == models[1]:
        raise InputError(
            f"models={','.join(models)}: expected a decoder and an encoder of one pair, such as "
            "models=small_gpt2,small_bert"
        )


def _near(word: str, options: Sequence[str]) -> str:
    found = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""


def _check(config: Mapping[str, Any]) -> None:
    for key, (kinds, fits, expected) in _RANGES.items():
        value = config[key]
        if isinstance(value, bool) != (kinds is bool) or not isinstance(value, kinds):
            said = f"{key}: not set;" if value is None else f"{key}={shown(value)}:"
            raise InputError(f"{said} expected {expected}")
        if not fits(value):
            raise InputError(f"{key}={shown(value)}: expected {expected}")
    if config["batch_tokens"] < config["length"]:
        raise InputError(
            f"batch_tokens={config['batch_tokens']}: expected one block at least, that is "
            f"length={config['length']} tokens or more"
        )


def _check_pair(config: Mapping[str, Any]) -> None:
    """The two models are of one pair; which of them is the decoder is seen when they are built."""
    pairs = {name: side["pair"] for name, side in config[SIDES].items()}
    if len(set(pairs.values())) != 1:
        told = ", ".join(f"{name} is of the pair {pair}" for name, pair in pairs.items())
        raise InputError(f"models: {told}; expected both models of one pair")
    for name, side in config[SIDES].items():
        room = side["architecture"].get("max_position_embeddings")
        if isinstance(room, int) and room < config["length"]:
            raise InputError(
                f"length={config['length']}: {name} reads {room} tokens at most; lower length, or "
                f"raise sides.{name}.architecture.max_position_embeddings"
            )


def settled(config: Mapping[str, Any]) -> dict[str, Any]:
    """What may not change when a command goes on: all that the weights depend on, but the text."""
    kept = {key: value for key, value in config.items() if key not in _FREE}
    return {**kept, "models": sorted(config["models"]), "version": VERSION}


def check_same(path: Path, config: Mapping[str, Any]) -> None:
    """Raise InputError where the command that began this folder was another, naming each key."""
    try:
        before = record.flatten(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: {error}; delete {path.parent} to begin again") from None
    now = record.flatten(settled(config))
    changed = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    if changed:
        told = "; ".join(f"{key} was {before.get(key)}, is {now.get(key)}" for key in changed)
        raise InputError(
            f"out={config['out']}: begun by another command ({shown(told, 400)}); give the same "
            f"values to go on, or choose another out=..., or delete {path.parent} to begin again"
        )


def _strings(value: Any) -> bool:
    return all(isinstance(one, str) and one for one in value)


_NUMBER = (int, float)
_SHARE = (_NUMBER, lambda v: 0 <= v <= 1, "a share from 0 to 1")
_WHOLE = (int, lambda v: v >= 1, "a whole number from 1")
_RANGES: dict[str, tuple[Any, Callable[[Any], bool], str]] = {
    "text": (str, bool, "a folder of text files: text=/path/to/a/folder"),
    "out": (str, bool, "a folder"),
    "files": (list, lambda v: v and _strings(v), "patterns of names, such as ['*.txt']"),
    "skip": (list, _strings, "names of files, such as [SOURCE.md]"),
    "strip": (list, _strings, "regular expressions, such as ['^#.*$']"),
    "documents": (str, lambda v: v in DOCUMENTS, ", ".join(DOCUMENTS)),
    "hold_out": (_NUMBER, lambda v: 0 <= v < 1, "a share from 0 to below 1, such as 0.01"),
    "hold_out_by": (
        (str, type(None)),
        lambda v: v in (None, FILE, DOCUMENT),
        f"{FILE}, {DOCUMENT} or null",
    ),
    "vocabulary": (int, lambda v: v >= 100, "a whole number from 100"),
    "alphabet": _WHOLE,
    "whole_words": (bool, lambda v: v in (True, False), "true or false"),
    "length": (int, lambda v: v >= 8, "a whole number of tokens from 8"),
    "batch_tokens": (int, lambda v: v >= 256, "a whole number of tokens from 256"),
    "updates": _WHOLE,
    "match": (str, lambda v: v in ("updates", "loss_tokens"), "updates or loss_tokens"),
    "lr": (_NUMBER, lambda v: 0 < v < 1, "a number between 0 and 1, such as 1e-3"),
    "warmup_share": _SHARE,
    "weight_decay": (_NUMBER, lambda v: v >= 0, "a number from 0"),
    "clip_norm": (_NUMBER, lambda v: v > 0, "a number above 0"),
    "seed": (int, lambda v: v >= 0, "a whole number from 0"),
    "device": (str, lambda v: bool(re.fullmatch(r"cpu|cuda(:\d+)?", v)), "cpu, cuda or cuda:1"),
    "precision": (str, lambda v: v in ("float32", "bfloat16"), "float32 or bfloat16"),
    "evaluations": _WHOLE,
    "held_out_blocks": _WHOLE,
    "minutes": ((*_NUMBER, type(None)), lambda v: v is None or v > 0, "a number above 0, or null"),
    "checkpoint_minutes": (_NUMBER, lambda v: v > 0, "a number above 0"),
    "workers": ((int, type(None)), lambda v: v is None or v >= 1, "a number from 1, or null"),
}
