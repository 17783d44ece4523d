"""Ranking from scores to the report: a tuned model's log-odds, and records whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recipe_files
from cells import small_setup
from rendered import assert_rectangular, rows
from synthetic import cell, data, made, table

from harness import choose, claims, experiment, metrics, plan, record
from harness.comparing import findings
from harness.comparing.findings import Findings
from harness.comparing.verdicts import BERT, PRIMARY, TIE
from harness.contracts import Example
from harness.metrics import ndcg_10
from harness.record import Record
from harness.report import render
from tasks.ranking import METRICS, Ranking

QUERIES, CANDIDATES = 200, 6
TASK = Ranking()
LABELS = ("no", "yes")
EXAMPLES = tuple(
    Example(f"e{q}.{i}", ("query", str(q)), int(i < 2), (), ("item", str(i)))
    for q in range(QUERIES)
    for i in range(CANDIDATES)
)
GOLD = np.array([example.target for example in EXAMPLES])
HARD = np.random.default_rng(1).normal(size=len(GOLD))
"""What both models find hard."""


def leave(root: Path, family: str, seed: int, skill: float) -> None:
    """One run that scores relevant candidates higher by its skill, in standard deviations."""
    noise = np.random.default_rng([seed, family == "bert"]).normal(size=len(GOLD))
    scores = skill * GOLD + 0.9 * HARD + 0.4 * noise
    answers = [(int(score > skill / 2),) for score in scores]
    counts = TASK.judge(EXAMPLES, answers, LABELS, scores.tolist())
    ties = TASK.judge(EXAMPLES, answers, LABELS, [0.0] * len(GOLD))
    found = kept("ranking", family, seed, METRICS, metrics.totals(METRICS, ties.columns))
    record.write(root / f"{family}-{seed}", found, table(counts.columns, {}, (), ()))


def kept(
    task: str, family: str, seed: int, named: Sequence[str], majority: Mapping[str, int]
) -> Record:
    """A finished record of a task with labels on a user's own files."""
    of = cell(family=family, task="matching", data="mine", seed=seed, weights="folder")
    facts = data(of, len(GOLD), source="files", classes=LABELS, caps={})
    found = made(of, len(GOLD), metrics=named, majority=majority, data=facts)
    digest = record.digest([task, family, seed])
    return replace(found, cell=replace(of, task=task), identity=digest)


def runs(root: Path, gpt: float, bert: float) -> Path:
    for seed in range(5):
        leave(root, "gpt", seed, gpt)
        leave(root, "bert", seed, bert)
    return root


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """BERT orders candidates much better."""
    return runs(tmp_path_factory.mktemp("apart"), 0.8, 1.6)


@pytest.fixture(scope="module")
def apart(records: Path) -> Findings:
    return findings.find([records], plan.default())


def test_the_better_order_is_chosen(apart: Findings) -> None:
    (one,) = apart.verdicts
    assert (one.answer, one.family.kind, one.meter.name) == (BERT, PRIMARY, "ndcg_10")
    assert one.decision is not None
    assert one.decision.margin == 0.01
    assert one.contrast.others.keys() == {"auc", "query_auc", "mrr"}
    for name, other in one.contrast.others.items():
        assert other.mean > 0, name
        assert other.excludes(0.0), name


def test_equal_skill_is_no_difference(tmp_path: Path) -> None:
    wide = replace(plan.default(), margins={"ndcg_10": 0.05})
    (one,) = findings.find([runs(tmp_path, 3.2, 3.2)], wide).verdicts
    assert one.answer == TIE
    assert one.advantage is not None
    assert not one.advantage.excludes(0.0)


def test_the_report_shows_every_metric_with_its_floor(apart: Findings) -> None:
    text = render(apart)
    assert_rectangular(text)
    assert "Choose **BERT** for ranking" in text
    for name in METRICS:
        assert f"\n{metrics.meter(name).title}:\n" in text, name
    floors = {
        score.meter.name: score.majority for score in apart.comparison.groups[0].arms[0].scores
    }
    assert floors["auc"] == floors["query_auc"] == 0.5
    by_chance = ndcg_10.of_query([0.0] * CANDIDATES, [1, 1, 0, 0, 0, 0])
    assert floors["ndcg_10"] == pytest.approx(by_chance, abs=1e-6)
    assert rows(text, "ranking on mine", "nDCG@10")


def test_no_run_rings_an_alarm(apart: Findings) -> None:
    arms = [arm for group in apart.comparison.groups for arm in group.arms]
    assert sum(len(arm.runs) for arm in arms) == 10
    assert not [run.alarms for arm in arms for run in arm.runs if run.alarms]


