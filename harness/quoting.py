"""Foreign text and shares inside a message: one short line without control characters."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 40


def shown(value: object, limit: int = LONGEST) -> str:
    """At most `limit` characters of a label, a name or a cell; what cannot be seen is escaped."""
    text = str(value)
    cut = text if len(text) <= limit else text[: limit - 3] + "..."
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut)


def fraction(value: float) -> str:
    """Three decimals, without the zero before the point: .812."""
    return re.sub(r"^0\.", ".", f"{value:.3f}")


def listed(values: Iterable[object], most: int = 20) -> str:
    """Names with commas between them; of many, the first and how many more there are."""
    every = [shown(value) for value in values]
    more = f", ... ({len(every) - most} more)" if len(every) > most else ""
    return ", ".join(every[:most]) + more
