"""What the `datasets` library raises, and those below it, as one message of ours."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from harness.contracts import InputError
from harness.quoting import shown

SCRIPT = (
    "it can only be read by running its Python script, which is never done here; take the rows "
    "that the hub keeps as Parquet (data.revision=refs/convert/parquet, or a copy of that branch)"
)

_SIZES = ("NonMatchingSplitsSizesError", "ExpectedMoreSplitsError", "UnexpectedSplitsError")


@contextlib.contextmanager
def explained(where: str, remedy: str) -> Iterator[None]:
    """Raise InputError, naming `where` and ending with `remedy`, for whatever cannot be read."""
    try:
        yield
    except _problems() as error:
        raise InputError(f"{where}: {_reason(error)}; {remedy}") from None


def _problems() -> tuple[type[Exception], ...]:
    """They share no base class."""
    import datasets
    from huggingface_hub import errors
    from pyarrow import ArrowException  # type: ignore[import-untyped]

    plain = (OSError, ValueError, RuntimeError, LookupError, TypeError)
    of_requests = getattr(errors, "HTTPError", OSError)  # of the library that makes them
    return (*plain, datasets.exceptions.DatasetsError, of_requests, ArrowException)


def _reason(error: Exception) -> str:
    kind, text = type(error).__name__, str(error).strip()
    if "scripts are no longer supported" in text:
        return SCRIPT
    if "BuilderConfig" in text or "Config name is missing" in text:
        there = re.search(r"\[[^]]*\]", text)
        names = shown(there.group() if there else text, 200)
        return f"no such configuration, or one must be chosen: data.config=... ({names})"
    if isinstance(error, ConnectionError) or "couldn't be found" in text:
        return f"it cannot be fetched ({_why()}) and the cache of `datasets` lacks it"
    if kind in _SIZES:
        return "the README tells other splits or row counts than the files hold (a partial copy?)"
    causes = [str(one).strip() for one in (error.__cause__, error) if one]
    first = next((cause for cause in causes if cause), kind)
    return f"cannot be read ({shown(first.splitlines()[0], 200)})"


def _why() -> str:
    import datasets

    if datasets.config.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE or HF_DATASETS_OFFLINE is set"
    return "no connection to the hub"
