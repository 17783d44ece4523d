"""Command: run one cell, or a sweep of them.

    python -m harness.run model=gpt2 task=ner          one cell
    python -m harness.run sweep=quick                  a named sweep (conf/sweep/)
    python -m harness.run -m seed=0,1 model=gpt2,bert  a product of your own
    python -m harness.run model=gpt2 probe=quick       measure the kept model afterwards
    python -m harness.run sweep=quick --dry-run        what it would do, and for how long
    python -m harness.run --cfg job --resolve          the configuration, resolved
    python -m harness.run --help                       what can be set

Finished cells are skipped, so the same command goes on where it was stopped. Exit codes: 0 all
cells finished, 1 some failed, 2 a mistake in the command or the data, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"  # runs go side by side
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # waiting threads must not burn the other core
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, where each becomes one message

from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.contracts import InputError
from harness.planning import hints
from harness.planning.expansion import Planned, expand
from harness.sweeps import laying, sweep

_planned: list[Planned] = []
_problems: list[Exception] = []
_composed: list[bool] = []  # empty where Hydra only showed something (--help, --cfg)


@hydra.main(version_base="1.3", config_path="../conf", config_name="config")  # type: ignore[untyped-decorator]
def _plan(config: DictConfig) -> None:
    """Hydra calls this once per composed configuration; cells are run after the last one."""
    choices = HydraConfig.get()
    _composed.append(True)
    try:
        if len(_composed) == 1:
            laying.warm(_plain(config))
        if config.get("sweep") is None:
            plain = {"sweep": None, "probe": None, "race": None, **_plain(config)}
            cells = [Planned(plain, dict(choices.runtime.choices))]
        else:
            cells = list(expand(_plain(config), list(choices.overrides.task)))
    except (InputError, HydraException, OmegaConfBaseException) as error:
        _problems.append(error)  # raised by main, past Hydra's own report of a failed job
        return
    if choices.launcher._target_.endswith(".BasicLauncher"):
        _planned.extend(cells)
    elif code := sweep.run(cells):  # on another machine: there is no "after the last one" there
        raise SystemExit(code)


def _plain(config: DictConfig) -> dict[str, Any]:
    value = OmegaConf.to_container(config, resolve=True)
    assert isinstance(value, dict)
    return {str(key): part for key, part in value.items()}


def main() -> int:
    """Compose, plan, run; returns the exit code."""
    sys.argv[1:] = ["dry_run=true" if a == "--dry-run" else a for a in sys.argv[1:]]
    try:
        _compose()
        return sweep.run(_planned) if _composed else 0
    except InputError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)  # noqa: T201
        return 130


def _compose() -> None:
    """Fill `_planned`. Raises InputError for whatever cannot be composed."""
    try:
        _plan()
        for problem in _problems:
            raise problem
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise InputError(hints.explain(error)) from None


def _refuse(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201 - the command's answer
    return 2


if __name__ == "__main__":
    sys.exit(main())
