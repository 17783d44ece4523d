from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from synthetic import cell, data, leave, made, model

from harness import record
from harness.comparing.aggregate import compare
from harness.comparing.comparison import Comparison
from harness.record import Outcome


def sweep(root: Path, seeds: int = 3, **words: Any) -> None:
    for seed in range(seeds):
        for family in ("gpt", "bert"):
            leave(root, cell(family=family, seed=seed, **words))


def failed(root: Path, seed: int, **words: Any) -> None:
    outcome = Outcome("failed", "out of memory")
    leave(root, cell(seed=seed, **words), outcome=outcome, data=None, model=None, training=None)


def only(comparison: Comparison) -> Any:
    assert len(comparison.groups) == 1, comparison
    return comparison.groups[0]


def test_pairs_by_seed_and_example(tmp_path: Path) -> None:
    sweep(tmp_path)
    group = only(compare(tmp_path))
    assert [arm.key.model for arm in group.arms] == ["gpt2", "bert"]
    contrast = group.contrasts[0]
    assert contrast.seeds == (0, 1, 2)
    assert contrast.native
    assert not contrast.incomplete
    gpt, bert = (arm.scores[0] for arm in group.arms)
    assert contrast.difference.mean == pytest.approx(bert.estimate.mean - gpt.estimate.mean)
    assert contrast.difference.covers == "seeds and examples"
    assert contrast.slices["R"].mean > 0.25
    assert contrast.slices["R"].excludes(0.0)


def test_scores_are_the_metrics_of_the_counts(tmp_path: Path) -> None:
    folder = leave(tmp_path, cell(family="gpt"))
    counts = record.read_counts(folder)
    arm = only(compare(tmp_path)).arms[0]
    assert [score.meter.name for score in arm.scores] == ["entity_f1", "entity_f1_conlleval"]
    expected = 2 * sum(counts.columns["tp"]) / 600
    assert arm.scores[0].per_seed == (pytest.approx(expected),)
    assert arm.scores[0].estimate.mean == pytest.approx(expected)
    assert arm.scores[0].estimate.covers == "examples only"
    assert arm.scores[0].majority == 0.0


def test_slices_have_caps_units_and_clusters(tmp_path: Path) -> None:
    sweep(tmp_path)
    group = only(compare(tmp_path))
    right = {arm.key.family: arm.slices[2] for arm in group.arms}
    assert (right["gpt"].cap, right["bert"].cap) == (0.5, 1.0)
    assert (right["gpt"].units, right["gpt"].estimate.units) == (60, 30)
    assert right["gpt"].marked == 1.0


def test_incomplete_pairs_are_named_and_left_out(tmp_path: Path) -> None:
    sweep(tmp_path, 2)
    leave(tmp_path, cell(family="gpt", seed=2))
    failed(tmp_path, 2, family="bert")
    comparison = compare(tmp_path)
    contrast = only(comparison).contrasts[0]
    assert contrast.seeds == (0, 1)
    assert contrast.incomplete == ("seed 2: no finished run of bert (bidirectional)",)
    assert [one.record.outcome.reason for one in comparison.failures] == ["out of memory"]


def test_missing_half_is_named_with_its_failures(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="gpt"))
    failed(tmp_path, 0, family="bert")
    group = only(compare(tmp_path))
    assert not group.contrasts
    assert group.missing == ("mini, full: no finished BERT run (1 failed)",)


def test_no_common_seed_gives_no_difference(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="gpt", seed=0))
    leave(tmp_path, cell(family="bert", seed=1))
    difference = only(compare(tmp_path)).contrasts[0].difference
    assert difference.low is None
    assert difference.note == "no seed that both models finished"


def test_data_of_one_name_but_other_digests_are_groups_of_their_own(tmp_path: Path) -> None:
    sweep(tmp_path)
    of = cell(family="bert", seed=9)
    other = {"train": "a" * 64, "dev": "b" * 64, "test": "9" * 64}
    leave(tmp_path, of, data=data(of, 300, digests=other))
    groups = compare(tmp_path).groups
    assert [dict(group.variant) for group in groups] == [
        {"test digest": "99999999"},
        {"test digest": "cccccccc"},
    ]
    assert [len(group.contrasts) for group in groups] == [0, 1]


