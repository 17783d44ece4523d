"""Cells on texts longer than the model reads: in windows, and cut, from configuration to report."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from cells import composed, small_setup

from harness import experiment, record, serving
from harness.cells import foundation, view
from harness.comparing import aggregate
from harness.contracts import Example
from harness.examples import data
from harness.examples.windows import windows
from harness.planning import configuration
from harness.planning import setup as setups

SHORT, TOGETHER = 24, 5
LONG = ("data.train_size=60", "data.dev_size=10", "data.test_size=40", "train.lr=3e-3")
LONG = (*LONG, f"train.max_length={SHORT}", "train.epochs=2", "train.batch_size=4")


def joined(examples):
    """Several sentences as one text each."""
    for start in range(0, len(examples) - TOGETHER + 1, TOGETHER):
        several = examples[start : start + TOGETHER]
        words = tuple(word for e in several for word in e.words)
        yield Example(f"{start}", words, tuple(tag for e in several for tag in e.target))


def long_setup(place, cache, *overrides):
    """A cell on long texts, with the identity that they give it."""
    setup = small_setup(place, cache, *LONG, *overrides, keep=True)
    splits = setup.foundation.splits
    splits = dataclasses.replace(
        splits, **{name: tuple(joined(part)) for name, part in data.parts(splits).items()}
    )
    laid = dataclasses.replace(
        setup.foundation,
        splits=splits,
        digests={name: data.digest(part) for name, part in data.parts(splits).items()},
    )
    return dataclasses.replace(
        setup, foundation=laid, identity=setups.identify(setup.science, laid)
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory, shared_cache):
    return made(tmp_path_factory.mktemp("long"), shared_cache, "model=bert")


def made(place, cache, *overrides):
    """A cell that reads in windows and one that cuts."""
    found = {}
    for long in ("windows", "cut"):
        setup = long_setup(place, cache, *overrides, f"train.long={long}")
        folder = Path(experiment.execute(setup))
        found[long] = (setup, record.read(folder), record.read_counts(folder))
    return place, found


def reached(kept, counts):
    """Entities found, those that can be found, all of them, and the score."""
    tp, pred, gold = (sum(counts.columns[name]) for name in ("tp", "pred", "gold"))
    return tp, gold - kept.truncation["cut_entities"], gold, 2 * tp / max(1, pred + gold)


def test_what_is_cut_is_not_found(both):
    _, kept, counts = both[1]["cut"]
    tp, reachable, gold, score = reached(kept, counts)
    assert tp <= reachable < 0.6 * gold
    assert score <= 2 * reachable / (reachable + gold)
    _, kept, counts = both[1]["windows"]
    _, reachable, gold, _ = reached(kept, counts)
    assert reachable == gold


def test_the_record_says_what_was_done(both):
    _, found = both
    windows, cut = (found[long][1].truncation for long in ("windows", "cut"))
    texts = {name: size // TOGETHER for name, size in (("test", 40), ("train", 60), ("dev", 10))}
    for prefix, name in (("", "test"), ("train.", "train"), ("dev.", "dev")):
        assert windows[f"{prefix}windowed_examples"] == texts[name] == cut[f"{prefix}cut_examples"]
        assert windows[f"{prefix}windows"] > 3 * texts[name]
        assert windows[f"{prefix}cut_words"] == 0 < cut[f"{prefix}cut_words"]
    logs = [found[long][1].training for long in ("windows", "cut")]
    assert logs[0].loss_tokens > 2 * logs[1].loss_tokens
    words = sum(len(e.words) for e in found["windows"][0].foundation.splits.train)
    assert logs[0].loss_tokens == 2 * words  # every word once an epoch
    assert logs[0].examples == logs[1].examples == 2 * texts["train"]


def test_the_kept_model_reads_long_texts_as_it_was_evaluated(both):
    for setup, kept, _ in both[1].values():
        served = serving.tuned(setup)
        rows = (setup.folder / record.PREDICTIONS).read_text(encoding="utf-8").splitlines()
        expected = [tuple(map(kept.data.classes.index, json.loads(row)["answer"])) for row in rows]
        assert served.answer(served.read(served.examples)) == expected


def test_the_two_ways_are_never_pooled(both):
    place, found = both
    assert found["windows"][0].identity != found["cut"][0].identity
    (group,) = aggregate.compare(place).groups
    assert len(group.arms) == 2
    assert "train.long=cut" in {arm.description.split(", ")[-1] for arm in group.arms} | {
        f"train.long={arm.variant.get('train.long')}" for arm in group.arms
    }


# --- identity -----------------------------------------------------------------------------------


def science(place, cache, *overrides):
    return small_setup(place, cache, *overrides).science


def test_where_every_text_fits_nothing_of_this_is_recorded(tmp_path, shared_cache):
    setup = small_setup(tmp_path, shared_cache, "model=bert")
    assert not setup.foundation.overlong
    assert "long" not in setup.science["train"]
    assert configuration.LONG_TEXTS not in setup.science["model"]
    for long in ("windows", "cut"):
        given = small_setup(tmp_path, shared_cache, "model=bert", f"train.long={long}")
        assert given.identity == setup.identity


def test_windows_are_recorded_where_they_are_needed_and_cutting_where_it_is_asked(
    tmp_path, shared_cache
):
    long = ("model=bert", "train.max_length=10")
    windows = science(tmp_path, shared_cache, *long)
    assert windows["model"][configuration.LONG_TEXTS] == "windows, stride 1/4"
    assert "long" not in windows["train"]
    cut = science(tmp_path, shared_cache, *long, "train.long=cut")
    assert configuration.LONG_TEXTS not in cut["model"]
    assert cut["train"]["long"] == "cut"


def test_a_searched_rate_holds_with_and_without_long_texts(tmp_path, shared_cache):
    """So it stays what it was for files of rates that were written before there was a choice."""
    plain = configuration.scientific(composed("task=ner", "model=bert"), writes=False)
    assert "long" not in configuration.searched(plain)["train"]
    config = composed("task=ner", "model=bert", "train.max_length=10")
    windows, none = (configuration.scientific(config, False, given) for given in (True, False))
    assert configuration.searched(windows) == configuration.searched(none)
    cut = configuration.scientific(
        composed("task=ner", "model=bert", "train.max_length=10", "train.long=cut"), False, True
    )
    assert configuration.searched(cut) != configuration.searched(none)


def test_labels_are_cut_whatever_is_asked(tmp_path, shared_cache):
    setup = small_setup(
        tmp_path, shared_cache, "model=bert", "train.max_length=8", task="classification"
    )
    assert not setup.foundation.overlong
    kept = record.read(Path(experiment.execute(setup)))
    assert kept.truncation["cut_examples"] > 0 < kept.truncation["train.cut_examples"]
    assert "windows" not in kept.truncation
    assert "cut_entities" not in kept.truncation


def test_the_whole_data_set_says_whether_texts_fit(tmp_path):
    config = composed("task=ner", "model=gpt2", "train.max_length=128", "pretraining.updates=1",
                      "pretraining.corpus.size=400")  # fmt: skip
    assert not foundation.lay((config, str(tmp_path), True)).overlong
    config["train"]["max_length"] = 25
    assert foundation.lay((config, str(tmp_path), True)).overlong
    config["train"]["long"] = "cut"
    assert foundation.lay((config, str(tmp_path), True)).overlong


# --- what a forecast counts -----------------------------------------------------------------------


def forecast(long, *overrides, words=()):
    """Tokens of a pass over texts of so many words."""
    config = composed("task=ner", f"train.max_length={SHORT}", f"train.long={long}", *overrides)
    return foundation._tokens(view.parts_of(config), [("word",) * count for count in words])


def test_a_forecast_counts_every_window_and_of_what_is_cut_the_rest():
    room, size = SHORT - 2, round(1.3 * 60)  # special tokens, tokens of a text
    spans = windows([1] * size, room)
    read = sum(one.end - one.start for one in spans)
    assert read > 3 * size  # a quarter further each time
    assert forecast("windows", words=(60, 10, 60)) == pytest.approx(2 * read + 13)
    assert forecast("cut", words=(60, 10, 60)) == pytest.approx(2 * room + 13)
    for long in ("windows", "cut"):  # what fits is read as it is
        assert forecast(long, words=(10, 16)) == pytest.approx(1.3 * 26)
    assert forecast("cut", "task=classification", words=(60,)) == room
    assert forecast("windows", "task=classification", words=(60,)) == room


def test_a_text_that_is_read_twice_is_forecast_twice():
    assert forecast("cut", "mode=echo", "train.max_length=100", words=(10,)) == 2 * 13


def test_a_dry_run_over_long_texts_takes_longer(tmp_path):
    laid = [
        foundation.lay(
            (composed("task=ner", *LONG, "train.max_length=8", way), str(tmp_path), False)
        )
        for way in ("train.long=windows", "train.long=cut", "train.max_length=60")
    ]
    windows_, cut, whole = (one.epoch_flops for one in laid)
    assert windows_ > 1.2 * whole > 1.2 * cut
