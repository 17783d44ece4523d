"""Command: equal search of learning rates and other settings, for both models of a pair.

    python -m harness.tune search=lr                   a named search (conf/search/), from the start
    python -m harness.tune search=lr trials=4 workers=2 task=ner    a part of it, smaller
    python -m harness.tune search=lr sampler=tpe       guided by what was seen
    python -m harness.tune search=lr 'space={train.weight_decay:[0.0,0.1]}'    one more key
    python -m harness.tune search=lr --dry-run         its arms, trials, cells, and for how long
    python -m harness.tune [RESULTS] [--out conf/tuned]    from the records of a grid (sweep=lr)

A search gives every arm (model, task, data, mode, strategy) the same space and as many trials; each
is an ordinary run that is scored on dev. Where a best value ends its range, all arms that are
compared are searched further, never one alone. Keys: trials, seeds, sampler, sampler_seed, space,
edge.*, out (where the chosen values go), results, cache, workers, and any choice or value of
`python -m harness.run`. It goes on where it was stopped, and several commands may share the work.

Of a grid, the rate with the best mean dev score over the tuning seeds is chosen; one that treats
the models of a pair differently (other rates, other seeds) is refused.

Exit codes: 0 all arms chosen, 1 an arm without a finished trial, 2 a mistake in the command or the
data, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from omegaconf import OmegaConf

from harness import record, searched
from harness.contracts import InputError
from harness.metrics import meter, totals
from harness.planning import configuration


@dataclass(frozen=True, order=True)
class Trial:
    """One tuning run: its learning rate, its seed and its dev score.

    `weights` is the digest of what it started from where that was a folder, else empty.
    """

    lr: float
    seed: int
    score: float
    weights: str = ""


@dataclass(frozen=True)
class Subject:
    """What is tuned. `setting` is what the rate holds for, as JSON; `family` tells the sides."""

    data: str
    task: str
    pair: str  # effort is equal within a pair
    model: str
    mode: str  # as the configuration names it
    family: str
    weights: str
    metric: str
    setting: str

    @property
    def file(self) -> str:
        """Name of its YAML, which the configuration finds by the groups' choices."""
        return f"{self.data}-{self.task}-{self.model}-{self.mode}.yaml"


def trials(results: Path) -> dict[Subject, list[Trial]]:
    """The tuning runs below a folder. A failed run scores worst: it was an equal trial."""
    found: dict[Subject, list[Trial]] = defaultdict(list)
    headlines: dict[str, str] = {}
    failed: list[record.Record] = []
    for folder in record.folders(results):
        kept = record.read(folder)
        search = (kept.sweep or "").startswith(searched.LABEL)  # which chooses for itself
        if kept.cell.role != "tuning" or kept.outcome.status == record.UNSUPPORTED or search:
            continue
        if kept.outcome.status != "finished":
            failed.append(kept)
            continue
        headlines[kept.cell.task] = kept.metrics[0]
        found[_subject(kept, headlines)].append(_trial(kept, _score(kept, folder)))
    for kept in failed:
        if kept.cell.task in headlines:
            worst = meter(headlines[kept.cell.task]).worst
            found[_subject(kept, headlines)].append(_trial(kept, worst))
    names = Counter(subject.file for subject in found)
    for subject, runs in found.items():
        twice = len({(run.lr, run.seed) for run in runs}) < len(runs)
        if twice or names[subject.file] > 1:
            raise InputError(
                f"{results}: more than one search for {subject.model} on {subject.task} "
                f"({subject.data}); move the records of the older one away"
            )
    return {subject: sorted(runs) for subject, runs in found.items()}


def _subject(kept: record.Record, headlines: Mapping[str, str]) -> Subject:
    cell = kept.cell
    if kept.config["model"].get("architecture", {}).get("model_type") == "auto":
        raise InputError(
            f"{cell.model}: a rate that was searched with model=checkpoint has no file of its own "
            "(a model of that name may have one); write conf/model/NAME.yaml with name: NAME, and "
            "search again with model=NAME"
        )
    return Subject(
        cell.data,
        cell.task,
        cell.pair,
        cell.model,
        kept.config["mode"]["name"],
        cell.family,
        cell.weights,
        headlines[cell.task],
        record.canonical(configuration.searched(kept.config)),
    )


