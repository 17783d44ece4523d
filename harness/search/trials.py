"""An equal search from beginning to end: trials are planned, run as cells, extended, chosen from.

Every trial is an ordinary cell that is scored on dev, so its record is kept like any other and a
search that was stopped goes on where it was: what is on record is not run again, and the values
of a trial that was begun stay what they were (`harness.search.journal`).
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness import plan
from harness.contracts import InputError
from harness.examples import wording
from harness.measure import environment
from harness.planning import configuration
from harness.planning import setup as setups
from harness.planning.expansion import Planned
from harness.planning.setup import Foundation, Setup
from harness.search import chosen, space
from harness.search.chosen import Extension, Trial
from harness.search.journal import Journal, suggested
from harness.search.settings import TPE, Arm, Search
from harness.search.space import Point, Side, Space
from harness.sweeps import identifying, laying, running
from harness.sweeps.forecast import total
from harness.sweeps.reserved import Reservations

FOLDER = "searches"


@dataclass(frozen=True)
class Wanted:
    """A trial of an arm before it is run."""

    arm: Arm
    place: str
    values: Point


@dataclass(frozen=True)
class Bench:
    """Where trials are run, and what was loaded for them so far."""

    search: Search
    results: Path
    cache: str
    workers: int
    journal: Journal
    plan: str  # its digest
    here: Mapping[str, Any]  # the environment
    loaded: dict[str, Foundation] = field(default_factory=dict)


@dataclass(frozen=True)
class Searched:
    """An arm with all of its trials."""

    arm: Arm
    space: Space
    trials: Sequence[Trial]
    extended: Sequence[Extension]


def told_before(search: Search, arms: Sequence[Arm], workers: int, results: Path) -> str:
    """What --dry-run prints: arms, trials, cells and time."""
    middle = {one.key: one.at(0.5) for one in search.space}
    each = search.trials * len(search.seeds)
    cells = [one for arm in arms for one in [arm.at(middle)] * each]
    laid = _laid(cells, workers, make=False)
    lines = [f"{arm.name}: {search.trials} trials x {len(search.seeds)} seeds" for arm in arms]
    lines += [f"{one.key}: {_range(one.told)}" for one in search.space]
    edge = search.edge
    if edge.extensions:
        lines.append(
            f"where a best value ends its range: {edge.trials} more trials for each of those that "
            f"are compared, {edge.extensions} times at most"
        )
    head = f"search={search.name}: {len(arms)} arms, {search.sampler}"
    return "\n".join([head, *lines, total(cells, laid, workers, results)])


def _laid(cells: Sequence[Planned], workers: int, make: bool) -> dict[str, Foundation]:
    """As a sweep does. Raises InputError for an arm that makes no sense, or has nothing to tune."""
    if any(wording.untuned(one.config) for one in cells):
        raise InputError("strategy=prompt trains nothing, so there is nothing to search")
    found = laying.lay(cells, workers, make)
    for one in found.values():
        if one.unsupported is not None:
            raise InputError(f"{one.unsupported}; leave it out of the search's arms")
    return found


def _range(told: Any) -> str:
    if isinstance(told, list):
        return f"one of {', '.join(map(str, told))}"
    return f"{told['low']:g} to {told['high']:g}{' (log scale)' if told['log'] else ''}"


def run(search: Search, arms: Sequence[Arm], workers: int) -> list[Searched]:
    """Run what is not on record yet, extend where a best point ends its range.

    Raises InputError for the first user's mistake, before any cell has started.
    """
    config = arms[0].planned.config
    decided = plan.checked(configuration.build(config["plan"], "plan"), "this command")
    results = Path(config["results"])
    for key in ("results", "cache"):
        laying.writable(Path(config[key]), key)
    folder = results / FOLDER / setups.safe(search.name)
    bench = Bench(
        search,
        results,
        config["cache"],
        workers,
        Journal(folder),
        decided.digest,
        environment.observe(),
    )
    _load(bench, [arm.planned for arm in arms])
    every = [arm.planned for arm in arms for _ in range(search.trials * len(search.seeds))]
    _say(total(every, bench.loaded, workers, results))
    plan.write(results, decided)
    found = {arm.name: Searched(arm, search.space, (), ()) for arm in arms}
    for first, last in _rounds(search):
        found = _round(bench, found, [_started(bench, found[name], first, last) for name in found])
    for number in range(search.edge.extensions):
        sides = _sides(search, found.values())
        if not any(sides.values()):
            break
        found = _extended(bench, found, sides, number)
    return list(found.values())


def _rounds(search: Search) -> Iterator[tuple[int, int]]:
    """Trials that are run at once: all of them, or with TPE half of them and then one by one."""
    if search.sampler != TPE:
        yield 0, search.trials
        return
    half = (search.trials + 1) // 2
    yield 0, half
    yield from ((number, number + 1) for number in range(half, search.trials))


def _started(bench: Bench, one: Searched, first: int, last: int) -> list[Wanted]:
    """Trials `first` to `last` of an arm, in the space as it was given."""
    search, guided = bench.search, first > 0
    points = list(itertools.islice(space.points(search.space), search.trials))
    if len(points) < search.trials:
        raise InputError(
            f"trials={search.trials}: this space holds no more than {len(points)} different points"
        )
    asked = [_guided(bench, one, points)] if guided else points[first:last]
    return [
        Wanted(one.arm, f"start {number}", point)
        for number, point in zip(range(first, last), asked, strict=True)
    ]


def _guided(bench: Bench, one: Searched, points: Sequence[Point]) -> Point:
    """What TPE asks for; where that was tried already, the first point that was not."""
    tried = [(trial.values, _value(trial)) for trial in one.trials]
    seen = [values for values, _ in tried]
    asked = suggested(bench.search.space, tried, bench.search.sampler_seed)
    return next(point for point in (asked, *points) if point not in seen)


def _value(trial: Trial) -> float:
    """Its score, higher being better."""
    by = chosen.metric([trial])
    return -float("inf") if by is None else by.improves(trial.mean(by))


def _sides(search: Search, found: Iterable[Searched]) -> dict[tuple[str, ...], list[Side]]:
    """By arms that are compared: the ends of ranges at which the best point of one of them lies."""
    sides: dict[tuple[str, ...], list[Side]] = defaultdict(list)
    for one in found:
        by = chosen.metric(one.trials)
        if by is None:
            continue
        tried = [trial.values for trial in one.trials]
        winner = chosen.best(one.trials, by).values
        here = sides[one.arm.rivals]
        ends = space.edges(one.space, winner, tried, search.edge.share)
        here += [side for side in ends if side not in here]
    return {rivals: sorted(ends, key=str) for rivals, ends in sides.items()}


def _extended(
    bench: Bench,
    found: Mapping[str, Searched],
    sides: Mapping[tuple[str, ...], Sequence[Side]],
    number: int,
) -> dict[str, Searched]:
    """The same trials beyond these ends for every arm that is compared, never for one alone."""
    edge, wanted, wide = bench.search.edge, list[list[Wanted]](), dict[str, Searched]()
    for name, one in found.items():
        reach, more, ends = one.space, list[Wanted](), sides.get(one.arm.rivals, ())
        tried = [
            trial.values
            for other in found.values()
            if other.arm.rivals == one.arm.rivals
            for trial in other.trials
        ]
        for side in ends:
            start = space.outermost(side.key, side.end, tried)
            beyond = space.points(space.strip(one.space, side, edge.factor, start))
            for at, point in enumerate(itertools.islice(beyond, edge.trials)):
                more.append(Wanted(one.arm, f"{side} {number + 1}.{at}", point))
            reach = space.widened(reach, side, edge.factor)
            _say(f"{name}: {side} is searched further, {edge.trials} more trials")
        extended = [Extension(side, edge.trials) for side in ends]
        wide[name] = replace(one, space=reach, extended=(*one.extended, *extended))
        wanted.append(more)
    return _round(bench, wide, wanted)


def _round(
    bench: Bench, found: Mapping[str, Searched], wanted: Sequence[Sequence[Wanted]]
) -> dict[str, Searched]:
    """Plan these trials, run what is not on record, and put them to those that were run."""
    cells, trials = dict[str, tuple[Setup, Planned]](), list[tuple[Wanted, Trial]]()
    owner = dict[str, Wanted]()
    with bench.journal.planning():
        settled = [_planned(bench, one, found) for one in itertools.chain(*wanted)]
    for one in settled:
        runs = []
        for seed in bench.search.seeds:
            setup, cell = _setup(bench, one, seed)
            cells.setdefault(setup.identity, (setup, cell))
            owner.setdefault(setup.identity, one)
            runs.append((seed, setup.folder))
        trials.append((one, Trial(one.place, one.values, runs)))
    _finish(bench, cells, owner)
    after = dict(found)
    for one, trial in trials:
        bench.journal.told(_study(bench, one.arm), one.place, _value(trial))
        before = after[one.arm.name]
        after[one.arm.name] = replace(before, trials=(*before.trials, trial))
    return after


def _planned(bench: Bench, one: Wanted, found: Mapping[str, Searched]) -> Wanted:
    reach = found[one.arm.name].space
    values = bench.journal.planned(_study(bench, one.arm), one.place, one.values, reach)
    return Wanted(one.arm, one.place, values)


def _study(bench: Bench, arm: Arm) -> Any:
    return bench.journal.study(f"{arm.name} {arm.digest(bench.search)}")


def _load(bench: Bench, cells: Sequence[Planned]) -> None:
    """Data, tokenizers and weights of cells, each once."""
    new = [one for one in cells if one.foundation not in bench.loaded]
    if new:
        bench.loaded.update(_laid(new, bench.workers, make=True))


def _setup(bench: Bench, one: Wanted, seed: int) -> tuple[Setup, Planned]:
    cell = one.arm.at({**one.values, "seed": seed})
    _load(bench, [cell])
    (found,) = identifying.identified([cell], bench.loaded, bench.here, bench.plan).values()
    return found


def _finish(
    bench: Bench,
    cells: Mapping[str, tuple[Setup, Planned]],
    owner: Mapping[str, Wanted],
) -> None:
    """Return when every cell has an outcome, whoever ran it."""

    def began(setup: Setup) -> None:
        one = owner[setup.identity]
        bench.journal.began(_study(bench, one.arm), one.place)

    reserved = Reservations(bench.results / FOLDER / "locks", began)
    try:
        while left := {key: one for key, one in cells.items() if not _done(one[0])}:
            tally = running.run_cells(
                left, [one for _, one in left.values()], bench.workers, reserved
            )
            lost = [setup for setup, _ in tally.failed if not _done(setup)]
            if lost:
                raise InputError(
                    f"{lost[0].folder}: the record of a failed trial could not be written; make "
                    "room there and run the same command again"
                )
            others = [setup for setup, _ in left.values() if not _done(setup)]
            if others:
                _say(f"{len(others)} trials are run by another command; waiting for them")
                reserved.wait(others[0])
    finally:
        reserved.release_all()


def _done(setup: Setup) -> bool:
    return setups.outcome(setup.folder) is not None


def conclude(search: Search, found: Sequence[Searched], out: Path) -> Iterator[str]:
    """Write what was chosen; yields a line about each arm."""
    for one in found:
        by = chosen.metric(one.trials)
        if by is None:
            yield f"{one.arm.name}: nothing chosen, every trial failed"
            continue
        told = chosen.node(search, one.space, one.trials, one.extended, by)
        chosen.write(out, one.arm.name, told, one.trials, one.arm.base)
        values = ", ".join(f"{key} {value}" for key, value in told["chosen"].items())
        failed = sum(score is None for trial in one.trials for score in trial.scores())
        text = f"{one.arm.name}: {values} of {told['trials']} trials"
        text += f" ({failed} of {told['runs']} runs failed)" if failed else ""
        yield text + (f"; at the edge: {', '.join(told['edges'])}" if told["edge"] else "")


def fruitless(one: Searched) -> bool:
    """Whether no run of an arm finished, so that nothing could be chosen."""
    return chosen.metric(one.trials) is None


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
