from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from harness.contracts import Counts, Example, InputError, Splits, Unit
from harness.metrics import entity_f1, entity_f1_conlleval
from tasks.ner import Ner

CLASSES = ("O", "B-LOC", "I-LOC", "B-creative-work", "I-creative-work")
TASK = Ner()


def example(tags: str, units: tuple[Unit, ...] = ()) -> Example:
    target = tuple(tags.split())
    return Example("x", tuple(f"w{i}" for i in range(len(target))), target, units)


def answer(tags: str) -> list[int]:
    return [CLASSES.index(tag) for tag in tags.split()]


def totals(counts: Counts) -> dict[str, float]:
    return {name: float(sum(column)) for name, column in counts.columns.items()}


def legal(rng: random.Random, length: int) -> str:
    """A tagging whose every I- continues an entity."""
    tags: list[str] = []
    while len(tags) < length:
        kind = rng.choice(["", "LOC", "creative-work"])
        entity = [f"B-{kind}", *[f"I-{kind}"] * rng.randint(0, 2)] if kind else ["O"]
        tags += entity
    return " ".join(tags[:length])


@pytest.fixture
def corpus() -> list[Example]:
    rng = random.Random(7)
    return [example(legal(rng, rng.randint(1, 14))) for _ in range(200)]


def test_shape() -> None:
    assert (TASK.name, TASK.shape) == ("ner", "tags")
    read = Splits("toy", "ner", "files", (), (), (example("O B-LOC"),), ("LOC", "creative-work"))
    assert TASK.metrics(read) == ("entity_f1", "entity_f1_conlleval")
    assert TASK.classes(read) == CLASSES
    assert TASK.targets(read.test[0], CLASSES) == (0, 1)
    assert TASK.majority(read) == [(0, 0)]


def test_gold_as_answer_scores_exactly_one(corpus: list[Example]) -> None:
    answers = [TASK.targets(e, CLASSES) for e in corpus]
    summed = totals(TASK.judge(corpus, answers, CLASSES))
    assert entity_f1.value(summed) == 1.0
    assert entity_f1_conlleval.value(summed) == 1.0
    assert summed["gold"] == sum(tag[0] == "B" for e in corpus for tag in e.target)  # type: ignore[union-attr]


def _planted(target: Sequence[str], starts: set[int], kind: str) -> list[str]:
    """Entities at `starts` removed, given another type, or split off their first word."""
    tags = list(target)
    for start in starts:
        end = next(
            (i for i in range(start + 1, len(tags)) if not tags[i].startswith("I-")), len(tags)
        )
        if kind == "missed":
            tags[start:end] = ["O"] * (end - start)
        else:
            other = "LOC" if tags[start] != "B-LOC" else "creative-work"
            tags[start:end] = [f"B-{other}", *[f"I-{other}"] * (end - start - 1)]
    return tags


@pytest.mark.parametrize("kind", ["missed", "mistyped"])
@pytest.mark.parametrize("errors", [1, 5, 50])
def test_planted_errors_give_exactly_the_analytic_score(
    corpus: list[Example], errors: int, kind: str
) -> None:
    places = [
        (row, start)
        for row, one in enumerate(corpus)
        for start, _, _ in sorted(entity_f1.spans(one.target))  # type: ignore[arg-type]
    ]
    chosen = set(random.Random(errors).sample(places, errors))
    answers = []
    for row, one in enumerate(corpus):
        starts = {start for at, start in chosen if at == row}
        tags = _planted(one.target, starts, kind)  # type: ignore[arg-type]
        answers.append(answer(" ".join(tags)))
    summed = totals(TASK.judge(corpus, answers, CLASSES))
    gold = len(places)
    pred = gold - errors if kind == "missed" else gold
    assert (summed["tp"], summed["pred"], summed["gold"]) == (gold - errors, pred, gold)
    assert entity_f1.value(summed) == 2 * (gold - errors) / (pred + gold)


@pytest.mark.parametrize("kept", [0, 1, 4, 7, 14])
def test_an_answer_cut_short_loses_exactly_the_cut_entities(
    corpus: list[Example], kept: int
) -> None:
    answers = [TASK.targets(e, CLASSES)[:kept] for e in corpus]
    counts = TASK.judge(corpus, answers, CLASSES)
    for row, one in enumerate(corpus):
        spans = entity_f1.spans(one.target)  # type: ignore[arg-type]
        cut = sum(end > kept for _, end, _ in spans)
        begun = sum(start < kept for start, _, _ in spans)
        assert counts.columns["gold"][row] == len(spans)
        assert counts.columns["tp"][row] == len(spans) - cut
        assert counts.columns["pred"][row] == begun


