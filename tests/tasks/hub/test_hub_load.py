"""Any data set of the hub: what is recognised, what is said, what is refused, what is not asked."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import copies
import datasets
import pytest
from copies import TEXT, classes, configured, made, repository, saved
from datasets import List
from huggingface_hub import constants
from omegaconf import OmegaConf

from harness import check
from harness.contracts import InputError, Splits
from harness.examples import data
from tasks.files import own
from tasks.hub import load as reader

OPINION = {"text": TEXT, "label": classes(("bad", "good"))}
TAGGED = {"tokens": List(TEXT), "ner_tags": List(TEXT)}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def opinions(n: int = 40, **changes: Any) -> Any:
    rows: list[Any] = [(f"film {k} is fine", k % 2) for k in range(n)]
    return made(OPINION, [changes.get(f"row{k + 1}", row) for k, row in enumerate(rows)])


def tags(*sentences: str, features: Any = TAGGED) -> Any:
    pairs = [[word.split("/") for word in text.split()] for text in sentences]
    return made(features, [([w for w, _ in pair], [t for _, t in pair]) for pair in pairs])


def read(folder: Path, **options: Any) -> Splits:
    return reader.load(path=str(folder), **options)


def refused(folder: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(folder), "F")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError(f"the network was asked for {args}")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)


def test_every_form_on_disk_holds_the_same_examples(tmp_path: Path) -> None:
    splits = {"train": opinions()}
    folders = [
        repository(tmp_path / "a", splits),
        repository(tmp_path / "b", splits, "{}"),
        saved(tmp_path / "c", splits),
    ]
    splits["train"].save_to_disk(tmp_path / "d")
    (tmp_path / "e").mkdir()
    (tmp_path / "f").mkdir()
    named = [
        {"text": r["text"], "label": OPINION["label"].names[r["label"]]} for r in splits["train"]
    ]
    (tmp_path / "e" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in named))
    lines = "".join(f"{row['text']},{row['label']}\n" for row in named)
    (tmp_path / "f" / "train.csv").write_text("text,label\n" + lines)
    found = [read(folder) for folder in (*folders, *(tmp_path / name for name in "def"))]
    files = own.load(path=str(tmp_path / "f" / "train.csv"))
    assert data.sizes(files) == {"train": 32, "dev": 4, "test": 4}
    for splits_read, name in zip(found, "abcdef", strict=True):
        assert (splits_read.name, splits_read.source) == (name, "files")
        assert splits_read.labels == ("bad", "good")
        for use, examples in data.parts(files).items():
            assert data.digest(data.parts(splits_read)[use]) == data.digest(examples)


def test_words_that_look_like_nothing_are_words(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\nNA,x\nnull,y\nNone,x\nnan,y\n")
    splits = read(tmp_path, dev_share=None, test_share=None)
    assert [e.words for e in splits.train] == [("NA",), ("null",), ("None",), ("nan",)]


def test_changed_files_are_read_anew_and_nothing_is_left(tmp_path: Path) -> None:
    folder = repository(tmp_path / "a", {"train": opinions(), "test": opinions(4)})
    kept = saved(tmp_path / "b", {"train": opinions(), "test": opinions(4)})
    before = sorted(tmp_path.rglob("*"))
    cache = Path(datasets.config.HF_DATASETS_CACHE)
    cached = sorted(cache.glob("*"))
    first = read(folder), read(kept)
    assert sorted(tmp_path.rglob("*")) == before
    assert sorted(cache.glob("*")) == cached
    shutil.rmtree(kept)
    changed = opinions(row1=("another film", 1))
    repository(folder, {"train": changed})
    saved(kept, {"train": changed, "test": opinions(4)})
    for old, new in zip(first, (read(folder), read(kept)), strict=True):
        words = {e.words for e in (*new.train, *new.dev)}
        assert ("another", "film") in words - {e.words for e in (*old.train, *old.dev)}


def test_splits_are_found_named_or_left_out(tmp_path: Path) -> None:
    splits = {s: opinions(6) for s in ("train", "valid", "test", "more")}
    folder = saved(tmp_path, splits)
    assert data.sizes(read(folder)) == {"train": 6, "dev": 6, "test": 6}
    named = read(folder, dev="more", test=None, test_share=None, train="valid", train_limit=4)
    assert data.sizes(named) == {"train": 4, "dev": 6, "test": 0}
    assert "no test split" in named.warnings
    told = (
        "F: no split 'tset' (splits: train, valid, test, more); correct data.test, or data.test=nu"
    )
    assert refused(folder, test="tset").startswith(told)
    assert refused(folder, train="trian").endswith("correct data.train")


def test_classes_are_those_of_the_features_in_their_order(tmp_path: Path) -> None:
    features = OPINION | {"label": classes(("so", "never", "and"))}
    train = made(features, [("a", 0), ("b", 2), ("c", 0)])
    folder = saved(tmp_path, {"train": train, "test": made(features, [("d", 1)])})
    splits = read(folder, dev_share=None)
    assert splits.labels == ("so", "never", "and")
    assert [e.target for e in (*splits.train, *splits.test)] == [0, 2, 0, 1]


def test_a_test_split_that_tells_no_labels_is_drawn_from_train(tmp_path: Path) -> None:
    unlabelled = made(OPINION, [("a b", -1), ("c d", None)])
    folder = saved(tmp_path, {"train": opinions(), "test": unlabelled})
    assert data.sizes(read(folder)) == {"train": 32, "dev": 4, "test": 4}
    splits = read(folder, test_share=None)
    assert splits.test == ()
    assert "no test split: all 2 labels of 'test' are hidden" in splits.warnings
    assert "F test: all 2 labels of 'test' are hidden; GLUE" in refused(
        folder, test="test", test_note="GLUE hides them"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((" ", 0), "F train:row 3: the text is empty; fill in the row or delete it"),
        ((None, 0), "F train:row 3: 'text' is null, expected a value; correct the row or data.t"),
        (("a", None), "F train:row 3: 'label' is null, expected a value; correct the row or da"),
        (("a", -1), "F train:row 3: the label is -1, which stands for none; delete the row, or"),
    ],
)
def test_rows_that_do_not_fit(tmp_path: Path, change: Any, message: str) -> None:
    for folder in (
        saved(tmp_path / "a", {"train": opinions(row3=change)}),
        repository(tmp_path / "b", {"train": opinions(row3=change)}),
    ):
        assert refused(folder).startswith(message)


def test_what_splits_and_labels_may_not_be(tmp_path: Path) -> None:
    plain = {"text": TEXT, "label": TEXT}
    few = made(plain, [("a", "x"), ("b", "y"), ("c", "x")])
    folder = saved(tmp_path / "a", {"train": few, "test": made(plain, [("d", "z")])})
    assert "F test:row 1: label 'z' never occurs in the training" in refused(folder, dev_share=None)
    assert read(folder, labels=["x", "y", "z"], dev_share=None).test[0].target == 2
    for empty in (
        saved(tmp_path / "b", {"train": few, "test": made(plain, [])}),
        repository(tmp_path / "e", {"train": few, "test": made(plain, [])}),
    ):
        assert refused(empty) == "F test: the split has no rows; correct data.test"
    numbers = {"text": TEXT, "label": datasets.Value("int64")}
    counted = saved(tmp_path / "c", {"train": made(numbers, [("a", 0), ("b", 1), ("c", 2)])})
    assert read(counted, dev_share=None, test_share=None).labels == ("0", "1", "2")
    named = read(counted, dev_share=None, test_share=None, labels=["no", "yes", "so so"])
    assert (named.labels, named.train[2].target) == (("no", "yes", "so so"), 2)
    assert "F train:row 3: label 2, expected a number from 0 to 1 (no, yes)" in refused(
        counted, labels=["no", "yes"]
    )
    own_names = read(counted, dev_share=None, test_share=None, labels=["2", "1", "0"])
    assert [e.target for e in own_names.train] == [2, 1, 0]
    swapped = read(
        saved(tmp_path / "d", {"train": opinions()}), labels={"good": "up", "bad": "down"}
    )
    assert swapped.labels == ("up", "down")
    assert {swapped.labels[e.target] for e in swapped.train if e.words[1] == "1"} == {"up"}  # type: ignore[index]


@pytest.mark.parametrize(
    ("feature", "value", "message"),
    [
        (datasets.Image(), None, "holds Image, expected texts; correct data.text"),
        (datasets.Audio(), None, "holds Audio, expected texts; correct data.text"),
        ({"en": TEXT, "de": TEXT}, {"en": "a", "de": "b"}, "holds objects (en, de), expected tex"),
        (List(TEXT), ["a"], "holds lists of string, expected texts; correct data.text"),
        (datasets.Value("float32"), 0.5, "holds float32, expected texts; correct data.text"),
        (datasets.Translation(["en", "de"]), {"en": "a", "de": "b"}, "holds Translation, exp"),
    ],
    ids=str,
)
def test_columns_that_hold_no_text(tmp_path: Path, feature: Any, value: Any, message: str) -> None:
    features = {"body": feature, "label": TEXT}
    folder = saved(tmp_path, {"train": made(features, [(value, "x"), (value, "y")])})
    assert refused(folder, text="body").startswith(f"F train: column 'body' {message}")


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    features = {"body": TEXT, "stars": datasets.Value("float64")}
    folder = saved(tmp_path, {"train": made(features, [("a", 1.0), ("b", 2.0)])})
    assert refused(folder) == (
        "F train: no column 'text' or 'label' (columns: body, stars); "
        "set data.text=... and data.label=..."
    )
    assert "no column 'stairs' (columns: body, stars)" in refused(
        folder, text="body", label="stairs"
    )
    assert "'stars' holds float64, expected classes as t" in refused(
        folder, text="body", label="stars"
    )
    assert "name those and set the others to null" in refused(folder, text="body", target="stars")
    assert "data.text, tokens" in refused(folder, text="body", tokens="stars")


def test_several_references_in_rows_and_in_lists(tmp_path: Path) -> None:
    one = made({"input": TEXT, "target": TEXT}, [("a b", "x"), ("c", "y"), ("a b", "z\nz")])
    many = made({"input": TEXT, "target": List(TEXT)}, [("a b", ["x", "z\nz"]), ("c", ["y"])])
    shares: dict[str, Any] = {"dev_share": None, "test_share": None}
    rows = read(saved(tmp_path / "a", {"train": one}), **shares)
    lists = read(saved(tmp_path / "b", {"train": many}), **shares)
    assert (rows.task, rows.train[0].target) == ("generation", ("x", "z z"))
    assert data.digest(rows.train) == data.digest(lists.train)
    bad = saved(tmp_path / "c", {"train": made({"input": TEXT, "target": List(TEXT)}, [("a", [])])})
    assert "F train:row 1: the list of targets is empty" in refused(bad)


SCHEMES = {
    "iob2": ("Ann/B-PER Lee/I-PER ran/O", "Oslo/B-LOC Bergen/B-LOC"),
    "iob1": ("Ann/I-PER Lee/I-PER ran/O", "Oslo/I-LOC Bergen/B-LOC"),
    "bioes": ("Ann/B-PER Lee/E-PER ran/O", "Oslo/S-LOC Bergen/U-LOC"),
}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_schemes_of_tags(tmp_path: Path, scheme: str) -> None:
    dataset = tags("-DOCSTART-/O", *SCHEMES[scheme])
    splits = read(
        saved(tmp_path, {"train": dataset}), scheme=scheme, dev_share=None, test_share=None
    )
    assert (splits.task, splits.labels) == ("ner", ("LOC", "PER"))
    assert [(e.id, e.target) for e in splits.train] == [
        ("train:2", ("B-PER", "I-PER", "O")),
        ("train:3", ("B-LOC", "B-LOC")),
    ]


@pytest.mark.parametrize(
    ("sentences", "options", "message"),
    [
        (["a/O", "b/I-X c/I-X"], {}, "F train:row 2, word 1: tag 'I-X' continues no entity, as IO"),
        (["b/I-X"], {}, "(1 of 1 entities start so); the rows are tagged IOB1: set data.scheme=io"),
        (["b/S-X"], {}, "row 1, word 1: tag 'S-X', expected O, B-<type> or I-<type>; such tags ar"),
        (["b/X"], {"scheme": "bioes"}, "word 1: tag 'X', expected O or B-, I-, E- or S-<type>; c"),
        (["b/B-X c/O"], {"scheme": "bioes"}, "row 1, word 1: tag 'B-X' is followed by no I- or E"),
        (["a/O b/O"], {}, "F train: no entity at all; correct data.tags"),
        (["a/B-X", ""], {}, "F train:row 2: no tokens, expected some; delete the row"),
        (["a/B-X"], {"scheme": "x"}, "data.scheme=x: expected one of iob2, iob1, bioes"),
    ],
)
def test_tags_that_do_not_fit(
    tmp_path: Path, sentences: list[str], options: dict[str, str], message: str
) -> None:
    assert message in refused(saved(tmp_path, {"train": tags(*sentences)}), **options)


def test_words_that_do_not_fit_their_tags(tmp_path: Path) -> None:
    uneven = saved(tmp_path / "a", {"train": made(TAGGED, [(["a", "b"], ["B-X"])])})
    assert "F train:row 1: 2 words and 1 tags, expected one tag a word" in refused(uneven)
    empty = saved(tmp_path / "b", {"train": made(TAGGED, [(["a", " "], ["B-X", "O"])])})
    assert "F train:row 1, word 2: the word is empty" in refused(empty)
    new = saved(tmp_path / "c", {"train": tags("a/B-X"), "test": tags("b/O c/B-Y")})
    assert "F test:row 1, word 2: entity type 'Y' never occurs in train (X)" in refused(
        new, dev_share=None
    )
    named = {"tokens": List(TEXT), "ner_tags": List(classes(("O", "B-X")))}
    beyond = made(named | {"ner_tags": List(datasets.Value("int8"))}, [(["a"], [7])])
    message = refused(saved(tmp_path / "d", {"train": beyond}), labels=["O", "B-X"])
    assert "F train:row 1: tag 7, expected a number from 0 to 1 (O, B-X)" in message


def test_folders_that_cannot_be_read(tmp_path: Path) -> None:
    assert "F: no such folder; " in refused(tmp_path / "nowhere")
    (tmp_path / "a").mkdir()
    assert "F: cannot be read (" in refused(tmp_path / "a")
    (tmp_path / "a" / "train.txt").write_text("a line\n")
    assert "F: files of the kind 'text', expected parquet, csv, json, arrow" in refused(
        tmp_path / "a"
    )
    (tmp_path / "file.csv").write_text("text,label\n")
    assert "F: no folder; correct data.path (single files" in refused(tmp_path / "file.csv")
    broken = repository(tmp_path / "b", {"train": opinions()})
    (broken / "data" / "train-00000-of-00001.parquet").write_bytes(b"PAR1 is not enough")
    assert refused(broken).startswith("F: cannot be read (")


def test_scripts_are_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    told = (
        "F: it can only be read by running its Python script, which is never done here; take the "
    )
    for name, rows in (("films", False), ("copy", False), ("films", True)):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        (folder / "films.py").write_text(f"open({str(mark)!r}, 'w')\n")
        (folder / "dataset_infos.json").write_text("{}")
        if rows:
            repository(folder, {"train": opinions()})
        assert refused(folder).startswith(told)
    assert not mark.exists()


def test_how_a_data_set_was_kept_does_not_matter(tmp_path: Path) -> None:
    """Neither the format for another library that is kept with it, nor rows in another order."""
    plain = saved(tmp_path / "a", {"train": opinions(), "test": opinions(0)})
    shaped = saved(tmp_path / "b", {"train": opinions().with_format("numpy")})
    turned = opinions().select(range(39, -1, -1)).select(range(39, -1, -1))
    folder = saved(tmp_path / "c" / "films", {"train": turned}).parent
    none: dict[str, Any] = {"dev_share": None, "test_share": None, "test": None}
    digests = {
        data.digest(read(plain, **none).train),
        data.digest(read(shaped, **none).train),
        data.digest(read(folder, config="films", **none).train),
    }
    assert len(digests) == 1


def test_a_header_that_does_not_fit_its_files(tmp_path: Path) -> None:
    folder = repository(tmp_path / "a", {"train": opinions()})
    copies.readme(folder, "default", "data", {"train": opinions(50)})
    assert "F: the README tells other splits or row counts than the files hold (a" in refused(
        folder
    )
    copies.readme(folder, "default", "data", {"train": opinions()})
    assert data.sizes(read(folder)) == {"train": 32, "dev": 4, "test": 4}
    assert "F: no such configuration, or one must be chosen: data.config=" in refused(
        folder, config="other"
    )
    for path in ("https://example.org/x.parquet", "../b/train.parquet", "/etc/passwd"):
        (folder / "README.md").write_text(
            f"---\nconfigs:\n- config_name: a\n  data_files: {path}\n---\n"
        )
        assert f"README.md: '{path}' lies outside of the folder" in refused(folder)
    (folder / "README.md").write_text("---\nconfigs: [\n---\n")
    assert "README.md: its header is no YAML (" in refused(folder)


def test_the_files_of_one_configuration_may_stand_alone(tmp_path: Path) -> None:
    folder = repository(tmp_path, {"train": opinions()})
    assert data.digest(read(folder, config="other").train) == data.digest(read(folder).train)


def test_one_of_several_configurations_is_chosen(tmp_path: Path) -> None:
    folder = repository(tmp_path, {"train": opinions()}, "one/{}-0")
    repository(tmp_path, {"train": opinions(20)}, "two/{}-0")
    more = "- config_name: two\n  data_files: two/train-*\n"
    told = (
        "- config_name: two\n  splits:\n  - name: train\n    num_bytes: 1\n    num_examples: 20\n"
    )
    copies.readme(folder, "one", "one", {"train": opinions()}, more, told)
    splits = read(folder, config="two")
    assert (splits.name, sum(data.sizes(splits).values())) == ("two", 20)
    assert "one must be chosen: data.config=... (['one', 'two'])" in refused(folder)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """As if no offline mode were asked for; an empty cache."""
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


def unknown(*args: object) -> None:
    raise socket.gaierror("no such name")


def test_a_folder_is_read_offline(
    connected: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also where nobody asked for an offline mode; it ends with the reading."""
    original, seen = datasets.load_dataset_builder, []

    def builder(*args: Any, **options: Any) -> Any:
        seen.append((datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE))
        return original(*args, **options)

    monkeypatch.setattr(datasets, "load_dataset_builder", builder)
    read(repository(tmp_path / "a", {"train": opinions()}))
    assert seen == [(True, True)]
    assert not datasets.config.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE


