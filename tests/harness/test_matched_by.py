"""A pair pretrained for as many updates or for as many tokens with a loss, and its report."""

from dataclasses import replace
from itertools import islice

import pytest
import torch
from cells import SMALL, composed, small_setup
from synthetic import cell, leave, made, model

from harness import experiment, pretrain, report, train
from harness.cells import foundation
from harness.comparing import aggregate, findings, mismatch
from harness.contracts import InputError
from harness.models import encoding
from harness.models.encoding import UNBOUNDED, Room
from harness.planning import configuration
from harness.weights import assets

LOSS_TOKENS = "pretraining=loss_tokens"
PAIRS = {"mini": ("gpt2", "bert"), "twin": ("twin_gpt", "twin_bert")}


def built(*overrides):
    config = composed(*SMALL, *overrides)
    return tuple(configuration.build(config[key], key) for key in ("model", "pretraining", "data"))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    assets.save_tokenizer(folder, built()[2].vocabulary, [], 0)
    return pretrain.load_tokenizer(folder)


def read(tokenizer, *overrides):
    """A model, its pretraining, its corpus as ids, and the number of its updates."""
    backbone, plan, _ = built(*overrides)
    special = pretrain.specials(tokenizer)
    encoded = encoding.encode(plan.corpus(), tokenizer, backbone.frame(special), Room(UNBOUNDED))
    return backbone, plan, encoded, pretrain.updates_of(encoded, backbone, plan, special)


def lessons(tokenizer, backbone, plan, encoded, updates):
    """Tokens asked for by each update."""
    special, rng = pretrain.specials(tokenizer), torch.Generator().manual_seed(plan.seed)
    asked = []
    for chosen in islice(pretrain._batches(encoded, plan), updates):
        ids, real = pretrain.batching.texts(encoded, chosen, special.pad)
        asked.append(int((backbone.lesson(ids, real, special, rng).targets != -100).sum()))
    return asked


# --- how many updates -----------------------------------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS)
def test_the_encoder_ends_with_the_update_at_which_it_has_as_many(tokenizer, pair):
    gpt, bert = (read(tokenizer, LOSS_TOKENS, f"model={name}") for name in PAIRS[pair])
    assert gpt[3] == 12
    ours, theirs = (lessons(tokenizer, *side) for side in (gpt, bert))
    assert len(theirs) == bert[3] > 3 * 12
    assert sum(theirs) >= sum(ours) > sum(theirs[:-1])


def test_what_is_drawn_to_count_is_what_training_draws(tokenizer):
    """With any seed: another one's draws would now and then end an update earlier or later."""
    (gpt, plan, ours, _), (bert, _, theirs, _) = (
        read(tokenizer, LOSS_TOKENS, f"model={name}") for name in PAIRS["mini"]
    )
    special = pretrain.specials(tokenizer)
    for seed in range(12):
        seeded = replace(plan, seed=seed)
        updates = pretrain.updates_of(theirs, bert, seeded, special)
        asked = lessons(tokenizer, bert, seeded, theirs, updates)
        wanted = sum(lessons(tokenizer, gpt, seeded, ours, 12))
        assert sum(asked) >= wanted > sum(asked[:-1])


@pytest.mark.parametrize("name", PAIRS["mini"])
def test_by_updates_both_take_those_that_are_set(tokenizer, name):
    assert read(tokenizer, f"model={name}")[3] == 12


def test_an_encoder_that_hides_more_goes_on_for_less_long(tokenizer):
    few, many = (
        read(tokenizer, LOSS_TOKENS, "model=bert", f"model.mask_share={share}")[3]
        for share in (0.3, 0.6)
    )
    assert few == pytest.approx(2 * many, abs=3)


def test_both_read_the_same_batches_and_the_encoder_goes_on_through_them(tokenizer):
    gpt, bert = (read(tokenizer, LOSS_TOKENS, f"model={name}") for name in PAIRS["mini"])
    ours, theirs = (
        [one.tolist() for one in islice(pretrain._batches(side[2], side[1]), side[3])]
        for side in (gpt, bert)
    )
    assert theirs[: len(ours)] == ours
    assert len({index for batch in ours for index in batch}) < 400  # not yet an epoch
    assert len({index for batch in theirs for index in batch}) == 400


@pytest.mark.parametrize("name", PAIRS["mini"])
def test_the_rate_ends_with_a_models_own_last_update(tmp_path, shared_cache, name, monkeypatch):
    rates, rate = [], train.rate
    monkeypatch.setattr(train, "rate", lambda *given: rates.append(given) or rate(*given))
    config = composed(*SMALL, LOSS_TOKENS, f"model={name}", "pretraining.updates=3")
    laid = foundation.lay((config, str(tmp_path), True))
    facts = laid.asset.pretraining
    asked = dict.fromkeys(given[:2] for given in rates)  # once for each group of parameters
    assert list(asked) == [(step, facts["updates"]) for step in range(facts["updates"])]
    assert facts["match"] == "loss_tokens"
    assert (facts["updates"] == 3) == (name == "gpt2")


# --- what stays as it was -------------------------------------------------------------------------


def test_cells_and_weights_of_before_the_choice_are_the_same_ones():
    before = {
        "_target_", "corpus", "updates", "batch_size", "lr", "warmup_share", "weight_decay",
        "clip_norm", "seed",
    }  # fmt: skip
    assert set(configuration.scientific(composed(), writes=False)["pretraining"]) == before
    assert set(built()[1].knobs()) == before - {"_target_", "corpus"}


