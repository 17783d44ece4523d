from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from pathlib import Path

import pytest
from seqeval.metrics import f1_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, Entities

from harness import metrics
from harness.metrics import accuracy, entity_f1, entity_f1_conlleval

TAGS = ("O", "B-A", "I-A", "B-B", "I-B", "B-creative-work", "I-creative-work")


ALL = sorted(
    path.stem for path in Path(metrics.__file__).parent.glob("*.py") if path.stem != "__init__"
)


@pytest.mark.parametrize("name", ALL)
def test_every_metric_keeps_its_contract(name: str) -> None:
    meter = metrics.meter(name)
    assert meter.limits[0] < meter.limits[1]
    assert meter.title
    assert isinstance(meter.lower_is_better, bool)
    nothing = meter.value(dict.fromkeys(meter.columns, 0.0))
    assert nothing == 0.0  # and no division by it
    known = [meter.ratio is not None, meter.values is not None, meter.no_interval is not None]
    assert sum(known) == 1  # how its error is known, or why not


def test_better_is_lower_for_errors() -> None:
    assert metrics.meter("slot_error").improves(-0.1) == 0.1
    assert metrics.meter("slot_error").caption == "slot error rate (lower is better)"
    assert metrics.meter("bleu").improves(-0.1) == -0.1
    assert metrics.meter("bleu").caption == "BLEU"


@pytest.mark.parametrize("name", ["unheard_of", "os.path", "../accuracy", ""])
def test_an_unknown_metric_is_named(name: str) -> None:
    with pytest.raises(metrics.UnknownMetric, match="metric"):
        metrics.meter(name)


def test_metrics_of_texts_are_known() -> None:
    assert metrics.of_texts(["slot_error", "bleu"])
    assert not metrics.of_texts(["entity_f1", "entity_f1_conlleval", "accuracy"])


@pytest.mark.parametrize(
    ("tags", "strict", "lenient"),
    [
        ("O O", set(), set()),
        ("", set(), set()),
        ("B-A I-A O B-B", {(0, 2, "A"), (3, 4, "B")}, {(0, 2, "A"), (3, 4, "B")}),
        ("B-A B-A", {(0, 1, "A"), (1, 2, "A")}, {(0, 1, "A"), (1, 2, "A")}),
        ("I-A I-A O", set(), {(0, 2, "A")}),
        ("O I-A B-A", {(2, 3, "A")}, {(1, 2, "A"), (2, 3, "A")}),
        ("B-A I-B I-B", {(0, 1, "A")}, {(0, 1, "A"), (1, 3, "B")}),
        ("B-A I-B I-A", {(0, 1, "A")}, {(0, 1, "A"), (1, 2, "B"), (2, 3, "A")}),
        ("B-x-y I-x-y", {(0, 2, "x-y")}, {(0, 2, "x-y")}),
    ],
)
def test_entities_of_a_tagging(tags: str, strict: set[object], lenient: set[object]) -> None:
    assert entity_f1.spans(tags.split()) == strict
    assert entity_f1_conlleval.spans(tags.split()) == lenient


def test_accuracy_and_f1_of_totals() -> None:
    assert accuracy.value({"correct": 3, "total": 4}) == 0.75
    assert accuracy.value({"correct": 0, "total": 0}) == 0.0
    assert entity_f1.value({"tp": 2, "pred": 3, "gold": 5}) == pytest.approx(0.5)
    assert entity_f1.value({"tp": 0, "pred": 0, "gold": 0}) == 0.0
    lenient = {"tp_conlleval": 1, "pred_conlleval": 1, "gold_conlleval": 3}
    assert entity_f1_conlleval.value(lenient) == pytest.approx(0.5)


def test_ratios_per_example_sum_to_the_value() -> None:
    columns = {"tp": [1, 0, 2], "pred": [1, 2, 2], "gold": [2, 0, 3]}
    numerator, denominator = entity_f1.ratio(columns)
    totals = {name: float(sum(column)) for name, column in columns.items()}
    assert sum(numerator) / sum(denominator) == entity_f1.value(totals)
    suffixed = {f"{name}_conlleval": column for name, column in columns.items()}
    assert entity_f1_conlleval.ratio(suffixed) == (numerator, denominator)
    assert accuracy.ratio({"correct": [1, 0], "total": [1, 1]}) == ([1, 0], [1, 1])


def _random_tagging(rng: random.Random, lengths: Sequence[int]) -> list[list[str]]:
    """Any tag may follow any other, so illegal I- tags abound."""
    return [rng.choices(TAGS, weights=(4, 2, 3, 2, 3, 1, 1), k=length) for length in lengths]


def _counts(
    gold: Sequence[Sequence[str]], pred: Sequence[Sequence[str]], openings: tuple[str, ...]
) -> tuple[int, int, int]:
    wanted = [entity_f1.spans(tags, openings) for tags in gold]
    found = [entity_f1.spans(tags, openings) for tags in pred]
    tp = sum(len(g & p) for g, p in zip(wanted, found, strict=True))
    return tp, sum(map(len, found)), sum(map(len, wanted))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_counts_agree_with_seqeval_on_random_taggings() -> None:
    rng = random.Random(20)
    illegal = 0
    for _ in range(1000):
        lengths = [rng.randint(1, 9) for _ in range(3)]
        gold, pred = _random_tagging(rng, lengths), _random_tagging(rng, lengths)
        tp, found, wanted = _counts(gold, pred, ("B",))
        assert found == sum(map(len, Entities(pred, IOB2).entities))
        assert wanted == sum(map(len, Entities(gold, IOB2).entities))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            strict = f1_score(gold, pred, mode="strict", scheme=IOB2)
            lenient = f1_score(gold, pred)
        assert entity_f1.f1(tp, found, wanted) == pytest.approx(strict, abs=1e-12)
        tp, opened, wanted = _counts(gold, pred, ("B", "I"))
        assert opened == sum(len(get_entities(tags)) for tags in pred)
        assert entity_f1.f1(tp, opened, wanted) == pytest.approx(lenient, abs=1e-12)
        illegal += opened - found
    assert illegal > 1000


def test_entities_agree_with_seqeval_one_by_one() -> None:
    rng = random.Random(21)
    for _ in range(1000):
        (tags,) = _random_tagging(rng, [rng.randint(1, 12)])
        (theirs,) = Entities([tags], IOB2).entities
        assert entity_f1.spans(tags) == {(e.start, e.end, e.tag) for e in theirs}
        lenient = {(start, end + 1, kind) for kind, start, end in get_entities(tags)}
        assert entity_f1_conlleval.spans(tags) == lenient


def test_padding_scored_as_o_lets_a_tagger_that_finds_nothing_pass_for_a_good_one() -> None:
    """A published "97.3 % F1" on CoNLL-2003 counted tags, padding included.

    Counted like that over the 3,453 test sentences padded to 128, answering O everywhere
    scores 0.982, and every entity is missed.
    """
    sentences, tokens, outside, padded_length, published = 3453, 46435, 0.825, 128, 0.973
    entity_tokens = round(tokens * (1 - outside))
    positions = sentences * padded_length
    unpadded = accuracy.value({"correct": tokens - entity_tokens, "total": tokens})
    padded = accuracy.value({"correct": positions - entity_tokens, "total": positions})
    assert round(unpadded, 3) == 0.825
    assert round(padded, 3) == 0.982
    assert padded > published
    assert entity_f1.value({"tp": 0, "pred": 0, "gold": 5648}) == 0.0
    # Tag counts of one class per token make micro precision, recall and F1 all equal accuracy.
    assert entity_f1.f1(positions - entity_tokens, positions, positions) == padded