@pytest.mark.parametrize(
    "change, name",
    [
        ({"evaluated": "dev"}, "split"),
        ({"experiment_version": 2}, "experiment version"),
        ({"metrics": ("entity_f1",)}, "metrics"),
    ],
)
def test_unlike_runs_never_share_a_group(tmp_path: Path, change: dict[str, Any], name: str) -> None:
    leave(tmp_path, cell(family="gpt"))
    leave(tmp_path, cell(family="bert"), **change)
    groups = compare(tmp_path).groups
    assert len(groups) == 2
    assert all(list(group.variant) == [name] for group in groups)


def test_other_settings_make_other_arms_paired_like_with_like(tmp_path: Path) -> None:
    for seed in range(2):
        for family in ("gpt", "bert"):
            for epochs in (5, 15):
                config = {"train": {"epochs": epochs, "lr": 1e-3}, "seed": seed}
                leave(tmp_path, cell(family=family, seed=seed), config=config)
    group = only(compare(tmp_path))
    assert [dict(arm.variant) for arm in group.arms] == 2 * [
        {"train.epochs": "15"},
        {"train.epochs": "5"},
    ]
    assert len(group.contrasts) == 2
    assert all(one.gpt.variant == one.bert.variant for one in group.contrasts)


def test_models_own_settings_and_tuned_rates_do_not_part_a_pair(tmp_path: Path) -> None:
    tuned = {"trials": 10}
    for piece in ("first", "last"):
        config = {"model": {"label_piece": piece}, "train": {"lr": 1e-3}}
        leave(tmp_path, cell(family="gpt"), config=config, tuning=tuned)
    config = {"model": {"label_piece": "first"}, "train": {"lr": 3e-4}}
    leave(tmp_path, cell(family="bert"), config=config, tuning=tuned)
    untuned = {"model": {"label_piece": "first"}, "train": {"lr": 1e-2}}
    leave(tmp_path, cell(family="bert"), config=untuned)
    contrasts = only(compare(tmp_path)).contrasts
    assert [one.gpt.variant["model.label_piece"] for one in contrasts] == ["first", "last"]
    assert {one.bert.variant["train.lr"] for one in contrasts} == {"0.0003"}


def treated(root: Path, family: str, weights: str = "embedded", **changes: Any) -> None:
    """One run with the usual settings, but for some; dotted names are written with two _."""
    config: dict[str, Any] = {
        "model": {"weights": weights, "label_piece": "last" if family == "gpt" else "first"},
        "train": {"lr": 1e-3, "epochs": 8, "batch_size": 32},
        "data": {"train_limit": None},
        "strategy": {"_target_": "Full"},
        "pretraining": {"updates": 3000, "corpus": {"seed": 0}},
    }
    tuning, seed = changes.pop("tuning", None), changes.pop("seed", 0)
    for name, value in changes.items():
        group, leaf = name.split("__")
        config[group][leaf] = value
    leave(root, cell(family=family, weights=weights, seed=seed), config=config, tuning=tuning)


def test_other_kinds_of_weights_are_no_pair(tmp_path: Path) -> None:
    treated(tmp_path, "gpt", train__epochs=1)
    treated(tmp_path, "bert", "bert-base-uncased", train__epochs=50, train__batch_size=8)
    group = only(compare(tmp_path))
    assert not group.contrasts
    assert group.missing == (
        "mini, full: no finished BERT run (0 failed)",
        "mini, full, other weights: no finished GPT run (0 failed)",
    )


def test_two_released_checkpoints_are_a_pair(tmp_path: Path) -> None:
    treated(tmp_path, "gpt", "gpt2-small")
    treated(tmp_path, "bert", "bert-base-uncased")
    (contrast,) = only(compare(tmp_path)).contrasts
    assert contrast.difference is not None


@pytest.mark.parametrize(
    "change, named",
    [
        (
            {"train__epochs": 50, "train__batch_size": 8},
            ("train.batch_size (32 and 8)", "train.epochs (8 and 50)"),
        ),
        ({"train__warmup": 0.1}, ("train.warmup (- and 0.1)",)),
        ({"strategy___target_": "Lora"}, ("strategy._target_ (Full and Lora)",)),
        ({"data__train_limit": 100}, ("data.train_limit (null and 100)",)),
        ({"pretraining__updates": 9}, ("pretraining.updates (3000 and 9)",)),
        ({"pretraining__corpus": {"seed": 1}}, ("pretraining.corpus.seed (0 and 1)",)),
        ({"tuning": {"trials": 10}}, ("tuning.trials (none and 10)",)),
    ],
)
def test_unequal_treatment_is_refused_by_name(
    tmp_path: Path, change: dict[str, Any], named: tuple[str, ...]
) -> None:
    treated(tmp_path, "gpt")
    treated(tmp_path, "bert", **change)
    (contrast,) = only(compare(tmp_path)).contrasts
    assert contrast.refused == named
    assert contrast.difference is None


