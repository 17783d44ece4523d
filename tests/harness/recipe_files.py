"""Small seeded files of the form that each recipe's YAML describes, written by the tests."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

Row = Sequence[str]

HEADS = {
    "intent": ("text", "label"),
    "sentiment": ("text", "label"),
    "recommendation": ("text", "second", "label"),
    "dialogue": ("input", "target"),
}
SAID = ["please", "my", "the", "now", "again", "today", "why", "how", "did", "it"]
INTENTS = {"card_arrival": "card", "charged_twice": "charged", "lost_phone": "phone"}
MOODS = {"neutral": ("stays", 84), "positive": ("rose", 27), "negative": ("fell", 12)}
TOPICS = ["space", "food", "war", "love", "sport"]
QUERIES, CANDIDATES = 200, 4


def write(folder: Path, recipe: str) -> Path:
    """A CSV file for a recipe; returns where."""
    rng = random.Random(recipe)
    place = folder / f"{recipe}.csv"
    with place.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADS[recipe], *_ROWS[recipe](rng)])
    return place


def _intents(rng: random.Random) -> Iterator[Row]:
    for label, word in INTENTS.items():
        for _ in range(30):
            yield " ".join((*rng.sample(SAID, 4), word, *rng.sample(SAID, 2))), label


def _moods(rng: random.Random) -> Iterator[Row]:
    for label, (word, count) in MOODS.items():
        for _ in range(count):
            yield " ".join((*rng.sample(SAID, 4), word, *rng.sample(SAID, 3))), label


def _pairs(rng: random.Random) -> Iterator[Row]:
    """Readers and books: right where the topics agree, about every second time."""
    for number in range(QUERIES):
        liked = rng.choice(TOPICS)
        for _ in range(CANDIDATES):
            about = liked if rng.random() < 0.4 else rng.choice(TOPICS)
            book = f"a book on {about} {rng.choice(SAID)}"
            yield f"reader {number} likes {liked}", book, str(int(about == liked))


def _talk(rng: random.Random) -> Iterator[Row]:
    for number in range(60):
        topic = rng.choice(TOPICS)
        yield f"hello <turn> number {number} asks for {topic}", f"here is some {topic} for you"


_ROWS = {"intent": _intents, "sentiment": _moods, "recommendation": _pairs, "dialogue": _talk}
