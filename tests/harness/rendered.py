"""A report read back: its sections, its tables, and text that means harm."""

from __future__ import annotations

import re
from pathlib import Path

from harness import plan
from harness.comparing import findings
from harness.report import render

HOSTILE = (
    "<script>alert(1)</script>| `x` [a](http://e.vil) ![b](//e) \u202egnp.exe\u2066 \x1b[2J\n# top"
)
STEERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


def text_of(root: Path) -> str:
    return render(findings.find([root], plan.default()))


def sections(text: str) -> dict[str, str]:
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(text: str, *words: str) -> list[str]:
    """Table rows that hold all these words; padding is not counted."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.startswith("|")]
    return [line for line in lines if all(word in line for word in words)]


def cells(row: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<!\\)\|", row)[1:-1]]


def assert_rectangular(text: str) -> None:
    """Every table has rows of one width and one number of cells."""
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        lines = block.splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len({len(cells(line)) for line in lines}) == 1
