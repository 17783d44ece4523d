"""The data sets that are configured by name: on fixtures of our own, and on the real files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from harness import data
from harness.contracts import Example, InputError, Splits
from harness.metrics import accuracy, entity_f1
from tasks.classification import Classification
from tasks.files import conll
from tasks.ner import Ner

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures"
REAL = os.environ.get("GPT_OR_BERT_DATA")
NAMES = ("sst2", "sst2_glue", "conll2003", "conll2003_iob1")


def load(name: str, path: str | Path | None = None, **options: object) -> Splits:
    """Read a data set as its YAML file says, with `data.key=value` options."""
    config = OmegaConf.load(ROOT / "conf" / "data" / f"{name}.yaml")
    OmegaConf.set_struct(config, True)
    chosen = {"path": str(path)} if path else {}
    try:
        splits = instantiate(OmegaConf.merge(config, chosen, options))
    except InstantiationException as error:
        raise error.__cause__ or error from None
    assert isinstance(splits, Splits)
    assert splits.name == name
    return splits


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_comes_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPT_OR_BERT_DATA", str(FIXTURES))
    assert load(name) == load(name, FIXTURES)
    monkeypatch.delenv("GPT_OR_BERT_DATA")
    config = OmegaConf.load(ROOT / "conf" / "data" / f"{name}.yaml")
    assert OmegaConf.to_container(config, resolve=True)["path"] is None  # type: ignore[index,call-overload]
    with pytest.raises(InputError, match=rf"data={name} reads files .* GPT_OR_BERT_DATA=/path/to"):
        load(name)


def test_tasks_are_made_from_their_configuration() -> None:
    for name, kind in (("classification", Classification), ("ner", Ner)):
        task = instantiate(OmegaConf.load(ROOT / "conf" / "task" / f"{name}.yaml"))
        assert isinstance(task, kind)
        assert task.name == name


def test_both_forms_of_sst2_agree() -> None:
    original, glue = load("sst2", FIXTURES), load("sst2_glue", FIXTURES)
    assert data.sizes(original) == {"train": 7, "dev": 4, "test": 5}
    assert data.sizes(glue) == {"train": 10, "dev": 4, "test": 0}
    assert original.labels == glue.labels == ("negative", "positive")
    assert data.digest(original.dev) == data.digest(glue.dev)
    assert [e.words for e in glue.train].count(("tedious",)) == 2
    assert glue.train[2].words[0] == '"'
    assert {e.words for e in original.train} < {e.words for e in glue.train}


def test_the_hidden_test_of_glue_is_refused_when_it_is_asked_for() -> None:
    with pytest.raises(InputError) as caught:
        data.part(load("sst2_glue", FIXTURES), "test")
    assert str(caught.value).startswith(
        "data=sst2_glue has no test examples (no test split: GLUE hides the labels of its test "
        "sentences, use data=sst2, whose test split is labelled)"
    )
    with pytest.raises(InputError) as caught:
        load("sst2_glue", FIXTURES, test="test.tsv")
    assert str(caught.value).endswith(
        "sst2/glue/test.tsv:1: no column 'label' (columns: index, sentence); GLUE hides the "
        "labels of its test sentences, use data=sst2, whose test split is labelled"
    )


def test_both_forms_of_conll2003_agree() -> None:
    bio, iob1 = load("conll2003", FIXTURES), load("conll2003_iob1", FIXTURES)
    assert data.sizes(bio) == {"train": 5, "dev": 2, "test": 3}
    assert bio.labels == ("LOC", "MISC", "ORG", "PER")
    for one, other in zip(data.parts(bio).values(), data.parts(iob1).values(), strict=True):
        assert data.digest(one) == data.digest(other)
    (warning,) = bio.warnings
    assert warning.startswith("1 of 2 dev examples are also in train")
    with pytest.raises(InputError, match=r"eng\.train:3: .*set data\.scheme=iob1"):
        load("conll2003_iob1", FIXTURES, scheme="iob2")


real = pytest.mark.skipif(
    REAL is None, reason="GPT_OR_BERT_DATA is not set: no public data sets to read"
)


def _balance(examples: Sequence[Example]) -> tuple[int, int]:
    counted = Counter(e.target for e in examples)
    return counted[0], counted[1]


@pytest.mark.data
@real
def test_real_sst2() -> None:
    splits = load("sst2", REAL)
    assert data.sizes(splits) == {"train": 6920, "dev": 872, "test": 1821}
    assert _balance(splits.train) == (3310, 3610)
    assert _balance(splits.dev) == (428, 444)
    assert _balance(splits.test) == (912, 909)
    assert data.unseen(splits, Classification()) == ()


@pytest.mark.data
@real
def test_real_sst2_glue() -> None:
    splits = load("sst2_glue", REAL)
    assert data.sizes(splits) == {"train": 67349, "dev": 872, "test": 0}
    assert data.words(splits) == {"train": 633724, "dev": 17046, "test": 0}
    assert _balance(splits.train) == (29780, 37569)
    assert _balance(splits.dev) == (428, 444)
    assert sum(len(e.words) == 1 for e in splits.train) == 4270
    repeats = len(splits.train) - len({e.words for e in splits.train})
    assert repeats == 371
    with pytest.raises(InputError, match=r"test\.tsv:1: no column 'label'"):
        load("sst2_glue", REAL, test="test.tsv")


@pytest.mark.data
@real
def test_real_conll2003() -> None:
    bio, iob1 = load("conll2003", REAL), load("conll2003_iob1", REAL)
    assert data.sizes(bio) == {"train": 14041, "dev": 3250, "test": 3453}
    assert data.words(bio) == {"train": 203621, "dev": 51362, "test": 46435}
    assert bio.labels == ("LOC", "MISC", "ORG", "PER")
    entities = {
        name: Counter(kind for e in examples for _, _, kind in entity_f1.spans(e.target))  # type: ignore[arg-type]
        for name, examples in data.parts(bio).items()
    }
    assert {name: counts.total() for name, counts in entities.items()} == {
        "train": 23499,
        "dev": 5942,
        "test": 5648,
    }
    assert entities["train"] == {"LOC": 7140, "PER": 6600, "ORG": 6321, "MISC": 3438}
    for one, other in zip(data.parts(bio).values(), data.parts(iob1).values(), strict=True):
        assert data.digest(one) == data.digest(other)
    assert len({e.words for e in bio.train} & {e.words for e in bio.test}) == 78
    assert len({e.words for e in bio.train} & {e.words for e in bio.dev}) == 129


@pytest.mark.data
@real
def test_real_conll2003_documents() -> None:
    folder = Path(str(REAL)) / "conll2003"
    for form, names in (
        ("bio", ("train.txt", "valid.txt", "test.txt")),
        ("iob1", ("eng.train", "eng.testa", "eng.testb")),
    ):
        scheme = conll.Form(0, -1, None, "iob1" if form == "iob1" else "iob2", "-DOCSTART-")
        found = [conll.read(folder / form / name, scheme).documents for name in names]
        assert found == [946, 216, 231]


@pytest.mark.data
@real
def test_real_conll2003_flatters_a_tagger_that_finds_nothing() -> None:
    """The published arithmetic on the real test split: O everywhere, padding scored as O."""
    splits = load("conll2003", REAL)
    task = Ner()
    classes = task.classes(splits)
    counts = task.judge(splits.test, task.majority(splits), classes)
    assert sum(counts.columns["tp"]) == 0
    gold = [task.targets(e, classes) for e in splits.test]
    outside = sum(index == 0 for row in gold for index in row)
    padded = sum(128 - len(row) for row in gold)
    words = sum(map(len, gold))
    assert round(accuracy.value({"correct": outside, "total": words}), 3) == 0.825
    total = {"correct": outside + padded, "total": words + padded}
    assert round(accuracy.value(total), 3) == 0.982
