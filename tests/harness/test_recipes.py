"""The recipes: files as their comments describe them, planned as a command line plans them.

A whole run of each from the command line is in tests/slow.
"""

from __future__ import annotations

import csv
import functools
import re
from pathlib import Path
from typing import Any

import pytest
import recipe_files
from cells import CONF, composed
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from harness import metrics, plan
from harness.cells import foundation
from harness.contracts import InputError, Splits
from harness.planning import configuration, expansion
from harness.planning.expansion import Planned

FORMS = {
    "intent": ("classification", "accuracy"),
    "sentiment": ("classification_skewed", "macro_f1"),
    "recommendation": ("ranking", "ndcg_10"),
    "dialogue": ("generation", "bleu"),
}
"""Task and headline of each."""

EVERY = pytest.mark.parametrize("recipe", FORMS)


def planned(name: str, *overrides: str) -> list[Planned]:
    """The cells that `python -m harness.run sweep=name overrides` would run."""
    words = [f"sweep={name}", *overrides]
    config = composed(*words)  # as the command composes it, before it looks at cells
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return list(expansion.expand(config, words))


def on_file(recipe: str, file: Path, *overrides: str) -> list[Planned]:
    data = ["data=files"] if recipe == "intent" else []
    return planned(recipe, *data, f"data.path={file}", *overrides)


def one_of(recipe: str, file: Path, *overrides: str) -> Any:
    """The configuration of one cell, as most is the same for all of them."""
    (found,) = on_file(recipe, file, "seed=0", "model=bert_4x256", *overrides)
    return found.config


@functools.cache
def comment(recipe: str) -> str:
    lines = (CONF / "sweep" / f"{recipe}.yaml").read_text(encoding="utf-8").splitlines()
    return "\n".join(line.removeprefix("#")[1:] for line in lines if line.startswith("#"))


def read(config: Any) -> Splits:
    found: Splits = configuration.build(config["data"], "data")
    return found


@EVERY
def test_a_recipe_runs_both_models_on_five_seeds_alike(recipe: str, tmp_path: Path) -> None:
    found = on_file(recipe, recipe_files.write(tmp_path, recipe))
    sides: dict[str, list[Any]] = {"gpt": [], "bert": []}
    for one in found:
        configuration.check(one.config)
        family = "gpt" if "gpt" in one.config["model"]["name"] else "bert"
        sides[family].append((one.config["seed"], one.config["train"], one.config["data"]))
    assert [seed for seed, *_ in sides["gpt"]] == [0, 1, 2, 3, 4]
    assert sides["gpt"] == sides["bert"]
    assert f"{len(found)} cells" in comment(recipe)


@EVERY
def test_a_recipe_asks_its_task_and_lays_its_data(recipe: str, tmp_path: Path) -> None:
    task, headline = FORMS[recipe]
    found = on_file(recipe, recipe_files.write(tmp_path, recipe), "seed=0")
    assert [one.choices["task"] for one in found] == [task, task]
    for one in found:
        laid = foundation.lay((one.config, str(tmp_path), False))
        asked = configuration.build(one.config["task"], "task").metrics(laid.splits)
        assert asked[0] == headline
        assert laid.splits.test
        assert laid.splits.name == recipe


@EVERY
def test_the_file_in_the_comment_is_one_that_can_be_read(recipe: str, tmp_path: Path) -> None:
    """Its lines as they stand there, each with 15 other words so that there is enough to divide."""
    head = ",".join(recipe_files.HEADS[recipe])
    lines = comment(recipe).splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith(head))
    rows = list(csv.reader(line.strip() for line in lines[start : start + 3]))
    assert {len(row) for row in rows} == {len(recipe_files.HEADS[recipe])}
    file = tmp_path / "shown.csv"
    with file.open("w", newline="", encoding="utf-8") as handle:
        more = [[f"{first} {i}", *rest] for first, *rest in rows[1:] for i in range(15)]
        csv.writer(handle).writerows([rows[0], *more])
    found = read(one_of(recipe, file))
    assert sum(map(len, (found.train, found.dev, found.test))) == 30


@EVERY
def test_every_command_in_the_comment_can_be_planned(recipe: str) -> None:
    text = comment(recipe).replace("\\\n", " ")
    commands = re.findall(
        r"python -m harness\.run ((?:-m )?[^`\n]*sweep=[^`\n]*?)(?:   |`|\n)", text
    )
    assert len(commands) >= 3
    for command in commands:
        words = [word for word in command.split() if "=" in word]
        name = next(word.removeprefix("sweep=") for word in words if word.startswith("sweep="))
        several = [word.split(",")[0] for word in words if not word.startswith("sweep=")]
        assert name == recipe
        chosen = {word.partition("=")[0] for word in several}
        few = [w for w in ("seed=0", "model=bert_4x256") if w.partition("=")[0] not in chosen]
        assert len(planned(name, *several, *few)) in (1, 2), command


