"""From planned cells to records, measurements and a report: a table of contents of its stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import measuring, plan
from harness.contracts import InputError
from harness.examples import wording
from harness.measure import environment
from harness.measuring import Measured
from harness.planning import configuration
from harness.planning import setup as setups
from harness.planning.expansion import Planned
from harness.planning.setup import Foundation, Setup
from harness.sweeps import identifying, laying, running
from harness.sweeps.forecast import forecast, total
from harness.sweeps.running import Tally, say


def run(planned: Sequence[Planned]) -> int:
    """Run what is not finished yet, write the report, tell how it went; returns the exit code."""
    for one in planned:
        configuration.check(one.config)
        if one.config["model"]["weights"] == "architecture" and not one.config["race"]:
            raise InputError(
                f"model={one.choices['model']} has no weights to train; add race=base to measure "
                "it beside the other of its pair, or name a checkpoint with model.weights=..."
            )
    if not planned:
        raise InputError("this sweep holds no cell; see `cells` in its file under conf/sweep/")
    config = planned[0].config
    _refuse_untuned(planned)
    decided = plan.checked(configuration.build(config["plan"], "plan"), "this command")
    workers = config["workers"] or laying.side_by_side(planned)
    if not config["dry_run"]:
        laying.writable(Path(config["results"]), "results")
        laying.writable(Path(config["cache"]), "cache")
    foundations = laying.lay(planned, workers, make=not config["dry_run"])
    sensible = [one for one in planned if foundations[one.foundation].unsupported is None]
    if not sensible:
        raise InputError(str(foundations[planned[0].foundation].unsupported))
    if config["dry_run"]:
        say(forecast(planned, foundations, workers, Path(config["results"])))
        return 0
    here = environment.observe()
    setups_ = identifying.identified(sensible, foundations, here, decided.digest)
    plan.write(Path(config["results"]), decided)
    others = [one for one in planned if one not in sensible]
    for setup, _ in identifying.identified(others, foundations, here, decided.digest).values():
        running.keep_unsupported(setup)
    trained = {key: found for key, found in setups_.items() if found[0].trains}
    _announce(trained, foundations, workers)
    tally = running.run_cells(trained, planned, workers)
    measured = measuring.measure([setup for setup, _ in setups_.values()], config)
    _conclude(tally, measured, Path(config["results"]))
    return 1 if tally.failed or measured.failed else 0


def _refuse_untuned(planned: Sequence[Planned]) -> None:
    """Raise InputError where nothing is trained, but a rate is searched or models are measured."""
    config = planned[0].config
    if any(wording.untuned(p.config) and p.config["role"] == "tuning" for p in planned):
        raise InputError("role=tuning: strategy=prompt trains nothing, so it has no rate to search")
    if (config["probe"] or config["race"]) and all(wording.untuned(p.config) for p in planned):
        raise InputError(
            "strategy=prompt keeps no tuned model, and what answering by prompts takes is not "
            "measured in this version; leave measuring out (~probe ~race)"
        )


def _announce(
    cells: Mapping[str, tuple[Setup, Planned]],
    foundations: Mapping[str, Foundation],
    workers: int,
) -> None:
    """Say how many cells are left and how long they will take, where there are any."""
    left = [pair for pair in cells.values() if setups.outcome(pair[0].folder) != "finished"]
    if left:
        before, results = f"{len(cells) - len(left)} more are finished", Path(left[0][0].results)
        say(total([one for _, one in left], foundations, workers, results, before))


def _conclude(tally: Tally, measured: Measured, results: Path) -> None:
    """The last lines: how many, what failed, where to read on."""
    from harness import report  # pandas and scipy only when there is something to report

    failed = [(setup.name, reason) for setup, reason in tally.failed] + [*measured.failed]
    for name, reason in failed:
        say(f"failed: {name}: {reason}")
    counts = (
        ("cells finished", len(tally.setups), len(tally.failed), tally.already),
        ("measurements made", measured.count, len(measured.failed), measured.already),
    )
    asked = [setup for setup in tally.setups if wording.untuned(setup.config)]
    if asked:
        say(f"{len(asked)} cells of strategy=prompt: no model was tuned, so none kept or measured")
    for setup in tally.unkept:
        say(f"no tuned model: {setup.folder} is finished and kept none; delete it to run it again")
    for what, planned, lost, already in counts:
        if planned:
            say(f"{planned - lost} of {planned} {what} ({already} were {what.split()[1]} before)")
    if len(failed) < len(tally.setups) + measured.count:
        say(f"report: {report.write([results])}")
