"""The report's numbers as CSV: one row per thing that was estimated, run or measured.

Full precision, units in the names of the columns, an empty field where there is no number. Pure
functions of a comparison; the files are written elsewhere. Nothing here decides a question.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from harness.comparing.findings import Findings
from harness.report import sheets_of_adaptation as adapted
from harness.report import sheets_of_measurements as measured
from harness.report import sheets_of_runs as trained
from harness.report import sheets_of_verdicts as decided
from harness.report.markdown import visible

Row = dict[str, object]

FORMULA = tuple("=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}")
FORMULA += tuple("\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}")
"""First characters that make a spreadsheet calculate what should be a text."""


def sheets(findings: Findings) -> dict[str, str]:
    """CSV texts by file name, all of them always: one without rows holds its header.

    Differences are BERT - GPT in the metric's own unit, also where lower is better; races are
    seconds of GPT over seconds of BERT. Times are in seconds and sizes in bytes. A text that a
    spreadsheet would take for a formula begins with an apostrophe.
    """
    comparison, margin = findings.comparison, findings.plan.cost_ratio - 1
    made = {
        "verdicts": _csv(decided.VERDICTS, decided.verdicts(findings)),
        "scores": _csv(trained.SCORES, trained.scores(comparison)),
        "seeds": _csv(trained.SEEDS, trained.seeds(comparison)),
        "differences": _csv(trained.DIFFERENCES, trained.differences(comparison)),
        "slices": _csv(trained.SLICES, trained.slices(comparison)),
        "training": _csv(trained.TRAINING, trained.training(comparison)),
        "learning_curves": _csv(trained.CURVES, trained.curves(comparison)),
        "searches": _csv(adapted.SEARCHES, adapted.searches(comparison)),
        "adaptation": _csv(adapted.ADAPTATION, adapted.adaptation(comparison)),
        "label_curves": _csv(adapted.LABEL_CURVES, adapted.label_curves(comparison)),
        "label_flips": _csv(adapted.LABEL_FLIPS, adapted.label_flips(comparison)),
        "efficiency": _csv(measured.EFFICIENCY, measured.efficiency(comparison)),
        "races": _csv(measured.RACES, measured.races(comparison, margin)),
        "memory": _csv(measured.MEMORY, measured.memory(comparison)),
        "failures": _csv(trained.FAILURES, trained.failures(comparison)),
    }
    return {f"{name}.csv": text for name, text in made.items()}


def _csv(columns: Sequence[str], rows: Iterator[Row]) -> str:
    """A table with a header; what a row does not hold stays empty."""
    table = list[list[object]]()
    for row in rows:
        assert row.keys() <= set(columns), row.keys() - set(columns)
        table.append([_field(row.get(name)) for name in columns])
    frame = pd.DataFrame(table, columns=list(columns), dtype=object)
    return str(frame.to_csv(index=False, lineterminator="\n"))


def _field(value: object) -> object:
    """A number as it is, nothing for what is missing, text without harm."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    text = " ".join("".join(map(visible, str(value))).split())
    if text in ("", "-"):  # "-" is how records say that something does not apply
        return None
    return f"'{text}" if text.startswith(FORMULA) else text