def test_illegal_tags_count_under_the_lenient_reading_only() -> None:
    counts = TASK.judge([example("B-LOC I-LOC O")], [answer("I-LOC I-LOC I-LOC")], CLASSES)
    summed = totals(counts)
    assert (summed["tp"], summed["pred"], summed["gold"]) == (0, 0, 1)
    assert [summed[f"{n}_conlleval"] for n in ("tp", "pred", "gold")] == [0, 1, 1]
    summed = totals(TASK.judge([example("B-LOC I-LOC O")], [answer("I-LOC I-LOC O")], CLASSES))
    assert entity_f1.value(summed) == 0.0
    assert entity_f1_conlleval.value(summed) == 1.0


def test_units_are_correct_only_with_place_and_type_and_marked_with_place() -> None:
    units = (Unit("left", 0, 2, "ann"), Unit("right", 3, 4, "bob"))
    one = example("B-LOC I-LOC O B-creative-work", units)

    def judged(tags: str) -> tuple[object, object]:
        counts = TASK.judge([one], [answer(tags)], CLASSES)
        assert counts.units["example"] == [0, 0]
        return counts.units["correct"], counts.units["marked"]

    assert judged("B-LOC I-LOC O B-creative-work") == ([1, 1], [1, 1])
    assert judged("B-LOC I-LOC O B-LOC") == ([1, 0], [1, 1])
    assert judged("B-LOC O O I-LOC") == ([0, 0], [0, 0])
    assert judged("B-LOC I-LOC I-LOC B-creative-work") == ([0, 1], [0, 1])
    assert judged("B-LOC I-LOC") == ([1, 0], [1, 0])


def test_words_are_counted_with_o_and_a_cut_word_is_answered_o() -> None:
    examples = [example("B-LOC I-LOC O O"), example("O B-LOC"), example("O O O")]
    answers = [answer("B-LOC O O O"), answer("O"), answer("B-LOC")]
    columns = TASK.judge(examples, answers, CLASSES).columns
    assert columns["words"] == [4, 2, 3]
    assert columns["words_right"] == [3, 1, 2]


def test_o_everywhere_is_nearly_right_by_words_and_worthless_by_entities(
    corpus: list[Example],
) -> None:
    padded = [example(" ".join((*e.target, *["O"] * 60))) for e in corpus]  # type: ignore[misc]
    read = Splits("toy", "ner", "files", (), (), tuple(padded), ("LOC", "creative-work"))
    counts = TASK.judge(padded, TASK.majority(read), TASK.classes(read))
    summed = totals(counts)
    assert summed["words_right"] == sum(e.target.count("O") for e in padded)  # type: ignore[union-attr]
    assert summed["words_right"] / summed["words"] > 0.9
    assert entity_f1.value(summed) == 0.0


def test_mentions_add_up_to_the_columns(corpus: list[Example]) -> None:
    rng = random.Random(1)
    answers = [[rng.randrange(len(CLASSES)) for _ in e.words] for e in corpus]
    counts = TASK.judge(corpus, answers, CLASSES)
    assert counts.types == ("LOC", "creative-work")
    rows = list(
        zip(*(counts.mentions[n] for n in ("example", "gold", "pred", "exact")), strict=True)
    )
    for index in range(len(corpus)):
        here = [row for row in rows if row[0] == index]
        assert sum(gold >= 0 for _, gold, _, _ in here) == counts.columns["gold"][index]
        assert sum(pred >= 0 for _, _, pred, _ in here) == counts.columns["pred"][index]
        right = sum(bool(exact) and gold == pred for _, gold, pred, exact in here)
        assert right == counts.columns["tp"][index]


def test_illegal_tags_are_no_mention() -> None:
    counts = TASK.judge([example("B-LOC I-LOC O")], [answer("I-LOC I-LOC O")], CLASSES)
    assert counts.mentions == {"example": [0], "gold": [0], "pred": [-1], "exact": [0]}


def test_mistakes_are_refused() -> None:
    with pytest.raises(InputError, match=r"example x: tag 'B-PER' is not one of O, B-LOC"):
        TASK.targets(example("O B-PER"), CLASSES)
    for target in (1, ("O",)):
        with pytest.raises(InputError, match=r"example x: expected one tag for each of 2 words"):
            TASK.targets(Example("x", ("a", "b"), target), CLASSES)
    with pytest.raises(ValueError, match="2 answers for 1 words"):
        TASK.judge([example("O")], [[0, 0]], CLASSES)
    with pytest.raises(ValueError, match="zip"):
        TASK.judge([example("O")], [], CLASSES)
