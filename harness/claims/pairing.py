"""Of which pairs a claim is asked, what such a finding is about, and what stands in its way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from harness.comparing.adaptation import NO_SEED, way
from harness.comparing.comparison import FULL, Arm, Contrast, Failure
from harness.comparing.findings import Findings
from harness.comparing.mismatch import scope
from harness.comparing.steadiness import diverged
from harness.comparing.verdicts import ONE_RUN, Family, Verdict, alarmed, main, seeds_in_words
from harness.plan import Plan
from harness.statistics.stats import EXAMPLES_ONLY, Estimate

SECONDARY = "secondary claims"
SMOKE = "smoke run: it tries the pipeline and answers nothing"


def leading(
    findings: Findings, asked: Callable[[Verdict], bool] = lambda _: True
) -> dict[Family, list[Verdict]]:
    """For each kind of data and machine the pair that was asked about most tasks.

    Of equals one that was fine-tuned in full. `asked` says whether a claim can be asked of a
    verdict at all, as it may need runs that only one of the pairs has.
    """
    families: dict[Family, list[Verdict]] = defaultdict(list)
    for one in filter(asked, main(findings.verdicts)):
        families[one.family].append(one)
    best: dict[tuple[str, ...], Family] = {}
    for family in sorted(families, key=lambda one: (one.pair.strategy != FULL, one)):
        place = family[2:]
        if place not in best or _tasks(families[family]) > _tasks(families[best[place]]):
            best[place] = family
    return {family: families[family] for family in best.values()}


def _tasks(verdicts: Iterable[Verdict]) -> int:
    return len({one.group.key.task for one in verdicts})


def secondary(family: Family) -> tuple[str, ...]:
    """The secondary claims that share their error: all on one kind of data and machine."""
    return (SECONDARY, family.source, family.evaluated, family.hardware)


def about(verdicts: Sequence[Verdict]) -> str:
    """What findings on these are about: how well matched, which pair, which data and machine."""
    scopes = dict.fromkeys(scope(one.group, one.contrast) for one in verdicts)
    pairs = dict.fromkeys(one.family.pair.pair for one in verdicts)
    data = dict.fromkeys(one.group.key.data for one in verdicts if not one.group.embedded)
    machines = dict.fromkeys(
        one.family.hardware for one in verdicts if "hardware" in one.group.variant
    )
    ways = dict.fromkeys(
        way(one.contrast.gpt.first) for one in verdicts if one.family.pair.strategy != FULL
    )
    parts = [", ".join(scopes), f"pair {', '.join(pairs)}", *ways, ", ".join(data)]
    parts.append(", ".join(machines))
    return "; ".join(part for part in parts if part)


def named(verdict: Verdict, among: Sequence[Verdict]) -> str:
    """The task, with its data where several are asked of the same."""
    key = verdict.group.key
    same = [one for one in among if one.group.key.task == key.task]
    return key.task if len(same) == 1 else f"{key.task} on {key.data}"


def barred(contrast: Contrast) -> str:
    """Why nothing may be concluded from a contrast; empty where something may."""
    if contrast.refused:
        return "refused: the two sides differ in " + ", ".join(contrast.refused)
    if rung := alarmed(contrast.gpt, contrast.bert):
        return f"void: {rung}"
    if contrast.smoke:
        return SMOKE
    return incomplete(contrast) or one_run(len(contrast.seeds))


def incomplete(contrast: Contrast) -> str:
    """Which runs of a pair are missing; empty where none are."""
    return "incomplete: " + "; ".join(contrast.incomplete) if contrast.incomplete else ""


def barred_arms(*arms: Arm) -> str:
    """The same of arms that are no pair."""
    if refused := [name for arm in arms for name in arm.refused]:
        return "refused: runs differ in " + ", ".join(refused)
    if rung := alarmed(*arms):
        return f"void: {rung}"
    return SMOKE if any(run.record.sweep == "smoke" for a in arms for run in a.runs) else ""


def lacking(arms: Sequence[Arm], failures: Sequence[Failure]) -> str:
    """Which seeds of arms that are set side by side are missing; empty where none are.

    That one was run on more seeds than another is no loss: those that all share are compared. A
    seed that diverged is, and so is one where neither has all seeds of the other.
    """
    common = set.intersection(*(set(arm.seeds) for arm in arms))
    if not common:
        return NO_SEED
    gone = {seed for arm in arms for seed in diverged(arm, failures)}
    if gone:
        return f"incomplete: training diverged on {seeds_in_words(sorted(gone))}"
    fewest = min(arms, key=lambda arm: len(arm.seeds))
    alone = sorted(set(fewest.seeds) - common)
    return f"incomplete: {seeds_in_words(alone)} on one side only" if alone else ""


def one_run(seeds: int) -> str:
    """Why so few seeds answer nothing; empty where they are enough."""
    return "" if seeds > 1 else ONE_RUN if seeds else "no seed that both finished"


def uncertain(found: Estimate | None) -> str:
    """Why an estimate cannot decide; empty where it can."""
    if found is None or found.se is None:
        return (found.note if found else None) or "no interval"
    return ONE_RUN if found.covers == EXAMPLES_ONLY else ""


def few(seeds: int, plan: Plan) -> bool:
    """Whether so many seeds give no more than a preliminary answer."""
    return seeds < plan.fewest_seeds
