"""Long texts: which windows are read, what each answers, and that short ones are as they were."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from harness import train
from harness.backbones.family import Frame
from harness.cells import labelling
from harness.cells.view import Reader, side_of
from harness.cells.work import truncations
from harness.contracts import Example, InputError, Unit
from harness.examples.windows import blocks, windows
from harness.metrics import entity_f1
from harness.models import batching, encoding
from harness.models.encoding import Room
from harness.models.stretches import stretches
from harness.pretrain import load_tokenizer, specials
from harness.serving import Served
from harness.weights.assets import SPECIALS, save_tokenizer
from tasks.ner import Ner

LETTERS = ("a", "b", "c", "d", "e", "f")
VOCABULARY = (*SPECIALS, *LETTERS, "x", "##y")
COARSE = (*SPECIALS, *LETTERS, "x", "##y", "##yyy")
CLASSES = ("O", "B-PER", "I-PER")
KNOBS = train.Training(1e-3, 1, 4, 0.1, 0.01, 1.0, 0.0, 0.0, 16, None)


def reader(folder, vocabulary=VOCABULARY, room=16):
    save_tokenizer(folder / str(len(vocabulary)), vocabulary, [], 0)
    tokenizer = load_tokenizer(folder / str(len(vocabulary)))
    special = specials(tokenizer)
    frame = Frame([special.cls], [special.sep])
    return Reader(tokenizer, special, frame, str(len(vocabulary)), folder, Room(room))


def sentence(rng, length, name="x"):
    """Words of one to four pieces; every "a" is a name."""
    words = tuple(rng.choice([*LETTERS, "xy", "xyyy"], length).tolist())
    return Example(name, words, tuple("B-PER" if word == "a" else "O" for word in words))


def split(*lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [sentence(rng, length, str(i)) for i, length in enumerate(lengths)]


def side(examples, of, digest="d", windowed=True, read_at="first_piece"):
    return side_of(examples, digest, Ner(), CLASSES, of, read_at, False, windowed)


def answers(model, one):
    return labelling._answers(model, one, KNOBS)[:2]


# --- geometry -----------------------------------------------------------------------------------


def texts_of_pieces():
    rng = np.random.default_rng(1)
    for room in (1, 2, 3, 5, 8, 12, 30):
        for _ in range(40):
            most = rng.integers(1, room + 1)
            yield room, rng.integers(1, most + 1, rng.integers(0, 8 * room)).tolist()


def by_brute_force(pieces, room):
    """All windows there are, straight from the words of the rule, one token at a time."""
    if sum(pieces) <= room:
        return [(0, len(pieces))]
    found, start = [], 0
    while True:
        end = start
        while end < len(pieces) and sum(pieces[start : end + 1]) <= room:
            end += 1
        if end == len(pieces):
            while start and sum(pieces[start - 1 :]) <= room:
                start -= 1
            return [*found, (start, end)]
        found.append((start, end))
        stride, following = max(1, room // 4), start + 1
        while sum(pieces[start : following + 1]) <= stride:
            following += 1
        start = following


def test_every_word_is_answered_once_where_its_context_is_largest():
    several = 0
    for room, pieces in texts_of_pieces():
        made, every = windows(pieces, room), by_brute_force(pieces, room)
        assert {(one.start, one.end) for one in made} <= set(every)
        assert all(sum(pieces[one.start : one.end]) <= room for one in made)
        asked = [(word, one) for one in made for word in range(one.first, one.last)]
        assert [word for word, _ in asked] == list(range(len(pieces)))
        for word, one in asked:
            context = {s: min(word - s, e - 1 - word) for s, e in every if s <= word < e}
            assert one.start == max(context, key=lambda s: (context[s], -s))
        several += len(made) > 1
    assert several > 100


def test_windows_move_on_by_a_quarter_and_end_with_the_text():
    made = windows([1] * 100, 40)
    assert [(one.start, one.end) for one in made] == [
        (0, 40), (10, 50), (20, 60), (30, 70), (40, 80), (50, 90), (60, 100),
    ]  # fmt: skip
    assert [one.first for one in made] == [0, 25, 35, 45, 55, 65, 75]
    uneven = windows([1] * 43, 40)
    assert [(one.start, one.end) for one in uneven] == [(0, 40), (3, 43)]


def test_what_fits_is_one_window_and_nothing_is_one_empty_one():
    assert windows([2] * 20, 40) == [(0, 20, 0, 20)]
    assert windows([], 5) == [(0, 0, 0, 0)]


def test_half_a_window_less_the_edge_is_seen_on_both_sides():
    """But where the text ends: at least 3/8 of the room, with words of one token."""
    made = windows([1] * 1000, 80)
    for one in made:
        for word in range(max(one.first, 35), min(one.last, 965)):
            assert min(word - one.start, one.end - 1 - word) >= 30


def test_parts_are_nearly_equal_and_at_most_so_long():
    for words, most in itertools.product((0, 1, 7, 8, 9, 63, 1000), (1, 7, 8, 64)):
        parts = blocks(words, most)
        assert [a for a, _ in parts] == [0, *(b for _, b in parts[:-1])]
        sizes = [b - a for a, b in parts]
        assert sum(sizes) == words
        assert max(sizes) <= most
        assert max(sizes) - min(sizes) <= 1
    assert blocks(8, 8) == [(0, 8)]


# --- encoding -----------------------------------------------------------------------------------


def test_windows_hold_their_words_and_never_more_than_the_room(tmp_path):
    of = reader(tmp_path)
    examples = split(3, 40, 9, 80, 0)
    found = of.windowed("d", [e.words for e in examples])
    assert found.rows.lengths.max() <= 16
    whole = encoding.encode([e.words for e in examples], of.tokenizer, of.frame, Room(10**6))
    for row, (owner, span) in enumerate(zip(found.owners, found.spans.tolist(), strict=True)):
        ids = found.rows.ids[found.rows.offsets[row] : found.rows.offsets[row + 1]]
        at = slice(whole.word_offsets[owner] + span[0], whole.word_offsets[owner] + span[1])
        if span[1] > span[0]:
            first, last = whole.first[at][0], whole.last[at][-1]
            text = whole.ids[whole.offsets[owner] : whole.offsets[owner + 1]]
            assert ids[1:-1].tolist() == text[first : last + 1].tolist()
        assert (ids[0], ids[-1]) == (of.specials.cls, of.specials.sep)
    assert found.owners.tolist() == sorted(found.owners.tolist())
    assert set(found.owners) == set(range(5))


def test_the_cache_returns_the_same_windows(tmp_path):
    of, texts = reader(tmp_path), [e.words for e in split(40, 5)]
    fresh, again = of.windowed("d", texts), of.windowed("d", [["never", "read"]])
    assert np.array_equal(fresh.rows.ids, again.rows.ids)
    assert np.array_equal(fresh.spans, again.spans)
    assert isinstance(again.owners, np.memmap)
    assert len(of.windowed("e", texts[1:]).owners) == 1


def test_a_word_longer_than_a_window_is_read_by_its_first_pieces(tmp_path):
    of = reader(tmp_path)
    words = ("a", "x" + "y" * 60, "a")
    found = of.windowed("d", [words, ("a",)])
    assert found.shortened.tolist() == [1, 0]
    assert found.rows.lengths.max() == 16
    example = Example("0", words, ("B-PER", "O", "B-PER"))
    one = side([example], of, "one")
    assert answers(Oracle(of), one)[0] == [(1, 0, 1)]
    told = labelling.truncation(one)
    assert (told["cut_examples"], told["cut_words"], told["cut_entities"]) == (1, 1, 0)
    assert labelling.truncation(side([example], of, "one", False))["cut_words"] == 2


def test_a_giant_word_and_a_giant_text_end_soon(tmp_path):
    of = reader(tmp_path)
    giant = of.windowed("d", [("x" + "y" * 10**6, "a"), ("a",) * 100_000])
    assert giant.rows.lengths.max() <= 16
    asked = giant.spans[giant.owners == 1][:, 2:]
    assert asked[0, 0] == 0
    assert asked[-1, 1] == 100_000
    assert (asked[1:, 0] == asked[:-1, 1]).all()


@pytest.mark.parametrize("windowed", [True, False])
def test_a_room_for_no_word_is_refused(tmp_path, windowed):
    with pytest.raises(InputError, match=r"train\.max_length=2 .* 2 special .*=3 or more"):
        side(split(4), reader(tmp_path, room=2), windowed=windowed)
    assert side(split(4), reader(tmp_path / "x", room=3), windowed=windowed)


# --- training -----------------------------------------------------------------------------------


def epoch(one, seed=0):
    plan = batching.plan(one.words, batching.budget(one.words, 4), np.random.default_rng(seed))
    return [one.batch(chosen) for chosen in plan]


def tagged(*lengths):
    """Examples in which every word has a target of its own, to find it again."""
    examples = split(*lengths)
    starts = np.cumsum([0, *lengths])
    return examples, [np.arange(a, b) for a, b in itertools.pairwise(starts)]


def numbered(of, examples, targets):
    one = side(examples, of)
    assert one.stretches is not None
    return replace(one, targets=targets, stretches=replace(one.stretches, targets=targets))


def test_every_word_counts_once_an_epoch(tmp_path):
    examples, targets = tagged(3, 40, 9, 150, 12, 0, 1)
    batches = epoch(numbered(reader(tmp_path), examples, targets))
    asked = torch.cat([batch.targets for batch in batches])
    assert sorted(asked.tolist()) == list(range(215))
    assert sum(batch.examples for batch in batches) == len(examples)


def test_a_word_is_asked_where_it_stands(tmp_path):
    of = reader(tmp_path)
    examples, targets = tagged(3, 40, 9, 150)
    words = [word for e in examples for word in e.words]
    firsts = [of.tokenizer(word, add_special_tokens=False)["input_ids"][0] for word in words]
    for batch in epoch(numbered(of, examples, targets)):
        read = batch.ids[batch.rows, batch.columns].tolist()
        assert read == [firsts[number] for number in batch.targets.tolist()]


def test_it_is_asked_in_training_where_it_is_answered_in_use(tmp_path):
    examples, targets = tagged(40, 150, 3)
    one = numbered(reader(tmp_path), examples, targets)

    def seen(batch):
        rows = batch.ids[batch.rows].tolist()
        width = [int(batch.real[row].sum()) for row in batch.rows]
        kept = [tuple(row[:end]) for row, end in zip(rows, width, strict=True)]
        where = zip(kept, batch.columns.tolist(), strict=True)
        return dict(zip(batch.targets.tolist(), where, strict=True))

    use = seen(one.stretches.batch(np.arange(len(one.stretches.widths))))
    trained = {}
    for batch in epoch(one):
        trained |= seen(batch)
    assert trained == use


def test_models_with_different_tokenizers_learn_the_same_words_in_every_step(tmp_path):
    examples, targets = tagged(3, 40, 9, 15, 150, 12, 2)
    fine, coarse = (
        numbered(reader(tmp_path, vocabulary), examples, targets)
        for vocabulary in (VOCABULARY, COARSE)
    )
    assert len(fine.stretches.widths) > len(coarse.stretches.widths)
    for ours, theirs in zip(epoch(fine), epoch(coarse), strict=True):
        assert sorted(ours.targets.tolist()) == sorted(theirs.targets.tolist())
        assert ours.examples == theirs.examples
    everything_fits = side(examples, reader(tmp_path / "wide", room=400))
    assert everything_fits.stretches is None


def test_a_very_long_text_makes_no_batch_that_is_larger(tmp_path):
    """Neither in training, where a step reads no more than so many words, nor in use."""
    of = reader(tmp_path, room=64)
    one = side(split(10_000, *[20] * 50), of)
    most = 4 * 4 * 5  # words of four pieces, each read four times, some windows at the edges
    limit = batching.budget(one.words, 4)
    assert max(batch.ids.numel() for batch in epoch(one)) <= most * max(limit, 64)
    sizes = []

    class Counting(Oracle):
        def forward(self, batch):
            sizes.append(batch.ids.numel())
            return super().forward(batch)

    assert len(answers(Counting(of), one)[0][0]) == 10_000
    assert max(sizes) <= 4 * 4 * 64 * 4


class Tiny(nn.Module):
    """Sees its neighbours, so where a word stands in a batch would show."""

    def __init__(self, vocabulary):
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(vocabulary, 8)
        self.mix = nn.Conv1d(8, 3, 3, padding=1)

    def forward(self, batch):
        hidden = self.table(batch.ids) * batch.real[:, :, None]
        return self.mix(hidden.transpose(1, 2)).transpose(1, 2)[batch.rows, batch.columns]


def gradients(batch, vocabulary):
    model = Tiny(vocabulary)
    loss = nn.functional.cross_entropy(model(batch), batch.targets)
    loss.backward()
    return [loss.detach(), *(p.grad for p in model.parameters())]


@pytest.mark.parametrize("read_at", ["first_piece", "last_piece"])
def test_where_one_window_is_enough_loss_and_gradients_are_what_they_were(tmp_path, read_at):
    of, examples = reader(tmp_path, room=99), split(3, 20, 9, 1)
    plain = side(examples, of, read_at=read_at)
    assert plain.stretches is None
    found = of.windowed("d", [e.words for e in examples])
    windowed = stretches(found, plain.targets, read_at, plain.pad, 99)
    chosen = np.array([2, 0, 1, 3])
    ours, theirs = windowed.lesson(chosen), plain.batch(chosen)
    for name in ("ids", "real", "rows", "columns", "targets", "segments"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name)), name
    pairs = zip(*(gradients(b, of.specials.vocabulary) for b in (ours, theirs)), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert windowed.words.tolist() == plain.words.tolist()


def test_the_loss_of_a_batch_is_the_mean_over_its_words(tmp_path):
    """However many windows they were read in."""
    of = reader(tmp_path)
    one = side(split(60, 4, 30), of)
    rows = np.array([[i for i, part in enumerate(one.stretches.parts) if part[0] == 0]]).ravel()
    model = Tiny(of.specials.vocabulary)
    whole = one.batch(np.arange(len(one.words)))
    parts = [one.batch(rows), one.batch(np.setdiff1d(np.arange(len(one.words)), rows))]
    losses = [nn.functional.cross_entropy(model(b), b.targets) for b in (whole, *parts)]
    sizes = [len(b.targets) for b in parts]
    expected = sum(n * loss for n, loss in zip(sizes, losses[1:], strict=True)) / sum(sizes)
    assert torch.isclose(losses[0], expected, atol=1e-5)


# --- answers ------------------------------------------------------------------------------------


class Oracle(nn.Module):
    """Answers from the word alone: "a" is a name."""

    def __init__(self, of):
        super().__init__()
        self.name = of.tokenizer.convert_tokens_to_ids("a")
        self.special = {of.specials.cls, of.specials.sep, of.specials.pad}

    def forward(self, batch):
        hit = batch.ids[batch.rows, batch.columns] == self.name
        return torch.stack([~hit, hit, torch.zeros_like(hit)], -1).float() * 9


class Ahead(Oracle):
    """Answers from the word so many words further on, where there is one."""

    def __init__(self, of, ahead):
        super().__init__(of)
        self.ahead = ahead

    def forward(self, batch):
        wide = nn.functional.pad(batch.ids, (0, self.ahead))
        return super().forward(replace(batch, ids=wide, columns=batch.columns + self.ahead))


def test_a_model_that_needs_the_word_alone_answers_as_without_windows(tmp_path):
    examples = split(3, 40, 9, 150, 0, 12)
    of, wide = reader(tmp_path), reader(tmp_path / "wide", room=999)
    windowed, whole = side(examples, of), side(examples, wide)
    assert whole.stretches is None
    found = answers(Oracle(of), windowed)
    assert found == answers(Oracle(wide), whole)
    assert [len(one) for one in found[0]] == [3, 40, 9, 150, 0, 12]
    assert found[0] == [tuple(int(t == "B-PER") for t in e.target) for e in examples]


def test_context_is_what_windows_are_for(tmp_path):
    """They show four words ahead of every word; what is cut is lost, and so is what needs it."""
    ahead, rng = 4, np.random.default_rng(0)
    words = tuple(rng.choice(LETTERS, 100).tolist())
    coming = (*words[ahead:], *"-" * ahead)
    example = Example("0", words, tuple("B-PER" if word == "a" else "O" for word in coming))
    of, wide = reader(tmp_path, room=18), reader(tmp_path / "wide", room=999)
    gold = [int(tag == "B-PER") for tag in example.target]
    (whole,), _ = answers(Ahead(wide, ahead), side([example], wide))
    (windowed,), _ = answers(Ahead(of, ahead), side([example], of))
    (cut,), _ = answers(Ahead(of, ahead), side([example], of, windowed=False))
    assert list(whole) == gold
    assert list(windowed) == gold
    assert list(cut) == [*gold[:12], *cut[12:]]
    assert len(cut) == 16


# --- what was cut -------------------------------------------------------------------------------


def recall(one, found):
    columns = Ner().judge(one.examples, found, CLASSES).columns
    return (
        sum(columns["tp"]),
        sum(columns["gold"]),
        entity_f1.value({name: sum(column) for name, column in columns.items()}),
    )


@pytest.mark.parametrize("room", [128, 64, 32, 16, 8])
def test_cutting_lowers_the_recall_of_a_perfect_model_by_exactly_the_cut_entities(tmp_path, room):
    examples = split(*range(0, 120, 3))
    cut = side(examples, reader(tmp_path, room=room), windowed=False)
    right, gold, _ = recall(cut, answers(Oracle(reader(tmp_path)), cut)[0])
    told = labelling.truncation(cut)
    assert right == gold - told["cut_entities"]
    assert (told["cut_entities"] > 0) == (told["cut_words"] > 0)
    whole = side(examples, reader(tmp_path, room=room))
    assert recall(whole, answers(Oracle(reader(tmp_path)), whole)[0])[2] == 1.0


def test_what_was_cut_is_counted(tmp_path):
    """By hand: 14 tokens fit beside the special ones."""
    names = ("B-PER", *["I-PER"] * 2)
    examples = [
        Example("0", ("b",) * 20, ("O",) * 12 + names + ("O",) * 5, (Unit("s", 12, 15, "k"),)),
        Example("1", ("b",) * 14, ("O",) * 14),
        Example("2", ("xy",) * 9, ("O",) * 6 + names, (Unit("s", 6, 9, "k"),)),
        Example("3", ("b",) * 30, names + ("O",) * 27, (Unit("s", 0, 3, "k"),)),
    ]
    of = reader(tmp_path)
    cut = side(examples, of, windowed=False)
    assert {type(count) for count in labelling.truncation(cut).values()} == {int}  # as in a record
    assert labelling.truncation(cut) == {
        "cut_examples": 3, "cut_words": 6 + 2 + 16, "cut_units": 2, "cut_entities": 2,
    }  # fmt: skip
    each = [len(windows([n] * k, 14)) for n, k in ((1, 20), (2, 9), (1, 30))]
    windowed = side(examples, of)
    assert labelling.truncation(windowed) == {
        "cut_examples": 0, "cut_words": 0, "cut_units": 0, "cut_entities": 0,
        "windowed_examples": 3, "windows": sum(each),
    }  # fmt: skip
    short = side(examples[1:2], of, "short")
    assert {type(count) for count in labelling.truncation(windowed).values()} == {int}
    splits = {"train": windowed, "dev": short, "test": short}
    counted = {name: labelling.truncation(split) for name, split in splits.items()}
    told = truncations(counted, "test")
    assert told["windows" if "windows" in told else "cut_words"] == 0
    assert told["train.windows"] == sum(each)
    assert "dev.windows" not in told


# --- requests -----------------------------------------------------------------------------------


def served(of, windowed=True, model=Oracle):
    """A model as a request finds it, with no more of its configuration than reading needs."""
    parts = SimpleNamespace(
        windows=windowed,
        mode=SimpleNamespace(writes=False),
        backbone=SimpleNamespace(label_piece="first", pooling="cls"),
    )
    return Served("subject", parts, model(of), of, [], per_word=True)


def test_a_request_is_answered_as_in_evaluation(tmp_path):
    of, examples = reader(tmp_path), split(3, 40, 9, 900, 12)
    expected, _ = answers(Oracle(of), side(examples, of))
    asked = served(of)
    request = asked.read(examples)
    assert asked.answer(request) == expected
    assert [asked.answer(asked.read([e]))[0] for e in examples] == expected
    assert request.answers == [3, 40, 9, 900, 12]
    assert request.work["words"] == 964
    assert request.work["positions"] == request.batch.ids.numel() > 4 * 964


def test_a_request_that_fits_is_read_as_it_was(tmp_path):
    of, examples = reader(tmp_path), split(3, 4)
    ours, plain = (served(of, windowed).read(examples) for windowed in (True, False))
    assert (ours.most, plain.most) == (None, None)
    assert torch.equal(ours.batch.ids, plain.batch.ids)
    assert torch.equal(ours.batch.columns, plain.batch.columns)
    assert ours.work == plain.work
    long = served(of, windowed=False).read(split(40))
    assert len(long.batch.ids) == 1
    assert long.answers[0] < 40


def test_a_long_request_goes_through_the_network_in_parts(tmp_path):
    sizes = []

    class Counting(Oracle):
        def forward(self, batch):
            sizes.append(len(batch.ids))
            return super().forward(batch)

    asked = served(reader(tmp_path), model=Counting)
    (found,) = asked.answer(asked.read(split(900)))
    assert len(found) == 900
    assert len(sizes) > 3
    assert max(sizes) == 32


def test_a_batch_in_slices_asks_for_the_same_in_order(tmp_path):
    one = side(split(60, 4, 30), reader(tmp_path))
    whole = one.stretches.batch(np.arange(len(one.stretches.widths)))
    parts = list(batching.sliced(whole, 3))
    assert [len(part.ids) for part in parts[:-1]] == [3] * (len(parts) - 1)
    assert torch.cat([part.targets for part in parts]).tolist() == whole.targets.tolist()
    read = torch.cat([part.ids[part.rows, part.columns] for part in parts])
    assert torch.equal(read, whole.ids[whole.rows, whole.columns])
