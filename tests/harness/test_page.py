"""The report as one HTML file, read back by a parser: nothing leaves it, nothing is lost in it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from rendered import HOSTILE, STEERING

from harness.report import markdown
from harness.report.markdown import escape
from harness.report.page import page

VOID = {"meta", "link", "img", "br", "hr"}
SVG = b"""<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="576pt" height="216pt" viewBox="0 0 576 216">
<script>alert(1)</script><image href="http://e.vil/x"/></svg>"""
RIGHT_TO_LEFT = "\u0645\u0631\u062d\u0628\u0627 <b>\u05e9\u05dc\u05d5\u05dd</b>"
MEANT = [
    HOSTILE,
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "</style></title><svg onload=alert(1)>",
    "[a](javascript:alert(1)) [b](JaVaScRiPt&colon;alert(1)) [c](data:text/html,x)",
    "[a](vbscript:x) [b](//e.vil) [c](/etc/passwd) [d](\\\\e.vil) [e](http://e.vil 'x')",
    "![x](http://e.vil/x.svg) ![y](data:image/svg+xml,x) ![z](javascript:alert(1).svg)",
    "<http://e.vil> https://e.vil www.e.vil <a@e.vil>",
    "[a]: http://e.vil\n\n[a] [a][a]",
    "a | b || c \\| d \\\\| e",
    RIGHT_TO_LEFT,
    "&lt;b&gt; &#60;script&#62; &amp;lt;",
    "{digest} {body} %s {0}",
    "<!-- --> <![CDATA[ ]]> <?php ?>",
]


class Read(HTMLParser):
    """A document: its elements and texts with their ancestors; every tag is closed in turn."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.open: list[str] = []
        self.comments = 0
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self.open), data))

    def handle_comment(self, data: str) -> None:
        self.comments += 1

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs, _ in self.elements if name == tag]

    def text(self, *within: str) -> str:
        """All text below elements of these names."""
        return "".join(text for path, text in self.texts if set(within) <= set(path))


