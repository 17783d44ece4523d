"""Where pictures stand in the report, and under which names their files lie."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from harness import plots
from harness.comparing.comparison import Comparison, Group
from harness.comparing.findings import Findings
from harness.plots import Picture
from harness.plots.wording import safe
from harness.report.markdown import escape

FOLDER = "figures"
OVERVIEW = ("forest", "tradeoff")
EFFICIENCY = ("latency", "memory")
MODELS = ("pretraining",)
SEARCHES = ("effort",)
LABELS = ("labels",)
ADAPTATION = ("retention",)
PER_TASK = ("slices", "types", "calibration", "learning")


def drawn(findings: Findings) -> Iterator[Picture]:
    """Every picture of the report."""
    return plots.figures(findings)


def files(pictures: Sequence[Picture]) -> dict[str, bytes]:
    """Both forms of each picture, by their place beside the pages."""
    return {
        f"{FOLDER}/{one.name}.{ending}": content
        for one in pictures
        for ending, content in plots.rendered(one).items()
    }


def names(comparison: Comparison) -> list[str]:
    """A file name for each group: task and data, with a number where that is taken."""
    made: list[str] = []
    for group in comparison.groups:
        name = safe(group.key.task, group.key.data)
        tries = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
        made.append(next(one for one in tries if one not in made))
    return made


def of_group(pictures: Sequence[Picture], group: Group) -> str:
    """The pictures of one task, in the order of `PER_TASK`."""
    found = [one for one in pictures if one.group == group.key]
    return _all(sorted(found, key=lambda one: PER_TASK.index(one.name.split("-")[0])), "")


def shown(pictures: Sequence[Picture], kinds: Sequence[str], folder: str = "") -> str:
    """The pictures of these kinds; `folder` leads from the page to the others."""
    return _all([one for one in pictures if one.name.split("-")[0] in kinds], folder)


def _all(pictures: Sequence[Picture], folder: str) -> str:
    """Each picture with its caption; one that many share stands once, below the last of them."""
    lines = []
    for one, after in zip(pictures, [*pictures, None][1:], strict=True):
        lines.append(f"![{escape(one.alt)}]({folder}{FOLDER}/{one.name}.svg)")
        if after is None or after.caption != one.caption:
            lines.append(f"*{escape(one.caption)}*")
    return "\n\n".join(lines)


def sources(rendered: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a page that holds its pictures itself needs of `files`."""
    return {place: content for place, content in rendered.items() if place.endswith(".svg")}
