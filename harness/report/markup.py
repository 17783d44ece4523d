"""Markdown as HTML: ids, links, columns of tables, badges and pictures. One text, no document.

Nothing in a text becomes a tag, and no link leaves the page: what markdown would let through is
shown as it was written.
"""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

PICTURES = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg"}
"""What may be shown, by its ending. A browser runs no script of an SVG that is an <img>."""

SIZE = re.compile(rb'<svg[^>]*\swidth="([\d.]+)(?P<unit>pt|px|)" height="([\d.]+)(?P=unit)"')

TOGETHER = re.compile(r"(?<=\d) (?=%|M\b)|(?<=\d,) (?=[+-]?[\d.]+\])")
"""Blanks at which no line breaks: 95 %, 0.67 M, [.922, .941]."""

SAFE = re.compile(r"#\S+|[\w\-.%][\w\-.%/]*(#\S*)?")
"""Links that are kept: to a place in this page, or to a file beside it."""

BADGES = {
    "GPT": "gpt",
    "BERT": "bert",
    "tie": "tie",
    "undetermined": "open",
    "no verdict": "none",
}
"""Answers and their classes; they count where a cell of that table begins with one in bold."""

SIZES = {"tiny": 8, "short": 26, "medium": 60}
"""Classes of columns by their longest cell below the heading; longer ones are "long"."""

WIDE = 60
"""Characters in a row, no column counted for more, from which a table may be too wide."""


CHAPTER = ("heading_open", "h2")


class Text:
    """A parsed markdown text, ready to be rendered in parts.

    `tokens` are markdown-it's; every heading has an id that no other one has. `pictures` maps a
    path as the text names it to the bytes of an SVG, PNG or JPEG file; in the place of one that
    is not there stands its description.
    """

    def __init__(self, markdown: str, pictures: Mapping[str, bytes]) -> None:
        self._parser = _parser()
        self._env = {"pictures": pictures}
        self.tokens = self._parser.parse(markdown)
        _unlink(self.tokens, _identify(self.tokens))
        _hold_together(self.tokens)
        first = _first_table(self.tokens)
        for table in _tables(self.tokens):
            _dress(table, answers=table[0] is first)

    def html(self, tokens: Sequence[Token]) -> str:
        """Some of the tokens as HTML."""
        return str(self._parser.renderer.render(tokens, self._parser.options, self._env))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.validateLink = lambda url: SAFE.fullmatch(url) is not None  # type: ignore[method-assign]
    parser.add_render_rule("image", _picture)
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", lambda *_: "</table>\n</div>\n")
    return parser


# --- headings and links -------------------------------------------------------------------------


def _identify(tokens: Sequence[Token]) -> set[str]:
    """Give every heading an id that no other one has, the way code hosts do; returns all ids."""
    taken = {"main"}
    for token, inside in itertools.pairwise(tokens):
        if token.type == "heading_open":
            text = re.sub(r"[^\w\- ]", "", plain(inside).lower()).replace(" ", "-")
            base = slug = text or "section"
            number = 0
            while slug in taken:
                number += 1
                slug = f"{base}-{number}"
            taken.add(slug)
            token.attrSet("id", slug)
    return taken


def _unlink(tokens: Sequence[Token], ids: set[str]) -> None:
    """Hide links to places that this page does not have; their text stays."""
    for token in tokens:
        hidden = False
        for child in token.children or ():
            if child.type == "link_open":
                href = str(child.attrGet("href") or "")
                hidden = href.startswith("#") and unquote(href[1:]) not in ids
            if child.type in ("link_open", "link_close"):
                child.hidden = hidden


def _hold_together(tokens: Sequence[Token]) -> None:
    for token in tokens:
        for child in token.children or ():
            if child.type == "text":
                child.content = TOGETHER.sub("\N{NO-BREAK SPACE}", child.content)


def plain(inline: Token) -> str:
    """The words of a heading or a cell, without markup."""
    parts = (" " if c.type == "softbreak" else c.content for c in inline.children or ())
    return "".join(parts).strip()