def test_another_match_is_another_cell_and_other_weights():
    ours, theirs = (
        configuration.scientific(composed(*more), writes=False) for more in ((), (LOSS_TOKENS,))
    )
    assert theirs["pretraining"] == ours["pretraining"] | {"match": "loss_tokens"}
    assert built(LOSS_TOKENS)[1].knobs() == built()[1].knobs() | {"match": "loss_tokens"}


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (("pretraining.match=tokens",), "pretraining.match=tokens: expected updates or"),
        ((LOSS_TOKENS, "model.mask_share=0"), "model.mask_share=0: expected a share above 0"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_made(tmp_path, overrides, told):
    config = composed(*SMALL, "model=bert", *overrides)
    with pytest.raises(InputError, match=told):
        foundation.lay((config, str(tmp_path), True))
    assert not list(tmp_path.rglob("*"))


def test_a_forecast_knows_who_goes_on(tmp_path):
    costs = {}
    for name in PAIRS["mini"]:
        for match in ("updates", "loss_tokens"):
            config = composed(*SMALL, f"model={name}", f"pretraining.match={match}")
            costs[name, match] = foundation.lay((config, str(tmp_path), False)).asset_flops
    assert costs["gpt2", "loss_tokens"] == costs["gpt2", "updates"] > 0
    assert costs["bert", "loss_tokens"] == pytest.approx(costs["bert", "updates"] / 0.3)


# --- what is reported -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(tmp_path_factory, shared_cache):
    """Both models, pretrained either way."""
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("results")
    for name in PAIRS["mini"]:
        for more in ((), (LOSS_TOKENS,)):
            setup = small_setup(place, shared_cache, f"model={name}", *more, task="matching")
            experiment.execute(setup)
    return place


def contrasts(place):
    """By what the pretraining was matched by."""
    (group,) = aggregate.compare(place).groups
    found = {}
    for one in group.contrasts:
        (by,) = {mismatch.matched_by(arm.first) for arm in (one.gpt, one.bert)}
        found[by] = group, one
    return found


def test_records_hold_what_each_side_had(results):
    for by, (_, one) in contrasts(results).items():
        gpt, bert = (arm.first.model.pretraining for arm in (one.gpt, one.bert))
        assert gpt["match"] == bert["match"] == by
        if by == "updates":
            assert gpt["updates"] == bert["updates"] == 12
            assert gpt["tokens"] == bert["tokens"]
            assert bert["loss_tokens"] < 0.4 * gpt["loss_tokens"]
        else:
            assert gpt["updates"] == 12 < bert["updates"]
            assert bert["tokens"] > 3 * gpt["tokens"]
            assert bert["loss_tokens"] == pytest.approx(gpt["loss_tokens"], rel=0.1)


def test_the_decoder_is_the_same_and_the_encoder_another(results):
    found = contrasts(results)
    ours, theirs = (found[by][1] for by in ("updates", "loss_tokens"))
    digests = [
        [arm.first.model.weights_digest for arm in (one.gpt, one.bert)] for one in (ours, theirs)
    ]
    assert digests[0][0] == digests[1][0]
    assert digests[0][1] != digests[1][1]


def test_like_is_set_against_like(results):
    found = contrasts(results)
    assert set(found) == {"updates", "loss_tokens"}
    assert all(one.difference is not None and not one.refused for _, one in found.values())


def test_the_report_says_what_the_pair_was_matched_by(results):
    text = report.render(findings.find([results]))
    box = text.split("### Match")[1].split("\n#")[0]
    usual, other = box.split("GPT is **")[1:]
    if "match=loss_tokens" in usual.partition("\n")[0]:
        usual, other = other, usual
    assert "Pretraining was matched by updates, as many for both" in usual
    assert "but pretrained for as many loss tokens" not in usual
    assert "Pretraining was matched by tokens with a loss, as many for both" in other
    assert "but pretrained for as many loss tokens instead of as many updates" in other
    rows = {
        line.split("|")[1].strip(): line.split("|")[5].strip()
        for line in other.splitlines()
        if line.startswith("|")
    }
    assert rows["pretraining updates"] == rows["pretraining tokens"] == "apart"


def side(family, tokens, loss_tokens, **facts):
    of = cell(family=family)
    told = {"objective": "x", "updates": 10, "tokens": tokens, "loss_tokens": loss_tokens}
    return of, model(of, pretraining={**told, **facts})


@pytest.mark.parametrize(
    ("bert", "match", "scope"),
    [
        ((1000, 300), "updates", "same data and size"),
        ((3300, 1000), "updates", "these checkpoints"),
        ((3300, 1000), "loss_tokens", "same data and size"),
        ((3300, 900), "loss_tokens", "these checkpoints"),
    ],
)
def test_a_verdict_is_about_a_pair_whose_amounts_are_alike_in_what_it_was_matched_by(
    tmp_path, bert, match, scope
):
    for of, facts in (
        side("gpt", 1000, 1000, match=match),
        side("bert", *bert, match=match),
    ):
        leave(tmp_path, of, model=facts)
    (group,) = aggregate.compare(tmp_path).groups
    assert mismatch.scope(group, group.contrasts[0]) == f"embedded world, {scope}"


def test_of_older_records_the_embedded_ones_were_matched_by_updates():
    old = made(cell())
    assert mismatch.matched_by(old) == "updates"
    assert mismatch.matched_by(made(cell(weights="mine"))) is None
    of = cell(weights="mine")
    told = model(of, pretraining={"match": "loss_tokens"})
    assert mismatch.matched_by(made(of, model=told)) == "loss_tokens"
    assert mismatch.matched_by(made(of, model=model(of, pretraining=None))) is None
