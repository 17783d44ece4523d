"""What is told of inns, read back by rules written independently of the generator."""

import math
from collections import Counter

import pytest

from tasks.world import lexicon as lx
from tasks.world.chance import stream
from tasks.world.names import world
from tasks.world.records import Words, corpus_record, facts, meaning, told
from tasks.world.spec import WorldSpec

SPEC = WorldSpec()
WORLD = world(0, SPEC)
VALUES = {
    word: (attribute.key, place, synonym)
    for attribute in lx.ATTRIBUTES
    for place, value in enumerate(attribute.values)
    for synonym, word in enumerate(value)
}
VERBS = {verb: (place, noun) for place, (verb, noun) in enumerate(
    template for attribute in lx.ATTRIBUTES for template in attribute.templates
)}  # fmt: skip
OWNER = {
    word: attribute.key
    for attribute in lx.ATTRIBUTES
    for template in attribute.templates
    for word in (attribute.key, *template)
}
RELATED = {verb: place for place, verbs in enumerate(lx.RELATIONS) for verb in verbs}


def near(count: int, total: int, share: float) -> bool:
    return abs(count / total - share) < 4 * math.sqrt(share * (1 - share) / total)


def sentences(words: Words) -> list[Words]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == lx.STOP:
            parts.append([])
        else:
            parts[-1].append(word)
    assert parts[-1] == []  # the text ends with a stop
    return [tuple(part) for part in parts[:-1]]


def meant(words: Words) -> dict[str, int]:
    return {VALUES[word][0]: VALUES[word][1] for word in words if word in VALUES}


@pytest.fixture(scope="module")
def corpus() -> list[Words]:
    sampler = stream("test", "corpus records")
    return [corpus_record(sampler, WORLD) for _ in range(6_000)]


def test_a_record_can_be_told_in_every_way() -> None:
    sampler = stream("test", "told")
    known = facts(sampler.nuisance, 3)
    texts = {told(sampler, "Vaki", known) for _ in range(60_000)}
    assert len(texts) == 6 * 6**3 * 3  # orders, templates by synonyms, ways to join


def test_texts_are_short_and_their_clauses_agree() -> None:
    sampler = stream("test", "texts")
    for count in (1, 2, 3, 4, 5) * 200:
        known = facts(sampler.nuisance, count)
        words = told(sampler, "Vaki", known)
        assert lx.piece_count(words) <= 26
        assert (words[0], words[-1]) == ("Vaki", lx.STOP)
        assert meant(words) == {fact.attribute.key: fact.value for fact in known}
        for place, word in enumerate(words):
            if word in VERBS:
                assert words[place + 2] == VERBS[word][1]
                assert VALUES[words[place + 1]][0] == OWNER[word]


def test_facts_are_about_different_attributes() -> None:
    sampler = stream("test", "facts")
    attributes: Counter[str] = Counter()
    values: Counter[int] = Counter()
    for _ in range(2_000):
        known = facts(sampler.pick, 4, lx.ATTRIBUTES[0])
        assert len({fact.attribute.key for fact in known}) == 4
        attributes.update(fact.attribute.key for fact in known)
        values.update(fact.value for fact in known)
    assert lx.ATTRIBUTES[0].key not in attributes
    assert all(near(attributes[a.key], 2_000, 4 / 5) for a in lx.ATTRIBUTES[1:])
    assert all(near(values[value], values.total(), 1 / 4) for value in range(4))


def test_a_record_as_input_is_canonical() -> None:
    sampler = stream("test", "meaning")
    known = facts(sampler.nuisance, 3)
    words = meaning("Vaki", known)
    pairs = [f"{fact.attribute.key} {fact.attribute.values[fact.value][0]}" for fact in known]
    assert " ".join(words) == "name Vaki : " + " ; ".join(pairs)


def test_corpus_shows_every_word_and_no_form(corpus: list[Words]) -> None:
    counts = Counter(word for words in corpus for word in words)
    for role in ("attribute", "fact verb", "fact noun", "value", "relation", "restating"):
        assert min(counts[word] for word in lx.ROLES[role]) > 40, role
    assert not any(counts[word] for word in lx.ROLES["record mark"])
    names = {word for word in counts if lx.is_name(word)}
    assert names <= set(WORLD.record_names["train"])


def test_corpus_says_the_same_twice_in_other_words(corpus: list[Words]) -> None:
    kinds: Counter[str] = Counter()
    reworded = retold = 0
    for words in corpus:
        parts = sentences(words)
        if set(words) & set(RELATED):
            kinds["relation"] += 1
            verbs = [word for word in words if word in RELATED]
            names = [word for word in words if lx.is_name(word)]
            assert len({RELATED[verb] for verb in verbs}) == 1
            assert len(set(verbs)) == len(verbs)
            assert names == names[:2] * len(verbs)
            reworded += len(verbs) == 2
        elif set(words) & set(lx.RESTATING):
            kinds["restated"] += 1
            (first, second) = (word for word in words if word in VALUES)
            assert VALUES[first][:2] == VALUES[second][:2]
            assert VALUES[first][2] != VALUES[second][2]
            assert OWNER[words[-2]] == VALUES[first][0]
        else:
            kinds["retold" if len(parts) == 2 else "told"] += 1
            assert len({part[0] for part in parts}) == 1
            assert all(meant(part) == meant(parts[0]) for part in parts)
            retold += len(parts) == 2 and set(parts[0]) & set(VALUES) != set(parts[1]) & set(VALUES)
    for kind, share in SPEC.corpus_record_kinds:
        assert near(kinds[kind], len(corpus), share), kind
    assert near(reworded, kinds["relation"], SPEC.corpus_relation_reworded)
    assert retold > 0.6 * kinds["retold"]  # one to three coins, of which one must fall
