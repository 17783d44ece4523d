"""Checkpoints that others made: where one lies, what family it is of, and how its files are got.

A path is a local folder in the hub's format or an id on the hub ("openai-community/gpt2"). The
hub's own cache is used first; what is missing there is downloaded once, while a sweep is planned.
Weights are read from safetensors files alone, and code of a repository is never run. Knows no
network and no tokenizer of its own; see backbones/checkpoint.py for the model.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness.contracts import InputError

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "gpt": (
        "gpt2", "gpt_neox", "llama", "mistral", "modernbert-decoder", "olmo2", "qwen2", "qwen3",
    ),
    "bert": ("bert", "distilbert", "electra", "modernbert", "roberta", "xlm-roberta"),
}  # fmt: skip
"""model_type -> family, of the classes that attend under a mask that is given to them.

Others guess their mask from a flag or bend the scores themselves (GPT-J, Gemma 2, DeBERTa); they
would be measured as something else than they are, so they are refused.
"""

SETTINGS = (
    "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt",
)  # fmt: skip
TOKENIZER_SETTINGS = "tokenizer_config.json"
INDEX = "model.safetensors.index.json"
WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors", INDEX)
AS_RELEASED = "as released"  # a level of matching: two models of the hub, as they are there
TIMEOUT_SECONDS = 10.0  # for the hub's first answer

_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_SNAPSHOT = re.compile(r"models--(.+)/snapshots/([0-9a-f]{40})")


def is_local(path: str) -> bool:
    """Whether a path is a folder here; else it is an id on the hub."""
    return bool(path) and Path(path).expanduser().is_dir()


def origin(folder: Path) -> tuple[str, str] | None:
    """(id, commit) of a folder in the hub's cache; None for a folder from elsewhere."""
    found = _SNAPSHOT.search(folder.absolute().as_posix())
    if found is None or not folder.absolute().as_posix().endswith(found[0]):
        return None
    return found[1].replace("--", "/"), found[2]


def named(path: str) -> str:
    """A model's name where nobody gave it one: the folder's, or the last part of the id."""
    folder = Path(path).expanduser()
    known = origin(folder)
    return Path(known[0]).name if known else folder.absolute().name


def located(path: str, revision: str | None) -> Path:
    """The folder of a path: itself, or its snapshot in the hub's cache. Raises InputError."""
    if is_local(path):
        folder = Path(path).expanduser().resolve()
        if not (folder / "config.json").is_file():
            raise InputError(
                f"model.path={path}: no config.json there; expected a folder in the hub's format: "
                "config.json, model.safetensors and the files of a tokenizer"
            )
        return folder
    if path and Path(path).expanduser().is_file():
        raise InputError(f"model.path={path}: that is a file; give the folder that it lies in")
    if not path:
        raise InputError("model.path: not set; expected a folder, or an id on the hub such as "
                         "openai-community/gpt2")  # fmt: skip
    if not _ID.fullmatch(path):
        raise InputError(
            f"model.path={path}: there is no such folder, and it is no id on the hub either "
            "(those look like openai-community/gpt2)"
        )
    from huggingface_hub import constants

    repository = Path(constants.HF_HUB_CACHE) / f"models--{path.replace('/', '--')}"
    commit = revision or "main"
    if (repository / "refs" / commit).is_file():
        commit = (repository / "refs" / commit).read_text(encoding="utf-8").strip()
    folder = repository / "snapshots" / commit
    if not (folder / "config.json").is_file():
        raise InputError(f"model.path={path}: not in the hub's cache; {_instead()}")
    return folder.absolute()


def fetch(
    path: str,
    revision: str | None,
    locks: Path,
    weights: bool,
    progress: Callable[[float], None] = lambda _: None,
) -> Path:
    """The folder of a path with its files in it, downloaded where the cache lacks them.

    `weights` False leaves out the large files. Parallel callers wait for the first, by a lock in
    the folder `locks`. Raises InputError, in one line, for whatever comes between.
    """
    if is_local(path):
        return located(path, revision)
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"hub-{re.sub(r'[^A-Za-z0-9_.-]', '-', path)}.lock"):
        lost = ""
        try:
            folder = located(path, revision)
            lost = _lost(folder, weights)
            if not lost:
                return folder
        except InputError:
            if not _ID.fullmatch(path):
                raise
        wanted = [*SETTINGS, *(WEIGHTS if weights else ())]
        _download(path, revision, wanted, lost, progress)
        return located(path, revision)


def complete(folder: Path) -> bool:
    """Whether weights and a tokenizer are in a folder of the hub's cache, with its settings."""
    return not _lost(folder, weights=True)


def _lost(folder: Path, weights: bool) -> str:
    """The first file that a folder of the hub's cache lacks; empty where all are there.

    Settings of a tokenizer count, as without them it is read as another one, unless the cache
    knows that the repository has none.
    """
    unknown = folder.parents[1] / ".no_exist" / folder.name / TOKENIZER_SETTINGS
    if not (folder / "config.json").is_file():
        return "config.json"
    if not has_tokenizer(folder):
        return "tokenizer.json"
    if not (folder / TOKENIZER_SETTINGS).is_file() and not unknown.is_file():
        return TOKENIZER_SETTINGS
    return lacking(folder) if weights else ""


def lacking(folder: Path) -> str:
    """The first file of weights that is not there; empty where all are."""
    if (folder / WEIGHTS[0]).is_file():
        return ""
    if not (folder / INDEX).is_file():
        return WEIGHTS[0]
    return next((name for name in shards(folder) if not (folder / name).is_file()), "")


