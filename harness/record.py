"""What a run leaves behind, and how it is written and read. Standard library only.

The measuring half writes records, the reporting half reads them, and they meet nowhere else.
A record is a folder:

    record.json        configuration, facts, outcome, training log; written last
    counts.json        integers per example in columns: what statistics read
    predictions.jsonl  one line per example: what people read
    checkpoint/        the tuned model, where it was asked for

`record.json` is the commit point: a folder without one is unfinished work. Every file is
written beside its place, flushed to disk and renamed, so a reader never sees half of one.
No mean, score or interval is stored; the report derives them all.

Format history: 1 (first). Parts that came later are optional: `mentions`, `types` and `reliability`
of counts.json are empty where a run was recorded before them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import kinds

FORMAT = 1
RECORD, COUNTS, PREDICTIONS, CHECKPOINT = (
    "record.json",
    "counts.json",
    "predictions.jsonl",
    "checkpoint",
)
NOBODY = -1  # in counts.json, mentions: a gold or an answered entity without a partner
CONFIDENCE_UNITS = 10_000  # in counts.json, reliability: whole numbers of 1/10,000 are summed
FORWARD_AND_BACKWARD = 3
"""What a training step costs, in forward passes (Kaplan et al. 2020, section 2.1)."""
UNSUPPORTED = "unsupported"
"""Outcome of a combination that makes no sense: it never began, and is no failure."""
BY_PIECE, BOTH_ORDERS = "_by_piece", "_both_orders"
"""How the name of a mode ends whose training labels were laid on pieces (mode.labels=pieces), and
of one that reads pairs of texts in both orders."""
BODY, HEAD = "model.safetensors", "head.safetensors"  # of a checkpoint: weights


class RecordError(Exception):
    """A record that cannot be read; names the file and what is wrong with it."""


@dataclass(frozen=True)
class Cell:
    """Which run this is, in the words of the configuration."""

    model: str  # "gpt2", "bert"
    family: str  # "gpt" (decoder) or "bert" (encoder)
    pair: str  # "mini": which two models are compared
    match: str  # how well the pair is matched, in words
    weights: str  # "embedded", "scratch", or the checkpoint's name
    task: str
    data: str
    mode: str  # "causal", "bidirectional"; of written texts "causal", "unilm", "mask_predict"
    strategy: str
    seed: int
    role: str  # "result" (scored on test) or "tuning" (scored on dev only)
    level: str = ""  # of the match: "as released", "same data and size", "twin"


@dataclass(frozen=True)
class Outcome:
    """How the run ended. `reason` is one sentence; `error` the last lines of a traceback."""

    status: str  # "finished", "failed", UNSUPPORTED
    reason: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class DataFacts:
    """What was read. Digests are SHA-256 over the examples of each split."""

    name: str
    source: str  # "embedded" or "files"
    digests: Mapping[str, str]  # split -> digest, after sub-sampling
    sizes: Mapping[str, int]  # split -> examples
    words: Mapping[str, int]  # split -> words
    classes: Sequence[str]  # what answer indices mean
    caps: Mapping[str, float]  # slice -> best possible score for this reader; {} if unknown
    reader: str  # "causal/last", ...: what `caps` were computed for
    warnings: Sequence[str] = ()
    slices: Mapping[str, str] = field(default_factory=dict)  # what decides each slice, in words


@dataclass(frozen=True)
class ModelFacts:
    """Size and reading habits of the model as it was used.

    `flops_per_token` is the forward pass, 2 N + 4 L T d with N the non-embedding parameters,
    L layers, T the mean sequence length in tokens and d the width. Training costs three times that
    where everything is tuned, which is what None stands for; else what the strategy does.
    """

    description: str  # "gpt2, mini, 0.66 M parameters, embedded"
    parameters: Mapping[str, int]  # total, non_embedding, trainable, head
    tokenizer_digest: str
    weights_digest: str
    vocabulary: int
    fertility: float  # tokens per word on the training split, special tokens excluded
    unknown_share: float  # share of training tokens that are the unknown token
    flops_per_token: float
    label_piece: str  # "first", "last", or "-" where one answer is given per example
    pooling: str  # "cls", "last", or "-" where one answer is given per word
    attention: str  # kernel: "sdpa"
    precision: str  # "float32"
    pretraining: Mapping[str, Any] | None = None  # objective, updates, tokens, losses, seconds
    training_flops_per_token: float | None = None  # each time that a token is trained on
    training_flops_once: float = 0.0  # before the first step: features of a body that stays

    def training_flops(self, tokens: float) -> float:
        """What training took up to so many real tokens; nothing before the first of them."""
        each = self.training_flops_per_token
        if each is None:
            each = FORWARD_AND_BACKWARD * self.flops_per_token
        return each * tokens + (self.training_flops_once if tokens else 0.0)


@dataclass(frozen=True)
class Evaluation:
    """One look at the dev split during training; step 0 is the fresh head, before tuning."""

    step: int
    examples: int
    tokens: int
    cpu_seconds: float
    wall_seconds: float
    score: float


@dataclass(frozen=True)
class TrainLog:
    """How training went. `losses` are means over consecutive windows of `loss_window` steps."""

    steps: int
    examples: int
    tokens: int  # real tokens, padding excluded
    loss_tokens: int  # positions that bore loss
    padding_share: float
    loss_window: int
    losses: Sequence[float]
    evaluations: Sequence[Evaluation]
    best_step: int
    stopped_early: bool
    cpu_seconds: float
    wall_seconds: float


@dataclass(frozen=True)
class Likelihood:
    """Summed negative log-likelihood of reference texts, end included, by the chain rule."""

    bits: float
    bytes: int  # UTF-8, of the references' text
    texts: int


@dataclass(frozen=True)
class Record:
    """One run. Fields that do not apply (to a failed run, say) are None."""

    identity: str
    experiment_version: int
    cell: Cell
    outcome: Outcome
    config: Mapping[str, Any]  # the scientific configuration: all that the identity covers
    environment: Mapping[str, Any]
    sweep: str | None = None
    plan: str | None = None  # hash of the plan; not part of the identity
    tuning: Mapping[str, Any] | None = None  # trials and table behind the learning rate
    evaluated: str | None = None  # "test" or "dev": what the counts are of
    metrics: Sequence[str] = ()  # modules of harness.metrics, headline first
    data: DataFacts | None = None
    model: ModelFacts | None = None
    training: TrainLog | None = None
    probes: Mapping[str, Any] | None = None  # what the causality and padding probes saw
    majority: Mapping[str, int] | None = None  # summed columns of the input-blind rule
    truncation: Mapping[str, int] | None = None  # cut_examples, cut_words, cut_units
    signatures: Mapping[str, str] = field(default_factory=dict)  # metric -> how it was counted
    likelihood: Likelihood | None = None  # of the references, under chain-rule modes only
    unseen_classes: Sequence[str] = ()  # gold classes that training never had
    counts_digest: str | None = None
    checkpoint_digest: str | None = None
    answering: Mapping[str, float] | None = None  # see work.Conclusion; None: one pass over a text
    finished_at: str | None = None  # UTC, ISO 8601
    format: int = FORMAT

    @property
    def on_device(self) -> bool:
        """Whether a GPU did the work."""
        return self.environment.get("gpu") is not None

    @property
    def training_seconds(self) -> float | None:
        """What training cost: wall time of a GPU, else process time; None without a log."""
        if self.training is None:
            return None
        return self.training.wall_seconds if self.on_device else self.training.cpu_seconds


@dataclass(frozen=True)
class CountTable:
    """counts.json: columns per example, unit, mention and bin of confidence (contracts.Counts)."""

    columns: Mapping[str, Sequence[int]]
    units: Mapping[str, Sequence[int]] = field(default_factory=dict)
    slices: Sequence[str] = ()
    keys: Sequence[str] = ()
    mentions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    types: Sequence[str] = ()
    reliability: Mapping[str, Sequence[int]] = field(default_factory=dict)


def canonical(value: object) -> str:
    """The one JSON text of a value, for digests: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def weights_digest(folder: Path) -> str:
    """SHA-256 over the weights of a kept model: its body's, and its answer layer's if it has one.

    Raises OSError where the body's are not there.
    """
    whole = hashlib.sha256()
    for file in (folder / BODY, folder / HEAD):
        if file.name == BODY or file.is_file():
            with file.open("rb") as stream:
                while part := stream.read(2**20):
                    whole.update(part)
    return whole.hexdigest()


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as dotted keys; lists stay values."""
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            flat.update(flatten(item, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = item
    return flat


def write_text(path: Path, text: str) -> None:
    """Write a text, in UTF-8, as `write_bytes` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write(
    folder: Path,
    record: Record,
    counts: CountTable | None = None,
    predictions: Iterable[Mapping[str, Any]] = (),
) -> None:
    """Write a record folder; record.json goes last and makes the rest count."""
    if counts is not None:
        text = canonical(dataclasses.asdict(counts))
        write_text(folder / COUNTS, text)
        lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in predictions]
        write_text(folder / PREDICTIONS, "".join(line + "\n" for line in lines))
        counts_digest = hashlib.sha256(text.encode()).hexdigest()
        record = dataclasses.replace(record, counts_digest=counts_digest)
    text = json.dumps(
        dataclasses.asdict(record), indent=1, ensure_ascii=False, allow_nan=False, sort_keys=True
    )
    write_text(folder / RECORD, text + "\n")


