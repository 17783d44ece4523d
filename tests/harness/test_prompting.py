"""Cells that are answered without tuning: prompts, solved examples, records, refusals."""

import dataclasses
import random
from collections import Counter
from pathlib import Path

import made_checkpoints as made
import numpy as np
import pytest
import torch
from asked import TEST, TRAIN, Asked
from cells import composed, small_setup
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from harness import alarms, experiment, predict, record, report
from harness.cells import foundation, labelling, prompting
from harness.comparing import aggregate
from harness.contracts import Example, InputError, Unsupported
from harness.planning import configuration
from harness.planning.expansion import Planned
from harness.sweeps import sweep

PAIRS = (
    'strategy.template="{text} {second} {label} ."',
    "strategy.words={different: another, same: again}",
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("prompting")
    return {kind: made.make(kind, root / kind) for kind in ("gpt2", "bert", "bert_cased")}


def read(encoded, row):
    return encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]].tolist()


# --- prompts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
@pytest.mark.parametrize("shots", [0, 3])
def test_long_texts_lose_their_ends_and_nothing_else_is_cut(folders, kind, shots):
    chosen = tuple(dataclasses.replace(e, words=e.words * 9) for e in TRAIN[:shots])
    cell = Asked(folders[kind], chosen, room=130)
    long = [dataclasses.replace(e, words=e.words * 40) for e in TEST]
    (rows, solved), longest = cell.prompts.of(long), max(map(len, cell.prompts.labels))
    assert (rows.lengths + longest <= 130).all()
    assert (rows.lengths + longest > 115).all()  # what fits is read
    assert (rows.words > rows.kept).all()
    ask = [t for w in ("it", "was") for t in cell.prompts.tokens[w]]
    end = cell.prompts.after
    for row in range(len(long)):
        ids = read(rows, row)[: -len(end) or None]
        assert ids[-len(ask) :] == ask
        assert read(rows, row)[len(ids) :] == end
    even = cell.prompts.space // (shots + 1)
    for row, shot in enumerate(chosen):
        ids, label = read(solved, row), cell.prompts.labels[shot.target]
        tail = [t for w in (",", "wise", ".") for t in cell.prompts.tokens[w]]
        assert ids[-len(label) - len(tail) :] == [*label, *tail]
        assert 0 < solved.kept[row] < len(shot.words)
        assert len(ids) <= even + len(cell.prompts.tokens["Near"]) + len(ask + label + tail)
        assert ids in [read(rows, 0)[i : i + len(ids)] for i in range(len(read(rows, 0)))]


def test_what_was_cut_is_counted(folders):
    cell = Asked(folders["gpt2"], room=40)
    long = [dataclasses.replace(e, words=e.words * 9) for e in TEST]
    rows, _ = cell.prompts.of(long)
    targets = [np.array([e.target]) for e in long]
    found = labelling.truncation(prompting.Side(long, [rows], targets, "last", 0))
    assert found["cut_examples"] == len(TEST)
    assert found["cut_words"] == sum(len(e.words) for e in long) - rows.kept.sum()


def test_without_room_for_texts_there_is_one_message(folders):
    with pytest.raises(InputError, match=r"strategy.shots=2.*no room.*train.max_length=30"):
        Asked(folders["bert"], TRAIN[:2], room=30)


def test_labels_that_a_tokenizer_makes_alike_are_refused(folders):
    with pytest.raises(InputError, match="labels Warm and warm become the same tokens"):
        Asked(folders["bert"], labels=("Warm", "warm"))
    assert Asked(folders["bert_cased"], labels=("Near", "near"))


def test_what_a_tokenizer_does_not_know_is_not_asked(folders):
    with pytest.raises(Unsupported, match="does not know '\u732b'"):
        Asked(folders["bert"], labels=("warm", "\u732b"))
    assert Asked(folders["gpt2"], labels=("warm", "\u732b"))  # its letters are bytes


@pytest.mark.parametrize(("kind", "token"), [("bert", "[MASK]"), ("gpt2", "<|endoftext|>")])
def test_special_tokens_are_no_words(folders, kind, token):
    with pytest.raises(InputError, match="is a special token of this model"):
        Asked(folders[kind], template=f"{{text}} {token} {{label}}")


