"""A made-up text in files, and what it takes to pretrain on it within a second."""

import importlib
import itertools
import random
import signal

from harness.cells.isolate import Done, Failed
from harness.contracts import InputError
from harness.corpora import corpus, groundwork, pretrain_settings
from harness.corpora.corpus import Reading

TINY = (
    "vocabulary=200",
    "length=16",
    "batch_tokens=256",
    "updates=8",
    "evaluations=4",
    "held_out_blocks=6",
    "hold_out=0.1",
    *(f"sides.{name}.architecture.hidden_size=32" for name in ("small_gpt2", "small_bert")),
    *(f"sides.{name}.architecture.num_hidden_layers=1" for name in ("small_gpt2", "small_bert")),
)
_SYLLABLES = ("ka", "lo", "mi", "ne", "pu", "ra", "si", "to", "ve", "zu")


_LEXICON = ["".join(pair) for pair in itertools.product(_SYLLABLES, _SYLLABLES)][::3]


def words(count, seed):
    """Each word has three followers, so that a reader of its left can do better than chance."""
    rng = random.Random(seed)
    place = rng.randrange(len(_LEXICON))
    for _ in range(count):
        yield _LEXICON[place]
        place = (7 * place + rng.randrange(3)) % len(_LEXICON)


def paragraph(seed, count=30):
    return " ".join(words(count, seed)).capitalize() + "."


def folder_of(place, files=4, paragraphs=12):
    """A folder of small texts, one of them a level deeper."""
    place.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        text = "\n\n".join(paragraph(1000 * number + n) for n in range(paragraphs))
        path = place / ("deeper" if number == files - 1 else "") / f"text {number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    return place


def read(place, **options):
    return corpus.read(Reading(place, **{"files": ["*.txt", "*.md"], "hold_out": 0.1, **options}))


def composed(text, out, *typed):
    return pretrain_settings.composed([f"text={text}", f"out={out}", *TINY, *typed])


def laid(text, out, *typed):
    """The configuration, and the folder of blocks that it asks for."""
    config = composed(text, out, *typed)
    place = out / "pair" / "text"
    groundwork.lay((config, str(place)), lambda _: None)
    return config, place


def here(jobs, *_, interrupt=None):
    """`pool.run` without processes: each job in this one, its exceptions as the pool tells them.

    `interrupt` is a signal that the command gets when the first model is half done.
    """
    for job in jobs:
        module, _, name = job.function.partition(":")
        work = getattr(importlib.import_module(module), name)
        try:
            yield job, Done(work(job.argument, _interrupting(job, interrupt)))
        except InputError as error:
            yield job, Failed(str(error), users_mistake=True)
        except Exception as error:  # noqa: BLE001 - as the pool does
            yield job, Failed(f"{type(error).__name__}: {error}")


def _interrupting(job, number):
    commands = signal.getsignal(number) if number and job.name == "small_gpt2" else None

    def progress(share):
        if commands and 0.5 <= share < 0.6:
            commands(number, None)  # not the job's own handler: that is of another process

    return progress
