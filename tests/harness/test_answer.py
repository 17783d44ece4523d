"""The first screen: what it says of each kind of verdict, and what may speak against it."""

from dataclasses import replace

import measured
import pytest
from measured import gate, lane, race, subject
from rendered import rows, sections, text_of
from synthetic import SLICES, cell, data, leave, model

from harness import plan, record
from harness.comparing import findings, verdicts
from harness.report import answer, checks, sensitivity
from harness.statistics import decisions, stats
from harness.statistics.decisions import Settled

PLAN = plan.default()


def pair(root, gpt, bert, seeds=5, size=2000, task="classification", **words):
    """Both halves of a pair, with the given shares of right answers where there is something."""
    for seed in range(seeds) if isinstance(seeds, int) else seeds:
        for family, share in (("gpt", gpt), ("bert", bert)):
            of = cell(family=family, task=task, seed=seed, **words)
            chance = {name: 0.5 if name in ("none", "vague") else share for name in SLICES[task]}
            leave(root, of, share=chance, size=size, checkpoint_digest=record.digest(str(of)))


def first(root):
    return answer.answer(findings.find([root], PLAN))


def test_the_winner_is_named_with_both_scores(tmp_path):
    pair(tmp_path, 0.9, 0.6)
    text = first(tmp_path)
    assert "\n\nChoose **GPT** for classification.\n\n" in text
    assert "choose **GPT**: its accuracy is higher, .7" in text
    (row,) = rows(text, "**GPT**")
    assert row.endswith("| - | 5 seeds |")  # nothing was raced


def test_lower_is_better_is_said(tmp_path):
    for seed in range(5):
        for mode, share in (("causal", 0.95), ("unilm", 0.5)):
            family = "gpt" if mode == "causal" else "bert"
            leave(tmp_path, cell(family=family, task="generation", mode=mode, seed=seed), share)
    assert "choose **GPT**: its slot error rate is lower" in first(tmp_path)


def test_a_tie_is_left_to_cost(tmp_path):
    pair(tmp_path, 0.7, 0.7, size=6000)
    found = findings.find([tmp_path], replace(PLAN, embedded={"accuracy": 0.05}))
    text = answer.answer(found)
    assert "It does not matter for classification." in text
    assert "either will do, they are within .050 of each other: choose by cost" in text


def test_what_is_open_says_what_would_settle_it(tmp_path):
    pair(tmp_path, 0.7, 0.73, size=600, seeds=3)
    text = first(tmp_path)
    assert "Undetermined: classification." in text
    assert "no answer yet: BERT's advantage may be anything from " in text
    assert "would have been seen with 80 % power" in text
    assert "preliminary: 3 seeds" in text


@pytest.mark.parametrize(
    ("settled", "told"),
    [
        (Settled(12, 9000), "12 seeds (there are 5) or 9,000 test examples (there are 100)"),
        (Settled(None, 9000, "x"), "; if it is what it looks like, 9,000 test examples"),
        (Settled(None, None, "at the margin"), "; at the margin"),
        (None, ""),
    ],
)
def test_settling(settled, told):
    found = answer.settling(settled, stats.Estimate(0.1, 5, 100))
    assert told in found
    assert told or not found


def test_speed_of_the_other_is_a_proviso_only_beyond_the_margin(tmp_path):
    pair(tmp_path, 0.9, 0.6)
    everyone = [record.read(folder) for folder in record.folders(tmp_path)]
    gpt, bert = (
        next(one for one in everyone if (one.cell.family, one.cell.seed) == (family, 0))
        for family in ("gpt", "bert")
    )
    lanes = []
    for name, seconds in (("single stream/end to end", 0.0020), ("offline", 0.00273)):
        lanes += [*gate(name), *lane(name, (0.0030, seconds))]
    measured.keep(tmp_path, race(subject(gpt), subject(bert), lanes))
    found = findings.find([tmp_path], PLAN)
    (one,) = answer.primary(found)
    paces = list(answer._faster(found, one.contrast))
    assert [pace[:8] for pace in paces] == ["BERT 1.5", "BERT 1.1"]
    assert answer.answer(found).count("unless speed counts more") == 1
    assert "BERT 1.10x offline" not in answer.answer(found).split("unless speed counts more")[1]
    assert "unless speed counts more: BERT 1.50x one by one" in answer.answer(found)


