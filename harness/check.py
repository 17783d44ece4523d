"""Command: read a data set and tell what is in it, before anything is trained.

    python -m harness.check data=files data.path=reviews.csv data.text=body data.label=stars
    python -m harness.check data=sst2
    python -m harness.check task=ner                    the embedded world

Takes what `python -m harness.run` takes (data=..., data.key=value, train.max_length=...), trains
nothing, and ends with the command to go on with. Exit codes: 0 the data can be used, 2 a mistake in
the command or the data.
"""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, where each becomes one message

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.contracts import InputError, Splits
from harness.examples import data, doubts, inspection
from harness.examples.inspection import TOKENS_PER_WORD, Inspection, Lengths, Room
from harness.planning import configuration, hints
from harness.quoting import fraction, shown

TASKS = {
    "classification": "one label for a text",
    "matching": "one label for a pair of texts",
    "ner": "one tag for each word",
    "generation": "a text to write for an input",
}
MOST_LABELS = 20


class _Notes(logging.Handler):
    """Keeps what readers log about what they recognised by themselves."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """One line more."""
        self.lines.append(record.getMessage())


def main(words: Sequence[str]) -> int:
    """Tell what the data hold; returns the exit code."""
    if {"-h", "--help"} & set(words):
        _say((__doc__ or "").rstrip())
        return 0
    try:
        config = _composed(words)
        splits, notes = _read(config["data"])
        if any(word.startswith("task=") for word in words):
            task = configuration.build(config["task"], "task")
            data.check(splits, task.name)
            task.metrics(splits)  # what it cannot judge in these data is said now
        data.part(splits, "train")
        paragraphs = list(_told(config, splits, notes, words))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        return 2
    _say("\n".join(paragraphs))
    return 0


def _composed(words: Sequence[str]) -> dict[str, Any]:
    """The configuration. Raises InputError for whatever cannot be composed."""
    other = next((word for word in words if word.startswith(("-", "sweep="))), None)
    if other:
        raise InputError(f"{other}: this command reads one data set, named by data=...; see --help")
    try:
        with initialize_config_dir(str(hints.CONF), version_base="1.3"):
            config = OmegaConf.to_container(compose("config", list(words)), resolve=True)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise InputError(hints.explain(error)) from None
    assert isinstance(config, dict)
    plain = {str(key): value for key, value in config.items()}
    configuration.check(plain)
    return plain


def _read(node: Mapping[str, Any]) -> tuple[Splits, list[str]]:
    """The data, and what their reader said about them."""
    notes, log = _Notes(), logging.getLogger("tasks")
    log.setLevel(logging.INFO)
    log.addHandler(notes)
    try:
        splits: Splits = configuration.build(node, "data")
    finally:
        log.removeHandler(notes)
    return splits, notes.lines


def _told(
    config: Mapping[str, Any], splits: Splits, notes: Sequence[str], words: Sequence[str]
) -> Iterator[str]:
    """The answer, paragraph by paragraph."""
    longest, writes = config["train"]["max_length"], config["decoding"]["max_new_tokens"]
    fits = inspection.room(longest, writes, splits.task, config["train"]["long"])
    found = inspection.inspect(splits, fits)
    kind = "entity types" if splits.task == "ner" else "classes"
    labels = f", {len(splits.labels)} {kind}" if splits.labels else ""
    yield f"data '{shown(splits.name)}': {splits.task}, {TASKS.get(splits.task, '')}{labels}\n"
    yield from _listed("read", notes)
    yield _sizes(found, fits)
    if found.labels:
        yield _labels(found)
    yield from _listed("told by the reader", splits.warnings)
    yield from _listed("worth a look", doubts.of(splits, found) or ["nothing that looks wrong"])
    checkpoint = config["model"].get("path") is not None
    further = command(words, splits.task, checkpoint)
    yield f"go on with (--dry-run tells how long it takes)\n  {further}"


def _sizes(found: Inspection, fits: Room) -> str:
    """A line per split: examples, words, and how many will be cut."""
    rows: list[Sequence[str]] = [
        ("split", "examples", "words: median", "95 %", "longest", f"{_fate(fits)}: surely", _LIKELY)
    ]
    rows += [
        _size(side.name, side.examples, side.words, side.windowed if fits.windows else side.cut)
        for side in found.sides
    ]
    written = [(side, side.written) for side in found.sides if side.written]
    for side, lengths in written:
        rows.append(_size(f"{side.name}, to write", side.references, lengths, None))
    meaning = "read in windows, every word answered" if fits.windows else "that lose words"
    return (
        f"{_table(rows)}\n"
        f"{_fate(fits)}: examples {meaning}, as {_room(fits)}; by words, at one token a word "
        f"(surely) or at {TOKENS_PER_WORD} (an estimate)\n{_losses(found)}"
    )


_LIKELY = "probably"


def _fate(fits: Room) -> str:
    return "windows" if fits.windows else "cut"


def _losses(found: Inspection) -> str:
    """What goes with the examples that are cut; empty where nothing does."""
    sides = [side for side in found.sides if any(side.lost_words)]
    told = [
        f"{side.name} {' to '.join(f'{n:,}' for n in side.lost_words)} words"
        + (
            f" and {' to '.join(f'{n:,}' for n in side.lost_entities)} entities"
            if any(side.lost_entities)
            else ""
        )
        for side in sides
    ]
    return f"lost with them, surely to probably: {'; '.join(told)}\n" if told else ""


def _room(fits: Room) -> str:
    if fits.written is None:
        return f"{fits.read} tokens fit beside the special ones (train.max_length)"
    return (
        f"{fits.written} tokens of a text fit (decoding.max_new_tokens) and {fits.read} of what it "
        "is written for (train.max_length less those)"
    )


def _size(name: str, count: int, words: Lengths, cut: tuple[int, int] | None) -> tuple[str, ...]:
    ends = [f"{n:,}" for n in cut] if cut else ["", ""]
    return (name, f"{count:,}", *(f"{n:,}" for n in words), *ends)


def _labels(found: Inspection) -> str:
    """A line per label, most frequent in train first: how many, and which share of its split."""
    order = sorted(range(len(found.labels)), key=lambda k: -found.sides[0].counts[k])
    shares = [f"{side.name} share" for side in found.sides]
    head = [
        text for side, part in zip(found.sides, shares, strict=True) for text in (side.name, part)
    ]
    rows = [("label", *head)]
    for k in order[:MOST_LABELS]:
        cells = (
            (f"{s.counts[k]:,}", fraction(inspection.share(s.counts[k], s))) for s in found.sides
        )
        rows.append((shown(found.labels[k]), *(cell for pair in cells for cell in pair)))
    more = len(order) - MOST_LABELS
    rest = f"\n... and {more:,} more labels" if more > 0 else ""
    return f"{_table(rows)}{rest}\n{_majority(found)}\n"


def _majority(found: Inspection) -> str:
    if found.task == "ner":
        told = ", ".join(f"{s.name} {fraction(s.outside or 0.0)}" for s in found.sides)
        return f"words outside any entity: {told}"
    train = found.sides[0]
    most = train.counts.index(max(train.counts))
    told = ", ".join(
        f"{s.name} {fraction(inspection.share(s.counts[most], s))}" for s in found.sides
    )
    return f"always answering '{shown(found.labels[most])}' is right in: {told}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
        for row in rows
    )
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield "\n".join([title, *(f"- {line}" for line in lines)]) + "\n"


def command(words: Sequence[str], task: str, checkpoint: bool = False) -> str:
    """What to type next: the same options, the task that the data hold where none was asked for.

    Both models where none was named; from scratch unless it is a `checkpoint`.
    """
    kept = [word for word in words if not word.startswith(("task=", "model="))]
    model = next((word for word in words if word.startswith("model=")), "model=gpt2,bert")
    asked = next((word for word in words if word.startswith("task=")), f"task={task}")
    own = any(word.startswith("data=") and word != "data=world" for word in words)
    weighed = checkpoint or _given(words, "model.weights=")
    fresh = ["model.weights=scratch"] if own and not weighed else []
    several = ["-m"] if "," in model else []
    every = [*several, model, asked, *kept, *fresh]
    return " ".join(["python -m harness.run", *map(shlex.quote, every)])


def _given(words: Sequence[str], key: str) -> bool:
    return any(word.startswith(key) for word in words)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
