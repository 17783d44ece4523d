"""Pairs of which one half has no finished run: what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.comparing.arms import Tabled
from harness.comparing.comparison import NATIVE, NATIVE_WRITING, Failure, GroupKey
from harness.comparing.pairs import EMBEDDED, PairKey, kind_of, pair_key
from harness.record import Record


def missing(
    arms: Sequence[Tabled],
    key: GroupKey,
    failures: Sequence[Failure],
    elsewhere: Mapping[GroupKey, Sequence[Record]],
    senseless: Sequence[Record] = (),
) -> Iterator[str]:
    """Halves of a pair that no finished run stands for, with the number of failed runs.

    Those that make no sense on this task (`senseless`) are not missed.
    `elsewhere` are runs of the same task on data of the same name that are kept apart: where the
    half that is missing is among them, it is named with what keeps it from being compared.
    """
    present = {(pair_key(one.arm.key), one.arm.key.family) for one in arms}
    for pair in sorted({pair for pair, _ in present}):
        for family in ("gpt", "bert"):
            known = makes_no_sense(senseless, key.task, key.data, pair, family)
            if (pair, family) not in present and not known:
                name = ", ".join(word for word in pair if word != EMBEDDED)
                failed = sum(_failed_here(one.record, key, pair, family) for one in failures)
                text = f"{name}: no finished {family.upper()} run ({failed} failed)"
                yield "; ".join([text, *_kept_apart(key, PairKey(*pair), family, elsewhere)])


def makes_no_sense(
    senseless: Sequence[Record], task: str, data: str, pair: PairKey, family: str
) -> bool:
    """Whether this half of a pair was asked for, as the family is used, and makes no sense."""
    usual = (NATIVE[family], NATIVE_WRITING[family])
    asked = (task, data, pair, family)
    return any(
        (one.cell.task, one.cell.data, _pair_of(one), one.cell.family) == asked
        and one.cell.mode in usual
        for one in senseless
    )


def _kept_apart(
    key: GroupKey, pair: PairKey, family: str, elsewhere: Mapping[GroupKey, Sequence[Record]]
) -> Iterator[str]:
    """Runs that would be the other half if they had been made on the same data and machine."""
    for other, records in elsewhere.items():
        if any((one.cell.family, _pair_of(one)) == (family, pair) for one in records):
            names = [n for n in GroupKey._fields if getattr(other, n) != getattr(key, n)]
            shown = {n: str(getattr(other, n)) for n in names}
            if "digests" in shown:
                ours, theirs = dict(key.digests), dict(other.digests)
                unlike_splits = [n for n in theirs if theirs[n] != ours.get(n)]
                shown["digests"] = f"of {', '.join(unlike_splits)}"
            told = ", ".join(f"{n} ({text[:60]})" for n, text in shown.items())
            yield f"refused: {family.upper()} runs that differ in {told}"


def _pair_of(found: Record) -> PairKey:
    cell = found.cell
    return PairKey(cell.pair, cell.strategy, kind_of(cell.weights))


def _failed_here(found: Record, key: GroupKey, pair: PairKey, family: str) -> bool:
    cell = found.cell
    ours = cell.task, cell.data, _pair_of(found), cell.family
    return ours == (key.task, key.data, pair, family)
