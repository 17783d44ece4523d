"""Figures: what is drawn is what was found, it can be read, and it leaves nothing behind."""

from __future__ import annotations

import itertools
import math
import re
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import matplotlib
import measured
import numpy as np
import pytest
import synthetic
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from measured import MIB, keep, kept, probe, single, subject
from rendered import HOSTILE, STEERING
from synthetic import TRAINING, cell, leave

from harness import metrics, plots
from harness.comparing import findings
from harness.comparing.findings import Findings
from harness.comparing.verdicts import BERT, GPT, NONE, TIE, UNDETERMINED
from harness.diagnosis import Detail, Diagnosis, by_type
from harness.measurement import Stage
from harness.plots import (
    calibration,
    canvas,
    dots,
    entries,
    forest,
    fronts,
    headline,
    latency,
    learning,
    memory,
    peaks,
    picture,
    pretraining,
    scales,
    slices,
    style,
    timed,
    tradeoff,
    types,
    wording,
)
from harness.plots.calibration import Bin, Sure
from harness.plots.dots import Row
from harness.plots.entries import BESIDE, MAIN, UNTRAINED, Entry
from harness.plots.fronts import Point
from harness.plots.learning import Course
from harness.plots.shown import MOST, leading
from harness.plots.types import Typed
from harness.record import Evaluation
from harness.statistics import timings
from harness.statistics.stats import Estimate
from harness.statistics.timings import Percentile

ACCURACY, SLOT_ERROR, BLEU = map(metrics.meter, ("accuracy", "slot_error", "bleu"))
COLOURS = {colour.lower() for colour in (*style.PALETTE, *style.GREYS)}


def sweep(root: Path, seeds: int = 5, **words: Any) -> None:
    changes = words.pop("changes", {})
    for seed in range(seeds):
        for family in ("gpt", "bert"):
            leave(root, cell(family=family, seed=seed, **words), **changes)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """Four tasks, other modes, untrained bodies; NER and texts were measured."""
    root = tmp_path_factory.mktemp("found")
    sweep(root, task="classification", seeds=2)
    sweep(root, task="matching", seeds=1)
    sweep(root, task="generation", seeds=1)
    worse = replace(TRAINING, evaluations=(Evaluation(400, 12_800, 150_000, 18.0, 16.2, 0.9),))
    leave(root, cell(family="bert", mode="mask_predict", task="generation"), training=worse)
    sweep(root, seeds=4)
    sweep(root, weights="scratch", seeds=1, changes={"share": 0.3})
    gpt, bert = (kept(root, cell(family=f, seed=4)) for f in ("gpt", "bert"))
    wrote = [kept(root, cell(family=f, seed=5, task="generation")) for f in ("gpt", "bert")]
    keep(root, probe(subject(gpt)), probe(subject(bert), series=single(0.0031, 300)))
    texts = [measured.texts("natural", [5] * 12 + [9] * 12, at, 0.001) for at in (0.004, 0.003)]
    for of, series in zip(wrote, texts, strict=True):
        keep(root, probe(subject(of), series=series))
    return findings.find([root])


@pytest.fixture(scope="module")
def drawn(found: Findings) -> list[plots.Picture]:
    return list(plots.figures(found))


def by_gid(holder: Figure | Axes, gid: str, kind: type = Line2D) -> list[Any]:
    return [one for one in holder.findobj(kind) if one.get_gid() == gid]


def xs(line: Line2D) -> list[float]:
    return [float(value) for value in line.get_xdata()]


def ys(line: Line2D) -> list[float]:
    return [float(value) for value in line.get_ydata()]


def words(figure: Figure) -> list[str]:
    return [one.get_text() for one in figure.findobj(Text) if one.get_text()]


def estimate(mean: float, reach: float | None = 0.05, **changes: Any) -> Estimate:
    plain = Estimate(mean, 5, 300)
    if reach is None:
        return replace(plain, note="too few", **changes)
    return replace(plain, se=reach / 2, low=mean - reach, high=mean + reach, df=9.0, **changes)


# --- forest -------------------------------------------------------------------------------------


def row(answer: str = BERT, mean: float | None = 5.0, **changes: Any) -> Entry:
    base = Entry("ner, world: F1", "gpt2 / bert, 5 seeds", "embedded, twin", MAIN, "points", answer)
    if mean is None:
        return replace(base, **changes)
    ends = {"interval": (mean - 1, mean + 1), "family": (mean - 2, mean + 2), "margin": 1.0}
    return replace(base, mean=mean, **(ends | changes))


def test_forest_draws_the_numbers_of_its_rows() -> None:
    rows = [row(), row(GPT, -7.0, margin=2.0), row(TIE, 0.1), row(NONE, None)]
    figure = forest.draw(rows, "title", "below")
    assert figure is not None
    assert [xs(one) for one in by_gid(figure, "mean")] == [[5.0], [-7.0], [0.1]]
    assert [xs(one) for one in by_gid(figure, "interval")] == [[4, 6], [-8, -6], [-0.9, 1.1]]
    assert [xs(one) for one in by_gid(figure, "family")] == [[3, 7], [-9, -5], [-1.9, 2.1]]
    bands = by_gid(figure, "margin", Rectangle)
    assert [(b.get_x(), b.get_width()) for b in bands] == [(-1, 2), (-2, 4), (-1, 2)]
    heights = [ys(one)[0] for one in by_gid(figure, "mean")]
    assert heights == sorted(heights)
    for band, height in zip(bands, heights, strict=True):
        assert band.get_y() < height < band.get_y() + band.get_height()


