"""Splits are disjoint, complete, repeatable, and refuse what they cannot do."""

import os
import pickle
import re
import subprocess
import sys
from collections import Counter

import pytest

from harness.contracts import Example, InputError, Splits
from harness.examples.data import overlap
from tasks.world import lexicon as lx
from tasks.world.data import SIZES, corpus, load
from tasks.world.names import world
from tasks.world.spec import WorldSpec

TASKS = ("classification", "matching", "ner", "generation")


@pytest.fixture(scope="module", params=TASKS)
def splits(request: pytest.FixtureRequest) -> Splits:
    return load(request.param)


@pytest.fixture(scope="module")
def text() -> list[tuple[str, ...]]:
    return corpus(0, 6_000)


def every(splits: Splits) -> list[Example]:
    return [*splits.train, *splits.dev, *splits.test]


def texts_of(example: Example, task: str) -> list[tuple[str, ...]]:
    """Everything in plain English that an example holds."""
    if task == "generation":
        assert isinstance(example.target, tuple)
        return [tuple(text.split()) for text in example.target]
    return [example.words, example.second] if task == "matching" else [example.words]


def test_shape(splits: Splits) -> None:
    sizes = {"train": len(splits.train), "dev": len(splits.dev), "test": len(splits.test)}
    assert sizes == SIZES[splits.task]
    assert (splits.name, splits.source) == ("world", "embedded")
    assert splits.vocabulary == lx.vocabulary(WorldSpec())
    assert splits.test[17].id == f"world-{splits.task}-test-17"
    assert len({example.id for example in every(splits)}) == sum(sizes.values())
    parts = {unit.slice for example in splits.test for unit in example.units}
    if splits.task == "generation":
        assert splits.caps == {}
        assert parts == {"3 facts", "4 facts", "5 facts"}
    else:
        assert parts | {"all"} == set(splits.caps["causal/last"])
    assert (splits.grade is None) == (splits.metrics == ()) == (splits.task != "generation")


def test_no_text_twice(splits: Splits) -> None:
    texts = Counter(text for e in every(splits) for text in texts_of(e, splits.task))
    assert [text for text, n in texts.items() if n > 1] == []
    assert [w for w, n in Counter(e.words for e in every(splits)).items() if n > 1] == []
    assert overlap(splits) == []


@pytest.mark.parametrize("task", ["classification", "ner"])
def test_training_never_shows_what_is_held_out(task: str) -> None:
    splits = load(task)
    there = world(0, WorldSpec())
    hidden = {w for words in there.held_out_polarity for w in words}
    hidden |= {name for names in there.held_out.values() for name in names}
    assert not hidden & {word for example in splits.train for word in example.words}
    assert hidden & {word for example in splits.dev for word in example.words}
    assert hidden & {word for example in splits.test for word in example.words}


def test_sentences_stay_short_and_within_the_vocabulary(
    splits: Splits, text: list[tuple[str, ...]]
) -> None:
    known = set(lx.vocabulary(WorldSpec()))
    told = [words for example in every(splits) for words in texts_of(example, splits.task)]
    for words in [*(example.words for example in every(splits)), *told, *text]:
        pieces = [piece for word in words for piece in lx.pieces(word)]
        assert set(pieces) <= known
        assert len(pieces) <= 44  # leaves room for two special pieces in a window of 46


def test_labels_of_reviews() -> None:
    splits = load("classification")
    assert splits.labels == ("negative", "positive")
    for example in every(splits):
        assert example.target in (0, 1)
        assert [unit[1:] for unit in example.units] == [(0, len(example.words), "")]


def test_tags_are_iob2_and_match_the_units() -> None:
    splits = load("ner")
    assert splits.labels == ("PER", "ORG", "LOC", "PRO")
    for example in every(splits):
        assert isinstance(example.target, tuple)
        expected = ["O"] * len(example.words)
        for unit in example.units:
            kind = example.target[unit.start].removeprefix("B-")
            assert kind in splits.labels
            assert unit.key == example.words[unit.start]
            expected[unit.start : unit.end] = [f"B-{kind}", f"I-{kind}"][: unit.end - unit.start]
        assert example.target == tuple(expected)


@pytest.mark.parametrize("task", TASKS)
def test_evaluation_does_not_depend_on_training(task: str) -> None:
    usual, small = load(task), load(task, train_size=50, train_limit=20)
    assert (small.dev, small.test) == (usual.dev, usual.test)
    assert load(task, test_size=30).test == usual.test[:30]
    assert load(task, dev_size=30).test == usual.test


