"""Labels read off a mean: which tokens it takes, and that nothing else of a model changes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cells import SMALL, composed, small_setup
from test_backbones import BERT, GPT, SPECIALS, predictor, probed

from harness import alarms, experiment, record, report, serving
from harness.backbones.family import Frame
from harness.cells import foundation
from harness.comparing import aggregate, findings
from harness.models import batching, encoding
from harness.modes.mean import Mean
from harness.scenarios.same_shape import SameShape
from harness.scenarios.streaming import Streaming

MEAN = Mean("mean")
SAME = 1e-5
FAMILIES = pytest.mark.parametrize("backbone", [GPT, BERT], ids=["gpt", "bert"])


def texts(*words):
    """Encoded texts, or pairs of them, whose words are of so many tokens; framed by 2 and 3."""
    rng, growing = np.random.default_rng(0), encoding.Growing()
    for one in words:
        pair = isinstance(one, tuple)
        growing.add([2], [rng.integers(6, 60, n).tolist() for n in (one[0] if pair else one)])
        start = growing.add([3], [rng.integers(6, 60, n).tolist() for n in one[1]]) if pair else 0
        growing.close([3], start if pair else None)
    return growing.encoded([9] * len(words))


def batch_of(encoded, *chosen):
    targets = [np.zeros(1, np.int64)] * len(encoded.words)
    return batching.collate(encoded, targets, np.array(chosen), "mean", SPECIALS.pad)


def places(batch):
    return [row.nonzero().flatten().tolist() for row in batch.averaged]


# --- what is averaged -----------------------------------------------------------------------------


def test_every_token_of_a_word_and_no_special_one():
    batch = batch_of(texts([1, 3, 1], [2], ([1, 2], [1, 1])), 2, 0, 1)
    assert places(batch) == [[1, 2, 3, 5, 6], [1, 2, 3, 4, 5], [1, 2]]
    assert not (batch.averaged & ~batch.real).any()
    assert len(batch.rows) == len(batch.columns) == len(batch.targets) == 3


def test_a_text_without_words_is_what_is_there():
    batch = batch_of(texts([1, 3, 1], []), 0, 1)
    assert places(batch) == [[1, 2, 3, 4, 5], [0, 1]]


def test_no_other_way_of_reading_averages():
    encoded, targets = texts([1, 2]), [np.zeros(2, np.int64)]
    for read_at in ("cls", "last", "first_piece", "last_piece"):
        assert batching.collate(encoded, targets, np.array([0]), read_at, 0).averaged is None


def test_the_places_are_those_of_either_frame():
    """Words alone decide, however many special tokens stand around them."""
    pieces = [[7], [8, 9, 10], [11]]
    for before, after in (([2], [3]), ([], [5]), ([2, 2], [3, 3])):
        frame, growing = Frame(before, after), encoding.Growing()
        growing.add(frame.before, pieces)
        growing.close(frame.after, None)
        batch = batch_of(growing.encoded([3]), 0)
        assert batch.ids[batch.averaged].tolist() == [7, 8, 9, 10, 11]


# --- the model ------------------------------------------------------------------------------------


@FAMILIES
def test_the_answer_is_the_mean_of_the_states_that_the_native_mode_has(backbone):
    model, native = predictor(backbone, mode=MEAN).eval(), predictor(backbone).eval()
    batch = batch_of(texts([1, 3, 1], [2, 1]), 0, 1)
    with torch.inference_mode():
        hidden = native.represent(batch.ids, batch.real, batch.segments)
        wanted = torch.stack([hidden[0, 1:6].mean(0), hidden[1, 1:4].mean(0)])
        assert torch.equal(model.represent(batch.ids, batch.real, batch.segments), hidden)
        assert (model.features(batch) - wanted).abs().max() < 1e-6
        assert (model(batch) - model.head(wanted)).abs().max() < 1e-6


def padded_on_the_left(batch):
    empty = (~batch.real).sum(1).tolist()

    def turned(values):
        return torch.stack([row.roll(n) for row, n in zip(values, empty, strict=True)])

    names = ("ids", "real", "averaged", "segments")
    return replace(batch, **{name: turned(getattr(batch, name)) for name in names})


@FAMILIES
def test_neither_company_nor_the_side_of_padding_matters(backbone):
    model = predictor(backbone, mode=MEAN).eval()
    encoded = texts([1, 3], [2, 1, 1, 1, 1, 4, 2], [1], ([2], [1, 1]))
    together = batch_of(encoded, 0, 1, 2, 3)
    left = padded_on_the_left(together)
    assert left.real[:, -1].all()
    with torch.inference_mode():
        right = model(together)
        assert (model(left) - right).abs().max() <= SAME
        for index in range(4):
            assert (model(batch_of(encoded, index))[0] - right[index]).abs().max() <= SAME
    assert (right[0] - right[1]).abs().max() > 100 * SAME


@FAMILIES
def test_probes_see_the_mask_of_the_family(backbone):
    seen = probed(predictor(backbone, mode=MEAN))
    causal = backbone.mode == "causal"
    assert seen["claimed"] == f"{backbone.mode}_mean"
    assert seen["left_only"] == (causal, causal)
    assert (seen["left_change"] <= 1e-6) == causal
    assert seen["right_change"] > 1e-3
    assert seen["padding_change"] <= SAME


@FAMILIES
def test_the_answer_depends_on_every_word(backbone):
    model = predictor(backbone, mode=MEAN).eval()
    batch = batch_of(texts([1, 1, 1, 1]), 0)
    with torch.inference_mode():
        before = model(batch)
        for place in range(1, 5):
            ids = batch.ids.clone()
            ids[0, place] = 6 + (int(ids[0, place]) - 5) % 54
            assert (model(replace(batch, ids=ids)) - before).abs().max() > 1e-4


@FAMILIES
def test_both_orders_are_each_a_mean(backbone):
    mode = Mean("mean", both_orders=True)
    model = predictor(backbone, mode=mode).eval()
    assert model.mode.name == f"{backbone.mode}_mean_both_orders"
    one = batch_of(texts(([1, 2], [1]), ([1], [1])), 0, 1)
    other = batch_of(texts(([1], [1, 2, 1]), ([3], [3])), 0, 1)
    batch = batching.stacked([one, other])
    with torch.inference_mode():
        apart = (model(one) + model(other)) / 2
        assert (model(batch) - apart).abs().max() < 1e-6


# --- cells ----------------------------------------------------------------------------------------

REASONS = {"ner": "words are tagged one by one", "generation": "a text is written token by token"}


@pytest.mark.parametrize("task", REASONS)
@pytest.mark.parametrize("model", ["gpt2", "bert"])
def test_other_answers_are_refused_and_nothing_is_made(tmp_path, model, task):
    config = composed(*SMALL, "mode=mean", f"model={model}", f"task={task}")
    laid = foundation.lay((config, str(tmp_path), True))
    assert REASONS[task] in laid.unsupported
    assert "mode=mean" in laid.unsupported
    assert laid.asset is None
    assert not list(tmp_path.rglob("*"))


def test_what_is_asked_untuned_is_refused(tmp_path):
    config = composed(*SMALL, "mode=mean", "strategy=prompt")
    laid = foundation.lay((config, str(tmp_path), False))
    assert "mode=causal_mean is for tuning" in laid.unsupported


@pytest.mark.parametrize(
    ("strategy", "model", "task"),
    [
        ("full", "gpt2", "matching"),
        ("freeze", "bert", "matching"),
        ("lora", "bert", "classification"),
        ("head_only", "gpt2", "classification"),
    ],
)
def test_a_cell_says_how_it_reads_and_keeps_what_no_class_has(
    tmp_path, shared_cache, strategy, model, task
):
    words = ("mode=mean", f"model={model}", f"strategy={strategy}", "train.lr=3e-3")
    setup = small_setup(tmp_path, shared_cache, *words, task=task, keep=True)
    folder = Path(experiment.execute(setup))
    found, counts = record.read(folder), record.read_counts(folder)
    assert found.cell.mode == {"gpt2": "causal_mean", "bert": "bidirectional_mean"}[model]
    assert found.model.pooling == "mean"
    assert found.data.reader == {"gpt2": "causal/last", "bert": "bidirectional/last"}[model]
    assert found.data.caps
    assert not [a for a in alarms.examine(found, counts) if a.number in ("11", "13")]
    card = " ".join((folder / record.CHECKPOINT / "README.md").read_text().split())
    assert "mean over the tokens of a text" in card
    assert "No class of transformers can express this model" in card


def test_what_is_served_answers_alike_in_any_batch(tmp_path, shared_cache):
    setup = small_setup(
        tmp_path, shared_cache, "mode=mean", "model=gpt2", task="classification", keep=True
    )
    experiment.execute(setup)
    served = serving.tuned(setup)
    some = served.examples[:12]
    with torch.inference_mode():
        together = served.model(served.read(some).batch)
        alone = torch.cat([served.model(served.read([one]).batch) for one in some])
        native = replace(served.read(some).batch, averaged=None)
        assert (together - alone).abs().max() <= SAME
        assert (served.model(native) - together).abs().max() > 100 * SAME
    assert not Streaming().fits(served)
    request = SameShape(tokens=20, batch_size=2).request(served)
    assert request.batch.averaged.all()
    assert len(served.answer(request)) == 2


def test_a_report_names_the_mode_and_says_that_no_rate_was_searched(tmp_path, shared_cache):
    for model in ("gpt2", "bert"):
        for mode in ("native", "mean"):
            experiment.execute(
                small_setup(
                    tmp_path, shared_cache, f"model={model}", f"mode={mode}", task="matching"
                )
            )
    (group,) = aggregate.compare(tmp_path).groups
    pairs = {(c.gpt.key.mode, c.bert.key.mode): c for c in group.contrasts}
    assert pairs["causal_mean", "bidirectional_mean"].difference is not None
    assert not pairs["causal_mean", "bidirectional_mean"].native
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in report.render(findings.find([tmp_path])).splitlines()
        if line.startswith("|") and "learning rate not tuned" in line
    ]
    told = {row[2].replace("\\", ""): row[4] for row in rows}
    assert told == {
        "causal": "last", "causal_mean": "mean",
        "bidirectional": "cls", "bidirectional_mean": "mean",
    }  # fmt: skip
