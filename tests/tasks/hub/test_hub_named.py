"""The data sets of the hub that are configured by name, on copies in the hub's own layouts."""

from __future__ import annotations

import csv
import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import copies
import pandas as pd
import pytest
from copies import FIXTURES, NUMBER, TEXT, classes, configured, made, repository, saved
from datasets import List

from harness.contracts import Example, InputError, Splits
from harness.examples import data

REAL = os.environ.get("GPT_OR_BERT_DATA")
FILES = {
    "hub_sst2": "sst2_glue",
    "hub_conll2003": "conll2003",
    "hub_wnut17": "wnut17",
    "hub_e2e_nlg": "e2e_nlg",
}
"""Which files hold the same data."""
USES = {"train": "train", "validation": "dev", "test": "test"}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"the network was asked for {args}")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def glue_rows(names: Sequence[str], *, told: bool = True) -> Any:
    features = {"sentence1": TEXT, "sentence2": TEXT, "label": classes(names), "idx": NUMBER}
    rows = [(f"one {n} .", f"two {n} .", n % 2 if told else -1, n) for n in range(6)]
    return made(features, rows)


def tags_of(examples: Sequence[Example], names: Sequence[str]) -> Any:
    features = {"id": TEXT, "tokens": List(TEXT), "ner_tags": List(classes(names))}
    rows = [
        (str(n), list(e.words), [names.index(tag) for tag in e.target])  # type: ignore[union-attr]
        for n, e in enumerate(examples)
    ]
    return made(features, rows)


def sentiment(root: Path) -> dict[str, Any]:
    """GLUE's files as the hub keeps them; the last blank of a sentence is part of it."""
    features = {"idx": NUMBER, "sentence": TEXT, "label": classes(copies.SENTIMENT)}
    found = {}
    for split, file in (("train", "train"), ("validation", "dev"), ("test", "test")):
        lines = (root / "sst2" / "glue" / f"{file}.tsv").read_text("utf-8").split("\n")[1:-1]
        cells = [line.split("\t") for line in lines]
        hidden = file == "test"  # there, the sentence follows its number
        pairs = [(c[1], -1) if hidden else (c[0], int(c[1])) for c in cells]
        found[split] = made(features, [(n, *pair) for n, pair in enumerate(pairs)])
    return found


def references(root: Path) -> dict[str, Any]:
    features = {"meaning_representation": TEXT, "human_reference": TEXT}
    found = {}
    files = {"train": "trainset", "validation": "devset", "test": "testset_w_refs"}
    for split, file in files.items():
        with (root / "e2e_nlg" / f"{file}.csv").open(encoding="utf-8", newline="") as stream:
            rows = [(row["mr"], row["ref"]) for row in csv.DictReader(stream)]
        found[split] = made(features, rows)
    return found


def tagged(root: Path, name: str, tags: Sequence[str]) -> dict[str, Any]:
    splits = data.parts(configured(f"data={name}", f"data.path={root}"))
    return {split: tags_of(splits[use], tags) for split, use in USES.items()}


def of_files(name: str, root: Path) -> dict[str, Any]:
    """The splits of a data set as the hub has them, from its original files."""
    if name == "hub_sst2":
        return sentiment(root)
    if name == "hub_e2e_nlg":
        return references(root)
    tags = copies.TAGS if name == "hub_conll2003" else copies.EMERGING
    return tagged(root, FILES[name], tags)


def layout(name: str, root: Path, splits: Mapping[str, Any]) -> Path:
    """A copy of the repository, as the hub holds it."""
    form = {"hub_wnut17": "wnut_17/{}/0000", "hub_e2e_nlg": "default/{}/0000"}
    repository(root, splits, form.get(name, "data/{}-00000-of-00001"))
    if name not in form:
        copies.readme(root, "default", "data", splits)
    return root


def same(mine: Splits, other: Splits) -> None:
    assert (mine.task, mine.labels) == (other.task, other.labels)
    for use, examples in data.parts(other).items():
        assert data.digest(data.parts(mine)[use]) == data.digest(examples)


@pytest.mark.parametrize("name", FILES)
def test_files_and_a_copy_of_the_hub_give_identical_examples(tmp_path: Path, name: str) -> None:
    splits = of_files(name, FIXTURES)
    files = configured(f"data={FILES[name]}", f"data.path={FIXTURES}")
    for folder in (layout(name, tmp_path / "a", splits), saved(tmp_path / "b", splits)):
        mine = configured(f"data={name}", f"data.path={folder}")
        assert mine.name == name
        same(mine, files)
    assert len(mine.train) >= 3
    assert mine.train[0].id == "train:1"


