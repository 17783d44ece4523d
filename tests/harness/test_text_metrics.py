"""Metrics of written texts against the libraries that define them, and against counting by hand."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from harness import metrics
from harness.metrics import (
    bleu,
    chrf,
    distinct_1,
    distinct_2,
    empty,
    repetition,
    rouge_l,
    slot_error,
)

WORDS = [
    "the",
    "a",
    "cat",
    "dog",
    "sat",
    "on",
    "mat",
    ",",
    ".",
    "it's",
    "3.5",
    "%",
    "Zürich",
    "--",
    "ran",
    "(away)",
    "quickly",
]
Corpus = tuple[list[list[str]], list[list[str]]]


def corpus(seed: int, size: int, longest: int = 12, most: int = 4) -> Corpus:
    """Random texts, some empty or short, beside references that vary in number."""
    rng = random.Random(seed)
    texts, references = [], []
    for _ in range(size):
        true = rng.choices(WORDS, k=rng.randint(1, longest))
        text = [rng.choice(WORDS) if rng.random() < 0.3 else word for word in true]
        texts.append(text[: rng.choice([0, 2, 99, 99, 99])])
        others = [rng.sample(true, len(true)) for _ in range(rng.randint(0, most - 1))]
        references.append([" ".join(one) for one in [true, *others]])
    return texts, references


def totals(name: str, texts: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> Any:
    meter = metrics.meter(name)
    assert meter.count is not None
    rows = [meter.count(*pair) for pair in zip(texts, references, strict=True)]
    return {column: float(sum(row[column] for row in rows)) for column in rows[0]}


@pytest.mark.parametrize("name, theirs", [("bleu", BLEU), ("chrf", CHRF)])
@pytest.mark.parametrize("size, longest", [(200, 12), (30, 3), (1, 12), (5, 1)])
def test_the_sum_of_counts_is_sacrebleus_corpus_score(
    name: str, theirs: Any, size: int, longest: int
) -> None:
    for seed in range(5):
        texts, references = corpus(seed, size, longest)
        streams = list(zip_longest(*references))
        scorer = theirs()
        expected = scorer.corpus_score([" ".join(words) for words in texts], streams)
        found = metrics.meter(name).value(totals(name, texts, references))
        assert found == pytest.approx(expected.score, abs=1e-9)
        assert f"{found:.6f}" == f"{expected.score:.6f}"
        sign = metrics.meter(name).signature
        assert sign is not None
        assert sign(references) == str(scorer.get_signature())


def test_the_sum_of_counts_is_what_sacrebleus_command_prints(tmp_path: Path) -> None:
    texts, references = corpus(7, 60)
    most = max(map(len, references))
    # The command wants as many references everywhere; one given twice counts once.
    padded = [[*some, *[some[-1]] * (most - len(some))] for some in references]
    (tmp_path / "refs").write_text("".join("\t".join(some) + "\n" for some in padded))
    (tmp_path / "texts").write_text("".join(" ".join(words) + "\n" for words in texts))
    command = [sys.executable, "-m", "sacrebleu", str(tmp_path / "refs"), "-nr", str(most)]
    command += ["-i", str(tmp_path / "texts"), "-m", "bleu", "chrf", "-b", "-w", "6", "-f", "text"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ours = [metrics.meter(n).value(totals(n, texts, references)) for n in ("bleu", "chrf")]
    assert done.stdout.split() == [f"{value:.6f}" for value in ours]


def test_references_as_texts_are_perfect_and_nothing_is_worth_nothing() -> None:
    _, references = corpus(3, 50)
    gold = [some[-1].split() for some in references]
    none: list[list[str]] = [[] for _ in references]
    for name, best in (("bleu", 100.0), ("chrf", 100.0), ("rouge_l", 1.0)):
        both = [totals(name, texts, references) | {"total": 50.0} for texts in (gold, none)]
        if name == "rouge_l":  # of which punctuation is no token
            words = [
                text for text in gold if any(c.isascii() and c.isalnum() for c in "".join(text))
            ]
            best = len(words) / 50
        values = [metrics.meter(name).value(one) for one in both]
        assert values == [pytest.approx(best), 0.0], name


def test_many_sums_at_once_are_valued_one_by_one() -> None:
    texts, references = corpus(9, 40)
    for name in ("bleu", "chrf"):
        meter = metrics.meter(name)
        assert meter.values is not None
        parts = [totals(name, texts[:k], references[:k]) for k in (1, 7, 40)]
        together = meter.values({c: np.array([part[c] for part in parts]) for c in meter.columns})
        assert together.tolist() == [meter.value(part) for part in parts]


def test_rouge_l_is_the_mean_over_texts_of_the_librarys_best_f_measure() -> None:
    texts, references = corpus(5, 80)
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    expected = [
        max(scorer.score(one, " ".join(words))["rougeL"].fmeasure for one in some)
        for words, some in zip(texts, references, strict=True)
    ]
    summed = totals("rouge_l", texts, references) | {"total": 80.0}
    assert rouge_l.value(summed) == pytest.approx(sum(expected) / 80, abs=1e-6)
    columns = {"rouge_l_millionths": [250_000, 1_000_000], "total": [1, 1]}
    num, den = rouge_l.ratio(columns)
    assert sum(num) / sum(den) == 0.625


def test_rouge_l_by_hand() -> None:
    # the longest common subsequence has 3 of 4 and of 5 words: 2 x 3 / (4 + 5)
    found = rouge_l.count(["a", "b", "x", "d"], ["a b c d e"])
    assert found == {"rouge_l_millionths": round(1e6 * 6 / 9)}
    assert rouge_l.count(["running", "dogs"], ["run dog"]) == {"rouge_l_millionths": 0}
    assert rouge_l.signature([["a"], ["b", "c"]]).startswith("nrefs:var|multi:best|measure:F1|stem")
    assert "stemmer:no|rouge-score:0" in rouge_l.signature([["a"]])


def test_repetition_counts_what_a_text_had_before() -> None:
    count = repetition.count(["a", "b", "c", "d", "a", "b", "c", "d", "e"], [])
    # abcd bcda cdab dabc abcd bcde: one of six is there twice
    assert count == {"repeated_4_grams": 1, "all_4_grams": 6}
    assert repetition.count(["a", "b", "c"], []) == {"repeated_4_grams": 0, "all_4_grams": 0}
    assert repetition.value({"repeated_4_grams": 3.0, "all_4_grams": 12.0}) == 0.25


@pytest.mark.parametrize("module, length", [(distinct_1, 1), (distinct_2, 2)])
def test_distinct_sums_to_types_over_tokens(module: Any, length: int) -> None:
    texts, _ = corpus(2, 30)
    columns = module.count_all(texts)
    grams = [tuple(t[i : i + length]) for t in texts for i in range(len(t) - length + 1)]
    summed = {name: float(sum(column)) for name, column in columns.items()}
    assert module.value(summed) == len(set(grams)) / len(grams)
    assert set(columns) == set(module.COLUMNS)
    assert module.count_all([["a", "b"], ["a", "b"]])[f"new_{length}_grams"][1] == 0


def test_slot_errors_are_errors_per_slot() -> None:
    columns = {"missing": [1, 0], "added": [0, 2], "wrong": [1, 0], "slots": [3, 4]}
    assert slot_error.errors(columns) == [2, 2]
    assert slot_error.ratio(columns) == ([2, 2], [3, 4])
    assert slot_error.value({n: float(sum(c)) for n, c in columns.items()}) == 4 / 7
    over = {"missing": 0.0, "added": 9.0, "wrong": 0.0, "slots": 3.0}
    assert slot_error.value(over) == 3.0 <= slot_error.LIMITS[1]


def test_empty_texts_are_counted() -> None:
    assert [empty.count(words, []) for words in ([], ["a"])] == [{"empty": 1}, {"empty": 0}]


def test_columns_of_text_metrics_are_those_they_count() -> None:
    assert set(bleu.count(["a"], ["a"])) == set(bleu.COLUMNS)
    assert set(chrf.count(["a"], ["a"])) == set(chrf.COLUMNS)
    assert set(rouge_l.count(["a"], ["a"])) < set(rouge_l.COLUMNS)


def test_reading_records_needs_no_text_library() -> None:
    code = (
        "import sys; from harness import metrics;"
        "[metrics.meter(n).value(dict.fromkeys(metrics.meter(n).columns, 1.0))"
        " for n in ('bleu', 'chrf', 'rouge_l')];"
        "print([m for m in ('sacrebleu', 'rouge_score', 'nltk', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
