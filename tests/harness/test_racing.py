"""Races with a clock that is ours: turns, blocks, gates."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from cells import composed
from clocks import Clock

from harness import racing
from harness.contracts import InputError
from harness.measure.samples import WarmUp
from harness.planning.configuration import build
from harness.scenarios import Call

SETTINGS = racing.Race(
    name="test", blocks=5, requests=2, texts=1, batch_size=4, batch_texts=2, batches=1,
    shape_tokens=8, shape_batches=[1], new_tokens=4, warm_up={}, warm_up_texts={},
    iterations=[], streaming=False,
)  # fmt: skip
RULE = WarmUp(least=2, window=2, most=4)


class Asked:
    """A scenario whose calls take so long as the side says, and remember their order."""

    name = "asked"

    def __init__(self, clock: Clock) -> None:
        self.clock, self.order = clock, []

    def fits(self, served) -> bool:
        return True

    def calls(self, served, examples):
        def run(example):
            self.order.append((served.label, example))
            self.clock.work(served.seconds * (1 + self.clock.wall / 10))

        return [Call(lambda e=e: run(e), {"examples": 1}) for e in examples]


def side(label: str, seconds: float) -> SimpleNamespace:
    return SimpleNamespace(label=label, seconds=seconds, examples=list(range(40)), writes=False)


def run(a: float, b: float, settings=SETTINGS):
    clock = Clock()
    scenario = Asked(clock)
    sides = (side("a", a), side("b", b))
    return racing.turns(scenario, "asked", sides, settings, clock.stopwatch(), RULE), scenario


def test_sides_take_turns_and_meet_the_same_examples():
    (a, b), scenario = run(0.001, 0.001)
    timed = scenario.order[sum(one.warm_up for one in (a, b)) :]
    labels = "".join(label for label, _ in timed)
    assert labels == ("aabbbbaa" + "bbaaaabb") * 2 + "aabbbbaa"
    met = {name: [e for label, e in timed if label == name] for name in "ab"}
    for block in range(SETTINGS.blocks):
        ours, theirs = (sorted(met[name][4 * block : 4 * block + 4]) for name in "ab")
        assert ours == theirs
    assert len(set(met["a"])) == SETTINGS.blocks * SETTINGS.requests


def test_series_of_a_race():
    (a, b), _ = run(0.001, 0.002)
    assert (a.subject, b.subject) == (0, 1)
    assert list(a.blocks) == [block for block in range(5) for _ in range(4)]
    assert a.work == {"examples": [1] * 20}
    assert a.steady


def test_drift_meets_both_sides_alike():
    (a, b), _ = run(0.02, 0.024)
    for block in range(SETTINGS.blocks):
        ours, theirs = (
            sum(t for t, n in zip(one.cpu_seconds, one.blocks, strict=True) if n == block)
            for one in (a, b)
        )
        assert theirs / ours == pytest.approx(1.2, rel=0.02)
    assert a.cpu_seconds[-1] > 1.05 * a.cpu_seconds[0]  # there was a drift


def test_who_is_first_to_meet_new_examples_changes():
    _, scenario = run(0.001, 0.001)
    firsts = {}
    for label, example in scenario.order:
        firsts.setdefault(example, label)
    assert sorted(firsts.values()) == ["a"] * 6 + ["b"] * 4  # three blocks of five are A's


def test_fewer_calls_than_blocks_are_all_made_in_every_block():
    assert racing.share([1, 2, 3], block=4, blocks=5) == [1, 2, 3]
    parts = [racing.share([1, 2, 3, 4, 5, 6, 7], block, blocks=3) for block in range(3)]
    assert parts == [[1, 4, 7], [2, 5], [3, 6]]


@pytest.mark.parametrize("key", ["blocks", "requests", "texts", "batch_size", "shape_tokens"])
@pytest.mark.parametrize("value", [0, "x", None, 2.5])
def test_what_cannot_be_raced_is_refused(key, value):
    with pytest.raises(InputError, match=f"race.{key}={value}"):
        replace(SETTINGS, **{key: value})


@pytest.mark.parametrize("key", ["shape_batches", "iterations"])
def test_lists_of_what_cannot_be_raced_are_refused(key):
    with pytest.raises(InputError, match=f"race.{key}"):
        replace(SETTINGS, **{key: [4, 0]})


@pytest.mark.parametrize("group", ["probe", "race"])
@pytest.mark.parametrize("key", ["warm_up", "warm_up_texts"])
@pytest.mark.parametrize("rule", [None, {"leest": 3}, {"most": 0}, {"window": 1}, {"spread": 0}])
def test_rules_of_warming_up_are_checked_with_the_settings(group, key, rule):
    with pytest.raises(InputError, match=group):
        build({**composed(f"{group}=quick")[group], key: rule}, group)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("requests", "x"), ("batch_sizes", 3), ("batch_sizes", [8, "x"]), ("streaming", -1),
        ("fixed_tokens", 0), ("energy_seconds", 0), ("offline_examples", 127),
    ],
)  # fmt: skip
def test_what_cannot_be_probed_is_refused(key, value):
    """A batch size that the examples do not fill would be a smaller one by another name."""
    with pytest.raises(InputError, match=f"probe.{key}"):
        build({**composed("probe=quick")["probe"], key: value}, "probe")
