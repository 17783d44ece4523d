"""Label scores against `transformers` itself, one example and one label at a time."""

import dataclasses

import made_checkpoints as made
import pytest
import torch
from asked import LABELS, TEMPLATE, TEST, TRAIN, Asked
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from harness.models import scoring
from harness.models.scoring import opened


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("scoring")
    return {kind: made.make(kind, root / kind) for kind in made.KINDS}


class Plain:
    """The same by `transformers` alone: whole strings, no batch, no padding, no memory."""

    def __init__(self, folder, kind, shots):
        auto = AutoModelForCausalLM if kind in made.DECODERS else AutoModelForMaskedLM
        self.decoder = kind in made.DECODERS
        self.model = auto.from_pretrained(folder).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.spaced = kind in ("gpt2", "distilgpt2", "roberta", "modernbert", "ettin_decoder")
        self.solved = [self.filled(e.words, LABELS[e.target], TEMPLATE) for e in shots]

    def filled(self, words, label, template):
        filled = template.replace("{text}", " ".join(words)).replace("{label}", label)
        return " ".join(filled.split())

    def ids(self, text):
        if not text:
            return []
        return self.tokenizer(
            (" " if self.spaced else "") + text, add_special_tokens=False
        ).input_ids

    def frame(self):
        """As the tokenizer's own template has it; GPT-2 starts a text with its end token."""
        ids = self.tokenizer("a").input_ids
        inner = self.tokenizer("a", add_special_tokens=False).input_ids
        start = next(i for i in range(len(ids)) if ids[i : i + len(inner)] == inner)
        before, after = ids[:start], ids[start + len(inner) :]
        return before or [self.tokenizer.eos_token_id], after

    def likelihood(self, words, label):
        before, after = self.frame()
        head, _, tail = TEMPLATE.partition(" {label}")
        prompt = [
            *before,
            *self.ids(" ".join([*self.solved, self.filled(words, "", head)])),
        ]
        wanted = self.ids(label)
        if self.decoder:
            shares = self.shares([*prompt, *wanted])
            return sum(float(shares[len(prompt) + i - 1, t]) for i, t in enumerate(wanted)), len(
                wanted
            )
        after = [*self.ids(tail.strip()), *after]
        total = 0.0
        for known, token in enumerate(wanted):
            masks = [self.tokenizer.mask_token_id] * (len(wanted) - known)
            shares = self.shares([*prompt, *wanted[:known], *masks, *after])
            total += float(shares[len(prompt) + known, token])
        return total, len(wanted)

    def shares(self, ids):
        with torch.inference_mode():
            return self.model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)

    def score(self, words, label, how):
        found, tokens = self.likelihood(words, label)
        if how == "mean":
            return found / tokens
        return found - self.likelihood((), label)[0] if how == "pmi" else found


WHOLE = [kind for kind in made.KINDS if kind != "llama"]  # its blanks let pieces span words


@pytest.mark.parametrize("shots", [(), TRAIN[:2]], ids=["zero", "few"])
@pytest.mark.parametrize("kind", WHOLE)
def test_scores_are_those_of_a_plain_loop(folders, kind, shots):
    cell, plain = Asked(folders[kind], shots), Plain(folders[kind], kind, shots)
    examples = [dataclasses.replace(e, words=e.words[:2]) for e in TEST] if shots else TEST
    for how in ("sum", "mean", "pmi"):
        cell.scorer.asked = dataclasses.replace(cell.scorer.asked, score=how)
        found = cell.scores(examples).double()
        expected = [[plain.score(e.words, label, how) for label in LABELS] for e in examples]
        assert torch.allclose(found, torch.tensor(expected).double(), atol=2e-4, rtol=1e-5)
    assert len(set(map(len, cell.prompts.labels))) > 1  # labels of several tokens, not as many


