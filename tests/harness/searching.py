"""Searches whose cells are made up: a score for each configuration, written as a cell would."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from harness import record
from harness.contracts import Splits
from harness.planning.setup import Foundation
from harness.search import command, trials
from harness.sweeps import laying, running
from harness.weights.assets import Asset

CONF = Path(__file__).parents[2] / "conf"
SIZE = 1000


class World:
    """What the cells of a search come out as, and which were run, in order."""

    def __init__(self, score, fails=lambda _: False, stop_after=None):
        self.score, self.fails, self.stop_after = score, fails, stop_after
        self.ran = []

    def lay(self, planned, workers, make):
        return {one.foundation: foundation(one) for one in planned}

    def run_cells(self, cells, planned, workers, reserved):
        for setup, one in cells.values():
            if not reserved.take(setup):
                continue
            if self.stop_after is not None and len(self.ran) == self.stop_after:
                raise KeyboardInterrupt
            self.ran.append(told(one.config))
            self._leave(setup, one.config)
            reserved.release(setup)
        return running.Tally([], 0, [])

    def _leave(self, setup, config):
        failed = self.fails(config)
        right = 0 if failed else round(SIZE * self.score(config))
        kept = record.Record(
            setup.identity,
            1,
            setup.cell,
            record.Outcome("failed", "diverged") if failed else record.Outcome("finished"),
            setup.science,
            {},
            sweep=setup.sweep,
            metrics=[] if failed else ["accuracy"],
        )
        columns = {"correct": [1] * right + [0] * (SIZE - right), "total": [1] * SIZE}
        record.write(setup.folder, kept, None if failed else record.CountTable(columns))


def foundation(one):
    name, task = one.choices["data"], one.choices["task"]
    splits = Splits(name=name, task=task, source="embedded", train=(), dev=(), test=(), labels=())
    family = "bert" if "Bert" in one.config["model"]["_target_"] else "gpt"
    digests = {"train": "a", "dev": "b"}
    return Foundation(splits, digests, Asset("", "t", "w", None), family, "m", False, 1e6, 0.0)


def told(config):
    return config["model"]["name"], config["train"]["lr"], config["seed"]


@lru_cache(maxsize=32)
def _composed(words):
    return command._composed(["search=lr", *words])


def composed(tmp_path, *words, few=("trials=4", "seeds=[1000]", "task=classification")):
    """The search `lr` on one task, small."""
    given = {word.partition("=")[0] for word in words}
    small = [word for word in few if word.partition("=")[0] not in given]
    wanted, arms = _composed((*small, *words))
    places = {"results": str(tmp_path / "results"), "cache": str(tmp_path / "cache")}
    moved = [replace(a.planned, config={**a.planned.config, **places}) for a in arms]
    return wanted, [trials.Arm(one) for one in moved]


def searched(monkeypatch, tmp_path, world, *words, **changes):
    monkeypatch.setattr(laying, "lay", world.lay)
    monkeypatch.setattr(laying, "warm", lambda _: None)
    monkeypatch.setattr(running, "run_cells", world.run_cells)
    monkeypatch.setattr(trials.environment, "observe", dict)
    wanted, arms = composed(tmp_path, *words, **changes)
    return wanted, trials.run(wanted, arms, 1)


def tried(found):
    """Points by arm, in order."""
    return {one.arm.name: [dict(trial.values) for trial in one.trials] for one in found}


def records(tmp_path):
    return [record.read(folder) for folder in record.folders(Path(tmp_path))]
