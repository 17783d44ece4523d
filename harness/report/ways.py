"""Ways of tuning, GPT beside BERT: a row for each, with what decides between the two."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from harness.comparing.adaptation import Kept, place, trainable, way, without_ablations
from harness.comparing.comparison import Contrast, Group
from harness.comparing.findings import Findings
from harness.record import Record
from harness.report.markdown import NONE, escape, estimated, table
from harness.report.reading import reading

HEADER = ["tuned", "of all parameters", "GPT", "BERT", "BERT - GPT", "reading"]
HEADER += ["GPT keeps", "BERT keeps"]
SIDES = ("gpt", "bert")
BOTH = (
    "Both families, each used as it is where nobody says otherwise. Scores are {}; brackets hold "
    "95 % intervals. The reading is by a wider one, which allows for all tasks on which this way "
    "of tuning was tried. What is kept is retention."
)


def both(
    findings: Findings, group: Group, found: Sequence[Kept], senseless: Sequence[Record]
) -> str:
    """The table; empty where no way was tried with both families."""
    usual = without_ablations([one for one in found if one.arm.native or one.arm.untrained])
    ways = {way(one.arm.first): place(one.arm.first) for one in usual}
    ways |= {way(one): place(one) for one in senseless}
    shown = [
        (name, {side: [one for one in usual if _is(one, name, side)] for side in SIDES})
        for name in sorted(ways, key=lambda name: ways[name])
    ]
    if not any(all(sides.values()) for _, sides in shown):
        return ""
    rows = [row for name, sides in shown for row in _rows(findings, group, name, sides)]
    text = BOTH.format(escape(usual[0].arm.headline.caption))
    return "\n\n".join([text, table(HEADER, rows, "lrrrrlrr"), *reasons(senseless)])


def reasons(senseless: Sequence[Record]) -> Iterator[str]:
    """Why a way has a dash, one line each."""
    told: dict[str, list[str]] = {}
    for one in senseless:
        told.setdefault(str(one.outcome.reason), []).append(one.cell.model)
    lines = [f"- {', '.join(map(escape, dict.fromkeys(m)))}: {escape(t)}" for t, m in told.items()]
    if lines:
        yield "A dash stands for what makes no sense:\n\n" + "\n".join(lines)


def _is(one: Kept, name: str, side: str) -> bool:
    return way(one.arm.first) == name and one.arm.key.family == side


def _rows(
    findings: Findings, group: Group, name: str, sides: dict[str, list[Kept]]
) -> Iterator[list[str]]:
    """One row for each two arms that were compared; else what there is of either side."""
    gpts, berts = (list[Kept | None](sides[side]) or [None] for side in SIDES)
    every = list(itertools.product(gpts, berts))
    compared = [pair for pair in every if _contrast(group, *pair)]
    for gpt, bert in compared or every:
        yield _row(findings, group, name, gpt, bert)


def _row(
    findings: Findings, group: Group, name: str, gpt: Kept | None, bert: Kept | None
) -> list[str]:
    found, there = _contrast(group, gpt, bert), [one for one in (gpt, bert) if one]
    shares = [f"{100 * sizes[1]:.3g} %" for one in there if (sizes := trainable(one.arm))]
    apart = found.difference if found else None
    return [
        escape(name),
        " / ".join(dict.fromkeys(shares)) or NONE,
        *(_score(one) for one in (gpt, bert)),
        estimated(apart, True, there[0].arm.headline.digits) if apart else NONE,
        reading(findings.of(found)) if found else NONE,
        *(_kept(one) for one in (gpt, bert)),
    ]


def _contrast(group: Group, gpt: Kept | None, bert: Kept | None) -> Contrast | None:
    sides = tuple(one.arm if one else None for one in (gpt, bert))
    return next((one for one in group.contrasts if (one.gpt, one.bert) == sides), None)


def _score(one: Kept | None) -> str:
    if one is None:
        return NONE
    return estimated(one.arm.scores[0].estimate, digits=one.arm.headline.digits)


def _kept(one: Kept | None) -> str:
    if one is None:
        return NONE
    if one.retention is None:
        return "see below" if one.why else NONE
    return "1" if one.full is one.arm else estimated(one.retention)
