"""Slices of the test split beside their caps: what a model can do, and what no reader of its kind.

A pair of models as they were built is one table, a row a slice; other models follow in a table
of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.comparing.comparison import Arm, Contrast, Group, SliceScore
from harness.report.markdown import (
    bullets,
    escape,
    estimated,
    interval,
    score,
    section,
    table,
)
from harness.report.sides import brief
from harness.report.summary import named, ordered, sides

CAP = "The cap is what the best reader of this kind scores there, best as a whole: another reader "
CAP += "may trade one slice for another. "
MARKED = "Marked: share of the slice's entities whose words were answered as some entity. "
FLAWLESS = "A text is right if it has no slot error at all: scores are shares of such texts. "
CLUSTERS = "Intervals respect that units of one cluster (a name, or an example) go together. "
EXPLORING = "Differences by slice are paired and exploratory, not corrected for their number."


def slices(group: Group) -> str:
    """The section on slices; empty where the data have none."""
    if not any(arm.slices for arm in group.arms):
        return ""
    usual = [one for one in ordered(group.contrasts) if one.native or one.gpt.writes]
    pairs = [one for one in usual if one.slices]
    shown = {id(arm) for one in pairs for arm in (one.gpt, one.bert)}
    others = [arm for arm in group.arms if id(arm) not in shown]
    return section(
        3,
        "Slices",
        _introduction(group) + CLUSTERS + EXPLORING,
        _meanings(group),
        *(_pair(one) for one in pairs),
        _alone(others),
        _differences([one for one in ordered(group.contrasts) if id(one) not in map(id, pairs)]),
    )


def _meanings(group: Group) -> str:
    """What decides each slice, where the data say so."""
    facts = group.arms[0].first.data
    told = facts.slices if facts else {}
    lines = [f"{escape(name)}: {escape(text)}" for name, text in told.items()]
    return bullets(lines) if lines else ""


def _introduction(group: Group) -> str:
    """What the numbers are, as far as they are there."""
    found = [one for arm in group.arms for one in arm.slices]
    told = CAP if any(one.cap is not None for one in found) else ""
    told += MARKED if any(one.marked is not None for one in found) else ""
    return told + (FLAWLESS if any(arm.writes for arm in group.arms) else "")


# --- a pair -------------------------------------------------------------------------------------


def _pair(contrast: Contrast) -> str:
    """Both sides, and what is behind their numbers, under a line that names them."""
    gpt, bert = ({one.name: one for one in arm.slices} for arm in (contrast.gpt, contrast.bert))
    names = [name for name in gpt if name in bert and name in contrast.slices]
    capped = any(one.cap is not None for one in (*gpt.values(), *bert.values()))
    rows = [
        [
            escape(name),
            *([score(gpt[name].cap)] if capped else []),
            brief(gpt[name].estimate),
            *([score(bert[name].cap)] if capped else []),
            brief(bert[name].estimate),
            brief(contrast.slices[name], True),
        ]
        for name in names
    ]
    caps = [[f"cap ({escape(a.key.mode)})"] * capped for a in (contrast.gpt, contrast.bert)]
    header = ["slice", *caps[0], "GPT", *caps[1], "BERT", "BERT - GPT"]
    parts = [named(contrast), table(header, rows, "lrrrrr"[: len(header)])]
    parts += [_behind(names, gpt, bert), bullets(notes) if (notes := _notes(contrast)) else ""]
    return "\n\n".join(part for part in parts if part)


def _behind(names: Sequence[str], gpt: dict[str, SliceScore], bert: dict[str, SliceScore]) -> str:
    header = ["slice", "units", "clusters", "SE of GPT", "SE of BERT"]
    marked = any(one.marked is not None for one in (*gpt.values(), *bert.values()))
    header += ["GPT marked", "BERT marked"] if marked else []
    rows = [
        [
            escape(name),
            *(str(gpt[name].units), str(gpt[name].estimate.units)),
            *(score(side[name].estimate.se) for side in (gpt, bert)),
            *(score(side[name].marked) for side in (gpt, bert) if marked),
        ]
        for name in names
    ]
    return table(header, rows, "lrrrrrr"[: len(header)])


def _notes(contrast: Contrast) -> list[str]:
    """Why numbers have no interval, and which seeds stand behind which number."""
    parts = [("GPT", one.name, one.estimate) for one in contrast.gpt.slices]
    parts += [("BERT", one.name, one.estimate) for one in contrast.bert.slices]
    parts += [("BERT - GPT", name, found) for name, found in contrast.slices.items()]
    why: dict[str, list[str]] = {}
    for side, name, found in parts:
        if found.note and found.low is None:
            why.setdefault(found.note, []).append(f"{side} on {name}")
    lines = [f"no interval for {escape(', '.join(n))}: {escape(note)}" for note, n in why.items()]
    if contrast.incomplete:
        lines.append("scores are over all seeds of a model, differences over those of both")
    return lines


# --- the rest -----------------------------------------------------------------------------------


def _alone(arms: Sequence[Arm]) -> str:
    rows = list(_rows(arms))
    if not rows:
        return ""
    marked = any(one.marked is not None for arm in arms for one in arm.slices)
    header = ["slice", "model", "cap", "score", "95 % interval", "SE", "units", "clusters"]
    shown = rows if marked else [row[:-1] for row in rows]
    return table([*header, "marked"] if marked else header, shown, "ll" + "r" * (6 + marked))


def _rows(arms: Sequence[Arm]) -> Iterator[list[str]]:
    for name in dict.fromkeys(one.name for arm in arms for one in arm.slices):
        for arm in arms:
            for one in arm.slices:
                if one.name == name:
                    yield [escape(name), escape(arm.description), *_slice(one)]


def _slice(one: SliceScore) -> list[str]:
    found = one.estimate
    shown = [score(one.cap), score(found.mean), interval(found), score(found.se)]
    return [*shown, str(one.units), str(found.units), score(one.marked)]


def _differences(contrasts: Iterable[Contrast]) -> str:
    rows = [
        [escape(name), *sides(contrast), estimated(found, True)]
        for contrast in contrasts
        for name, found in contrast.slices.items()
    ]
    return table(["slice", "GPT", "BERT", "BERT - GPT"], rows, "lllr") if rows else ""
