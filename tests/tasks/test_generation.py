from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from harness import metrics
from harness.contracts import Counts, Example, InputError, Splits, Unit, Written
from tasks.generation import Generation

TASK = Generation()
GRADED = ("slot_error", "name_copied", "grammatical")
TEXT = ("bleu", "chrf", "rouge_l", "repetition", "distinct_1", "distinct_2", "empty", "cut_off")


def grade(example: Example, words: Sequence[str]) -> Mapping[str, int]:
    """The input's words should be said, each once, and the last word is a stop."""
    missing = sum(word not in words for word in example.words)
    added = max(0, len(words) - 1 - (len(example.words) - missing))
    counts = {"missing": missing, "added": added, "wrong": 0, "slots": len(example.words)}
    return counts | {"name_copied": int(example.words[0] in words), "grammatical": 1}


def example(row: int, *references: str) -> Example:
    words = tuple(references[0].split()[:-1])
    return Example(f"x:{row}", words, references, (Unit("short", 0, 1, ""),))


TEST = (
    example(0, "a b c .", "b a c ."),
    example(1, "d e f g ."),
    example(2, "a e h i ."),
)
TRAIN = (example(0, "a b .", "b a ."), example(1, "b a ."), example(2, "c ."))
SPLITS = Splits("toy", "generation", "files", TRAIN, (), TEST, (), grade=grade, metrics=GRADED)
PLAIN = replace(SPLITS, grade=None, metrics=())


def texts(*lines: str) -> list[Written]:
    return [Written(tuple(line.split())) for line in lines]


def totals(counts: Counts) -> dict[str, float]:
    return {name: float(sum(column)) for name, column in counts.columns.items()}


def value(name: str, counts: Counts) -> float:
    return metrics.meter(name).value(totals(counts))


def test_shape() -> None:
    assert (TASK.name, TASK.shape) == ("generation", "text")
    assert TASK.metrics(SPLITS) == (*GRADED, *TEXT)
    assert TASK.metrics(PLAIN) == TEXT


@pytest.mark.parametrize("splits", [SPLITS, PLAIN])
def test_references_as_answers_are_perfect(splits: Splits) -> None:
    counts = TASK.judge(TEST, texts(*(str(e.target[-1]) for e in TEST)), splits)  # type: ignore[index]
    assert value("bleu", counts) == pytest.approx(100)
    assert value("chrf", counts) == pytest.approx(100)
    assert value("rouge_l", counts) == pytest.approx(1)
    if splits is SPLITS:
        assert value("slot_error", counts) == 0
        assert value("name_copied", counts) == value("grammatical", counts) == 1


@pytest.mark.parametrize("errors", [1, 2, 3])
def test_planted_errors_give_exactly_the_analytic_rate(errors: int) -> None:
    lines = ["a b c .", "d e f g .", "a e h i ."]
    for row in range(errors):
        lines[row] = " ".join(lines[row].split()[1:])  # one slot of the text is left out
    counts = TASK.judge(TEST, texts(*lines), SPLITS)
    assert value("slot_error", counts) == errors / 11
    assert value("name_copied", counts) == (3 - errors) / 3
    assert counts.units["correct"] == [0] * errors + [1] * (3 - errors)
    assert (counts.slices, counts.units["marked"]) == (("short",), [1, 1, 1])


def test_columns_are_those_of_all_metrics_and_as_long_as_the_texts() -> None:
    answers = [*texts("a b c .", ""), Written(("a", "b"), cut_off=True)]
    columns = TASK.judge(TEST, answers, SPLITS).columns
    wanted = {c for name in TASK.metrics(SPLITS) for c in metrics.meter(name).columns}
    assert set(columns) == wanted | {"same_as_first"}
    assert {len(column) for column in columns.values()} == {3}
    assert all(type(number) is int for column in columns.values() for number in column)
    assert columns["total"] == [1, 1, 1]
    assert columns["cut_off"] == [0, 0, 1]
    assert columns["empty"] == [0, 1, 0]
    assert columns["same_as_first"] == [1, 0, 0]
    assert columns["new_1_grams"] == [4, 0, 0]


def test_texts_without_a_grade_have_no_units() -> None:
    counts = TASK.judge(TEST, texts("a", "b", "c"), PLAIN)
    assert not counts.units
    assert "missing" not in counts.columns


def test_majority_is_the_most_frequent_training_text_and_the_first_in_a_tie() -> None:
    assert TASK.majority(SPLITS) == [Written(("b", "a", "."))] * 3
    tied = replace(SPLITS, train=(example(0, "c .", "a ."),))
    assert TASK.majority(tied) == [Written(("c", "."))] * 3
    collapsed = TASK.judge(TEST, TASK.majority(SPLITS), SPLITS)
    assert collapsed.columns["same_as_first"] == [1, 1, 1]


def test_signatures_name_versions_and_references() -> None:
    found = TASK.signatures(SPLITS)
    assert set(found) == {"bleu", "chrf", "rouge_l"}
    assert all("nrefs:var" in text for text in found.values())
    assert "version:" in found["bleu"]
    even = replace(SPLITS, test=TEST[1:])
    assert all("nrefs:1|" in text for text in TASK.signatures(even).values())
    assert TASK.signatures(replace(SPLITS, test=(), dev=TEST)) == found


@pytest.mark.parametrize("target", [1, ()])
def test_an_example_without_references_is_refused(target: object) -> None:
    one = Example("x", ("a",), target)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"example x: expected one or more reference texts"):
        TASK.judge([one], texts("a"), PLAIN)


def test_answers_must_be_as_many_as_examples() -> None:
    with pytest.raises(ValueError, match="zip"):
        TASK.judge(TEST, texts("a"), PLAIN)
