"""Pairs mean what their label says, and nothing but meaning gives it away."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace

import pytest

from tasks.world import lexicon as lx
from tasks.world.chance import stream
from tasks.world.names import world
from tasks.world.pairs import Pair, Words, pair
from tasks.world.spec import WorldSpec

SPEC = WorldSpec()
WORLD = world(0, SPEC)
STRICT = world(0, replace(SPEC, pair_again=0.0))  # where no word tells by being said again
NAMES = WORLD.record_names["train"]
HARD = (("same", 0.40), ("value", 0.25), ("role", 0.15))
VALUES = {
    word: (attribute.key, place)
    for attribute in lx.ATTRIBUTES
    for place, value in enumerate(attribute.values)
    for word in value
}
RELATED = {verb: place for place, verbs in enumerate(lx.RELATIONS) for verb in verbs}
TEMPLATES = {*lx.ROLES["fact verb"], *lx.ROLES["fact noun"]}


def meant(words: Words) -> dict[str, int]:
    return dict(VALUES[word] for word in words if word in VALUES)


def related(words: Words) -> bool:
    return bool(set(words) & set(RELATED))


def near(count: int, total: int, share: float, errors: float = 4.0) -> bool:
    return abs(count / total - share) < errors * math.sqrt(share * (1 - share) / total)


@pytest.fixture(scope="module")
def usual() -> list[Pair]:
    sampler = stream("test", "pairs")
    return [pair(sampler, WORLD, NAMES, SPEC.pair_slices) for _ in range(8_000)]


@pytest.fixture(scope="module")
def hard() -> list[Pair]:
    """Without easy and undecidable pairs and repeated words: labels are balanced here too."""
    sampler = stream("test", "hard pairs")
    return [pair(sampler, STRICT, NAMES, HARD) for _ in range(12_000)]


def test_shares_and_balance(usual: list[Pair]) -> None:
    counts = Counter("same" if d.slice == "again" else d.slice for d in usual)
    for part, share in SPEC.pair_slices:
        assert near(counts[part], len(usual), share), part
    shares = dict(SPEC.pair_slices)
    assert shares["same"] == pytest.approx(shares["value"] + shares["role"] + shares["other"])
    assert near(sum(drawn.label for drawn in usual), len(usual), 0.5)
    assert near(sum(d.label for d in usual if d.slice == "vague"), counts["vague"], 0.5)


def test_each_slice_is_what_it_says(usual: list[Pair]) -> None:
    for drawn in usual:
        first, second = meant(drawn.first), meant(drawn.second)
        names = [[w for w in words if lx.is_name(w)] for words in (drawn.first, drawn.second)]
        if drawn.slice == "vague":
            assert names[1] == names[0][:1]
            assert not second
            assert not related(drawn.second)
            continue
        assert drawn.label == (drawn.slice in ("same", "again"))
        verbs = [RELATED[w] for w in (*drawn.first, *drawn.second) if w in RELATED]
        assert len(verbs) in (0, 2)
        assert len(set(verbs)) <= 1
        assert bool(verbs) or 1 <= len(first) == len(second) <= 2
        changed = sum(first[key] != second.get(key) for key in first)
        if drawn.slice in ("same", "again"):
            assert (names[0], changed) == (names[1], 0)
            twice = set(drawn.first) & set(drawn.second) & set(VALUES)
            assert bool(twice) == (drawn.slice == "again")
        elif drawn.slice == "value":
            assert (names[0], changed, first.keys()) == (names[1], 1, second.keys())
        elif drawn.slice == "role":
            assert names[0] == names[1][::-1]
            assert verbs
        else:
            assert not set(names[0]) & set(names[1])


def test_who_is_spoken_of_says_nothing(usual: list[Pair]) -> None:
    """A pair about two inns is as often the same as not, in every slice's company."""
    labels = [drawn.label for drawn in usual if related(drawn.first)]
    assert near(sum(labels), len(labels), 0.5)
    share = len(labels) / len(usual)
    vague = [related(drawn.first) for drawn in usual if drawn.slice == "vague"]
    assert near(sum(vague), len(vague), share)


def shared(drawn: Pair, among: set[str]) -> int:
    return len(set(drawn.first) & set(drawn.second) & among)


def attributes(words: Words) -> tuple[str, ...]:
    return tuple(VALUES[word][0] for word in words if word in VALUES)