def test_unequal_numbers_of_trials_are_refused(tmp_path: Path) -> None:
    treated(tmp_path, "gpt", tuning={"trials": 10})
    treated(tmp_path, "bert", tuning={"trials": 50})
    (contrast,) = only(compare(tmp_path)).contrasts
    assert contrast.refused == ("tuning.trials (10 and 50)",)


def test_untuned_unequal_rates_are_told_and_compared(tmp_path: Path) -> None:
    treated(tmp_path, "gpt", "scratch", train__lr=5e-4)
    treated(tmp_path, "bert", "scratch", train__lr=1e-3)
    (contrast,) = only(compare(tmp_path)).contrasts
    assert contrast.mismatches == ("untuned learning rates (0.0005 and 0.001)",)
    assert not contrast.refused
    assert contrast.difference is not None


def test_tuned_rates_may_differ(tmp_path: Path) -> None:
    treated(tmp_path, "gpt", train__lr=5e-4, tuning={"trials": 10})
    treated(tmp_path, "bert", tuning={"trials": 10})
    (contrast,) = only(compare(tmp_path)).contrasts
    assert not contrast.refused + contrast.mismatches


def test_like_goes_with_like_and_the_rest_is_no_pair(tmp_path: Path) -> None:
    for epochs in (5, 15):
        treated(tmp_path, "gpt", train__epochs=epochs)
    treated(tmp_path, "bert", train__epochs=5)
    (contrast,) = only(compare(tmp_path)).contrasts
    assert contrast.gpt.variant == {"train.epochs": "5"}
    assert not contrast.refused


def test_sizes_that_both_were_varied_in_go_with_the_same(tmp_path: Path) -> None:
    for family in ("gpt", "bert"):
        for layers in (1, 2):
            treated(tmp_path, family, model__architecture={"num_hidden_layers": layers})
    found = only(compare(tmp_path)).contrasts
    shapes = [(dict(one.gpt.variant), dict(one.bert.variant)) for one in found]
    assert len(shapes) == 2
    assert all(ours == theirs for ours, theirs in shapes)


def test_control_is_paired_on_the_seeds_of_both(tmp_path: Path) -> None:
    sweep(tmp_path)
    for family in ("gpt", "bert"):
        leave(tmp_path, cell(family=family, weights="scratch"), share=0.3)
    group = only(compare(tmp_path))
    assert [one.seeds for one in group.controls] == [(0,), (0,)]
    control = group.controls[0]
    pretrained, scratch = control.arm.scores[0], control.scratch.scores[0]
    expected = pretrained.per_seed[0] - scratch.per_seed[0]
    assert control.difference.mean == pytest.approx(expected)
    assert control.difference.covers == "examples only"
    assert control.difference.excludes(0.0)


def test_control_with_other_settings_is_refused_by_name(tmp_path: Path) -> None:
    treated(tmp_path, "gpt")
    treated(tmp_path, "gpt", "scratch", train__epochs=1, pretraining__updates=1)
    (control,) = only(compare(tmp_path)).controls
    assert control.refused == ("train.epochs (8 and 1)",)
    assert control.difference is None


def test_runs_of_an_arm_that_are_no_repetitions_are_refused_by_name(tmp_path: Path) -> None:
    sweep(tmp_path)
    of = cell(family="gpt", seed=3)
    leave(tmp_path, of, model=model(of, tokenizer_digest="f" * 64))
    group = only(compare(tmp_path))
    assert group.arms[0].refused == ("model.tokenizer_digest",)
    assert not group.arms[0].scores
    assert group.contrasts[0].difference is None
    assert group.contrasts[0].refused == ("gpt2: model.tokenizer_digest",)


def test_fresh_weights_may_differ_between_seeds(tmp_path: Path) -> None:
    sweep(tmp_path, weights="scratch")
    assert not any(arm.refused for arm in only(compare(tmp_path)).arms)


