"""11 and 13: what the probes saw contradicts what a model claims to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.alarms.case import VOID, Alarm, Case

_SAID_BY_NAME = {
    "causal": (True, True),
    "bidirectional": (False, False),
    "unilm": (False, True),
    "mask_predict": (False, False),
}
"""What these modes claim, for records of before a mode said it itself."""


def contradicted(case: Case) -> Iterator[Alarm]:
    """What the causality and padding probes saw, against the claim."""
    seen = case.record.probes or {}
    if seen.get("texts") == 0:
        yield Alarm("11", VOID, "no text was long enough for the causality and padding probes")
        return
    for part, left_only in _claims(seen):
        if change := _probe(case, part, "causal"):
            yield from _against(*change, left_only, seen.get("claimed"), part)
    padding = _probe(case, "padding_change", "padding")
    if padding and padding[0] > padding[1]:
        yield Alarm("11", VOID, f"padding a batch changes the outputs by {padding[0]:.1e}")
    if _number(seen, "right_change") == 0:
        yield Alarm("11", VOID, "the causality probe changed a word and no later output moved")


def leaked(case: Case) -> Iterator[Alarm]:
    """13: what is computed of a source, its predicted length too, depends on the target."""
    change = _probe(case, "source_from_target", "causal")
    if change and change[0] > change[1]:
        text = f"outputs of the source moved by {change[0]:.1e} when the target was changed: what "
        text += "is learnt of the source (or of the length) is another thing when writing"
        yield Alarm("13", VOID, text)


def looked_left(case: Case) -> bool:
    """Whether the causality probe is on record, with its tolerance."""
    seen = case.record.probes or {}
    parts = [part for part, _ in _claims(seen)]
    return bool(parts) and all(_probe(case, part, "causal") is not None for part in parts)


def looked_across(case: Case) -> bool:
    """Whether the probe from target to source is on record, with its tolerance."""
    return _probe(case, "source_from_target", "causal") is not None


def looked_at_padding(case: Case) -> bool:
    """Whether the padding probe is on record, with its tolerance."""
    return _probe(case, "padding_change", "padding") is not None


def _claims(seen: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The changes that a mode claims something of, and whether it says that there is none.

    What is claimed: that the source, and that the target of a text, is read left to right only.
    """
    claims = seen.get("left_only", _SAID_BY_NAME.get(str(seen.get("claimed"))))
    if not isinstance(claims, Sequence) or [type(one) for one in claims] != [bool, bool]:
        return []
    source, target = claims
    if "source_left_change" in seen or "target_left_change" in seen:
        return [("source_left_change", source), ("target_left_change", target)]
    return [("left_change", source)]


def _against(
    change: float, tolerance: float, left_only: bool, claimed: object, part: str
) -> Iterator[Alarm]:
    side = part.removesuffix("left_change").rstrip("_")  # "source", "target", or neither
    outputs = f"earlier outputs of the {side}" if side else "earlier outputs"
    if left_only and change > tolerance:
        text = f"claims to be {claimed}, but {outputs} moved by {change:.1e}"
        yield Alarm("11", VOID, text)
    if not left_only and change <= tolerance:
        text = f"claims to be {claimed}, but {outputs} moved by {change:.1e} only"
        yield Alarm("11", VOID, text)


def _probe(case: Case, change: str, limit: str) -> tuple[float, float] | None:
    """A change that was seen and what is tolerated; None where either is not on record."""
    seen = case.record.probes or {}
    tolerance = seen.get("tolerance")
    moved = _number(seen, change)
    allowed = _number(tolerance, limit) if isinstance(tolerance, Mapping) else None
    if moved is None or allowed is None or not seen.get("texts", 1):
        return None
    return moved, allowed


def _number(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
