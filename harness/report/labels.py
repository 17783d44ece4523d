"""Label efficiency: both models with few labels and with many, and where the winner flips."""

from __future__ import annotations

from harness.comparing.comparison import Comparison, Contrast
from harness.comparing.label_curves import UPDATES, Curve, Point, curves, left_out
from harness.plots.labels import told
from harness.report.markdown import NONE, bullets, escape, estimated, section, table
from harness.report.summary import caveat, named

INTRODUCTION = (
    "One comparison at several sizes of the training split; dev and test are the same at each. "
    "Scores hold 95 % intervals over training seeds and test examples. Ahead is who is better at "
    "95 % for all sizes of a table together (Bonferroni, paired by seed and example). A flip is "
    "shown where one model is surely ahead with fewer labels and the other with more; its place is "
    "interpolated between two measured sizes, linear in the logarithm of labels, and its limits "
    "come from seeds and test examples drawn again, the same at every size. Beyond the sizes that "
    "were measured nothing is said. Exploratory: the main question about a pair is asked with the "
    "most labels."
)
NESTED = "Each size is a part of the next, drawn once and the same for both models."
DRAWN = "Sizes were drawn apart (data.train_limit), the same for both models."
LONGER = (
    "Training took as many updates at every size, so that few labels were seen more often: what "
    "differs is labels and not how long was trained."
)
SHORTER = (
    "Training took as many epochs at every size, so fewer updates with fewer labels: a model that "
    "learns slowly looks as if it needed labels."
)
RATES = "Learning rates are those of the full size; none was searched for a smaller one."


def labels(comparison: Comparison) -> str:
    """The section on few and many labels; empty where there are no two sizes."""
    found = curves(comparison)
    if not found:
        return ""
    embedded = any(one.embedded for one in found)
    parts = (_curve(comparison, one) for one in found)
    return section(2, "Label efficiency", INTRODUCTION, *parts, caveat(embedded))


def _curve(comparison: Comparison, one: Curve) -> str:
    text = escape(told(one))
    notes = [NESTED if one.nested else DRAWN, LONGER if one.pace == UPDATES else SHORTER]
    notes += [RATES] if _one_rate(one) else []
    header = ["labels", "epochs", "seeds", "GPT", "BERT", "BERT's advantage", "ahead"]
    rows = [_row(one, point) for point in one.points]
    shown = f"**{text[:1].upper()}{text[1:]}.**"
    about = named(one.points[-1].contrast)
    parts = [shown, " ".join(notes), about, table(header, rows, "rrrrrr")]
    if refused := left_out(comparison, one):
        parts.append(bullets([_refused(*size) for size in refused]))
    return "\n\n".join(parts)


def _refused(size: int, contrast: Contrast) -> str:
    why = ", ".join(map(escape, contrast.refused))
    return f"{size:,} labels left out: GPT and BERT differ in {why}."


def _one_rate(one: Curve) -> bool:
    """Whether a search stands behind the largest size alone."""
    tuned = [all(_searched(point.contrast)) for point in one.points]
    return tuned[-1] and not all(tuned[:-1])


def _searched(contrast: Contrast) -> list[bool]:
    return [bool(arm.first.tuning) for arm in (contrast.gpt, contrast.bert)]


def _row(one: Curve, point: Point) -> list[str]:
    digits, contrast = one.meter.digits, point.contrast
    sides = [
        estimated(arm.scores[0].estimate, digits=digits) for arm in (contrast.gpt, contrast.bert)
    ]
    advantage = estimated(point.advantage, True, digits)
    seeds, ahead = str(len(contrast.seeds)), one.ahead(point) or "open"
    epochs = NONE if point.epochs is None else str(point.epochs)
    return [f"{point.labels:,}", epochs, seeds, *sides, advantage, ahead]
