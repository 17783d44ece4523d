"""What a search may be, its points, and what Optuna keeps of it."""

import json
import math
import multiprocessing
import os
import signal

import pytest
from optuna.trial import TrialState
from searching import composed

from harness import tune
from harness.contracts import InputError
from harness.search import journal, settings, space
from harness.search.journal import Journal
from harness.search.space import Choice, Range, Side

LR = Range("train.lr", 1e-4, 1e-2, log=True)


def first(count, *dimensions):
    return [point for point, _ in zip(space.points(dimensions), range(count), strict=False)]


def test_points_fill_a_log_range_evenly_and_a_longer_list_begins_alike():
    rates = [point["train.lr"] for point in first(8, LR)]
    assert rates[:3] == [1e-3, 3.16e-4, 3.16e-3]
    thirds = [int(3 * LR.share(rate)) for rate in rates]
    assert {thirds.count(third) for third in range(3)} == {2, 3}
    assert [point["train.lr"] for point in first(5, LR)] == rates[:5]


def test_points_of_several_kinds():
    found = first(
        40, LR, Choice("train.batch_size", (16, 32)), Range("train.epochs", 2, 6, whole=True)
    )
    assert {point["train.batch_size"] for point in found} == {16, 32}
    assert {point["train.epochs"] for point in found} == {2, 3, 4, 5, 6}
    assert all(isinstance(point["train.epochs"], int) for point in found)
    assert all(1e-4 <= point["train.lr"] <= 1e-2 for point in found)


def test_a_small_space_ends():
    found = first(99, Choice("train.batch_size", (16, 32, 64)))
    assert sorted(point["train.batch_size"] for point in found) == [16, 32, 64]


def test_edges_are_the_outermost_trial_and_the_share_of_a_range():
    tried = [{"train.lr": rate} for rate in (2e-4, 1e-3, 5e-3)]
    ends = [space.edges((LR,), point, tried, 0.1) for point in tried]
    assert ends == [[Side("train.lr", "low")], [], [Side("train.lr", "high")]]
    tried = [{"train.lr": rate} for rate in (1e-4, 1.5e-4, 1e-3, 7e-3, 9e-3)]
    assert space.edges((LR,), tried[1], tried, 0.1) == [Side("train.lr", "low")]
    assert space.edges((LR,), tried[1], tried, 0.05) == []
    assert space.edges((LR,), tried[3], tried, 0.1) == [Side("train.lr", "high")]
    plain = Range("train.warmup_share", 0.0, 0.3)
    assert space.edges((plain,), {plain.key: 0.3}, [{plain.key: 0.3}, {plain.key: 0.1}], 0.1) == []


def test_a_strip_goes_on_from_where_was_tried():
    (high,) = space.strip((LR,), Side("train.lr", "high"), 4, start=5e-3)
    (low,) = space.strip((LR,), Side("train.lr", "low"), 4, start=2e-4)
    assert (high.low, high.high, low.low, low.high) == (5e-3, 4e-2, 2.5e-5, 2e-4)


@pytest.mark.parametrize(
    "node",
    [
        {},
        {"train.lr": 1e-3},
        {"train.lr": [1e-3]},
        {"train.lr": [1e-3, 1e-3]},
        {"train.lr": {"low": 1e-3}},
        {"train.lr": {"low": 1e-2, "high": 1e-3, "log": True}},
        {"train.lr": {"low": 0, "high": 1e-3, "log": True}},
        {"train.lr": {"low": 1e-3, "high": "much", "log": True}},
        {"train.lr": {"low": 1e-3, "high": 1e-2, "logarithmic": True}},
    ],
)
def test_what_is_no_space_is_refused(node):
    with pytest.raises(InputError, match=r"^search\.space"):
        space.parsed(node, "search.space")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("train.lrr", "has no such key"),
        ("data.train_limit", "cannot be searched"),
        ("pretraining.lr", "cannot be searched"),
    ],
)
def test_a_key_that_cannot_be_searched_is_refused(tmp_path, key, said):
    with pytest.raises(InputError, match=said):
        composed(tmp_path, f"space={{{key}:[1,2]}}")


def test_seeds_of_reporting_sweeps_are_found(tmp_path):
    text = "cells:\n  - seed: [7, 8]\n  - seed: [1000]\n    role: [tuning]\n"
    (tmp_path / "mine.yaml").write_text(text)
    found = settings.reporting_seeds(tmp_path)
    assert found == {0: "a single run", 7: "sweep=mine", 8: "sweep=mine"}


# --- TPE and the journal ------------------------------------------------------------------------


