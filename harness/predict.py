"""Command: answers of a tuned model, one JSON line a text.

    python -m harness.predict run=RUN text="a text"
    python -m harness.predict run=RUN text="one text" second="the other"
    python -m harness.predict run=RUN file=texts.txt out=answers.jsonl
    cat texts.jsonl | python -m harness.predict run=RUN input=jsonl

    run=         a run's folder, or its name below results/runs, or how that begins
    text=        one text; second= of a pair. Without text= and file= lines are read from standard
                 input, and answered as they come
    file=        a text a line; .jsonl: {"text": "...", "second": "..."} a line
    input=       lines or jsonl (default: by the ending of file=, else lines)
    words=       of texts whose words are tagged: conll (default: punctuation stands alone, as in
                 annotated text) or blanks (the text has its words apart already)
    out=         file to write (default: standard output)
    batch_size=  texts that go through the network together (default: 32)
    results=     folder of records (default: results)

One label a text: {"text", "label", "score", "scores"}. Tags: {"text", "entities": [{"type",
"start", "end", "text", "score"}]}, start and end in characters of the text as given, end exclusive.
Texts: {"text", "output"}. "cut_words" says how many words were not read, as the text was too long;
a text without words is answered by null and a "reason". Every line gives one line, in order.
The run needs its tuned model: checkpoint=first (seed 0, the default) or checkpoint=all keeps it.
Exit codes: 0 all answered, 2 a mistake in the command or the input (what was answered before it is
written), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import difflib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from harness import invocation, record
from harness.contracts import InputError
from harness.examples import wording
from harness.kept import predict_lines, predict_words
from harness.kept.predict_lines import Asked
from harness.quoting import shown

if TYPE_CHECKING:
    from harness.kept.predict_model import Answering

WORDS = ("run", "text", "second", "file", "input", "words", "out", "batch_size", "results")
CHOICES = {"input": ("lines", "jsonl"), "words": ("conll", "blanks")}
RUNS = "runs"
MOST = 10  # runs that a message names
LONGEST = 4096  # texts of one batch


def main(arguments: Sequence[str]) -> int:
    """Answer; returns the exit code."""
    if {"-h", "--help", "help"} & set(arguments):
        sys.stdout.write((__doc__ or "").partition("Command: ")[2])
        return 0
    try:
        return _run(parsed(arguments))
    except (InputError, record.RecordError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except BrokenPipeError:  # who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk
        where = next((one for one in arguments if one.startswith("out=")), "standard output")
        sys.stderr.write(
            f"error: {where}: {error.strerror or error}; not all was written: make room, or write "
            "elsewhere with out=\n"
        )
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return 130


# --- arguments ----------------------------------------------------------------------------------


def parsed(arguments: Sequence[str]) -> dict[str, str]:
    """key=value arguments. Raises InputError for the first that makes no sense."""
    given: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if key not in WORDS:
            near = difflib.get_close_matches(key.lower(), WORDS, n=1, cutoff=0.5)
            hint = f" (did you mean {near[0]}=?)" if near else ""
            raise InputError(f"{shown(key)}: there is no such argument{hint}; see --help")
        if not equals or (not value and key not in ("text", "second")):
            raise InputError(f"{key}: expected {key}=something, got {shown(argument)!r}")
        if key in given:
            raise InputError(f"{key}: given twice; give it once")
        given[key] = value
    _check(given)
    return given


def _check(given: Mapping[str, str]) -> None:
    if "run" not in given:
        raise InputError("run: say which run answers, such as run=results/runs/NAME; see --help")
    for key, choices in CHOICES.items():
        if given.get(key, choices[0]) not in choices:
            raise InputError(f"{key}={shown(given[key])}: expected {' or '.join(choices)}")
    if "text" in given and "file" in given:
        raise InputError("text and file: give one of them")
    if "second" in given and "text" not in given:
        raise InputError("second: goes with text=; in a file, use JSON lines with a second")
    size = given.get("batch_size", "1")
    if not (size.isdecimal() and len(size) <= 4 and 1 <= int(size) <= LONGEST):
        raise InputError(f"batch_size={shown(size)}: expected a whole number from 1 to {LONGEST}")


def chosen(run: str, results: Path) -> Path:
    """The folder of a run, by its path, its name or how its name begins. Raises InputError."""
    path = Path(run)
    inside = path.name in (record.RECORD, record.CHECKPOINT)
    for place in (path, *([path.parent] if inside else [])):
        if (place / record.RECORD).is_file():
            return place
    names = sorted(path.parent.name for path in (results / RUNS).glob(f"*/{record.RECORD}"))
    if run in names:
        return results / RUNS / run
    found = [name for name in names if name.startswith(run)]
    if len(found) == 1:
        return results / RUNS / found[0]
    if found:
        raise InputError(
            f"run={shown(run)}: {len(found)} runs begin so: {', '.join(found[:MOST])}"
            f"{', ...' if len(found) > MOST else ''}; say more of it"
        )
    if path.is_dir():
        raise InputError(
            f"run={shown(run, 120)}: no {record.RECORD} there; expected a run's folder"
        )
    near = difflib.get_close_matches(run, names, n=3, cutoff=0.4)
    hint = f"; the nearest are {', '.join(near)}" if near else ""
    what = f"no such run ({len(names)} below {results / RUNS})" if names else "there is no run"
    raise InputError(f"run={shown(run, 120)}: {what}{hint}; give a folder, or results=")


def kept(folder: Path) -> record.Record:
    """The record of a run that has kept its tuned model. Raises InputError where it has not."""
    found = record.read(folder)
    cell = found.cell
    if found.outcome.status != "finished":
        reason = shown(found.outcome.reason or "no reason kept", 200)
        told = "makes no sense" if found.outcome.status == record.UNSUPPORTED else "failed"
        raise InputError(f"{folder}: this run {told} ({reason}), so there is no tuned model")
    if wording.untuned(found.config):
        raise InputError(
            f"{folder}: strategy={cell.strategy} tunes nothing, so there is no tuned model to "
            "answer from; its answers to the test split are in predictions.jsonl"
        )
    if found.checkpoint_digest is None:
        chosen = invocation.words(cell, found.config)
        again = invocation.command(chosen | {"seed": str(cell.seed), "checkpoint": "all"})
        raise InputError(
            f"{folder}: this run kept no tuned model; delete the folder and run `{again}` with "
            "its other options"
        )
    if not (folder / record.CHECKPOINT).is_dir():
        raise InputError(f"{folder}: its folder {record.CHECKPOINT}/ is gone; put it back")
    return found


# --- answering ----------------------------------------------------------------------------------


def _run(given: Mapping[str, str]) -> int:
    folder = chosen(given["run"], Path(given.get("results", "results")))
    found = kept(folder)
    _apart(given)
    with _reading(given) as pieces:
        model = _loaded(folder, found, given.get("words", "conll"))
        with _writing(given.get("out")) as out:
            for asked in pieces:
                fitting = list(itertools.takewhile(lambda one: _fits(model, one), asked))
                answers = model.answers(fitting, int(given.get("batch_size", "32")))
                lines = (json.dumps(answer, ensure_ascii=False) for answer in answers)
                out.write("".join(line + "\n" for line in lines).encode())
                out.flush()
                if len(fitting) < len(asked):
                    raise _misfit(model, asked[len(fitting)])
    return 0


def _loaded(folder: Path, found: record.Record, words: str) -> Answering:
    import torch  # after all that can go wrong without it

    from harness.kept import predict_model

    tags = any(name.startswith("entity_") for name in found.metrics)
    divide = predict_words.words if tags and words == "conll" else predict_words.blanks
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    return predict_model.load(folder, found, divide)


def _fits(model: Answering, one: Asked) -> bool:
    """Whether it is a pair where the model was tuned on pairs; no words go anywhere."""
    return not one.text.strip() or model.pairs == (one.second is not None)


def _misfit(model: Answering, one: Asked) -> InputError:
    what = (
        'this model was tuned on pairs; give second= too, or {"text", "second"} a line'
        if model.pairs
        else "this model was tuned on single texts; leave the second away"
    )
    return InputError(": ".join(filter(None, [one.place, repr(shown(one.text)), what])))


def _apart(given: Mapping[str, str]) -> None:
    if "out" in given and "file" in given:
        out, file = Path(given["out"]), Path(given["file"])
        if out.exists() and file.exists() and out.samefile(file):
            raise InputError(f"out={shown(out)}: that is the file that is read; choose another")


@contextmanager
def _reading(given: Mapping[str, str]) -> Iterator[Iterable[list[Asked]]]:
    """Texts, a piece of the input at a time."""
    if "text" in given:
        text, second = given["text"], given.get("second")
        for key in ("text", "second"):
            predict_lines.checked(given.get(key, ""), key)
        yield [[Asked(text, second)]]
        return
    jsonl = given.get("input", "lines") == "jsonl"
    if "file" not in given:
        if sys.stdin.isatty():
            sys.stderr.write("a text a line; end with Ctrl-D\n")
        yield _shown(predict_lines.read(predict_lines.arriving(0), "standard input", jsonl), None)
        return
    path = Path(given["file"])
    jsonl = jsonl or ("input" not in given and path.suffix == ".jsonl")
    try:
        with path.open("rb", buffering=0) as stream:
            pieces = predict_lines.arriving(stream.fileno())
            yield _shown(predict_lines.read(pieces, str(path), jsonl), stream)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise InputError(f"file={path}: {error.strerror}; expected a text file or .jsonl") from None


def _shown(pieces: Iterable[list[Asked]], stream: Any) -> Iterator[list[Asked]]:
    """The same pieces, with a line on the terminal that says how many were answered."""
    silent = not sys.stderr.isatty() or (stream is None and sys.stdin.isatty())
    size = os.fstat(stream.fileno()).st_size if stream is not None else 0
    count = 0
    for piece in pieces:
        yield piece
        count += len(piece)
        if not silent:
            share = f", {100 * stream.tell() // size} % read" if size else ""
            sys.stderr.write(f"\r{count:,} texts answered{share} ")
            sys.stderr.flush()
    if count and not silent:
        sys.stderr.write("\n")


@contextmanager
def _writing(out: str | None) -> Iterator[BinaryIO]:
    if out is None:
        yield sys.stdout.buffer
        return
    with _opened(Path(out)) as stream:
        yield stream


def _opened(out: Path) -> BinaryIO:
    try:
        return out.open("wb")
    except OSError as error:
        raise InputError(
            f"out={shown(out, 120)}: cannot be written ({error.strerror}); name another file"
        ) from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
