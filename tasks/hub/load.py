"""Reads a data set of the hub, or a copy on disk: `data=hub data.hub=OWNER/NAME`.

Says which split and which column is what, and leaves the rest to others: `repository` opens,
`columns` makes rows, and `tasks.files` makes examples of rows, as it does for a user's own files.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness.contracts import InputError, Splits
from harness.examples.data import prepared
from harness.quoting import listed, shown
from tasks.files import conll, division, examples, source, tables
from tasks.files.examples import Labels
from tasks.files.rows import Row
from tasks.hub import columns as columns_of
from tasks.hub import repository, tagged
from tasks.hub.repository import Asked, Held

AUTO = "auto"
TAG_COLUMNS = ("tags", "ner_tags")

_USUAL = {"dev": ("validation", "dev", "valid", "val"), "test": ("test",)}
_ROLES = ("text", "second", "label", "input", "target", "tokens", "tags")

_log = logging.getLogger(__name__)


class Chosen(NamedTuple):
    """The splits to use, by what they are used for; `notes` says why there are no others."""

    names: dict[str, str]
    notes: tuple[str, ...]


def load(
    *,
    name: str | None = None,
    hub: str | None = None,
    config: str | None = None,
    revision: str | None = None,
    path: str | None = None,
    train: str = "train",
    dev: str | None = AUTO,
    test: str | None = AUTO,
    text: str | None = None,
    second: str | None = None,
    label: str | None = None,
    input: str | None = None,  # noqa: A002 - named as its key is
    target: str | None = None,
    tokens: str | None = None,
    tags: str | None = None,
    labels: Labels | None = None,
    scheme: str = "iob2",
    docstart: str | None = "-DOCSTART-",
    test_note: str | None = None,
    dev_share: float | None = 0.1,
    test_share: float | None = 0.1,
    split_seed: int = 0,
    together: str = "example",
    train_limit: int | None = None,
    limit_seed: int = 0,
    train_share: float | None = None,
) -> Splits:
    """Read the splits of one data set; conf/data/hub.yaml says what each argument is.

    Raises InputError for whatever cannot be had or read as it was asked.
    """
    given = (text, second, label, input, target, tokens, tags)
    named = {role: str(c) for role, c in zip(_ROLES, given, strict=True) if c is not None}
    form = conll.known(scheme)
    with repository.opened(Asked(hub, config, revision, path)) as held:
        title = str(name) if name is not None else held.title
        wanted = {"train": train, "dev": dev, "test": test}
        columns = _columns(held, str(train), named)
        chosen = _chosen(held, wanted, columns, labels, test_note)
        rows = _rows(held, chosen.names, columns, labels, test_note)
        if "tokens" in columns:
            found = {k: tagged.sentences(each, form, docstart) for k, each in rows.items()}
            splits = tagged.splits(title, found, chosen.notes)
        else:
            task = examples.form(**{role: columns.get(role) for role in _ROLES[:5]}).task
            names = labels or _classes(held, chosen.names["train"], columns)
            splits = examples.splits(title, task, rows, names, chosen.notes)
    shares = {"dev": dev_share, "test": test_share}
    divided = division.divided(splits, shares, split_seed, together)
    return prepared(divided, train_limit, limit_seed, train_share=train_share)


def _columns(held: Held, train: str, named: Mapping[str, str]) -> dict[str, str]:
    """The column of every role that the task has; those not named are called what they are."""
    there = _split(held, "train", train).column_names
    tagging = {"tokens", "tags"} & named.keys()
    tag = next((column for column in TAG_COLUMNS if column in there), "tags")
    if tagging or (not named and {"tokens", tag} <= set(there)):
        if named.keys() - {"tokens", "tags"}:
            raise InputError(
                f"data.{listed(named)}: expected data.tokens and data.tags alone, or neither; set "
                "the others to null"
            )
        return {"tokens": "tokens", "tags": tag} | dict(named)
    found = {role: str(column) for role, column in tables.completed(named, there).items()}
    examples.form(**{role: found.get(role) for role in _ROLES[:5]})  # refuses what is no task
    missing = [role for role in found if role not in named and role not in there]
    if missing:
        wanted = " or ".join(f"'{role}'" for role in missing)
        remedy = " and ".join(f"data.{role}=..." for role in missing)
        raise InputError(
            f"{held.where} {train}: no column {wanted} (columns: {listed(there)}); set {remedy}"
        )
    return found


def _split(held: Held, use: str, split: str) -> Any:
    if split not in held.splits:
        hint = "" if use == "train" else f", or data.{use}=null where there is none"
        raise InputError(
            f"{held.where}: no split '{shown(split)}' (splits: {listed(held.splits)}); "
            f"correct data.{use}{hint}"
        )
    return held.splits[split]


def _chosen(
    held: Held,
    wanted: Mapping[str, str | None],
    columns: Mapping[str, str],
    labels: Labels | None,
    note: str | None,
) -> Chosen:
    """The splits to use. One that nobody named and that tells no label is left out, and said."""
    names, told = {}, []
    for use, split in wanted.items():
        found = split
        if split == AUTO:
            found = next((s for s in _USUAL.get(use, ()) if s in held.splits), None)
        if found is None:
            continue
        dataset = _split(held, use, str(found))
        place = f"{held.where} {found}"
        columns_of.check(place, f"data.{use}", dataset, columns)
        label = columns.get("label")
        if label and columns_of.hidden(dataset, label, _names(dataset, label, labels)):
            why = f"all {len(dataset):,} labels of '{shown(found)}' are hidden"
            if split != AUTO:
                remedy = note or f"name another split, or set data.{use}=null"
                raise InputError(f"{place}: {why}; {remedy}")
            told.append(f"no {use} split: {why}")
            continue
        names[use] = str(found)
    said = {text.split()[1] for text in told}
    return Chosen(names, (*told, *source.absent([*names, *said], note)))


def _rows(
    held: Held,
    chosen: Mapping[str, str],
    columns: Mapping[str, str],
    labels: Labels | None,
    note: str | None,
) -> dict[str, list[Row]]:
    answer = columns.get("label", columns.get("tags"))
    found = {}
    for use, split in chosen.items():
        dataset = held.splits[split]
        classes = _names(dataset, answer, labels)
        place = f"{held.where} {split}"
        test_note = note if use == "test" else None
        found[use] = list(columns_of.rows(place, dataset, columns, classes, test_note))
        used = ", ".join(f"{role} = {shown(column)}" for role, column in columns.items())
        left = listed([c for c in dataset.column_names if c not in columns.values()], 8)
        unused = f"; not used: {left}" if left else ""
        _log.info("%s: %s, %s: %d rows; %s%s", use, place, held.how, len(dataset), used, unused)
    return found


def _names(dataset: Any, column: str | None, labels: Labels | None) -> tuple[str, ...] | None:
    return columns_of.names(dataset.features[column], labels) if column else None


def _classes(held: Held, train: str, columns: Mapping[str, str]) -> Sequence[str] | None:
    """The classes that the features of train tell; None where labels are plain values."""
    return _names(held.splits[train], columns.get("label"), None)