def test_copies_of_a_run_count_once(tmp_path: Path) -> None:
    leave(tmp_path / "here", cell(family="gpt"))
    leave(tmp_path / "there", cell(family="gpt"))
    comparison = compare(tmp_path)
    assert only(comparison).arms[0].seeds == (0,)
    assert "same run" in comparison.warnings[0]


def test_scratch_is_never_paired_with_pretrained(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="gpt"))
    leave(tmp_path, cell(family="bert", weights="scratch"))
    group = only(compare(tmp_path))
    assert not group.contrasts
    assert len(group.missing) == 2


def test_alarms_travel_with_their_run(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="gpt"), share=0.99, size=1000)
    arm = only(compare(tmp_path)).arms[0]
    assert {alarm.number for _, alarm in arm.voids} == {"1", "cap"}


def test_tuning_runs_stay_out_of_the_results(tmp_path: Path) -> None:
    for rate in (1e-3, 3e-4):
        for seed in (1000, 1001):
            config = {"train": {"lr": rate}, "seed": seed}
            of = cell(family="bert", seed=seed, role="tuning")
            leave(tmp_path, of, share=0.99, config=config, evaluated="dev")
    comparison = compare(tmp_path)
    assert not comparison.groups
    (tuning,) = comparison.tunings
    assert [(rate, seed) for rate, seed, _ in tuning.trials] == [
        (3e-4, 1000),
        (3e-4, 1001),
        (1e-3, 1000),
        (1e-3, 1001),
    ]


# --- written texts ------------------------------------------------------------------------------


def written(root: Path, mode: str, seeds: int = 3, **changes: Any) -> None:
    family = "gpt" if mode == "causal" else "bert"
    for seed in range(seeds):
        of = cell(family=family, task="generation", mode=mode, seed=seed)
        leave(root, of, **changes)


def test_every_mode_of_writing_is_a_pair_of_its_own(tmp_path: Path) -> None:
    written(tmp_path, "causal", 5)
    written(tmp_path, "unilm", 5)
    written(tmp_path, "mask_predict", 1)
    group = only(compare(tmp_path))
    assert [arm.key.mode for arm in group.arms] == ["causal", "unilm", "mask_predict"]
    assert [arm.native for arm in group.arms] == [True, True, False]
    assert all(arm.description.endswith(f", {arm.key.mode}") for arm in group.arms)
    found = {one.bert.key.mode: one for one in group.contrasts}
    assert {name: one.seeds for name, one in found.items()} == {
        "unilm": (0, 1, 2, 3, 4),
        "mask_predict": (0,),
    }
    assert [found[name].native for name in ("unilm", "mask_predict")] == [True, False]
    assert found["mask_predict"].incomplete == (
        "seeds 1, 2, 3, 4: no finished run of bert (mask_predict)",
    )
    assert not group.missing


def test_texts_have_scores_in_every_metric_and_limits_of_their_own(tmp_path: Path) -> None:
    written(tmp_path, "causal")
    written(tmp_path, "unilm", share=1.0)
    group = only(compare(tmp_path))
    gpt, bert = ({one.meter.name: one for one in arm.scores} for arm in group.arms)
    assert next(iter(gpt)) == "slot_error"
    assert gpt["slot_error"].meter.lower_is_better
    for name in ("bleu", "chrf", "rouge_l"):
        found = gpt[name].estimate
        assert found.mean == pytest.approx(sum(gpt[name].per_seed) / 3)
        assert gpt[name].meter.limits[0] <= found.low < found.mean < found.high
        assert found.high <= gpt[name].meter.limits[1]
        assert bert[name].estimate.mean > 0.98 * gpt[name].meter.limits[1]
    assert gpt["bleu"].estimate.high > 1.0
    assert bert["slot_error"].estimate.mean == 0.0
    for name in ("distinct_1", "distinct_2"):
        assert gpt[name].estimate.mean == pytest.approx(sum(gpt[name].per_seed) / 3)
        assert gpt[name].estimate.low is None
        assert "texts before it" in gpt[name].estimate.note
    assert 0.5 < gpt["slot_error"].majority < 1.0


