"""The plan: read, checked, kept by its digest, and never part of what a run is."""

import dataclasses
import json
import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from harness import plan
from harness.contracts import InputError
from harness.planning import configuration

CONF = Path(__file__).parents[2] / "conf"


def text(**changes):
    raw = yaml.safe_load(plan.DEFAULT.read_text())
    return yaml.safe_dump(raw | changes)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "mine.yaml"


def test_the_default_is_what_a_run_gets():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = OmegaConf.to_container(compose("config"), resolve=True)
    assert configuration.build(config["plan"], "plan").digest == plan.default().digest


def test_margins_differ_by_kind_of_data():
    found = plan.default()
    assert found.margin("accuracy", embedded=True) == 2 * found.margin("accuracy", embedded=False)
    assert found.margin("unheard_of", embedded=False) is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"margins": {"accuracy": 0}}, "plan.margins.accuracy=0"),
        ({"margins": {"accuracy": "wide"}}, "plan.margins.accuracy=wide"),
        ({"margins": [0.1]}, "plan.margins"),
        ({"embedded": {"entity_f1": -1}}, "plan.embedded.entity_f1=-1"),
        ({"cost_ratio": 1.0}, "plan.cost_ratio=1.0"),
        ({"alpha": 0.6}, "plan.alpha=0.6"),
        ({"power": True}, "plan.power=True"),
        ({"primary": "ner"}, "plan.primary"),
        ({"primary": [1]}, "plan.primary"),
        ({"name": date(2026, 1, 2)}, "plan.name=2026-01-02"),
        ({"margins": {1: 0.1}}, "plan.margins"),
        ({"margin": 0.1}, "'margin'"),
    ],
)
def test_a_plan_that_makes_no_sense_is_named_by_its_key(file, changes, named):
    file.write_text(text(**changes))
    with pytest.raises(InputError) as error:
        plan.load(file)
    assert named in str(error.value)
    assert str(file) in str(error.value)


def test_a_plan_lacks_nothing(file):
    raw = yaml.safe_load(plan.DEFAULT.read_text())
    del raw["alpha"]
    file.write_text(yaml.safe_dump(raw))
    with pytest.raises(InputError, match="alpha is missing"):
        plan.load(file)


@pytest.mark.parametrize("content", ["", "- 1", "a: [", "\x00"])
def test_a_file_that_is_no_plan(file, content):
    file.write_text(content)
    with pytest.raises(InputError, match="plan"):
        plan.load(file)


def test_no_such_file(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml"):
        plan.load(tmp_path / "nowhere.yaml")


def test_kept_under_its_digest_and_read_back(tmp_path):
    found = plan.default()
    plan.write(tmp_path / "one", found)
    plan.write(tmp_path / "one", found)
    assert [one.digest for one in plan.kept(tmp_path)] == [found.digest]


def test_a_kept_plan_that_was_changed_is_not_the_one_that_was_kept(tmp_path):
    plan.write(tmp_path, plan.default())
    (place,) = tmp_path.rglob("*.json")
    raw = json.loads(place.read_text())
    place.write_text(json.dumps(raw | {"alpha": 0.2}))
    assert list(plan.kept(tmp_path)) == []
    shutil.copy(place, place.with_name("junk.json"))
    (place.parent / "broken.json").write_text("{")
    (place.parent / "folder.json").mkdir()
    assert list(plan.kept(tmp_path)) == []


def test_every_value_counts_in_the_digest():
    base = plan.default()
    changes = {"alpha": 0.04, "margins": {"accuracy": 0.02}, "fewest_seeds": 3, "primary": ["ner"]}
    others = {dataclasses.replace(base, **{k: v}).digest for k, v in changes.items()}
    assert len(others | {base.digest}) == len(changes) + 1
