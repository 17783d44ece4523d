"""Kept runs of the embedded models beside `transformers.pipeline`: equal labels, CPU time.

A thousand texts each, alone and in batches. Run with `-s` to see the table: ratios are of process
time, interleaved, and are printed, not asserted. What is timed begins with texts and ends with
answers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from transformers import pipeline

sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))
from cells import small_setup

from harness import experiment, predict, record
from harness.kept import exported, predict_model, predict_words
from harness.kept.predict_lines import Asked

ROUNDS, TEXTS = 3, 1000
CELLS = [
    (task, model)
    for task in ("classification", "ner")
    for model in ("gpt2", "bert", "twin_gpt", "twin_bert")
    if (task, model) != ("ner", "twin_gpt")  # transformers has no class for it
]


def kept(tmp_path, cache, task, model):
    setup = small_setup(
        tmp_path, cache, f"model={model}", "data.train_size=400", f"data.test_size={TEXTS}",
        "train.epochs=4", "train.lr=0.003", task=task, keep=True,
    )  # fmt: skip
    folder = Path(experiment.execute(setup))
    rows = [json.loads(line) for line in (folder / record.PREDICTIONS).open(encoding="utf-8")]
    return folder, rows


def loaded(folder):
    return predict_model.load(folder, predict.kept(folder), predict_words.blanks)


@pytest.mark.slow
@pytest.mark.parametrize(("task", "model"), CELLS)
def test_the_same_labels_as_a_pipeline(tmp_path, shared_cache, task, model, capsys):
    torch.set_num_threads(1)
    folder, rows = kept(tmp_path, shared_cache, task, model)
    ours, form = loaded(folder), exported.read(folder / record.CHECKPOINT)
    theirs = pipeline(form.pipeline, model=str(folder / record.CHECKPOINT), device="cpu")
    texts = [" ".join(row["words"]) for row in rows]
    asked = [Asked(text) for text in texts]
    more = {"ignore_labels": []} if task == "ner" else {}
    for size in (1, 32):
        seconds = {"ours": [], "pipeline": []}
        for _ in range(ROUNDS):
            start = time.process_time()
            mine = ours.answers(asked, size)
            seconds["ours"].append(time.process_time() - start)
            start = time.process_time()
            yours = theirs(texts, batch_size=size, **more)
            seconds["pipeline"].append(time.process_time() - start)
        ratios = [p / o for p, o in zip(seconds["pipeline"], seconds["ours"], strict=True)]
        with capsys.disabled():
            shown = " ".join(f"{ratio:.2f}" for ratio in ratios)
            print(f"\n{task} {model}, batch {size}: pipeline's CPU time x ours {shown}", end="")
        piece = ours.served.read_at
        for row, one, other in zip(rows, mine, yours, strict=True):
            if task == "ner":
                _same_tags(row, one, other, piece)
            else:
                assert [one["label"]] == [other["label"]] == row["answer"]
                assert one["score"] == pytest.approx(other["score"], abs=1e-4)


def _same_tags(row, one, other, piece):
    starts = {found["start"]: found for found in other}
    ends = {found["end"]: found for found in other}
    tags, place = [], 0
    for word in row["words"]:
        end = place + len(word)
        tags.append((starts[place] if piece == "first_piece" else ends[end])["entity"])
        place = end + 1
    assert tags == row["answer"]
    wanted = sorted(predict_model.entity_f1.spans(tags))
    assert [found["type"] for found in one["entities"]] == [kind for _, _, kind in wanted]


@pytest.mark.slow
def test_lines_are_answered_as_they_come_until_nobody_reads(tmp_path, shared_cache):
    folder, _ = kept(tmp_path, shared_cache, "classification", "gpt2")
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.predict", f"run={folder}"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    timer = threading.Timer(600, process.kill)
    timer.start()
    process.stdin.write("the inn\nein \u00fc\n".encode())
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["text"] == "the inn"
    assert json.loads(process.stdout.readline())["text"] == "ein \u00fc"
    process.stdout.close()
    process.stdin.write(b"more\n" * 10)
    process.stdin.close()
    assert process.wait() == 0
    assert process.stderr.read() == b""
    timer.cancel()
