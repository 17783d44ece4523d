"""C15: what single settings of training bring: AdamW, weight decay, dropout, early stopping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from harness import searched
from harness.claims.family import Asked, Question
from harness.claims.gains import question, sides
from harness.claims.pairing import about, barred_arms, leading, named, secondary
from harness.claims.untuned import gained
from harness.comparing import adaptation, pairs
from harness.comparing.arms import plain
from harness.comparing.comparison import Arm
from harness.comparing.findings import Findings
from harness.comparing.verdicts import Verdict, seeds_in_words

OPTIMIZER = "AdamW rather than SGD"
FACTORS: Mapping[str, tuple[str, ...]] = {
    OPTIMIZER: ("train.optimizer", "train.momentum"),
    "weight decay": ("train.weight_decay",),
    "dropout": ("train.dropout",),
    "early stopping": ("train.patience",),
}
"""The configuration that a factor is, its switch first."""

OFF = ("sgd", "0", "0.0", "null")
UNSEARCHED = "the learning rate was not searched for each optimizer"


def ask(findings: Findings) -> Iterator[Asked]:
    """For each leading pair and each factor that a model was tuned with and without."""
    for factor in FACTORS:
        for family, verdicts in leading(findings, partial(_varied, factor)).items():
            asked = tuple(_questions(findings, verdicts, factor))
            yield Asked("C15", about(verdicts), secondary(family), asked, part=factor)


def _varied(factor: str, one: Verdict) -> bool:
    return any(True for _ in _tunings(one, factor))


def _tunings(one: Verdict, factor: str) -> Iterator[tuple[str, Arm, Arm]]:
    """Each side with the factor and without it; that which was judged is one of the two."""
    for side, arm in sides(one):
        for other in one.group.arms:
            for first, second in ((arm, other), (other, arm)):
                if _named_alike(first, second) and _apart(first, second, factor):
                    yield side, first, second


def _questions(findings: Findings, verdicts: list[Verdict], factor: str) -> Iterator[Question]:
    seen = set[tuple[int, int]]()
    for one in verdicts:
        for side, arm, other in _tunings(one, factor):
            if (id(arm), id(other)) in seen:
                continue  # both are main questions
            seen.add((id(arm), id(other)))
            label = f"{named(one, verdicts)}, {side}: {_told(arm, other, factor)}"
            why = _barred(arm, other, factor)
            yield question(findings, one, label, gained(arm, other), why)


def _named_alike(arm: Arm, other: Arm) -> bool:
    """But for the strategy: full fine-tuning by another optimizer may have a name of its own."""
    return other.key._replace(strategy=arm.key.strategy) == arm.key


def _switch(arm: Arm, factor: str) -> str:
    """The value of the factor; "-" where it is not on record."""
    absent = adaptation.ADAMW if factor == OPTIMIZER else "-"
    return plain(arm.first).get(FACTORS[factor][0], absent)


def _apart(arm: Arm, other: Arm, factor: str) -> bool:
    """Whether the first has a factor that the second lacks, and nobody searched for its value."""
    values = _switch(arm, factor), _switch(other, factor)
    both = searched.keys(arm.first.tuning) | searched.keys(other.first.tuning)
    free = both.isdisjoint(FACTORS[factor])
    return free and "-" not in values and values[0] not in OFF and values[1] in OFF


def _told(arm: Arm, other: Arm, factor: str) -> str:
    return f"{FACTORS[factor][0]} {_switch(arm, factor)} - {_switch(other, factor)}"


def _barred(arm: Arm, other: Arm, factor: str) -> str:
    both = bool(arm.first.tuning and other.first.tuning)
    if differences := pairs.otherwise(arm, other, *FACTORS[factor], trained=both):
        return "refused: runs differ in " + ", ".join(differences)
    if factor == OPTIMIZER and not both:
        return UNSEARCHED
    alone = sorted({*arm.seeds} ^ {*other.seeds})
    void = barred_arms(arm, other)
    if alone and not void and adaptation.shared(other, arm):
        return f"incomplete: {seeds_in_words(alone)} on one side only"
    return void
