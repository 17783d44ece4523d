"""Few labels and many: which runs are one curve, where the winner flips, and how that is told."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from rendered import HOSTILE, assert_rectangular, cells, rows, sections, text_of
from synthetic import cell, data, leave

from harness import choose, plan
from harness.comparing import aggregate, findings, label_curves
from harness.comparing.label_curves import PASSES, UPDATES, Curve, curves, flips
from harness.comparing.verdicts import BERT, GPT, main
from harness.plots import labels as picture
from harness.report import labels as page
from harness.statistics.stats import BOTH, EXAMPLES_ONLY, Estimate

SIZES = (125, 250, 500, 1000)
EPOCHS = dict(zip(SIZES, (64, 32, 16, 8), strict=True))
CROSSED = {
    "gpt": dict(zip(SIZES, (0.60, 0.66, 0.70, 0.72), strict=True)),
    "bert": dict(zip(SIZES, (0.30, 0.50, 0.80, 0.90), strict=True)),
}


def grown(root, scores, seeds=range(5), epochs=EPOCHS, size=600, tuning=None, **config):
    """Runs of both models at every size; the same subset for both, another at each size."""
    for family, by_size in scores.items():
        for labels, share in by_size.items():
            for seed in seeds:
                of = cell(family=family, seed=seed)
                told = data(of, size, caps={})  # without caps no alarm
                train = {"digests": {**told.digests, "train": f"{labels:064d}"}}
                train["sizes"] = {**told.sizes, "train": labels}
                settings = {
                    "model": {"name": of.model},
                    "train": {"lr": 1e-3, "epochs": epochs[labels], **config},
                    "data": {"train_share": None if labels == 1000 else labels / 1000},
                    "seed": seed,
                }
                words = {"config": settings, "data": replace(told, **train), "tuning": tuning}
                leave(root, of, share, size, **words)
    return aggregate.compare(root)


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    root = tmp_path_factory.mktemp("crossed")
    return root, grown(root, CROSSED)


def test_a_curve_holds_one_point_a_size_and_no_run_meets_one_of_another(crossed):
    (one,) = curves(crossed[1])
    assert [point.labels for point in one.points] == list(SIZES)
    assert [point.epochs for point in one.points] == [64, 32, 16, 8]
    assert one.pace == UPDATES
    assert one.nested
    assert len(crossed[1].groups) == 4
    for group in crossed[1].groups:
        assert len(group.contrasts) == 1
        assert {arm.first.data.sizes["train"] for arm in group.arms} == {group.labels}


def test_the_flip_is_interpolated_in_the_logarithm_of_labels(crossed):
    (one,) = curves(crossed[1])
    (turn,) = flips(one)
    means = [point.advantage.mean for point in one.points]
    assert means[1] < 0 < means[2]
    wanted = 250 * 2 ** (means[1] / (means[1] - means[2]))
    assert turn.at == pytest.approx(wanted)
    assert (turn.first, turn.then, turn.between) == ("GPT", "BERT", (250, 500))
    assert turn.shown
    assert 250 < turn.low < turn.at < turn.high < 500
    assert turn == flips(one)[0]  # the same draws whenever it is asked


def test_the_sentence_says_where_and_how_sure(crossed):
    (one,) = curves(crossed[1])
    said = picture.told(one)
    assert said.startswith("NER on world, mini: the winner flips from GPT to BERT at about ")
    assert "interpolated between 250 and 500" in said
    assert "(95 %: " in said


def test_no_flip_is_shown_where_one_side_is_never_surely_ahead(tmp_path):
    near = {"gpt": {250: 0.60, 1000: 0.70}, "bert": {250: 0.59, 1000: 0.90}}
    (one,) = curves(grown(tmp_path, near))
    (turn,) = flips(one)
    assert not turn.shown
    assert turn.low < 250
    said = picture.told(one)
    assert "no flip is shown" in said
    assert "GPT is not surely ahead anywhere" in said
    assert "95 %: below 250 to" in said


def test_no_flip_within_what_was_measured(tmp_path):
    (one,) = curves(grown(tmp_path, {"gpt": {250: 0.3, 1000: 0.5}, "bert": {250: 0.6, 1000: 0.8}}))
    assert flips(one) == []
    told = "no flip within what was measured (250 to 1,000 labels): BERT ahead at every size"
    assert told in picture.told(one)


def test_one_seed_shows_no_flip_and_has_no_limits(tmp_path):
    scores = {"gpt": {250: 0.8, 1000: 0.5}, "bert": {250: 0.4, 1000: 0.9}}
    (one,) = curves(grown(tmp_path, scores, seeds=[0]))
    (turn,) = flips(one)
    assert (turn.shown, turn.low, turn.high) == (False, None, None)
    assert "no limits" in picture.told(one)


def test_several_crossings_are_no_one_flip(tmp_path):
    zigzag = {"gpt": dict.fromkeys(SIZES[:3], 0.6), "bert": {125: 0.4, 250: 0.8, 500: 0.4}}
    (one,) = curves(grown(tmp_path, zigzag, size=400))
    assert [(turn.first, turn.then) for turn in flips(one)] == [("GPT", "BERT"), ("BERT", "GPT")]
    assert "the means cross 2 times" in picture.told(one)


@pytest.mark.parametrize(
    ("sizes", "t", "covers", "wanted"),
    [
        (4, 2.6, BOTH, BERT),
        (4, -2.6, BOTH, GPT),
        (4, 2.3, BOTH, None),  # beyond 1.96, but not for four sizes at once (2.50)
        (2, 2.3, BOTH, BERT),
        (2, 9.9, EXAMPLES_ONLY, None),
    ],
)
def test_ahead_is_for_all_sizes_together(sizes, t, covers, wanted):
    found = Estimate(0.01 * t, 5, 1000, se=0.01, df=1e6, covers=covers)
    points = [SimpleNamespace(advantage=found)] * sizes
    assert Curve(None, points, PASSES, True).ahead(points[0]) == wanted


@pytest.mark.parametrize(
    ("means", "wanted"),
    [
        ((-1, 0, 1), [("GPT", "BERT", 250)]),
        ((0, -1, 3), [("GPT", "BERT", 250 * 2**0.25)]),
        ((1, 0, 0), []),
        ((-1, 0, -1), []),
        ((1, -1, -1), [("BERT", "GPT", 125 * 2**0.5)]),
    ],
)
def test_a_mean_of_nought_is_no_side_of_its_own(monkeypatch, means, wanted):
    points = [
        SimpleNamespace(labels=labels, advantage=SimpleNamespace(mean=float(mean)))
        for labels, mean in zip(SIZES, means, strict=False)
    ]
    monkeypatch.setattr(label_curves, "_draws", lambda _: None)
    one = SimpleNamespace(points=points, ahead=lambda _: None)
    assert [(t.first, t.then, pytest.approx(t.at)) for t in flips(one)] == wanted


def test_limits_hold_the_true_place_as_often_as_they_say():
    """Noise of the differences is drawn anew; the flip lies at 2 ** 8.5 labels."""
    rng, held, times = np.random.default_rng(1), 0, 60
    at, truth = np.log2(SIZES), 8.5
    for _ in range(times):
        seeds, noise = rng.normal(0, 0.02, (4, 5, 1)), rng.normal(0, 0.4, (4, 5, 300))
        layers = 0.05 * (at - truth)[:, None, None] + seeds + noise
        weights = rng.multinomial(5, np.full(5, 0.2), 400) / 5
        shares = rng.multinomial(300, np.full(300, 1 / 300), 400) / 300
        draws = np.einsum("pse,de,ds->dp", layers, shares, weights, optimize=True)
        low, high = label_curves._limits(at, draws, rises=True)
        held += low <= 2**truth <= high
    assert held >= 0.9 * times


# --- what is one curve --------------------------------------------------------------------------


def test_other_settings_and_other_paces_are_other_curves(tmp_path):
    two = {"gpt": {250: 0.5, 1000: 0.7}, "bert": {250: 0.4, 1000: 0.8}}
    grown(tmp_path, two, seeds=[0, 1], size=60)
    grown(tmp_path, two, seeds=[0, 1], size=60, epochs=dict.fromkeys(SIZES, 8))
    grown(tmp_path, two, seeds=[0, 1], size=60, epochs={250: 16, 1000: 8})  # on no curve
    found = curves(grown(tmp_path, two, seeds=[0, 1], size=60, dropout=0.0))
    told = sorted((one.pace, [point.epochs for point in one.points]) for one in found)
    assert told == [(PASSES, [8, 8]), (UPDATES, [32, 8]), (UPDATES, [32, 8])]


def test_one_size_is_no_curve(tmp_path):
    assert curves(grown(tmp_path, {"gpt": {250: 0.5}, "bert": {250: 0.5}}, size=60)) == []
    assert page.labels(aggregate.compare(tmp_path)) == ""


def test_other_test_data_are_no_point_of_it(tmp_path):
    grown(tmp_path, {"gpt": {250: 0.5}, "bert": {250: 0.5}}, size=60)
    for family in ("gpt", "bert"):
        of = cell(family=family)
        digests = {"train": "f" * 64, "dev": "b" * 64, "test": "9" * 64}
        leave(tmp_path, of, 0.5, 60, data=data(of, 60, digests=digests))
    assert curves(aggregate.compare(tmp_path)) == []


def test_the_main_question_is_asked_with_the_most_labels(crossed):
    found = findings.find([crossed[0]], plan.default())
    (one,) = main(found.verdicts)
    assert one.group.labels == 1000
    assert one.decision.level == pytest.approx(0.95)  # smaller sizes share its error in nothing
    assert len(found.verdicts) == 4


def test_sizes_are_told_apart_by_their_labels_and_the_largest_is_chosen(crossed):
    told = {group.labels: dict(group.variant) for group in crossed[1].groups}
    assert told == {labels: {"labels": f"{labels:,}"} for labels in SIZES}
    asked = SimpleNamespace(words={"task": "ner"})
    assert choose.chosen_group(crossed[1], asked).labels == 1000


def test_groups_of_one_size_are_told_apart_by_their_digests(tmp_path):
    for digest in "ab":
        of = cell()
        told = data(of, 60, digests={"train": digest, "test": "t"})
        leave(tmp_path, of, 0.5, 60, data=told, config={"data": {"path": digest}})
    variants = [dict(group.variant) for group in aggregate.compare(tmp_path).groups]
    assert variants == [{"train digest": "a"}, {"train digest": "b"}]


# --- what is shown ------------------------------------------------------------------------------


def test_the_page_holds_every_size_and_the_sentence(crossed):
    text = text_of(crossed[0])
    part = sections(text)["Label efficiency"]
    assert "The winner" not in part
    assert "**NER on world, mini: the winner flips from GPT to BERT" in part
    table = rows(part, "|")
    assert [cells(row)[0] for row in table[2:]] == ["125", "250", "500", "1,000"]
    assert cells(table[2])[-1] == "GPT"
    assert cells(table[-1])[-1] == "BERT"
    assert page.LONGER in part
    assert page.NESTED in part
    assert "mechanism" in part
    assert_rectangular(text)


def test_the_picture_draws_both_on_a_log_axis(crossed):
    found = findings.find([crossed[0]], plan.default())
    (one,) = picture.pictures(found)
    (axes,) = one.figure.axes
    lines = {line.get_gid(): line for line in axes.lines}
    (curve,) = curves(crossed[1])
    for name, side in (("GPT", "gpt"), ("BERT", "bert")):
        means = [getattr(p.contrast, side).scores[0].estimate.mean for p in curve.points]
        assert lines[name].get_ydata() == pytest.approx(means)
        assert lines[name].get_xdata() == pytest.approx(SIZES, rel=0.02)
        bars = [line for line in axes.lines if line.get_gid() == f"interval {name}"]
        assert len(bars) == len(SIZES)
    assert axes.get_xscale() == "log"
    (turn,) = flips(curve)
    assert lines["crossing"].get_xdata()[0] == pytest.approx(turn.at)
    assert one.title.startswith("NER on world")
    assert "125 labels: GPT" in one.alt


def test_foreign_names_do_no_harm(tmp_path):
    for family in ("gpt", "bert"):
        for labels in (250, 1000):
            of = cell(family=family, data=HOSTILE, pair=HOSTILE)
            told = data(of, 60, caps={}, digests={"train": f"{labels}", "dev": "b", "test": "c"})
            told = replace(told, sizes={**told.sizes, "train": labels})
            leave(tmp_path, replace(of, data="world"), 0.5, 60, data=told)
    part = page.labels(aggregate.compare(tmp_path))
    assert "<script>" not in part
    assert "\x1b" not in part
    assert_rectangular(part)
