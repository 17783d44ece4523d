"""Labels laid on pieces as the article's code lays them: what is trained on, and nothing else."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from cells import composed, small_setup
from synthetic import answers, cell, data, made
from test_backbones import BERT, GPT
from test_long_texts import long_setup

from harness import alarms, experiment, invocation, record
from harness.backbones.family import Frame
from harness.cells import view
from harness.cells.labelling import Labelling
from harness.cells.view import Reader, side_of
from harness.contracts import Example, InputError
from harness.models.encoding import Room
from harness.models.piecewise import Pieces
from harness.pretrain import load_tokenizer, specials
from harness.weights.assets import SPECIALS, save_tokenizer
from tasks.ner import Ner

VOCABULARY = (*SPECIALS, "Mi", "##ra", "##ri", "Ko", "##du", "met", "saw")
CLASSES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
PIECES = "mode.labels=pieces"
EXAMPLES = (
    Example("1", ("Mirari", "met", "Kodu", "saw"), ("B-PER", "O", "B-LOC", "I-LOC")),
    Example("2", ("met", "Kodu"), ("B-LOC", "I-LOC")),
)


def labelled(batch, reader, row):
    """Tokens of a row with the label that each is trained on; "-" where nothing is asked."""
    asked = {
        column: CLASSES[target]
        for at, column, target in zip(
            batch.rows.tolist(), batch.columns.tolist(), batch.targets.tolist(), strict=True
        )
        if at == row
    }
    tokens = reader.tokenizer.convert_ids_to_tokens(batch.ids[row].tolist())
    return " ".join(f"{token}/{asked.get(place, '-')}" for place, token in enumerate(tokens))


@pytest.mark.parametrize(
    ("backbone", "by_word", "by_piece"),
    [
        (
            BERT,
            (
                "[CLS]/- Mi/B-PER ##ra/- ##ri/- met/O Ko/B-LOC ##du/- saw/I-LOC [SEP]/-",
                "[CLS]/- met/B-LOC Ko/I-LOC ##du/- [SEP]/- [PAD]/- [PAD]/- [PAD]/- [PAD]/-",
            ),
            (
                "[CLS]/B-PER Mi/O ##ra/B-LOC ##ri/I-LOC met/O Ko/O ##du/O saw/O [SEP]/O",
                "[CLS]/B-LOC met/I-LOC Ko/O ##du/O [SEP]/O [PAD]/O [PAD]/O [PAD]/O [PAD]/O",
            ),
        ),
        (
            GPT,
            (
                "[EOS]/- Mi/- ##ra/- ##ri/B-PER met/O Ko/- ##du/B-LOC saw/I-LOC [EOS]/-",
                "[EOS]/- met/B-LOC Ko/- ##du/I-LOC [EOS]/- [PAD]/- [PAD]/- [PAD]/- [PAD]/-",
            ),
            (
                "[EOS]/- Mi/B-PER ##ra/O ##ri/B-LOC met/I-LOC Ko/O ##du/O saw/O [EOS]/O",
                "[EOS]/- met/B-LOC Ko/I-LOC ##du/O [EOS]/O [PAD]/O [PAD]/O [PAD]/O [PAD]/O",
            ),
        ),
    ],
    ids=["bert", "gpt"],
)
def test_where_each_label_lies_by_word_and_by_piece(tmp_path, backbone, by_word, by_piece):
    """By hand: BERT's labels begin at [CLS], GPT's tokenizer puts nothing before a text."""
    save_tokenizer(tmp_path / "tokenizer", VOCABULARY, [], 0)
    tokenizer = load_tokenizer(tmp_path / "tokenizer")
    special = specials(tokenizer)
    frame = dataclasses.replace(backbone, label_piece="first").frame(special)
    reader = Reader(tokenizer, special, frame, "key", tmp_path, Room(100))
    read_at = f"{backbone.label_piece}_piece"
    side = side_of(EXAMPLES, "d", Ner(), CLASSES, reader, read_at, False, windows=True)
    both = np.array([0, 1])
    assert tuple(labelled(side.batch(both), reader, row) for row in (0, 1)) == by_word
    pieces = Pieces(side.encoded[0], side.targets, backbone.added(special), 0, side.pad)
    laid = pieces.batch(both)
    assert tuple(labelled(laid, reader, row) for row in (0, 1)) == by_piece
    words = side.batch(both)
    for name in ("ids", "real", "segments"):
        assert (getattr(laid, name) == getattr(words, name)).all()


def test_labels_begin_where_a_tokenizer_of_the_family_begins():
    """Llama's puts a token of its own before a text, and the article's code would label it."""
    special = dataclasses.replace(view.Specials(*range(8)), template=Frame([2], []))
    assert GPT.added(special) == 0
    assert GPT.added(dataclasses.replace(special, template=None)) == 1
    assert GPT.added(dataclasses.replace(special, template=Frame([], [3]))) == 1
    assert {BERT.added(s) for s in (special, dataclasses.replace(special, template=None))} == {0}


def work_of(setup):
    return Labelling(setup, setup.foundation.asset, view.parts_of(setup.config))


@pytest.mark.parametrize("model", ["gpt2", "bert"])
def test_training_labels_differ_and_nothing_else(tmp_path, shared_cache, model):
    setups = [
        small_setup(tmp_path, shared_cache, f"model={model}", *more) for more in ((), (PIECES,))
    ]
    assert setups[0].identity != setups[1].identity
    words, pieces = map(work_of, setups)
    assert (words.lengths() == pieces.lengths()).all()
    chosen = np.arange(12)
    one, other = words.batch(chosen), pieces.batch(chosen)
    assert (one.ids == other.ids).all()
    front = 1 if model == "gpt2" else 0
    assert len(other.targets) == other.ids.numel() - front * len(chosen) > len(one.targets)
    example, row = setups[0].foundation.splits.train[0], other.rows == 0
    gold = [pieces.classes.index(tag) for tag in example.target]
    wanted = [*gold, *[0] * (other.ids.shape[1] - front - len(gold))]
    assert other.targets[row].tolist() == wanted
    assert other.columns[row].tolist() == list(range(front, other.ids.shape[1]))
    for name in ("dev", "test"):
        ours, theirs = (work.sides[name].batch(chosen) for work in (words, pieces))
        assert (ours.columns == theirs.columns).all()
        assert (ours.targets == theirs.targets).all()


def test_a_run_says_what_it_was_trained_on(tmp_path, shared_cache):
    setup = small_setup(tmp_path, shared_cache, "model=bert", PIECES)
    found = record.read(Path(experiment.execute(setup)))
    assert found.cell.mode == "bidirectional" + record.BY_PIECE
    assert found.config["mode"]["labels"] == "pieces"
    assert found.data.reader == "bidirectional/first"
    assert found.training.loss_tokens > found.data.words["train"]
    assert invocation.mode(found.cell, found.config) == {"mode": "native", "mode.labels": "pieces"}
    assert not [
        a for a in alarms.examine(found, record.read_counts(setup.folder)) if a[1] == "void"
    ]


def test_labels_that_miss_on_purpose_are_no_alarm():
    """By word, an encoder that cannot use the words to its right has misaligned labels."""
    for mode, rung in (("bidirectional", ["2"]), ("bidirectional_by_piece", [])):
        of = cell(family="bert", mode=mode)
        found = made(of, 900, data=data(of, 900))
        counts = answers("ner", {"U": 0.9, "L": 0.5, "R": 0.2, "N": 0.2, "G": 0.2}, 900, 0)
        assert [a.number for a in alarms.examine(found, counts) if a.number == "2"] == rung


def test_long_texts_are_cut_for_training_alone(tmp_path, shared_cache):
    setup = long_setup(tmp_path, shared_cache, "model=bert", PIECES)
    work = work_of(setup)
    assert work.sides["train"].stretches is None
    assert work.sides["dev"].stretches is not None
    longest = setup.config["train"]["max_length"]
    batch = work.batch(np.arange(len(work.lengths())))
    assert (
        batch.ids.shape[1]
        <= longest
        < max(map(len, (e.words for e in setup.foundation.splits.train)))
    )


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (("task=classification", PIECES), "one label stands for a whole text; use task=ner"),
        (("task=generation", PIECES), "is for tags .* writes texts"),
        (("task=ner", PIECES, "strategy=head_only"), "read each batch anew"),
        (("task=ner", "mode.labels=letters"), "mode.labels=letters: expected words or pieces"),
    ],
)
def test_what_makes_no_sense_is_refused(overrides, told):
    with pytest.raises(InputError, match=told):
        view.parts_of(composed(*overrides))