# --- solved examples ----------------------------------------------------------------------------


def test_solved_examples_are_drawn_label_by_label_by_the_seed_alone():
    for count in range(len(TRAIN) + 1):
        found = prompting.drawn(TRAIN, count, 7)
        assert found == prompting.drawn(TRAIN, count, 7)
        assert len({e.id for e in found}) == count
        each = Counter(e.target for e in found)
        assert max(each.values(), default=0) - min((each[k] for k in range(3)), default=0) <= 1
    draws = {tuple(e.id for e in prompting.drawn(TRAIN, 4, seed)) for seed in range(9)}
    assert len(draws) > 5
    orders = {tuple(e.target for e in prompting.drawn(TRAIN, 3, seed)) for seed in range(9)}
    assert len(orders) > 2


def test_a_rare_label_gives_all_it_has():
    skewed = [dataclasses.replace(e, target=int(i == 0)) for i, e in enumerate(TRAIN)]
    assert Counter(e.target for e in prompting.drawn(skewed, 6, 0)) == {0: 5, 1: 1}
    with pytest.raises(InputError, match=r"strategy.shots=10: there are 9 training examples"):
        prompting.drawn(skewed, 10, 0)


# --- planted knowledge --------------------------------------------------------------------------

SIDES = (("slow", "cold", "lost", "lazy"), ("warm", "funny", "wise", "quick"))
ASKED = ("the dog", "the fox")  # of as many tokens each: how many gaps there are must tell nothing
FILLERS = ("the", "film", "food", "river", "card", "service", "bicycle")


def reviews(count, seed):
    rng = random.Random(seed)
    for number in range(count):
        side = number % 2
        words = [rng.choice(FILLERS) for _ in range(4)]
        words[rng.randrange(4)] = rng.choice(SIDES[side])
        yield Example(str(number), tuple(words), side)


def taught(kind, folder, steps):
    """A checkpoint that has read solved prompts, in its own pretraining's way."""
    folder = made.make(kind, folder)
    cell = Asked(folder, labels=ASKED)
    auto = AutoModelForCausalLM if kind in made.DECODERS else AutoModelForMaskedLM
    model = auto.from_pretrained(folder)
    descent = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for step in range(steps):
        examples = list(reviews(16, step))
        rows, _ = cell.prompts.of(examples)
        lessons = [solved(cell, read(rows, row), e.target) for row, e in enumerate(examples)]
        if kind not in made.DECODERS:
            lessons = [hidden(cell, lesson, random.Random(step)) for lesson in lessons]
        padded = [
            torch.nn.utils.rnn.pad_sequence(side, True, fill)
            for side, fill in zip(zip(*lessons, strict=True), (0, -100), strict=True)
        ]
        there = torch.nn.utils.rnn.pad_sequence([torch.ones(len(x)) for x, _ in lessons], True)
        model(input_ids=padded[0], attention_mask=there, labels=padded[1]).loss.backward()
        descent.step()
        descent.zero_grad()
    model.save_pretrained(folder)
    return folder


def solved(cell, prompt, target):
    """A prompt with its label, and the label alone as what is asked for."""
    label, place = cell.prompts.labels[target], len(prompt) - len(cell.prompts.after)
    asked = [*[-100] * place, *label, *[-100] * len(cell.prompts.after)]
    return torch.tensor([*prompt[:place], *label, *prompt[place:]]), torch.tensor(asked)


def hidden(cell, lesson, rng):
    """The same with the end of the label hidden, as much of it as the draw says."""
    ids, asked = lesson
    spots = asked.ne(-100).nonzero()[:, 0]
    gap = spots[rng.randrange(len(spots)) :]
    here = torch.zeros_like(ids, dtype=torch.bool).index_fill(0, gap, True)
    return ids.masked_fill(here, cell.reader.specials.mask), asked.masked_fill(~here, -100)


