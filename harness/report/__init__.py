"""From findings to what people read: `python -m harness.report`. No torch.

This module orders the pages and their sections; what stands in them is written in the modules
beside it. One page opens with the answer; each task, the claims, efficiency, fairness and the
appendix have pages of their own. The same as one HTML file, the tables as CSV, the pictures beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness import record
from harness.changes import changes as between
from harness.comparing import findings
from harness.comparing.findings import Findings
from harness.contracts import InputError
from harness.plan import Plan
from harness.plots import Picture
from harness.report import (
    adaptation,
    answer,
    appendix,
    checks,
    claims,
    cost,
    efficiency,
    effort,
    fairness,
    labels,
    page,
    pictures,
    races,
    sensitivity,
    sheets,
    tradeoffs,
)
from harness.report import changes as changed
from harness.report.markdown import bullets, section
from harness.report.summary import place, summary
from harness.report.tasks import chapter
from harness.report.tuning import tuning

NAME = "report.md"


@dataclass(frozen=True)
class Page:
    """One markdown file."""

    name: str  # of its file, without an ending
    title: str
    text: str


def write(
    roots: Sequence[Path],
    out: Path | None = None,
    price_per_hour: float | None = None,
    plan: Plan | None = None,
    quoted: bool = True,
) -> Path:
    """Report on what was recorded below folders; returns the file, report.md in the first of them.

    `out` is another place for it; the other files lie beside it. Not `quoted`, no text of the data
    is shown.
    Raises InputError where there are no records or a file cannot be written.
    """
    path = out or roots[0] / NAME
    if path.suffix != ".md" or path.is_dir():
        raise InputError(f"--out {path}: expected a markdown file, such as report.md")
    found = replace(findings.find(roots, plan), quoted=quoted)
    return _kept(path, made(found, path.stem, price_per_hour))


def _kept(path: Path, files: Mapping[str, bytes]) -> Path:
    try:
        for name, content in files.items():
            record.write_bytes(path.parent / name, content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be written ({reason}); choose another --out") from None
    return path


def write_changes(before: Path, after: Sequence[Path], out: Path | None, plan: Plan | None) -> Path:
    """What changed from the records below one folder to those below others; returns the file.

    Each is decided by its own plan unless one is named; margins that differ are told.
    """
    now = findings.find(after, plan)
    then = findings.find([before], plan)
    path = out or after[0] / "changes.md"
    if path.suffix != ".md" or path.is_dir():
        raise InputError(f"--out {path}: expected a markdown file, such as changes.md")
    text = changed.changes(between(then, now), (str(before), ", ".join(map(str, after))))
    return _kept(path, {path.name: text.encode()})


def made(found: Findings, stem: str, price_per_hour: float | None = None) -> dict[str, bytes]:
    """Every file of a report, by its place beside the first one, which comes last."""
    drawn = list(pictures.drawn(found))
    images, tables = pictures.files(drawn), sheets.sheets(found)
    files = {f"{stem}/{name}": content for name, content in images.items()}
    files |= {f"{stem}/tables/{name}": text.encode() for name, text in tables.items()}
    pages = list(_pages(found, drawn, price_per_hour))
    for one in pages:
        files[f"{stem}/{one.name}.md"] = one.text.encode()
    whole = _joined(found, drawn, pages)
    files[f"{stem}.html"] = page.page(whole, answer.TITLE, pictures.sources(images)).encode()
    first = [_opening(found, drawn, f"{stem}/"), _contents(pages, stem), _closing(found)]
    files[f"{stem}.md"] = ("\n\n".join(first) + "\n").encode()
    return files


def render(
    found: Findings, drawn: Sequence[Picture] = (), price_per_hour: float | None = None
) -> str:
    """All pages as one text; pictures are named as on the other pages."""
    return _joined(found, drawn, list(_pages(found, drawn, price_per_hour)))


def _joined(found: Findings, drawn: Sequence[Picture], pages: Sequence[Page]) -> str:
    parts = [_opening(found, drawn, ""), *(one.text.rstrip() for one in pages)]
    return "\n\n".join([*parts, _closing(found)]) + "\n"


def _opening(found: Findings, drawn: Sequence[Picture], folder: str) -> str:
    """The answer; `folder` leads to the pictures."""
    parts = (answer.answer(found), pictures.shown(drawn, pictures.OVERVIEW, folder), summary(found))
    return "\n\n".join(part for part in parts if part)


def _closing(found: Findings) -> str:
    """What went wrong, what is doubtful, and how to get it all again."""
    parts = (appendix.failures, appendix.data, appendix.commands)
    return "\n\n".join(part(found.comparison) for part in parts)


def _pages(found: Findings, drawn: Sequence[Picture], price: float | None) -> Iterator[Page]:
    comparison = found.comparison
    for name, group in zip(pictures.names(comparison), comparison.groups, strict=True):
        parts = [chapter(found, group), pictures.of_group(drawn, group)]
        yield _page(name, f"Task: {place(group)}", parts)
    parts = [tradeoffs.tradeoffs(found), efficiency.efficiency(comparison)]
    parts += [pictures.shown(drawn, pictures.EFFICIENCY), races.races(found)]
    parts += [cost.training_cost(found, price)]
    yield _page("claims", "Claims", [claims.claims(found)])
    if tuned := adaptation.adaptation(found):
        shown = pictures.shown(drawn, pictures.ADAPTATION)
        yield _page("adaptation", "Adaptation: how much of a model is tuned", [tuned, shown])
    yield _page("efficiency", "Efficiency: quality against cost, speed, memory, training", parts)
    if few := labels.labels(comparison):
        parts = [few, pictures.shown(drawn, pictures.LABELS)]
        yield _page("labels", "Label efficiency: few labels and many", parts)
    parts = [fairness.fairness(comparison), sensitivity.sensitivity(found), checks.checks(found)]
    parts += [tuning(comparison), effort.effort(comparison)]
    parts += [pictures.shown(drawn, pictures.SEARCHES), fairness.alarm_list(comparison)]
    yield _page("fairness", "Fairness, sensitivity, cross-checks, tuning, alarms", parts)
    parts = [appendix.models(comparison), pictures.shown(drawn, pictures.MODELS)]
    parts += [appendix.environment(comparison)]
    yield _page("appendix", "Models and environment", parts)


def _page(name: str, title: str, parts: Sequence[str]) -> Page:
    return Page(name, title, "\n\n".join(part for part in parts if part) + "\n")


def _contents(pages: Sequence[Page], stem: str) -> str:
    lines = [f"[{one.title}]({stem}/{one.name}.md)" for one in pages]
    lines += [f"[All of it as one page]({stem}.html)", f"tables as CSV: `{stem}/tables/`"]
    return section(2, "Contents", bullets(lines))
