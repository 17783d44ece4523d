"""How well a pair is matched: its level in words, and the sizes of both sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from harness.comparing.comparison import Contrast, Group
from harness.comparing.mismatch import Size, matched_by, sizes
from harness.report.markdown import NONE, count, escape, section, table
from harness.report.summary import matched, named, pretrained

INTRODUCTION = (
    "What both sides of a pair were, as the level of their match says and as it was measured. "
    "What differs by more than 5 % is marked as apart; the ratio is BERT / GPT. Training examples "
    "and tokens are means over seeds; a mode that trains for longer shows there."
)


def match(group: Group) -> str:
    """The section on matching: every pair of pretrained models, or all where none is.

    Of the same two models in other modes it shows only what is not the same again.
    """
    told: dict[tuple[str, ...], set[Size]] = defaultdict(set)
    parts = []
    for one in pretrained(group.contrasts):
        before, found = told[one.gpt.key.model, one.bert.key.model, _by(one)], sizes(one)
        parts.append(_pair(one, [size for size in found if size not in before], bool(before)))
        before.update(found)
    return section(3, "Match", INTRODUCTION, *parts) if parts else ""


def _pair(contrast: Contrast, shown: Sequence[Size], again: bool) -> str:
    rows = [
        [one.name, _number(one.gpt), _number(one.bert), _ratio(one), "apart" if one.apart else ""]
        for one in shown
    ]
    told = dict.fromkeys(matched(arm.first) for arm in (contrast.gpt, contrast.bert))
    level = f"Pair {escape(contrast.gpt.key.pair)}, {escape('; '.join(told))}.{_by(contrast)}"
    if again:
        level = "Sizes as above" + (", but for:" if rows else ".")
    measured = table(["size", "GPT", "BERT", "ratio", ""], rows, "lrrr") if rows else ""
    return "\n\n".join(part for part in (named(contrast), level, measured) if part)


MATCHED_BY = {
    "updates": "Pretraining was matched by updates, as many for both; an objective that asks for "
    "a share of the tokens then had fewer of them with a loss.",
    "loss_tokens": "Pretraining was matched by tokens with a loss, as many for both; the encoder, "
    "asked for a share of what it reads, took more updates and read more tokens for them.",
}


def _by(contrast: Contrast) -> str:
    """What both were given as many of in pretraining; empty where that is not known of both."""
    found = {matched_by(arm.first) for arm in (contrast.gpt, contrast.bert)}
    known = MATCHED_BY.get(str(found.pop())) if len(found) == 1 else None
    return f" {known}" if known else ""


def _number(value: float | None) -> str:
    """Sizes are whole numbers, but for tokens per word."""
    if value is None:
        return NONE
    return f"{value:.2f}" if value < 100 and value != int(value) else f"{value:,.0f}"


def _ratio(one: Size) -> str:
    known = one.gpt is not None and one.bert is not None and one.gpt > 0
    return f"{(one.bert or 0) / (one.gpt or 1):.2f}" if known else NONE


def told(one: Size) -> str:
    """A mismatch in words."""
    numbers = (value if value is None or value % 1 else int(value) for value in (one.gpt, one.bert))
    return f"{one.name} ({' and '.join(map(count, numbers))})"