def test_a_limit_takes_a_repeatable_part() -> None:
    whole = load("ner").train
    some = load("ner", train_limit=100).train
    assert len(some) == 100
    assert some == load("ner", train_limit=100).train
    assert some != load("ner", train_limit=100, limit_seed=1).train
    assert some != whole[:100]
    assert set(some) < set(whole)
    assert list(some) == sorted(some, key=whole.index)


def test_seeds_differ() -> None:
    first, second = load("ner", seed=0, train_size=1), load("ner", seed=1, train_size=1)
    assert first.test != second.test
    assert first.caps["causal/first"] != second.caps["causal/first"]


def test_splits_travel_between_processes(splits: Splits) -> None:
    assert pickle.dumps(splits)


def test_another_process_draws_the_same() -> None:
    drawn = f"[load(task, 0, 30, 30, 30) for task in {TASKS}], corpus(0, 300)"
    script = f"from tasks.world.data import corpus, load; print(repr(({drawn})))"
    other = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    here = [load(task, 0, 30, 30, 30) for task in TASKS], corpus(0, 300)

    def plain(text: str) -> str:
        return re.sub(r"<function grade at 0x\w+>", "grade", text.strip())

    assert plain(other.stdout) == plain(repr(here))


def test_corpus_holds_no_text_of_any_evaluation(text: list[tuple[str, ...]]) -> None:
    held = {
        words
        for task in TASKS
        for e in (*load(task).dev, *load(task).test)
        for words in texts_of(e, task)
    }
    assert not held & set(text)


def test_corpus_does_not_know_the_names_of_evaluated_records(text: list[tuple[str, ...]]) -> None:
    pools = world(0, WorldSpec()).record_names
    words = {word for sentence in text for word in sentence}
    assert not words & {*pools["dev"], *pools["test"]}
    assert len(words & set(pools["train"])) > 500


def test_corpus_redraws_what_an_evaluation_holds() -> None:
    """Without fillers and cues the corpus can hardly help meeting a test sentence."""
    none = (0, 0)
    bare = WorldSpec(
        before=none,
        between=none,
        after=none,
        second_word=0.0,
        corpus_records=0.0,
        corpus_entities=1.0,
        corpus_two_clauses=0.0,
        corpus_names=(("any", 1.0),),
        corpus_cue=0.0,
    )
    splits = load("ner", spec=bare)
    held = {example.words for example in (*splits.dev, *splits.test)}
    drawn = set(corpus(0, 2_000, bare))
    assert len(drawn) > 800
    assert not held & drawn


def test_corpus_shows_no_label_but_every_name(text: list[tuple[str, ...]]) -> None:
    there = world(0, WorldSpec())
    words = {word.lower() for sentence in text for word in sentence}
    labels = {"negative", "positive", "different", "same", *map(str.lower, lx.TYPES)}
    assert not words & labels
    assert not words & set(lx.ROLES["record mark"])  # no record in its form as input
    pools = (there.seen, there.held_out)
    names = {name.lower() for pool in pools for group in pool.values() for name in group}
    assert names <= words
    assert 11 < sum(lx.piece_count(sentence) for sentence in text) / len(text) < 14


def test_a_longer_corpus_begins_with_the_shorter(text: list[tuple[str, ...]]) -> None:
    assert corpus(0, 50) == text[:50]


@pytest.mark.parametrize(
    "task, options, complaint",
    [
        ("parsing", {}, "no 'parsing'; choose from classification, matching, ner, gen"),
        ("ner", {"test_size": 0}, "data.test_size: expected a positive number, got 0"),
        ("ner", {"train_size": 10, "train_limit": 11}, "data.train_limit=11: .*from 1 to 10"),
        ("ner", {"train_limit": 0}, "data.train_limit"),
    ],
)
def test_mistakes_are_named(task: str, options: dict[str, int], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        load(task, **options)


def test_an_exhausted_language_says_so() -> None:
    none = (0, 0)
    tiny = WorldSpec(
        before=none, between=none, after=none, two_clauses=0.0, second_word=0.0,
        names_per_type=2, ambiguous_per_pair=1, ner_slices=(("U", 1.0),),
    )  # fmt: skip
    with pytest.raises(InputError, match=r"data\.test_size: .*run out of new sentences"):
        load("ner", test_size=500, spec=tiny)
