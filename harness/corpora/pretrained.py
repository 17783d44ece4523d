"""What a pretraining on a text leaves behind: a folder in the hub's format, and how it came about.

`pretraining.json` lies beside the weights and names them by their digest. Its `facts` are what
every run that starts from the folder keeps in its record; the rest is for people: the text, the
learning curves, the stretches.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import record, train
from harness.corpora import blocks
from harness.corpora.blocks import Blocks

FILE = "pretraining.json"
LOSS_WINDOW = 50
NOTE = (
    "Losses (nats) and bits are of the tokens asked for: the next one (clm), a hidden one given "
    "both sides (mlm). These are different questions: never compare one with the other. Curves of "
    "one objective on the same text with the same tokenizer may be compared."
)


@dataclass
class History:
    """What happened so far, as JSON knows it.

    `held_out` holds looks at the held-out blocks ("update", "tokens" read by then, "bits" per
    token asked for, None where nothing is held out). `stretches` are the times that the training
    was begun or taken up ("from", "to", "cpu_seconds", "wall_seconds", "environment").
    """

    step: int = 0
    tokens: int = 0  # read, special ones included
    asked: int = 0  # predicted: they bear the loss
    losses: list[float] = field(default_factory=list)  # nats, one an update
    held_out: list[dict[str, Any]] = field(default_factory=list)
    stretches: list[dict[str, Any]] = field(default_factory=list)


def label(text: Mapping[str, Any], history: History) -> str:
    """How these weights are named wherever their numbers are shown."""
    return f"pretrained here on {text['name']} ({history.tokens:,} tokens)"


def facts(
    history: History,
    text: Mapping[str, Any],
    settings: Mapping[str, Any],
    unigram_bits: float | None,
) -> dict[str, Any]:
    """What a record keeps of a pretraining, in the words of the embedded one.

    `settings` are objective, numbers of updates and the like; `unigram_bits` is what a reader
    without context needs for the held-out tokens.
    """
    curve = train.window_means(history.losses, LOSS_WINDOW)
    last = history.held_out[-1] if history.held_out else {}
    return {
        "label": label(text, history),
        "text": text["name"],
        **settings,
        "tokens": history.tokens,
        "loss_tokens": history.asked,
        "loss_window": LOSS_WINDOW,
        "losses": curve,
        "final_loss": curve[-1],
        "held_out_bits": last.get("bits"),
        "held_out_unigram_bits": unigram_bits,
        "cpu_seconds": sum(one["cpu_seconds"] for one in history.stretches),
        "wall_seconds": sum(one["wall_seconds"] for one in history.stretches),
    }


def write(
    out: Path,
    model: Any,
    text: Blocks,
    told: Mapping[str, Any],
    history: History,
    configuration: Mapping[str, Any],
) -> None:
    """Make the folder `out`, whole: `told` are the facts, `configuration` what was asked for."""
    beside = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(beside, ignore_errors=True)  # what a killed command left
    model.save_pretrained(beside)
    for name in blocks.TOKENIZER_FILES:
        shutil.copyfile(text.folder / blocks.TOKENIZER / name, beside / name)
    document = {
        "facts": told,
        "note": NOTE,
        "weights_sha256": record.weights_digest(beside),
        "configuration": configuration,
        "text": text.facts,
        "held_out": history.held_out,
        "stretches": history.stretches,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    shown = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    record.write_text(beside / FILE, shown + "\n")
    beside.rename(out)


def kept(history: History, identity: str, stretch: Mapping[str, Any]) -> dict[str, Any]:
    """The history as a training state holds it, with the stretch that is under way."""
    told = asdict(history)
    return {"identity": identity, **told, "stretches": [*history.stretches, dict(stretch)]}


def taken_up(told: Mapping[str, Any]) -> History:
    """The history in a training state. Raises TypeError for one of another version."""
    return History(**{name: value for name, value in told.items() if name != "identity"})
