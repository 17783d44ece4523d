"""One cell from configuration to record, small enough to run in seconds."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cells import composed, small_setup
from transformers import AutoModel

from harness import alarms, diagnosis, experiment, pretrain, record
from harness.backbones.bert import Bert
from harness.backbones.gpt import Gpt
from harness.cells import foundation, probes, view
from harness.comparing import aggregate
from harness.contracts import InputError
from harness.planning import configuration


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.parametrize("task", ["ner", "classification"])
@pytest.mark.parametrize("model", ["gpt2", "bert"])
def test_a_cell_leaves_a_whole_record(tmp_path, shared_cache, model, task):
    setup = small_setup(tmp_path, shared_cache, f"model={model}", task=task, keep=True)
    folder = Path(experiment.execute(setup))
    kept, counts = record.read(folder), record.read_counts(folder)
    assert kept.outcome.status == "finished"
    assert kept.evaluated == "test"
    assert kept.data.sizes == {"train": 96, "dev": 40, "test": 60}
    assert all(len(column) == 60 for column in counts.columns.values())
    assert set(kept.data.caps) >= {"all"}
    assert kept.model.description.endswith("embedded")
    assert kept.model.parameters["trainable"] == kept.model.parameters["total"]
    assert kept.training.evaluations[0].step == 0
    assert kept.model.pretraining["updates"] == 12
    assert not alarms_of_mechanics(kept, counts)
    rows = [json.loads(line) for line in (folder / record.PREDICTIONS).open(encoding="utf-8")]
    assert [row["id"] for row in rows] == [e.id for e in setup.foundation.splits.test]
    if task == "classification":
        assert [int(row["gold"] == row["answer"]) for row in rows] == counts.columns["correct"]
    body = AutoModel.from_pretrained(folder / record.CHECKPOINT)  # the hub's own format
    assert body.config.model_type == model


@pytest.mark.parametrize("task", ["ner", "classification"])
def test_a_cell_leaves_what_a_diagnosis_needs(tmp_path, shared_cache, task):
    setup = small_setup(tmp_path, shared_cache, "model=gpt2", "train.epochs=12", task=task)
    folder = Path(experiment.execute(setup))
    kept, counts = record.read(folder), record.read_counts(folder)
    rows = [json.loads(line) for line in (folder / record.PREDICTIONS).open(encoding="utf-8")]
    answered = [
        (answer == gold, sure)
        for row in rows
        for answer, gold, sure in zip(row["answer"], row["gold"], row["confidence"], strict=True)
        if answer != "O"
    ]
    assert answered
    table = counts.reliability
    assert sum(table["answers"]) == len(answered)
    assert sum(table["right"]) == sum(right for right, _ in answered)
    assert sum(table["confidence"]) == round(sum(sure for _, sure in answered) * 10_000)
    (group,) = aggregate.compare(tmp_path).groups
    found = group.arms[0].diagnosis
    assert diagnosis.calibration(found).answers == len(answered)
    scores = {one.name: one for one in diagnosis.by_type(found)}
    assert scores[diagnosis.MICRO].f1.mean == pytest.approx(group.arms[0].scores[0].estimate.mean)
    if task == "ner":
        entities = [tag for row in rows for tag in row["gold"] if tag.startswith("B-")]
        assert scores[diagnosis.MICRO].support == len(entities) == kept.majority["gold"]
        assert scores["PER"].support == entities.count("B-PER")
        words = diagnosis.token_level(found)
        outside = sum(tag == "O" for row in rows for tag in row["gold"])
        assert words.outside == outside / kept.data.words["test"]
        assert "mentions" not in kept.majority


def alarms_of_mechanics(kept, counts):
    """Alarms about masks and padding; scores of a model this small mean nothing."""
    return [a for a in alarms.examine(kept, counts) if a.number == "11"]


def test_the_same_seed_gives_the_same_bytes(tmp_path, shared_cache):
    files = []
    for place in ("a", "b"):
        setup = small_setup(tmp_path / place, shared_cache, "model=bert")
        folder = Path(experiment.execute(setup))
        files.append([(folder / n).read_bytes() for n in (record.COUNTS, record.PREDICTIONS)])
    assert files[0] == files[1]
    other = small_setup(tmp_path / "c", shared_cache, "model=bert", "seed=1")
    folder = Path(experiment.execute(other))
    assert (folder / record.PREDICTIONS).read_bytes() != files[0][1]


def test_pretraining_twice_gives_the_same_weights(tmp_path):
    digests = [
        small_setup(tmp_path, tmp_path / place, "model=gpt2").foundation.asset.weights_digest
        for place in ("a", "b")
    ]
    assert digests[0] == digests[1]


def test_a_finished_cell_is_not_run_again(tmp_path, shared_cache, monkeypatch):
    setup = small_setup(tmp_path, shared_cache)
    folder = experiment.execute(setup)
    monkeypatch.setattr(experiment, "_run", lambda *_: pytest.fail("ran again"))
    assert experiment.execute(setup) == folder


def test_a_result_outlives_a_model_that_cannot_be_kept(tmp_path, shared_cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.kept.card.write", full)
    setup = small_setup(tmp_path, shared_cache, "model=bert", keep=True)
    told = (
        f"scored and recorded, .* not be kept .No space left.*; make room .* delete {setup.folder}"
    )
    with pytest.raises(InputError, match=told):
        experiment.execute(setup)
    kept = record.read(setup.folder)
    assert kept.outcome.status == "finished"
    assert kept.checkpoint_digest is None
    assert record.read_counts(setup.folder, kept.counts_digest).columns
    assert not (setup.folder / record.CHECKPOINT).exists()


def test_tuning_never_touches_test(tmp_path, shared_cache):
    setup = small_setup(tmp_path, shared_cache, "role=tuning")
    emptied = dataclasses.replace(setup.foundation.splits, test=())
    setup = dataclasses.replace(
        setup, foundation=dataclasses.replace(setup.foundation, splits=emptied)
    )
    folder = Path(experiment.execute(setup))
    assert record.read(folder).evaluated == "dev"
    assert len(record.read_counts(folder).columns["tp"]) == 40


def test_both_models_of_a_pair_see_the_same_batches(tmp_path, shared_cache, monkeypatch):
    seen = {}

    def spy(self, chosen):
        seen[name].append(chosen.tolist())
        return original(self, chosen)

    original = view.Side.batch
    monkeypatch.setattr(view.Side, "batch", spy)
    for name in ("gpt2", "bert"):
        setup = small_setup(tmp_path, shared_cache, f"model={name}")
        seen[name] = []
        experiment.execute(setup)
    gpt, bert = seen.values()
    assert gpt == bert
    assert gpt


def test_a_planted_leak_rings(tmp_path, shared_cache, monkeypatch):
    """A decoder that sees to the right must void its own verdict."""
    monkeypatch.setattr(Gpt, "allowed", Bert.allowed)
    setup = small_setup(tmp_path, shared_cache, "model=gpt2", "model.weights=scratch")
    folder = Path(experiment.execute(setup))
    rung = alarms.examine(record.read(folder), record.read_counts(folder))
    assert any(a.number == "11" and a.severity == "void" for a in rung)


def test_cut_words_are_counted_and_missed(tmp_path, shared_cache):
    setup = small_setup(
        tmp_path, shared_cache, "model=bert", "train.max_length=10", "train.long=cut"
    )
    folder = Path(experiment.execute(setup))
    kept, counts = record.read(folder), record.read_counts(folder)
    assert kept.truncation["cut_examples"] > 0
    assert kept.truncation["cut_units"] > 0
    assert sum(counts.columns["gold"]) == sum(len(e.units) for e in setup.foundation.splits.test)
    rows = [json.loads(line) for line in (folder / record.PREDICTIONS).open(encoding="utf-8")]
    lost = sum(len(row["words"]) - len(row["answer"]) for row in rows)
    assert lost == kept.truncation["cut_words"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (("data.train_limit=100000",), "data.train_limit"),
        (("model.weights=/nowhere",), "config.json"),
        (("model.weights=",), "weights"),
    ],
)
def test_mistakes_are_found_before_training(tmp_path, overrides, said):
    config = composed("task=ner", *overrides)
    with pytest.raises(InputError, match=said):
        foundation.lay((config, str(tmp_path), True))


def test_embedded_weights_refuse_foreign_words(tmp_path):
    fixtures = Path(__file__).parents[1] / "fixtures"
    config = composed("task=ner", "data=conll2003", f"data.path={fixtures}")
    with pytest.raises(InputError, match=r"model\.weights=scratch"):
        foundation.lay((config, str(tmp_path), True))


def test_files_train_a_tokenizer_of_their_own(tmp_path):
    fixtures = Path(__file__).parents[1] / "fixtures"
    for data, task in (("conll2003", "ner"), ("sst2", "classification")):
        setup = small_setup(
            tmp_path, tmp_path / "cache", f"data={data}", f"data.path={fixtures}",
            "model.weights=scratch", "model.vocabulary=200", task=task, small=False,
        )  # fmt: skip
        kept = record.read(Path(experiment.execute(setup)))
        assert kept.data.source == "files"
        assert "scratch" in kept.model.description
        assert kept.model.fertility >= 1
        assert str(fixtures) not in str(kept)


def test_training_on_shuffled_labels_is_chance(tmp_path, shared_cache):
    """Nothing leaks from the labels of test: without a rule to learn there is no score."""
    setup = small_setup(
        tmp_path, shared_cache, "model=bert", "train.epochs=3", task="classification"
    )
    splits = setup.foundation.splits
    rng = np.random.default_rng(0)
    labels = rng.permutation([e.target for e in splits.train]).tolist()
    shuffled = tuple(
        dataclasses.replace(e, target=label) for e, label in zip(splits.train, labels, strict=True)
    )
    splits = dataclasses.replace(splits, train=shuffled)
    setup = dataclasses.replace(
        setup, foundation=dataclasses.replace(setup.foundation, splits=splits)
    )
    columns = record.read_counts(Path(experiment.execute(setup))).columns
    assert abs(sum(columns["correct"]) / 60 - 0.5) < 4 * 0.5 / 60**0.5


def test_a_crashing_build_leaves_no_asset(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrain, "pretrain", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        small_setup(tmp_path, tmp_path / "cache")
    assert not [p for p in (tmp_path / "cache" / "models").iterdir() if p.is_dir()]


def test_identity_ignores_places_and_sees_content(tmp_path, shared_cache):
    one = small_setup(tmp_path / "a", shared_cache)
    elsewhere = small_setup(tmp_path / "b", shared_cache)
    assert one.identity == elsewhere.identity
    for override in ("seed=1", "train.lr=0.01", "data.seed=1", "model.label_piece=first"):
        assert small_setup(tmp_path, shared_cache, override).identity != one.identity, override


def test_targets_in_configuration_are_ours():
    assert set(configuration.targets(composed())) <= {
        t for t in configuration.targets(composed()) if t.startswith(("harness.", "tasks."))
    }
    assert probes.TOLERANCE["causal"] == 1e-6
