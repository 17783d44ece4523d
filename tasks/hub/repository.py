"""Opens a data set with the `datasets` library: from a folder, or from the hub and its cache.

Knows no task and no column. No script is ever run, a folder is read without network, and what was
opened is what was asked for: a cache that holds another revision is refused. Nothing is written
but the cache of `datasets`, and for a folder not even that, so changed files are read anew.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from harness.contracts import InputError
from harness.quoting import shown
from tasks.files import source
from tasks.hub.network import offline, reachable
from tasks.hub.problems import SCRIPT, explained

READABLE = ("parquet", "csv", "json", "arrow")
"""Forms of files that are rows of values; the others hold media, archives or plain lines."""

INSTEAD = "set data.path=FOLDER to a copy of it, or read files with data=files data.path=..."

_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SAVED = {"dataset_dict.json": "splits", "state.json": "one split"}  # by `save_to_disk`
_ROWS = {".parquet", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".arrow"}


class Asked(NamedTuple):
    """Which data set. `path` goes before `hub`; `config` and `revision` as the hub calls them."""

    hub: str | None
    config: str | None
    revision: str | None
    path: str | None


class Held(NamedTuple):
    """What was opened: a `datasets.Dataset` per split.

    `title` is its short name, `where` its name in messages, `how` says what it was read as.
    """

    title: str
    where: str
    how: str
    splits: Mapping[str, Any]


@contextlib.contextmanager
def opened(asked: Asked) -> Iterator[Held]:
    """The data set, as long as the context lasts.

    Raises InputError where it cannot be had, or only with a script.
    """
    if asked.path is not None:
        with tempfile.TemporaryDirectory() as scratch, _quiet():
            folder, config = _folder(Path(asked.path).expanduser(), asked.config)
            yield _of_folder(folder, config, scratch)
    elif asked.hub is not None:
        yield _of_hub(asked, str(asked.hub))
    else:
        raise InputError(
            "data=hub reads a data set of the hub or a copy of one: set data.hub=OWNER/NAME, or "
            "data.path=... to a folder that `save_to_disk` wrote or that holds a repository's files"
        )


def _folder(path: Path, config: str | None) -> tuple[Path, str | None]:
    """The folder to read, and the configuration to choose in it.

    Where nothing in the folder says what it holds, a configuration is a folder below it, or the
    folder is all there is of it.
    """
    if not path.is_dir():
        what = "no folder" if path.exists() else f"no such folder; {source.around(path)}"
        raise InputError(
            f"{path}: {what}; correct data.path (single files are read by data=files data.path=...)"
        )
    told = any((path / file).is_file() for file in ("README.md", *_SAVED))
    if config is None or told:
        return path, config
    return (path / config if (path / config).is_dir() else path), None


def _of_folder(folder: Path, config: str | None, scratch: str) -> Held:
    saved = next((file for file in _SAVED if (folder / file).is_file()), None)
    title = folder.resolve().name
    with explained(str(folder), "correct data.path"), offline():
        if saved:
            how = f"{_SAVED[saved]} as save_to_disk wrote it"
            return Held(title, str(folder), how, _saved(folder))
        _refuse_script(folder)
        _refuse_elsewhere(folder)
        builder = _builder(str(folder), config, cache_dir=scratch)
        splits = _prepared(builder)
    where = f"{folder}:{config}" if config else str(folder)
    return Held(config or title, where, f"{_form(builder)} files{_chosen(builder)}", splits)


def _saved(folder: Path) -> dict[str, Any]:
    """The splits that `save_to_disk` wrote; one alone is the training split."""
    import datasets

    if (folder / "dataset_dict.json").is_file():
        names = json.loads((folder / "dataset_dict.json").read_text("utf-8"))["splits"]
        return {name: _saved(folder / name)["train"] for name in names}
    if json.loads((folder / "state.json").read_text("utf-8"))["_data_files"]:
        return {"train": datasets.load_from_disk(str(folder))}
    return {"train": _empty(datasets.DatasetInfo.from_directory(str(folder)).features)}


def _refuse_script(folder: Path) -> None:
    files = (file for file in folder.rglob("*") if file.name != "dataset_infos.json")
    if any(folder.glob("*.py")) and not any(file.suffix.lower() in _ROWS for file in files):
        raise InputError(f"{folder}: {SCRIPT}")


def _of_hub(asked: Asked, hub: str) -> Held:
    if not _HUB_ID.fullmatch(hub) or Path(hub).exists():  # `datasets` would read what is there
        remedy = "as in stanfordnlp/sst2; a folder is named by data.path"
        raise InputError(f"data.hub={shown(hub, 120)}: expected OWNER/NAME of the hub, {remedy}")
    alone = contextlib.nullcontext() if reachable() else offline()
    with explained(hub, INSTEAD), alone:
        builder = _builder(hub, asked.config, revision=asked.revision)
        _refuse_another(builder.hash, asked, hub)
        splits = _prepared(builder)
    where = f"{hub}/{asked.config}" if asked.config else hub
    how = f"{_form(builder)} of the hub{_chosen(builder)}, revision {shown(builder.hash)}"
    return Held(where.rpartition("/")[2], where, how, splits)


def _builder(path: str, config: str | None, **options: Any) -> Any:
    import datasets

    def made(**more: Any) -> Any:
        return datasets.load_dataset_builder(path, config, **more, **options)

    words: dict[str, Any] = {"keep_default_na": False}  # NA and null, as for data=files
    try:
        builder = made()
    except ValueError as error:  # the cache keeps CSV under the options that it was read with
        if "find cache" not in str(error):
            raise
        builder = made(**words)
    if _form(builder) == "csv":
        builder = made(**words)
    if _form(builder) not in (*READABLE, "cache"):
        raise InputError(
            f"{path}: files of the kind '{_form(builder)}', expected {', '.join(READABLE)}: texts "
            "with labels, tags or targets in columns"
        )
    return builder


def _prepared(builder: Any) -> dict[str, Any]:
    builder.download_and_prepare()
    found = builder.info.splits.values()
    features = builder.info.features
    return {
        s.name: builder.as_dataset(s.name) if s.num_examples else _empty(features) for s in found
    }


def _empty(features: Any) -> Any:
    """A split without rows, which `datasets` writes but does not read back."""
    import datasets

    return datasets.Dataset.from_dict({name: [] for name in features}, features=features)


def _form(builder: Any) -> str:
    return type(builder).__module__.rpartition(".")[2]


def _chosen(builder: Any) -> str:
    name = builder.config.name
    return "" if name == "default" else f", configuration {shown(name)}"


def _refuse_another(commit: str | None, asked: Asked, hub: str) -> None:
    """Without network `datasets` takes whatever it finds in its cache."""
    wanted = asked.revision or ""
    if _COMMIT.fullmatch(wanted) and commit != wanted:
        raise InputError(
            f"{hub}: the cache holds revision {shown(commit)}, not {wanted}; fetch that one with a "
            f"connection, set data.revision={shown(commit)}, or {INSTEAD}"
        )


def _refuse_elsewhere(folder: Path) -> None:
    """A folder's README may name its files, but none outside of the folder."""
    readme = folder / "README.md"
    if not readme.is_file():
        return
    head = re.match(r"---\s*\n(.*?)\n---", readme.read_text("utf-8", "replace"), re.DOTALL)
    try:
        said = yaml.safe_load(head.group(1)) if head else None
    except yaml.YAMLError as error:
        reason = shown(str(error).split("\n")[0], 120)
        raise InputError(f"{readme}: its header is no YAML ({reason}); correct it") from None
    for text in _texts(said.get("configs") if isinstance(said, dict) else None):
        if "://" in text or text.startswith("/") or ".." in text.split("/"):
            raise InputError(
                f"{readme}: '{shown(text, 80)}' lies outside of the folder; copy the file into it "
                "and correct the header"
            )


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from _texts(value)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars; what is on disk is read in seconds."""
    import datasets

    shown_before = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not shown_before:
            datasets.enable_progress_bars()
