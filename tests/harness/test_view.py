"""Examples as tensors: pairs, both orders, inputs with their texts."""

import numpy as np
import pytest
import torch

from harness.backbones.family import Frame
from harness.cells.view import Reader, pages_of, side_of
from harness.contracts import Example, InputError
from harness.models import encoding
from harness.models.encoding import Room
from harness.pretrain import load_tokenizer, specials
from harness.weights.assets import SPECIALS, save_tokenizer
from tasks.classification import Classification

VOCABULARY = (*SPECIALS, "Mi", "##ra", "Ko", "##du", "met", "saw")
PAIRS = (
    Example("1", ("Mira", "met", "Kodu"), 1, second=("Kodu", "saw", "Mira")),
    Example("2", ("met",), 0, second=("Kodu", "Kodu", "Kodu", "Mira")),
)
TEXTS = (
    Example("a", ("Mira", "met"), ("Mira met Kodu", "Kodu met")),
    Example("b", ("Kodu",), ("Kodu saw Mira",)),
)


@pytest.fixture
def reader(tmp_path):
    save_tokenizer(tmp_path / "tokenizer", VOCABULARY, [], 0)
    tokenizer = load_tokenizer(tmp_path / "tokenizer")
    special = specials(tokenizer)
    frame = Frame([special.cls], [special.eos], [special.sep])
    return Reader(tokenizer, special, frame, "key", tmp_path, Room(100))


def words(reader, ids):
    return reader.tokenizer.convert_ids_to_tokens(ids.tolist())


def pair_side(reader, both_orders=False, examples=PAIRS):
    task = Classification(name="matching")
    labels = ("different", "same")
    return side_of(examples, "d", task, labels, reader, "last", both_orders)


def test_a_pair_is_framed_and_told_apart(reader):
    batch = pair_side(reader).batch(np.array([0, 1]))
    assert words(reader, batch.ids[1]) == [
        "[CLS]", "met", "[SEP]", "Ko", "##du", "Ko", "##du", "Ko", "##du", "Mi", "##ra", "[EOS]",
        "[PAD]",
    ]  # fmt: skip
    assert (batch.segments & batch.real)[1].tolist() == [False] * 3 + [True] * 9 + [False]
    assert batch.columns.tolist() == [12, 11]
    assert batch.targets.tolist() == [1, 0]


def test_both_orders_are_read_and_answered_once(reader):
    batch = pair_side(reader, both_orders=True).batch(np.array([0, 1]))
    assert batch.readings == 2
    assert len(batch.ids) == 4
    assert batch.rows.tolist() == [0, 1, 2, 3]
    assert batch.targets.tolist() == [1, 0]
    assert words(reader, batch.ids[3])[:4] == ["[CLS]", "Ko", "##du", "Ko"]
    single = [Example("1", ("met",), 0)]
    with pytest.raises(InputError, match="single texts"):
        pair_side(reader, both_orders=True, examples=single)


def test_the_longer_text_of_a_pair_loses_words_first(reader):
    one, other = [["met"] * 6, ["met"] * 2], [["met"] * 3, ["met"] * 9]
    cut = encoding.encode(one, reader.tokenizer, reader.frame, Room(9), other)
    assert cut.lengths.tolist() == [9, 9]
    assert cut.second.tolist() == [1 + 3 + 1, 1 + 2 + 1]
    assert cut.kept.tolist() == [6, 6]
    assert cut.words.tolist() == [9, 11]


def test_texts_keep_to_their_own_room(reader):
    one, other = [["met"] * 9], [["met"] * 9]
    cut = encoding.encode(one, reader.tokenizer, reader.frame, Room(100, 4, 2), other)
    assert cut.lengths.tolist() == [1 + 4 + 1 + 2 + 1]


def pages(reader, ends=True):
    return pages_of(TEXTS, "d", reader, ends, Room(100, 50, 50))


def test_every_reference_is_a_row_and_every_input_a_prompt(reader):
    made = pages(reader)
    assert made.owners.tolist() == [0, 0, 1]
    ids, real = made.prompts(np.array([0, 1]))
    assert words(reader, ids[0]) == ["[CLS]", "Mi", "##ra", "met", "[SEP]"]
    assert words(reader, ids[1]) == ["[PAD]", "[CLS]", "Ko", "##du", "[SEP]"]
    assert real[1].tolist() == [False, True, True, True, True]


def test_the_target_and_its_end_are_asked_for_and_nothing_else(reader):
    batch = pages(reader).next_tokens(np.array([1, 2]))
    asked = {row: batch.targets[batch.rows == row] for row in (0, 1)}
    assert words(reader, asked[0]) == ["Ko", "##du", "met", "[EOS]"]
    assert words(reader, asked[1]) == ["Ko", "##du", "saw", "Mi", "##ra", "[EOS]"]
    following = batch.ids[batch.rows, batch.columns + 1]
    assert torch.equal(following, batch.targets)


def test_hidden_tokens_stand_in_the_target_alone(reader):
    made, rng = pages(reader, ends=False), torch.Generator().manual_seed(0)
    whole = encoding.Encoded(*(getattr(made.rows, n) for n in made.rows.__dataclass_fields__))
    counts = set()
    for _ in range(60):
        batch = made.hidden_tokens(np.array([0]), reader.specials.mask, rng)
        hidden = batch.ids[0] == reader.specials.mask
        assert 1 <= int(hidden.sum()) == len(batch.targets) <= 5
        assert not (hidden & ~batch.segments[0]).any()
        restored = batch.ids[0].clone()
        restored[batch.columns] = batch.targets
        assert restored.tolist() == whole.ids[: whole.offsets[1]].tolist()
        counts.add(int(hidden.sum()))
    assert counts == {1, 2, 3, 4, 5}
    assert words(reader, restored)[-1] == "##du"  # no end: the length is known