def _trial(kept: record.Record, score: float) -> Trial:
    folder = kept.model is not None and kept.config["model"].get("weights") == "folder"
    weights = kept.model.weights_digest if folder and kept.model else ""
    return Trial(float(kept.config["train"]["lr"]), kept.cell.seed, round(score, 5), weights)


def _score(kept: record.Record, folder: Path) -> float:
    columns = record.read_counts(folder).columns
    headline = kept.metrics[0]
    return meter(headline).value(totals([headline], columns))


def choose(runs: Sequence[Trial], metric: str) -> dict[str, Any]:
    """The tuned values and where they came from. `edge`: the best rate ends the grid."""
    by_rate: dict[float, list[float]] = defaultdict(list)
    for run in runs:
        by_rate[run.lr].append(run.score)
    grid = sorted(by_rate)
    pick = min if meter(metric).lower_is_better else max
    best = pick(grid, key=lambda rate: mean(by_rate[rate]))
    return {
        "chosen": best,
        "edge": best in (grid[0], grid[-1]),
        "grid": grid,
        "seeds": sorted({run.seed for run in runs}),
        "trials": len(grid),
        "runs": len(runs),
        "table": [{"lr": r.lr, "seed": r.seed, "score": r.score} for r in runs],
    }


def refuse_unequal(found: Mapping[Subject, Sequence[Trial]]) -> None:
    """Raise InputError where the models of a pair were not searched with the same trials."""
    shapes: dict[tuple[str, str, str], dict[str, list[tuple[float, int]]]] = defaultdict(dict)
    families: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for subject, runs in found.items():
        shape = [(run.lr, run.seed) for run in runs]
        where = subject.data, subject.task, subject.pair
        shapes[where][f"{subject.model} ({subject.mode})"] = shape
        families[where].add(subject.family)
    for (data, task, pair), models in shapes.items():
        if len(families[data, task, pair]) < 2:
            raise InputError(
                f"{task} on {data}: only {', '.join(models)} was searched; "
                "search the other family with the same rates and seeds, then tune again"
            )
        if len(set(map(tuple, models.values()))) > 1:
            told = ", ".join(f"{model} {len(shape)}" for model, shape in models.items())
            raise InputError(
                f"{task} on {data}: the models had unequal trials ({told}); "
                "run the same learning rates and seeds for each, then tune again"
            )


def write(found: Mapping[Subject, Sequence[Trial]], out: Path) -> Iterable[str]:
    """Write one YAML per subject; yields a line about each."""
    for subject, runs in sorted(found.items(), key=lambda item: item[0].file):
        chosen = choose(runs, subject.metric)
        tuning: dict[str, Any] = {"metric": subject.metric, "scored_on": "dev"}
        tuning["holds_for"] = json.loads(subject.setting)
        if weights := _weights(subject, runs):
            tuning["weights_digest"] = weights
        body = OmegaConf.to_yaml({"train": {"lr": chosen["chosen"]}, "tuning": tuning | chosen})
        record.write_text(
            out / subject.file,
            "# @package _global_\n# Written by `python -m harness.tune`; do not edit.\n" + body,
        )
        edge = " (at the edge of the grid: extend it for both models)" if chosen["edge"] else ""
        yield f"{subject.file}: lr {chosen['chosen']:g} of {chosen['trials']} trials{edge}"


def _weights(subject: Subject, runs: Sequence[Trial]) -> str:
    """The weights that all trials of a folder started from; empty where there was no folder."""
    found = {run.weights for run in runs if run.weights}
    if len(found) > 1:
        raise InputError(
            f"{subject.model} on {subject.task} ({subject.data}): the trials started from "
            f"{len(found)} different weights; move the records of the older ones away"
        )
    return next(iter(found), "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Search, or read the records of a grid; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        named = any(word.lstrip("+").startswith("search=") for word in words)
        if named and not {"-h", "--help"} & set(words):
            from harness.search import command  # optuna and Hydra only for who searches

            return command.main(words)
        return _from_grid(["--help"] if named else words)
    except (InputError, record.RecordError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; the same command goes on from here\n")
        return 130


def _from_grid(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m harness.tune",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("results", nargs="?", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=Path("conf/tuned"))
    given = parser.parse_args(words)
    found = trials(given.results) if given.results.is_dir() else {}
    if not found:
        raise InputError(f"{given.results}: no tuning runs; `make tune` makes them")
    refuse_unequal(found)
    for line in write(found, given.out):
        sys.stdout.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
