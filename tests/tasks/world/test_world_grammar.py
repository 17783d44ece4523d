"""The judge of written texts: faultless where it should be, and exact where it should not."""

from collections.abc import Sequence

import pytest

from harness.contracts import Example
from tasks.world import lexicon as lx
from tasks.world.chance import Choice, Sampler, T, distinct, enumerate_paths, stream
from tasks.world.grammar import grade, grammatical
from tasks.world.records import Fact, Words, clause, facts, meaning, sentence, told
from tasks.world.spec import WorldSpec

SPEC = WorldSpec()
TEXT = "Vaki serves spicy dishes , has large rooms , and quotes low rates ."


class Every:
    """Takes nuisances for picks, so that an enumeration misses nothing."""

    def __init__(self, choice: Choice) -> None:
        self.pick = choice.pick

    def nuisance(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        return self.pick(options, weights)


def example(known: Sequence[Fact], name: str = "Vaki") -> Example:
    return Example("", meaning(name, known), ())


def faults(graded: Example, words: Sequence[str]) -> tuple[int, int, int]:
    grades = grade(graded, words)
    return grades["missing"], grades["added"], grades["wrong"]


def some(sampler: Sampler, count: int) -> list[Fact]:
    return list(facts(sampler.pick, count))


def another_value(sampler: Sampler, fact: Fact) -> Fact:
    others = [n for n in range(len(fact.attribute.values)) if n != fact.value]
    return fact._replace(value=sampler.pick(others))


@pytest.mark.parametrize("count, ways", [(1, 6), (2, 72), (3, 3_888)])
def test_every_way_to_tell_a_record_is_faultless(count: int, ways: int) -> None:
    known = some(stream("test", "realised", count), count)
    asked = example(known)
    texts = {words for _, words in enumerate_paths(lambda c: told(Every(c), "Vaki", known))}
    assert len(texts) == ways
    perfect = {"missing": 0, "added": 0, "wrong": 0, "slots": count}
    for words in texts:
        assert grade(asked, words) == {**perfect, "name_copied": 1, "grammatical": 1}


def planted(sampler: Sampler, known: Sequence[Fact], kinds: Sequence[str]) -> list[Fact]:
    """The facts with one fault of each kind, each at another fact."""
    told_facts = list(known)
    taken = {fact.attribute for fact in known}
    free = [attribute for attribute in lx.ATTRIBUTES if attribute not in taken]
    fresh = iter(distinct(sampler.pick, free, len(free)))
    for kind, fact in zip(kinds, distinct(sampler.pick, known, len(known)), strict=False):
        if kind == "missing":
            told_facts.remove(fact)
        elif kind == "wrong":
            told_facts[told_facts.index(fact)] = another_value(sampler, fact)
        elif kind == "repeated":
            told_facts.append(fact)
        elif kind == "contradicted":
            told_facts.append(another_value(sampler, fact))
        else:
            attribute = next(fresh)
            told_facts.append(Fact(attribute, sampler.pick(range(len(attribute.values)))))
    return told_facts


def test_as_many_faults_are_found_as_were_planted() -> None:
    sampler = stream("test", "planted")
    every = ("missing", "wrong", "repeated", "contradicted", "unasked")
    for round_ in range(1_500):
        known = some(sampler, sampler.pick((3, 4, 5)))
        kinds = [sampler.pick(every) for _ in range(min(round_ % 4, 6 - len(known)))]
        writes = planted(sampler, known, kinds)
        if not writes:
            continue  # three of three facts are missing: no sentence is left
        expected = (
            kinds.count("missing"),
            sum(kind in ("repeated", "contradicted", "unasked") for kind in kinds),
            kinds.count("wrong"),
        )
        clauses = [clause(sampler, fact, sampler.pick((0, 1))) for fact in writes]
        words = sentence(sampler, "Vaki", clauses)
        assert faults(example(known), words) == expected, (kinds, words)
        assert grade(example(known), words)["slots"] == len(known)
        assert grammatical(words)


def test_a_value_that_changes_twice_is_wrong_once() -> None:
    known = some(stream("test", "twice"), 3)
    wrong = [another_value(stream("test", "twice", n), known[0]) for n in (0, 1)]
    words = sentence(stream("test"), "Vaki", [clause(stream("test"), f, 0) for f in wrong])
    assert faults(example(known), words) == (2, 1, 1)


def test_facts_count_whatever_stands_around_them() -> None:
    sampler = stream("test", "around")
    for _ in range(300):
        known = some(sampler, 4)
        words = told(sampler, "Vaki", known)
        shuffled = distinct(sampler.pick, words, len(words))
        assert faults(example(known), shuffled) == (0, 0, 0)


def test_shuffled_words_are_no_sentence() -> None:
    sampler = stream("test", "shuffled")
    for _ in range(2_000):
        words = told(sampler, "Vaki", some(sampler, sampler.pick((3, 4, 5))))
        assert not grammatical(distinct(sampler.pick, words, len(words)))


def test_every_word_is_needed() -> None:
    """All but the comma before the last "and", which may stand or not."""
    sampler = stream("test", "needed")
    for _ in range(300):
        words = told(sampler, "Vaki", some(sampler, sampler.pick((3, 4, 5))))
        for place in range(len(words)):
            rest = words[:place] + words[place + 1 :]
            optional = words[place : place + 2] == (lx.COMMA, lx.AND)
            assert grammatical(rest) == optional, rest
            doubled = words[: place + 1] + words[place:]
            assert not grammatical(doubled), doubled


@pytest.mark.parametrize(
    "text, legal",
    [
        (TEXT, True),
        ("Vaki serves spicy dishes .", True),
        ("Vaki serves spicy dishes and has large rooms .", True),
        ("Vaki serves spicy dishes , and has large rooms .", False),
        ("Vaki serves spicy dishes , has large rooms .", False),
        ("Vaki serves spicy dishes and has large rooms , and quotes low rates .", False),
        ("Vaki serves spicy dishes and has large rooms , quotes low rates .", False),
        ("Vaki serves large dishes .", False),
        ("Vaki serves spicy meals .", False),
        ("Vaki serves spicy food .", False),
        ("Vaki serves spicy rooms .", False),
        ("Vaki spicy serves dishes .", False),
        ("Vaki Doru serves spicy dishes .", False),
        ("serves spicy dishes .", False),
        ("senator serves spicy dishes .", False),
        ("Vaki serves spicy dishes", False),
        ("Vaki serves spicy dishes . .", False),
        ("Vaki serves spicy dishes and .", False),
        ("Vaki .", False),
        (".", False),
        ("", False),
    ],
)
def test_sentences_of_the_language(text: str, legal: bool) -> None:
    assert grammatical(tuple(text.split())) == legal


@pytest.mark.parametrize(
    "text, copied",
    [
        (TEXT, 1),
        (TEXT.replace("Vaki", "Vako"), 0),
        ("Vaki " + TEXT, 0),
        ("the " + TEXT, 0),
        ("Vaki", 1),
        ("Va ki serves spicy dishes .", 0),
        ("serves spicy dishes , Vaki .", 0),
        ("vaki serves spicy dishes .", 0),
        ("", 0),
    ],
)
def test_the_name_is_the_subject(text: str, copied: int) -> None:
    assert grade(example(some(stream("name"), 3)), text.split())["name_copied"] == copied


def test_an_empty_or_foreign_text_misses_everything() -> None:
    asked = example(some(stream("test", "empty"), 5))
    for words in ((), ("zebra", "", "[UNK]", "##ki"), [lx.STOP]):
        assert faults(asked, words) == (5, 0, 0)
        assert grade(asked, words)["grammatical"] == 0


def test_no_word_of_a_record_as_input_counts_as_written() -> None:
    """Copying the input names every fact, in canonical words, and is no sentence."""
    known = some(stream("test", "copied"), 4)
    words: Words = meaning("Vaki", known)
    grades = grade(example(known), words)
    assert faults(example(known), words) == (0, 0, 0)
    assert (grades["name_copied"], grades["grammatical"]) == (0, 0)