def test_without_network_and_without_a_copy(
    connected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def unknown(*args: object) -> None:
        asked.append(args)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(InputError) as caught:
        configured("data=hub_sst2")
    assert str(caught.value) == (
        "stanfordnlp/sst2: it cannot be fetched (no connection to the hub) and the cache of "
        "`datasets` lacks it; set data.path=FOLDER to a copy of it, or read files with data=files "
        "data.path=..."
    )
    assert asked == [("huggingface.co", 443)]  # once: the library itself would go on for long
    assert datasets.config.HF_HUB_OFFLINE is False
    assert constants.HF_HUB_OFFLINE is False
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"\(HF_HUB_OFFLINE or HF_DATASETS_OFFLINE is set\)"):
        configured("data=hub_sst2")


def test_the_cache_is_used_without_network_and_only_for_its_revision(
    connected: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    builder = datasets.load_dataset_builder(
        str(repository(tmp_path / "films", {"train": opinions()})), cache_dir=str(tmp_path / "made")
    )
    builder.download_and_prepare()
    place = connected / "someone___films" / "default" / "0.0.0" / COMMIT
    shutil.copytree(builder.cache_dir, place)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for revision in (None, COMMIT, "main"):
        splits = reader.load(hub="someone/films", revision=revision)
        assert (splits.name, data.sizes(splits)) == ("films", {"train": 32, "dev": 4, "test": 4})
    with pytest.raises(InputError, match=f"the cache holds revision {COMMIT}, not f{{40}}; fetch"):
        reader.load(hub="someone/films", revision="f" * 40)


def test_a_cached_set_of_csv_files_is_used_without_network(
    connected: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the library keeps it depends on the options that it was read with."""
    (tmp_path / "films").mkdir()
    rows = "".join(f"film {i} was good,good\nNA {i},bad\n" for i in range(20))
    (tmp_path / "films" / "train.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    options: dict[str, Any] = {"keep_default_na": False}
    builder = datasets.load_dataset_builder(
        str(tmp_path / "films"), cache_dir=str(tmp_path / "made"), **options
    )
    builder.download_and_prepare()
    kept = datasets.BuilderConfig("default").create_config_id(config_kwargs=options)
    shutil.copytree(builder.cache_dir, connected / "someone___films" / kept / "0.0.0" / COMMIT)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    splits = reader.load(hub="someone/films")
    assert (splits.name, sum(data.sizes(splits).values())) == ("films", 40)
    assert "NA" in {example.words[0] for example in splits.train}


def test_what_the_hub_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The library gets the name, the configuration and the revision; and no leave to run code."""
    asked = []

    def builder(path: str, config: str | None, **options: object) -> None:
        asked.append((path, config, options))
        raise RuntimeError("Dataset scripts are no longer supported, but found glue.py")

    monkeypatch.setattr(datasets, "load_dataset_builder", builder)
    with pytest.raises(InputError, match=r"nyu-mll/glue: it can only be read by running its Pyth"):
        configured("data=mrpc")
    revision = "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c"
    assert asked == [("nyu-mll/glue", "mrpc", {"revision": revision})]


@pytest.mark.parametrize("hub", ["a/b/c", "hf://datasets/a", "../a", "a b", "", "C:\\a"])
def test_names_that_the_hub_does_not_have(hub: str) -> None:
    with pytest.raises(InputError, match=r"data\.hub=.*: expected OWNER/NAME of the hub, as in"):
        reader.load(hub=hub)


def test_a_folder_is_no_name_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(saved(tmp_path / "a", {"train": opinions()}).parent)
    with pytest.raises(
        InputError, match=r"data\.hub=a: expected OWNER/NAME .* named by data\.path"
    ):
        reader.load(hub="a")
    with pytest.raises(InputError, match=r"^data=hub reads a data set of the hub or a copy"):
        reader.load()


def test_check_says_what_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = repository(tmp_path, {"train": opinions(), "test": opinions(6)})
    assert check.main(["data=hub", f"data.path={folder}", "data.name=films"]) == 0
    out = capsys.readouterr().out
    assert "data 'films': classification, one label for a text, 2 classes" in out
    assert f"- train: {folder} train, parquet files: 40 rows; text = text, label = label" in out
    assert check.main(["data=hub", "data.hub=no-one/nothing"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: no-one/nothing: it cannot be fetched (HF_HUB_OFFLINE or")
    assert len(err.splitlines()) == 1


def test_the_configuration_names_every_option_and_no_other_default() -> None:
    for file in sorted((copies.ROOT / "conf" / "data").glob("*.yaml")):
        config = OmegaConf.load(file)
        if config["_target_"] == "tasks.hub.load.load":  # type: ignore[index, call-overload]
            assert set(config) <= {"_target_", *reader.load.__kwdefaults__}, file
            if file.stem == "hub":
                assert reader.load.__kwdefaults__ == {
                    k: v for k, v in config.items() if k != "_target_"
                }


def test_the_offline_mode_of_the_library_is_kept_to(tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-m", "harness.check", "data=hub_wnut17"],
        env=kept | {"HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path)},
        cwd=copies.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: leondz/wnut_17: it cannot be fetched (HF_HUB_OFFLINE or HF_DATASETS_OFFLINE is "
        "set) and the cache of `datasets` lacks it; set data.path=FOLDER to a copy of it, or read "
        "files with data=files data.path=...\n"
    )
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
