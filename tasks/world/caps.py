"""The best scores that any reader of a kind can reach, by enumerating the generator.

A reader knows the language perfectly but neither the slice nor what it may not see. For every
view it answers with a most probable answer; where several tie it draws among them, so that a
fair coin is worth exactly one half.
"""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from tasks.world.chance import enumerate_paths
from tasks.world.entities import Text, ner_clause
from tasks.world.lexicon import pieces
from tasks.world.names import world
from tasks.world.pairs import Pair, pair
from tasks.world.reviews import Review, labelled_review
from tasks.world.spec import WorldSpec

READERS: Final = ("causal/first", "causal/last", "bidirectional/first", "bidirectional/last")
"""Who sees how far, and at which piece of a name it must answer."""

View = tuple[str, ...]


class Case(NamedTuple):
    """One thing that can happen: what it asks, and what the reader has before it."""

    probability: float
    slice: str
    answer: str | int
    view: View


def caps(task: str, seed: int, spec: WorldSpec) -> dict[str, dict[str, float]]:
    """Best scores per reader and slice; "all" is the whole test split.

    Slices and sentence labels are scored by accuracy, "all" of a tagging task by micro-F1.
    Empty for written texts: every record can be told without a fault.
    """
    return {reader: dict(scores) for reader, scores in _caps(task, seed, spec)}


@functools.cache
def _caps(task: str, seed: int, spec: WorldSpec) -> tuple[tuple[str, Mapping[str, float]], ...]:
    if task == "ner":
        mentions = _mentions(seed, spec)
        return tuple((reader, scores(_read(mentions, reader), best_f1)) for reader in READERS)
    if task == "generation":
        return ()
    cases = _pairs(seed, spec) if task == "matching" else _reviews(seed, spec)
    # A causal reader at the first position has seen nothing; the others, the whole input.
    table = scores(cases, accuracy)
    return tuple((reader, table) for reader in READERS if reader != "causal/first")


def scores(
    cases: Sequence[Case], overall: Callable[[Iterable[tuple[float, float]]], float]
) -> dict[str, float]:
    """Accuracy per slice of the best reader of all `cases`, and its score over all of them.

    `overall` gets each view's probability and how often the best answer to it is right.
    """
    masses: dict[View, dict[str | int, float]] = defaultdict(lambda: defaultdict(float))
    for case in cases:
        masses[case.view][case.answer] += case.probability
    best = {view: _modes(answers) for view, answers in masses.items()}
    total: dict[str, float] = defaultdict(float)
    right: dict[str, float] = defaultdict(float)
    for case in cases:
        modes = best[case.view]
        total[case.slice] += case.probability
        right[case.slice] += case.probability / len(modes) if case.answer in modes else 0.0
    table = {name: right[name] / total[name] for name in total}
    seen = [(math.fsum(a.values()), max(a.values())) for a in masses.values()]
    return {**table, "all": overall((mass, mode / mass) for mass, mode in seen)}


def accuracy(views: Iterable[tuple[float, float]]) -> float:
    """How often the best answer is right."""
    return math.fsum(mass * mode for mass, mode in views)


def best_f1(views: Iterable[tuple[float, float]]) -> float:
    """Micro-F1 of the best reader, which may leave unmarked whatever it is least sure of.

    Leaving out costs recall and spares precision: 2 right / (marked + 1), at the best threshold.
    """
    best = right = marked = 0.0
    for mass, mode in sorted(views, key=lambda view: -view[1]):
        right += mass * mode
        marked += mass
        best = max(best, 2 * right / (marked + 1))
    return best


def _modes(answers: Mapping[str | int, float]) -> tuple[str | int, ...]:
    top = max(answers.values())
    return tuple(a for a, mass in answers.items() if math.isclose(mass, top, rel_tol=1e-9))


def _mentions(seed: int, spec: WorldSpec) -> list[tuple[float, Text]]:
    """Every clause there is. Clauses are drawn independently, so one stands for a sentence."""
    there = world(seed, spec)
    return list(enumerate_paths(lambda choice: ner_clause(choice, there, spec.ner_slices)))


def _read(clauses: Sequence[tuple[float, Text]], reader: str) -> list[Case]:
    """What a reader has before it when it must name the type."""
    cases = []
    for probability, text in clauses:
        mention = text.mentions[0]
        before = sum(len(pieces(word)) for word in text.words[: mention.start])
        seen = {
            "causal/first": before + 1,
            "causal/last": before + len(pieces(mention.name)),
        }.get(reader)
        view = tuple(piece for word in text.words for piece in pieces(word))[:seen]
        cases.append(Case(probability, mention.slice, mention.type, view))
    return cases


def _reviews(seed: int, spec: WorldSpec) -> list[Case]:
    there = world(seed, spec)

    def case(probability: float, review: Review) -> Case:
        return Case(probability, review.slice, review.label, review.words)

    paths = enumerate_paths(lambda choice: labelled_review(choice, there, spec.review_slices))
    return [case(probability, review) for probability, review in paths]


def _pairs(seed: int, spec: WorldSpec) -> list[Case]:
    there = world(seed, spec)
    names = there.record_names["test"]

    def case(probability: float, drawn: Pair) -> Case:
        return Case(probability, drawn.slice, drawn.label, (*drawn.first, "", *drawn.second))

    paths = enumerate_paths(lambda choice: pair(choice, there, names, spec.pair_slices))
    return [case(probability, drawn) for probability, drawn in paths]