@pytest.mark.parametrize("kind", ["gpt2", "bert"])
def test_what_a_model_was_taught_comes_out_and_of_others_nothing(tmp_path, kind, folders):
    held_out = list(reviews(200, -1))
    gold = torch.tensor([e.target for e in held_out])
    steps = {"gpt2": 80, "bert": 200}[kind]
    for folder, knows in ((taught(kind, tmp_path / kind, steps), True), (folders[kind], False)):
        cell = Asked(folder, labels=ASKED)
        cell.scorer.asked = dataclasses.replace(cell.scorer.asked, score="pmi")
        right = float((cell.scores(held_out).argmax(1) == gold).float().mean())
        assert (right > 0.9) if knows else (0.3 < right < 0.7)


# --- cells --------------------------------------------------------------------------------------


def cell_of(tmp_path, cache, *overrides, task="classification", **of):
    return small_setup(tmp_path, cache, "strategy=prompt", *overrides, task=task, **of)


@pytest.mark.parametrize("model", ["gpt2", "bert"])
def test_a_cell_leaves_a_record_in_which_nothing_was_spent(tmp_path, shared_cache, model):
    setup = cell_of(tmp_path, shared_cache, f"model={model}", keep=True)
    folder = Path(experiment.execute(setup))
    kept, counts = record.read(folder), record.read_counts(folder)
    assert (kept.outcome.status, kept.evaluated) == ("finished", "test")
    log = kept.training
    assert (log.steps, log.examples, log.tokens, log.cpu_seconds, log.evaluations) == (
        0,
        0,
        0,
        0,
        [],
    )
    assert kept.model.parameters["trainable"] == kept.model.parameters["head"] * 0
    assert kept.model.training_flops(log.tokens) == 0
    assert kept.config["train"] == {"max_length": 128}
    assert kept.config["strategy"]["template"] == "{text} and {label} ."
    assert kept.config["strategy"]["words"] == {"negative": "dull", "positive": "superb"}
    assert kept.answering["tokens"] > kept.data.words["test"] / 60
    assert kept.answering["flops"] > 0
    assert kept.checkpoint_digest is None
    assert not (folder / record.CHECKPOINT).exists()
    assert not [a for a in alarms.examine(kept, counts) if a.number == "11"]
    assert kept.probes["left_only"] == ([True, True] if model == "gpt2" else [False, False])
    assert sum(counts.reliability["answers"]) == 60
    with pytest.raises(InputError, match="tunes nothing, so there is no tuned model"):
        predict.kept(folder)


def scored(tmp_path, cache, *overrides, change=lambda splits: splits):
    setup = cell_of(tmp_path, cache, *overrides)
    laid = setup.foundation
    laid = dataclasses.replace(laid, splits=change(laid.splits))
    folder = Path(experiment.execute(dataclasses.replace(setup, foundation=laid)))
    return (folder / record.PREDICTIONS).read_bytes()


def test_seeds_vary_the_solved_examples_and_nothing_else(tmp_path, shared_cache):
    zero = [scored(tmp_path, shared_cache, f"seed={seed}") for seed in (0, 1)]
    assert zero[0] == zero[1]
    few = [scored(tmp_path, shared_cache, f"seed={s}", "strategy.shots=2") for s in (0, 1)]
    assert few[0] != few[1]
    again = scored(tmp_path / "again", shared_cache, "seed=1", "strategy.shots=2")
    assert again == few[1]


def test_dev_is_never_looked_at_and_train_gives_the_solved_examples(tmp_path, shared_cache):
    def without_dev(splits):
        return dataclasses.replace(splits, dev=())

    def without_words(splits):
        gone = tuple(dataclasses.replace(e, words=("the",)) for e in splits.train)
        return dataclasses.replace(splits, train=gone)

    shots = "strategy.shots=2"
    plain = scored(tmp_path / "a", shared_cache, shots)
    assert scored(tmp_path / "b", shared_cache, shots, change=without_dev) == plain
    assert scored(tmp_path / "c", shared_cache, shots, change=without_words) != plain


