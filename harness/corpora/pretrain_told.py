"""What `python -m harness.pretrain` says: before it trains, of each model, and how to go on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.contracts import InputError

FILE = "pretraining.json"


def about_text(
    text: Mapping[str, Any], parameters: Mapping[str, int], config: Mapping[str, Any]
) -> Iterator[str]:
    """What was read, what was left out, and what will be done with it."""
    documents, words = text["documents"], text["words"]
    yield (
        f"text: {text['name']}, {text['files']:,} files ({text['files_skipped']:,} skipped, "
        f"{text['files_of_other_names']:,} of other names), {sum(documents.values()):,} documents, "
        f"{sum(words.values()):,} words"
    )
    for pattern, one in text["stripped"].items():
        yield f"taken out by {pattern}: {one['characters']:,} characters at {one['times']:,} places"
    yield from _held_out(text)
    part = text["train_blocks"]
    batch = blocks_of(config)
    yield (
        f"training: {part['tokens']:,} tokens ({part['tokens'] / words['train']:.2f} a word, "
        f"{100 * part['unknown'] / part['tokens']:.2f} % unknown) in {part['blocks']:,} blocks; "
        f"{config['updates']:,} updates of {batch:,} blocks read them "
        f"{config['updates'] * batch / part['blocks']:.1f} times"
    )
    sizes = (f"{name} {count / 1e6:.2f} M" for name, count in parameters.items())
    yield f"parameters, with the output layer: {', '.join(sizes)}"


def text_of(folder: Path) -> dict[str, str]:
    """Digests of the files that a finished model was made of. Raises InputError."""
    try:
        found: dict[str, str] = json.loads((folder / FILE).read_text("utf-8"))["text"]["sha256"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{folder / FILE}: cannot be read ({error}); delete {folder}") from None
    return found


def _held_out(text: Mapping[str, Any]) -> Iterator[str]:
    count, again = text["documents"]["held_out"], text["held_out_also_in_train"]
    if not count:
        yield "held out: nothing, so bits per token will not be measured"
        return
    which = f" ({', '.join(text['held_out_files'])})" if text["held_out_files"] else ""
    yield (
        f"held out, by {text['held_out_by']}{which}: {count:,} documents, {again:,} of which stand "
        "in the training part too, word for word"
    )


def blocks_of(config: Mapping[str, Any]) -> int:
    """Blocks of a batch."""
    count: int = max(1, round(config["batch_tokens"] / config["length"]))
    return count


def about_model(folder: Path, ended: Mapping[str, Any]) -> str:
    """How far a model came, or what it has become."""
    step, updates, rate = (ended[key] for key in ("step", "updates", "seconds_per_update"))
    if ended["status"] != "finished":
        left = "" if rate is None else f", about {(updates - step) * rate / 60:.0f} min left"
        return f"{folder.name}: stopped after {step:,} of {updates:,} updates{left}"
    facts = json.loads((folder / FILE).read_text(encoding="utf-8"))["facts"]
    bits, without = facts["held_out_bits"], facts["held_out_unigram_bits"]
    held = "not measured" if bits is None else f"{bits:.2f} (without any context {without:.2f})"
    return (
        f"{folder.name}: {updates:,} updates, {facts['tokens']:,} tokens read, "
        f"{facts['loss_tokens']:,} of them predicted ({facts['objective']}), "
        f"{facts['cpu_seconds'] / 60:.1f} min of CPU; held-out bits per predicted token {held}"
    )


def about_use(folders: Sequence[Path]) -> Iterator[str]:
    """What may be compared, and the next commands."""
    yield "clm predicts the next token, mlm a hidden one: never compare their losses or bits"
    for folder in folders:
        words = [f"model={folder.name}", f"model.weights={folder}", "task=ner", "data=conll2003"]
        yield f"  {shlex.join(['python', '-m', 'harness.run', *words])}"
