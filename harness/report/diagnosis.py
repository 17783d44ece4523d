"""Which errors stand behind the scores: by type, by kind of error, by confusion, by confidence.

A pair of models as they were built stands side by side; a model without a counterpart alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from harness.comparing.comparison import SCRATCH, Arm, Group
from harness.diagnosis import (
    MACRO,
    MICRO,
    TypeScore,
    by_type,
    error_differences,
    errors,
    f1_differences,
    token_level,
)
from harness.report.markdown import bullets, escape, score, section
from harness.report.mistakes import LARGEST, calibrations, confusions
from harness.report.reading import voided
from harness.report.sides import Shown, Side, cells, side_by_side
from harness.report.summary import named, pretrained
from harness.statistics.stats import Estimate

MANY = 20
"""More names than these are shown all together only."""

INTRODUCTION = (
    "Which errors stand behind the scores. All of this is exploratory, and differences (paired by "
    "seed and example) are not corrected for their number."
)
TYPES = (
    "Precision is of the entities that were answered, recall of those in the data; an entity "
    "counts only with the right first word, last word and type. Micro is all types together (the "
    "headline score), macro the mean over the types that the data have; support is the number in "
    f"the data. Of more than {MANY} types only these two stand here."
)
CLASSES = (
    "Precision is of the texts that were answered so, recall of those in the data. Micro is all "
    "classes together (the accuracy), macro the mean over the classes that the data have; support "
    f"is the number in the data. Of more than {MANY} classes only these two stand here."
)
OUTCOMES = (
    "Outcomes: each entity of the data has at most one answered entity for a partner, the one of "
    "the same words, else the one with the most words in common. Right has the same words and "
    "type; else type, boundary or both are wrong; missed has no partner. These are shares of the "
    "entities of the data. Invented are answered entities without a partner, as a share of the "
    "answers. Counts are means per run."
)
SLOTS = "Outcomes: errors by kind, as shares of the slots asked for. Counts are means per run."
CONFUSION = (
    "What was taken for what: mean numbers per run, data in rows and answers in columns, or the "
    f"{LARGEST} most frequent confusions where there are many names."
)
PARTNERS = " Partners count whatever their boundaries; nothing stands for no partner."
CONFIDENCE = (
    "Confidence is the probability that a model gave its answer. The expected calibration error "
    "(ECE) is the distance between confidence and share of right answers over bins of equal width; "
    "it is never below 0, and too high where answers are few. Its intervals cover training seeds "
    "only (Student's t)."
)
TAGS = " Counted are the words that were answered as part of an entity, each with its tag."


def diagnosis(group: Group) -> str:
    """The section on errors; empty where no record holds anything to diagnose."""
    found = [(shown, text) for shown in _shown(group) if (text := _told(shown))]
    if not found:
        return ""
    sides = [side for shown, _ in found for side in shown.sides]
    meant = bullets(_definitions(sides))
    return section(3, "Diagnosis", INTRODUCTION, meant, *(text for _, text in found))


def _shown(group: Group) -> Iterator[Shown]:
    """Pairs of pretrained models as they were built, then those without a counterpart."""
    full = pretrained(group.contrasts)
    for one in [one for one in full if one.native or one.gpt.writes] or full:
        yield Shown(named(one), tuple(_sides(one.gpt, one.bert)), one)
    paired = {id(arm) for one in group.contrasts for arm in (one.gpt, one.bert)}
    alone = [arm for arm in group.arms if id(arm) not in paired]
    for arm in [arm for arm in alone if arm.key.weights != SCRATCH] or alone:
        yield Shown(f"{_family(arm)} is **{escape(arm.description)}**:", tuple(_sides(arm)))


def _sides(*arms: Arm) -> Iterator[Side]:
    return (Side(_family(arm), arm.diagnosis) for arm in arms if arm.diagnosis is not None)


def _family(arm: Arm) -> str:
    return "GPT" if arm.key.family == "gpt" else "BERT"


def _definitions(sides: Sequence[Side]) -> list[str]:
    """What the tables that follow mean, once for all models."""
    labels = any(side.found.labels for side in sides)
    matched, slots, confidence = (
        any(side.found.having(part) for side in sides)
        for part in ("aligned", "slots", "reliability")
    )
    found = [CLASSES if labels else TYPES] if matched else []
    found += [OUTCOMES] if matched and not labels else []
    found += [SLOTS] if slots else []
    found += [CONFUSION + ("" if labels else PARTNERS)] if matched else []
    return found + ([CONFIDENCE + (TAGS if matched and not labels else "")] if confidence else [])


def _told(shown: Shown) -> str:
    parts = [_types(shown), _words(shown), _errors(shown), confusions(shown), calibrations(shown)]
    if not any(parts):
        return ""
    return "\n\n".join([shown.heading, *(part for part in parts if part), *_warned(shown)])


def _warned(shown: Shown) -> Iterator[str]:
    """What stands in the way of reading the numbers."""
    lines = [text for side in shown.sides for text in _older(side)]
    if shown.contrast is not None:
        rung = voided(shown.contrast.gpt, shown.contrast.bert)
        lines += [f"void: {rung}"] if rung else []
        if shown.contrast.incomplete:
            lines.append("numbers are over all seeds of a model, differences over those of both")
    if lines:
        yield bullets(lines)


def _older(side: Side) -> Iterator[str]:
    """Parts that only some of the runs hold."""
    names = {"aligned": "entities by type", "words": "words", "reliability": "confidence"}
    for part, name in names.items():
        held, runs = len(side.found.having(part)), len(side.found.seeds)
        if 0 < held < runs:
            yield f"{name} of {side.name}: {held} of {runs} runs have them on record"


# --- by type ------------------------------------------------------------------------------------


Scores = Mapping[str, Mapping[str, TypeScore]]
"""By side and type."""


def _types(shown: Shown) -> str:
    """Precision, recall, F1 and support, and why some have no interval."""
    found = {side.name: {s.name: s for s in by_type(side.found, MANY)} for side in shown.sides}
    scores: Scores = {side: types for side, types in found.items() if types}
    if not scores:
        return ""
    every = dict.fromkeys(name for types in scores.values() for name in types)
    names = [*(name for name in every if name not in (MICRO, MACRO)), MICRO, MACRO]
    kind = "class" if shown.sides[0].found.labels else "type"
    apart = f1_differences(*shown.pair, MANY) if shown.pair else {}
    parts = [_f1(kind, names, scores, apart), _precision_recall(kind, names, scores)]
    return "\n\n".join([*parts, *_why(_noted(names, scores, apart))])


def _f1(kind: str, names: Sequence[str], scores: Scores, apart: Mapping[str, Estimate]) -> str:
    support = {name: f"{one.support:,}" for types in scores.values() for name, one in types.items()}
    columns: dict[str, Mapping[str, str]] = {"support": support}
    for side, types in scores.items():
        columns[f"{side} F1"] = cells({name: one.f1 for name, one in types.items()})
    if apart:
        columns["BERT - GPT"] = cells(apart, sign=True)
    return side_by_side(kind, names, columns)


def _precision_recall(kind: str, names: Sequence[str], scores: Scores) -> str:
    columns: dict[str, Mapping[str, str]] = {}
    for side, types in scores.items():
        columns[f"{side} precision"] = cells({name: one.precision for name, one in types.items()})
        columns[f"{side} recall"] = cells({name: one.recall for name, one in types.items()})
    return side_by_side(kind, names, columns)


def _noted(
    names: Sequence[str], scores: Scores, apart: Mapping[str, Estimate]
) -> Iterator[tuple[str, Estimate]]:
    for side, types in scores.items():
        for one in (types[name] for name in names if name in types):
            yield f"{side} precision of {one.name}", one.precision
            yield f"{side} recall of {one.name}", one.recall
            yield f"{side} F1 of {one.name}", one.f1
    yield from ((f"BERT - GPT on {name}", apart[name]) for name in names if name in apart)


def _why(estimates: Iterable[tuple[str, Estimate]]) -> Iterator[str]:
    """Why a number or its interval is missing, once for all of which it is true."""
    told: dict[str, list[str]] = defaultdict(list)
    for name, estimate in estimates:
        if estimate.note:
            told[estimate.note].append(name)
    if told:
        yield bullets([f"{escape(', '.join(who))}: {escape(note)}" for note, who in told.items()])


# --- words and kinds of errors ------------------------------------------------------------------


def _words(shown: Shown) -> str:
    """The score over words, in a box that says what it is not."""
    found = {side.name: told for side in shown.sides if (told := token_level(side.found))}
    if not found:
        return ""
    means = ", ".join(f"{side} {score(one.mean)}" for side, one in found.items())
    blind = [one.outside for one in found.values() if one.outside is not None]
    text = f"> **Not comparable with entity F1:** words with the right tag, O included: {means} "
    text += "(means over seeds)"
    text += f"; a tagger that answers O everywhere: {score(blind[0])}" if blind else ""
    return text + (
        ". Most words are part of no entity, so this number is high before a single entity is "
        "found: set beside an entity F1, here or in an article, it compares nothing."
    )


def _errors(shown: Shown) -> str:
    found = {side.name: {one.name: one for one in errors(side.found)} for side in shown.sides}
    shares = {side: kinds for side, kinds in found.items() if kinds}
    if not shares:
        return ""
    first = next(iter(shares.values()))
    columns: dict[str, Mapping[str, str]] = {"share of": {e.name: e.of for e in first.values()}}
    noted = []
    for side, kinds in shares.items():
        columns[f"{side} count"] = {name: f"{one.per_run:,.1f}" for name, one in kinds.items()}
        columns[side] = cells({name: one.share for name, one in kinds.items()})
        noted += [(f"{side} on {name}", one.share) for name, one in kinds.items()]
    apart = error_differences(*shown.pair) if shown.pair else {}
    if apart:
        columns["BERT - GPT"] = cells(apart, sign=True)
        noted += [(f"BERT - GPT on {name}", one) for name, one in apart.items()]
    return "\n\n".join([side_by_side("outcome", list(first), columns), *_why(noted)])