@pytest.mark.parametrize("kind", made.KINDS)
def test_neither_batch_nor_side_of_padding_changes_a_score(folders, kind):
    cell = Asked(folders[kind])
    together, alone = cell.scores(), cell.scores(batch=1)
    assert torch.allclose(together, alone, atol=1e-4)
    rows, _ = cell.prompts.of(TEST)
    longest = int(rows.lengths.max()) + 3
    ids = torch.full((len(TEST), longest), cell.reader.specials.pad)
    real = torch.zeros_like(ids, dtype=torch.bool)
    for row in range(len(TEST)):
        text = torch.from_numpy(rows.ids[rows.offsets[row] : rows.offsets[row + 1]].copy()).long()
        ids[row, longest - len(text) :], real[row, longest - len(text) :] = text, True
    with torch.inference_mode():
        left = cell.scorer.likelihoods(ids, real)
    assert torch.allclose(left, alone, atol=1e-4)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert", "roberta"])
def test_labels_with_a_common_start_and_length_share_a_reading(folders, kind):
    labels = ("slow and cold", "slow and warm", "slow")
    cell = Asked(folders[kind], labels=labels)
    each = torch.cat(
        [Asked(folders[kind], labels=(one, "fox")).scores()[:, :1] for one in labels], 1
    )
    assert torch.allclose(cell.scores(), each, atol=1e-4)


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_label_tokens_do_not_depend_on_what_stands_before_them(folders, kind):
    cell = Asked(folders[kind], labels=("warm", "cold"))
    plain = Plain(folders[kind], kind, ())
    for label, tokens in zip(("warm", "cold"), cell.prompts.labels, strict=True):
        assert tokens == plain.ids(label)
        whole = plain.ids(f"It was {label}")
        assert whole[-len(tokens) :] == tokens
    if kind == "gpt2":
        assert cell.reader.tokenizer.convert_ids_to_tokens(cell.prompts.labels[0])[0][0] == "\u0120"


def test_a_decoder_reads_nothing_after_the_label_and_an_encoder_does(folders):
    other = TEMPLATE.replace("wise", "fox")
    gpt, bert = (
        [Asked(folders[k], template=t).scores() for t in (TEMPLATE, other)]
        for k in ("gpt2", "bert")
    )
    assert torch.equal(*gpt)
    assert not torch.allclose(*bert, atol=1e-3)


def test_the_work_of_an_answer_is_counted(folders):
    for kind in ("gpt2", "bert"):
        scorer = Asked(folders[kind], labels=LABELS).scorer
        read = []
        scorer.body.register_forward_pre_hook(
            lambda _, __, given, read=read: read.append(given["input_ids"].numel()),
            with_kwargs=True,
        )
        with torch.inference_mode():
            scorer.likelihoods(torch.full((1, 9), 7), torch.ones(1, 9, dtype=torch.bool))
        work = scorer.asked.work(9.0)
        assert (work["tokens"], work["passes"]) == (sum(read), len(read))


def test_a_gap_is_opened_in_each_row_at_its_own_place():
    ids = torch.tensor([[1, 2, 3, 0], [0, 4, 5, 6]])
    real = torch.tensor([[1, 1, 1, 0], [0, 1, 1, 1]], dtype=torch.bool)
    filled, there = opened(ids, real, torch.tensor([2, 4]), torch.tensor([8, 9]))
    assert filled.tolist() == [[1, 2, 8, 9, 3, 0], [0, 4, 5, 6, 8, 9]]
    assert there.long().tolist() == [[1, 1, 1, 1, 1, 0], [0, 1, 1, 1, 1, 1]]


def test_what_an_encoder_is_asked():
    asked = scoring.Asked([[5], [6, 7], [6, 8]], [], 1, 99, "sum")
    assert {gap: list(map(tuple, wanted)) for gap, wanted in asked.gaps.items()} == {
        (99,): [(0, 5)],
        (99, 99): [(1, 6), (2, 6)],
        (6, 99): [(1, 7), (2, 8)],
    }
