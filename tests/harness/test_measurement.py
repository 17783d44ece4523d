"""Files of measurements: read as written, refused where damaged."""

import json
from dataclasses import asdict

import pytest

from harness import measurement, record
from harness.measurement import Energy, Measurement, Series, Stage, Subject
from harness.record import RecordError

SUBJECT = Subject(
    "gpt2, mini, 0.66 M parameters, embedded", "gpt2", "gpt", "mini", "same data and size",
    "embedded", "ner", "world", "causal", "full", "c" * 64, "d" * 64,
)  # fmt: skip


def example() -> Measurement:
    return Measurement(
        kind="probe",
        identity="e" * 64,
        subjects=[SUBJECT],
        settings={"name": "quick"},
        environment={"cpu": "some"},
        series=[Series("offline", 0, [0.5], [0.4], {"examples": [8]}, shape={"batch_size": 8})],
        memory={"0": [Stage("start", 0.1, 10, None, why="no /proc")]},
        energy=[Energy("offline", 10.0, 1.0, 5.0, {"examples": 8})],
        not_measured={"energy": "no GPU"},
    )


def test_read_as_written(tmp_path):
    place = measurement.path(tmp_path, "probe-ner", "e" * 64)
    measurement.write(place, example())
    assert record.canonical(asdict(measurement.read(place))) == record.canonical(asdict(example()))
    assert list(measurement.files(tmp_path)) == [place]


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("format",), 2),
        (("series",), None),
        (("series", 0, "wall_seconds"), "fast"),
        (("subjects", 0, "model"), 3),
        (("memory", "0"), [{"name": "start"}]),
        (("extra",), 1),
    ],
)
def test_damage_is_named(tmp_path, keys, value):
    place = measurement.path(tmp_path, "probe-ner", "e" * 64)
    measurement.write(place, example())
    raw = json.loads(place.read_text())
    part = raw
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    place.write_text(json.dumps(raw))
    with pytest.raises(RecordError, match=r"probe-ner"):
        measurement.read(place)


def test_another_machine_is_another_measurement():
    def identity(machine):
        return measurement.identify("probe", ["d"], {"name": "quick"}, {"cpu": machine})

    assert identity("a") == identity("a") != identity("b")
