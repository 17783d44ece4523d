"""Lines as they come, to texts; nothing is read ahead of what has arrived.

A line is a text, or with JSON lines {"text": ..., "second": ...}. What is no text in UTF-8 stops
the reading there, after the lines before it were handed on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from harness.contracts import InputError
from harness.quoting import shown

BLOCK = 1 << 16
EXPECTED = 'expected {"text": "..."} on a line of its own'


class Asked(NamedTuple):
    """A text to answer, the other one of a pair, and where they stand, for messages."""

    text: str
    second: str | None = None
    place: str = ""


def arriving(descriptor: int) -> Iterator[list[bytes]]:
    """The whole lines of each piece that arrives, without their ends; the last may lack one."""
    rest: list[bytes] = []
    while block := os.read(descriptor, BLOCK):
        head, *lines = block.split(b"\n")
        rest.append(head)
        if lines:
            whole = [b"".join(rest), *lines[:-1]]
            rest = [lines[-1]]
            yield whole
    if left := b"".join(rest):
        yield [left]


def read(pieces: Iterable[list[bytes]], name: str, jsonl: bool) -> Iterator[list[Asked]]:
    """The texts of each piece. Raises InputError for a line that holds none, when its turn comes.

    `name` stands for the file in messages.
    """
    number = 0
    for piece in pieces:
        asked: list[Asked] = []
        problem: InputError | None = None
        for line in piece:
            number += 1
            try:
                asked.append(_asked(line, f"{name}:{number}", number == 1, jsonl))
            except InputError as error:
                problem = error
                break
        if asked:
            yield asked
        if problem is not None:
            raise problem


def _asked(line: bytes, place: str, first: bool, jsonl: bool) -> Asked:
    try:
        text = line.decode("utf-8-sig" if first else "utf-8").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise InputError(f"{place}: not UTF-8 ({error.reason}); convert the file") from None
    return _object(text, place) if jsonl and text.strip() else Asked(text, None, place)


def _object(line: str, place: str) -> Asked:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not JSON ({shown(error, 80)}); {EXPECTED}") from None
    text = value.get("text") if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise InputError(f'{place}: no "text" there; {EXPECTED}')
    second = value.get("second")
    if second is not None and not isinstance(second, str):
        raise InputError(f'{place}: "second" is no text; leave it out or give one')
    other = None if second is None else checked(second, place)
    return Asked(checked(text, place), other, place)


def checked(text: str, place: str) -> str:
    """The text. Raises InputError for half of a surrogate pair, which no file can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError(f"{place}: half of a surrogate pair, which is no text") from None
    return text