def test_a_failed_gate_is_noise(tmp_path):
    gpt, bert = measured.pair(tmp_path, "classification")
    name = "offline"
    lanes = [*gate(name, apart=1.08), *lane(name, (0.003, 0.001))]
    measured.keep(tmp_path, race(subject(gpt), subject(bert), lanes))
    found = findings.find([tmp_path], PLAN)
    (one,) = answer.primary(found)
    assert list(answer._faster(found, one.contrast)) == ["noisy offline"]


def test_an_untrained_body_that_does_as_well_is_told(tmp_path):
    pair(tmp_path, 0.6, 0.9)
    pair(tmp_path, 0.8, 0.3, seeds=1, weights="scratch")
    text = first(tmp_path)
    assert "an untrained body did no worse than GPT (1 seed; see Controls)" in text
    assert "than BERT (1" not in text
    assert len(rows(text, "| classification |")) == 1  # untrained bodies are no question here


def test_only_so_many_questions_fit(tmp_path):
    for number in range(answer.MOST_ROWS + 2):
        pair(tmp_path, 0.6, 0.9, seeds=1, size=100, data=f"set{number}")
    text = first(tmp_path)
    assert "2 more questions stand under All comparisons." in text
    assert len(rows(text, "classification on set")) == answer.MOST_ROWS


def test_twins_are_told_from_the_usual_pair(tmp_path):
    pair(tmp_path, 0.6, 0.9, seeds=2)
    pair(tmp_path, 0.6, 0.9, seeds=2, task="matching")
    pair(tmp_path, 0.6, 0.9, seeds=2, pair="twin")
    text = first(tmp_path)
    assert rows(text, "| classification (twin) |")
    assert rows(text, "| classification |")


# --- sensitivity and cross-checks ---------------------------------------------------------------


def test_what_else_moves_a_score(tmp_path):
    pair(tmp_path, 0.6, 0.9, seeds=3)
    pair(tmp_path, 0.3, 0.9, seeds=1, weights="scratch")
    box = sections(text_of(tmp_path))["Sensitivity"]
    (seed,) = rows(box, "| gpt2, ", "| seed (3) |")
    assert all(part.startswith(".") for part in seed.strip("| ").split(" | ")[-3:])
    (bare,) = rows(box, "| gpt2, ", "| no pretraining |")
    assert bare.strip("| ").split(" | ")[-3].startswith("-.")


def test_nothing_varied(tmp_path):
    leave(tmp_path, cell())
    assert "Nothing was varied." in sensitivity.sensitivity(findings.find([tmp_path], PLAN))


def test_cross_checks_agree_where_the_difference_is_large(tmp_path):
    pair(tmp_path, 0.6, 0.9, seeds=3)
    found = findings.find([tmp_path], PLAN)
    (one,) = found.verdicts
    checked = checks.checked(one.contrast, one.contrast.difference)
    assert checked.agrees
    assert checked.p < 0.001
    assert checked.low < one.contrast.difference.mean < checked.high
    assert checks.checks(found) == checks.checks(findings.find([tmp_path], PLAN))
    (row,) = rows(checks.checks(found), "| classification |")
    assert "| yes |" in row


def test_cross_checks_use_the_seeds_of_both(tmp_path):
    pair(tmp_path, 0.6, 0.9, seeds=range(3, 6), size=300)
    for seed in range(3):  # seeds of one side only, on which GPT is perfect
        leave(tmp_path, cell(task="classification", seed=seed), {"lex": 1, "con": 1, "none": 0.5})
    (one,) = findings.find([tmp_path], PLAN).verdicts
    checked = checks.checked(one.contrast, one.contrast.difference)
    assert checked.low < one.contrast.difference.mean < checked.high