def test_forest_tells_the_intervals_and_the_answers_apart() -> None:
    rows = [row(BERT), row(GPT, -5.0), row(UNDETERMINED, 1.0)]
    one_seed = row(UNDETERMINED, 3.0, family=None, margin=None)
    figure = forest.draw([*rows, one_seed], "title", "below")
    assert figure is not None
    means, thick = by_gid(figure, "mean"), by_gid(figure, "interval")
    thin = by_gid(figure, "family")
    assert len(thin) == 3
    assert all(a.get_linewidth() > 3 * b.get_linewidth() for a, b in zip(thick, thin, strict=False))
    assert [to_hex(one.get_color()) for one in means[:2]] == ["#d55e00", "#0072b2"]
    assert len({one.get_marker() for one in means[:3]}) == 3
    assert [to_hex(one.get_markerfacecolor()) for one in means[2:]] == ["#ffffff"] * 2
    assert [one.get_linestyle() for one in thick] == ["-", "-", "-", ":"]


def test_forest_never_puts_two_units_on_one_axis() -> None:
    rows = [row(unit="BLEU"), row(), row(unit="chrF"), row(GPT, -4.0, unit="BLEU")]
    figure = forest.draw(rows, "title", "below")
    assert figure is not None
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert sorted(labels) == [
        "BERT's advantage, BLEU",
        "BERT's advantage, chrF",
        "BERT's advantage, points (metric x 100)",
    ]
    drawn = {axes.get_xlabel(): len(by_gid(axes, "mean")) for axes in figure.axes}
    assert [drawn[label] for label in sorted(labels)] == [2, 1, 1]
    assert all(by_gid(axes, "mean") for axes in figure.axes)


def test_forest_names_its_sides_on_the_side_that_they_win() -> None:
    figure = forest.draw([row(), row(GPT, -5.0)], "title", "below")
    assert figure is not None
    figure.draw_without_rendering()
    named = {one.get_text(): one.get_window_extent() for one in figure.findobj(Text)}
    (gpt,), (bert,) = (
        [box for text, box in named.items() if f"{side} better" in text] for side in (GPT, BERT)
    )
    axes = figure.axes[0]
    zero = axes.transData.transform((0, 0))[0]
    assert axes.bbox.x0 - 1 <= gpt.x0 < gpt.x1 < zero < bert.x0 < bert.x1 <= axes.bbox.x1 + 1
    assert axes.get_xlim()[0] < 0 < axes.get_xlim()[1]


def test_an_interval_that_would_dwarf_the_rest_is_cut_and_says_so() -> None:
    wide = row(UNDETERMINED, 5.0, interval=(-5.0, 15.0), family=(-400.0, 410.0))
    figure = forest.draw([row(), wide], "title", "below")
    assert figure is not None
    low, high = figure.axes[0].get_xlim()
    assert low < -5
    assert high > 15
    assert max(-low, high) < 40
    assert {one.get_marker() for one in by_gid(figure, "cut")} == {"<", ">"}
    assert any("[-400.0, +410.0]" in text for text in words(figure))
    whole = forest.draw([row(), row(GPT, -5.0)], "title", "below")
    assert whole is not None
    assert not by_gid(whole, "cut")


def test_shares_lie_at_most_a_hundred_points_apart() -> None:
    low, high = forest.limits_of([row(UNDETERMINED, 5.0, interval=(-300.0, 310.0), family=None)])
    assert -115 < low < high < 115
    low, high = forest.limits_of([row(UNDETERMINED, 5.0, interval=(-300.0, 310.0), unit="BLEU")])
    assert low < -300 < 310 < high


def test_forest_sections_come_in_their_order(found: Findings) -> None:
    sections = [entries.entry(one).section for one in found.verdicts]
    assert set(sections) == {MAIN, BESIDE, UNTRAINED}
    (one,) = forest.pictures(found)
    texts = words(one.figure)
    places = [texts.index(wording.sentence(name)) for name in forest.SECTIONS]
    assert places == sorted(places)


def test_rows_are_verdicts_in_points(found: Findings) -> None:
    for one in found.verdicts:
        made = entries.entry(one)
        assert one.advantage is not None
        assert made.mean == pytest.approx(100 * one.advantage.mean)
        assert made.answer == one.answer
        if one.decision is not None:
            assert made.family == pytest.approx((100 * one.decision.low, 100 * one.decision.high))
            assert made.margin == pytest.approx(2.0)
    texts = [one for one in found.verdicts if one.meter.lower_is_better]
    assert texts
    for one in texts:
        worse = one.contrast.bert.scores[0].estimate.mean - one.contrast.gpt.scores[0].estimate.mean
        assert entries.entry(one).mean == pytest.approx(-100 * worse, abs=3)


def test_rows_of_one_pair_name_the_settings_that_were_changed(found: Findings) -> None:
    one = found.verdicts[0]
    usual, changed = {"train.lr": "0.1", "data.size": "9"}, {"train.lr": "0.1", "data.size": "5"}
    several = [
        replace(one, contrast=replace(c, gpt=replace(c.gpt, variant=variant)))
        for c, variant in ((one.contrast, usual), (one.contrast, changed))
    ]
    first, second = entries.told_apart(several)
    assert first == entries.entry(several[0])
    assert second.scope == f"data.size 5, {first.scope}"


def test_a_metric_up_to_a_hundred_keeps_its_unit() -> None:
    assert headline.unit_of(BLEU) == ("BLEU", 1.0)
    assert headline.unit_of(SLOT_ERROR) == ("points", 100.0)


def test_forest_says_what_stands_in_the_way(found: Findings) -> None:
    base = found.verdicts[0]
    refused = replace(base, answer=NONE, advantage=None, decision=None, why=("refused: a, b",))
    unknown = replace(base, advantage=replace(base.advantage, mean=float("nan")))
    assert entries.entry(refused).remark == "refused"
    assert entries.entry(refused).why == "refused: a, b"
    assert entries.entry(unknown).mean is None
    one_seed = [one for one in found.verdicts if one.group.key.task == "matching"]
    assert entries.entry(one_seed[0]).remark == "one seed"


def test_forest_leaves_out_what_has_no_room_and_says_so(found: Findings) -> None:
    many = replace(found, verdicts=found.verdicts * 8)
    (one,) = forest.pictures(many)
    assert len(by_gid(one.figure, "mean")) <= sum(forest.SECTIONS.values())
    assert "Left out: " in one.caption
    (usual,) = forest.pictures(found)
    assert "Left out" not in usual.caption