def test_texts_differ_in_the_other_metrics_too(tmp_path: Path) -> None:
    written(tmp_path, "causal")
    written(tmp_path, "unilm", share=0.5)
    (contrast,) = only(compare(tmp_path)).contrasts
    gpt, bert = (
        {one.meter.name: one.estimate.mean for one in arm.scores}
        for arm in (contrast.gpt, contrast.bert)
    )
    assert contrast.difference.mean == pytest.approx(bert["slot_error"] - gpt["slot_error"])
    assert contrast.difference.mean > 0.3
    assert contrast.difference.excludes(0.0)
    assert list(contrast.others) == list(gpt)[1:]
    for name, found in contrast.others.items():
        assert found.mean == pytest.approx(bert[name] - gpt[name]), name
    assert contrast.others["bleu"].excludes(0.0)
    assert contrast.others["distinct_1"].low is None


def test_modes_and_decoding_belong_to_a_side_and_epochs_do_not(tmp_path: Path) -> None:
    def config(mode: str, **training: Any) -> dict[str, Any]:
        return {
            "mode": {"name": mode, "updates_factor": 4 if mode == "mask_predict" else 1},
            "decoding": {"search": "greedy", "cache": mode == "causal"},
            "train": {"lr": 1e-3, "epochs": 8} | training,
        }

    for mode in ("causal", "unilm", "mask_predict"):
        written(tmp_path, mode, 1, config=config(mode))
    assert not [one for one in only(compare(tmp_path)).contrasts if one.refused]
    written(tmp_path / "more", "causal", 1, config=config("causal"))
    written(tmp_path / "more", "mask_predict", 1, config=config("mask_predict", epochs=32))
    (contrast,) = only(compare(tmp_path / "more")).contrasts
    assert contrast.refused == ("train.epochs (8 and 32)",)


def test_texts_counted_in_another_way_are_refused(tmp_path: Path) -> None:
    written(tmp_path, "causal")
    written(tmp_path, "unilm", signatures={"bleu": "version:1"})
    (contrast,) = only(compare(tmp_path)).contrasts
    assert contrast.difference is None
    assert any(text.startswith("signatures.bleu (nrefs:2") for text in contrast.refused)
    assert any(text.startswith("signatures.chrf") for text in contrast.refused)


@pytest.mark.parametrize("task", ["ner", "classification", "matching", "generation"])
def test_a_model_against_itself_ties_exactly(tmp_path: Path, task: str) -> None:
    for seed in range(5):
        left = leave(tmp_path, cell(family="gpt", task=task, seed=seed))
        right = leave(tmp_path, cell(family="bert", task=task, seed=seed))
        for name in ("counts.json", "predictions.jsonl"):
            (right / name).write_bytes((left / name).read_bytes())
        spoil(right / "record.json", "counts_digest", value=record.read(left).counts_digest)
    comparison = compare(tmp_path)
    (contrast,) = only(comparison).contrasts
    assert not comparison.warnings
    for found in (contrast.difference, *contrast.others.values(), *contrast.slices.values()):
        assert found.mean == 0.0
        assert not found.excludes(0.0)


def test_samples_are_the_first_texts_of_the_first_run(tmp_path: Path) -> None:
    written(tmp_path, "causal", 2)
    (arm,) = only(compare(tmp_path)).arms
    assert [one.id for one in arm.samples] == ["test:0", "test:1", "test:2"]
    one = arm.samples[0]
    folder = tmp_path / arm.runs[0].folder
    kept = json.loads((folder / "predictions.jsonl").read_text().splitlines()[0])
    assert (one.source, one.text) == (" ".join(kept["words"]), kept["text"])
    assert (one.reference, one.references) == (kept["references"][0], 2)
    assert one.slices == ("short",)


@pytest.mark.parametrize(
    "text", ["{", "[]\n", '{"id": 1}\n', '{"id": 1, "words": [], "references": "a", "text": "b"}\n']
)
def test_samples_that_cannot_be_read_are_left_out(tmp_path: Path, text: str) -> None:
    folder = leave(tmp_path, cell(family="gpt", task="generation"))
    (folder / "predictions.jsonl").write_text(text)
    comparison = compare(tmp_path)
    assert only(comparison).arms[0].samples == ()
    assert not comparison.warnings
    (folder / "predictions.jsonl").unlink()
    assert only(compare(tmp_path)).arms[0].samples == ()