CUES: dict[str, Callable[[Pair], Hashable]] = {
    "nothing": lambda _: None,
    "lengths": lambda p: (len(p.first), len(p.second)),
    "difference of lengths": lambda p: len(p.first) - len(p.second),
    "shared words": lambda p: len(set(p.first) & set(p.second)),
    "shared values": lambda p: (len(p.first), shared(p, set(VALUES))),
    "shared templates": lambda p: (len(p.first), shared(p, TEMPLATES)),
    "shared everything": lambda p: (shared(p, set(VALUES)), shared(p, TEMPLATES)),
    "joints": lambda p: tuple((w.count(lx.AND), w.count(lx.COMMA)) for w in (p.first, p.second)),
    "about two inns": lambda p: related(p.first),
    "names as a bag": lambda p: Counter(p.first)[p.first[0]] + Counter(p.second)[p.first[0]],
    "order of attributes": lambda p: attributes(p.first) == attributes(p.second),
    "first attribute": lambda p: (attributes(p.first)[:1], attributes(p.second)[:1]),
    "last word of the first": lambda p: p.first[-2] if not related(p.first) else "",
    "canonical words": lambda p: tuple(
        sum(w in VALUES and any(w == v[0] for a in lx.ATTRIBUTES for v in a.values) for w in words)
        for words in (p.first, p.second)
    ),
}


def accuracy(pairs: list[Pair], cue: Callable[[Pair], Hashable]) -> float:
    """Of a table learned from the first two thirds, on the last."""
    cut = 2 * len(pairs) // 3
    counts: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for drawn in pairs[:cut]:
        counts[cue(drawn)][drawn.label] += 1
    right = sum(d.label == (counts[cue(d)][1] > counts[cue(d)][0]) for d in pairs[cut:])
    return right / (len(pairs) - cut)


@pytest.mark.parametrize("cue", CUES)
def test_no_cue_without_meaning_helps(hard: list[Pair], cue: str) -> None:
    # 4.5 standard errors: more than a dozen cues are tried.
    chance = 4.5 * 0.5 / math.sqrt(len(hard) / 3)
    assert abs(accuracy(hard, CUES[cue]) - 0.5) < chance


def test_the_instrument_finds_what_is_there(hard: list[Pair], usual: list[Pair]) -> None:
    def solved(drawn: Pair) -> Hashable:
        return meant(drawn.first) == meant(drawn.second) and drawn.first[0] == drawn.second[0]

    assert accuracy(hard, solved) == 1.0
    easy = [drawn for drawn in usual if drawn.slice in ("same", "again", "other")]
    assert accuracy(easy, lambda p: p.first[0] == p.second[0]) == 1.0


def features(drawn: Pair) -> Iterator[tuple[int, str]]:
    """Every word with the text it stands in, but no names: each occurs too seldom to learn."""
    for side, words in enumerate((drawn.first, drawn.second)):
        yield from ((side, word) for word in set(words) if not lx.is_name(word))


def test_a_bag_of_words_is_at_chance(hard: list[Pair]) -> None:
    """Naive Bayes over the words of both texts."""
    cut = 2 * len(hard) // 3
    counts: tuple[Counter[tuple[int, str]], ...] = (Counter(), Counter())
    for drawn in hard[:cut]:
        counts[drawn.label].update(features(drawn))
    labels = Counter(drawn.label for drawn in hard[:cut])

    def score(drawn: Pair, label: int) -> float:
        return math.fsum(
            math.log((counts[label][f] + 1) / (labels[label] + 2)) for f in features(drawn)
        )

    right = sum(d.label == (score(d, 1) > score(d, 0)) for d in hard[cut:])
    assert near(right, len(hard) - cut, 0.5)


@pytest.mark.parametrize("part", ["value", "role"])
def test_lengths_and_overlaps_are_distributed_alike(hard: list[Pair], part: str) -> None:
    """Two samples, compared cell by cell: same pairs of the kind against those of the slice."""
    kind = [drawn for drawn in hard if related(drawn.first) == (part == "role")]
    groups = [[d for d in kind if d.slice == "same"], [d for d in kind if d.slice == part]]
    for cue in ("lengths", "difference of lengths", "shared values", "shared templates", "joints"):
        tables = [Counter(CUES[cue](drawn) for drawn in group) for group in groups]
        cells = [cell for cell in tables[0] + tables[1] if (tables[0] + tables[1])[cell] > 40]
        surprise = 0.0
        for cell in cells:
            both = sum(table[cell] for table in tables)
            for table, group in zip(tables, groups, strict=True):
                expected = both * len(group) / len(kind)
                surprise += (table[cell] - expected) ** 2 / expected
        freedom = max(1, len(cells) - 1)
        assert surprise < freedom + 4 * math.sqrt(2 * freedom), cue