# --- the sentence -------------------------------------------------------------------------------


def verdict(task: str, answer: str, mean: float = 0.1, **changes: Any) -> Any:
    pair = changes.get("pair", "mini")
    group = changes.get(
        "group", SimpleNamespace(key=SimpleNamespace(task=task, data="world", source="embedded"))
    )
    group.variant = {}
    scratch = changes.get("scratch", False)
    gpt = SimpleNamespace(key=SimpleNamespace(pair=pair))
    return SimpleNamespace(
        group=group,
        answer=answer,
        advantage=estimate(mean),
        meter=changes.get("meter", ACCURACY),
        family=SimpleNamespace(kind=changes.get("kind", "primary")),
        contrast=SimpleNamespace(scratch=scratch, gpt=gpt),
    )


def test_headline_says_what_the_main_verdicts_say() -> None:
    given = [
        verdict("ner", BERT, 0.131),
        verdict("classification", GPT, -0.251),
        verdict("generation", TIE),
        verdict("matching", UNDETERMINED),
        verdict("other", NONE),
        verdict("ner", GPT, kind="secondary"),
        verdict("ner", GPT, scratch=True),
    ]
    assert headline.headline(given) == (
        "BERT is better at NER (by 13.1 points); GPT is better at classification (by 25.1 points); "
        "a tie: generation; undetermined: matching; no verdict: other"
    )
    assert headline.headline([verdict("generation", GPT, -3.21, meter=BLEU)]) == (
        "GPT is better at generation (by 3.2 BLEU)"
    )
    assert headline.headline([verdict("ner", GPT, -0.05, scratch=True)]).startswith("GPT is better")


def test_headline_tells_pairs_and_data_apart() -> None:
    group = SimpleNamespace(key=SimpleNamespace(task="ner", data="world", source="embedded"))
    both = [verdict("ner", BERT, 0.131, group=group, pair=pair) for pair in ("mini", "twin")]
    assert headline.headline(both) == (
        "BERT is better at NER (mini by 13.1 points, twin by 13.1 points)"
    )
    apart = [verdict("ner", BERT, 0.131), verdict("ner", UNDETERMINED)]
    apart[1].group.key.data = "conll2003"
    assert headline.headline(apart) == (
        "BERT is better at NER on world (by 13.1 points); undetermined: NER on conll2003"
    )


# --- slices and types ---------------------------------------------------------------------------


def test_dots_draw_scores_intervals_and_caps() -> None:
    rows = [
        Row("R", "590 units", estimate(0.4), estimate(0.9), estimate(0.5), 0.5, 1.0),
        Row("none", "3 units", estimate(0.6, None), None),
    ]
    figure = dots.draw(rows, "title", "below", "share")
    assert figure is not None
    assert [xs(one) for one in by_gid(figure, "score GPT")] == [[0.4], [0.6]]
    assert [xs(one) for one in by_gid(figure, "score BERT")] == [[0.9]]
    (ends,) = by_gid(figure, "interval GPT")
    assert xs(ends) == pytest.approx([0.35, 0.45])
    assert [xs(one) for one in by_gid(figure, "cap GPT")] == [[0.5, 0.5]]
    assert [xs(one) for one in by_gid(figure, "cap BERT")] == [[1.0, 1.0]]
    (gpt, _), (bert,) = by_gid(figure, "score GPT"), by_gid(figure, "score BERT")
    cap = by_gid(figure, "cap GPT")[0]
    assert ys(cap)[0] < ys(gpt)[0] < ys(cap)[1] < ys(bert)[0]
    assert "+.500 [+.450, +.550]" in words(figure)
    assert dots.draw([], "title", "below", "share") is None


def test_slices_put_the_telling_one_first(found: Findings) -> None:
    (one,) = [one for one in leading(found) if one.group.key.task == "ner"]
    rows = slices.rows_of(one.contrast)
    assert rows[0].label == "R"
    assert (rows[0].cap_gpt, rows[0].cap_bert) == (0.5, 1.0)
    sizes = [abs(one.contrast.slices[row.label].mean) for row in rows]
    assert sizes == sorted(sizes, reverse=True)
    title = slices.headline("NER", rows)
    gpt, bert = (wording.score(side.mean) for side in (rows[0].gpt, rows[0].bert) if side)
    assert title == (
        f"NER: slice R tells them apart most, GPT {gpt} (cap .500), BERT {bert} (cap 1.000)"
    )


def test_no_slice_is_called_telling_where_none_is() -> None:
    rows = [Row("a", "", estimate(0.4), estimate(0.42), estimate(0.02))]
    assert slices.headline("NER", rows) == "NER: no slice tells GPT and BERT apart"
    wide = Row("b", "", estimate(0.4), estimate(0.7), estimate(0.3, 0.4))
    sure = Row("c", "", estimate(0.4), estimate(0.5), estimate(0.1))
    assert "slice c" in slices.headline("NER", [wide, sure])


def test_types_are_rows_with_their_support() -> None:
    typed = [
        Typed("PER", estimate(0.9), estimate(0.92), 320, estimate(0.02)),
        Typed("LOC", estimate(0.5), estimate(0.9), 1, estimate(0.4)),
    ]
    rows = types.rows_of(typed)
    assert [(one.label, one.detail) for one in rows] == [
        ("LOC", "1 entity"),
        ("PER", "320 entities"),
    ]
    figure = types.draw(rows, "title", "below")
    assert figure is not None
    assert [xs(dot) for dot in by_gid(figure, "score BERT")] == [[0.9], [0.92]]
    assert types.headline("NER", rows) == (
        "NER: type LOC tells them apart most, GPT .500, BERT .900"
    )
    assert types.headline("NER", rows[1:]) == "NER: no type tells GPT and BERT apart"
    assert types.draw([], "title", "below") is None


