"""The report in a real browser: nothing is asked for, nothing runs, and it fits a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))
from rendered import HOSTILE, text_of
from synthetic import cell, leave

from harness.report import markdown
from harness.report.page import page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, PROGRAMS)), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason=f"none of these is installed: {PROGRAMS}"),
]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
    "--v=0", "--hide-scrollbars",
]  # fmt: skip
PHONE, SCREEN = (390, 844), (1280, 800)
SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="900pt" height="300pt" viewBox="0 0 900 300">'
    b'<script>console.error("script of a picture")</script>'
    b'<image width="9" height="9" href="http://picture.example/x.png"/></svg>'
)
ANSWERS = markdown.table(
    ["task", "choose", "GPT", "BERT", "BERT's advantage", "faster", "how sure"],
    [
        ["classification", "**GPT**", ".931", ".681", "-.251 [-.376, -.135]",
         "GPT 1.22x one by one; alike offline", "5 seeds"],
        ["generation", "**tie**", ".001", ".000", "+.000 [-.006, +.005]",
         "BERT 1.10x one by one; GPT 1.31x per text", "preliminary: 3 seeds"],
        ["matching", "**undetermined**", ".803", ".714", "-.089 [-.427, +.249]",
         "undetermined one by one; noisy offline", "preliminary: 3 seeds"],
        ["NER", "**BERT**", ".771", ".902", "+.131 [+.103, +.159]",
         "GPT 1.20x one by one; BERT 1.07x offline", "5 seeds"],
        ["NER (twin)", "**BERT**", ".778", ".836", "+.058 [+.038, +.078]", "-", "5 seeds"],
    ],
)  # fmt: skip
OPENING = f"# GPT or BERT, for which task?\n\nChoose **BERT** for ner, **GPT** else.\n\n{ANSWERS}\n"


@dataclass(frozen=True)
class Visit:
    """What a browser made of a page."""

    dom: str
    console: list[str]
    asked: list[str]  # addresses that the page asked for, and not the browser for itself


def visit(folder: Path, url: str) -> Visit:
    assert BROWSER is not None
    log = folder / "net.json"
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}"]
    done = subprocess.run(
        [*command, "--dump-dom", url], capture_output=True, text=True, timeout=120, check=True
    )
    console = [line for line in done.stderr.splitlines() if re.search(r":CONSOLE[:(]", line)]
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    sent = [one["params"] for one in events if "initiator" in one.get("params", {})]
    asked = [one["url"] for one in sent if one["initiator"] != "not an origin" and "url" in one]
    return Visit(done.stdout, console, asked)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A whole report, the first screen as it is meant, and text that means harm."""
    root = tmp_path_factory.mktemp("records")
    for task in ("ner", "classification", "generation"):
        for family in ("gpt", "bert"):
            leave(root, cell(family=family, task=task))
    wide = markdown.table([f"column {i}" for i in range(30)], [["f" * 64] * 30] * 3, "l" + "r" * 29)
    rest = text_of(root).split("\n## ", 1)[1]
    parts = [
        OPENING,
        "![a picture](figures/wide.svg) ![none](figures/none.svg)",
        HOSTILE,
        f"{'e' * 500} `{'c' * 500}`\n\n```\n{'p' * 500}\n```",
        f"## Environment\n\n{wide}\n\n## {rest}",
    ]
    return page("\n\n".join(parts), "A report", {"figures/wide.svg": SVG})


MEASURE = """
const found = {};
for (const frame of document.querySelectorAll("iframe")) {
  const inner = frame.contentDocument, look = name => inner.querySelector(name);
  const style = name => frame.contentWindow.getComputedStyle(look(name));
  const end = look(".answers").getBoundingClientRect().bottom;
  for (const one of inner.querySelectorAll("details")) one.open = true;
  const limit = inner.documentElement.clientWidth;
  const within = one => one.closest(".scroll, pre, thead, nav.side, .skip");
  const out = [...inner.body.querySelectorAll("*")].filter(
    one => !within(one) && one.getBoundingClientRect().right > limit + 0.5);
  found[frame.id] = {
    width: limit, scroll: inner.documentElement.scrollWidth,
    out: out.map(one => one.outerHTML.slice(0, 80)),
    cells: inner.querySelectorAll("td").length,
    row: style(".answers tbody tr").display, side: style("nav.side").display,
    top: style("nav.top").display, badge: style(".badge.gpt").backgroundColor,
    label: frame.contentWindow.getComputedStyle(
      look(".answers td:last-child"), "::before").content,
    end: end,
    boxes: [...inner.querySelectorAll(".scroll")].filter(
      one => one.scrollWidth > one.clientWidth + 1).length,
    inside: look(".answers").scrollWidth <= look(".scroll").clientWidth,
  };
}
document.querySelector("output").textContent = JSON.stringify(found);
"""


