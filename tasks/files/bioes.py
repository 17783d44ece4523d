"""BIOES tags (BILOU by other letters) as IOB2 tags. Knows no file.

B- starts an entity of several words, I- goes on, E- (or L-) ends it; S- (or U-) is one of one word.
Nothing is repaired: a tag that does not fit its neighbours is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

TAG = re.compile(r"O|[BIESLU]-.+")

_IOB2 = {"B": "B", "S": "B", "U": "B", "I": "I", "E": "I", "L": "I", "O": "O"}
_UNFINISHED = ("B", "I")


class Broken(ValueError):
    """A tag that does not fit; `index` says which."""

    def __init__(self, index: int, text: str) -> None:
        super().__init__(text)
        self.index = index


def iob2(tags: Sequence[str]) -> tuple[str, ...]:
    """The same entities. Raises Broken for the first tag that starts or ends none properly."""
    found, kind = [], ""  # the type of the entity that is not at its end yet
    for index, tag in enumerate(tags):
        letter, _, name = tag.partition("-")
        goes_on = _IOB2[letter] == "I"
        if goes_on and name != kind:
            raise Broken(index, f"tag '{tag}' continues no entity")
        if kind and not goes_on:
            raise Broken(index - 1, f"tag '{tags[index - 1]}' is followed by no I- or E-{kind}")
        kind = name if letter in _UNFINISHED else ""
        found.append(f"{_IOB2[letter]}-{name}" if name else tag)
    if kind:
        raise Broken(len(tags) - 1, f"tag '{tags[-1]}' is followed by no I- or E-{kind}")
    return tuple(found)