def test_types_are_those_of_the_diagnosis(found: Findings) -> None:
    (ner,) = [one for one in leading(found) if one.task == "NER"]
    typed = {one.name: one for one in types.typed_of(ner)}
    told = {one.name: one for one in by_type(ner.contrast.bert.diagnosis)}
    assert typed
    assert set(typed) == {name for name in told if not name.startswith("all (")}
    for name, one in typed.items():
        assert one.bert == told[name].f1
        assert one.support == told[name].support
        assert one.apart is not None
        assert one.apart.mean == pytest.approx(one.bert.mean - one.gpt.mean)
    (labels,) = [one for one in leading(found) if one.task == "classification"]
    assert labels.contrast.gpt.diagnosis is not None
    assert types.typed_of(labels) == []


# --- quality against latency --------------------------------------------------------------------


def point(key: str, quality: float, ms: float, reach: float = 0.01, **changes: Any) -> Point:
    at = ms / 1000
    p50 = Percentile(0.5, 200, 20, at, at * 0.95, at * 1.05)
    p95 = Percentile(0.95, 200, 200, at * 1.5, at * 1.4, at * 1.6)
    base = Point(key, key, "bert" if "b" in key else "gpt", estimate(quality, reach), p50, p95)
    return replace(base, **changes)


def traded(given: Sequence[Point], meter: Any = ACCURACY) -> Figure:
    figure = tradeoff.draw(given, meter, "end to end", "title", "below")
    assert figure is not None
    return figure


def test_points_lie_at_their_latency_and_quality() -> None:
    figure = traded([point("g", 0.7, 2.0), point("b", 0.9, 4.0)])
    spots = [(xs(one)[0], ys(one)[0]) for one in by_gid(figure, "point")]
    assert np.allclose(spots, [(2.0, 0.7), (4.0, 0.9)])
    assert xs(by_gid(figure, "latency")[0]) == pytest.approx([1.9, 2.1])
    assert ys(by_gid(figure, "quality")[1]) == pytest.approx([0.89, 0.91])
    assert xs(by_gid(figure, "p95")[0]) == pytest.approx([2.0, 3.0])
    assert figure.axes[0].get_xscale() == "log"
    few = point("f", 0.8, 3.0, p95=Percentile(0.95, 20, 200))
    assert len(by_gid(traded([few, point("b", 0.9, 4.0)]), "p95")) == 1


def test_up_is_better_for_either_kind_of_metric() -> None:
    given = [point("g", 0.1, 2.0), point("b", 0.3, 4.0)]
    bottom, top = traded(given).axes[0].get_ylim()
    assert bottom < top
    bottom, top = traded(given, SLOT_ERROR).axes[0].get_ylim()
    assert bottom > top


def test_a_front_respects_intervals() -> None:
    fast, slow = point("fast", 0.9, 2.0), point("slow", 0.7, 4.0)
    assert fronts.front_of([fast, slow], ACCURACY) == {"fast"}
    assert fronts.front_of([fast, slow], SLOT_ERROR) == {"fast", "slow"}
    blurred = replace(slow, quality=estimate(0.7, 0.3))
    assert fronts.front_of([fast, blurred], ACCURACY) == {"fast", "slow"}
    near = point("near", 0.7, 2.1)
    assert fronts.front_of([fast, near], ACCURACY) == {"fast", "near"}


def test_who_is_on_the_front_is_filled_and_named() -> None:
    given = [point("g", 0.7, 2.0), point("b", 0.9, 1.0)]
    filled = [to_hex(one.get_markerfacecolor()) for one in by_gid(traded(given), "point")]
    assert filled == ["#ffffff", "#d55e00"]
    assert tradeoff.headline("NER", given, ACCURACY) == (
        "NER: b is on the front of quality and latency, g not"
    )


def test_the_front_joins_the_best_quality_so_far() -> None:
    given = [point("g", 0.7, 1.0), point("b", 0.6, 2.0, 0.2), point("bb", 0.9, 3.0)]
    (steps,) = by_gid(traded(given), "front")
    assert xs(steps)[:-1] == pytest.approx([1.0, 1.0, 3.0])
    assert ys(steps)[1:] == pytest.approx([0.7, 0.9, 0.9])
    assert steps.get_drawstyle() == "steps-post"


def test_tradeoff_needs_two_points() -> None:
    assert tradeoff.draw([point("g", 0.7, 2.0)], ACCURACY, "x", "title", "below") is None


def test_what_was_measured_is_joined_to_its_quality(found: Findings) -> None:
    (ner,) = [one for one in timed.panels(found.comparison) if one.task == "NER"]
    made = fronts.points(ner)
    assert [one.name for one in made] == ["gpt2", "bert"]
    (best,) = [one for one in leading(found) if one.task == "NER"]
    assert made[1].quality is best.contrast.bert.scores[0].estimate
    assert made[1].p50.value == pytest.approx(0.0041, rel=0.03)
    lost = ner.models[0]._replace(tuned=None)
    assert [one.name for one in fronts.points(ner._replace(models=(lost, ner.models[1])))] == [
        "bert"
    ]


# --- latency ------------------------------------------------------------------------------------


def panel(*models: tuple[str, Any], **changes: Any) -> timed.Panel:
    made = tuple(timed.Timed(n, n, n, np.asarray(s, float), None) for n, s in models)
    base = timed.Panel(("ner", "world"), "NER", "world", "end to end", "wall", "cpu", made)
    return base._replace(**changes)


def test_latency_is_the_distribution_of_the_samples() -> None:
    samples = np.linspace(0.001, 0.003, 200)
    figure = latency.draw(panel(("gpt", samples), ("bert", 2 * samples)), "title", "below")
    assert figure is not None
    first, second = by_gid(figure, "ecdf")
    assert xs(first) == pytest.approx(1000 * samples)
    assert ys(first) == pytest.approx(np.arange(1, 201) / 200)
    assert xs(second) == pytest.approx(2000 * samples)
    marks = [(xs(one)[0], ys(one)[0]) for one in by_gid(figure, "percentile")]
    exact = [timings.percentile(s, q) for s in (samples, 2 * samples) for q in (0.5, 0.95)]
    assert np.allclose(marks, [(1000 * p.value, p.q) for p in exact])
    ends = [xs(one) for one in by_gid(figure, "interval")]
    assert np.allclose(ends, [[1000 * p.low, 1000 * p.high] for p in exact])
    assert (first.get_linestyle(), second.get_linestyle()) == ("-", "--")