def shards(folder: Path) -> list[str]:
    """Names of the files that hold the weights, in order. Raises InputError."""
    if (folder / WEIGHTS[0]).is_file() or not (folder / INDEX).is_file():
        return [WEIGHTS[0]]
    where = _read(folder / INDEX).get("weight_map")
    names: set[Any] = set(where.values()) if isinstance(where, dict) else set()
    if not names or not all(isinstance(n, str) and Path(n).name == n for n in names):
        raise InputError(f"{folder / INDEX}: expected weight_map, names of files beside it")
    return sorted(names)


def has_tokenizer(folder: Path) -> bool:
    """Whether there are files that make a tokenizer without another package."""
    names = {name for name in SETTINGS if (folder / name).is_file()}
    return bool(names & {"tokenizer.json", "vocab.txt"}) or names >= {"vocab.json", "merges.txt"}


def model_type(folder: Path) -> str:
    """What config.json says the model is.

    Raises InputError for a type that is not in `FAMILIES`, for code of the repository's own, and
    for weights that are packed in another way.
    """
    config = _read(folder / "config.json")
    kind, known = config.get("model_type"), sorted(k for kinds in FAMILIES.values() for k in kinds)
    if config.get("auto_map"):
        raise InputError(
            f"{folder}/config.json: auto_map: this model needs code of its own, and code that "
            "comes with a checkpoint is never run here; choose one of transformers' own types"
        )
    if kind not in known:
        raise InputError(
            f"{folder}/config.json: model_type {kind!r}: not known here; known: {', '.join(known)}"
        )
    if config.get("quantization_config"):
        raise InputError(
            f"{folder}/config.json: quantization_config: packed weights cannot be tuned here; "
            "choose the same model in 16 or 32 bits"
        )
    if config.get("is_decoder") and kind in FAMILIES["bert"]:
        raise InputError(f"{folder}/config.json: is_decoder: an encoder's class that reads left to "
                         "right is neither family; choose another checkpoint")  # fmt: skip
    return str(kind)


def family(kind: str) -> str:
    """Either "gpt" or "bert", of a known model_type."""
    return next(name for name, kinds in FAMILIES.items() if kind in kinds)


def facts(folder: Path) -> dict[str, Any] | None:
    """What a record says of weights from the hub; None for a folder from elsewhere."""
    known = origin(folder)
    if known is None:
        return None
    label = f"{known[0]} as released ({known[1][:12]})"
    return {"label": label, "repository": known[0], "commit": known[1]}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected an object")
    return found


# --- the hub --------------------------------------------------------------------------------------


def _download(
    path: str,
    revision: str | None,
    wanted: Sequence[str],
    lost: str,
    progress: Callable[[float], None],
) -> None:
    """Bring files of a repository into the hub's cache, which lacks `lost`. Raises InputError."""
    from huggingface_hub import HfApi, errors, snapshot_download
    from huggingface_hub.utils.logging import set_verbosity

    set_verbosity(logging.CRITICAL)  # one message is enough, and it is ours
    where = f"model.path={path}" + (f" model.revision={revision}" if revision else "")
    try:
        HfApi().model_info(path, revision=revision, timeout=TIMEOUT_SECONDS)  # without retries
        snapshot_download(
            path,
            revision=revision,
            allow_patterns=list(wanted),
            etag_timeout=TIMEOUT_SECONDS,
            tqdm_class=_reporting(progress),
        )
    except errors.GatedRepoError:
        raise InputError(f"{where}: the hub gives it only to those who accepted its terms; accept "
                         "them on its page and log in (`hf auth login`)") from None  # fmt: skip
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        lost = "revision" if isinstance(error, errors.RevisionNotFoundError) else "model"
        raise InputError(f"{where}: the hub knows no such {lost}, and there is no such folder "
                         "here") from None  # fmt: skip
    except Exception as error:  # noqa: BLE001 - of several libraries below; all mean one thing
        reason = type(error.__cause__ or error).__name__
        if isinstance(error, errors.OfflineModeIsEnabled):
            reason = "HF_HUB_OFFLINE is set; HF_HUB_OFFLINE=0 lets it be downloaded"
        here, instead = "not in the hub's cache", _instead()
        if lost:
            here = f"{lost} is not in the hub's cache, where others of its files are"
            instead = _completed(path, revision, lost)
        raise InputError(
            f"{where}: {here}, and not to be had from the hub ({reason}); {instead}"
        ) from None


def _completed(path: str, revision: str | None, lost: str) -> str:
    command = f"hf download {path}" + (f" --revision {revision}" if revision else "")
    text = f"where there is a network, `{command}` brings what is missing"
    if lost == TOKENIZER_SETTINGS:
        folder = located(path, revision)
        text += f"; if the repository has no such file, model.path={folder} takes it as it is"
    return text


def _instead() -> str:
    return (
        "download it where there is a network, or give a folder with model.path=/path/to/a/folder, "
        "or use the embedded model=gpt2 or model=bert"
    )


def _reporting(progress: Callable[[float], None]) -> Any:
    """A progress bar that shows nothing and tells the share of bytes that are there."""
    from tqdm import tqdm

    class Told(tqdm):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **more: Any) -> None:
            more.pop("name", None)
            super().__init__(*args, **{**more, "disable": False, "file": _Silent()})

        def update(self, n: float | None = 1) -> bool | None:
            done = super().update(n)
            if self.total and self.unit == "B":
                progress(min(1.0, self.n / self.total))
            return done

    return Told


class _Silent:
    """A stream for a bar that nobody sees."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""
