"""The report as one HTML file that asks nobody for anything: no script, no font, no request.

Headings become chapters and a list of contents; chapters that many skip open on request. What
stands in them is made in `markup`, how it looks is in page.css.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from typing import NamedTuple

from harness.report.markup import Text, data_uri, plain

STYLE = "page.css"

FOLDED = {
    "models", "pretraining", "match", "training", "texts", "samples", "memory", "measured on",
    "tuning", "data", "environment", "to reproduce", "commands",
}  # fmt: skip
CLAIM = re.compile(r"c\d+[a-z]?: ")
"""Chapters that many readers skip, and each claim below the table of them: open on request."""

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="8" height="16" '
    'fill="#0072b2"/><rect x="8" width="8" height="16" fill="#d55e00"/></svg>'
)
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
style-src '{digest}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<link rel="icon" href="{icon}">
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">To the report</a>
<nav class="side" aria-label="Contents">
<p>Contents</p>
{contents}</nav>
<main id="main">
<nav class="top" aria-label="Contents, folded">
<details>
<summary>Contents</summary>
{contents}</details>
</nav>
{body}</main>
</body>
</html>
"""


class Part(NamedTuple):
    """A heading of the top three levels with what stands below it, up to the next one."""

    level: int  # 0 before the first heading
    title: str
    slug: str
    heading: str  # HTML inside the heading
    body: str  # HTML


def page(markdown: str, title: str, pictures: Mapping[str, bytes]) -> str:
    """A whole HTML document of a report.

    `pictures` maps a path as the markdown names it to the bytes of an SVG, PNG or JPEG file; in
    the place of one that is not there stands its description. The first table below the title
    is the table of answers, which narrow screens show as cards.
    """
    parts = list(_parts(Text(markdown, pictures)))
    style = resources.files("harness.report").joinpath(STYLE).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return PAGE.format(
        digest=f"sha256-{digest}",
        title=escape(title),
        icon=data_uri("image/svg+xml", ICON.encode()),
        style=style,
        contents=_contents(parts),
        body="".join(_nested(parts)),
    )


def _parts(text: Text) -> Iterator[Part]:
    tokens = text.tokens
    cuts = [
        at
        for at, token in enumerate(tokens)
        if token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2", "h3")
    ]
    edges = [*cuts, len(tokens)]
    yield Part(0, "", "", "", text.html(tokens[: edges[0]]))
    for start, end in itertools.pairwise(edges):
        opening, inside = tokens[start], tokens[start + 1]
        yield Part(
            int(opening.tag[1]),
            plain(inside),
            str(opening.attrGet("id")),
            text.html([inside]),
            text.html(tokens[start + 3 : end]),
        )


def _nested(parts: Sequence[Part]) -> Iterator[str]:
    """Every part in an element of its own, lower ones inside higher ones."""
    closing = list[tuple[int, str]]()
    for part in parts:
        while closing and (closing[-1][0] >= part.level or closing[-1][0] == 1):
            yield closing.pop()[1]
        start, end = _frame(part)
        yield start + part.body
        closing.append((part.level, end))
    yield from (end for _, end in reversed(closing))


def _frame(part: Part) -> tuple[str, str]:
    """What stands before and after a part. An id inside of <details> opens it when linked to."""
    if not part.level:
        return "", ""
    kind, tag = ("opening", "chapter", "part")[part.level - 1], f"h{part.level}"
    name = part.title.lower()
    if part.level > 1 and (name in FOLDED or CLAIM.match(name)):
        head = f"<summary><{tag}>{part.heading}</{tag}></summary>"
        inside = f'<div class="inside" id="{escape(part.slug)}">'
        return f'<details class="{kind}">\n{head}\n{inside}\n', "</div>\n</details>\n"
    head = f'<{tag} id="{escape(part.slug)}">{part.heading}</{tag}>'
    return f'<section class="{kind}">\n{head}\n', "</section>\n"


def _contents(parts: Sequence[Part]) -> str:
    lines = (
        f'<li><a href="#{escape(part.slug)}">{escape(part.title)}</a></li>\n'
        for part in parts
        if part.level == 2
    )
    return f"<ol>\n{''.join(lines)}</ol>\n"