def test_two_pairs_of_a_task_never_cross(tmp_path: Path) -> None:
    sweep(tmp_path, 2)
    sweep(tmp_path, 2, pair="twin", level="twin")
    group = only(compare(tmp_path))
    assert [one.gpt.key.pair for one in group.contrasts] == ["mini", "twin"]
    assert all(one.gpt.key.pair == one.bert.key.pair for one in group.contrasts)
    order = [(arm.key.pair, arm.key.family) for arm in group.arms]
    assert order == [("mini", "gpt"), ("mini", "bert"), ("twin", "gpt"), ("twin", "bert")]


# --- damage -------------------------------------------------------------------------------------


def spoil(path: Path, *keys: str, value: object) -> None:
    whole = json.loads(path.read_text())
    part = whole
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    path.write_text(json.dumps(whole))


@pytest.mark.parametrize(
    "keys, value",
    [
        (("cell",), {"model": "gpt2"}),
        (("cell", "seed"), "three"),
        (("format",), 99),
        (("data", "sizes"), None),
        (("data", "sizes"), {"test": 7}),
        (("data", "digests"), {"test": 1}),
        (("data",), None),
        (("metrics",), ["os.path"]),
        (("metrics",), ["unheard_of"]),
        (("evaluated",), "holdout"),
        (("environment",), ["a"]),
        (("training", "evaluations"), [{"step": 0}]),
        (("training", "cpu_seconds"), "long"),
        (("majority",), {"tp": None}),
        (("outcome",), "finished"),
        (("counts_digest",), "0" * 64),
    ],
)
def test_damaged_records_are_warnings(tmp_path: Path, keys: tuple[str, ...], value: object) -> None:
    leave(tmp_path, cell(family="gpt", seed=0))
    spoil(leave(tmp_path, cell(family="gpt", seed=1)) / "record.json", *keys, value=value)
    comparison = compare(tmp_path)
    assert only(comparison).arms[0].seeds == (0,)
    assert len(comparison.warnings) == 1
    assert "gpt2" in comparison.warnings[0]
    assert comparison.records == 2


@pytest.mark.parametrize(
    "keys, value, what",
    [
        (("columns", "tp"), [1, 2], "expected 300 integers"),
        (("columns", "tp"), [0.5] * 300, "integers"),
        (("columns",), {"tp": [1] * 300}, "is missing"),
        (("units", "slice"), [0] * 7, "expected 7 integers"),
        (("units", "slice"), [9] * 300, "points outside"),
        (("units", "example"), [-1] * 300, "points outside"),
    ],
)
def test_damaged_counts_are_warnings(
    tmp_path: Path, keys: tuple[str, ...], value: object, what: str
) -> None:
    folder = leave(tmp_path, cell(family="gpt"))
    spoil(folder / "counts.json", *keys, value=value)
    spoil(folder / "record.json", "counts_digest", value=None)
    (warning,) = compare(tmp_path).warnings
    assert what in warning


def test_counts_of_another_run_are_refused(tmp_path: Path) -> None:
    first = leave(tmp_path, cell(family="gpt", seed=0))
    second = leave(tmp_path, cell(family="gpt", seed=1))
    (first / "counts.json").write_bytes((second / "counts.json").read_bytes())
    (warning,) = compare(tmp_path).warnings
    assert "not the counts" in warning


def test_missing_counts_are_a_warning(tmp_path: Path) -> None:
    record.write(tmp_path / "run", made(cell(family="gpt")))
    (warning,) = compare(tmp_path).warnings
    assert "no such file" in warning


def test_empty_folder(tmp_path: Path) -> None:
    assert compare(tmp_path) == Comparison(())


def test_records_below_a_folder_that_is_called_checkpoint(tmp_path: Path) -> None:
    leave(tmp_path / "checkpoint", cell(family="gpt"))
    assert compare(tmp_path / "checkpoint").records == 1
    assert compare(tmp_path).records == 0


def test_a_split_without_examples_is_a_warning(tmp_path: Path) -> None:
    leave(tmp_path, cell(family="gpt"), size=0)
    (warning,) = compare(tmp_path).warnings
    assert "no example was judged" in warning


def test_seeds_in_the_configuration_do_not_split_an_arm(tmp_path: Path) -> None:
    for seed in range(3):
        config = {"train": {"lr": 1e-3, "seed": seed}, "seed": seed}
        leave(tmp_path, cell(family="gpt", seed=seed), config=config)
    (arm,) = only(compare(tmp_path)).arms
    assert arm.seeds == (0, 1, 2)
