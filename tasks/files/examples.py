"""Rows become examples: a label for a text or for two, or texts to write for an input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harness.contracts import Example, InputError, Splits
from harness.quoting import listed, shown
from tasks.files.rows import Row, label, references, words

Column = str | int
Labels = Mapping[str, str] | Sequence[str]

_TASKS = {
    frozenset({"text", "label"}): "classification",
    frozenset({"text", "second", "label"}): "matching",
    frozenset({"input", "target"}): "generation",
}


class Form(NamedTuple):
    """The task that the named columns make, and where each value stands, answers first."""

    task: str
    columns: Mapping[str, Column]


def form(
    *,
    text: Column | None,
    second: Column | None,
    label: Column | None,
    input: Column | None,  # noqa: A002 - named as its key is
    target: Column | None,
) -> Form:
    """What was asked for. Raises InputError where the columns make no task, or more than one."""
    columns = {
        "label": label,
        "target": target,
        "text": text,
        "second": second,
        "input": input,
    }
    named = {role: column for role, column in columns.items() if column is not None}
    task = _TASKS.get(frozenset(named))
    if task is None:
        given = ", ".join(f"data.{role}" for role in named) or "no column"
        raise InputError(
            f"{given}: expected data.text and data.label (and data.second, for pairs), or "
            "data.input and data.target; name those and set the others to null"
        )
    return Form(task, named)


def splits(
    name: str,
    task: str,
    rows: Mapping[str, Sequence[Row]],
    labels: Labels | None,
    warnings: tuple[str, ...],
) -> Splits:
    """The splits that the rows of each file make, whole and in file order.

    `labels` maps what files hold to class names, in class order, or lists the classes; None
    takes the sorted labels of the training file.
    """
    if task == "generation":
        if labels is not None:
            raise InputError("data.labels: targets are texts and have none; set it to null")
        classes: tuple[str, ...] = ()
        examples = {split: _written(split, found) for split, found in rows.items()}
    else:
        names = _names(labels, rows["train"])
        classes = tuple(dict.fromkeys(names.values()))
        index = {raw: classes.index(known) for raw, known in names.items()}
        examples = {
            split: _labelled(split, found, index, learnt=labels is None)
            for split, found in rows.items()
        }
    return Splits(
        name=name,
        task=task,
        source="files",
        train=examples["train"],
        dev=examples.get("dev", ()),
        test=examples.get("test", ()),
        labels=classes,
        warnings=warnings,
    )


def _written(split: str, rows: Sequence[Row]) -> tuple[Example, ...]:
    """One example per input, with the references of all its rows, repeated ones too."""
    lines: dict[tuple[str, ...], int] = {}
    found: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        text = words(row, "input")
        lines.setdefault(text, row.line)
        found.setdefault(text, []).extend(references(row))
    return tuple(
        Example(f"{split}:{lines[text]}", text, tuple(written)) for text, written in found.items()
    )


def _labelled(
    split: str, rows: Sequence[Row], index: Mapping[str, int], *, learnt: bool
) -> tuple[Example, ...]:
    found = []
    for row in rows:
        raw = label(row)
        if raw not in index:
            raise InputError(f"{row.place}: {_unknown(raw, index, learnt)}")
        second = words(row, "second") if "second" in row.values else ()
        found.append(Example(f"{split}:{row.line}", words(row, "text"), index[raw], second=second))
    return tuple(found)


def _names(labels: Labels | None, train: Sequence[Row]) -> dict[str, str]:
    if labels is None:
        names = {raw: raw for raw in sorted({label(row) for row in train})}
    elif isinstance(labels, Mapping):
        names = {str(key): str(value) for key, value in labels.items()}
    else:
        names = {str(raw): str(raw) for raw in labels}
    if len(set(names.values())) < 2:
        file = train[0].place.rpartition(":")[0]
        raise InputError(
            f"{file}: one label only ({listed(names)}), expected two or more; "
            "correct data.label or data.labels"
        )
    return names


def _unknown(raw: str, names: Mapping[str, int], learnt: bool) -> str:
    if learnt:
        return (
            f"label '{shown(raw)}' never occurs in the training file; "
            "correct the row, or list every label in data.labels"
        )
    few = listed(names, 10)
    return (
        f"label '{shown(raw)}' is not one of {few}; correct the row, or data.label or data.labels"
    )