def test_pairs_of_files_and_of_the_hub_are_the_same(tmp_path: Path) -> None:
    features = {"sentence1": TEXT, "sentence2": TEXT, "label": classes(("no", "yes"))}
    splits = {}
    for split, file in (("train", "train"), ("validation", "dev"), ("test", "test")):
        lines = (FIXTURES / "pairs" / f"{file}.tsv").read_text().splitlines()[1:]
        rows = [(a, b, int(c == "yes")) for _, a, b, c in (line.split("\t") for line in lines)]
        splits[split] = made(features, rows)
    words = ["data.text=sentence1", "data.second=sentence2"]
    mine = configured("data=hub", f"data.path={repository(tmp_path / 'c', splits)}", *words)
    paths = [f"data.{use}={use}.tsv" for use in USES.values()]
    same(mine, configured("data=files", f"data.path={FIXTURES / 'pairs'}", *paths, *words))


@pytest.mark.parametrize(
    ("name", "labels"),
    [("mrpc", ("not_equivalent", "equivalent")), ("rte", ("entailment", "not_entailment"))],
)
@pytest.mark.parametrize("header", [True, False])
def test_pairs_of_glue(tmp_path: Path, name: str, labels: Sequence[str], header: bool) -> None:
    told = name == "mrpc"
    splits = {s: glue_rows(labels, told=told or s != "test") for s in USES}
    repository(tmp_path, splits, name + "/{}-00000-of-00001")
    repository(tmp_path, {"train": glue_rows(("x", "y"))}, "cola/{}-00000-of-00001")
    if header:
        other = "- config_name: cola\n  data_files: cola/train-*\n"
        copies.readme(tmp_path, name, name, splits, other)
    mine = configured(f"data={name}", f"data.path={tmp_path}")
    assert (mine.task, mine.labels) == ("matching", labels)
    assert data.sizes(mine) == {"train": 6, "dev": 6, "test": 6 if told else 0}
    first = Example("train:1", ("one", "0", "."), 0, second=("two", "0", "."))
    assert mine.train[0] == first
    assert mine.train[1].target == 1
    if not told:
        with pytest.raises(InputError, match=r"data=rte has no test examples \(no test split: GLU"):
            data.part(mine, "test")
        with pytest.raises(
            InputError, match=r"[/:]rte test: all 6 labels of 'test' are hidden; GLUE h"
        ):
            configured("data=rte", f"data.path={tmp_path}", "data.test=test")
        drawn = configured("data=rte", f"data.path={tmp_path}", "data.test_share=0.4")
        assert data.sizes(drawn) == {"train": 4, "dev": 6, "test": 2}


def test_topics_of_news(tmp_path: Path) -> None:
    topics = ("World", "Sports", "Business", "Sci/Tech")
    features = {"text": TEXT, "label": classes(topics)}
    splits = {
        "train": made(features, [(f"news {n}", n % 4) for n in range(80)]),
        "test": made(features, [(f"late {n}", 3 - n % 4) for n in range(8)]),
    }
    mine = configured("data=ag_news", f"data.path={repository(tmp_path, splits)}")
    assert (mine.task, mine.labels) == ("classification", topics)
    assert data.sizes(mine) == {"train": 72, "dev": 8, "test": 8}
    assert mine.test[0] == Example("test:1", ("late", "0"), 3)
    assert sorted(e.target for e in mine.dev) == [0, 0, 1, 1, 2, 2, 3, 3]  # type: ignore[type-var]


def test_hidden_labels_of_sst2(tmp_path: Path) -> None:
    folder = layout("hub_sst2", tmp_path, sentiment(FIXTURES))
    mine = configured("data=hub_sst2", f"data.path={folder}")
    assert data.sizes(mine) == {"train": 10, "dev": 4, "test": 0}
    (note,) = [warning for warning in mine.warnings if warning.startswith("no test")]
    assert "use data=sst2, whose test split is labelled, or take one out of train with" in note


def test_names_of_tags_where_the_features_are_lost(tmp_path: Path) -> None:
    """Plain numbers count into `labels`; so a copy by another library reads the same."""
    splits = of_files("hub_conll2003", FIXTURES)
    for split, dataset in splits.items():
        (tmp_path / "data").mkdir(exist_ok=True)
        frame = pd.DataFrame(dataset.to_dict())
        frame.to_parquet(tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    words = ["data=hub_conll2003", f"data.path={tmp_path}"]
    same(configured(*words), configured("data=conll2003", f"data.path={FIXTURES}"))
    with pytest.raises(
        InputError, match=r"train:row 1, word 1: data.tags holds 1, .* data\.labels"
    ):
        configured(*words, "data.labels=null")


SIZES = {
    "hub_sst2": (67349, 872, 0),
    "hub_conll2003": (14041, 3250, 3453),
    "hub_wnut17": (3394, 1009, 1287),
    "hub_e2e_nlg": (4862, 547, 630),
}


@pytest.mark.data
@pytest.mark.skipif(REAL is None, reason="GPT_OR_BERT_DATA is not set: no public data sets to read")
@pytest.mark.parametrize("name", FILES)
def test_real_files_in_the_layout_of_the_hub(tmp_path: Path, name: str) -> None:
    root = Path(str(REAL))
    folder = layout(name, tmp_path, of_files(name, root))
    mine = configured(f"data={name}", f"data.path={folder}")
    assert tuple(data.sizes(mine).values()) == SIZES[name]
    same(mine, configured(f"data={FILES[name]}", f"data.path={root}"))