def test_a_percentile_without_its_samples_is_not_marked() -> None:
    given = panel(("gpt", np.linspace(0.001, 0.002, 100)))
    figure = latency.draw(given, "title", "below")
    assert figure is not None
    assert [ys(one) for one in by_gid(figure, "percentile")] == [[0.5]]
    assert "p95: 100 of 200 samples" in words(figure)
    assert latency.headline(given) == "NER on world: half of the answers within 1.49 ms (gpt)"
    assert "too few samples" in latency.headline(panel(("gpt", [0.001])))
    assert latency.draw(panel(("gpt", [])), "title", "below") is None


def test_many_samples_are_thinned_from_end_to_end() -> None:
    values = np.random.default_rng(0).lognormal(0, 1, 5000)
    times, shares = latency.ecdf(values)
    assert len(times) <= latency.MOST_STEPS
    assert (times[0], times[-1]) == (values.min(), values.max())
    assert shares[-1] == 1.0
    assert np.interp(np.median(values), times, shares) == pytest.approx(0.5, abs=0.01)


def test_a_panel_is_on_one_clock(tmp_path: Path) -> None:
    gpt, bert = map(subject, measured.pair(tmp_path))
    keep(tmp_path, probe(gpt), probe(bert, series=single(load=1.5)))
    (one,) = timed.panels(findings.find([tmp_path]).comparison)
    assert one.clock == timings.PROCESS
    assert len(one.models) == 2
    assert np.median(one.models[1].seconds) == pytest.approx(0.003 / 1.5, rel=0.05)


def test_machines_are_kept_apart(tmp_path: Path) -> None:
    gpt, bert = map(subject, measured.pair(tmp_path))
    other = measured.ENVIRONMENT | {"machine": measured.MACHINE | {"cpu": "Xeon"}}
    keep(tmp_path, probe(gpt), probe(bert, environment=other))
    found = findings.find([tmp_path])
    assert [[m.name for m in one.models] for one in timed.panels(found.comparison)] == [
        ["gpt2"],
        ["bert"],
    ]
    names = [one.name for one in plots.figures(found)]
    assert {"latency-ner-world", "latency-ner-world-2"} <= set(names)
    assert len(names) == len(set(names))


def test_texts_are_timed_whole(found: Findings) -> None:
    (texts,) = [one for one in timed.panels(found.comparison) if one.task == "generation"]
    assert texts.what == "whole text, natural length"
    assert sorted(set(texts.models[0].seconds.round(6))) == [0.008, 0.012]


# --- memory -------------------------------------------------------------------------------------


def test_parts_add_up_to_the_peak() -> None:
    forward, training = peaks.peaks_of(measured.stages())
    sizes = {name: size / MIB for name, size in training.parts.items()}
    assert sizes == {
        "interpreter and imports": 300,
        "weights": 4,
        "gradients": 4,
        "optimizer": 8,
        "activations and rest": 37,
    }
    assert (forward.whole / MIB, training.whole / MIB) == (330, 353)
    assert training.added / MIB == 53


def test_what_was_not_read_is_no_bar() -> None:
    stages = measured.stages()
    lost = [replace(one, peak_bytes=None) if one.name == "forward" else one for one in stages]
    assert [one.stage for one in peaks.peaks_of(lost)] == ["training step"]
    assert peaks.peaks_of([one for one in stages if one.name != "imports"]) == ()
    low = [replace(one, peak_bytes=301 * MIB) if one.name == "forward" else one for one in stages]
    assert [one.stage for one in peaks.peaks_of(low)] == ["training step"]


def test_a_device_holds_no_interpreter() -> None:
    parts = {"weights": 500 * MIB, "buffers": 20 * MIB}
    device = {"allocated": 520 * MIB, "allocated_peak": 800 * MIB}
    stage = Stage("forward", 1.0, 900 * MIB, 950 * MIB, device, parts)
    (one,) = peaks.peaks_of([measured.stages()[1], stage])
    assert one.parts["interpreter and imports"] == 0
    assert (one.parts["weights"] / MIB, one.whole / MIB) == (520, 800)
    figure = memory.draw([peaks.Held("gpt2", "NER", "gpt", (one,))], "title", "below")
    assert figure is not None
    assert [axes.get_xlabel() for axes in figure.axes] == ["on the device, MiB"]


def test_bars_are_as_wide_as_what_is_held() -> None:
    models = [peaks.Held(n, "NER", n, peaks.peaks_of(measured.stages())) for n in ("gpt", "bert")]
    figure = memory.draw(models, "title", "below")
    assert figure is not None
    added, whole = figure.axes
    kind = Rectangle
    wide = {name: [bar.get_width() for bar in by_gid(added, name, kind)] for name in peaks.PARTS}
    assert wide["interpreter and imports"] == []
    assert wide["weights"] == pytest.approx([4] * 4)
    assert wide["activations and rest"] == pytest.approx([26, 37] * 2)
    ends = [bar.get_x() + bar.get_width() for bar in by_gid(added, "activations and rest", kind)]
    assert ends == pytest.approx([30, 53] * 2)
    ends = [bar.get_x() + bar.get_width() for bar in by_gid(whole, "activations and rest", kind)]
    assert ends == pytest.approx([330, 353] * 2)
    assert added.get_xlim()[0] == whole.get_xlim()[0] == 0
    assert memory.headline(models) == (
        "A training step takes 53.0 MiB, a forward pass takes 30.0 MiB; "
        "interpreter and imports hold 300 MiB"
    )
    hatches = {bar.get_hatch() for name in peaks.PARTS for bar in by_gid(whole, name, kind)}
    assert len(hatches) >= 4
    assert memory.draw([], "title", "below") is None