def test_tpe_looks_where_it_was_good_and_depends_on_nothing_else():
    rates = [point["train.lr"] for point in first(40, LR)]
    tried = [({"train.lr": rate}, -abs(math.log10(rate / 4e-4))) for rate in rates]
    asked = [journal.suggested((LR,), tried, seed)["train.lr"] for seed in range(20)]
    assert sum(2e-4 < rate < 8e-4 for rate in asked) >= 14
    assert asked == [journal.suggested((LR,), tried, seed)["train.lr"] for seed in range(20)]
    failed = [*tried, ({"train.lr": 5e-3}, -math.inf)]
    assert 1e-4 <= journal.suggested((LR,), failed, 0)["train.lr"] <= 1e-2


def test_a_trial_keeps_its_values_and_what_was_told_first(tmp_path):
    book = Journal(tmp_path)
    study = book.study("arm")
    assert book.planned(study, "start 0", {"train.lr": 1e-3}, (LR,)) == {"train.lr": 1e-3}
    other = Journal(tmp_path)  # as after a restart
    assert other.planned(other.study("arm"), "start 0", {"train.lr": 5e-3}, (LR,)) == {
        "train.lr": 1e-3
    }
    other.began(other.study("arm"), "start 0")
    assert [one.state for one in study.get_trials()] == [TrialState.RUNNING]
    book.told(study, "start 0", 0.5)
    other.told(other.study("arm"), "start 0", 0.9)
    (kept,) = study.get_trials()
    assert (kept.state, kept.value, kept.params) == (TrialState.COMPLETE, 0.5, {"train.lr": 1e-3})


def test_half_a_line_of_a_killed_command_is_dropped(tmp_path):
    book = Journal(tmp_path)
    book.planned(book.study("arm"), "start 0", {"train.lr": 1e-3}, (LR,))
    file = tmp_path / journal.FILE
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"op_code":4,"worker')
    again = Journal(tmp_path)
    again.planned(again.study("arm"), "start 1", {"train.lr": 2e-3}, (LR,))
    assert file.read_bytes().startswith(whole)
    assert all(json.loads(line) for line in file.read_bytes().splitlines())
    with file.open("ab") as stream:  # while we hold it open: the next line must not be lost
        stream.write(b'{"op_code":4')
    again.planned(again.study("arm"), "start 2", {"train.lr": 3e-3}, (LR,))
    assert len(Journal(tmp_path).study("arm").get_trials()) == 3


def _hold(folder, ready):
    lock = Journal(folder)._storage._backend._lock
    lock.acquire()
    ready.set()
    signal.pause()


def test_a_lock_whose_holder_was_killed_is_free_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path, ready))
    holder.start()
    assert ready.wait(60)
    lock = journal.KernelLock(tmp_path / journal.FILE)
    assert not _free(lock)
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    assert _free(lock)


def _free(lock):
    try:
        lock._lock.acquire(timeout=0.2)
    except TimeoutError:
        return False
    lock.release()
    return True


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["search=lrr"], "search=lrr: there is no such search (did you mean lr?)"),
        (["seeds=[0]"], "0 is a seed of a single run, which reports"),
        (["seeds=[4]"], "4 is a seed of sweep="),
        (["seeds=[1000,1000]"], "the same seed twice"),
        (["trials=1"], "trials=1: expected a whole number from 2"),
        (["sampler=random"], "sampler=random: expected quasi_random or tpe"),
        (["model=gpt2"], "nothing of the other family is searched with it"),
        (["train.lr=1e-3"], "train.lr: is set by the search"),
        (["seed=5"], "seed: is set by the search"),
        (["role=result"], "role: is set by the search"),
        (["edge.factor=1"], "edge.factor=1: expected a number between 1 and 1000"),
        (["edge.extensions=9"], "train.lr="),
        (["strategy=prompt", "task=classification"], "strategy=prompt trains nothing"),
        (["strategy=head_only", "task=generation"], "leave it out of the search's arms"),
        (["train.epochs=0"], "train.epochs=0: expected a whole number from 1"),
        (["modle=gpt2"], "modle: there is no such key (did you mean model?)"),
    ],
)
def test_a_mistake_is_one_message_before_anything_runs(tmp_path, capsys, words, said):
    given = words if words[0].startswith("search=") else ["search=lr", *words]
    places = [f"results={tmp_path / 'results'}", f"cache={tmp_path / 'cache'}"]
    assert tune.main([*given, *places, "--dry-run"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_help_says_how_both_ways_are_typed(capsys):
    for words in (["--help"], ["search=lr", "--help"]):
        with pytest.raises(SystemExit) as left:
            tune.main(words)
        assert left.value.code == 0
        assert "search=lr --dry-run" in capsys.readouterr().out
