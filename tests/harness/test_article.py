"""The arithmetic behind two claims: what 97.3 % on CoNLL-2003 counts, and how large the two are."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from synthetic import cell, leave

from harness import plan
from harness.claims import EQUIVALENT, REVERSED, SUPPORTED, UNDETERMINED, article, judge, size
from harness.comparing import findings

REAL = os.environ.get("GPT_OR_BERT_DATA")
PLAN = plan.default()


def judged(root, named=PLAN):
    (found,) = [one for one in judge(findings.find([root], named)) if one.claim.id == "C14"]
    return found


def test_a_tagger_that_finds_nothing_scores_more_than_is_printed():
    assert round(article.outside_on_tokens(), 3) == 0.825
    assert round(article.outside_on_positions(), 3) == 0.982
    assert article.outside_on_positions() > article.PRINTED == 0.973


@pytest.mark.parametrize(
    ("margin", "status"), [(0.01, EQUIVALENT), (0.005, REVERSED), (None, UNDETERMINED)]
)
def test_the_printed_figure_is_judged_by_the_plans_margin(tmp_path, margin, status):
    leave(tmp_path, cell())
    margins = {"entity_f1": 0.01} | ({} if margin is None else {"accuracy": margin})
    one = judged(tmp_path, replace(PLAN, margins=margins))
    assert one.status == status
    assert ("margins.accuracy" in one.detail) == (margin is None)
    assert ("finds no entity at all" in one.detail) == (margin is not None)


def test_a_figure_that_no_such_tagger_reaches_would_be_supported(tmp_path, monkeypatch):
    leave(tmp_path, cell())
    monkeypatch.setattr(article, "PRINTED", 0.995)
    one = judged(tmp_path)
    assert (one.status, one.detail) == (SUPPORTED, "")


def test_both_counts_of_runs_on_record_stand_beside_it(tmp_path, monkeypatch):
    """One entity in eight words, so a wrong one costs an eighth of a word's share."""
    for seed in (0, 1):
        leave(tmp_path, cell(seed=seed))
    arm = findings.find([tmp_path], PLAN).comparison.groups[0].arms[0]
    entities = arm.scores[0].estimate.mean
    right, apart, outside = judged(tmp_path).numbers[4:]
    assert right.value.mean == pytest.approx(1 - (1 - entities) / 8)
    assert apart.value.mean == pytest.approx(7 / 8 * (1 - entities))
    assert (outside.value.mean, outside.signed) == (7 / 8, False)
    monkeypatch.setattr(article, "token_level", lambda _: None)
    (nothing,) = judged(tmp_path).numbers[4:]
    assert nothing.value.startswith("not measured")


@pytest.mark.data
@pytest.mark.skipif(REAL is None, reason="GPT_OR_BERT_DATA is not set: no public data sets to read")
def test_the_public_test_split_holds_what_is_counted():
    text = (Path(str(REAL)) / "conll2003/bio/test.txt").read_text(encoding="utf-8")
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    sentences = [b for b in blocks if b and not b[0].startswith("-DOCSTART-")]
    tags = [line.split()[-1] for sentence in sentences for line in sentence]
    assert len(sentences) == article.SENTENCES
    assert len(tags) == article.TOKENS
    assert sum(tag != "O" for tag in tags) == article.IN_ENTITIES
    assert max(map(len, sentences)) <= article.MAX_LENGTH


def test_released_models_differ_in_what_is_not_their_layers():
    assert size.gpt2_total() == 124_439_808
    assert size.bert_total() == 109_482_240
    assert round(size.gpt2_layers() / 1e6, 3) == 85.056
    assert round(size.bert_layers() / 1e6, 3) == 85.054
    rest = size.gpt2_total() - size.gpt2_layers(), size.bert_total() - size.bert_layers()
    assert rest == ((50257 + 1024) * 768, (30522 + 512 + 2 + 2 + 768 + 1) * 768)


def test_layers_are_counted_part_by_part():
    """Attention, feed-forward and norms of one layer of width 8, weight by weight."""
    small = size.Published(vocabulary=11, positions=7, width=8, layers=1)
    attention = 4 * (8 * 8 + 8)
    forward = 8 * 32 + 32 + 32 * 8 + 8
    norms = 2 * (8 + 8)
    assert small.blocks() == attention + forward + norms
    assert size.gpt2_total(small) == 18 * 8 + small.blocks() + 16
    assert size.bert_total(small) == 18 * 8 + 2 * 8 + 16 + small.blocks() + 8 * 8 + 8
