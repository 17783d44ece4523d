"""What the generators write, read back by rules written independently of them."""

import math
from collections import Counter, defaultdict

import pytest

from tasks.world import lexicon as lx
from tasks.world.chance import stream
from tasks.world.entities import Text, corpus_sentence, ner_clause, ner_sentence
from tasks.world.names import world
from tasks.world.reviews import corpus_review, labelled_review
from tasks.world.spec import WorldSpec

SPEC = WorldSpec()
WORLD = world(0, SPEC)
LEFT = {word: kind for kind, words in lx.LEFT_CUES.items() for word in words}
RIGHT = {word: kind for kind, words in lx.RIGHT_CUES.items() for word in words}
AMBIGUOUS = {name: pair for pair, names in WORLD.ambiguous.items() for name in names}
PURE = {
    name: kind
    for pool in (WORLD.seen, WORLD.held_out)
    for kind, names in pool.items()
    for name in names
}
HELD_OUT = {name for names in WORLD.held_out.values() for name in names}


def near(count: int, total: int, share: float) -> bool:
    return abs(count / total - share) < 4 * math.sqrt(share * (1 - share) / total)


def cues(words: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """The types that the cues of one clause speak for."""
    return {LEFT[w] for w in words if w in LEFT}, {RIGHT[w] for w in words if w in RIGHT}


def clauses(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == lx.AND:
            parts.append([])
        else:
            parts[-1].append(word)
    return [tuple(part) for part in parts]


def side(words: list[str]) -> list[int]:
    """1 or -1 for each polarity word of a clause, turned round by a negator before it."""
    found, sign = [], 1
    for word in words:
        if word in lx.NEGATORS:
            sign = -1
        elif word in lx.POSITIVE or word in lx.NEGATIVE:
            found.append(sign if word in lx.POSITIVE else -sign)
            sign = 1
    return found


def opinions(words: tuple[str, ...]) -> tuple[list[int], list[int]]:
    """Sides taken by the main clause and by those it outweighs."""
    text, outweighed = list(words), []
    while text[0] == lx.ALTHOUGH:
        cut = text.index(lx.COMMA)
        outweighed += side(text[:cut])
        text = text[cut + 1 :]
    if lx.BUT in text:
        cut = text.index(lx.BUT)
        outweighed += side(text[:cut])
        text = text[cut + 1 :]
    if lx.ALTHOUGH in text:
        cut = text.index(lx.ALTHOUGH)
        outweighed += side(text[cut:])
        text = text[:cut]
    return side(text), outweighed


@pytest.fixture(scope="module")
def labelled() -> list[Text]:
    sampler = stream("test", "labelled")
    return [ner_sentence(sampler, WORLD, SPEC.ner_slices) for _ in range(4_000)]


def test_slice_shares_of_entities(labelled: list[Text]) -> None:
    counts = Counter(m.slice for text in labelled for m in text.mentions)
    for part, share in SPEC.ner_slices:
        assert near(counts[part], counts.total(), share), part
    assert near(sum(len(t.mentions) == 2 for t in labelled), len(labelled), SPEC.two_clauses)


def test_each_slice_is_decided_by_what_it_says(labelled: list[Text]) -> None:
    for text in labelled:
        parts = clauses(text.words)
        assert len(parts) == len(text.mentions)
        for words, mention in zip(parts, text.mentions, strict=True):
            left, right = cues(words)
            own = {mention.type}
            assert left == (own if mention.slice in "LB" else set())
            assert right == (own if mention.slice in "RB" else set())
            if mention.slice in "UG":
                assert PURE[mention.name] == mention.type
                assert (mention.name in HELD_OUT) == (mention.slice == "G")
            else:
                assert mention.type in AMBIGUOUS[mention.name]


def test_mentions_cover_the_name_and_its_second_word(labelled: list[Text]) -> None:
    seconds = 0
    for text in labelled:
        marked = [text.words[m.start : m.end] for m in text.mentions]
        assert [entity[0] for entity in marked] == [m.name for m in text.mentions]
        assert all(set(entity[1:]) <= set(lx.SECOND_WORDS) for entity in marked)
        capitals = [word for word in text.words if word[0].isupper()]
        assert capitals == [word for entity in marked for word in entity]
        seconds += sum(len(entity) - 1 for entity in marked)
    assert near(seconds, sum(len(t.mentions) for t in labelled), SPEC.second_word)


def test_type_of_an_ambiguous_name_is_a_coin_whatever_stands_before_it() -> None:
    sampler = stream("test", "coin")
    heads: dict[tuple[str, object], list[bool]] = defaultdict(list)
    for _ in range(12_000):
        text = ner_clause(sampler, WORLD, (("R", 0.7), ("N", 0.3)))
        mention = text.mentions[0]
        first = mention.type == AMBIGUOUS[mention.name][0]
        heads["word", text.words[mention.start - 1]].append(first)
        heads["length", mention.start].append(first)
        heads["opening", text.words[0] if mention.start > 1 else ""].append(first)
        heads["name", mention.name].append(first)
    assert len(heads) > 70
    # 4.5 standard errors: about eighty coins are thrown at once.
    for context, falls in heads.items():
        assert abs(sum(falls) / len(falls) - 0.5) < 4.5 * 0.5 / math.sqrt(len(falls)), context


def test_reviews_mean_what_their_label_says() -> None:
    sampler = stream("test", "reviews")
    counts: Counter[str] = Counter()
    positive: Counter[str] = Counter()
    asides = 0
    for _ in range(4_000):
        review = labelled_review(sampler, WORLD, SPEC.review_slices)
        counts[review.slice] += 1
        positive[review.slice] += review.label
        main, other = opinions(review.words)
        assert main == ([] if review.slice == "none" else [1 if review.label else -1])
        if review.slice == "con":
            assert -main[0] in other
            asides += len(other) - 1
        else:
            assert other == []
        if review.slice != "con":
            assert (review.slice == "neg") == bool(set(review.words) & set(lx.NEGATORS))
        new = {word for words in WORLD.held_out_polarity for word in words} & set(review.words)
        assert (review.slice == "new") == bool(new)
    for part, share in SPEC.review_slices:
        assert near(counts[part], counts.total(), share), part
        assert near(positive[part], counts[part], 0.5), part
    assert near(asides, counts["con"], SPEC.aside)


def test_corpus_entities_always_leave_a_trace_of_their_type() -> None:
    sampler = stream("test", "corpus entities")
    names: set[str] = set()
    sides: Counter[bool] = Counter()
    for _ in range(3_000):
        text = corpus_sentence(sampler, WORLD)
        for words, mention in zip(clauses(text.words), text.mentions, strict=True):
            left, right = cues(words)
            assert left | right <= {mention.type}
            if mention.name in AMBIGUOUS:
                assert left | right
            else:
                sides[bool(left)] += 1
                sides[bool(right)] += 1
            names.add(mention.name)
    assert names == {*PURE, *AMBIGUOUS}
    assert near(sides[True], sides.total(), SPEC.corpus_cue)


def test_corpus_opinions_agree_except_across_a_turn() -> None:
    sampler = stream("test", "corpus reviews")
    words_seen: set[str] = set()
    turns = negated = 0
    for _ in range(3_000):
        words = corpus_review(sampler, WORLD)
        main, other = opinions(words)
        assert len(set(main)) <= 1
        assert {-sign for sign in main} >= set(other)
        turns += bool(other)
        negated += bool(set(words) & set(lx.NEGATORS))
        words_seen |= set(words)
    assert words_seen >= {*lx.POSITIVE, *lx.NEGATIVE, *lx.PLAIN}
    assert near(turns, 3_000, SPEC.corpus_turn * (1 - SPEC.corpus_plain))
    assert negated > 600  # about three adjectives a review