def test_each_model_is_shown_once_and_the_main_pairs_first(found: Findings) -> None:
    held = memory.held(found)
    assert [(one.place, one.name) for one in held] == [
        ("generation on world", "gpt2 causal"),
        ("generation on world", "bert unilm"),
        ("NER on world", "gpt2"),
        ("NER on world", "bert"),
    ]


# --- learning -----------------------------------------------------------------------------------


def test_learning_draws_every_seed_and_their_mean() -> None:
    gpt = Course("gpt2", "gpt", (((0, 0.5), (100, 0.7), (200, 0.8)), ((0, 0.5), (100, 0.9))))
    bert = Course("bert", "bert", (((0, 0.4), (100, 0.6)),))
    figure = learning.draw([gpt, bert], ACCURACY, 0.55, "title", "below")
    assert figure is not None
    assert [ys(one) for one in by_gid(figure, "seed")] == [[0.5, 0.7, 0.8], [0.5, 0.9], [0.4, 0.6]]
    first, second = by_gid(figure, "mean")
    assert (xs(first), ys(first)) == ([0, 100], [0.5, pytest.approx(0.8)])
    assert ys(second) == [0.4, 0.6]
    (floor,) = by_gid(figure, "floor")
    assert ys(floor) == [0.55, 0.55]
    assert "majority .550" in words(figure)
    assert learning.headline("NER", [gpt, bert], ACCURACY) == (
        "NER: best accuracy on dev, GPT .850 (seeds .800 to .900), BERT .600"
    )


def test_learning_upside_down_and_without_anything() -> None:
    one = Course("gpt2", "gpt", (((0, 1.0), (100, 0.2), (200, 0.3)),))
    figure = learning.draw([one], SLOT_ERROR, None, "title", "below")
    assert figure is not None
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top
    assert not by_gid(figure, "floor")
    assert one.best(SLOT_ERROR) == [0.2]
    assert learning.draw([Course("gpt2", "gpt", ())], ACCURACY, 0.5, "title", "below") is None


def test_learning_reads_the_logs(found: Findings) -> None:
    (one,) = [one for one in leading(found) if one.task == "NER"]
    gpt, _ = learning.courses(one)
    assert len(gpt.seeds) == 5
    assert gpt.seeds[0] == [(e.examples, e.score) for e in TRAINING.evaluations]


# --- calibration --------------------------------------------------------------------------------


def test_reliability_draws_its_bins() -> None:
    gpt = Sure("gpt2", "gpt", (Bin(0.45, 0.3, 5, 0.1, 0.5), Bin(0.95, 0.9, 195)))
    bert = Sure("bert", "bert", (Bin(0.9, 0.92, 100),), estimate(0.02), estimate(0.01))
    sides = [replace(gpt, ece=estimate(0.06), gap=estimate(0.06)), bert]
    figure = calibration.draw(sides, "title", "below")
    assert figure is not None
    spots = [(xs(dot)[0], ys(dot)[0]) for dot in by_gid(figure, "bin")]
    assert spots == [(0.45, 0.3), (0.95, 0.9), (0.9, 0.92)]
    assert [ys(one) for one in by_gid(figure, "seeds")] == [[0.1, 0.5]]
    faces = [to_hex(dot.get_markerfacecolor()) for dot in by_gid(figure, "bin")]
    assert faces == ["#ffffff", "#0072b2", "#d55e00"]
    bars = by_gid(figure, "answers", Rectangle)
    assert [bar.get_height() for bar in bars] == pytest.approx([0.025, 0.975, 1.0])
    (perfect,) = by_gid(figure, "perfect")
    assert xs(perfect) == ys(perfect) == [0, 1]
    assert calibration.headline("NER", sides) == (
        "NER: GPT is over-confident by .060, BERT is neither over- nor under-confident for sure"
    )
    assert "ECE .060 [.010, .110]" in words(figure)
    assert calibration.draw([Sure("gpt2", "gpt", ())], "title", "below") is None


def test_bins_are_those_of_the_diagnosis() -> None:
    tables = [np.array([[0, 4, 10], [0, 1, 9], [0, 24_000, 96_000]])]
    tables.append(np.array([[0, 0, 20], [0, 0, 20], [0, 0, 198_000]]))
    told = Diagnosis((0, 1), tuple(Detail(reliability=one) for one in tables))
    arm = SimpleNamespace(
        diagnosis=told,
        key=SimpleNamespace(model="bert", family="bert", strategy="full", weights="embedded"),
        writes=False,
        native=True,
    )
    shown = SimpleNamespace(contrast=SimpleNamespace(gpt=arm, bert=arm))
    one, _ = calibration.sures(shown)  # type: ignore[arg-type]
    few, many = one.bins
    assert few == (0.6, 0.25, 4, None, None)
    assert many == pytest.approx((0.98, 29 / 30, 30, 0.9, 1.0))
    assert one.gap is not None
    none = SimpleNamespace(**(vars(arm) | {"diagnosis": None}))
    shown = SimpleNamespace(contrast=SimpleNamespace(gpt=none, bert=none))
    assert [side.bins for side in calibration.sures(shown)] == [(), ()]  # type: ignore[arg-type]


# --- pretraining --------------------------------------------------------------------------------


def pretrained(family: str, **more: Any) -> dict[str, Any]:
    facts = {"objective": "clm" if family == "gpt" else "mlm", "updates": 120, "tokens": 3_000_000}
    return facts | {"loss_window": 50, "losses": [4.0, 3.0, 2.0]} | more


