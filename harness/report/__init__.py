"""From records and measurements to a markdown report: `python -m harness.report`. No torch.

This module orders the sections; what stands in them is written in the modules beside it.
"""

from __future__ import annotations

from pathlib import Path

from harness import aggregate, record
from harness.comparison import Comparison
from harness.contracts import InputError
from harness.report import appendix, cost, efficiency, fairness, races
from harness.report.summary import summary
from harness.report.tasks import chapter
from harness.report.tuning import tuning

MAKE_SOME = "run `make sweep` or `python -m harness.run` first"
NAME = "report.md"


def write(results: Path, out: Path | None = None, price_per_hour: float | None = None) -> Path:
    """Report on what was recorded below a folder; returns the file, by default `results`/report.md.

    Raises InputError where there are no records or the file cannot be written.
    """
    path = out or results / NAME
    text = render(read(results), price_per_hour)
    try:
        record.write_text(path, text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be written ({reason}); choose another --out") from None
    return path


def read(results: Path) -> Comparison:
    """The records below a folder. Raises InputError where there are none."""
    if not results.is_dir():
        raise InputError(f"{results}: no such folder; {MAKE_SOME}")
    comparison = aggregate.compare(results)
    if not (comparison.records or comparison.measurements):
        raise InputError(f"{results}: no records below this folder; {MAKE_SOME}")
    return comparison


def render(comparison: Comparison, price_per_hour: float | None = None) -> str:
    """The whole report, in the order in which it is read; money where a price is given."""
    parts = [
        summary(comparison),
        *(chapter(group) for group in comparison.groups),
        appendix.models(comparison),
        fairness.fairness(comparison),
        efficiency.efficiency(comparison),
        races.races(comparison),
        cost.training_cost(comparison, price_per_hour),
        tuning(comparison),
        fairness.alarm_list(comparison),
        appendix.failures(comparison),
        appendix.data(comparison),
        appendix.environment(comparison),
        appendix.commands(comparison),
    ]
    return "\n\n".join(parts) + "\n"
