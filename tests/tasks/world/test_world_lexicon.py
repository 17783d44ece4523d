"""The vocabulary is closed, every word plays one part, and splits in one way."""

from collections import Counter

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece

from tasks.world import lexicon as lx
from tasks.world.names import PAIRS, World, world
from tasks.world.spec import WorldSpec


def all_names(there: World) -> list[str]:
    groups = [*there.seen.values(), *there.held_out.values(), *there.ambiguous.values()]
    return [name for group in groups for name in group]


def test_no_word_has_two_roles_and_no_piece_occurs_twice() -> None:
    assert [w for w, n in Counter(lx.WORDS).items() if n > 1] == []
    vocabulary = lx.vocabulary(WorldSpec())
    assert len(set(vocabulary)) == len(vocabulary)
    assert vocabulary[:6] == ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[EOS]")
    assert len(lx.FIRST_PIECES) == len(lx.LAST_PIECES) == 70


def test_inventory() -> None:
    assert {len(words) for words in (*lx.LEFT_CUES.values(), *lx.RIGHT_CUES.values())} == {5}
    assert len(lx.LEFT_NEUTRAL) == len(lx.RIGHT_NEUTRAL) == 5
    assert len(lx.POSITIVE) == len(lx.NEGATIVE) == 24
    assert len(lx.FILLERS) == 40
    assert len(lx.SECOND_WORDS) == 20
    assert len(lx.ATTRIBUTES) == 6
    assert {len(attribute.values) for attribute in lx.ATTRIBUTES} == {4}
    assert {len(attribute.templates) for attribute in lx.ATTRIBUTES} == {3}
    assert len(lx.ROLES["value"]) == 6 * 4 * 2


def test_new_words_stand_behind_the_old_ones() -> None:
    """So that pieces of the first version keep their places."""
    assert list(lx.ROLES)[-7:] == [
        "attribute", "fact verb", "fact noun", "value", "relation", "restating", "record mark",
    ]  # fmt: skip
    old = lx.vocabulary().index(lx.PLAIN[-1])
    assert lx.vocabulary()[old + 1] == lx.ATTRIBUTES[0].key


@pytest.mark.parametrize("seed", range(5))
def test_a_greedy_word_piece_tokenizer_splits_every_word_the_same_way(seed: int) -> None:
    places = {piece: place for place, piece in enumerate(lx.vocabulary(WorldSpec()))}
    tokenizer = Tokenizer(WordPiece(places, unk_token="[UNK]", continuing_subword_prefix="##"))
    for word in (*lx.WORDS, *all_names(world(seed, WorldSpec()))):
        assert tuple(tokenizer.encode(word).tokens) == lx.pieces(word)


def test_any_two_syllables_would_split_as_a_name() -> None:
    clashes = {a + b[2:] for a in lx.FIRST_PIECES for b in lx.LAST_PIECES} & set(lx.WORDS)
    assert clashes == set()


def test_a_foreign_word_is_refused() -> None:
    for word in ("zebra", "", "Mi", "miRa", "Miraa"):
        assert not lx.is_name(word)
        with pytest.raises(ValueError, match="is not a word of the embedded world"):
            lx.pieces(word)


def test_names_are_different_and_split_as_specified() -> None:
    there = world(0, WorldSpec())
    names = all_names(there)
    assert len(names) == len(set(names)) == 94
    assert {len(there.seen[kind]) for kind in lx.TYPES} == {11}
    assert {len(there.held_out[kind]) for kind in lx.TYPES} == {5}
    assert {len(there.ambiguous[pair]) for pair in PAIRS} == {5}
    assert all(len(lx.pieces(name)) == 2 for name in names)


@pytest.mark.parametrize("seed", range(3))
def test_names_of_records_are_shared_out(seed: int) -> None:
    there = world(seed, WorldSpec())
    pools = there.record_names
    everything = [*all_names(there), *(name for pool in pools.values() for name in pool)]
    assert len(everything) == len(set(everything))
    assert list(pools) == ["train", "dev", "test"]
    sizes = {split: len(pool) / sum(map(len, pools.values())) for split, pool in pools.items()}
    assert sizes == pytest.approx(dict(WorldSpec().record_names), abs=0.001)
    known = {piece for name in pools["train"] for piece in lx.pieces(name)}
    assert known == {*lx.FIRST_PIECES, *lx.LAST_PIECES}  # others are built from known pieces


def test_each_polarity_word_is_either_seen_or_held_out() -> None:
    there = world(0, WorldSpec())
    for side, words in enumerate((lx.NEGATIVE, lx.POSITIVE)):
        parts = there.seen_polarity[side] + there.held_out_polarity[side]
        assert sorted(parts) == sorted(words)
        assert len(there.seen_polarity[side]) == 14


def test_another_seed_is_another_world_with_the_same_pieces() -> None:
    first, second = world(0, WorldSpec()), world(1, WorldSpec())
    assert first.seen != second.seen
    assert first.seen_polarity != second.seen_polarity
