"""Data sets as the hub keeps them, made on disk from rows: for tests, without network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from harness.contracts import Splits
from harness.planning import configuration

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures"

TEXT = datasets.Value("string")
NUMBER = datasets.Value("int32")
SENTIMENT = ("negative", "positive")
TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")
_KINDS = ("corporation", "creative-work", "group", "location", "person", "product")
EMERGING = ("O", *(f"{letter}-{kind}" for kind in _KINDS for letter in "BI"))

datasets.disable_progress_bars()


def classes(names: Sequence[str]) -> Any:
    return datasets.ClassLabel(names=list(names))


def made(features: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> Any:
    """A split: one row per entry, with a value for every feature."""
    found = {name: [row[place] for row in rows] for place, name in enumerate(features)}
    return datasets.Dataset.from_dict(found, features=datasets.Features(dict(features)))


def repository(root: Path, splits: Mapping[str, Any], form: str = "data/{}-00000-of-00001") -> Path:
    """A copy of a repository: one Parquet file a split."""
    for name, split in splits.items():
        file = root / f"{form.format(name)}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        split.to_parquet(file)
    return root


def readme(
    root: Path, config: str, folder: str, splits: Mapping[str, Any], more: str = "", told: str = ""
) -> None:
    """The header by which a repository says what it holds."""
    files = "".join(f"  - split: {s}\n    path: {folder}/{s}-*\n" for s in splits)
    size = "  - name: {}\n    num_bytes: 1\n    num_examples: {}\n"
    sizes = "".join(size.format(split, len(dataset)) for split, dataset in splits.items())
    (root / "README.md").write_text(
        f"---\nlicense: unknown\nconfigs:\n- config_name: {config}\n  data_files:\n{files}{more}"
        f"dataset_info:\n- config_name: {config}\n  splits:\n{sizes}{told}---\n# A card\n"
    )


def saved(root: Path, splits: Mapping[str, Any]) -> Path:
    datasets.DatasetDict(dict(splits)).save_to_disk(root)
    return root


def configured(*words: str) -> Splits:
    """What a command that is given these words reads."""
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        config = OmegaConf.to_container(compose("config", list(words)), resolve=True)
    assert isinstance(config, dict)
    splits = configuration.build(config["data"], "data")
    assert isinstance(splits, Splits)
    return splits
