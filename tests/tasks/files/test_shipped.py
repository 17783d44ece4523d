"""The data sets that are configured by name: on fixtures of our own, and on the real files."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from harness.contracts import Example, InputError, Splits
from harness.examples import data
from harness.metrics import accuracy, entity_f1
from tasks.classification import Classification
from tasks.files import conll, delimited, json_lines
from tasks.ner import Ner

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures"
REAL = os.environ.get("GPT_OR_BERT_DATA")
NAMES = (
    "sst2",
    "sst2_glue",
    "conll2003",
    "conll2003_iob1",
    "banking77",
    "wnut17",
    "e2e_nlg",
)


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


def test_banking77_takes_dev_out_of_train() -> None:
    splits = load("banking77", FIXTURES)
    assert data.sizes(splits) == {"train": 9, "dev": 1, "test": 3}
    assert splits.labels == ("Refund_not_showing_up", "card_arrival", "reverted_card_payment?")
    whole = load("banking77", FIXTURES, dev_share=None)
    assert [e.id for e in whole.train] == [f"train:{n}" for n in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)]
    assert " ".join(whole.train[4].words) == "Where is my refund? I do not see it"
    assert whole.train[5].words[2:4] == ('"two', 'days",')
    assert whole.train[2].words == ("why", "was", "it", "sent", "back")
    assert {*splits.train, *splits.dev} == set(whole.train)
    assert whole.labels == splits.labels
    assert [e.target for e in splits.test] == [1, 0, 2]


def test_wnut17_has_sentences_between_lone_tabs() -> None:
    splits = load("wnut17", FIXTURES)
    assert [len(e.words) for e in splits.train] == [6, 4, 5, 5]
    assert data.sizes(splits) == {"train": 4, "dev": 2, "test": 2}
    assert "creative-work" in splits.labels
    assert len(splits.labels) == 6
    with pytest.raises(
        InputError, match=r"emerging\.test\.conll:1: entity type 'corporation,B-gro"
    ):
        load("wnut17", FIXTURES, test="emerging.test.conll")
    with pytest.raises(InputError, match=r"emerging\.test:1: .*data\.tag_column"):
        load("wnut17", FIXTURES, test="emerging.test")


def test_e2e_nlg_has_every_reference_of_an_input() -> None:
    splits = load("e2e_nlg", FIXTURES)
    assert splits.task == "generation"
    assert [(e.id, len(e.target)) for e in splits.train] == [  # type: ignore[arg-type]
        ("train:2", 3),
        ("train:4", 2),
        ("train:8", 1),
    ]
    pip, oak, elm = splits.train
    assert pip.words == ("name[Pip's],", "food[soup],", "near[Café", "Tarn]")
    assert oak.target == ("The Oak costs less than £20.", "The Oak is cheap,  below £20.")
    assert elm.target == ('Elm is  a "place".',)
    assert data.sizes(splits) == {"train": 3, "dev": 2, "test": 2}
    (warning,) = splits.warnings
    assert warning.startswith("1 of 2 test examples are also in train")
    with pytest.raises(InputError) as caught:
        load("e2e_nlg", FIXTURES, test="testset.csv")
    assert str(caught.value).endswith(
        "e2e_nlg/testset.csv:1: no column 'ref' (columns: MR); testset.csv holds inputs without "
        "references, use data.test=testset_w_refs.csv"
    )


def test_both_forms_of_pairs_agree() -> None:
    where = {"name": "pairs", "path": str(FIXTURES), "folder": "pairs"}
    splits = {"train": "train{}", "dev": "dev{}", "test": "test{}"}
    tsv = delimited.load(
        **where,
        **{split: file.format(".tsv") for split, file in splits.items()},
        text="sentence1",
        second="sentence2",
        label="label",
        delimiter="\t",
        header=True,
    )
    jsonl = json_lines.load(
        **where,
        **{split: file.format(".jsonl") for split, file in splits.items()},
        text="texts.first",
        second="texts.second",
        label="label",
    )
    assert tsv.task == jsonl.task == "matching"
    assert tsv.train[1].second == ('"dry"', ",", "she", "said")
    for one, other in zip(data.parts(tsv).values(), data.parts(jsonl).values(), strict=True):
        assert data.digest(one) == data.digest(other)
    (warning,) = tsv.warnings
    assert warning.startswith("1 of 2 test examples are also in train")


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
def test_real_banking77() -> None:
    whole = load("banking77", REAL, dev_share=None)
    assert data.sizes(whole) == {"train": 10003, "dev": 0, "test": 3080}
    assert data.words(whole) == {"train": 119530, "dev": 0, "test": 33734}
    assert len(whole.labels) == 77
    assert {"Refund_not_showing_up", "reverted_card_payment?"} < set(whole.labels)
    names = json.loads((Path(str(REAL)) / "banking77" / "categories.json").read_text())
    assert list(whole.labels) == sorted(names)
    assert set(Counter(e.target for e in whole.test).values()) == {40}
    sizes = Counter(e.target for e in whole.train)
    assert (min(sizes.values()), max(sizes.values())) == (35, 187)

    splits = load("banking77", REAL)
    assert data.sizes(splits) == {"train": 9003, "dev": 1000, "test": 3080}
    assert splits.labels == whole.labels
    drawn = Counter(e.target for e in splits.dev)
    assert all(abs(drawn[label] - size / 10) < 1 for label, size in sizes.items())
    assert load("banking77", REAL, train_limit=500).dev == splits.dev


@pytest.mark.data
@real
def test_real_wnut17() -> None:
    splits = load("wnut17", REAL)
    assert data.sizes(splits) == {"train": 3394, "dev": 1009, "test": 1287}
    assert data.words(splits) == {"train": 62730, "dev": 15733, "test": 23394}
    assert splits.labels == (
        "corporation",
        "creative-work",
        "group",
        "location",
        "person",
        "product",
    )
    entities = {
        name: sum(len(entity_f1.spans(e.target)) for e in examples)  # type: ignore[arg-type]
        for name, examples in data.parts(splits).items()
    }
    assert entities == {"train": 1975, "dev": 836, "test": 1079}


@pytest.mark.data
@real
def test_real_e2e_nlg() -> None:
    splits = load("e2e_nlg", REAL)
    assert data.sizes(splits) == {"train": 4862, "dev": 547, "test": 630}
    references = {
        name: [text for e in examples for text in e.target]  # type: ignore[union-attr]
        for name, examples in data.parts(splits).items()
    }
    found = {name: len(texts) for name, texts in references.items()}
    assert found == {"train": 42061, "dev": 4672, "test": 4693}
    words = {name: sum(len(t.split()) for t in texts) for name, texts in references.items()}
    assert words == {"train": 829516, "dev": 103324, "test": 112914}
    assert splits.warnings == ()
    assert not [text for texts in references.values() for text in texts if "\n" in text]
    with pytest.raises(InputError, match=r"testset\.csv:1: no column 'ref' .*testset_w_refs"):
        load("e2e_nlg", REAL, test="testset.csv")


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
