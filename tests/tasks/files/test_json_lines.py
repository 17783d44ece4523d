from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.contracts import InputError, Splits
from tasks.files import json_lines

GOOD = '{"s": "good film ", "y": 1}\n{"y": 0, "s": "bad film"}\n'
LABEL: dict[str, Any] = {
    "name": "toy",
    "train": "train.jsonl",
    "dev": None,
    "test": None,
    "text": "s",
    "label": "y",
}
TEXT = {k: v for k, v in LABEL.items() if k not in ("text", "label")}
TEXT |= {"input": "in.facts", "target": "out"}


def read(root: Path, content: str | bytes, form: dict[str, Any] = LABEL, **options: Any) -> Splits:
    raw = content.encode() if isinstance(content, str) else content
    (root / "train.jsonl").write_bytes(raw)
    return json_lines.load(**(form | {"path": str(root)} | options))


@pytest.mark.parametrize(
    "content",
    [GOOD, GOOD.rstrip("\n"), GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD],
    ids=["plain", "no last line end", "crlf", "byte-order mark"],
)
def test_lines_become_examples_named_by_their_number(tmp_path: Path, content: str) -> None:
    splits = read(tmp_path, content)
    assert [(e.id, e.words, e.target) for e in splits.train] == [
        ("train:1", ("good", "film"), 1),
        ("train:2", ("bad", "film"), 0),
    ]
    assert splits.labels == ("0", "1")


def test_labels_may_be_text_whole_numbers_or_truth(tmp_path: Path) -> None:
    content = "".join(f'{{"s": "w", "y": {raw}}}\n' for raw in ("true", "false", '"A b"', "-3"))
    assert read(tmp_path, content).labels == ("-3", "A b", "false", "true")
    named = read(tmp_path, GOOD, labels={"1": "up", "0": "down"})
    assert named.labels == ("up", "down")


def test_odd_characters_do_not_break_lines(tmp_path: Path) -> None:
    splits = read(tmp_path, GOOD + '{"s": "a\u2028b\\n\\ud83d\\ude00 \x85c", "y": 0}')
    assert splits.train[2].words == ("a", "b", "\U0001f600", "c")


def test_a_dot_leads_into_an_object_unless_the_key_holds_one(tmp_path: Path) -> None:
    nested = '{"a": {"b": {"c": "in"}}, "y": 0}\n{"a.b.c": "plain", "a": 3, "y": 1}\n'
    assert [e.words for e in read(tmp_path, nested, text="a.b.c").train] == [("in",), ("plain",)]
    with pytest.raises(InputError, match=r"train\.jsonl:2: no key 'a\.b' \(keys: a\.b\.c, a, y\)"):
        read(tmp_path, nested.replace('{"c": "in"}', '"in"'), text="a.b")


def test_a_target_may_be_a_list(tmp_path: Path) -> None:
    content = (
        '{"in": {"facts": "f"}, "out": ["One.", "Two\\nlines."]}\n'
        '{"in": {"facts": "g"}, "out": "Three."}\n'
        '{"in": {"facts": "f"}, "out": ["One."]}\n'
    )
    splits = read(tmp_path, content, TEXT)
    assert [e.target for e in splits.train] == [("One.", "Two lines.", "One."), ("Three.",)]


def out(value: str) -> str:
    return f'{{"in": {{"facts": "f"}}, "out": {value}}}\n'


BAD: list[tuple[dict[str, Any], str | bytes, str]] = [
    (LABEL, "", r"train\.jsonl: the file is empty.*data\.train"),
    (LABEL, GOOD + "\n", r"train\.jsonl:3: the line is empty, .*delete it"),
    (LABEL, GOOD + '{"s": "a" "y": 1}\n', r":3: not JSON \(Expecting ',' .* at character 11\)"),
    (LABEL, GOOD + '{"s": "a\n', r":3: not JSON \(Unterminated string"),
    (LABEL, GOOD + '{"s": "a", "y": ' + "1" * 5000 + "}", r":3: not JSON \(Exceeds the limit"),
    (LABEL, GOOD + "[" * 100_000, r":3: not JSON \(.*recursion"),
    (LABEL, "[\n" + GOOD + "]\n", r":1: not JSON \(.*one object a line"),
    (LABEL, GOOD + '["a", 1]\n', r":3: no JSON object, expected \{\.\.\.\} on every line"),
    (LABEL, GOOD + '{"s": "a", "s": "b", "y": 1}\n', r":3: not JSON \(a key occurs twice\)"),
    (LABEL, GOOD + '{"s": "a"}\n', r":3: no key 'y' \(keys: s\); correct the line or data\.label"),
    (LABEL, GOOD + '{"s": "a", "y": null}\n', r":3: 'y' is null, expected a value; .*data\.label"),
    (LABEL, GOOD + '{"s": "a", "y": 0.5}\n', r":3: the label is a number, expected text"),
    (LABEL, GOOD + '{"s": "a", "y": [1]}\n', r":3: the label is a list, .*data\.label"),
    (LABEL, GOOD + '{"s": 7, "y": 1}\n', r":3: the text is a number, expected text.*data\.text"),
    (LABEL, GOOD + '{"s": true, "y": 1}\n', r":3: the text is true, expected text"),
    (LABEL, GOOD + '{"s": {}, "y": 1}\n', r":3: the text is an object, expected text"),
    (LABEL, GOOD + '{"s": " \\n", "y": 1}\n', r":3: the text is empty"),
    (LABEL, GOOD + '{"s": "\\ud800", "y": 1}\n', r":3: an escape from \\ud800 .* half of a char"),
    (LABEL, GOOD.encode() + b'{"s": "\xe9"}', r":3: byte 61 of the file \(0xe9\) is not utf-8"),
    (TEXT, out('"a"') + out("[]"), r":2: the list of targets is empty"),
    (TEXT, out('"a"') + out('["a", 3]'), r":2: target 2 of the list is a number, .*data\.target"),
    (TEXT, out('["", "a"]'), r":1: target 1 of the list is empty"),
    (TEXT, out("[null]"), r":1: target 1 of the list is null"),
    (TEXT, out('{"a": "b"}'), r":1: the target is an object, expected text"),
    (TEXT, '{"in": "f", "out": "a"}', r":1: no key 'in\.facts' \(keys: in, out\).*data\.input"),
]


@pytest.mark.parametrize(("form", "content", "message"), BAD)
def test_every_surprise_is_an_error_that_says_where(
    tmp_path: Path, form: dict[str, Any], content: str | bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path, content, form)


def test_a_test_file_of_nulls_hides_its_labels(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text('{"s": "a", "y": null}\n')
    with pytest.raises(InputError, match=r"test\.jsonl:1: 'y' is null, expected a value; see X$"):
        read(tmp_path, GOOD, test="test.jsonl", test_note="see X")
