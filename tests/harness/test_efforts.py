"""What searching brings: the statistic, the trials behind it, its table and its figure."""

import itertools
import math
import random
from pathlib import Path
from statistics import fmean

import pytest
from rendered import HOSTILE, assert_rectangular, cells, rows, sections, text_of
from synthetic import cell, leave

from harness import metrics, plan, searched
from harness.comparing import efforts, findings
from harness.comparing.aggregate import compare
from harness.comparing.efforts import BEHIND, HERE, Effort, Searches, Tried
from harness.plots import effort
from harness.record import Outcome
from harness.statistics.expected import expected_best

ACCURACY, SLOT_ERROR = metrics.meter("accuracy"), metrics.meter("slot_error")


# --- the statistic ------------------------------------------------------------------------------


@pytest.mark.parametrize("lower", [False, True])
def test_the_formula_is_the_mean_over_every_draw(lower):
    rng = random.Random(3)
    scores = [rng.choice((0.1, 0.5, rng.random())) for _ in range(7)]
    best = min if lower else max
    for drawn, found in enumerate(expected_best(scores, lower), start=1):
        draws = [best(draw) for draw in itertools.combinations(scores, drawn)]
        assert found == pytest.approx(fmean(draws), abs=1e-12)


def test_it_is_unbiased_where_drawing_with_replacement_is_not():
    """E[max of 3 uniform numbers] = 3/4; from 5 trials at a time, with replacement about .70."""
    rng = random.Random(0)
    samples = [[rng.random() for _ in range(5)] for _ in range(20_000)]
    assert fmean(expected_best(one)[2] for one in samples) == pytest.approx(0.75, abs=0.005)


def test_it_begins_at_the_mean_ends_at_the_best_and_never_falls():
    found = expected_best([0.2, 0.9, 0.4, 0.4])
    assert found[0] == pytest.approx(0.475)
    assert found[-1] == pytest.approx(0.9)
    assert found == sorted(found)
    assert expected_best([]) == []


def test_failed_trials_without_a_worst_score():
    found = expected_best([0.4, math.inf, 0.2, math.inf], lower_is_better=True)
    assert found[:2] == [math.inf, math.inf]
    assert found[2:] == pytest.approx([0.4 / 4 + 0.2 * 3 / 4, 0.2])
    with pytest.raises(ValueError, match="NaN"):
        expected_best([math.nan])


# --- the node of a search -----------------------------------------------------------------------


NODE = {
    "search": "mine", "sampler": "quasi_random", "metric": "accuracy", "seeds": [1000, 1001],
    "space": {"train.lr": {"low": 1e-4, "high": 1e-2, "log": True}, "train.weight_decay": [0, 0.1]},
    "chosen": {"train.lr": 1e-3, "train.weight_decay": 0.1}, "edge": True,
    "edges": ["train.lr high"], "trials": 3, "runs": 6,
    "table": [
        {"trial": number, "values": {"train.lr": rate, "train.weight_decay": decay}, "seed": seed,
         "score": score}
        for number, rate, decay, scores in (
            (0, 1e-3, 0.1, (0.8, 0.9)), (1, 3e-4, 0, (0.6, 0.7)), (2, 3e-3, 0.1, (0.4, None)))
        for seed, score in zip((1000, 1001), scores, strict=True)
    ],
}  # fmt: skip


def test_a_node_of_either_kind_is_read():
    assert searched.values({"chosen": 1e-3}) == {"train.lr": 1e-3}
    assert searched.keys(NODE) == {"train.lr", "train.weight_decay"}
    assert searched.keys({"trials": 8}) == {"train.lr"}
    assert searched.keys(None) == frozenset()
    grid = {"table": [{"lr": 1e-3, "seed": 1, "score": 0.5}, {"lr": "x", "seed": 1, "score": 1}]}
    assert searched.rows(grid) == [searched.Row({"train.lr": 1e-3}, 1, 0.5)]
    assert len(searched.rows(NODE)) == 6
    assert list(searched.nodes({"a": 1, "of_strategy": {"b": 2}})) == [{"b": 2}, {"a": 1}]
    assert list(searched.nodes(None)) == []


@pytest.mark.parametrize("table", [None, 3, [None], [{}], [{"values": {"k": [1]}, "seed": 1}]])
def test_what_is_no_table_is_no_row(table):
    assert searched.rows({"table": table}) == []


# --- what may be compared -----------------------------------------------------------------------