def test_the_same_examples_are_solved_for_both_models_of_a_pair(tmp_path, shared_cache):
    drawn = []
    for model in ("gpt2", "bert"):
        setup = cell_of(tmp_path, shared_cache, f"model={model}", "strategy.shots=4", "seed=3")
        work = experiment.Asking(setup, setup.foundation.asset, experiment.parts_of(setup.config))
        drawn.append([e.id for e in work.prepared.shots.examples])
        assert {e.target for e in work.prepared.shots.examples} == {0, 1}
        assert all("-train-" in name for name in drawn[-1])
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("model", ["gpt2", "bert"])
def test_pairs_are_asked_about_and_ranked(tmp_path, shared_cache, model):
    for task in ("matching", "ranking"):
        more = ["task.headline=auc"] if task == "ranking" else []
        setup = cell_of(tmp_path, shared_cache, f"model={model}", *PAIRS, *more, task=task)
        folder = Path(experiment.execute(setup))
        columns = record.read_counts(folder).columns
        assert ("auc_pairs" if task == "ranking" else "correct") in columns


def test_a_decoder_writes_as_it_came(tmp_path, shared_cache):
    setup = cell_of(
        tmp_path, shared_cache, "model=gpt2", "decoding.max_new_tokens=8", task="generation"
    )
    kept = record.read(Path(experiment.execute(setup)))
    assert (kept.training.steps, kept.answering) == (0, None)
    assert kept.likelihood.bits > 0
    assert kept.model.parameters["trainable"] == 0


UNSUPPORTED = [
    (("task=ner",), "tagged one by one"),
    (("task=matching",), "the vocabulary of data=world has no First:, Second:, Label:, differ"),
    (("strategy.words={negative: awful, positive: marvellous}",), "has no marvellous"),
    (("model=gpt2", "mode=echo"), "mode=echo is for tuning"),
    (("model=gpt2", "mode=unmask"), "mode=unmask is for tuning"),
    (("task=matching", "mode=both_orders", *PAIRS), "both_orders is for tuning"),
    (("model=bert", "task=generation"), "an encoder learnt to fill gaps"),
    (("model=gpt2", "task=generation", "mode=prefix_lm"), "reads its input both ways"),
    (("model=gpt2", "task=generation", "strategy.shots=2"), "without solved examples"),
]


@pytest.mark.parametrize(("overrides", "why"), UNSUPPORTED)
def test_what_makes_no_sense_is_told_at_planning(tmp_path, shared_cache, overrides, why):
    config = composed("strategy=prompt", *overrides, "data.train_size=8", "data.dev_size=8")
    laid = foundation.lay((config, str(shared_cache), False))
    assert laid.unsupported.startswith("strategy=prompt: ")
    assert why in laid.unsupported


def test_a_mistake_in_a_template_is_told_at_planning(shared_cache):
    config = composed("strategy=prompt", 'strategy.template="{text}"')
    with pytest.raises(InputError, match=r"{label} is missing"):
        foundation.lay((config, str(shared_cache), False))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [(("probe=quick",), "keeps no tuned model.*~probe ~race"), (("role=tuning",), "no rate to")],
)
def test_nothing_is_searched_or_measured(overrides, message):
    config = {"sweep": None, "probe": None, "race": None, **composed("strategy=prompt", *overrides)}
    with pytest.raises(InputError, match=message):
        sweep.run([Planned(config, {"model": "gpt2"})])


def test_only_what_can_change_an_answer_is_its_identity():
    config = composed("strategy=prompt", "train.lr=0.5", "train.epochs=3")
    other = composed("strategy=prompt", "train.lr=0.1", "train.epochs=9")
    assert configuration.scientific(config, False) == configuration.scientific(other, False)
    shorter = composed("strategy=prompt", "train.max_length=50")
    assert configuration.scientific(config, False) != configuration.scientific(shorter, False)


def test_a_report_says_that_seeds_do_not_vary_what_is_not_trained(tmp_path, shared_cache):
    for model in ("gpt2", "bert"):
        for seed in range(3):
            experiment.execute(cell_of(tmp_path, shared_cache, f"model={model}", f"seed={seed}"))
    (group,) = aggregate.compare(tmp_path).groups
    (contrast,) = group.contrasts
    assert contrast.gpt.fixed
    assert contrast.difference.se > 0
    assert contrast.difference.seeds == 3
    front = Path(report.write([tmp_path])).read_text(encoding="utf-8")
    assert "no training: seeds do not vary it" in front
    assert "asked without any tuning about the same examples" in front
    pages = [p.read_text(encoding="utf-8") for p in (tmp_path / "report").glob("*.md")]
    assert any("nothing was trained, so seeds do not vary it; an answer takes" in p for p in pages)