def test_pretraining_is_one_figure_a_pair_with_a_panel_a_side(tmp_path: Path) -> None:
    measured_on = {"label": "pretrained here on <b>", "held_out_bits": 4.5}
    for task in ("ner", "classification"):
        for family in ("gpt", "bert"):
            of = cell(family=family, task=task, weights="small", data="files")
            facts = pretrained(family, **measured_on, held_out_unigram_bits=9.25)
            real = synthetic.data(of, 300, source="files")
            leave(tmp_path, of, model=synthetic.model(of, pretraining=facts), data=real)
    (one,) = pretraining.pictures(findings.find([tmp_path]))
    assert one.group is None
    assert "3.0 million tokens read by each" in one.title
    assert "mechanism" not in " ".join(words(one.figure))
    assert [len(by_gid(panel, "loss")) for panel in one.figure.axes] == [1, 1]
    for panel in one.figure.axes:
        (line,) = by_gid(panel, "loss")
        assert xs(line) == pytest.approx([1.25, 2.5, 3.0])  # the last stretch is shorter
        assert ys(line) == pytest.approx([nats / math.log(2) for nats in (4, 3, 2)])
        (dot,) = by_gid(panel, "held out")
        assert (xs(dot), ys(dot)) == ([3.0], [4.5])
        (level,) = by_gid(panel, "unigram")
        assert ys(level) == [9.25, 9.25]
        assert panel.get_ylim()[0] == 0
    told = " ".join(words(one.figure))
    assert "pretrained here on <b>" in told
    assert "a hidden token: " in told


def test_pretraining_without_curves_is_no_figure(tmp_path: Path) -> None:
    for family in ("gpt", "bert"):
        of = cell(family=family)
        facts = pretrained(family) if family == "gpt" else None
        leave(tmp_path, of, model=synthetic.model(of, pretraining=facts))
    assert list(pretraining.pictures(findings.find([tmp_path]))) == []


# --- everything ---------------------------------------------------------------------------------


def test_all_kinds_are_drawn_under_names_of_their_own(drawn: list[plots.Picture]) -> None:
    names = [one.name for one in drawn]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9-]{1,120}", name) for name in names)
    kinds = {name.partition("-")[0] for name in names}
    rest = {"types", "calibration", "learning", "tradeoff", "latency", "memory"}
    assert kinds == {"forest", "slices"} | rest
    assert names[0] == "forest"
    for one in drawn:
        assert one.title
        assert one.caption
        assert len(one.alt) > 40


def test_embedded_models_are_called_so(drawn: list[plots.Picture]) -> None:
    for one in drawn:
        told = " ".join(" ".join(words(one.figure)).split())
        assert "mechanism" in told, one.name
        assert "embedded" in told, one.name


def test_groups_beyond_the_first_few_are_named_not_drawn(tmp_path: Path) -> None:
    for name in "abcdef":
        sweep(tmp_path, seeds=2, data=name)
    made = list(plots.figures(findings.find([tmp_path])))
    for kind in ("slices", "learning"):
        some = [one for one in made if one.name.startswith(kind)]
        assert len(some) == MOST
        assert all("Left out: NER on e and NER on f." in one.caption for one in some)


def test_nothing_to_draw_is_no_figure(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="gpt"))
    assert list(plots.figures(findings.find([tmp_path]))) == []


def test_the_same_findings_give_the_same_bytes(found: Findings) -> None:
    for first, second in zip(latency.pictures(found), latency.pictures(found), strict=True):
        files = plots.rendered(first)
        assert files == plots.rendered(second)
        assert set(files) == {"svg", "png"}
        assert files["png"].startswith(b"\x89PNG")
        root = ElementTree.fromstring(files["svg"])
        assert root.tag.endswith("svg")
        assert not re.search(rb"\d{4}-\d\d-\d\dT|Matplotlib v", files["svg"])
        assert b"matplotlib version" not in files["png"].lower()
    assert files == plots.rendered(first)


def test_settings_of_others_neither_matter_nor_change(found: Findings) -> None:
    one = next(latency.pictures(found))
    usual = plots.rendered(one)
    theirs = {"font.size": 21.0, "lines.linewidth": 9.0, "svg.hashsalt": "x", "axes.facecolor": "r"}
    with matplotlib.rc_context(theirs):
        before = dict(matplotlib.rcParams)
        assert plots.rendered(next(latency.pictures(found))) == usual
        assert dict(matplotlib.rcParams) == before


