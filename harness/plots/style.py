"""How figures look: colours, marks and settings of matplotlib. Knows no record and no data.

Colours are Okabe and Ito's (2008, Color universal design), told apart by colour-blind readers;
markers, lines and hatches tell the same sides apart without colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
DARK, GREY, LIGHT, PALE, FAINT = "#333333", "#666666", "#BBBBBB", "#E8E8E8", "#F6F6F6"
WHITE = "#FFFFFF"
PALETTE = (BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILLION, PURPLE)
LEGIBLE = (BLUE, VERMILLION)
"""Dark enough for words on white."""

GREYS = (DARK, GREY, LIGHT, PALE, FAINT, WHITE)

FONT = ("DejaVu Sans",)  # comes with matplotlib
SMALL, TEXT, TITLE = 9.0, 9.5, 12.5
"""Sizes in points, at the width at which figures are shown."""


class Side(NamedTuple):
    """How one side of a pair is drawn, with and without colour."""

    name: str
    colour: str
    marker: str
    line: Any  # a linestyle of matplotlib's
    hatch: str


GPT = Side("GPT", BLUE, "o", "-", "")
BERT = Side("BERT", VERMILLION, "s", (0, (5, 1.5)), "////")


SECOND = {
    "gpt": (GPT, Side("GPT", SKY, "^", (0, (3, 1, 1, 1)), ""), Side("GPT", BLACK, "v", ":", "")),
    "bert": (
        BERT,
        Side("BERT", ORANGE, "D", "-.", ""),
        Side("BERT", PURPLE, "P", (0, (1, 2.5)), ""),
    ),
}
"""The first, second and third model of a family on one sheet."""


def looks(families: Sequence[str]) -> list[Side]:
    """One look a model; from the fourth of a family on they repeat."""
    found, seen = [], dict[str, int]()
    for name in families:
        family = "bert" if name == "bert" else "gpt"
        found.append(SECOND[family][seen.get(family, 0) % len(SECOND[family])])
        seen[family] = seen.get(family, 0) + 1
    return found


SETTINGS: dict[str, Any] = {
    "font.family": list(FONT),
    "font.size": SMALL,
    "text.parse_math": False,  # a dollar sign in somebody's data is one
    "text.usetex": False,
    "text.color": DARK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": DARK,
    "axes.labelsize": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": PALE,
    "grid.linewidth": 0.8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": DARK,
    "ytick.labelcolor": DARK,
    "hatch.linewidth": 0.8,
    "svg.fonttype": "path",  # looks the same wherever it is opened
    "svg.hashsalt": "figures",  # the same names inside of every copy
    "figure.dpi": 100,
    "savefig.facecolor": WHITE,
}


@contextmanager
def applied() -> Iterator[None]:
    """These settings over matplotlib's own defaults, whatever a user's file says; undone after."""
    import matplotlib

    defaults = {
        name: value
        for name, value in matplotlib.rcParamsDefault.items()
        if not name.startswith("backend")
    }
    with matplotlib.rc_context(defaults | SETTINGS):  # type: ignore[arg-type]
        yield
