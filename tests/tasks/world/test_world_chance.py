"""The two ways to run a generator must mean the same thing."""

import math
import random
from collections import Counter, defaultdict

import pytest

from tasks.world.chance import Choice, Sampler, distinct, enumerate_paths, stream
from tasks.world.entities import ner_clause
from tasks.world.lexicon import FILLERS, ROLES, SECOND_WORDS
from tasks.world.names import world
from tasks.world.pairs import pair
from tasks.world.reviews import labelled_review
from tasks.world.spec import WorldSpec


def two_coins(choice: Choice) -> str:
    first = choice.pick(("a", "b"), (3.0, 1.0))
    mark = choice.nuisance(("!", "?"))
    if first == "b":
        return first + mark
    return first + mark + choice.pick(("x", "never", "y"), (0.5, 0.0, 0.5))


def test_every_path_once_with_its_probability() -> None:
    paths = [(result, probability) for probability, result in enumerate_paths(two_coins)]
    assert paths == [("a!x", 0.375), ("a!y", 0.375), ("b!", 0.25)]


def test_a_program_without_picks_has_one_path() -> None:
    assert list(enumerate_paths(lambda _: "only")) == [(1.0, "only")]


def test_sampler_follows_weights() -> None:
    sampler, draws = stream("weights"), 20_000
    counts = Counter(sampler.pick("abc", (1.0, 0.0, 3.0)) for _ in range(draws))
    assert counts["b"] == 0
    assert counts["a"] / draws == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / draws))


def test_sampler_survives_a_draw_at_the_very_end() -> None:
    class Last(random.Random):
        def random(self) -> float:
            return 1.0  # beyond what can be drawn: stands for a rounding error

    assert Sampler(Last()).pick("ab", (1.0, 0.0)) == "a"


def test_distinct_gives_every_ordered_choice_equally() -> None:
    paths = Counter[tuple[str, ...]]()
    for probability, drawn in enumerate_paths(lambda c: distinct(c.pick, "abc", 2)):
        paths[drawn] += probability
    assert len(paths) == 6
    assert all(math.isclose(share, 1 / 6) for share in paths.values())


def test_streams_differ_by_purpose_only() -> None:
    def take(*purpose: str | int) -> list[int]:
        sampler = stream(*purpose)
        return [sampler.pick(range(1000)) for _ in range(5)]

    assert take("a", 1) == take("a", 1)
    assert take("a", 1) != take("a", 2)
    assert take("a", 1) != take("b", 1)


@pytest.mark.parametrize("task", ["ner", "classification", "matching"])
def test_sampler_and_enumerator_agree(task: str) -> None:
    spec = WorldSpec()
    there = world(0, spec)

    def program(choice: Choice) -> tuple[str, str | int, str]:
        """Slice, answer and the last word that no nuisance can be."""
        if task == "ner":
            text = ner_clause(choice, there, spec.ner_slices)
            mention, words = text.mentions[0], text.words
            verb = [w for w in words[mention.start + 1 :] if w not in {*FILLERS, *SECOND_WORDS}]
            return mention.slice, mention.type, verb[0]
        if task == "matching":
            drawn = pair(choice, there, there.record_names["test"], spec.pair_slices)
            told = sum(word in ROLES["value"] for word in drawn.first)
            return drawn.slice, drawn.label, f"{told} facts"
        review = labelled_review(choice, there, spec.review_slices)
        return review.slice, review.label, "but" if "but" in review.words else ""

    exact: dict[tuple[str, str | int, str], float] = defaultdict(float)
    for probability, result in enumerate_paths(program):
        exact[result] += probability
    assert math.isclose(math.fsum(exact.values()), 1.0)

    sampler, draws = stream("agreement", task), 8_000
    counts = Counter(program(sampler) for _ in range(draws))
    assert set(counts) <= set(exact)
    surprise = sum((counts[k] - draws * p) ** 2 / (draws * p) for k, p in exact.items())
    freedom = len(exact) - 1
    assert surprise < freedom + 4 * math.sqrt(2 * freedom)
