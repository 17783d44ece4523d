import dataclasses
import json

import pytest
from synthetic import TRAINING, cell, made

from harness import contracts, record
from harness.comparing import shelf

CELL = record.Cell(
    "gpt2", "gpt", "mini", "match", "embedded", "ner", "world", "causal", "full", 0, "result"
)


def example() -> record.Record:
    return record.Record(
        identity="ab" * 32,
        experiment_version=1,
        cell=CELL,
        outcome=record.Outcome("finished"),
        config={"seed": 0},
        environment={"cpu": "x"},
        metrics=["entity_f1"],
        unseen_classes=[],
        training=record.TrainLog(
            1, 2, 3, 4, 0.1, 10, [0.5], [record.Evaluation(0, 0, 0, 0.0, 0.0, 0.1)], 0, False, 1, 2
        ),
    )


def test_what_is_written_is_read(tmp_path):
    parts = ({"tp": [1, 0]}, {"example": [0]}, ["R"], ["Mira"])
    counts = record.CountTable(*parts, {"gold": [-1]}, ["LOC"], {"answers": [3]})
    record.write(tmp_path / "a", example(), counts, [{"id": "x", "words": ["é|<b>"]}])
    back = record.read(tmp_path / "a")
    assert dataclasses.replace(back, counts_digest=None) == example()
    assert record.read_counts(tmp_path / "a") == counts
    line = (tmp_path / "a" / record.PREDICTIONS).read_text(encoding="utf-8")
    assert json.loads(line) == {"id": "x", "words": ["é|<b>"]}


def test_counts_of_a_judgement_are_written_whole():
    names = [field.name for field in dataclasses.fields(record.CountTable)]
    assert names == [field.name for field in dataclasses.fields(contracts.Counts)]


def test_counts_from_before_diagnosis_are_read(tmp_path):
    text = '{"columns":{"tp":[1]},"keys":[],"slices":[],"units":{}}'
    (tmp_path / record.COUNTS).write_text(text)
    found = record.read_counts(tmp_path)
    assert found.columns == {"tp": [1]}
    assert (found.mentions, found.types, found.reliability) == ({}, (), {})


def test_no_record_before_everything_else_is_there(tmp_path, monkeypatch):
    def fail(path, text):
        if path.name == record.PREDICTIONS:
            raise OSError(28, "No space left on device")
        return original(path, text)

    original = record.write_text
    monkeypatch.setattr(record, "write_text", fail)
    with pytest.raises(OSError, match="No space"):
        record.write(tmp_path / "a", example(), record.CountTable({"tp": [1]}))
    assert list(record.folders(tmp_path)) == []


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    record.write_text(path, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        record.write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "damaged"),
        ("[]", "expected a JSON object"),
        ('{"format": 99}', "format 99"),
        ('{"format": 1}', "not a record"),
        ('{"format": 1, "cell": {"new": 1}, "outcome": {}}', "not a record"),
    ],
)
def test_damage_is_named(tmp_path, text, said):
    (tmp_path / record.RECORD).write_text(text)
    with pytest.raises(record.RecordError, match=said) as caught:
        record.read(tmp_path)
    assert record.RECORD in str(caught.value)


def test_not_a_number_is_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        record.write(tmp_path, example(), record.CountTable({"tp": [float("nan")]}))


def test_what_training_cost_is_read_on_the_clock_of_what_did_it():
    here = dataclasses.replace(made(cell()), environment={"cpu": "Xeon"})
    there = dataclasses.replace(here, environment={"cpu": "Xeon", "gpu": "H200"})
    assert TRAINING.wall_seconds != TRAINING.cpu_seconds
    assert here.training_seconds == TRAINING.cpu_seconds
    assert there.training_seconds == TRAINING.wall_seconds
    assert dataclasses.replace(there, training=None).training_seconds is None
    assert [shelf.hardware(one.environment) for one in (here, there)] == ["Xeon", "H200"]