def test_a_ranking_is_no_evidence_about_matching(apart: Findings) -> None:
    """C2 is about accuracy on pairs, so an order of candidates does not decide it."""
    (one,) = [each for each in claims.judge(apart) if each.claim.id == "C2"]
    assert one.status == "not tested"


def test_lines_of_business_stay_untested_and_name_their_recipe() -> None:
    recipes = dict(
        zip([one.tasks for one in claims.APPLICATIONS], claims.APPLICATIONS, strict=True)
    )
    wanted = {
        "classification": "sweep=intent",
        "classification_skewed": "sweep=sentiment",
        "ranking": "sweep=recommendation",
        "generation": "sweep=dialogue",
    }
    assert recipes.keys() == wanted.keys()
    for task, recipe in wanted.items():
        assert recipe in recipes[task].how


def test_a_model_can_be_chosen_by_its_order(
    records: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert choose.main(["task=ranking", f"results={records}"]) == 0
    told = capsys.readouterr().out
    assert "choose bert" in told
    assert "nDCG@10" in told


def test_macro_f1_as_a_headline_reaches_the_report(tmp_path: Path) -> None:
    """Its sums are made of columns, also where alarms look at the headline."""
    size = len(GOLD)
    rng, gold = np.random.default_rng(0), np.arange(size) % 8 // 7  # one in eight
    names = ("macro_f1", "accuracy", "mcc")
    for family, share in (("gpt", 0.6), ("bert", 0.95)):
        for seed in range(5):
            right = (rng.random(size) < share).astype(int)
            columns = {"correct": right, "total": right * 0 + 1, "gold": gold}
            columns["pred"] = np.where(right, gold, 1 - gold)
            rule = {**columns, "pred": gold * 0}
            found = kept(
                "classification_skewed", family, seed, names, metrics.totals(["macro_f1"], rule)
            )
            record.write(tmp_path / f"{family}-{seed}", found, table(columns, {}, (), ()))
    found_all = findings.find([tmp_path], plan.default())
    assert not found_all.comparison.warnings
    (one,) = found_all.verdicts
    assert (one.answer, one.meter.name, one.family.kind) == (BERT, "macro_f1", PRIMARY)


# --- from a tuned model ---------------------------------------------------------------------------


TINY = (
    "model=bert_4x256",
    "model.architecture.hidden_size=32",
    "model.architecture.num_hidden_layers=1",
    "model.architecture.num_attention_heads=2",
    "model.vocabulary=200",
    "data=files",
    "data.together=text",
    "train.lr=2e-3",
    "task.headline=auc",
)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one tiny run."""
    root = tmp_path_factory.mktemp("tuned")
    file = recipe_files.write(root, "recommendation")
    words = (*TINY, f"data.path={file}", "data.train_limit=200")
    setup = small_setup(root, root / "cache", *words, task="ranking", small=False)
    return Path(experiment.execute(setup))


def test_a_tuned_model_is_judged_by_its_scores(tuned: Path) -> None:
    run, counts = record.read(tuned), record.read_counts(tuned)
    assert tuple(run.metrics) == ("auc", "ndcg_10", "query_auc", "mrr")
    assert run.training is not None
    assert run.training.evaluations[0].score != 0.5  # a fresh head orders too, by chance
    assert sum(counts.columns["queries"]) >= 10
    assert run.majority is not None
    assert run.majority["auc_won"] == run.majority["auc_pairs"]


def test_scores_are_more_than_two_classes(tuned: Path) -> None:
    """By classes alone two numbers of pairs could be won on either side, and no more."""
    won = np.array(record.read_counts(tuned).columns["auc_won"])
    assert len(set(won.tolist())) > 10


Judge = Callable[..., Any]


def test_a_higher_score_is_a_likelier_relevant_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores as the task gets them, against the answers and confidences of the same model."""
    seen: list[tuple[Any, Any]] = []
    judge: Judge = Ranking.judge

    def spy(self: Ranking, examples: Any, answers: Any, classes: Any, scores: Any) -> Any:
        seen.append((answers, scores))
        return judge(self, examples, answers, classes, scores)

    monkeypatch.setattr(Ranking, "judge", spy)
    file = recipe_files.write(tmp_path, "recommendation")
    for positive in ("0", "1"):
        words = (*TINY, f"data.path={file}", "data.train_limit=60", f"task.positive='{positive}'")
        setup = small_setup(tmp_path, tmp_path / "cache", *words, task="ranking", small=False)
        seen.clear()
        experiment.execute(setup)
        for answers, scores in seen[:-1]:  # the last one is the rule that ties all
            wanted = [(score > 0) == (positive == "1") for score in scores]
            assert [bool(answer) for (answer,) in answers] == wanted
        assert set(seen[-1][1]) == {0.0}