def pair(root: Path, gpt, bert, wd=(0.01, 0.1), lrs=(1e-3, 3e-4)):
    for family, node, decay, rate in zip(("gpt", "bert"), (gpt, bert), wd, lrs, strict=True):
        config = {"train": {"lr": rate, "weight_decay": decay}}
        for seed in range(2):
            of = cell(family=family, seed=seed, task="classification")
            leave(root, of, config=config, tuning=node)
    (group,) = compare(root).groups
    (contrast,) = group.contrasts
    return contrast


def test_values_that_were_searched_for_both_may_differ(tmp_path):
    contrast = pair(tmp_path, NODE, NODE)
    assert not contrast.refused + contrast.mismatches


def test_a_value_that_was_not_searched_may_not(tmp_path):
    rate = {**NODE, "chosen": {"train.lr": 1e-3}}
    assert pair(tmp_path, rate, rate).refused == ("train.weight_decay (0.01 and 0.1)",)


def test_a_rate_that_was_not_searched_is_told(tmp_path):
    decay = {**NODE, "chosen": {"train.weight_decay": 0.1}}
    contrast = pair(tmp_path, decay, decay)
    assert contrast.mismatches == ("untuned learning rates (0.001 and 0.0003)",)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"trials": 6}, "tuning.trials (3 and 6)"),
        ({"seeds": [1000]}, "tuning.seeds (1000 1001 and 1000)"),
        ({"sampler": "tpe"}, "tuning.sampler (quasi_random and tpe)"),
        (
            {"space": {**NODE["space"], "train.lr": {"low": 1e-5, "high": 1e-2, "log": True}}},
            "tuning.space.train.lr (0.0001 to 0.01, log and 1e-05 to 0.01, log)",
        ),
    ],
)
def test_unequal_searches_get_no_verdict(tmp_path, change, named):
    contrast = pair(tmp_path, NODE, {**NODE, **change})
    assert contrast.refused == (named,)
    assert contrast.difference is None
    assert named in sections(text_of(tmp_path))["Fairness"]


def test_one_key_more_is_another_search(tmp_path):
    space = {"train.lr": NODE["space"]["train.lr"]}
    fewer = {**NODE, "space": space, "chosen": {"train.lr": 1e-3}}
    told = pair(tmp_path, fewer, NODE, wd=(0.01, 0.01)).refused
    assert told == ("tuning.space.train.weight_decay (- and 0 0.1)",)


# --- the report ---------------------------------------------------------------------------------


def test_the_report_shows_trials_edges_and_what_searching_brings(tmp_path):
    pair(tmp_path, NODE, NODE)
    named = sections(text_of(tmp_path))
    assert "At the edge of the space: train.lr high." in named["Tuning"]
    assert "search mine (quasi_random), 3 trials" in named["Tuning"]
    assert rows(named["Tuning"], "| 2 |", "0.003", ".400 (1) | 1 |")
    box = named["Search effort"]
    assert f"search mine, {BEHIND}" in box
    assert "Failed runs: gpt2 1, bert 1" in box
    # trials are worth .85, .65 and .20, as the failed run is 0
    assert cells(rows(box, "| 1 | .567")[0]) == ["1", ".567", ".567"]
    assert cells(rows(box, "| 2 |")[0]) == ["2", ".783", ".783"]
    assert cells(rows(box, "| 3 |")[0]) == ["3", ".850", ".850"]
    assert_rectangular(text_of(tmp_path))


def trial(root, family, rate, seed=1000, **changes):
    of = cell(family=family, task="classification", seed=seed, role="tuning")
    config = {"train": {"lr": rate}, "seed": seed}
    label = "search=mine 0123abcd"
    leave(root, of, config=config, sweep=label, **{"evaluated": "dev", **changes})


def test_trials_of_the_folder_failed_ones_too(tmp_path):
    failed = {"outcome": Outcome("failed", "diverged"), "data": None, "metrics": ()}
    for family in ("gpt", "bert"):
        for rate, share in ((1e-4, 0.99), (1e-3, 0.75)):
            trial(tmp_path, family, rate, share=share)
    trial(tmp_path, "bert", 1e-2, **failed)
    (one,) = efforts.efforts(compare(tmp_path))
    assert (one.source, one.search, one.unequal) == (HERE, "mine 0123abcd", True)
    gpt, bert = one.arms
    assert [t.values for t in bert.trials][-1] == {"train.lr": 1e-2}
    assert bert.trials[-1].scores == (None,)
    assert (gpt.failed, bert.failed) == (0, 1)
    box = sections(text_of(tmp_path))["Search effort"]
    assert "Unequal numbers of trials" in box
    assert cells(rows(box, "| 3 |")[0])[1] == "-"


