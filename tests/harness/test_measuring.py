"""Which models are measured, which meet in a race, and what is said where none can be."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

import measured
import pytest

from harness import measurement, measuring, record
from harness.cells.isolate import Done, Failed, Job
from harness.planning import setup as setups

FAMILY = {"gpt2": "gpt", "bert": "bert", "twin_gpt": "gpt"}


WEIGHTS = {record.BODY: b"body", record.HEAD: b"head"}
DIGEST = hashlib.sha256(b"bodyhead").hexdigest()


def setup(model="gpt2", task="ner", mode="-", weights="embedded", pair="mini", seed=0, digest="d"):
    cell = SimpleNamespace(
        model=model, family=FAMILY[model], task=task, mode=mode, weights=weights, pair=pair,
        seed=seed, strategy="full", data="world",
    )  # fmt: skip
    foundation = SimpleNamespace(digests={"test": digest})
    name = f"{task}-{model}-{weights}-s{seed}-0"
    return SimpleNamespace(
        cell=cell, foundation=foundation, name=name, folder=Path("runs", name), trains=True,
        config={},
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _kept(monkeypatch):
    monkeypatch.setattr(measuring, "digest", lambda one: DIGEST if one.cell.seed == 0 else None)


def test_one_of_each_kept_model_is_measured():
    all_ = [setup(seed=0), setup(seed=1), setup("bert"), setup("bert", weights="scratch")]
    assert measuring.worth(all_) == [all_[0], all_[2]]


def test_untrained_models_are_measured_where_there_are_no_others():
    only = setup("bert", weights="scratch")
    assert measuring.worth([only]) == [only]


def test_decoder_and_encoder_of_a_pair_meet_in_every_mode():
    gpt, bert = setup(task="generation"), setup("bert", task="generation", mode="unilm")
    other = setup("bert", task="generation", mode="mask_predict")
    assert list(measuring.pairs([bert, other, gpt])) == [(gpt, bert), (gpt, other)]


@pytest.mark.parametrize("other", [{"task": "ner2"}, {"pair": "twin"}, {"digest": "e"}], ids=str)
def test_unlike_cells_do_not_meet(other):
    assert not list(measuring.pairs([setup(), setup("bert", **other)]))


# --- what is told and made again ------------------------------------------------------------------


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Of a command; its jobs answer as `ran` says, by title and name."""
    ran: dict[str, Done | Failed] = {}

    def run(jobs, workers, limit, title):
        for job in jobs:
            yield job, ran.get(f"{title} {job.name}", Done(()))

    monkeypatch.setattr(measuring.pool, "run", run)
    monkeypatch.setattr(setups, "outcome", lambda _: "finished")
    monkeypatch.chdir(tmp_path)
    for one in (setup(), setup("bert"), setup("bert", task="other")):
        folder = one.folder / record.CHECKPOINT
        folder.mkdir(parents=True)
        for name, content in WEIGHTS.items():
            (folder / name).write_bytes(content)
    place = {"device": "cpu", "precision": "float32", "workers": 1}
    return {
        "probe": {"name": "quick"}, "race": None, "results": str(tmp_path),
        "cache": str(tmp_path / "cache"), "ran": ran, **place,
    }  # fmt: skip


def test_a_finished_model_that_was_not_kept_is_told(config):
    told = measuring.measure([setup(seed=1), setup(seed=2), setup("bert", seed=0)], config)
    assert (told.count, len(told.failed)) == (2, 1)
    (name, reason), *_ = told.failed
    assert name == "ner-gpt2-embedded-s1-0"
    assert "checkpoint=all" in reason
    assert "delete runs/ner-gpt2-embedded-s1-0" in reason


def test_other_seeds_of_a_kept_model_are_not_missed(config):
    assert not measuring.measure([setup(seed=0), setup(seed=1)], config).failed


def test_a_cell_that_tunes_nothing_is_not_missed(config):
    asked = setup(seed=1)
    asked.config = {"strategy": {"_target_": "harness.strategies.prompt.Prompt"}}
    told = measuring.measure([setup(), asked], config)
    assert (told.count, told.failed) == (1, [])


def test_a_race_without_a_pair_is_told(config):
    told = measuring.measure([setup(), setup("bert", task="other")], {**config, "race": {"n": 1}})
    assert told.failed == [("race", measuring.NO_PAIR)]
    assert told.count == 3


def test_a_damaged_measurement_is_made_again(config, tmp_path):
    (job,) = measuring._probes([setup()], config)
    place = Path(job.argument.file)
    place.parent.mkdir(parents=True)
    place.write_text('{"trunc', encoding="utf-8")
    assert measuring.measure([setup()], config).already == 0
    whole = measured.probe(measured.architecture("gpt"))
    measurement.write(place, whole)
    assert measuring.measure([setup()], config).already == 1


def test_no_probe_is_begun_whose_memory_was_not_read(config, monkeypatch):
    begun = list[Job]()
    run = measuring.pool.run

    def watched(jobs, workers, limit, title):
        begun.extend(job for job in jobs if title == "speed")
        yield from run(jobs, workers, limit, title)

    monkeypatch.setattr(measuring.pool, "run", watched)
    config["ran"][f"memory {setup().name}"] = Failed("killed by hand")
    told = measuring.measure([setup(), setup("bert")], config)
    assert told.failed == [("probe-ner-gpt2-embedded-s0", "killed by hand")]
    assert [job.name for job in begun] == ["probe-ner-bert-embedded-s0"]


@pytest.mark.parametrize("name", [record.BODY, record.HEAD])
@pytest.mark.parametrize("content", [None, b"other"], ids=["deleted", "changed"])
def test_weights_that_are_not_those_on_record_are_not_measured(config, name, content):
    file = setup().folder / record.CHECKPOINT / name
    file.unlink() if content is None else file.write_bytes(content)
    told = measuring.measure([setup(), setup("bert")], {**config, "race": {"name": "quick"}})
    assert [name for name, _ in told.failed] == [
        "probe-ner-gpt2-embedded-s0",
        "race-ner-world-gpt2-bert-x",
    ]
    for _, reason in told.failed:
        assert str(setup().folder / record.CHECKPOINT) in reason
        assert f"delete {setup().folder} and run" in reason
