"""`python -m harness.tune search=NAME ...`: words to a search, and what it says at the end."""

from __future__ import annotations

import os
import sys

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"  # runs go side by side
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness import report
from harness.contracts import InputError
from harness.planning import hints
from harness.search import settings, trials
from harness.search.settings import OWN, Arm, Search
from harness.sweeps import laying

TUNED = "conf/tuned"


def main(words: Sequence[str]) -> int:
    """Search, write what was chosen and the report; returns the exit code."""
    dry = bool({"--dry-run", "dry_run=true"} & set(words))
    out = next((word.partition("=")[2] for word in words if word.startswith("out=")), TUNED)
    wanted, arms = _composed([w for w in words if w.partition("=")[0] not in _OURS])
    config = arms[0].planned.config
    workers = config["workers"] or laying.side_by_side([arm.planned for arm in arms])
    if dry:
        _say(trials.told_before(wanted, arms, workers, Path(config["results"])))
        return 0
    found = trials.run(wanted, arms, workers)
    for line in trials.conclude(wanted, found, Path(out)):
        _say(line)
    _say(f"chosen values: {out}")
    _say(f"report: {report.write([Path(config['results'])])}")
    return 1 if any(trials.fruitless(one) for one in found) else 0


_OURS = ("--dry-run", "dry_run", "out")


def _composed(words: Sequence[str]) -> tuple[Search, list[Arm]]:
    """The search and its arms. Raises InputError for whatever cannot be composed."""
    GlobalHydra.instance().clear()
    overrides = list(_spelt(words))
    try:
        with initialize_config_dir(str(hints.CONF), version_base="1.3"):
            config: Any = OmegaConf.to_container(compose("config", overrides), resolve=True)
            laying.warm(config)
            return _found(config, [w for w in overrides if not w.startswith(_SEARCH)])
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise InputError(hints.explain(error)) from None


_SEARCH = ("+search=", "search.", "++search.")


def _spelt(words: Sequence[str]) -> Iterator[str]:
    """Words as Hydra reads them: what belongs to the search stands in its node."""
    for word in words:
        key = word.partition("=")[0]
        if key.lstrip("+") == "search":
            yield f"+{word.lstrip('+')}"
        elif key == "space":  # new keys may be added to it
            yield f"++search.{word}"
        elif key.partition(".")[0] in OWN:
            yield f"search.{word}"
        else:
            yield word


def _found(config: Mapping[str, Any], overrides: Sequence[str]) -> tuple[Search, list[Arm]]:
    node = config["search"]
    taken = settings.reporting_seeds(hints.CONF / "sweep")
    wanted = settings.parsed(node, taken)
    return wanted, settings.arms(wanted, node, config, overrides)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