def read(folder: Path) -> Record:
    """Read one record.json. Raises RecordError for a damaged or newer one."""
    path = folder / RECORD
    raw = load(path)
    if raw.get("format") != FORMAT:
        raise RecordError(
            f"{path}: format {raw.get('format')!r}, but this version reads {FORMAT}; "
            "read it with the version that wrote it"
        )
    try:
        parts: dict[str, Any] = dict(raw)
        parts["cell"] = Cell(**raw["cell"])
        parts["outcome"] = Outcome(**raw["outcome"])
        if raw.get("data"):
            parts["data"] = DataFacts(**raw["data"])
        if raw.get("model"):
            parts["model"] = ModelFacts(**raw["model"])
        if raw.get("training"):
            training = dict(raw["training"])
            training["evaluations"] = [Evaluation(**e) for e in training["evaluations"]]
            parts["training"] = TrainLog(**training)
        if raw.get("likelihood"):
            parts["likelihood"] = Likelihood(**raw["likelihood"])
        record = Record(**parts)
    except (KeyError, TypeError) as error:
        raise RecordError(f"{path}: not a record of format {FORMAT} ({error})") from None
    if wrong := kinds.misfit(record):
        raise RecordError(f"{path}: not a record of format {FORMAT} ({wrong})")
    return record


def read_counts(folder: Path, expected: str | None = None) -> CountTable:
    """Read one counts.json. Raises RecordError for a damaged one.

    `expected` is the record's `counts_digest`; a file of another run is refused.
    """
    path = folder / COUNTS
    if expected is not None and path.is_file():
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise RecordError(f"{path}: not the counts that record.json was written with")
    try:
        return CountTable(**load(path))
    except TypeError as error:
        raise RecordError(f"{path}: not a table of counts ({error})") from None


def folders(root: Path) -> Iterator[Path]:
    """Every record folder below `root`, in a stable order."""
    for path in sorted(root.rglob(RECORD)):
        if CHECKPOINT not in path.relative_to(root).parts:
            yield path.parent


def load(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises RecordError where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordError(f"{path}: no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RecordError(
            f"{path}: damaged ({error}); delete the folder and run it again"
        ) from None
    if not isinstance(value, dict):
        raise RecordError(f"{path}: expected a JSON object, got {type(value).__name__}")
    return value
