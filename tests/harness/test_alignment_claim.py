"""Claim C16: labels by word against labels by piece; the latter are never taken for the former."""

import os

import pytest
from rendered import text_of
from test_claims import PLAN, WIDE, found, only, pair, read

from harness.claims import DEPENDS, EQUIVALENT, NOT_TESTED, REVERSED, SUPPORTED, UNDETERMINED
from harness.comparing.verdicts import main
from harness.record import BY_PIECE

MODES = {"gpt": "causal", "bert": "bidirectional"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


def trained(root, gpt, bert, by_piece=False, lr=1e-3, trials=None, **words):
    """Both families with their labels laid on words, or on pieces."""
    for family, share in (("gpt", gpt), ("bert", bert)):
        if share is None:
            continue
        mode = {"name": "native", **({"labels": "pieces"} if by_piece else {})}
        of = {"mode": MODES[family] + (BY_PIECE if by_piece else "")}
        other = {("bert" if family == "gpt" else "gpt", seed) for seed in range(20)}
        pair(
            root, share, share, lacking=other, **of, **words,
            config=lambda *_, mode=mode: {"mode": mode, "train": {"lr": lr}},
            tuning=None if trials is None else {"trials": trials},
        )  # fmt: skip


@pytest.mark.parametrize(
    ("by_word", "by_piece", "named", "status"),
    [
        ((0.9, 0.9), (0.4, 0.4), PLAN, SUPPORTED),
        ((0.4, 0.4), (0.9, 0.9), PLAN, REVERSED),
        ((0.8, 0.8), (0.805, 0.805), WIDE, EQUIVALENT),
        ((0.9, 0.4), (0.4, 0.9), PLAN, DEPENDS),
        ((0.8, 0.8), (0.78, 0.78), PLAN, UNDETERMINED),
    ],
)
def test_both_models_are_asked(tmp_path, by_word, by_piece, named, status):
    trained(tmp_path, *by_word)
    trained(tmp_path, *by_piece, by_piece=True)
    one = only(tmp_path, "C16", named)
    assert one.status == status
    assert [n.label for n in one.decided] == [
        f"ner, {side}: labels by word - by piece" for side in ("GPT", "BERT")
    ]
    assert [n.label for n in one.numbers[2:]] == [
        f"ner, {side}, labels by {way}, entity F1 (strict IOB2)"
        for side in ("GPT", "BERT")
        for way in ("word", "piece")
    ]


def test_the_difference_is_that_of_the_scores(tmp_path):
    trained(tmp_path, 0.9, 0.8)
    trained(tmp_path, 0.4, 0.5, by_piece=True)
    one = only(tmp_path, "C16")
    gpt, bert, *scores = (n.value.mean for n in one.numbers)
    assert (gpt, bert) == pytest.approx((scores[0] - scores[1], scores[2] - scores[3]))
    assert gpt > bert > 0


def test_labels_by_word_alone_test_nothing(tmp_path):
    trained(tmp_path, 0.9, 0.9)
    one = only(tmp_path, "C16")
    assert (one.status, one.detail.endswith("mode.labels=words,pieces")) == (NOT_TESTED, True)


def test_labels_by_piece_are_never_the_main_question(tmp_path):
    """Not even where they have more seeds, or nothing else is there."""
    trained(tmp_path / "both", 0.9, 0.6)
    before = only(tmp_path / "both", "C3a")
    trained(tmp_path / "both", 0.4, 0.9, by_piece=True, seeds=9)
    assert only(tmp_path / "both", "C3a") == before
    assert [v.contrast.gpt.key.mode for v in main(read(tmp_path / "both").verdicts)] == ["causal"]
    trained(tmp_path / "alone", 0.4, 0.9, by_piece=True)
    for claim in ("C3a", "C3b", "C5", "C10a", "C11", "C13", "C16"):
        assert {one.status for one in found(tmp_path / "alone", claim)} == {NOT_TESTED}, claim


def test_a_model_by_piece_has_no_rival_by_word(tmp_path):
    trained(tmp_path, 0.9, 0.6)
    trained(tmp_path, 0.4, 0.9, by_piece=True)
    (group,) = read(tmp_path).comparison.groups
    modes = {(c.gpt.key.mode, c.bert.key.mode) for c in group.contrasts}
    assert modes == {tuple(MODES.values()), tuple(m + BY_PIECE for m in MODES.values())}


def test_more_seeds_by_word_are_no_loss_and_another_rate_is_refused(tmp_path):
    trained(tmp_path, 0.9, 0.9, seeds=8)
    trained(tmp_path, 0.4, None, by_piece=True)
    trained(tmp_path, None, 0.4, by_piece=True, lr=1e-2)
    one = only(tmp_path, "C16")
    (decided,) = one.decided
    assert (decided.label, decided.value.status) == (
        "ner, GPT: labels by word - by piece",
        SUPPORTED,
    )
    assert one.status == UNDETERMINED
    assert "BERT: labels by word - by piece: refused: runs differ in train.lr" in one.detail


def test_the_rate_that_was_searched_by_word_holds_for_both(tmp_path):
    """A search by piece as well would need as many trials."""
    trained(tmp_path, 0.9, 0.9, trials=8)
    trained(tmp_path / "none", 0.4, 0.4, by_piece=True)
    assert only(tmp_path, "C16").status == SUPPORTED
    trained(tmp_path / "four", 0.9, 0.9, trials=8)
    trained(tmp_path / "four", 0.4, 0.4, by_piece=True, trials=4, lr=1e-2)
    assert "tuning.trials (8 and 4)" in only(tmp_path / "four", "C16").detail


def test_reports_name_them_wherever_they_stand(tmp_path):
    """Also where nothing else is there that they could be told from."""
    trained(tmp_path, 0.4, 0.9, by_piece=True)
    text = text_of(tmp_path)
    assert "causal_by_piece" in text
    assert "bidirectional_by_piece" in text
    assert "choose **" not in text.lower()


def test_a_control_is_nothing_to_choose(tmp_path):
    trained(tmp_path, 0.9, 0.6)
    trained(tmp_path, 0.4, 0.9, by_piece=True)
    text = text_of(tmp_path)
    assert text.count("by_piece left out: a control: its training labels were laid on pieces") == 2