def test_matplotlib_waits_and_pyplot_never_comes(found: Findings, tmp_path: Path) -> None:
    sweep(tmp_path, seeds=1)
    code = (
        "import sys; from pathlib import Path\n"
        "from harness import plots; from harness.comparing import findings\n"
        "assert 'matplotlib' not in sys.modules\n"
        f"assert plots.rendered(next(plots.figures(findings.find([Path({str(tmp_path)!r})]))))\n"
        "bad = ('matplotlib.pyplot', 'torch', 'transformers')\n"
        "print([name for name in bad if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


# --- whether it can be read ---------------------------------------------------------------------


def shown_text(figure: Figure) -> list[tuple[str, Any]]:
    """Every piece of text that is drawn (ticks beyond an axis are not) with its box in dots."""
    seen: dict[int, Text] = {}
    draw = Text.draw

    def noted(one: Text, renderer: Any) -> None:
        seen[id(one)] = one
        draw(one, renderer)

    with pytest.MonkeyPatch.context() as patched, style.applied():
        patched.setattr(Text, "draw", noted)
        figure.draw(FigureCanvasAgg(figure).get_renderer())
    found = [one for one in seen.values() if one.get_text().strip() and one.get_visible()]
    return [(one.get_text(), one.get_window_extent()) for one in found]


def assert_legible(made: plots.Picture) -> None:
    """No text is cut off, none lies on another, none is small; the sheet has its width."""
    figure = made.figure
    assert figure.get_size_inches()[0] == canvas.WIDTH
    sizes = [one.get_fontsize() for one in figure.findobj(Text) if one.get_text().strip()]
    assert min(sizes) >= 9
    boxes = shown_text(figure)
    for text, box in boxes:
        assert box.x0 >= -1, (made.name, text)
        assert box.y0 >= -1, (made.name, text)
        assert box.x1 <= figure.bbox.x1 + 1, (made.name, text)
        assert box.y1 <= figure.bbox.y1 + 1, (made.name, text)
    for (text, box), (other, near) in itertools.combinations(boxes, 2):
        across = min(box.x1, near.x1) - max(box.x0, near.x0)
        up = min(box.y1, near.y1) - max(box.y0, near.y0)
        assert across <= 2 or up <= 2.5, (made.name, text, other)


def test_every_figure_can_be_read(drawn: list[plots.Picture]) -> None:
    for one in drawn:
        assert_legible(one)


def colours_of(figure: Figure) -> set[str]:
    found = set()
    for line in figure.findobj(Line2D):
        found |= {line.get_color(), line.get_markerfacecolor(), line.get_markeredgecolor()}
    for patch in (one for one in figure.findobj(Patch) if one.get_visible()):
        found |= {to_hex(patch.get_facecolor()), to_hex(patch.get_edgecolor())}
    found |= {one.get_color() for one in figure.findobj(Text) if one.get_text()}
    return {to_hex(one) for one in found if str(one) not in ("none", "auto")}


def test_colours_are_those_of_the_palette(drawn: list[plots.Picture]) -> None:
    for one in drawn:
        assert colours_of(one.figure) <= COLOURS, one.name
    assert (style.GPT.colour, style.BERT.colour) == ("#0072B2", "#D55E00")


def test_sides_differ_without_colour() -> None:
    looks = style.looks(["gpt", "bert", "gpt", "bert", "gpt", "bert"])
    assert len({one.marker for one in looks}) == len({one.colour for one in looks}) == 6
    assert looks[0] == style.GPT
    assert looks[1] == style.BERT
    for one, other in itertools.pairwise(looks):
        assert one.line != other.line
    assert style.GPT.hatch != style.BERT.hatch


# --- text from elsewhere ------------------------------------------------------------------------


def test_text_that_means_harm_is_drawn_as_text(tmp_path: Path) -> None:
    name = "\N{CJK UNIFIED IDEOGRAPH-6F22}" + HOSTILE + r"$\frac{1}{2}$ $x_1^2$" + "W" * 60
    for family in ("gpt", "bert"):
        of = cell(family=family, data=name, model=r"$\alpha$" + family + name, level=name)
        keep(tmp_path, probe(subject(kept(tmp_path, of))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = list(plots.figures(findings.find([tmp_path])))
        files = [plots.rendered(one) for one in made]
    assert len(made) >= 5
    for one, file in zip(made, files, strict=True):
        assert_legible(one)
        told = one.title + one.caption + one.alt + "".join(words(one.figure))
        assert not set(told) & (set(STEERING) | {"\x1b", "\u2066"})
        assert re.fullmatch(r"[a-z0-9-]+", one.name)
        root = ElementTree.fromstring(file["svg"])
        assert not [e for e in root.iter() if e.tag.rpartition("}")[2] in ("script", "a", "image")]
    assert any("$" in text for one in made for text in words(one.figure))
    assert all(not one.get_parse_math() for m in made for one in m.figure.findobj(Text))


def test_words_are_short_and_visible() -> None:
    assert wording.plain("a\nb\tc") == "a b c"
    assert wording.plain("x" * 100, 10) == "xxxxxxx..."
    assert not set(wording.plain(f"a{STEERING}\x00b")) & set(STEERING + "\x00")
    assert wording.score(0.8124) == ".812"
    assert wording.score(-0.05, sign=True) == "-.050"
    assert wording.score(1.0) == "1.000"
    assert wording.score(float("nan")) == "-"
    assert wording.listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert wording.listed(["a"]) == "a"
    assert wording.safe("a b", "../ETC/x") == "a-b-etc-x"
    assert wording.safe("\u6f22") == "figure"


def test_lines_fit_and_lose_nothing() -> None:
    text = "a sentence of several words " * 8 + "W" * 90
    found = canvas.wrap(text, 3.0, 9.0)
    assert all(canvas.width(line, 9.0) <= 3.0 for line in found)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    assert canvas.width("W" * 20, 9.0) > canvas.width("i" * 20, 9.0)
    cut = canvas.fitted("W" * 90, 1.0)
    assert cut.endswith("...")
    assert canvas.width(cut, 9.0) <= 1.0


@pytest.mark.parametrize(
    ("low", "high"), [(1.2, 2.2), (0.01, 900.0), (1.41, 1.52), (14.0, 30.0), (9.0, 11.0)]
)
def test_a_log_axis_has_ticks_that_can_be_read(low: float, high: float) -> None:
    ticks = scales.log_ticks(low, high)
    assert 3 <= len(ticks) <= 12
    assert all(low <= tick <= high for tick in ticks)
    assert ticks == sorted(set(ticks))
    assert all(len(f"{tick:g}") <= 4 for tick in ticks)


@pytest.mark.parametrize("values", [[1e-4, 8e-4], [2.5e-4, 4e-3], [1e-5, 1e-2], [3e-4, 4e-4]])
def test_small_numbers_on_a_log_axis_do_not_run_into_one_another(values: list[float]) -> None:
    figure = Figure(figsize=(3.9, 4.0), dpi=100)
    axes = figure.add_subplot()
    scales.logarithmic(axes, values, "learning rate (log scale)")
    drawn = FigureCanvasAgg(figure)
    drawn.draw()
    boxes = [label.get_window_extent(drawn.get_renderer()) for label in axes.get_xticklabels()]
    assert len(boxes) >= 3
    assert all(left.x1 < right.x0 for left, right in itertools.pairwise(boxes))
    assert {label.get_text() for label in axes.get_xticklabels()} & {"1e-4", "2e-4", "5e-4", "3e-4"}


def test_a_picture_is_a_value() -> None:
    with pytest.raises(AttributeError):
        picture.Picture("a", "b", "c", "d", Figure()).name = "x"  # type: ignore[misc]
