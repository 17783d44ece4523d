"""What training took, in all and until a quality was reached; and what it costs in money.

From the logs of the runs. Times of runs that shared a machine do not say which model is faster;
examples, tokens and FLOPs do not depend on that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean, median

from harness.claims import target
from harness.claims.target import Spent, Target, logs
from harness.comparing.comparison import Arm, Comparison, Contrast, Group
from harness.comparing.findings import Findings
from harness.report import efficiency
from harness.report.figures import figure
from harness.report.markdown import NONE, escape, score, section, table
from harness.report.reading import reading, voided
from harness.report.summary import caveat, named, place, pretrained

TITLE = "Training cost"
IN_ALL = (
    "Whole runs, means over seeds; looks at the dev split are not counted. FLOPs are three times "
    "the forward pass (FLOPs per token under Models) times real tokens where everything is tuned; "
    "of other strategies, what they do: no gradient goes to or below what stays as it is."
)
TO_TARGET = (
    "Until a dev score was first seen that both sides can reach: 95 % of the way from the floor to "
    "the best dev score (mean over seeds) of the worse of the two. Dev is looked at once an epoch, "
    "so figures come in such steps. Medians over seeds; a run that never got there counts as "
    "longer than any other (it is censored), and where that decides the median, it says so."
)
MONEY = (
    "Money is the price per hour that was given, {price}, times process seconds of a run (a run "
    "uses one thread; its wall time would charge it for its neighbours), and times the seconds of "
    "a million examples at the measured best batch size."
)
AMOUNTS = ["examples", "tokens", "FLOPs", "CPU s", "wall s"]


def training_cost(findings: Findings, price_per_hour: float | None = None) -> str:
    """The section on training cost; money only where a price is given."""
    comparison = findings.comparison
    rates = _rates(comparison)
    rows = [
        _whole(group, arm, price_per_hour, rates.get(id(arm)))
        for group in comparison.groups
        for arm in group.arms
    ]
    if not rows:
        return section(2, TITLE, "No run has finished.")
    header = ["task", "model", *AMOUNTS]
    if price_per_hour is not None:
        header += ["money, a run", "money, 1,000,000 answers"]
    money = "" if price_per_hour is None else MONEY.format(price=figure(price_per_hour))
    pairs = [
        part for group in comparison.groups for part in _pairs(findings, group, price_per_hour)
    ]
    embedded = any(group.embedded for group in comparison.groups)
    aim = section(3, "To a target", TO_TARGET, *pairs, caveat(embedded)) if pairs else ""
    return section(
        2, TITLE, IN_ALL, table(header, rows, "ll" + "r" * (len(header) - 2)), money, aim
    )


# --- in all -------------------------------------------------------------------------------------


def _whole(group: Group, arm: Arm, price: float | None, rate: float | None) -> list[str]:
    all_spent = [target.spent(found, log) for found, log in logs(arm)]
    if not all_spent:
        shown = [NONE] * len(AMOUNTS)
    else:
        shown = _amounts(Spent(*map(fmean, zip(*all_spent, strict=True))))
    if price is not None:
        seconds = [
            target.charged(found, one) for (found, _), one in zip(logs(arm), all_spent, strict=True)
        ]
        shown += [_money(price, fmean(seconds)) if seconds else NONE]
        shown += [_money(price, 1e6 / rate) if rate else "not measured"]
    return [place(group), escape(arm.description), *shown]


def _amounts(spent: Spent) -> list[str]:
    if math.isinf(spent.examples):
        return ["not reached"] * len(AMOUNTS)
    counts = [f"{value:,.0f}" for value in (spent.examples, spent.tokens)]
    flops = NONE if math.isnan(spent.flops) else f"{spent.flops:.2e}"
    return [*counts, flops, f"{spent.cpu_seconds:.1f}", f"{spent.wall_seconds:.1f}"]


def _money(price: float, seconds: float) -> str:
    return "not reached" if math.isinf(seconds) else f"{price * seconds / 3600:.3g}"


def _rates(comparison: Comparison) -> dict[int, float]:
    """Examples per second at the best throughput that was measured of each arm, by its id."""
    found: dict[int, float] = {}
    for column in efficiency.columns_of(comparison):
        if column.tuned and (best := efficiency.best_batches(column)):
            key = id(column.tuned.arm)
            found[key] = max(best[1].mean, found.get(key, 0.0))
    return found


# --- to a target --------------------------------------------------------------------------------


def _pairs(findings: Findings, group: Group, price: float | None) -> Iterator[str]:
    for contrast in pretrained(group.contrasts):
        start = f"{place(group)}. {named(contrast)}"
        if contrast.refused or voided(contrast.gpt, contrast.bert):
            yield f"{start}\n\n{reading(findings.of(contrast))}."
            continue
        goal = target.target(contrast)
        digits, title = contrast.gpt.headline.digits, escape(contrast.gpt.headline.caption)
        if goal is None:
            yield f"{start}\n\nNo target: a side never left the floor, or has no dev scores."
            continue
        text = f"Target: {title} {score(goal.score, digits=digits)}; floor: "
        text += f"{score(goal.floor, digits=digits)}, {escape(goal.source)}."
        rows = [_row(side, arm, goal, price) for side, arm in _sides(contrast)]
        header = ["", "reached by", *AMOUNTS, *([] if price is None else ["money"])]
        yield f"{start} {text}\n\n{table(header, rows, 'l' + 'r' * (len(header) - 1))}"


def _sides(contrast: Contrast) -> Sequence[tuple[str, Arm]]:
    return ("GPT", contrast.gpt), ("BERT", contrast.bert)


def _row(side: str, arm: Arm, goal: Target, price: float | None) -> list[str]:
    spent = [target.reached(found, log, arm, goal.score).at for found, log in logs(arm)]
    reached = sum(one is not target.NEVER for one in spent)
    middle = Spent(*map(median, zip(*spent, strict=True)))
    money = [] if price is None else [_money(price, target.charged(arm.first, middle))]
    early = ", before tuning" if middle.examples == 0 else ""
    return [side, f"{reached} of {len(spent)} runs{early}", *_amounts(middle), *money]
