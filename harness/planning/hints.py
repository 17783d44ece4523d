"""Hydra's errors in one message: what was typed, what exists, what was probably meant."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

CONF = Path(__file__).parents[2] / "conf"


def explain(error: Exception) -> str:
    """One message for a configuration that could not be composed."""
    text = _whole(error)
    unclear = re.search(r"Ambiguous value for argument '(.*?=.*?)'$", text, re.MULTILINE)
    typed = getattr(error, "override", None) or (unclear and unclear[1])
    if typed and "=" in typed:
        return _quoted(typed)
    if "group override must be a string" in text:
        return "a group cannot be null: choose one of its files, or leave it out (~probe, ~race)"
    choice = re.search(r"Could not find '(?:([\w/]+)/)?([\w.-]+)'", text)
    if choice and choice[1]:
        options = sorted(p.stem for p in (CONF / choice[1]).glob("*.yaml"))
        return (
            f"{choice[1]}={choice[2]}: there is no such {choice[1]}{_near(choice[2], options)}; "
            f"choose one of {', '.join(options)}"
        )
    key = re.search(r"Could not (?:override|append|delete).*?'([\w.@/+-]+)'", text)
    if key:
        others = _choices(key[1])
        if key[1] in others:
            return f"{key[1]}: belongs to {others[key[1]]}; add that to the command"
        keys = sorted({*_keys(), *others})
        return (
            f"{key[1]}: there is no such key{_near(key[1], keys)}; "
            "`python -m harness.run --cfg job` shows all keys"
        )
    return " ".join(text.split())


def _quoted(typed: str) -> str:
    """A value that Hydra's grammar cannot read as it stands, as it has to be typed in a shell."""
    key, _, value = typed.partition("=")
    paired = len(value) > 1 and value[0] == value[-1] in ("'", '"')
    inside = (value[1:-1] if paired else value).replace('"', r"\"")
    whole = shlex.quote(f'{key}="{inside}"')
    return f"{typed}: the value holds characters with a meaning of their own; type {whole}"


def _whole(error: BaseException) -> str:
    parts = []
    cause: BaseException | None = error
    while cause is not None:
        parts.append(str(cause))
        cause = cause.__cause__
    return "\n".join(parts)


def _near(word: str, options: list[str]) -> str:
    """The likeliest option: letters that changed places are a commoner slip than a missing one."""
    turned = [option for option in options if sorted(option) == sorted(word)]
    found = turned or difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""


def _choices(key: str) -> dict[str, str]:
    """Keys that choices of this key's group have, each with a choice that has it.

    What a user's own files and models need comes before those that have names.
    """
    group = key.partition(".")[0]
    own = ("files", "checkpoint")
    files = sorted((CONF / group).glob("*.yaml"), key=lambda f: (f.stem not in own, f.name))
    found: dict[str, str] = {}
    for file in files if "." in key else ():
        for leaf in map(str, OmegaConf.load(file)):
            found.setdefault(f"{group}.{leaf}", f"{group}={file.stem}")
    return found


def _keys() -> Iterator[str]:
    """Every key of the default configuration, dotted, and every group."""
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = OmegaConf.to_container(compose("config"))
    yield from _dotted(config, "")
    yield "sweep"


def _dotted(value: object, prefix: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            name = f"{prefix}.{key}" if prefix else str(key)
            yield name
            yield from _dotted(part, name)