def test_own_columns_are_named_on_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    text = recipe_files.write(tmp_path, "sentiment").read_text(encoding="utf-8")
    file.write_text(text.replace("text,label", "sentence,mood", 1), encoding="utf-8")
    one = one_of("sentiment", file, "data.text=sentence", "data.label=mood")
    assert read(one).labels == ("negative", "neutral", "positive")


def test_a_path_is_meant_from_where_the_command_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe_files.write(tmp_path, "sentiment")
    monkeypatch.chdir(tmp_path)
    assert read(one_of("sentiment", Path("sentiment.csv"))).train


def test_classes_are_divided_by_their_share(tmp_path: Path) -> None:
    found = read(one_of("sentiment", recipe_files.write(tmp_path, "sentiment")))
    for part in (found.train, found.dev, found.test):
        seen = [found.labels[example.target] for example in part]
        for label, (_, count) in recipe_files.MOODS.items():
            assert abs(seen.count(label) - len(seen) * count / 123) <= 1, label


def test_the_candidates_of_a_query_stay_on_one_side(tmp_path: Path) -> None:
    found = read(
        on_file("recommendation", recipe_files.write(tmp_path, "recommendation"))[0].config
    )
    sides = [{e.words for e in part} for part in (found.train, found.dev, found.test)]
    assert sum(map(len, sides)) == len(set().union(*sides)) == recipe_files.QUERIES
    assert len(found.test) == recipe_files.CANDIDATES * len(sides[2])


def test_one_side_of_pairs_is_named_or_refused(tmp_path: Path) -> None:
    file = recipe_files.write(tmp_path, "recommendation")
    with pytest.raises(InputError, match=r"data\.together=query: expected example or text"):
        read(one_of("recommendation", file, "data.together=query"))


def test_what_a_ranking_cannot_judge_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    file = recipe_files.write(tmp_path, "recommendation")
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r",([01])\r?$", r",grade \1", text, flags=re.MULTILINE), "utf-8")
    with pytest.raises(InputError, match=r"labels grade 0, grade 1 means relevant"):
        foundation.lay((one_of("recommendation", file), str(tmp_path), False))
    named = one_of("recommendation", file, "task.positive='grade 1'")
    assert foundation.lay((named, str(tmp_path), False)).splits.test


def test_a_searched_rate_goes_before_the_recipes_own() -> None:
    """Banking77 has no search on record; the embedded world has one for each model."""
    asked = planned("intent", "data=banking77", "seed=0")
    assert {one.config["train"]["lr"] for one in asked} == {5e-4}
    for model in ("gpt2", "bert"):
        (one,) = planned("intent", "data=world", f"model={model}", "seed=0")
        assert one.config["train"]["lr"] == one.config["tuning"]["chosen"]


def test_the_search_behind_a_recipe_is_equal_and_of_its_setting() -> None:
    search, asked = planned("intent_lr", "seed=1000"), planned("intent", "seed=0")
    trials: dict[str, list[Any]] = {}
    for one in search:
        assert one.config["role"] == "tuning"
        run = one.config["train"]["lr"], one.config["seed"]
        trials.setdefault(one.config["model"]["name"], []).append(run)
    assert trials["gpt2_4x256"] == trials["bert_4x256"]
    assert len(search) == 8  # of two seeds

    def setting(one: Planned) -> Any:
        return configuration.searched(configuration.scientific(one.config, writes=False))

    for name in trials:
        ours, theirs = (
            next(setting(one) for one in cells if one.config["model"]["name"] == name)
            for cells in (asked, search)
        )
        assert ours == theirs


def test_every_headline_of_a_recipe_has_a_margin_and_a_question() -> None:
    found = plan.default()
    for task, headline in FORMS.values():
        assert found.margin(headline, embedded=False) == (1.0 if headline == "bleu" else 0.01)
        assert task in found.primary
        assert metrics.meter(headline).title


def test_the_choices_of_tasks_build() -> None:
    for task in ("ranking", "classification_skewed"):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            node = OmegaConf.to_container(compose("config", [f"task={task}"]).task)
        assert isinstance(node, dict)
        assert configuration.build({str(k): v for k, v in node.items()}, "task").shape == "label"
