"""Whether what was read from JSON is of the types that a dataclass declares. Knows no file."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


@functools.cache
def _taken_apart(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    return typing.get_origin(hint) or hint, typing.get_args(hint)


def misfit(value: Any) -> str | None:
    """The first field whose value is not of its type, in words; None where all are."""
    for name, hint in _hints(value.__class__).items():
        item = getattr(value, name)
        if not _fits(item, hint):
            return f"{name}: expected {getattr(hint, '__name__', hint)}"
    return None


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value read from JSON is what an annotation says."""
    kind, inner = _taken_apart(hint)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is types.UnionType:
        return any(_fits(value, part) for part in inner)
    if kind is Mapping:
        return isinstance(value, dict) and all(_fits(v, inner[1]) for v in value.values())
    if kind is Sequence:
        return isinstance(value, list | tuple) and all(_fits(v, inner[0]) for v in value)
    if kind is int and isinstance(value, bool):
        return False
    if kind is not Any and not isinstance(value, kind):
        return False
    return not dataclasses.is_dataclass(kind) or misfit(value) is None