# --- tables -------------------------------------------------------------------------------------


def _tables(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    starts = [at for at, token in enumerate(tokens) if token.type == "table_open"]
    ends = [at for at, token in enumerate(tokens) if token.type == "table_close"]
    return (tokens[start : end + 1] for start, end in zip(starts, ends, strict=True))


def _first_table(tokens: Sequence[Token]) -> Token | None:
    """The table of answers: the first one, if it stands before the first chapter."""
    starts = (t for t in tokens if t.type == "table_open" or (t.type, t.tag) == CHAPTER)
    found = next(starts, None)
    return found if found is not None and found.type == "table_open" else None


def _dress(table: Sequence[Token], answers: bool) -> None:
    """Classes by what stands below each heading; in the table of answers badges and labels."""
    cells = [
        (token, inside)
        for token, inside in itertools.pairwise(table)
        if token.type in ("th_open", "td_open")
    ]
    header = [plain(inside) for token, inside in cells if token.type == "th_open"]
    columns = [cells[at :: len(header)] for at in range(len(header))]
    widths = [max((len(plain(inside)) for _, inside in one[1:]), default=0) for one in columns]
    for name, width, column in zip(header, widths, columns, strict=True):
        size = next((size for size, most in SIZES.items() if width <= most), "long")
        for token, inside in column:
            right = token.attrs.pop("style", "") == "text-align:right"
            verdict = answers and token.type == "td_open" and _badge(inside)
            classes = [size, *["number"] * right, *["verdict"] * verdict]
            token.attrSet("class", " ".join(classes))
            if token.type == "th_open":
                token.attrSet("scope", "col")
            elif answers:
                token.attrSet("data-label", name)
    words = [max(map(len, (name or "-").split())) for name in header]
    wide = sum(min(max(pair), WIDE) for pair in zip(widths, words, strict=True)) > WIDE
    held = wide and "number" not in str(columns[0][0][0].attrGet("class"))
    table[0].attrSet("class", "answers" if answers else "held" if held else "plain")
    table[0].meta = {"label": "Table: " + ", ".join(filter(None, header)) if wide else ""}


def _badge(inline: Token) -> bool:
    """Whether a cell begins with an answer in bold, which then gets its class."""
    seen = [child for child in inline.children or () if child.content or child.nesting][:3]
    if [child.type for child in seen] != ["strong_open", "text", "strong_close"]:
        return False
    if name := BADGES.get(seen[1].content):
        seen[0].attrSet("class", f"badge {name}")
    return name is not None


def _table_open(
    renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: dict[str, Any]
) -> str:
    """A box that scrolls sideways; where it may have to, it can be reached by keyboard."""
    label = tokens[at].meta["label"]
    reach = f' tabindex="0" role="region" aria-label="{escape(label)}"' if label else ""
    return f'<div class="scroll"{reach}>\n{renderer.renderToken(tokens, at, options, env)}'


# --- pictures -----------------------------------------------------------------------------------


def _picture(
    renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: dict[str, Any]
) -> str:
    """The picture as part of the page, or its description in a box."""
    path = unquote(str(tokens[at].attrGet("src") or ""))
    alt = escape(renderer.renderInlineAsText(tokens[at].children or [], options, env))
    kind, data = PICTURES.get(path[path.rfind(".") :]), env["pictures"].get(path)
    if kind is None or data is None:
        return f'<span class="missing">{alt}</span>'
    size = _size(data) if kind.startswith("image/svg") else ""
    source = data_uri(kind, data)
    return f'<img src="{source}" alt="{alt}"{size} loading="lazy" decoding="async">'


def _size(svg: bytes) -> str:
    """Width and height in pixels, so that nothing moves when it is shown."""
    found = SIZE.search(svg[:2000])
    if found is None:
        return ""
    scale = 4 / 3 if found["unit"] == b"pt" else 1
    return ' width="{:.0f}" height="{:.0f}"'.format(*(scale * float(found[i]) for i in (1, 3)))


def data_uri(kind: str, data: bytes) -> str:
    """A file as part of the page."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