def test_bleu_is_checked_by_its_own_formula(tmp_path):
    for seed in range(3):
        for mode, share in (("causal", 0.9), ("unilm", 0.6)):
            family = "gpt" if mode == "causal" else "bert"
            of = cell(family=family, task="generation", mode=mode, seed=seed)
            names = ("bleu", "chrf")
            leave(tmp_path, of, share, metrics=names)
    margins = replace(PLAN, embedded={"bleu": 1.0})
    (one,) = findings.find([tmp_path], margins).verdicts
    assert one.contrast.gpt.columns is not None
    found = checks.checked(one.contrast, one.contrast.difference)
    plain = checks.crosschecks.crosscheck(
        one.contrast.difference,
        one.contrast.gpt.values,
        one.contrast.bert.values,
        checks.np.random.default_rng(checks.SEED),
    )
    assert found.low < one.contrast.difference.mean < found.high
    assert (found.low, found.high) != (plain.low, plain.high)
    assert found.low == pytest.approx(plain.low, rel=0.35)


def test_the_decision_that_is_shown_is_the_one_that_was_made(tmp_path):
    pair(tmp_path, 0.6, 0.9)
    pair(tmp_path, 0.7, 0.73, task="matching", size=500)
    found = findings.find([tmp_path], PLAN)
    for one in found.verdicts:
        assert one.decision is not None
        low, high = one.decision.low, one.decision.high
        assert f"[{low:+.3f}, {high:+.3f}]".replace("0.", ".") in answer.gap(one)
    assert PLAN.alpha == decisions.ALPHA


def test_the_mismatch_of_a_pair_stands_beside_its_verdict(tmp_path):
    for seed in range(2):
        leave(tmp_path, cell(seed=seed))
        of = cell(family="bert", seed=seed)
        leave(tmp_path, of, model=model(of, fertility=1.9))
    text = first(tmp_path)
    assert "(embedded world, these checkpoints)" in text
    assert "; GPT and BERT differ in tokens per word (1.21 and 1.9)." in text


# --- several kinds of runs in one folder --------------------------------------------------------


def own(root, gpt, bert, **words):
    """A pair from scratch on a user's own file."""
    for seed in range(5):
        for family, share in (("gpt", gpt), ("bert", bert)):
            of = cell(
                family=family, task="classification", data="reviews", seed=seed,
                pair="4x256", weights="scratch", **words,
            )  # fmt: skip
            leave(root, of, share=share, size=2000, data=data(of, 2000, source="files", caps={}))


def test_own_data_stand_beside_the_embedded_world(tmp_path):
    pair(tmp_path, 0.6, 0.9)
    pair(tmp_path, 0.3, 0.6, weights="scratch", seeds=2)  # controls are no question
    own(tmp_path, 0.9, 0.6)
    text = first(tmp_path)
    assert "Choose **BERT** for classification on world (mini). Choose **GPT** for classif" in text
    assert len(rows(text, "**BERT**")) == len(rows(text, "**GPT**")) == 1
    assert "accuracy .010" in text
    assert "accuracy (embedded world) .020" in text


def test_what_another_metric_contradicts_is_not_called_unseen(tmp_path, monkeypatch):
    pair(tmp_path, 0.6, 0.9)
    monkeypatch.setattr(verdicts, "contradicted", lambda *_: "conlleval")
    text = first(tmp_path)
    assert "undetermined (another metric says the opposite: conlleval)" in text
    assert "no answer yet" not in text
    assert "would settle" not in text


def test_settings_of_one_pair_are_told_apart(tmp_path):
    for epochs, share in ((5, 0.9), (15, 0.7)):
        for seed in range(5):
            for family, right in (("gpt", 0.6), ("bert", share)):
                of = cell(family=family, task="classification", seed=seed)
                config = {"train": {"lr": 1e-3, "epochs": epochs}, "seed": seed}
                chance = {"lex": right, "con": right, "none": 0.5}
                leave(tmp_path, of, share=chance, size=2000, config=config)
    text = first(tmp_path)
    assert len(rows(text, "train.epochs=15")) == len(rows(text, "train.epochs=5,")) == 1
    box = sections(text_of(tmp_path))["Sensitivity"]
    assert rows(box, "| gpt2, ", "train.epochs: 15 to 5")
    assert rows(box, "| bert, ", "| seed (5) |")


def test_one_seed_is_undetermined_in_table_and_words(tmp_path):
    pair(tmp_path, 0.6, 0.9, seeds=1)
    text = first(tmp_path)
    assert rows(text, "**undetermined**", "preliminary: 1 seed")
    assert "undetermined: one seed: these runs only" in text
    assert "no verdict" not in text
