"""What a kept folder is to `transformers`, as export.json in it says. Standard library only.

Written by `harness.exporting`; read by whoever answers from such a folder or describes it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from harness import record

FILE = "export.json"
FORMAT = 1
SETTINGS = ("config.json", "tokenizer.json", "tokenizer_config.json")
"""What answers depend on besides the weights, which the record names."""


@dataclass(frozen=True)
class Agreement:
    """What was compared when the folder was written, on the first training texts that fit.

    `difference` is the largest one of logits, as a share of the largest logit; None of texts.
    """

    texts: int
    same_tokens: int  # texts that the tokenizer of the folder reads as the model was tuned to
    same_answers: int  # of those
    difference: float | None


@dataclass(frozen=True)
class Exported:
    """The class that can load the folder, or why there is none."""

    architecture: str | None
    pipeline: str | None  # by which `transformers.pipeline` answers
    why_not: str | None  # one sentence, where there is no class
    agreement: Agreement | None
    pairs: bool = False  # it was tuned on pairs of texts
    settings: str | None = None  # digest of SETTINGS as written; None where nobody noted it
    format: int = FORMAT


def settings_digest(place: Path) -> str:
    """SHA-256 over SETTINGS, as far as they are there."""
    files = [place / name for name in SETTINGS]
    return record.digest([f.read_text(encoding="utf-8") if f.is_file() else None for f in files])


def write(place: Path, found: Exported) -> None:
    """Write export.json into a folder."""
    record.write_text(place / FILE, json.dumps(asdict(found), indent=1, sort_keys=True) + "\n")


def read(place: Path) -> Exported | None:
    """What export.json says; None for a folder that was kept before there was one.

    Raises RecordError for a damaged or newer file.
    """
    if not (place / FILE).is_file():
        return None
    raw = record.load(place / FILE)
    if raw.get("format") != FORMAT:
        raise record.RecordError(
            f"{place / FILE}: format {raw.get('format')!r}, but this version reads {FORMAT}"
        )
    try:
        agreed = raw["agreement"]
        return Exported(**{**raw, "agreement": Agreement(**agreed) if agreed else None})
    except (KeyError, TypeError) as error:
        raise record.RecordError(f"{place / FILE}: not what an export leaves ({error})") from None
