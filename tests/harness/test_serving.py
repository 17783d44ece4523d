"""A kept model answers as it did when it was evaluated, however it is asked."""

import json
from dataclasses import replace

import pytest
from cells import composed, small_setup

from harness import experiment, probing, record, serving
from harness.contracts import InputError
from harness.measure.stopwatch import Stopwatch
from harness.planning import configuration
from harness.scenarios import generation, offline, single_stream
from harness.scenarios.same_shape import SameShape

CELLS = [
    ("classification", "gpt2", ()),
    ("classification", "bert", ()),
    ("ner", "gpt2", ()),
    ("ner", "twin_bert", ()),
    ("ner", "gpt2", ("mode=echo",)),
    ("ner", "twin_gpt", ("mode=unmask_top",)),
    ("matching", "gpt2", ("mode=echo",)),
    ("matching", "bert", ("mode=both_orders",)),
    ("generation", "gpt2", ()),
    ("generation", "bert", ()),
    ("generation", "bert", ("mode=mask_predict",)),
]
PROBE = configuration.build(composed("probe=quick")["probe"], "probe")


@pytest.fixture(scope="module", params=CELLS, ids=lambda c: "-".join([*c[:2], *c[2]]))
def kept(request, tmp_path_factory, shared_cache):
    task, model, more = request.param
    place = tmp_path_factory.mktemp("kept")
    setup = small_setup(place, shared_cache, f"model={model}", *more, task=task, keep=True)
    experiment.execute(setup)
    return setup, serving.tuned(setup)


def predictions(setup, classes):
    lines = (setup.folder / record.PREDICTIONS).read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines):
        yield (
            tuple(row["text"].split())
            if "text" in row
            else tuple(map(classes.index, row["answer"]))
        )


def test_answers_are_those_of_the_evaluation_alone_and_in_batches(kept):
    setup, served = kept
    expected = list(predictions(setup, list(record.read(setup.folder).data.classes)))
    alone = [served.answer(served.read([example]))[0] for example in served.examples]
    together = served.answer(served.read(served.examples))
    assert alone == expected
    assert together == expected


def test_weights_lie_where_an_allocator_puts_them(kept):
    """Not at the odd addresses of a mapped file, which are slower to read."""
    _, served = kept
    assert {p.data_ptr() % 16 for p in served.model.parameters()} == {0}


def test_what_a_request_holds(kept):
    _, served = kept
    request = served.read(served.examples[:7])
    assert request.work["examples"] == 7
    assert request.work["words"] == sum(len(e.words) + len(e.second) for e in served.examples[:7])
    assert request.work["words"] < request.work["tokens"] <= request.work["positions"]


def test_the_subject_is_the_run(kept):
    setup, served = kept
    found = record.read(setup.folder)
    assert served.subject.checkpoint == found.checkpoint_digest
    assert served.subject.cell == found.identity
    assert "embedded" in served.subject.description


def test_every_scenario_asks_the_same_questions(kept):
    _, served = kept
    examples = served.examples[:12]
    one = [call.run()[0] for call in single_stream.Model().calls(served, examples)]
    assert one == [call.run()[0] for call in single_stream.EndToEnd().calls(served, examples)]
    batches = offline.Offline(4).calls(served, examples)
    assert sorted(a for call in batches for a in call.run()) == sorted(one)
    assert sum(call.work["examples"] for call in batches) == len(examples)


def test_a_shape_is_exactly_as_asked(kept):
    _, served = kept
    scenario = SameShape(tokens=24, new=6, batch_size=3)
    (call,) = scenario.calls(served, served.examples[:1])
    assert call.work == {"examples": 3, "tokens": 72, "positions": 72}
    answer = call.run()
    assert len(answer) == 3
    assert not SameShape(tokens=served.longest + 1).fits(served)


def test_texts_of_exact_length_and_their_timeline(kept):
    _, served = kept
    if not served.writes:
        assert not generation.WholeText().fits(served)
        return
    line = generation.timeline(served, served.examples[0], Stopwatch(), tokens=9)
    times = [line.asked, line.ready, *line.heard, line.done]
    assert times == sorted(times)
    assert line.tokens == 9
    assert len(line.heard) == (1 if served.iterations else 9)
    assert line.work["tokens"] == 9
    free = generation.timeline(served, served.examples[0], Stopwatch())
    assert free.tokens == (None if served.iterations else len(free.heard))
    assert ("tokens" in free.work) == (free.tokens is not None)


def test_of_beams_the_whole_text_is_timed_though_no_first_token_is_heard(kept):
    _, served = kept
    if not served.writes or served.iterations:
        return
    beams = replace(served.parts.decoding, search="beam", beams=2)
    served = replace(served, parts=replace(served.parts, decoding=beams))
    (whole,) = probing.written(served, served.examples[:3], Stopwatch(), 5)
    assert (whole.name, len(whole.wall_seconds)) == ("generation/whole text", 3)
    assert whole.work["tokens"] == [5, 5, 5]


def test_no_more_is_written_than_fits(kept):
    _, served = kept
    if not served.writes:
        return
    room = served.room_to_write
    assert generation.WholeText(room).fits(served)
    assert not generation.WholeText(room + 1).fits(served)
    long = [replace(served.examples[0], words=served.examples[0].words * 20)]
    served.answer(served.read(long), room)
    with pytest.raises(InputError, match=f"probe.fixed_tokens={room + 1}.* {room} tokens"):
        probing.measured(served, replace(PROBE, fixed_tokens=room + 1), Stopwatch())


def test_other_numbers_of_iterations_share_the_weights(kept):
    _, served = kept
    if served.iterations is None:
        return
    once = generation.with_iterations(served, 1)
    assert (once.iterations, served.iterations) == (1, 10)
    ours, theirs = served.model.parameters(), once.model.parameters()
    assert all(a is b for a, b in zip(ours, theirs, strict=True))
    request = served.read(served.examples[:5])
    assert len(once.answer(request)) == 5


def test_a_cell_without_a_kept_model_says_how_to_get_one(tmp_path, shared_cache):
    setup = small_setup(tmp_path, shared_cache)
    with pytest.raises(InputError, match=r"checkpoint=all"):
        serving.tuned(setup)