def harmless(html: str) -> Read:
    """Read a document that must ask for nothing and run nothing."""
    read = Read(html)
    tags = {tag for tag, _, _ in read.elements}
    assert not tags & {"script", "iframe", "object", "embed", "base", "form", "input", "svg", "b"}
    assert not read.comments
    for tag, attrs, _ in read.elements:
        assert not [name for name in attrs if name.startswith("on")], tag
        assert not {"style", "srcset", "srcdoc", "action", "formaction", "ping"} & set(attrs), tag
        for name in ("href", "src"):
            target = attrs.get(name)
            if target is not None:
                assert re.match(r"#|data:image/|(?![/\\])[^:]*$", target), target
    ids = [attrs["id"] for _, attrs, _ in read.elements if "id" in attrs]
    assert len(set(ids)) == len(ids)
    assert all(ids)
    links = [str(one["href"]) for one in read.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    return read


def shown(text: str, **pictures: bytes) -> Read:
    named = {name.replace("__", "/") + ".svg": data for name, data in pictures.items()}
    return harmless(page(text, "A title", named))


# --- nothing leaves the page --------------------------------------------------------------------


@pytest.mark.parametrize("text", MEANT)
def test_hostile_text_stays_text_wherever_it_stands(text: str) -> None:
    line = " ".join(text.split())
    parts = [
        f"# {line}\n\n{text}\n\n## {line}\n\n### {line}\n\n- {line}\n\n> {line}\n\n`{line}`",
        f"| {line} | a |\n| --- | ---: |\n| {line} | **{line}** {'w' * 60} |\n\n[{line}]({line})",
        f"![{line}]({line}) ![{line}](figures/x.svg)\n\n```{line}\n{text}\n```\n\n    {text}",
    ]
    shown("\n\n".join(parts), figures__x=SVG)
    harmless(page("# x", line, {line: SVG}))


@pytest.mark.parametrize("text", MEANT)
def test_escaped_text_is_read_as_it_was(text: str) -> None:
    """What the report escapes for markdown comes out as the characters that it stands for."""
    table = markdown.table(["what", "n"], [[escape(text), "1"]], "lr")
    read = shown(f"# {escape(text)}\n\n{escape(text)}\n\n{table}\n\n- {escape(text)}")
    seen = " ".join("".join(map(markdown.visible, text)).split())
    assert read.text("h1") == read.text("p", "section") == read.text("li", "ul") == seen
    assert read.text("td") == seen + "1"
    assert not set(read.text("main")) & set(STEERING)
    assert [one["href"] for one in read.all("a") if one["href"] != "#main"] == []


def test_the_policy_forbids_what_the_page_does_not_do() -> None:
    html = page("# x\n\n![y](figures/y.svg)", "t", {"figures/y.svg": SVG})
    read = harmless(html)
    (policy,) = [
        str(one["content"])
        for one in read.all("meta")
        if one.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    style = read.text("style")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert len(style) > 1000
    assert not re.search(r"url\(|@import|http|expression", style)
    assert html.index("Content-Security-Policy") < html.index("<style>")


def test_a_document_that_every_reader_can_use() -> None:
    read = shown("# x")
    assert read.all("html") == [{"lang": "en"}]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in read.all(
        "meta"
    )
    assert read.text("title") == "A title"
    skip = next(one for one in read.all("a") if one.get("class") == "skip")
    assert skip["href"] == "#main"
    assert [one["id"] for one in read.all("main")] == ["main"]


# --- links and headings -------------------------------------------------------------------------


def test_links_stay_in_the_page_or_beside_it() -> None:
    text = (
        "# Top\n\n[there](#the-speed--of-it) [gone](#gone) [file](runs/a-1/record.json) "
        "[part](report/ner.md#scores) [out](https://e.vil) [root](/x) [js](javascript:x)\n\n"
        "## The speed & of it\n\n[back](#top)"
    )
    read = shown(text)
    links = [str(one["href"]) for one in read.all("a") if not one.get("class")]
    inside = ["#the-speed--of-it", "runs/a-1/record.json", "report/ner.md#scores", "#top"]
    assert links == ["#the-speed--of-it", "#the-speed--of-it", *inside]  # two lists of contents
    assert "gone" in read.text("p")
    assert "[out](https://e.vil) [root](/x) [js](javascript:x)" in read.text("p")


def test_ids_are_unique_and_say_what_they_are_of() -> None:
    titles = ["Scores", "Scores", "Scores 1", "main", "\u00dcber **alles** `x`", "!!", "***"]
    read = shown("\n\n".join(f"## {one}" for one in titles))
    ids = [attrs["id"] for tag, attrs, _ in read.elements if tag == "h2"]
    assert ids == [
        *("scores", "scores-1", "scores-1-1", "main-1"),
        *("\u00fcber-alles-x", "section", "section-1"),
    ]


def test_contents_list_the_chapters_in_order_twice() -> None:
    read = shown("# T\n\n## One <x>\n\n### Part\n\n## Two\n\n## One <x>")
    found = [str(one["href"]) for one in read.all("a")[1:]]
    assert found == ["#one-x", "#two", "#one-x-1"] * 2
    assert read.text("nav").count("One <x>") == 4
    assert "Part" not in read.text("nav")
    assert len(read.all("nav")) == 2
    assert len({one["aria-label"] for one in read.all("nav")}) == 2


def test_parts_lie_in_their_chapters() -> None:
    text = "before\n\n# T\n\nopening\n\n## A\n\na\n\n### B\n\nb\n\n#### C\n\nc\n\n## D\n\nd\n\n# E"
    read = shown(text)
    depth = {words: path.count("section") for path, words in read.texts if "p" in path}
    assert {"before": 0, "opening": 1, "a": 1, "b": 2, "c": 2, "d": 1}.items() <= depth.items()
    order = [tag for tag, _, _ in read.elements if tag in ("h1", "h2", "h3", "h4")]
    assert order == ["h1", "h2", "h3", "h4", "h2", "h1"]
    assert [one["class"] for one in read.all("section")] == [
        *("opening", "chapter", "part", "chapter", "opening"),
    ]


def test_a_link_into_a_folded_chapter_opens_it() -> None:
    """Browsers open <details> for a target inside of it, but not for itself or its summary."""
    folded = "## Environment\n\ny\n\n### Memory\n\nz\n\n## Scores\n\n### C3a: BERT is better."
    read = shown(f"# T\n\n[x](#environment)\n\n{folded}")
    for slug in ("environment", "memory"):
        (path,) = [path for _, attrs, path in read.elements if attrs.get("id") == slug]
        assert "summary" not in path
        assert path.count("details") == (1 if slug == "environment" else 2)
    assert read.text("summary", "h2") == "Environment"
    assert read.text("summary", "h3") == "MemoryC3a: BERT is better."
    (path,) = [path for path, words in read.texts if words == "Scores" and "h2" in path]
    assert "details" not in path
    assert not [one for one in read.all("details") if "open" in one]


# --- tables -------------------------------------------------------------------------------------

ANSWERS = markdown.table(
    ["task", "choose", "GPT", "note"],
    [
        ["ner", "**BERT**", ".771", "**BERT** it is"],
        ["texts", "**tie**", ".500", "no **GPT** here"],
        ["pairs", "**undetermined**", ".803", "BERT"],
        ["labels", "**GPT**", ".931", "**gpt**"],
        ["other", "**no verdict**", ".1", "**GPTs**"],
    ],
    "llrl",
)


def test_answers_are_badges_and_cards() -> None:
    read = shown(f"# T\n\n{ANSWERS}\n\n## Later\n\n{ANSWERS}")
    first, second = read.all("table")
    assert (first["class"], second["class"]) == ("answers", "plain")
    badges = [one["class"] for one in read.all("strong") if one.get("class")]
    names = ["bert", "bert", "tie", "open", "gpt", "none"]  # of the first table alone
    assert badges == [f"badge {name}" for name in names]
    verdicts = [one for one in read.all("td") if "verdict" in str(one["class"])]
    assert len(verdicts) == len(badges)
    labels = [one.get("data-label") for one in read.all("td")]
    assert labels == ["task", "choose", "GPT", "note"] * 5 + [None] * 20


def test_a_table_of_a_chapter_holds_no_answers() -> None:
    read = shown(f"# T\n\nnothing finished\n\n## Data\n\n{ANSWERS}")
    assert [one["class"] for one in read.all("table")] == ["plain"]
    assert not [one for one in read.all("td") if "data-label" in one]
    assert not [one for one in read.all("strong") if one.get("class")]


def test_a_table_without_rows_is_a_table() -> None:
    read = shown("# T\n\n## A\n\n| a | b |\n| --- | ---: |")
    assert [one["class"] for one in read.all("th")] == ["tiny", "tiny number"]


def test_columns_have_classes_by_what_they_hold() -> None:
    long = "word " * 20
    text = markdown.table(
        ["model", "how many there are in all", "text", "middle"],
        [["a", "1", long, "m" * 30], ["b", "2", "x", "y"]],
        "lrll",
    )
    read = shown(f"# T\n\n## A\n\n{text}")
    heads = [(one["scope"], one["class"]) for one in read.all("th")]
    assert heads == [
        ("col", "tiny"), ("col", "tiny number"), ("col", "long"), ("col", "medium"),
    ]  # fmt: skip
    assert [one["class"] for one in read.all("td")][:2] == ["tiny", "tiny number"]
    (box,) = [one for one in read.all("div") if one.get("class") == "scroll"]
    assert (box["tabindex"], box["role"]) == ("0", "region")
    assert box["aria-label"] == "Table: model, how many there are in all, text, middle"
    assert [one["class"] for one in read.all("table")] == ["held"]


def test_every_table_scrolls_in_its_own_box() -> None:
    small = markdown.table(["a", "b"], [["1", "2"]], "rr")
    read = shown(f"# T\n\n{ANSWERS}\n\n{small}\n\n- x\n\n  | c |\n  | --- |\n  | d |\n\n## E")
    tables = [path for tag, _, path in read.elements if tag == "table"]
    assert len(tables) == 3
    assert all(path[-1] == "div" for path in tables)
    boxes = [one for one in read.all("div") if one.get("class") == "scroll"]
    assert len(boxes) == 3
    assert ["tabindex" in one for one in boxes] == [False, False, False]


def test_intervals_and_shares_are_not_torn_apart() -> None:
    text = "95 % of .931 [.922, +.941], 0.67 M parameters, 5 Mice, 1, 2, a [b, c]"
    (line,) = [words for path, words in shown(text).texts if "p" in path and "95" in words]
    assert line.replace("\N{NO-BREAK SPACE}", "_") == (
        "95_% of .931 [.922,_+.941], 0.67_M parameters, 5 Mice, 1, 2, a [b, c]"
    )


# --- pictures -----------------------------------------------------------------------------------


def test_pictures_are_part_of_the_page() -> None:
    read = shown('# T\n\n![Slices & "caps"](figures/slices.svg)', figures__slices=SVG)
    (image,) = read.all("img")
    assert image["src"] == f"data:image/svg+xml;base64,{base64.b64encode(SVG).decode()}"
    assert image["alt"] == 'Slices & "caps"'
    assert (image["width"], image["height"]) == ("768", "288")
    assert (image["loading"], image["decoding"]) == ("lazy", "async")


@pytest.mark.parametrize(
    ("svg", "size"),
    [
        (b'<svg width="40" height="30">', ("40", "30")),
        (b'<svg width="40px" height="30px">', ("40", "30")),
        (b'<svg width="40%" height="30%">', (None, None)),
        (b"no picture", (None, None)),
    ],
)
def test_pictures_keep_their_room_where_it_is_known(
    svg: bytes, size: tuple[str | None, str | None]
) -> None:
    (image,) = shown("![x](x.svg)", x=svg).all("img")
    assert (image.get("width"), image.get("height")) == size


def test_other_pictures_and_paths_with_blanks() -> None:
    read = harmless(
        page("![a](<fig/a b.png>) ![c](c.jpg)", "t", {"fig/a b.png": b"p", "c.jpg": b"j"})
    )
    sources = [str(one["src"]) for one in read.all("img")]
    assert sources == ["data:image/png;base64,cA==", "data:image/jpeg;base64,ag=="]


def test_what_is_no_picture_is_told_in_its_place() -> None:
    text = "![gone](figures/gone.svg) ![page](x.html) ![out](http://e.vil/x.svg)"
    read = harmless(page(text, "t", {"x.html": b"<script>", "http://e.vil/x.svg": SVG}))
    assert not read.all("img")
    boxes = [words for path, words in read.texts if path[-1:] == ("span",)]
    assert boxes == ["gone", "page"]
    assert "![out](http://e.vil/x.svg)" in read.text("p")


def test_an_empty_report_is_a_page() -> None:
    assert shown("").text("main").split() == ["Contents"]


# --- the look -----------------------------------------------------------------------------------


def colours(style: str) -> dict[str, dict[str, str]]:
    """The custom properties of both looks; the dark one keeps what it does not name."""
    blocks = re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)
    light, dark, _ = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", one)) for one in blocks)
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    """Relative luminance of sRGB (WCAG 2.2)."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    dim, bright = sorted(map(luminance, (a, b)))
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_text_stands_out_in_both_looks(look: str) -> None:
    """WCAG 2.2 level AA asks for 4.5 between small text and what is behind it."""
    style = shown("").text("style")
    found = colours(style)[look]
    badges = dict(re.findall(r"badge\.(\w+) \{ background: var\(--\w+\); color: (#\w+)", style))
    behind = dict(re.findall(r"badge\.(\w+) \{ background: var\(--(\w+)\)", style))
    pairs = [(ink, paper) for ink in ("ink", "quiet", "link") for paper in ("paper", "band")]
    for ink, paper in pairs:
        assert contrast(found[ink], found[paper]) >= 4.5, (ink, paper)
    assert set(badges) == {"gpt", "bert", "tie"}
    for name, ink in badges.items():
        assert contrast(ink, found[behind[name]]) >= 4.5, name
    assert found["gpt"] == "#0072b2"
    assert found["bert"] == "#d55e00"
