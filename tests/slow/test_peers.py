"""Beside HF Trainer and `pipeline`, on embedded NER and bodies of 4 x 256: equal answers, CPU time.

Same model, data and batch size.

Run with `-s` to see the table. Ratios are of process time, interleaved, and are printed, not
asserted: only quality and labels are.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import os
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset
from transformers import (
    AutoConfig,
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    Trainer,
    TrainingArguments,
    pipeline,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))
from cells import composed

from harness import metrics, train
from harness.cells import foundation, labelling, view
from harness.measure.stopwatch import Stopwatch
from harness.models import batching, encoding
from harness.planning import setup as setups

ROUNDS = 3
OVERRIDES = (
    "task=ner", "train.epochs=1", "train.dropout=0.1", "train.attention_dropout=0.1",
    "train.lr=1e-3",
)  # fmt: skip
DATA = {
    "world": ("data.train_size=1000",),
    "conll2003": ("data=conll2003", "data.train_limit=800"),
}
EACH = [
    pytest.mark.slow,
    pytest.mark.parametrize("model", ["gpt2", "bert"]),
    pytest.mark.parametrize("source", list(DATA)),
]


def each(test):
    for mark in EACH:
        test = mark(test)
    return test


class Rows(Dataset):
    """What HF Trainer reads: lists of ids, labels on one piece a word."""

    def __init__(self, side):
        self.rows = []
        for index in range(len(side.examples)):
            encoded = side.encoded[0]
            start, end = encoded.offsets[index : index + 2]
            labels = np.full(end - start, -100)
            where = encoded.positions(index, side.read_at.removesuffix("_piece"))
            labels[where] = side.targets[index][: len(where)]
            ids = encoded.ids[start:end].tolist()
            self.rows.append({"input_ids": ids, "labels": labels.tolist()})

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.rows[index]


def prepare(tmp_path, model, source):
    if source == "conll2003" and not os.environ.get("GPT_OR_BERT_DATA"):
        pytest.skip("set GPT_OR_BERT_DATA to the folder of the public data sets")
    config = composed(*OVERRIDES, *DATA[source], f"model={model}_4x256")
    laid = foundation.lay((config, str(tmp_path / "cache"), True))
    cell = setups.cell_of(config, laid, {"task": "ner", "strategy": "full"})
    place, cache = str(tmp_path), str(tmp_path / "cache")
    setup = setups.Setup(config, {}, laid, cell, "", place, cache, False, {}, None, None)
    parts = view.parts_of(config)
    work = labelling.Labelling(setup, laid.asset, parts)
    return SimpleNamespace(
        setup=setup, parts=parts, reader=work.reader, classes=work.classes, sides=work.sides
    )


def ours(case, epochs):
    predictor = labelling._predictor(
        case.setup, case.setup.foundation.asset, case.parts, case.reader, len(case.classes)
    )
    knobs = dataclasses.replace(case.parts.knobs, epochs=epochs)
    side = case.sides["train"]
    best = map(float, itertools.count()).__next__  # the last weights are the best
    log = train.train(
        predictor, predictor.loss, side.words, side.batch, best, knobs, 0, Stopwatch(), [].append
    )
    return predictor, log.cpu_seconds


def theirs(case, epochs, folder, group):
    config = AutoConfig.for_model(
        **case.parts.backbone.architecture, vocab_size=case.reader.specials.vocabulary,
        pad_token_id=case.reader.specials.pad, num_labels=len(case.classes),
    )  # fmt: skip
    torch.manual_seed(0)
    model = AutoModelForTokenClassification.from_config(config)
    knobs = case.parts.knobs
    arguments = TrainingArguments(
        output_dir=str(folder), learning_rate=knobs.lr,
        per_device_train_batch_size=knobs.batch_size,
        num_train_epochs=epochs, weight_decay=knobs.weight_decay, warmup_steps=knobs.warmup_share,
        max_grad_norm=knobs.clip_norm, report_to=[], save_strategy="no", logging_strategy="no",
        use_cpu=True, seed=0, disable_tqdm=True,
        train_sampling_strategy="group_by_length" if group else "random",
    )  # fmt: skip
    collate = DataCollatorForTokenClassification(case.reader.tokenizer)
    trainer = Trainer(
        model, arguments, data_collator=collate, train_dataset=Rows(case.sides["train"])
    )
    start = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        trainer.train()
    return model, time.process_time() - start


def f1(case, answer_of):
    side = case.sides["test"]
    answers = [() for _ in side.examples]
    for chosen in batching.in_order(side.words, 2000):
        batch = side.batch(chosen)
        best = answer_of(batch)
        per = torch.bincount(batch.rows, minlength=len(chosen)).tolist()
        for index, some in zip(chosen, best.split(per), strict=True):
            answers[index] = tuple(some.tolist())
    counts = case.parts.task.judge(side.examples, answers, case.classes)
    totals = {name: sum(column) for name, column in counts.columns.items()}
    return metrics.meter("entity_f1").value(totals)


def theirs_answer(model):
    def answer(batch):
        with torch.inference_mode():
            logits = model(input_ids=batch.ids, attention_mask=batch.real.long()).logits
        return logits[batch.rows, batch.columns].argmax(-1)

    model.eval()
    return answer


@each
def test_training_beside_trainer(tmp_path, model, source, capsys):
    torch.set_num_threads(1)
    case = prepare(tmp_path, model, source)
    times = {"ours": [], "trainer": [], "trainer, group_by_length": []}
    for number in range(ROUNDS):
        times["ours"].append(ours(case, 1)[1])
        times["trainer"].append(theirs(case, 1, tmp_path / f"a{number}", False)[1])
        times["trainer, group_by_length"].append(theirs(case, 1, tmp_path / f"b{number}", True)[1])
    predictor, _ = ours(case, 4)
    other, _ = theirs(case, 4, tmp_path / "c", False)
    with torch.inference_mode():
        mine = f1(case, lambda batch: predictor(batch).argmax(-1))
    yours = f1(case, theirs_answer(other))
    with capsys.disabled():
        for name, seconds in times.items():
            ratio = [s / o for s, o in zip(seconds, times["ours"], strict=True)]
            shown = " ".join(f"{r:.2f}" for r in ratio)
            print(
                f"\n{source} {model} {name}: CPU s {statistics.median(seconds):.1f},"
                f" x ours {shown}",
                end="",
            )
        print(f"\n{source} {model} test F1 after 4 epochs: ours {mine:.3f}, Trainer {yours:.3f}")
    assert abs(mine - yours) < 0.08


@each
def test_prediction_beside_pipeline(tmp_path, model, source, capsys):
    """The same weights in transformers' own class and pipeline: the same label for every word."""
    torch.set_num_threads(1)
    case = prepare(tmp_path, model, source)
    predictor, _ = ours(case, 2)
    config = predictor.body.config
    config.num_labels = len(case.classes)
    config.id2label = dict(enumerate(case.classes))
    other = AutoModelForTokenClassification.from_config(config, attn_implementation="sdpa")
    base = getattr(other, other.base_model_prefix)
    base.load_state_dict(predictor.body.state_dict(), strict=False)
    other.classifier.load_state_dict(predictor.head.state_dict())
    other.eval()
    prefix, suffix, _ = case.reader.frame
    tokenizer = framed(case.reader.tokenizer, prefix, suffix)
    pipe = pipeline("token-classification", model=other, tokenizer=tokenizer, device="cpu")
    side = uncut(case.sides["test"])
    texts = [" ".join(e.words) for e in side.examples]
    seconds = {"ours": [], "pipeline": []}
    for _ in range(ROUNDS):
        start = time.process_time()
        encoded = encoding.encode(
            [t.split() for t in texts], case.reader.tokenizer, case.reader.frame, case.reader.room
        )
        fresh = dataclasses.replace(side, encoded=[encoded])
        answers, _ = labelling._answers(predictor, fresh, case.parts.knobs)
        seconds["ours"].append(time.process_time() - start)
        start = time.process_time()
        found = pipe(texts, batch_size=32, ignore_labels=[])
        seconds["pipeline"].append(time.process_time() - start)
    same = sum(
        word_labels(rows, example, side.read_at) == [case.classes[a] for a in answer]
        for rows, example, answer in zip(found, side.examples, answers, strict=True)
    )
    ratio = [p / o for p, o in zip(seconds["pipeline"], seconds["ours"], strict=True)]
    with capsys.disabled():
        shown = " ".join(f"{r:.2f}" for r in ratio)
        print(f"\n{source} {model} pipeline CPU time x ours: {shown}; "
              f"equal labels in {same} of {len(texts)} sentences")  # fmt: skip
    assert same == len(texts)


def uncut(side):
    """Only examples that fit: pipeline fails on longer ones, where we cut."""
    fits = np.flatnonzero(side.encoded[0].kept == side.encoded[0].words)
    chosen = {name: [getattr(side, name)[i] for i in fits] for name in ("examples", "targets")}
    return dataclasses.replace(side, **chosen)


def framed(tokenizer, prefix, suffix):
    """A copy of the tokenizer that adds the family's frame by itself, as pipeline expects."""
    import copy

    from tokenizers.processors import TemplateProcessing

    new = copy.deepcopy(tokenizer)
    first, last = (new.convert_ids_to_tokens(ids[0]) for ids in (prefix, suffix))
    new.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, prefix[0]), (last, suffix[0])]
    )
    return new


def word_labels(rows, example, read_at):
    """The pipeline's label at the piece that answers for each word."""
    by_start = {row["start"]: row["entity"] for row in rows}
    by_end = {row["end"]: row["entity"] for row in rows}
    labels, place = [], 0
    for word in example.words:
        end = place + len(word)
        labels.append(by_start[place] if read_at == "first_piece" else by_end[end])
        place = end + 1
    return labels