def test_the_same_trials_from_both_sources_stand_once(tmp_path):
    for family in ("gpt", "bert"):
        for rate in (1e-4, 1e-3):
            trial(tmp_path, family, rate, share=0.99)
    found = compare(tmp_path)
    for one in found.tunings:
        table = [
            {"trial": at, "values": dict(r.values), "seed": r.seed, "score": round(r.score, 5)}
            for at, r in enumerate(one.rows)
        ]
        of = cell(family=one.first.cell.family, task="classification")
        config = {"train": {"lr": 1e-3}}
        leave(tmp_path, of, config=config, tuning={**NODE, "table": table})
    assert [one.source for one in efforts.efforts(compare(tmp_path))] == [BEHIND]


def test_a_score_that_was_rounded_twice_is_the_same_trial():
    from_runs, from_table = (Tried({"train.lr": 1e-3}, (one,), (0,)) for one in (0.694954, 0.69495))
    assert efforts._told(from_runs) == efforts._told(from_table)


SHARES = (0.25, 0.5, 0.75, 1.0)
POINTS = (1e-4, 1e-3, 1e-2)


def frozen(root, family, share, rates=POINTS, **changes):
    for rate in rates:
        of = cell(family=family, task="classification", seed=1, role="tuning", strategy="freeze")
        config = {"train": {"lr": rate}, "strategy": {"share": share}, "seed": 1}
        words = {"sweep": "search=mine 0123abcd", "evaluated": "dev", "share": share, "size": 30}
        leave(root, of, **{**words, "config": config, **changes})


def test_shares_of_frozen_layers_are_arms_each_with_its_trials(tmp_path):
    """Records call all of them freeze; one of them was tried less often than its rival."""
    for family in ("gpt", "bert"):
        for share in SHARES:
            few = (family, share) == ("bert", 0.75)
            frozen(tmp_path, family, share, POINTS[:2] if few else POINTS)
    found = {one.way: one for one in efforts.efforts(compare(tmp_path))}
    assert list(found) == ["freeze 25 %", "freeze 50 %", "freeze 75 %", "freeze 100 %"]
    for way, one in found.items():
        assert [arm.name for arm in one.arms] == [f"gpt2 {way}", f"bert {way}"]
        assert all(t.values.keys() == {"train.lr"} for arm in one.arms for t in arm.trials)
        assert one.unequal == (way == "freeze 75 %")
    assert [len(arm.trials) for arm in found["freeze 75 %"].arms] == [3, 2]
    named = sections(text_of(tmp_path))
    assert named["Search effort"].count("Unequal numbers of trials") == 1
    assert "pair mini, freeze 25 %: search mine" in named["Search effort"]
    assert "freeze, strategy.share=0.25: dev score" in named["Tuning"]
    pictures = list(effort.pictures(findings.find([tmp_path], plan.default())))
    names = [one.name for one in pictures]
    assert len({*names}) == len(names) > 1
    assert all("freeze" in one.title for one in pictures)


def test_an_arm_that_failed_now_and_then_keeps_its_trials(tmp_path):
    failed = {"outcome": Outcome("failed", "diverged"), "data": None, "metrics": ()}
    for share in SHARES[:2]:
        frozen(tmp_path, "gpt", share, POINTS[:2])
    frozen(tmp_path, "gpt", 0.5, POINTS[2:], **failed)
    found = {one.way: one.arms[0] for one in efforts.efforts(compare(tmp_path))}
    assert (found["freeze 25 %"].failed, found["freeze 50 %"].failed) == (0, 1)


def test_sgd_is_an_arm_of_its_own(tmp_path):
    for optimizer in ("adamw", "sgd"):
        for rate in POINTS:
            of = cell(task="classification", seed=1, role="tuning")
            config = {"train": {"lr": rate, "optimizer": optimizer}, "seed": 1}
            leave(tmp_path, of, config=config, sweep="search=mine", evaluated="dev", size=30)
    assert [one.way for one in efforts.efforts(compare(tmp_path))] == ["full", "full, sgd"]


