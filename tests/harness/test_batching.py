import numpy as np
import pytest

from harness.backbones.family import Frame
from harness.models import batching, encoding
from harness.models.encoding import Room
from harness.pretrain import load_tokenizer, specials
from harness.weights.assets import SPECIALS, save_tokenizer

TEXTS = [["Mira", "met", "Kodu"], ["met"], ["Kodu", "Kodu", "Kodu", "Mira"], ["zzz", "met"]]
VOCABULARY = (*SPECIALS, "Mi", "##ra", "Ko", "##du", "met")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(folder, VOCABULARY, [], 0)
    return load_tokenizer(folder)


def test_encoding_keeps_track_of_words(tokenizer):
    special = specials(tokenizer)
    encoded = encoding.encode(TEXTS, tokenizer, Frame([special.cls], [special.sep]), Room(100))
    assert tokenizer.convert_ids_to_tokens(encoded.ids[: encoded.offsets[1]].tolist()) == [
        "[CLS]", "Mi", "##ra", "met", "Ko", "##du", "[SEP]",
    ]  # fmt: skip
    assert encoded.positions(0, "first").tolist() == [1, 3, 4]
    assert encoded.positions(0, "last").tolist() == [2, 3, 5]
    assert encoded.ids[encoded.offsets[3] + 1] == special.unk
    assert encoded.kept.tolist() == encoded.words.tolist() == [3, 1, 4, 2]


def test_truncation_cuts_whole_words(tokenizer):
    special = specials(tokenizer)
    encoded = encoding.encode(TEXTS, tokenizer, Frame([special.cls], [special.sep]), Room(6))
    assert encoded.lengths.max() <= 6
    assert encoded.kept.tolist() == [2, 1, 2, 2]  # "Kodu" would need two more pieces
    assert encoded.words.tolist() == [3, 1, 4, 2]


def test_a_word_that_is_normalised_away_is_still_a_word(tokenizer):
    special = specials(tokenizer)
    encoded = encoding.encode(
        [["met", "", "met"]], tokenizer, Frame([special.cls], [special.sep]), Room(9)
    )
    assert encoded.kept.tolist() == [3]
    assert encoded.ids.tolist()[2] == special.unk


def test_cache_returns_the_same_and_notices_a_new_key(tokenizer, tmp_path):
    special = specials(tokenizer)
    frame = Frame([special.cls], [special.sep])
    first = encoding.cached(tmp_path, "a", TEXTS, tokenizer, frame, Room(100))
    again = encoding.cached(tmp_path, "a", [["never", "read"]], tokenizer, frame, Room(100))
    other = encoding.cached(tmp_path, "b", TEXTS[:1], tokenizer, frame, Room(100))
    assert np.array_equal(first.ids, again.ids)
    assert isinstance(again.ids, np.memmap)
    assert len(other.words) == 1
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_every_example_once_within_the_budget():
    rng = np.random.default_rng(0)
    words = rng.integers(1, 40, 333)
    limit = batching.budget(words, 16)
    for batches in (
        batching.plan(words, limit, np.random.default_rng(1)),
        batching.in_order(words, limit),
    ):
        assert sorted(np.concatenate(batches).tolist()) == list(range(333))
        assert all(len(b) * words[b].max() <= limit or len(b) == 1 for b in batches)
        padding = 1 - words.sum() / sum(len(b) * words[b].max() for b in batches)
        assert padding < 0.12


def test_batches_do_not_depend_on_tokens_and_do_on_the_seed():
    words = np.random.default_rng(0).integers(1, 40, 200)
    one, same, other = (
        [b.tolist() for b in batching.plan(words, 300, np.random.default_rng(s))] for s in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("read_at", "columns"),
    [
        ("cls", [0, 0]),
        ("last", [6, 2]),
        ("first_piece", [1, 3, 4, 1]),
        ("last_piece", [2, 3, 5, 1]),
    ],
)
def test_answers_are_read_where_they_belong(tokenizer, read_at, columns):
    special = specials(tokenizer)
    encoded = encoding.encode(TEXTS, tokenizer, Frame([special.cls], [special.sep]), Room(100))
    per_word = "piece" in read_at
    targets = [np.arange(3 if per_word else 1), np.arange(1)]
    batch = batching.collate(encoded, targets, np.array([0, 1]), read_at, special.pad)
    assert batch.columns.tolist() == columns
    assert batch.rows.tolist() == ([0, 0, 0, 1] if per_word else [0, 1])
    assert batch.real.sum(1).tolist() == [7, 3]
    assert batch.ids[1, 3:].tolist() == [special.pad] * 4
