"""Running text to words with places in the text as given."""

import pytest

from harness.kept.predict_words import blanks, words

TEXTS = {
    "Germany's U.S. team (don't) paid $1,000.50 at 17:30...": (
        "Germany 's U.S. team ( do n't ) paid $ 1,000.50 at 17:30 ..."
    ),
    "in AL-AIN, J. Smith's S&P.": "in AL-AIN , J. Smith 's S&P .",
    "O'Brien batted .500, rang +44; 6/2 and a.m. '90s": (
        "O'Brien batted .500 , rang +44 ; 6/2 and a.m. ' 90s"
    ),
    "already 's n't apart .": "already 's n't apart .",
    "it\u2019s isn\u2019t": "it \u2019s is n\u2019t",
    "a\tb  c\u00a0d": "a b c d",
    "cafe\u0301 na\u00efve!": "cafe\u0301 na\u00efve !",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 ok\U0001f600": (
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 ok \U0001f600"
    ),
    "\U0001d573ello, \u0928\u092e\u0938\u094d\u0924\u0947.": (
        "\U0001d573ello , \u0928\u092e\u0938\u094d\u0924\u0947 ."
    ),
    "?!": "? !",
    " \u0301x ": "\u0301 x",
    "": "",
}


@pytest.mark.parametrize(("text", "wanted"), TEXTS.items())
def test_words_and_their_places(text, wanted):
    found = words(text)
    assert [word.text for word in found] == wanted.split()
    assert all(text[word.start : word.end] == word.text for word in found)
    assert "".join(word.text for word in found) == "".join(text.split())


def test_blanks_alone():
    assert [tuple(word) for word in blanks("  don't\t stop. ")] == [
        ("don't", 2, 7),
        ("stop.", 9, 14),
    ]