@pytest.mark.parametrize("together", [True, False])
def test_a_rank_that_was_searched_is_no_arm(tmp_path, together):
    """Each point of a space with a rank has a rate of its own."""
    points = [(8, 1e-4), (16, 3e-4), (8, 1e-3), (16, 3e-3)] if together else [(8, 1e-3), (16, 1e-3)]
    for rank, rate in points:
        of = cell(task="classification", seed=1, role="tuning", strategy="lora")
        config = {"train": {"lr": rate}, "strategy": {"rank": rank}, "seed": 1}
        leave(tmp_path, of, config=config, sweep="search=mine", evaluated="dev", size=30)
    (one,) = efforts.efforts(compare(tmp_path))
    assert (one.way, len(one.arms[0].trials)) == ("lora", len(points))
    assert one.arms[0].trials[0].values["strategy.rank"] == 8


def test_what_was_chosen_differently_was_searched_together(tmp_path):
    """A rank that a search chose does not set the two models apart."""
    for family, rank in (("gpt", 8), ("bert", 16)):
        table = [
            {"trial": at, "values": {"strategy.rank": r, "train.lr": 1e-3}, "seed": 1, "score": 0.5}
            for at, r in enumerate((8, 16))
        ]
        chosen = {"strategy.rank": rank, "train.lr": 1e-3}
        config = {"train": {"lr": 1e-3}, "strategy": {"rank": rank}, "seed": 0}
        of = cell(family=family, task="classification", strategy="lora")
        leave(tmp_path, of, config=config, tuning={**NODE, "table": table, "chosen": chosen})
    (one,) = efforts.efforts(compare(tmp_path))
    assert [arm.name for arm in one.arms] == ["gpt2 lora", "bert lora"]
    assert [arm.chosen["strategy.rank"] for arm in one.arms] == [8, 16]


def test_hostile_words_of_a_search_are_harmless(tmp_path):
    values = {HOSTILE: HOSTILE}
    table = [{"trial": 0, "values": values, "seed": 1, "score": 0.5}]
    node = {**NODE, "search": HOSTILE, "sampler": HOSTILE, "space": {HOSTILE: [HOSTILE, 1]}}
    node |= {"table": table, "edges": [HOSTILE], "chosen": values}
    for family in ("gpt", "bert"):
        leave(tmp_path, cell(family=family, task="classification"), tuning=node)
    text = text_of(tmp_path)
    assert "<script" not in text
    assert_rectangular(text)


# --- the figure ---------------------------------------------------------------------------------


def made(*arms, meter=ACCURACY):
    return Searches("ner", "world", meter, "mini", True, HERE, "mine", arms)


def arm(name, *trials):
    tried = tuple(Tried({"train.lr": rate}, scores) for rate, scores in trials)
    return Effort(name, "bert" if name == "bert" else "gpt", tried)


def test_both_models_stand_in_one_panel_with_their_names():
    gpt = arm("gpt2", (1e-4, (0.5,)), (1e-3, (0.9,)), (1e-2, (None,)))
    bert = arm("bert", (1e-4, (0.6,)), (1e-3, (0.7,)), (1e-2, (0.8,)))
    figure = effort.draw(made(gpt, bert), "title", "below")
    left, right = figure.axes
    expected, rates = (
        [line for line in axes.lines if line.get_gid() == name]
        for axes, name in ((left, "expected"), (right, "rates"))
    )
    assert [list(line.get_xdata()) for line in expected] == [[1, 2, 3]] * 2
    assert list(expected[1].get_ydata()) == pytest.approx([0.7, 0.7667, 0.8], abs=1e-4)
    assert list(rates[0].get_ydata()) == [0.5, 0.9, 0.0]  # the failed run is the worst score
    assert right.get_xscale() == "log"
    assert len({line.get_color() for line in expected}) == 2
    assert len({str(line.get_linestyle()) for line in expected}) == 2
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    assert "GPT: gpt2" in words
    assert "BERT: bert" in words
    assert "1 run failed" in words


def test_lower_is_better_upside_down_and_the_unbounded_left_out():
    one = arm("gpt2", (1e-4, (0.5,)), (1e-3, (None,)))
    figure = effort.draw(made(one, meter=SLOT_ERROR), "title", "below")
    left, right = figure.axes
    assert left.get_ylim()[0] > left.get_ylim()[1]
    assert [list(line.get_xdata()) for line in left.lines if line.get_gid() == "expected"] == [[2]]
    assert right.lines


def test_a_search_is_drawn_once_and_told_in_its_title(tmp_path):
    pair(tmp_path, NODE, NODE)
    (one,) = effort.pictures(findings.find([tmp_path], plan.default()))
    assert one.name == "effort-classification-world-mini"
    assert "gpt2 .567 to .850, bert .567 to .850" in one.title
    assert "3 trials" in one.alt