@pytest.fixture(scope="module")
def measured(report: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The page in frames of a phone's and of a screen's size, measured from outside of them."""
    folder = tmp_path_factory.mktemp("frames")
    frames = "".join(
        f'<iframe id="{name}" width="{width}" height="{height}" style="border:0" '
        f'srcdoc="{escape(report)}"></iframe>'
        for name, (width, height) in {"phone": PHONE, "screen": SCREEN}.items()
    )
    script = f"<script>addEventListener('load', () => {{ {MEASURE} }})</script>"
    place = folder / "frames.html"
    text = f'<!doctype html><meta charset="utf-8"><output></output>{script}{frames}'
    place.write_text(text, encoding="utf-8")
    found = re.search(r"<output>(.*?)</output>", visit(folder, place.as_uri()).dom, re.DOTALL)
    assert found is not None
    value: dict[str, dict[str, Any]] = json.loads(unescape(found[1]))
    return value


def test_a_report_asks_for_nothing_and_says_nothing(report: str, tmp_path: Path) -> None:
    place = tmp_path / "report.html"
    place.write_text(report, encoding="utf-8")
    seen = visit(tmp_path, place.as_uri())
    assert "<h1" in seen.dom
    assert seen.console == []
    assert seen.asked == []


def test_the_instruments_see_what_a_report_must_not_do(tmp_path: Path) -> None:
    place = tmp_path / "bad.html"
    picture = '<img src="http://picture.example/x.png">'
    bad = f'<!doctype html>{picture}<script>console.log("hello")</script>'
    place.write_text(bad, encoding="utf-8")
    seen = visit(tmp_path, place.as_uri())
    assert [line for line in seen.console if "hello" in line]
    assert seen.asked == ["http://picture.example/x.png"]


def test_the_policy_stops_what_would_be_slipped_in(report: str, tmp_path: Path) -> None:
    place = tmp_path / "report.html"
    harm = '<img src="http://picture.example/x.png"><script>document.title = "run"</script>'
    place.write_text(report.replace("</h1>", f"</h1>{harm}", 1), encoding="utf-8")
    seen = visit(tmp_path, place.as_uri())
    assert "<title>A report</title>" in seen.dom
    assert seen.asked == []
    assert len(seen.console) >= 2


def test_no_width_makes_the_page_scroll_sideways(measured: dict[str, dict[str, Any]]) -> None:
    for name, (width, _) in {"phone": PHONE, "screen": SCREEN}.items():
        found = measured[name]
        assert found["cells"] > 100
        assert found["width"] == width
        assert found["scroll"] <= found["width"], name
        assert found["out"] == []
        assert found["boxes"] > 0  # wide tables, which scroll by themselves


def test_the_answer_is_on_the_first_screen(measured: dict[str, dict[str, Any]]) -> None:
    assert measured["screen"]["end"] < SCREEN[1]
    assert measured["phone"]["end"] < PHONE[1]
    assert measured["screen"]["inside"]
    assert measured["phone"]["inside"]


def test_phones_get_cards_and_screens_a_side_bar(measured: dict[str, dict[str, Any]]) -> None:
    phone, screen = measured["phone"], measured["screen"]
    assert (phone["row"], screen["row"]) == ("flex", "table-row")
    assert (phone["label"], screen["label"]) == ('"how sure"', "none")
    assert (phone["side"], phone["top"]) == ("none", "block")
    assert (screen["side"], screen["top"]) == ("block", "none")
    assert phone["badge"] == screen["badge"] == "rgb(0, 114, 178)"


def test_a_link_opens_a_folded_chapter(report: str, tmp_path: Path) -> None:
    place = tmp_path / "report.html"
    place.write_text(report, encoding="utf-8")
    chapter = r'<details class="chapter"( open="")?>\s*<summary><h2>Environment'
    for fragment, opened in (("", None), ("#environment", ' open=""')):
        found = re.search(chapter, visit(tmp_path, place.as_uri() + fragment).dom)
        assert found is not None
        assert found[1] == opened
