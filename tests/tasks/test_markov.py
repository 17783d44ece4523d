"""The Markov language has the entropies that it says it has, and draws what its table says."""

import itertools

import numpy as np
import pytest

from harness.contracts import InputError
from harness.weights.assets import SPECIALS
from tasks.markov import Source

SMALL = Source(states=3, concentration=0.5, length=5, seed=4)


def weights(source, length):
    """Probability of every sequence of states, by multiplying through."""
    for states in itertools.product(range(source.states), repeat=length):
        share = source.stationary[states[0]]
        for one, other in itertools.pairwise(states):
            share *= source.transitions[one, other]
        yield states, share


def test_known_entropies_of_the_default_language():
    found = Source().entropies()
    assert found == pytest.approx({"unigram": 4.860, "left": 2.935, "both": 1.469}, abs=5e-4)


def test_entropies_are_those_of_all_sequences_of_three():
    found = SMALL.entropies()
    pairs, skips, bits = {}, {}, {"unigram": 0.0, "left": 0.0, "both": 0.0}
    for (a, b, c), share in weights(SMALL, 3):
        pairs[a, b] = pairs.get((a, b), 0) + share
        skips[a, c] = skips.get((a, c), 0) + share
    for (a, b, c), share in weights(SMALL, 3):
        bits["unigram"] -= share * np.log2(SMALL.stationary[b])
        bits["left"] -= share * np.log2(pairs[a, b] / SMALL.stationary[a])
        bits["both"] -= share * np.log2(share / skips[a, c])
    assert found == pytest.approx(bits)


def test_knowing_the_whole_sequence_is_knowing_the_neighbours():
    """H(word | all others) by enumeration of whole sequences, not of triples."""
    whole, others, place = dict(weights(SMALL, 5)), {}, 2
    for states, share in whole.items():
        rest = states[:place] + states[place + 1 :]
        others[rest] = others.get(rest, 0) + share
    bits = -sum(
        share * np.log2(share / others[states[:place] + states[place + 1 :]])
        for states, share in whole.items()
    )
    assert bits == pytest.approx(SMALL.entropies()["both"])


def test_the_stationary_shares_stay_as_they_are():
    source = Source()
    assert source.stationary.sum() == pytest.approx(1)
    assert source.stationary @ source.transitions == pytest.approx(source.stationary)


def test_sequences_follow_the_table_from_the_first_word_on():
    drawn = SMALL.sample(4000, 0)
    place = {word: state for state, word in enumerate(SMALL.vocabulary[len(SPECIALS) :])}
    states = np.array([[place[word] for word in words] for words in drawn])
    assert states.shape == (4000, 5)
    for column in states.T:
        assert np.bincount(column, minlength=3) / 4000 == pytest.approx(SMALL.stationary, abs=0.04)
    for state in range(3):
        after = states[:, 1:][states[:, :-1] == state]
        shares = np.bincount(after, minlength=3) / len(after)
        assert shares == pytest.approx(SMALL.transitions[state], abs=0.04)


def test_equal_streams_are_equal_and_others_differ():
    source = Source()
    assert source.sample(20, 1) == Source().sample(20, 1)
    assert not set(source.sample(200, 0)) & set(source.sample(200, 1))
    assert source.sample(5, 0) != Source(seed=1).sample(5, 0)


@pytest.mark.parametrize(("context", "words"), [("left", 31), ("both", 30)])
def test_a_perfect_reader_needs_the_entropy_on_average(context, words):
    source = Source()
    found = source.surprisals(source.sample(3000, 2), context)
    assert found.shape == (3000, words)
    error = found.mean(1).std() / 3000**0.5
    assert abs(found.mean() - source.entropies()[context]) < 4 * error


def test_surprisals_by_hand():
    words = SMALL.vocabulary[len(SPECIALS) :]
    step = SMALL.transitions
    sequence = [tuple(words[state] for state in (0, 2, 1))]
    left = SMALL.surprisals(sequence, "left")
    assert left[0] == pytest.approx([-np.log2(step[0, 2]), -np.log2(step[2, 1])])
    reached = sum(step[0, middle] * step[middle, 1] for middle in range(3))
    both = SMALL.surprisals(sequence, "both")
    assert both[0] == pytest.approx([-np.log2(step[0, 2] * step[2, 1] / reached)])


def test_the_vocabulary_starts_with_the_special_tokens():
    vocabulary = Source().vocabulary
    assert vocabulary[: len(SPECIALS)] == SPECIALS
    assert len(set(vocabulary)) == len(SPECIALS) + 32


@pytest.mark.parametrize(
    "wrong", [{"states": 1}, {"length": 2}, {"seed": -1}, {"concentration": 0.0}], ids=str
)
def test_a_language_that_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(InputError, match=f"source.{next(iter(wrong))}="):
        Source(**wrong)
