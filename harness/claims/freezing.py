"""C6: whether BERT can be tuned with its lower half frozen, and GPT cannot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from harness.claims.family import Asked, Question, evidence
from harness.claims.finding import (
    EQUIVALENT,
    REVERSED,
    SUPPORTED,
    UNDETERMINED,
    Number,
)
from harness.claims.pairing import SECONDARY, barred, barred_arms, few, one_run, uncertain
from harness.comparing.adaptation import FREEZE, Kept, adapted, frozen
from harness.comparing.comparison import Contrast, Group
from harness.comparing.findings import Findings
from harness.comparing.mismatch import scope
from harness.comparing.pairs import Models, models
from harness.comparing.verdicts import BERT, GPT, seeds_in_words
from harness.statistics import ratios
from harness.statistics.stats import Estimate

HALF = 0.5
KEEPS = 0.95
"""Share of the gain that BERT is to keep."""
MORE = 0.05
"""By how much of its gain BERT is to keep more than GPT."""

FAMILIES = {"gpt": GPT, "bert": BERT}
NONE_FROZEN = f"no run with {100 * HALF:g} % of the layers frozen"
UNSEARCHED = "the learning rate was not searched for both shares of frozen layers"
NO_PAIR = "GPT and BERT were not set against each other"
BOTH = "freezing works for both: no difference"
LOSES = f"BERT keeps less than {100 * KEEPS:g} % of its gain"
AS_MUCH, AS_MORE = "GPT keeps as much of its gain as BERT", "GPT keeps more of its gain than BERT"

Sides = Mapping[str, Kept]


def ask(findings: Findings) -> Iterator[Asked]:
    """One finding for each pair on each task of which half was frozen."""
    for group in findings.comparison.groups:
        pairs: dict[tuple[str, Models], list[Kept]] = defaultdict(list)
        for one in adapted(group):
            key = one.arm.key
            if one.arm.native and frozen(one.arm) is not None:
                pairs[key.match, models(one.arm.first)].append(one)
        for (_, (pair, _)), members in pairs.items():
            sides = _halves(members)
            if sides:
                yield _asked(findings, group, pair, sides, members)


def _halves(members: Sequence[Kept]) -> dict[str, Kept]:
    """The half-frozen arm of each family: of several settings the first that may be compared."""
    found = dict[str, Kept]()
    for one in sorted(members, key=lambda one: bool(one.why)):
        if one.arm.key.strategy == FREEZE and frozen(one.arm) == HALF:
            found.setdefault(FAMILIES[one.arm.key.family], one)
    return found


def _asked(
    findings: Findings, group: Group, pair: str, sides: Sides, members: Sequence[Kept]
) -> Asked:
    key, bert = group.key, sides.get(BERT)
    full, half = (_contrast(group, sides, whole) for whole in (True, False))
    kind = "embedded world" if group.embedded else "real data"
    about = f"{scope(group, full) if full else kind}; pair {pair}; {key.task} on {key.data}"
    seeds = min((len(one.seeds) for one in sides.values()), default=0)
    early = few(seeds, findings.plan)
    alone = bert.gains if bert else None
    above = ratios.beyond(*alone, KEEPS) if alone and len(alone[0]) > 1 else None
    apart = _apart(sides)
    first = _barred(sides, BERT) or uncertain(above)
    second = (
        _barred(sides, BERT, f"{BERT}: ")
        or _barred(sides, GPT, f"{GPT}: ")
        or _unpaired(sides, full, half)
        or uncertain(apart)
    )
    label = f"{100 * HALF:g} % frozen"
    questions = (
        _question(f"(a) {BERT}'s retention, {label}, less {KEEPS:g}", above, 0.0, first, early),
        _question(f"(b) retention of {BERT} - {GPT}, {label}", apart, MORE, second, early),
    )
    family = (SECONDARY, key.source, key.evaluated, key.hardware)
    return Asked("C6", about, family, questions, tuple(map(_number, _shown(members))), rule=both)


def _question(
    label: str, found: Estimate | None, margin: float, why: str, preliminary: bool
) -> Question:
    known = None if found is None else evidence(found)
    return Question(label, known, margin, why, preliminary=preliminary)


def both(statuses: Sequence[str]) -> tuple[str, str]:
    """The claim from (a), that BERT keeps its gain, and (b), that it keeps more of it than GPT."""
    keeps, more = statuses
    if keeps == REVERSED:
        return REVERSED, LOSES
    if more == EQUIVALENT:
        return EQUIVALENT, BOTH if keeps == SUPPORTED else AS_MUCH
    if more == REVERSED:
        return REVERSED, AS_MORE
    return (SUPPORTED if keeps == more == SUPPORTED else UNDETERMINED), ""


def _apart(sides: Sides) -> Estimate | None:
    gains = [one.gains for name in (BERT, GPT) if (one := sides.get(name)) and one.gains]
    if len(gains) < 2 or gains[0][0].shape != gains[1][0].shape:
        return None
    return ratios.apart(gains[0], gains[1])


# --- what stands in the way ---------------------------------------------------------------------


def _barred(sides: Sides, side: str, prefix: str = "") -> str:
    """Why nothing may be concluded from one side; empty where something may."""
    one = sides.get(side)
    if one is None:
        return f"{side}: {NONE_FROZEN}"
    if one.full is None or one.why:
        return prefix + one.why
    alone = sorted({*one.arm.seeds} ^ {*one.full.seeds})
    why = barred_arms(one.arm, one.full)
    if not why and not (one.arm.first.tuning and one.full.first.tuning):
        why = UNSEARCHED
    if not why and alone:
        why = f"incomplete: {seeds_in_words(alone)} on one side only"
    why = why or one_run(len(one.seeds))
    return prefix + why if why else ""


def _unpaired(sides: Sides, full: Contrast | None, half: Contrast | None) -> str:
    """Why the two families may not be set against each other."""
    if full is None or half is None:
        return NO_PAIR
    if sides[BERT].seeds != sides[GPT].seeds:
        return "incomplete: GPT and BERT have other seeds"
    return barred(full) or barred(half)


def _contrast(group: Group, sides: Sides, whole: bool) -> Contrast | None:
    """Of the fully tuned arms, or of the half-frozen ones."""
    arms = [
        (one.full if whole else one.arm) if (one := sides.get(s)) else None for s in (GPT, BERT)
    ]
    found = (c for c in group.contrasts if c.gpt is arms[0] and c.bert is arms[1])
    return next(found, None)


# --- beside it ----------------------------------------------------------------------------------


def _shown(members: Sequence[Kept]) -> list[Kept]:
    return [one for one in members if one.arm.key.strategy == FREEZE]


def _number(one: Kept) -> Number:
    share = 100 * (frozen(one.arm) or 0.0)
    label = f"retention of {FAMILIES[one.arm.key.family]}, {share:.4g} % frozen"
    return Number(label, one.retention or one.why, signed=False)
